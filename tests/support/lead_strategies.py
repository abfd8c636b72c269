"""Leads for Hypothesis, by a contract: anything that it allows."""

from typing import Any

from hypothesis import strategies as st

from leadscoring.contract.features import Contract, Feature

UNSEEN = "never seen in training"


def leads(contract: Contract) -> st.SearchStrategy[dict[str, Any]]:
    """Leads that a contract allows; optional features may be missing in each of the ways there are."""
    required = {feature.name: values(feature) for feature in contract.features if feature.required}
    optional = {feature.name: st.none() | values(feature) for feature in contract.features if not feature.required}
    features = st.fixed_dictionaries(required, optional=optional)
    return st.fixed_dictionaries({"lead_id": st.just("lead"), "features": features})


def values(feature: Feature) -> st.SearchStrategy[Any]:
    """Values of one feature that its contract allows, and that training has not always seen."""
    if feature.kind == "category":
        return st.sampled_from([*feature.values, *feature.missing, UNSEEN])
    if feature.kind == "flag":
        return st.booleans()
    low, high = feature.minimum, feature.maximum
    if feature.kind == "integer":
        return st.integers(int(low) if low is not None else -(10**6), int(high) if high is not None else 10**6)
    return (
        st.floats(low, high, allow_nan=False, width=32)
        if high is not None
        else st.floats(low if low is not None else -1e30, 1e30, allow_nan=False)
    )
