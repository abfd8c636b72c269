"""Suspects are left out with the evidence, or kept with a reason that is kept too."""

import numpy as np
import polars as pl
import pytest
from past_leads import leads

from leadscoring.errors import TrainingDataError
from leadscoring.training.fit import Trained, train
from leadscoring.training.options import TrainOptions

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
