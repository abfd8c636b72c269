"""Scores that were given are recomputed to the bit, with stock XGBoost as the judge, and what differs is found."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import card, lead, model_file, stock_margins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import DAY, NEW_YEAR, add_row, add_score, new_ledger
from sqlalchemy import select, update

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.kept_models import KeptModels
from leadscoring.ledger.receipts import numbers_of
from leadscoring.ledger.replay import REMOTE, Chosen, Differing, Replayed, bits, replay
from leadscoring.ledger.tables import score
from leadscoring.model.file import AS_IT_IS


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with scores of two models, on three days."""
    made = new_ledger(tmp_path, url)
    (tmp_path / "other").mkdir()
    other = model_file(tmp_path / "other", card(version="2.0.0"))
    for day in range(3):
        for number in range(4):
            path = other if number == 3 else model_file(tmp_path)
            add_score(made, path, lead(f"{number}", visits=day * number, growth=None), NEW_YEAR + day * DAY)
    yield made
    made.close()


def replayed(ledger: Ledger, chosen: Chosen | None = None) -> Replayed:
    """The counts of a replay."""
    with ledger.reading() as connection:
        counts = list(replay(connection, KeptModels(AS_IT_IS), chosen or Chosen()))
    return counts[-1] if counts else Replayed()


def test_every_bit_of_the_margin_is_that_of_stock_xgboost(ledger: Ledger) -> None:
    """Of what is stored, and so of what is recomputed."""
    with ledger.reading() as connection:
        rows = connection.execute(select(score.c.row, score.c.margin)).all()
    assert [row.margin for row in rows] == stock_margins([numbers_of(row.row) for row in rows])
    assert replayed(ledger) == Replayed(12, 12, 0)


def test_a_lead_a_day_or_a_share_is_chosen(ledger: Ledger) -> None:
    """The share is the same each time."""
    assert replayed(ledger, Chosen(lead=1)).recomputed == 3
    assert replayed(ledger, Chosen(day=NEW_YEAR // DAY + 1)).recomputed == 4
    assert replayed(ledger, Chosen(day=NEW_YEAR // DAY + 9)).recomputed == 0
    half = replayed(ledger, Chosen(share=0.001)).recomputed
    assert half == replayed(ledger, Chosen(share=0.001)).recomputed < 12


@pytest.mark.parametrize("what", ["margin", "probability", "tier", "row"])
def test_one_bit_that_differs_is_found(ledger: Ledger, what: str) -> None:
    """With the score, the model, and both values."""
    with ledger.writing() as connection:
        kept = connection.execute(select(score).where(score.c.number == 7)).one()
        row = bytearray(kept.row)
        row[4:8] = b"\0\0\x80\x41"
        changed = {"margin": kept.margin + 2**-24, "probability": kept.probability * (1 + 2**-52), "tier": "E" if kept.tier != "E" else "A", "row": bytes(row)}  # fmt: skip
        connection.execute(update(score).where(score.c.number == 7).values({what: changed[what]}))
    with pytest.raises(
        Differing, match=r"score 7 of small 1\.2\.3: (margin|probability|tier) is kept as .* but recomputed as"
    ):
        replayed(ledger)


def test_scores_of_remote_models_are_counted_and_not_recomputed(ledger: Ledger) -> None:
    """Their margins are undone from probabilities of another engine."""
    with ledger.writing() as connection:
        connection.execute(update(score).where(score.c.number <= 2).values(flags=REMOTE, margin=0.5))
    assert replayed(ledger) == Replayed(12, 10, 2)


number = st.floats(0, 1e6, width=32) | st.none()
any_row = st.tuples(
    number, st.integers(0, 99).map(float) | st.none(), number, st.sampled_from((0.0, 1.0)),
    st.sampled_from((0.0, 1.0, 2.0, None)), st.sampled_from((0.0, 1.0)), st.floats(0, 1, width=32) | st.none(),
).map(list)  # fmt: skip
"""A row of the small model."""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(any_row, min_size=1, max_size=20))
def test_any_row_is_recomputed(ledger: Ledger, tmp_path: Path, rows: list[list[float | None]]) -> None:
    """With missing values, and any codes."""
    for row in rows:
        add_row(ledger, model_file(tmp_path), row, stock_margins([row])[0])
    assert replayed(ledger).recomputed >= len(rows)


def test_zeros_of_different_signs_differ() -> None:
    """As bits."""
    assert bits(0.0) != bits(-0.0)
    assert bits("A") == bits("A") != bits("B")
