"""The one use case: leads in, scores with their reasons out.

HTTP, the command line and bulk scoring all call this scorer, so that they cannot disagree.
"""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Explanation, Lead, Ranking, Reason, Score, Scored, Timing, Warned
from leadscoring.metrics import Clock
from leadscoring.model.card import percentile
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
        scored = Answering(model, asked, request_id, began).answers([lead], rows, margins)
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
        answering = Answering(model, asked, request_id, began)
        if len(leads) < OWN_THREAD_FROM:
            scored = iter(answering.answers(leads, rows, margins))
        else:
            scored = iter(await asyncio.to_thread(answering.answers, leads, rows, margins))
        answers = [next(scored) if isinstance(place, Lead) else place for place in places]
        return answers, Clock(began, decoded, predicted, perf_counter())


class Answering:
    """Makes the answers to one request, all from the same model."""

    def __init__(self, model: LoadedModel, asked: Asked, request_id: str, began: float) -> None:
        self.model = model
        self.asked = asked
        self.request_id = request_id
        self.began = began

    def answers(self, leads: list[Lead], rows: Rows, margins: list[float]) -> list[Scored]:
        """One answer a lead, in order."""
        limit = self.asked.reasons
        found = self.model.trees.reasons(rows, limit) if limit else [[]] * len(leads)
        scored = [self.answer(*parts) for parts in zip(leads, margins, found, strict=True)]
        for place, feature in rows.unseen:
            scored[place].warnings.append(self.unseen(feature, leads[place]))
        if self.asked.details:
            self.detail(scored, margins)
        return scored

    def answer(self, lead: Lead, margin: float, strongest: list[tuple[int, float]]) -> Scored:
        """The answer for one lead, without details."""
        card = self.model.card
        probability = card.calibration.probability(margin)
        bucket = card.tiers.bucket(probability)
        names, values = self.model.names, lead.values
        return Scored(
            self.request_id,
            self.model.identity,
            lead.lead_id,
            Score(probability, bucket, self.model.tier(bucket), percentile(card.reference.quantiles, probability)),  # type: ignore[arg-type]  # a letter of TIERS
            [
                Reason(
                    names[place],
                    None if (value := values[place]) is UNSET else value,
                    share,
                    "increases" if share > 0 else "decreases",
                )
                for place, share in strongest
            ],
            [],
        )

    def unseen(self, feature: int, lead: Lead) -> Warned:
        """The warning for a category that training did not know."""
        name, value = self.model.names[feature], lead.values[feature]
        treated = "as a rare value" if self.model.card.contract.features[feature].other else "as unknown"
        return Warned("unseen_category", name, f"{value[:80]!r} was not seen in training and is scored {treated}")

    def detail(self, scored: list[Scored], margins: list[float]) -> None:
        """Adds to the answers what ``include_details`` asks for."""
        base = self.model.trees.base_value
        ranking = Ranking(self.model.card.tiers.meanings())
        latency = Timing(round((perf_counter() - self.began) * 1e3, 3))
        for answer, margin in zip(scored, margins, strict=True):
            shown = sum((reason.contribution for reason in answer.reasons), start=base)
            answer.score.ranking = ranking
            answer.explanation = Explanation(base, margin - shown, margin)
            answer.timing = latency
            answer.api_version = API_VERSION
