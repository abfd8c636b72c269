"""The one use case: leads in, scores with their reasons out.

HTTP, the command line and bulk scoring all call this scorer, so that they cannot disagree.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Explanation, Lead, LenientLead, Model, Ranking, Reason, Scored, Timing, Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.trees import Reasons
from leadscoring.providers.provider import Given, Provider
from leadscoring.stretches import Work
from leadscoring.telemetry.metrics import Spent

API_VERSION = "v1"
PART = 32
"""Leads in the first part of a batch; how many there are in the next depends on the time that this one took."""

PART_SECONDS = 0.0007
"""What a part of a batch should take, since everything else that the event loop has to do waits for its end."""

PARTS = 8, 256
"""The fewest and the most leads in one part."""

REFUSED_PART = 64
"""Leads in one part of a batch in which none is sound."""

NO_REASONS: Iterable[tuple[()]] = repeat(())


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants to know beside the score."""

    reasons: int = 5
    details: bool = False


class Scorer:
    """Scores leads with one model.

    ``count`` is told of all rows that were scored and of their margins, once. ``reasons`` finds reasons where it is to
    be counted what is found. Both go by this one model.
    """

    def __init__(
        self,
        model: LoadedModel,
        provider: Provider,
        count: Callable[[Rows, list[float]], None] | None = None,
        reasons: Reasons | None = None,
    ) -> None:
        self.model = model
        self.provider = provider
        self.count = count
        self.reasons = reasons or model.finding()

    async def one(self, body: bytes, asked: Asked, request_id: str) -> tuple[Scored, Spent]:
        """The score of the lead in ``body``, and the time it took.

        Raises a ``RequestError`` when the body is no lead that the contract allows.
        """
        began = perf_counter()
        model = self.model
        lead, rows = model.decoder.one(body)
        decoded = perf_counter()
        margins = self.provider.margins(rows)
        if not isinstance(margins, list):
            return await self._one_later(margins, lead, rows, asked, request_id, Spent(decoded - began))
        predicted = perf_counter()
        if self.count is not None:
            self.count(rows, margins)
        found = self.reasons(rows, asked.reasons) if asked.reasons else NO_REASONS
        scored = answers(model, request_id, [lead], margins, found, rows.unseen)
        if asked.details:
            add_details(model, scored, margins, began)
        return scored[0], Spent(decoded - began, predicted - decoded, perf_counter() - predicted)

    async def _one_later(
        self, margins: Awaitable[Given], lead: Lead, rows: Rows, asked: Asked, request_id: str, spent: Spent
    ) -> tuple[Scored, Spent]:
        """The rest of ``one`` where the margin has to be waited for."""
        asking = perf_counter()
        model = self.model
        given = await margins
        predicted = perf_counter()
        if self.count is not None:
            self.count(rows, given.margins)
        explained = asked.reasons and given.unexplained is None
        found = self.reasons(rows, asked.reasons) if explained else NO_REASONS
        scored = answers(model, request_id, [lead], given.margins, found, rows.unseen)
        if asked.details:
            add_details(model, scored, given.margins, asking - spent.decode)
        attribute(model, scored, given, asked)
        spent.predict = spent.waited = predicted - asking
        spent.explain = perf_counter() - predicted
        return scored[0], spent

    async def many(
        self, body: bytes, limit: int, asked: Asked, request_id: str, spent: Spent
    ) -> AsyncIterator[list[Scored | RequestError]]:
        """What stands at each place of the batch in ``body``, in order: a score, or why there is none.

        Comes in parts, so that the caller can let others have the event loop between two of them; the first parts
        of a long batch are empty and say only that more of it was decoded. Each lead's answer is the same to the last
        bit whatever the parts. ``spent`` gets the time it took. Raises a ``RequestError`` before the first part when
        the body is no batch.
        """
        began = going = perf_counter()
        model = self.model
        reading = Work(model.decoder.reading(body, limit))
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
        margins, given = self.provider.margins(rows), None
        if not isinstance(margins, list):
            given = await margins
            margins, spent.waited = given.margins, perf_counter() - asking
        spent.predict = perf_counter() - asking
        if self.count is not None:
            self.count(rows, margins)
        limit = 0 if given and given.unexplained else asked.reasons
        unseen, done, start, size = rows.unseen, 0, 0, PART
        while start < len(places):
            part, going = places[start : start + size], perf_counter()
            leads = [place for place in part if isinstance(place, Lead)]
            end = done + len(leads)
            found = self.reasons(rows, limit, done, end) if limit else NO_REASONS
            warned = [(place - done, feature) for place, feature in unseen if done <= place < end] if unseen else []
            scored = answers(model, request_id, leads, margins[done:end], found, warned)
            if asked.details:
                add_details(model, scored, margins[done:end], began)
            if given is not None:
                attribute(model, scored, given, asked)
            each, done = iter(scored), end
            told = [next(each) if isinstance(place, Lead) else place for place in part]
            start += size
            took = perf_counter() - going
            spent.explain += took
            size = min(max(int(size * PART_SECONDS / max(took, 1e-9)), PARTS[0]), PARTS[1])
            yield told

    async def encoded(self, rows: Rows, spent: Spent) -> list[float]:
        """The margin of each row, in log-odds, in order, for rows that a caller encoded by the contract.

        ``spent`` gets the time it took. Raises an ``EndpointError`` when a remote model did not score.
        """
        asking = perf_counter()
        margins = self.provider.margins(rows)
        if not isinstance(margins, list):
            margins = (await margins).margins
            spent.waited = perf_counter() - asking
        spent.predict = perf_counter() - asking
        if self.count is not None:
            self.count(rows, margins)
        return margins


