"""The reasons of a score as the API has them: features with the values that were sent, and what about them mattered."""

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import UNSET

from leadscoring.contract.features import Feature
from leadscoring.lead import Lead, Reason
from leadscoring.model.loaded import LoadedModel

LONGEST_VALUE = 200
"""Characters of a text in a reason; a longer one is cut there, and ends with an ellipsis."""

MOST_VALUES = 20
"""Values of a list in a reason; of a longer one these are followed by an ellipsis."""


Strongest = Iterable[Any]
"""The strongest contributions of a lead as the engine returns them: ``(feature, contribution)`` each or, by a contract
with aspects, also the column of the feature that mattered most, and its value."""


def reasons(model: LoadedModel) -> Callable[[LoadedModel, Lead, Strongest], list[Reason]]:
    """Returns the function that makes reasons from the strongest contributions of a lead of this model."""
    return with_aspects if model.card.contract.has_aspects else without_aspects


def without_aspects(model: LoadedModel, lead: Lead, strongest: Strongest) -> list[Reason]:
    """Returns reasons with the names and values of their features."""
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


def with_aspects(model: LoadedModel, lead: Lead, strongest: Strongest) -> list[Reason]:
    """Returns reasons that also name the aspect which mattered most, and show long values shortened."""
    names, values, features = model.names, lead.values, model.card.contract.features
    return [
        Reason(
            names[place],
            shown(features[place], values[place]),
            share,
            "increases" if share > 0 else "decreases",
            features[place].leading(column, values[place], share) or features[place].phrase(column, value) or UNSET,
        )
        for place, share, column, value in strongest
    ]


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
