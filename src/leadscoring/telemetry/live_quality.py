"""The metrics of live quality, which a worker reads from a file when it is scraped."""

from leadscoring.telemetry.tally import Family, Tally

DIRECTIONS = ("fewer", "more")
"""What an alarm says of conversions."""

ALARM = "1 while the evidence says that fewer, or more, conversions come than expected, else 0"
FIGURES = {
    "evidence": "Evidence against the probabilities; 100 is an alarm",
    "expected_conversions": "Conversions expected in this period",
    "observed_conversions": "Conversions observed in this period",
    "mature_leads": "Leads that are judged: OUTCOME_DAYS have passed",
    "predicted_ratio": "Share of mature leads predicted to convert",
    "observed_ratio": "Share of mature leads that converted",
    "groups_off": "Groups of leads with the same value of a feature that are off, by mature leads or daily evidence",
}


def families() -> tuple[Family, ...]:
    """Returns the metrics; all are 0 without a report of the ledger."""
    return (
        Family("gauge", "live_quality_alarm", ALARM, {"direction": DIRECTIONS}, alike=True),
        *(Family("gauge", f"live_quality_{name}", words, alike=True) for name, words in FIGURES.items()),
    )


class LiveQuality:
    """The figures of one worker."""

    def __init__(self, tally: Tally) -> None:
        self._alarms = {direction: tally.count("live_quality_alarm", direction) for direction in DIRECTIONS}
        self._figures = [tally.count(f"live_quality_{name}") for name in FIGURES]

    def set(self, alarm: str, *figures: float) -> None:
        """Sets all figures, in the order of ``FIGURES``; ``alarm`` is a direction, or empty while none stands."""
        for direction, count in self._alarms.items():
            count.set(float(direction == alarm))
        for count, value in zip(self._figures, figures, strict=True):
            count.set(value)
