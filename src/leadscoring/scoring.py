"""The one use case: leads in, scores with their reasons out.

HTTP, the command line and bulk scoring all call this scorer, so that they cannot disagree.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Explanation, Lead, Ranking, Reason, Scored, Timing, Warned
from leadscoring.metrics import Clock
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Provider

API_VERSION = "v1"
OWN_THREAD_FROM = 64
"""Leads from which the explanations are computed beside the event loop."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants to know beside the score."""

    reasons: int = 5
    details: bool = False


class Scorer:
    """Scores leads with one model; replacing the model is one assignment between two requests."""

    def __init__(self, model: LoadedModel, provider: Provider) -> None:
        self.model = model
        self.provider = provider

    async def one(self, body: bytes, asked: Asked, request_id: str) -> tuple[Scored, Clock]:
        """The score of the lead in ``body``, and when each stage ended.

        Raises a ``RequestError`` when the body is no lead that the contract allows.
        """
        began = perf_counter()
        model = self.model
        lead, rows = model.decoder.one(body)
        decoded = perf_counter()
        margins = self.provider.margins(rows)
        if not isinstance(margins, list):
            margins = await margins
        predicted = perf_counter()
        scored = answers(model, asked, request_id, [lead], rows, margins)
        if asked.details:
            add_details(model, scored, margins, began)
        return scored[0], Clock(began, decoded, predicted, perf_counter())

    async def many(
        self, body: bytes, limit: int, asked: Asked, request_id: str
    ) -> tuple[list[Scored | RequestError], Clock]:
        """What stands at each place of the batch: a score, or why there is none; and when each stage ended."""
        began = perf_counter()
        model = self.model
        places, rows = model.decoder.many(body, limit)
        decoded = perf_counter()
        if rows is None:  # no place holds a lead
            return [place for place in places if not isinstance(place, Lead)], Clock(began, decoded, decoded, decoded)
        margins = self.provider.margins(rows)
        if not isinstance(margins, list):
            margins = await margins
        predicted = perf_counter()
        leads = [place for place in places if isinstance(place, Lead)]
        parts = model, asked, request_id, leads, rows, margins
        scored = answers(*parts) if len(leads) < OWN_THREAD_FROM else await asyncio.to_thread(answers, *parts)
        if asked.details:
            add_details(model, scored, margins, began)
        each = iter(scored)
        told = [next(each) if isinstance(place, Lead) else place for place in places]
        return told, Clock(began, decoded, predicted, perf_counter())


def answers(
    model: LoadedModel, asked: Asked, request_id: str, leads: list[Lead], rows: Rows, margins: list[float]
) -> list[Scored]:
    """One answer a lead, in order, all from the same model."""
    found = model.trees.reasons(rows, asked.reasons) if asked.reasons else repeat(())
    scored = [
        Scored(request_id, model.identity, lead.lead_id, model.score(margin), reasons(model, lead, strongest), [])
        for lead, margin, strongest in zip(leads, margins, found, strict=False)
    ]
    for place, feature in rows.unseen:
        scored[place].warnings.append(unseen(model, feature, leads[place]))
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


def unseen(model: LoadedModel, place: int, lead: Lead) -> Warned:
    """The warning for a category that training did not know."""
    feature, value = model.card.contract.features[place], lead.values[place]
    treated = "as a rare value" if feature.other else "as unknown"
    return Warned("unseen_category", feature.name, f"{value[:80]!r} was not seen in training and is scored {treated}")


def add_details(model: LoadedModel, scored: list[Scored], margins: list[float], began: float) -> None:
    """Adds to the answers what ``include_details`` asks for."""
    base = model.trees.base_value
    ranking = Ranking(model.card.tiers.meanings())
    latency = Timing(round((perf_counter() - began) * 1e3, 3))
    for answer, margin in zip(scored, margins, strict=True):
        shown = sum((reason.contribution for reason in answer.reasons), start=base)
        answer.score.ranking = ranking
        answer.explanation = Explanation(base, margin - shown, margin)
        answer.timing = latency
        answer.api_version = API_VERSION
