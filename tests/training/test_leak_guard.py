"""Suspects are left out with the evidence, or kept with a reason that is kept too."""

import numpy as np
import polars as pl
import pytest
from past_leads import leads

from leadscoring.errors import TrainingDataError
from leadscoring.training.basis import basis_of
from leadscoring.training.fit import Trained, train
from leadscoring.training.infer import infer
from leadscoring.training.options import TrainOptions
from leadscoring.training.prepared import Prepared, prepare
from leadscoring.training.report.left_out import probable_leaks

ROWS = 600


def leaky() -> pl.DataFrame:
    """Leads with a remark and an amount that were written down afterwards."""
    frame, random = leads(ROWS), np.random.default_rng(1)
    won = (frame["won"] == "yes").to_numpy()
    amount = np.where(won & (random.random(ROWS) < 0.9), random.gamma(2, 1000, ROWS).round(2), np.nan)
    told = np.where(random.random(ROWS) < 0.03, ~won, won)
    return frame.with_columns(
        pl.Series("total", amount).fill_nan(None), pl.Series("remark", np.where(told, "happy", "ringing"))
    )


def trained(**options: tuple[str, ...]) -> Trained:
    """A model of them."""
    return train(leaky(), TrainOptions(target="won", **options))  # type: ignore[arg-type]  # each is a tuple


def test_suspects_are_left_out_with_the_evidence() -> None:
    """In the warnings, in the card, among the excluded columns, and as figures."""
    model = trained()
    assert set(model.card.contract.names) == {"visits", "source", "budget [k$] <net>", "opt in"}
    (first,) = (words for words in model.report["warnings"] if "columns were left out" in words)
    assert "2 columns were left out as known, or changed, only after the outcome: 'total', 'remark'" in first
    assert "--keep NAME --because TEXT" in first
    assert any(words.startswith("'remark' was left out: a probable leak: ") for words in model.report["warnings"])
    assert model.card.training is not None
    assert any("'total' was left out" in note for note in model.card.training.notes)
    assert "a probable leak" in model.report["columns"]["dropped"]["remark"]
    of = {one["column"]: one for one in model.report["evidence"]}
    assert of["remark"]["left_out"]
    assert of["remark"]["roc_auc_with"] > of["remark"]["roc_auc_without"]
    assert not of["visits"]["left_out"]


def test_a_suspect_is_kept_for_a_reason() -> None:
    """Which goes into the card and the report, with the evidence."""
    model = trained(keep=("remark",), because=("it is asked at the first call",))
    assert "remark" in model.card.contract.names
    assert "total" not in model.card.contract.names
    assert model.card.training is not None
    (note,) = (note for note in model.card.training.notes if "was kept" in note)
    assert note.startswith("'remark' was kept, because it is asked at the first call, although ")
    assert note in model.report["notes"]


def test_each_column_may_have_its_own_reason() -> None:
    """In the order of the columns that are kept."""
    model = trained(keep=("total", "rem*"), because=("a quote", "a call"))
    reasons = {one["column"]: one["because"] for one in model.report["evidence"]}
    assert (reasons["total"], reasons["remark"], reasons["visits"]) == ("a quote", "a call", "")


@pytest.mark.parametrize(
    ("keep", "because", "words"),
    [
        (("remark",), (), "--keep names 'remark', which is a probable leak: .*Add --because"),
        (("remark",), (" ",), "--because needs a reason"),
        (("remark",), ("WHY IT IS KNOWN WHEN A LEAD ARRIVES",), "--because is still .*: replace this text"),
        (("remark",), ("a", "b"), "there are 1 columns to keep and 2 reasons"),
        ((), ("a", "b"), "there are 0 columns to keep"),
    ],
)
def test_a_suspect_is_kept_only_for_a_reason(keep: tuple[str, ...], because: tuple[str, ...], words: str) -> None:
    """An empty one is none, and one for nothing is a mistake."""
    with pytest.raises(TrainingDataError, match=words):
        trained(keep=keep, because=because)


def test_where_every_column_is_a_leak_nothing_is_trained() -> None:
    """The error has the evidence."""
    with pytest.raises(TrainingDataError, match="every column is a probable leak: 'total'"):
        train(leaky().select("total", "won"), TrainOptions(target="won"))


def again(past: Prepared) -> None:
    """Holds that inference of the leads without the suspects finds what the guard left."""
    leads, guarded = past.leads, past.guarded.inferred
    found = infer(leads.frame, leads.y, leads.named, past.asked, past.tokens, leads.as_of)
    assert found.frame.equals(guarded.frame)
    for part in found.__struct_fields__:
        if part not in {"frame", "dropped", "later"}:
            assert getattr(found, part) == getattr(guarded, part), part
    assert found.dropped == dict(guarded.dropped)


def test_what_is_left_out_leaves_no_trace_as_if_it_had_not_been_read() -> None:
    """Its tokens, notation and notes go with it: nothing has to be inferred a second time."""
    frame = leaky().with_columns(
        pl.concat_str(pl.lit("$"), pl.col("total").cast(pl.String)).alias("total"),
        pl.concat_str(pl.lit("EUR "), pl.col("budget [k$] <net>").cast(pl.String)).alias("budget [k$] <net>"),
    )
    frame = frame.with_columns(pl.when(pl.int_range(ROWS) < 4).then(pl.lit("ask")).otherwise("total").alias("total"))
    past = prepare(frame, TrainOptions(target="won"))
    assert set(past.guarded.inferred.dropped) >= {"total", "remark"}
    assert not past.guarded.dates_moved
    again(past)


def test_a_date_that_is_left_out_moves_the_moments_of_the_leads() -> None:
    """Where the latest date of a lead is its moment, and then the leads are read again."""
    frame, random = leaky(), np.random.default_rng(2)
    won = (frame["won"] == "yes").to_numpy() & (random.random(ROWS) < 0.85)
    day = pl.Series("last modified", random.integers(0, 300, ROWS)) * 86_400_000_000 + 1_700_000_000_000_000
    closed = (day + 86_400_000_000 * 9).to_frame("closed at").select(pl.when(pl.Series(won)).then(pl.col("closed at")))
    frame = frame.with_columns(day.cast(pl.Datetime("us")), closed.to_series().cast(pl.Datetime("us")))
    past = prepare(frame, TrainOptions(target="won", ignore=("total", "remark")))
    assert past.guarded.inferred.dropped["closed at"].startswith("a probable leak")
    assert past.guarded.dates_moved
    assert basis_of(past).inferred is not past.guarded.inferred
    dated = prepare(frame, TrainOptions(target="won", ignore=("total", "remark"), as_of="last modified"))
    assert not dated.guarded.dates_moved


def test_leaks_are_counted_in_one_way() -> None:
    """The warning counts what determines the outcome and was left out before, as the verdict does."""
    frame = leaky().with_columns(copy=pl.when(pl.col("won") == "yes").then(3.5).otherwise(1.5))
    report = train(frame, TrainOptions(target="won")).report
    (first,) = (words for words in report["warnings"] if "columns were left out" in words)
    assert first.startswith(
        "3 columns were left out as known, or changed, only after the outcome: 'total', 'remark', 'copy'"
    )
    assert len(probable_leaks(report["columns"]["dropped"])) == 3
