"""The proposed command trains as it is printed."""

import shlex
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from past_leads import csv_of, leads

from leadscoring.cli.training import train
from leadscoring.demo.exports.crm import CRMS
from leadscoring.demo.exports.write import Style, write
from leadscoring.training.inspected import inspect
from leadscoring.training.options import TrainOptions
from leadscoring.training.proposed import written

ODD = "Won? 'yes' & $no, \"or\""


def proposed(path: Path, **options: object) -> list[str]:
    """The words of the command that is proposed for a file, as a shell splits them."""
    report = inspect(path, TrainOptions(**{"target": ""} | options))  # type: ignore[arg-type]  # of the right types
    return shlex.split(report["command"])


@pytest.mark.parametrize("like", list(CRMS))
def test_it_trains_on_the_export_of_a_crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, like: str) -> None:
    """With the outcome, the values that mean converted, the time and the identifier filled in."""
    monkeypatch.chdir(tmp_path)
    crm, path = CRMS[like], Path(f"the deals of {like}.csv")
    write(crm, 1500, 1, path, None, Style(**{part: getattr(crm, part) for part in Style._fields}))
    program, verb, *words = proposed(path)
    assert (program, verb) == ("leadscoring", "train")
    assert {"--target", "--positive", "--time", "--out", "--report"} <= set(words)
    ended = CliRunner().invoke(train, words)
    assert ended.exit_code == 0, ended.output
    assert Path("model.json").exists()
    assert Path("report", "report.html").exists()
    assert "model-2.json" in proposed(path)  # nothing is overwritten


def test_it_repeats_the_options_that_were_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quoted, whatever is in them: names with quotation marks, and a file that begins with a hyphen."""
    monkeypatch.chdir(tmp_path)
    frame = leads(300).rename({"won": ODD.replace('"', "'")}).with_columns(pl.lit("-").alias("-x"))
    csv_of(frame, Path("-leads.csv"))
    given = {"ignore": ("opt*", "-x"), "read": ("visits=number",), "missing": ("source=web",), "seed": 20}
    words = proposed(Path("-leads.csv"), target=ODD.replace('"', "'"), positive="yes", **given)
    assert words[2] == "./-leads.csv"
    pairs = list(pairwise(words))
    for pair in (("--target", ODD.replace('"', "'")), ("--ignore", "opt*"), ("--missing", "source=web")):
        assert pair in pairs
    assert "--ignore=-x" in words
    ended = CliRunner().invoke(train, words[2:])
    assert ended.exit_code == 0, ended.output


def test_a_time_that_training_would_refuse_is_not_proposed(tmp_path: Path) -> None:
    """Since the latest fifth of these leads holds no conversion."""
    frame = leads(600)
    day = pl.date(2024, 1, 1) + pl.duration(days=pl.int_range(600) // 4)
    late = frame.with_columns(Created=day, won=pl.when(pl.int_range(600) < 450).then("won").otherwise(pl.lit("no")))
    assert "--time" not in proposed(csv_of(late, tmp_path / "late.csv"), target="won")
    early = frame.with_columns(Created=day)
    words = proposed(csv_of(early, tmp_path / "early.csv"), target="won")
    assert words[words.index("--time") + 1] == "Created"


def test_a_date_of_conversion_is_not_named_twice() -> None:
    """It is the target by itself."""
    options = TrainOptions(target="Won on", won_date="Won on", as_of="Created", within="30d")
    assert written(options) == ["--won-date 'Won on'", "--as-of Created", "--within 30d"]
