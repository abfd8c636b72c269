"""Builds the answers for leads with known margins: scores, reasons, warnings and details, all of one model."""

from collections.abc import Iterable
from dataclasses import dataclass
from time import perf_counter

from msgspec import UNSET

from leadscoring.lead import Explanation, Lead, LenientLead, Model, Ranking, Reason, Scored, Timing, Warned
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.provider import Given

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
    strongest_by_lead: Iterable[Iterable[tuple[int, float]]],
    unseen: list[tuple[int, int]],
) -> list[Scored]:
    """Returns one answer per lead, in order.

    ``strongest_by_lead`` has the ``(feature, contribution)`` pairs of each lead, ``unseen`` the position of the lead
    and the column of each category that was not seen in training.
    """
    scored = [
        Scored(request_id, model.identity, lead.lead_id, model.score(margin), reasons(model, lead, strongest), [])
        for lead, margin, strongest in zip(leads, margins, strongest_by_lead, strict=False)
    ]
    for place, feature in unseen:
        scored[place].warnings.append(unseen_warning(model, feature, leads[place]))
    if model.decoder.lenient:
        for answer, lead in zip(scored, leads, strict=True):
            if isinstance(lead, LenientLead):
                answer.warnings += lead.warned
    return scored


def reasons(model: LoadedModel, lead: Lead, strongest: Iterable[tuple[int, float]]) -> list[Reason]:
    """Returns the strongest contributions as reasons, with the names and values of their features."""
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
    """Returns the warning for a category that was not seen in training or was too rare, by its first column.

    Cards written before rare texts were listed cannot distinguish the two if the trees have a code for rare values.
    """
    contract = model.card.contract
    place = contract.columns.feature[column]
    feature, value = contract.features[place], lead.values[place]
    if feature.codes:
        message = f"no tree names code {value}, whether training knew it or not: it is scored like all such codes"
        return Warned("unseen_category", feature.name, message)
    treated = "as a rare value" if feature.other else "as unknown"
    shown = repr(value[:80] if isinstance(value, str) else value)
    if value in model.rare[place]:
        return Warned("rare_category", feature.name, f"{shown} was rare in training and is scored {treated}")
    seen = "was rare or not seen" if feature.other and not feature.rare else "was not seen"
    return Warned("unseen_category", feature.name, f"{shown} {seen} in training and is scored {treated}")


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
