"""How many scored leads fell into each bin of the model's reference, over all workers.

The counts lie behind the other metrics of each worker, in an area whose size no model changes.
"""

from collections.abc import Callable, Iterator, Sequence

from leadscoring._engine import BinCounter, Rows
from leadscoring.quality.drift import BINS, LABELS, MOST_FEATURES, SCORE_LABELS, Baseline, DriftReport, report
from leadscoring.telemetry.tally import Family, Series, Stamped, Tally, escaped

SCORE, FEATURES = 1, 1 + BINS
WIDTH = len(LABELS)
AREA = FEATURES + MOST_FEATURES * WIDTH
"""Numbers that one worker counts in: 19 KB."""

VERSION = {"model_version": ()}
FAMILIES = (
    Family(
        "counter", "model_feature_bins", "Scored leads per bin of a feature",
        {**VERSION, "feature": (), "bin": LABELS}, apart=True,
    ),
    Family("counter", "model_score_bins", "Scored leads per bin of the score",
           {**VERSION, "bin": SCORE_LABELS}, apart=True),
    Family(
        "gauge", "model_feature_reference_share", "Share of the training data in a bin of a feature",
        {**VERSION, "feature": (), "bin": LABELS}, apart=True,
    ),
    Family("gauge", "model_score_reference_share", "Share of the training data in a bin of the score",
           {**VERSION, "bin": SCORE_LABELS}, apart=True),
)  # fmt: skip
"""Their series come from the model file, so they are written here and not by the tally."""

Line = tuple[bytes, int]
"""A series as it is written, but for its value, and where that is."""


class DriftCounts:
    """The counts of one process by one baseline, within the area of its tally.

    ``starts`` are the places at which any process may count by it; this one does at that of its ``room``.
    """

    def __init__(self, tally: Tally, base: Baseline, starts: Sequence[int] = (0,), room: int = 0) -> None:
        self.base = base
        parts = [slice(start, start + AREA) for start in starts]
        self._counts = counts = Stamped(tally, parts, room, base.stamp)
        places = iter(range(FEATURES, AREA, WIDTH))
        self._places = [next(places) for _ in base.counted]
        to_fill = iter(self._places)
        columns = [None if bins is None else (next(to_fill), bins.edges, bins.codes) for bins in base.columns]
        self.count: Callable[[Rows, list[float]], None] = BinCounter(counts.mine, columns, base.margins, SCORE).count
        """Counts scored leads: each feature of each row, and its margin in log-odds. The engine's own call."""
        self.reference, self._score_lines, self._feature_lines = self._prepared()

    def report(self) -> DriftReport:
        """Drift of all leads that the workers have counted, as ``drift.report`` gives it."""
        return report(self.base, *self.totals())

    def totals(self) -> tuple[list[float], list[list[float]]]:
        """Over all workers, the leads in each bin of the score, and of each counted feature."""
        sums = self._counts.sums()
        return sums[SCORE:FEATURES], [sums[place : place + WIDTH] for place in self._places]

    def series(self) -> Iterator[Series]:
        """What was counted, as it is written."""
        sums = self._counts.sums()
        features, score = FAMILIES[:2]
        for family, lines in ((features, self._feature_lines), (score, self._score_lines)):
            yield family, b"".join(b"%b%r\n" % (series, sums[place]) for series, place in lines)

    def _prepared(self) -> tuple[list[Series], list[Line], list[Line]]:
        """The reference's series, which never change, and the beginnings of those of the score and the features."""
        base = self.base
        score = [(f'bin="{SCORE_LABELS[bin_]}"', share, SCORE + bin_) for bin_, share in existing(base.score)]
        features = [
            (f'feature="{escaped(bins.feature)}",bin="{LABELS[bin_]}"', share, place + bin_)
            for bins, place in zip(base.counted, self._places, strict=True)
            for bin_, share in existing(bins.shares)
        ]
        version = f'model_version="{escaped(base.version)}"'
        feature_bins, score_bins, feature_shares, score_shares = FAMILIES
        reference = [
            (family, "".join(f"{family.name}{{{version},{label}}} {share!r}\n" for label, share, _ in of).encode())
            for family, of in ((feature_shares, features), (score_shares, score))
        ]
        lines = [
            [(f"{family.name}_total{{{version},{labels}}} ".encode(), place) for labels, _, place in of]
            for family, of in ((score_bins, score), (feature_bins, features))
        ]
        return reference, lines[0], lines[1]


def existing(shares: Sequence[float | None]) -> Iterator[tuple[int, float]]:
    """The bins that there are, with their shares in training."""
    return ((place, share) for place, share in enumerate(shares) if share is not None)
