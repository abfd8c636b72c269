"""Builds the answers for leads with known margins: scores, reasons, warnings and details, all of one model."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from msgspec import UNSET

from leadscoring.contract.moment import written
from leadscoring.lead import Explanation, Lead, LenientLead, Model, Ranking, Scored, Timing, Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Given
from leadscoring.scoring.reasons import reasons
from leadscoring.scoring.remarks import Remark

API_VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a request to score: how many reasons, and whether to include details."""

    reasons: int = 5
    details: bool = False


def answers(
    model: LoadedModel,
    request_id: str,
    leads: list[Lead],
    margins: list[float],
    strongest_by_lead: Iterable[Iterable[Any]],
    remarks: list[Remark],
) -> list[Scored]:
    """Returns one answer per lead, in order.

    ``strongest_by_lead`` has the reasons of each lead as the engine returns them, ``remarks`` what to warn about, by
    the position of the lead.
    """
    explained = reasons(model)
    scored = [
        Scored(request_id, model.identity, lead.lead_id, model.score(margin), explained(model, lead, strongest), [])
        for lead, margin, strongest in zip(leads, margins, strongest_by_lead, strict=False)
    ]
    for place, column, warn in remarks:
        scored[place].warnings.append(warn(model, column, leads[place]))
    if model.card.contract.is_timed:
        for answer, lead in zip(scored, leads, strict=True):
            if lead.as_of is not None:
                answer.as_of = written(lead.as_of)
    if model.decoder.lenient:
        for answer, lead in zip(scored, leads, strict=True):
            if isinstance(lead, LenientLead):
                answer.warnings += lead.warned
    return scored


def add_details(model: LoadedModel, scored: list[Scored], margins: list[float], began: float) -> None:
    """Adds the details that ``include_details`` requests; ``began`` is the start of the request by ``perf_counter``."""
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
    """Adds the source of the margins to the answers, and why reasons are unavailable, if they are."""
    identity = Model(model.identity.name, model.identity.version, given.served_by)
    for answer in scored:
        answer.model = identity
        if given.degraded:
            answer.degraded = True
        if given.unexplained is not None and (asked.reasons or asked.details):
            answer.reasons = None
            answer.explanation = UNSET
            answer.warnings.append(Warned("reasons_unavailable", None, given.unexplained))