def answers(
    model: LoadedModel,
    request_id: str,
    leads: list[Lead],
    margins: list[float],
    found: Iterable[Iterable[tuple[int, float]]],
    unseen: list[tuple[int, int]],
) -> list[Scored]:
    """One answer a lead, in order; ``unseen`` has the lead and the feature of each category never seen."""
    scored = [
        Scored(request_id, model.identity, lead.lead_id, model.score(margin), reasons(model, lead, strongest), [])
        for lead, margin, strongest in zip(leads, margins, found, strict=False)
    ]
    for place, feature in unseen:
        scored[place].warnings.append(unseen_warning(model, feature, leads[place]))
    if model.decoder.lenient:
        for answer, lead in zip(scored, leads, strict=True):
            if isinstance(lead, LenientLead):
                answer.warnings += lead.warned
    return scored


def reasons(model: LoadedModel, lead: Lead, strongest: Iterable[tuple[int, float]]) -> list[Reason]:
    """The strongest contributions with the names and values that they belong to."""
    names, values = model.names, lead.values
    return [
        Reason(
            names[place],
            None if (value := values[place]) is UNSET else value,
            share,
            "increases" if share > 0 else "decreases",
        )
        for place, share in strongest
    ]


def unseen_warning(model: LoadedModel, column: int, lead: Lead) -> Warned:
    """The warning for a category that training did not know, or knew as too rare to learn from, by its first column.

    Cards of before rare texts were listed cannot tell the two apart where the trees know of rare ones.
    """
    contract = model.card.contract
    place = contract.columns.feature[column]
    feature, value = contract.features[place], lead.values[place]
    if feature.codes:
        told = f"no tree names code {value}, whether training knew it or not: it is scored like all such codes"
        return Warned("unseen_category", feature.name, told)
    treated = "as a rare value" if feature.other else "as unknown"
    shown = repr(value[:80] if isinstance(value, str) else value)
    if value in model.rare[place]:
        return Warned("rare_category", feature.name, f"{shown} was rare in training and is scored {treated}")
    seen = "was rare or not seen" if feature.other and not feature.rare else "was not seen"
    return Warned("unseen_category", feature.name, f"{shown} {seen} in training and is scored {treated}")


def add_details(model: LoadedModel, scored: list[Scored], margins: list[float], began: float) -> None:
    """Adds to the answers what ``include_details`` asks for."""
    base = model.trees.base_value
    ranking = Ranking(model.card.tiers.meanings())
    latency = Timing(round((perf_counter() - began) * 1e3, 3))
    for answer, margin in zip(scored, margins, strict=True):
        shown = sum((reason.contribution for reason in answer.reasons or ()), start=base)
        answer.score.ranking = ranking
        answer.explanation = Explanation(base, margin - shown, margin)
        answer.timing = latency
        answer.api_version = API_VERSION


def attribute(model: LoadedModel, scored: list[Scored], given: Given, asked: Asked) -> None:
    """Says in answers where their margins come from, and why there are no reasons when they cannot be had."""
    identity = Model(model.identity.name, model.identity.version, given.served_by)
    for answer in scored:
        answer.model = identity
        if given.degraded:
            answer.degraded = True
        if given.unexplained is not None and (asked.reasons or asked.details):
            answer.reasons = None
            answer.explanation = UNSET
            answer.warnings.append(Warned("reasons_unavailable", None, given.unexplained))
