"""Counts scored leads per bin of the model's reference, over all workers.

The counts are stored after the other metrics of each worker, in an area of fixed size for all models.
"""

from collections.abc import Callable, Iterator, Sequence

from leadscoring._engine import BinCounter, Rows
from leadscoring.quality.drift import BINS, LABELS, MOST_COLUMNS, SCORE_LABELS, Baseline, Bins, DriftReport, report
from leadscoring.telemetry.tally import Family, Series, Stamped, Tally, escaped

SCORE, COLUMNS = 1, 1 + BINS
WIDTH = len(LABELS)
AREA = COLUMNS + MOST_COLUMNS * WIDTH
"""Counters of one worker: 19 KB."""

VERSION = {"model_version": ()}
FAMILIES = (
    Family(
        "counter", "model_feature_bins", "Scored leads per bin of a feature, or of each of its columns",
        {**VERSION, "feature": (), "column": (), "bin": LABELS}, apart=True,
    ),
    Family("counter", "model_score_bins", "Scored leads per bin of the score",
           {**VERSION, "bin": SCORE_LABELS}, apart=True),
    Family(
        "gauge", "model_feature_reference_share", "Share of the training data in a bin of a feature, or of its columns",
        {**VERSION, "feature": (), "column": (), "bin": LABELS}, apart=True,
    ),
    Family("gauge", "model_score_reference_share", "Share of the training data in a bin of the score",
           {**VERSION, "bin": SCORE_LABELS}, apart=True),
)  # fmt: skip
"""The series come from the model file, so they are written here and not by the tally.

The label ``column`` is left out where the only column of a feature is the feature itself.
"""

Line = tuple[bytes, int]
"""A formatted series without its value, and the index of the value."""


class DriftCounts:
    """The counts of one process by one baseline, within the area of its tally.

    ``starts`` are the offsets at which processes may count by it; this one uses that of its ``room``.
    """

    def __init__(self, tally: Tally, base: Baseline, starts: Sequence[int] = (0,), room: int = 0) -> None:
        self.base = base
        parts = [slice(start, start + AREA) for start in starts]
        self._counts = counts = Stamped(tally, parts, room, base.stamp)
        places = iter(range(COLUMNS, AREA, WIDTH))
        self._places = [next(places) for _ in base.counted]
        to_fill = iter(self._places)
        columns = [None if bins is None else (next(to_fill), bins.edges, bins.codes) for bins in base.columns]
        self.count: Callable[[Rows, list[float]], None] = BinCounter(counts.mine, columns, base.margins, SCORE).count
        """Counts scored leads: each column of each row, and its margin in log-odds. Calls the engine directly."""
        self.reference, self._score_lines, self._feature_lines = self._prepared()

    def report(self) -> DriftReport:
        """Reports the drift of all leads that the workers have counted."""
        return report(self.base, *self.totals())

    def totals(self) -> tuple[list[float], list[list[float]]]:
        """Returns the leads in each bin of the score, and of each counted column, summed over all workers."""
        sums = self._counts.sums()
        return sums[SCORE:COLUMNS], [sums[place : place + WIDTH] for place in self._places]

    def series(self) -> Iterator[Series]:
        """Yields the formatted counts."""
        sums = self._counts.sums()
        features, score = FAMILIES[:2]
        for family, lines in ((features, self._feature_lines), (score, self._score_lines)):
            yield family, b"".join(b"%b%r\n" % (series, sums[place]) for series, place in lines)

    def _prepared(self) -> tuple[list[Series], list[Line], list[Line]]:
        """Returns the series of the reference, which are constant, and the lines of the score and the features."""
        base = self.base
        score = [(f'bin="{SCORE_LABELS[bin_]}"', share, SCORE + bin_) for bin_, share in existing(base.score)]
        features = [
            (f'{named(bins)},bin="{LABELS[bin_]}"', share, place + bin_)
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


def named(bins: Bins) -> str:
    """Returns the labels that name a column."""
    feature = f'feature="{escaped(bins.feature)}"'
    return f'{feature},column="{escaped(bins.column)}"' if bins.is_aspect else feature


def existing(shares: Sequence[float | None]) -> Iterator[tuple[int, float]]:
    """Yields the indices of existing bins, with their shares in training."""
    return ((place, share) for place, share in enumerate(shares) if share is not None)
