import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from past_leads import leads

from leadscoring.quality.figures import measure
from leadscoring.training import parts, plenty
from leadscoring.training.basis import basis_of
from leadscoring.training.calibrate import apply
from leadscoring.training.leads import Leads, parted
from leadscoring.training.options import TrainOptions
from leadscoring.training.parts import HELD, STOPS, Pair, Parts
from leadscoring.training.prepared import Prepared, prepare
from leadscoring.training.share import Share

ROWS = 3000
SEED = 20


def past(frame: pl.DataFrame | None = None, **options: Any) -> Prepared:
    """Leads before a model is fitted to them."""
    return prepare(leads(ROWS) if frame is None else frame, TrainOptions(target="won", **options))


def fitted(
    prepared: Prepared, others: Leads | None = None, seen: list[tuple[str, float]] | None = None, **options: bool
) -> Pair:
    """Both models, with the outcomes of other leads if asked."""
    told = [] if seen is None else seen
    part = parted(prepared.leads, prepared.guarded.inferred.alike, SEED)
    share = Share(lambda stage, done: told.append((stage, done)), 0.2, 0.95)
    ship_measured = options.get("ship_measured", False)
    return Parts(others or prepared.leads, basis_of(prepared), part, SEED, ship_measured=ship_measured).fit(share)


@cache
def pair() -> Pair:
    """Both models of some leads, fitted once."""
    return fitted(past())


def part_of(prepared: Prepared) -> np.ndarray:
    """The part of each lead."""
    return parted(prepared.leads, prepared.guarded.inferred.alike, SEED)


def trees(one: Pair) -> tuple[bytes, bytes]:
    """The trees of both models, as files."""
    return bytes(one.rehearsal.booster.save_raw("json")), bytes(one.final.booster.save_raw("json"))


@contextmanager
def on_one_core() -> Iterator[None]:
    """Threads that begin here get one core, though the machine has more."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(every)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, every)


@pytest.mark.parametrize("serial", [False, True])
def test_the_trees_do_not_depend_on_the_number_of_cores(monkeypatch: pytest.MonkeyPatch, serial: bool) -> None:
    """With one worker or several, on one core or all; very large ones are on two threads in any case."""
    if serial:
        monkeypatch.setattr(parts, "SERIAL", 1)
    several = fitted(past()) if serial else pair()
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with on_one_core():
        alone = fitted(past())
    assert trees(several) == trees(alone)
    assert several.final.calibration == alone.final.calibration
    assert several.held_out.quality == alone.held_out.quality


def test_what_is_measured_does_not_depend_on_the_held_out_outcomes() -> None:
    """Recipe, rounds, trees, calibration and tiers stay if every outcome of the held-out part is turned round."""
    prepared = past()
    held = part_of(prepared) == HELD
    y = np.where(held, 1.0 - prepared.leads.y, prepared.leads.y)
    turned = fitted(prepared, msgspec.structs.replace(prepared.leads, y=y))
    one, two = pair().rehearsal, turned.rehearsal
    assert (one.cross.recipe, one.cross.rounds) == (two.cross.recipe, two.cross.rounds)
    assert bytes(one.booster.save_raw("json")) == bytes(two.booster.save_raw("json"))
    assert one.calibration == two.calibration
    assert one.tiers == two.tiers
    assert np.array_equal(pair().held_out.p, turned.held_out.p)


def test_the_figures_are_those_of_the_rehearsal_on_the_held_out_part() -> None:
    """Scored by trees of the first three parts, calibrated on the fourth."""
    prepared = past()
    part, basis = part_of(prepared), basis_of(prepared)
    rehearsal, held_out = pair().rehearsal, pair().held_out
    x = basis.x[part == HELD]
    assert np.array_equal(held_out.x, x, equal_nan=True)
    assert np.array_equal(held_out.p, rehearsal.probabilities(x))
    y = prepared.leads.y[part == HELD]
    assert held_out.quality == measure(y, held_out.p, rehearsal.tiers.thresholds)
    assert len(held_out.leads.y) == int((part == HELD).sum())
    assert len(rehearsal.recent) == int((part == STOPS).sum())
    assert np.isnan(rehearsal.unseen).sum() == int((part < STOPS).sum())


def test_the_final_model_is_calibrated_on_both_parts_that_trees_had_not_seen() -> None:
    """Its trees have as many rounds as the rehearsal's, and learn from all leads."""
    part, final = part_of(past()), pair().final
    assert len(final.y) == ROWS
    assert final.recent.tolist() == np.flatnonzero(part >= STOPS).tolist()
    assert np.isfinite(final.unseen[final.recent]).all()
    assert np.array_equal(final.unseen[final.recent], apply(final.calibration, final.cross.margins[final.recent]))
    assert final.booster.num_boosted_rounds() == pair().rehearsal.booster.num_boosted_rounds() == final.cross.rounds
    assert final.out_of_fold().rows == len(final.recent)


def test_few_of_very_many_leads_are_kept_as_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evenly spaced, beside the outcomes of all."""
    monkeypatch.setattr(parts, "SHOWN", 100)
    prepared = past()
    both = fitted(prepared)
    for one in (both.rehearsal, both.final):
        assert one.x.shape == one.served.shape == (100, len(one.contract.columns))
        assert len(one.shown) == 100
    assert np.array_equal(both.final.x, basis_of(prepared).x[both.final.shown], equal_nan=True)
    assert len(both.final.y) == ROWS


def test_over_time_the_measured_model_learns_from_the_part_that_stopped_it() -> None:
    """It is the latest before those that are held out; the parts are in the order of time."""
    prepared = past(leads(ROWS).with_columns(day=pl.int_range(ROWS)), time="day")
    part = part_of(prepared)
    assert (np.diff(part) >= 0).all()
    both = fitted(prepared)
    assert both.rehearsal.booster.num_boosted_rounds() == both.rehearsal.cross.rounds
    stops = np.flatnonzero(part == STOPS)
    own = both.rehearsal.probabilities(basis_of(prepared).x[stops])
    assert not np.allclose(own, both.rehearsal.unseen[stops])  # these are of trees that had not seen them


def test_the_measured_model_may_be_the_one_that_is_shipped() -> None:
    """It then learns from four fifths, and is the only one."""
    both = fitted(past(), ship_measured=True)
    assert both.final is both.rehearsal
    assert len(both.final.y) == pytest.approx(ROWS * 0.8, abs=5)


def test_progress_is_reported_while_trees_grow() -> None:
    """By the round, in stages, and never back."""
    seen: list[tuple[str, float]] = []
    fitted(past(), seen=seen)
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert 0.2 <= shares[0] <= shares[-1] <= 0.95
    assert list(dict.fromkeys(stage for stage, _ in seen))[:3] == ["recipes", "folds", "trees"]
    assert max(np.diff(shares)) < 0.5
    assert len(seen) > 50


def test_ctrl_c_ends_all_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads end after the round that they are in, and nothing is returned."""
    monkeypatch.setattr(plenty, "MAX_ROUNDS", 1_000_000)
    monkeypatch.setattr(plenty, "PATIENCE", 1_000_000)
    monkeypatch.setattr(plenty, "race", lambda *_: (plenty.RECIPES[0], 100))
    prepared = past()

    def interrupted(stage: str, _share: float) -> None:
        if stage == "folds":
            raise KeyboardInterrupt

    share = Share(interrupted, 0.0, 1.0)
    with pytest.raises(KeyboardInterrupt):
        Parts(prepared.leads, basis_of(prepared), part_of(prepared), SEED, ship_measured=False).fit(share)
