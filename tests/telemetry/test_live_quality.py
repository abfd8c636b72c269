"""The figures of live quality are metrics, in the order in which they are published."""

from msgspec.structs import astuple

from leadscoring.quality.published import Published
from leadscoring.telemetry.live_quality import FIGURES, LiveQuality, families
from leadscoring.telemetry.tally import Tally


def test_each_figure_has_its_metric_and_the_alarm_its_direction() -> None:
    """As many as are published, and no more."""
    tally = Tally(families())
    LiveQuality(tally).set(*astuple(Published("more", 120.0, 20.5, 40, 900, 0.12, 0.2, 3)))
    lines = tally.exposition().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert {name: float(values[f"live_quality_{name}"]) for name in FIGURES} == {
        "evidence": 120.0,
        "expected_conversions": 20.5,
        "observed_conversions": 40.0,
        "mature_leads": 900.0,
        "predicted_ratio": 0.12,
        "observed_ratio": 0.2,
        "groups_off": 3.0,
    }
    assert values['live_quality_alarm{direction="more"}'] == "1.0"
    assert values['live_quality_alarm{direction="fewer"}'] == "0.0"
