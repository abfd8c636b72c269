"""The central use case: scores leads and explains the scores.

HTTP, the command line and bulk scoring all use this scorer, so that their results agree. There is one pipeline:
decode, compute margins, count, explain. It awaits the margins of remote providers. ``Scorer.one`` also has a fast
path for margins that are available immediately; a property test ensures that both return the same bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from itertools import repeat
from time import perf_counter
from typing import NamedTuple

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import LeadObjected, RequestError
from leadscoring.lead import Lead, Scored
from leadscoring.ledger.segments import FALLBACK, REMOTE
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Given
from leadscoring.scoring.answer import Asked, add_details, answers, attribute
from leadscoring.scoring.objections import Places, without_objected
from leadscoring.scoring.remarks import Remark, remarks_on
from leadscoring.scoring.served import Served
from leadscoring.stretches import Stretches, Work
from leadscoring.telemetry.metrics import Spent

PART = 32
"""Leads in the first part of a batch; the size of each next part depends on how long the previous one took."""

PART_SECONDS = 0.0007
"""Target duration of a part of a batch in seconds, during which the event loop is blocked."""

PARTS = 8, 256
"""Minimum and maximum number of leads in one part."""

REFUSED_PART = 64
"""Leads in one part of a batch without any valid lead."""

NO_REASONS: Iterable[tuple[()]] = repeat(())


class Scorer:
    """Scores leads with the current ``served``; replacing it is a single assignment on the event loop's thread.

    A request that makes several calls reads ``served``, and the moment ``now``, once and passes them to each of them.
    """

    def __init__(self, served: Served) -> None:
        self.served = served
        self.objected: Callable[[str], bool] | None = None
        """Whether the person of a lead, by its id, objected to being scored; ``None`` while nobody has."""

    async def one(self, body: bytes, asked: Asked, request_id: str) -> tuple[Scored, Spent]:
        """Scores the lead in ``body``; returns the answer and the time spent.

        Raises a ``RequestError`` if the body is not a lead that satisfies the contract, or if its person objected,
        ``NotRecorded`` if the score cannot be kept and must be.
        """
        began = perf_counter()
        served = self.served
        model = served.model
        lead, rows = model.decoder.one(body)
        if self.objected is not None and self.objected(lead.lead_id):
            raise LeadObjected(lead.lead_id)
        decoded = perf_counter()
        margins = served.provider.margins(rows)
        if not isinstance(margins, list):
            spent = Spent(decoded - began)
            given = await had(served, rows, margins, decoded, spent, request_id, [lead])
            predicted = perf_counter()
            scored = Answering(served, asked, request_id, began, rows, remarks_on(model, rows), given).part([lead], 0)
            spent.explain = perf_counter() - predicted
            return scored[0], spent
        predicted = perf_counter()
        if served.recorder is not None:
            served.recorder.record(rows, margins, [lead], request_id)
        if served.count is not None:
            served.count(rows, margins)
        strongest = served.reasons(rows, asked.reasons) if asked.reasons else NO_REASONS
        scored = answers(model, request_id, [lead], margins, strongest, remarks_on(model, rows))
        if asked.details:
            add_details(model, scored, margins, began)
        return scored[0], Spent(decoded - began, predicted - decoded, perf_counter() - predicted)

    async def many(
        self,
        body: bytes,
        limit: int,
        asked: Asked,
        request_id: str,
        spent: Spent,
        served: Served | None = None,
        now: int | None = None,
    ) -> AsyncIterator[list[Scored | RequestError]]:
        """Scores the batch in ``body``; yields, in order, a score or an error for each item.

        ``now`` is the moment of leads that have none of their own, by default that of this call.

        Yields parts of the batch, so that the caller can release the event loop between them; the first parts of a
        long batch are empty and only report decoding progress. The answers are bit-identical however the batch is
        split. Adds the time spent to ``spent``. Raises a ``RequestError`` before the first part if the body is not a
        batch.
        """
        began = going = perf_counter()
        served = served or self.served
        reading = Work(self._reading(served.model, body, limit, now))
        for _ in reading:
            spent.decode += perf_counter() - going
            yield []
            going = perf_counter()
        places, rows = reading.result
        spent.decode += perf_counter() - going
        spent.places = len(places)
        if rows is None:  # the batch has no valid lead
            for start in range(0, len(places), REFUSED_PART):
                yield [place for place in places[start : start + REFUSED_PART] if not isinstance(place, Lead)]
            return
        yield []
        asking = perf_counter()
        leads = [place for place in places if isinstance(place, Lead)] if served.recorder is not None else None
        given = await had(served, rows, served.provider.margins(rows), asking, spent, request_id, leads)
        remarks = remarks_on(served.model, rows)
        for part in Answering(served, asked, request_id, began, rows, remarks, given).parts(places, spent):
            yield part

    def _reading(self, model: LoadedModel, body: bytes, limit: int, now: int | None) -> Stretches[Places]:
        """Decodes a batch, without the leads whose persons objected."""
        if self.objected is None:
            return model.decoder.reading(body, limit, now)
        now = model.decoder.now() if now is None else now
        return without_objected(model, body, limit, now, self.objected)

    async def encoded(
        self, rows: Rows, spent: Spent, served: Served | None = None, request_id: str = ""
    ) -> list[float]:
        """Returns the margin of each row, in log-odds, in order, for rows that the caller has encoded.

        Adds the time spent to ``spent``. Raises an ``EndpointError`` if a remote model fails to score, ``NotRecorded``
        if the scores cannot be kept and must be.
        """
        asking = perf_counter()
        served = served or self.served
        return (await had(served, rows, served.provider.margins(rows), asking, spent, request_id)).margins


async def had(
    served: Served,
    rows: Rows,
    margins: list[float] | Awaitable[Given],
    asking: float,
    spent: Spent,
    request_id: str,
    leads: list[Lead] | None = None,
) -> Given:
    """Awaits the margins of rows, keeps and counts them; ``asking`` is the time of the call by ``perf_counter``.

    ``leads`` are those of the rows, ``None`` for rows that the caller has encoded.
    """
    if isinstance(margins, list):
        given = Given(margins)
        spent.predict = perf_counter() - asking
    else:
        given = await margins
        spent.predict = spent.waited = perf_counter() - asking
    if served.recorder is not None:
        if leads is None:
            served.recorder.record_rows(rows, given.margins, request_id, flags_of(given))
        else:
            served.recorder.record(rows, given.margins, leads, request_id, flags_of(given))
    if served.count is not None:
        served.count(rows, given.margins)
    return given


def flags_of(given: Given) -> int:
    """Returns what a record says of the source of its margin."""
    if given.degraded:
        return FALLBACK
    return 0 if given.served_by is UNSET else REMOTE


class Answering(NamedTuple):
    """Builds the answers to one request with known margins, in parts."""

    served: Served
    asked: Asked
    request_id: str
    began: float
    rows: Rows
    remarks: list[Remark]
    """What to warn about, by row."""

    given: Given

    def part(self, leads: list[Lead], first: int) -> list[Scored]:
        """Returns the answers for the leads whose rows start at ``first``."""
        served, asked, given, rows, remarks = self.served, self.asked, self.given, self.rows, self.remarks
        end = first + len(leads)
        margins = given.margins[first:end]
        explained = asked.reasons and given.unexplained is None
        strongest = served.reasons(rows, asked.reasons, first, end) if explained else NO_REASONS
        about = [(place - first, column, warn) for place, column, warn in remarks if first <= place < end]
        scored = answers(served.model, self.request_id, leads, margins, strongest, about)
        if asked.details:
            add_details(served.model, scored, margins, self.began)
        if given.served_by is not UNSET:
            attribute(served.model, scored, given, asked)
        return scored

    def parts(self, places: list[Lead | RequestError], spent: Spent) -> Iterator[list[Scored | RequestError]]:
        """Yields a score or an error for each item of a batch, in parts; adds the time of each part to ``spent``."""
        done, start, size = 0, 0, PART
        while start < len(places):
            part, going = places[start : start + size], perf_counter()
            leads = [place for place in part if isinstance(place, Lead)]
            each = iter(self.part(leads, done))
            done += len(leads)
            answered = [next(each) if isinstance(place, Lead) else place for place in part]
            start += size
            took = perf_counter() - going
            spent.explain += took
            size = min(max(int(size * PART_SECONDS / max(took, 1e-9)), PARTS[0]), PARTS[1])
            yield answered
