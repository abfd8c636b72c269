"""The one use case: leads in, scores with their reasons out.

HTTP, the command line and bulk scoring all call this scorer, so that they cannot disagree.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from time import perf_counter

from msgspec import UNSET

from leadscoring._engine import Rows
from leadscoring.errors import RequestError
from leadscoring.lead import Explanation, Lead, Ranking, Reason, Score, Scored, Timing, Warned
from leadscoring.metrics import Metrics
from leadscoring.model.card import percentile
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Provider

API_VERSION = "v1"
OWN_THREAD_FROM = 256
"""Leads from which the explanations are computed beside the event loop."""

PART = 64
"""Leads whose answers are made in one go, about half a millisecond of work."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants to know beside the score."""

    reasons: int = 5
    details: bool = False


class Scorer:
    """Scores leads with one model; replacing the model is one assignment between two requests."""

    def __init__(self, model: LoadedModel, provider: Provider, metrics: Metrics) -> None:
        self.model = model
        self.provider = provider
        self._metrics = metrics

    async def one(self, body: bytes, asked: Asked, request_id: str) -> Scored:
        """The score of the lead in ``body``.

        Raises a ``RequestError`` when the body is no lead that the contract allows.
        """
        began = perf_counter()
        model = self.model
        lead, rows = model.decoder.one(body)
        decoded = perf_counter()
        margins = await self.provider.margins(rows)
        predicted = perf_counter()
        answering = Answering(model, asked, request_id, began)
        answer = answering.answers([lead], margins, answering.reasons(rows), rows.unseen)[0]
        self._metrics.timed(decoded - began, predicted - decoded, perf_counter() - predicted)
        self._metrics.scored(answer)
        return answer

    async def many(
        self, body: bytes, limit: int, asked: Asked, request_id: str
    ) -> AsyncIterator[list[Scored | RequestError]]:
        """What stands at each place of the batch in ``body``, in order: a score, or why there is none.

        Comes in parts, so that the caller can let others have the event loop between two of them; the first part
        of a long batch is empty and says only that it was decoded. Each lead's answer is the same to the last bit
        whatever the parts. Raises a ``RequestError`` before the first part when the body is no batch.
        """
        began = perf_counter()
        model = self.model
        places, rows = model.decoder.many(body, limit)
        if rows is None:
            yield list(places)  # type: ignore[arg-type]  # without rows no place holds a lead
            return
        decoded = perf_counter()
        if len(rows) > PART:
            yield []
        asking = perf_counter()
        margins = await self.provider.margins(rows)
        predicted = perf_counter()
        answering = Answering(model, asked, request_id, began)
        long = len(rows) >= OWN_THREAD_FROM
        found = await asyncio.to_thread(answering.reasons, rows) if long else answering.reasons(rows)
        explaining = perf_counter() - predicted
        unseen = rows.unseen
        done = 0
        for start in range(0, len(places), PART):
            part, going = places[start : start + PART], perf_counter()
            leads = [place for place in part if isinstance(place, Lead)]
            end = done + len(leads)
            warned = [(place - done, feature) for place, feature in unseen if done <= place < end] if unseen else []
            scored = iter(answering.answers(leads, margins[done:end], found[done:end], warned))
            done = end
            answers = [next(scored) if isinstance(place, Lead) else place for place in part]
            explaining += perf_counter() - going
            yield answers
        self._metrics.timed(decoded - began, predicted - asking, explaining)


class Answering:
    """Makes the answers to one request, all from the same model."""

    def __init__(self, model: LoadedModel, asked: Asked, request_id: str, began: float) -> None:
        self.model = model
        self.asked = asked
        self.request_id = request_id
        self.began = began
        self.names = model.names

    def reasons(self, rows: Rows) -> list[list[tuple[int, float]]]:
        """The strongest contributions of each lead."""
        limit = self.asked.reasons
        return self.model.trees.reasons(rows, limit) if limit else [[] for _ in range(len(rows))]

    def answers(
        self,
        leads: list[Lead],
        margins: list[float],
        found: list[list[tuple[int, float]]],
        unseen: list[tuple[int, int]],
    ) -> list[Scored]:
        """One answer a lead, in order; ``unseen`` has the lead and the feature of each category never seen."""
        scored = [self.answer(*parts) for parts in zip(leads, margins, found, strict=True)]
        for place, feature in unseen:
            scored[place].warnings.append(self.unseen(feature, leads[place]))
        if self.asked.details:
            self.detail(scored, margins)
        return scored

    def answer(self, lead: Lead, margin: float, strongest: list[tuple[int, float]]) -> Scored:
        """The answer for one lead, without details."""
        card = self.model.card
        probability = card.calibration.probability(margin)
        bucket = card.tiers.bucket(probability)
        names, values = self.names, lead.values
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
        name, value = self.names[feature], lead.values[feature]
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
