"""The default contract, and the example requests that keep to it."""

import json
import re
from typing import Any

import pytest
from project import ROOT

from leadscoring.contract.features import Feature
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.truth import true_probability

EXAMPLES = ROOT / "docs" / "examples"


def allows(feature: Feature, value: float | None) -> bool:
    """Whether the contract takes this value, said as plainly as possible."""
    if value is None:
        return not feature.required
    if feature.kind != "number" and value != int(value):
        return False
    above = feature.minimum is None or value >= feature.minimum
    return above and (feature.maximum is None or value <= feature.maximum)


def example(name: str) -> Any:
    """The JSON value of one file in docs/examples."""
    return json.loads((EXAMPLES / name).read_text(encoding="utf-8"))


def accepted(lead: dict[str, Any]) -> bool:
    """Whether the contract takes this lead: nothing unknown, nothing missing, nothing out of range."""
    features = lead["features"]
    known = set(features) <= set(CONTRACT.names)
    return known and all(allows(feature, features.get(feature.name)) for feature in CONTRACT.features)


def test_it_has_50_features_of_which_23_are_required() -> None:
    """Clients rely on these counts."""
    assert len(CONTRACT) == 50
    assert sum(feature.required for feature in CONTRACT.features) == 23


def test_every_feature_says_what_it_means() -> None:
    """Help, group and an example that the contract itself takes."""
    for feature in CONTRACT.features:
        assert feature.help, feature.name
        assert feature.group in {"firmographics", "engagement", "behaviour", "attribution", "product"}
        assert isinstance(feature.example, int | float), feature.name
        assert allows(feature, feature.example), feature.name
        assert re.fullmatch("[a-z0-9_]+", feature.name)


def test_flags_and_shares_lie_between_0_and_1() -> None:
    """Both bounds are written down, so that 1.5 is refused."""
    for feature in CONTRACT.features:
        if feature.kind == "flag" or feature.name.endswith(("_rate", "_score", "_quality", "_alignment")):
            bounds = (feature.minimum, feature.maximum)
            assert bounds == ((None, None) if feature.name == "company_growth_rate" else (0, 1)), feature.name


@pytest.mark.parametrize("number", [1, 2, 3])
def test_each_sample_request_keeps_to_the_contract(number: int) -> None:
    """A newcomer's first request is answered with a score, not with an error."""
    lead = example(f"sample_request_{number}.json")
    assert set(lead) == {"lead_id", "features"}
    assert accepted(lead)


def test_the_samples_are_a_strong_a_weak_and_a_short_lead() -> None:
    """The first is likely to convert, the second is not, the third has the required features only."""
    strong, weak, short = (example(f"sample_request_{number}.json")["features"] for number in (1, 2, 3))
    assert true_probability(strong) > 0.8
    assert true_probability(weak) < 0.02
    assert set(short) == {feature.name for feature in CONTRACT.features if feature.required}


def test_the_sample_batch_has_one_invalid_lead() -> None:
    """It shows that one bad lead does not take the others down."""
    assert [accepted(lead) for lead in example("sample_batch.json")] == [True, False, True]
