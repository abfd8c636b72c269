"""A model's description reports what is served."""

from pathlib import Path

from factories import SMALL, bare_model_file, card, model_file
from msgspec import UNSET
from timed import TIMED, timed_model

from leadscoring.model.card import Training
from leadscoring.model.description import describe
from leadscoring.model.file import open_model


def test_the_description_reports_the_card_and_the_trees(tmp_path: Path) -> None:
    """Name, version, size, tiers, and whether the model is certified."""
    model = open_model(model_file(tmp_path))
    about = describe(model)
    assert (about.name, about.version, about.certified, about.golden_rows) == ("small", "1.2.3", True, 2)
    assert (about.n_features, about.n_trees) == (len(SMALL), model.trees.n_trees)
    assert list(about.tiers.thresholds) == ["A", "B", "C", "D"]


def test_a_model_without_a_card_has_no_quality_and_no_date(tmp_path: Path) -> None:
    """It is not certified, and its version is the beginning of its digest."""
    about = describe(open_model(bare_model_file(tmp_path)))
    assert (about.name, about.certified, about.created_at, about.quality) == ("bare", False, None, None)
    assert about.sha256.startswith(about.version)


def test_the_latest_moment_of_training_is_exact_or_null(tmp_path: Path) -> None:
    """Cards of format 1 and models without a card do not have it."""
    until = "2026-01-31T12:00:00.000001Z"
    training = Training(10, 3, "converted", "00", trained_until=until)
    dated = open_model(model_file(tmp_path, card(training=training), "dated.json"))
    assert describe(dated).trained_until == until
    undated = card(training=Training(10, 3, "converted", "00"))
    for made in (model_file(tmp_path, undated), bare_model_file(tmp_path)):
        assert describe(open_model(made)).trained_until is None


def test_a_model_with_dates_tells_that_and_its_columns(tmp_path: Path) -> None:
    """Any other is described as before there were dates."""
    about = describe(open_model(timed_model(tmp_path)))
    assert (about.n_features, about.n_columns, about.timed) == (len(TIMED), len(TIMED.columns), True)
    plain = describe(open_model(model_file(tmp_path)))
    assert plain.n_columns is plain.timed is UNSET
