"""The reasons of a score as the API has them: features with the values that were sent, and what about them mattered."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET, UnsetType

from leadscoring.contract.features import Feature
from leadscoring.lead import Lead, Reason
from leadscoring.model.loaded import LoadedModel

LONGEST_VALUE = 200
"""Characters of a text in a reason; a longer one is cut there, and ends with an ellipsis."""

MOST_VALUES = 20
"""Values of a list in a reason; of a longer one these are followed by an ellipsis."""


def reasons(model: LoadedModel, lead: Lead, strongest: Iterable[Any]) -> list[Reason]:
    """Returns the strongest contributions as reasons, with the names and values of their features.

    ``strongest`` has ``(feature, contribution)`` for each reason or, by a contract with aspects, also the column of the
    feature that mattered most, and its value.
    """
    names, values = model.names, lead.values
    if model.card.contract.has_aspects:
        features = model.card.contract.features
        return [
            Reason(
                names[place],
                shown(features[place], values[place]),
                share,
                "increases" if share > 0 else "decreases",
                aspect_of(features[place], column, value),
            )
            for place, share, column, value in strongest
        ]
    return [
        Reason(
            names[place],
            None if (value := values[place]) is UNSET else value,
            share,
            "increases" if share > 0 else "decreases",
        )
        for place, share in strongest
    ]


def aspect_of(feature: Feature, column: int, value: float | None) -> str | UnsetType:
    """Returns the phrase for a column of a feature, unset if the value alone says it."""
    return feature.phrase(column, value) or UNSET


def shown(feature: Feature, value: Any) -> Any:
    """Returns a value as it was sent; of a kind with aspects, long texts and lists are shortened."""
    if value is UNSET or value is None:
        return None
    if not feature.form.is_aspected:
        return value
    if isinstance(value, list):
        kept = [shortened(one) for one in value[:MOST_VALUES]]
        return kept if len(value) <= MOST_VALUES else [*kept, "…"]
    return shortened(value) if isinstance(value, str) else value


def shortened(text: str) -> str:
    """Returns a text, cut if it is long."""
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
