"""The one use case: leads in, scores with their reasons out.

HTTP, the command line and bulk scoring all call this scorer, so that they cannot disagree. There is one pipeline:
decode, get margins, count, explain. It waits for margins where the provider has to ask for them. ``Scorer.one`` has a
fast way beside it for margins that are there at once; a property test holds both to the same bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Iterable, Iterator
from itertools import repeat
from time import perf_counter
from typing import NamedTuple

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Lead, Scored
from leadscoring.providers.provider import Given
from leadscoring.scoring.answer import Asked, add_details, answers, attribute
from leadscoring.scoring.served import Served
from leadscoring.stretches import Work
from leadscoring.telemetry.metrics import Spent

PART = 32
"""Leads in the first part of a batch; how many there are in the next depends on the time that this one took."""

PART_SECONDS = 0.0007
"""What a part of a batch should take, since everything else that the event loop has to do waits for its end."""

PARTS = 8, 256
"""The fewest and the most leads in one part."""

REFUSED_PART = 64
"""Leads in one part of a batch in which none is sound."""

NO_REASONS: Iterable[tuple[()]] = repeat(())


class Scorer:
    """Scores leads with what is ``served`` now: replacing that is one assignment, on the event loop's thread.

    A request that calls more than once takes ``served`` itself and hands it in with each call.
    """

    def __init__(self, served: Served) -> None:
        self.served = served

    async def one(self, body: bytes, asked: Asked, request_id: str) -> tuple[Scored, Spent]:
        """The score of the lead in ``body``, and the time it took.

        Raises a ``RequestError`` when the body is no lead that the contract allows.
        """
        began = perf_counter()
        served = self.served
        model = served.model
        lead, rows = model.decoder.one(body)
        decoded = perf_counter()
        margins = served.provider.margins(rows)
        if not isinstance(margins, list):
            spent = Spent(decoded - began)
            given = await had(served, rows, margins, decoded, spent)
            predicted = perf_counter()
            scored = Answering(served, asked, request_id, began, rows, rows.unseen, given).part([lead], 0)
            spent.explain = perf_counter() - predicted
            return scored[0], spent
        predicted = perf_counter()
        if served.count is not None:
            served.count(rows, margins)
        found = served.reasons(rows, asked.reasons) if asked.reasons else NO_REASONS
        scored = answers(model, request_id, [lead], margins, found, rows.unseen)
        if asked.details:
            add_details(model, scored, margins, began)
        return scored[0], Spent(decoded - began, predicted - decoded, perf_counter() - predicted)

    async def many(
        self, body: bytes, limit: int, asked: Asked, request_id: str, spent: Spent, served: Served | None = None
    ) -> AsyncIterator[list[Scored | RequestError]]:
        """What stands at each place of the batch in ``body``, in order: a score, or why there is none.

        Comes in parts, so that the caller can let others have the event loop between two of them; the first parts
        of a long batch are empty and say only that more of it was decoded. Each lead's answer is the same to the last
        bit whatever the parts. ``spent`` gets the time it took. Raises a ``RequestError`` before the first part when
        the body is no batch.
        """
        began = going = perf_counter()
        served = served or self.served
        reading = Work(served.model.decoder.reading(body, limit))
        for _ in reading:
            spent.decode += perf_counter() - going
            yield []
            going = perf_counter()
        places, rows = reading.result
        spent.decode += perf_counter() - going
        spent.places = len(places)
        if rows is None:  # no place holds a lead
            for start in range(0, len(places), REFUSED_PART):
                yield [place for place in places[start : start + REFUSED_PART] if not isinstance(place, Lead)]
            return
        yield []
        asking = perf_counter()
        given = await had(served, rows, served.provider.margins(rows), asking, spent)
        for part in Answering(served, asked, request_id, began, rows, rows.unseen, given).parts(places, spent):
            yield part

    async def encoded(self, rows: Rows, spent: Spent, served: Served | None = None) -> list[float]:
        """The margin of each row, in log-odds, in order, for rows that a caller encoded by the contract.

        ``spent`` gets the time it took. Raises an ``EndpointError`` when a remote model did not score.
        """
        asking = perf_counter()
        served = served or self.served
        return (await had(served, rows, served.provider.margins(rows), asking, spent)).margins


async def had(
    served: Served, rows: Rows, margins: list[float] | Awaitable[Given], asking: float, spent: Spent
) -> Given:
    """The margins of rows, counted, once they are there; ``asking`` is when the provider was asked for them."""
    if isinstance(margins, list):
        given = Given(margins)
        spent.predict = perf_counter() - asking
    else:
        given = await margins
        spent.predict = spent.waited = perf_counter() - asking
    if served.count is not None:
        served.count(rows, given.margins)
    return given


class Answering(NamedTuple):
    """The answers to one request whose margins are there, which come in parts."""

    served: Served
    asked: Asked
    request_id: str
    began: float
    rows: Rows
    unseen: list[tuple[int, int]]
    """The row and the feature of each category never seen."""

    given: Given

    def part(self, leads: list[Lead], first: int) -> list[Scored]:
        """The answers for the leads whose rows begin with ``first``."""
        served, asked, given, rows, unseen = self.served, self.asked, self.given, self.rows, self.unseen
        end = first + len(leads)
        margins = given.margins[first:end]
        explained = asked.reasons and given.unexplained is None
        found = served.reasons(rows, asked.reasons, first, end) if explained else NO_REASONS
        warned = [(place - first, feature) for place, feature in unseen if first <= place < end] if unseen else []
        scored = answers(served.model, self.request_id, leads, margins, found, warned)
        if asked.details:
            add_details(served.model, scored, margins, self.began)
        if given.served_by is not UNSET:
            attribute(served.model, scored, given, asked)
        return scored

    def parts(self, places: list[Lead | RequestError], spent: Spent) -> Iterator[list[Scored | RequestError]]:
        """What stands at each place of a batch; ``spent`` gets the time that each part took."""
        done, start, size = 0, 0, PART
        while start < len(places):
            part, going = places[start : start + size], perf_counter()
            leads = [place for place in part if isinstance(place, Lead)]
            each = iter(self.part(leads, done))
            done += len(leads)
            told = [next(each) if isinstance(place, Lead) else place for place in part]
            start += size
            took = perf_counter() - going
            spent.explain += took
            size = min(max(int(size * PART_SECONDS / max(took, 1e-9)), PARTS[0]), PARTS[1])
            yield told
