"""Progress goes from 0 to 1 over all files, by their size."""

from pathlib import Path

import polars as pl

from leadscoring.bulk.batch import Position
from leadscoring.bulk.progress import Pace
from leadscoring.bulk.sources import STDIN, Source, source_of


def test_the_share_counts_files_by_their_size(tmp_path: Path) -> None:
    """Text by bytes, Parquet by rows; what is not known counts when it is complete."""
    (tmp_path / "a.csv").write_bytes(b"x" * 1000)
    pl.DataFrame({"a": range(50)}).write_parquet(tmp_path / "b.parquet")
    sources = [source_of(str(tmp_path / name)) for name in ("a.csv", "b.parquet")]
    heard: list[tuple[str, float]] = []
    pace = Pace(lambda stage, share: heard.append((stage, share)), sources)
    pace.start(0, Position(0, 1))
    pace.add(0, Position(500, 10), 10)
    pace.start(1, Position(0, 1))
    pace.add(1, Position(50, 51), 60)
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert heard[-1][0].startswith("60 rows")


def test_a_stream_of_unknown_length_has_no_share() -> None:
    """The number of rows is all that is known."""
    heard: list[tuple[str, float]] = []
    pace = Pace(lambda stage, share: heard.append((stage, share)), [Source(STDIN)])
    pace.start(0, Position())
    pace.add(0, Position(10, 2), 1_500)
    assert heard[-1] == ("1,500 rows", 0.0)


def test_a_file_of_many_batches_is_reported_a_hundred_times(tmp_path: Path) -> None:
    """Outside a terminal each report is a line; the speed of this test may add some."""
    (tmp_path / "a.csv").write_bytes(b"x" * 100_000)
    heard: list[str] = []
    pace = Pace(lambda stage, _: heard.append(stage), [source_of(str(tmp_path / "a.csv"))])
    pace.start(0, Position(0, 1))
    for number in range(1, 10_001):
        pace.add(0, Position(number * 10, number), number)
    assert 100 <= len(heard) < 200
    assert heard[-1].startswith("10,000 rows")
