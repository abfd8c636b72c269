"""Options name columns, and what a file lacks is an error with a suggestion."""

from dataclasses import replace
from pathlib import Path

import factories
import msgspec
import pytest
from timed import timed_model

from leadscoring.bulk.choice import Choice, absent_words, needed
from leadscoring.errors import ScoringFileError
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.reading import Dated, Reading

NAMES = factories.SMALL.names


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    """The small model."""
    return open_model(factories.model_file(tmp_path))


def test_columns_are_those_of_the_model_and_those_that_are_named(model: LoadedModel) -> None:
    """Columns that are repeated are not read as numbers, since texts have to stand as they stood."""
    names = ["id", *NAMES, "seen", "owner"]
    found = needed(Choice(as_of="seen", keep=("owner", "visits")), model, names, "leads.csv")
    assert found.features == tuple(NAMES)
    assert (found.lead_id, found.as_of, found.keep) == ("id", "seen", ("owner", "visits"))
    assert found.numbers == ("revenue", "growth", "decision_maker", "open_rate")
    assert set(found.every) == set(names)
    for every in (("all",), ("all", "owner"), ("owner", "all")):  # also beside others
        assert needed(Choice(keep=every), model, names, "x").keep == tuple(names)
    assert needed(Choice(as_of="2026-01-01"), model, names, "x").moment == 1_767_225_600_000_000


def test_ids_are_those_of_training_where_the_file_has_them(model: LoadedModel) -> None:
    """Without --id: whoever named the column once need not name it for each file."""
    card = msgspec.structs.replace(model.card, reading=Reading(id="Lead ID"))
    model = replace(model, card=card)
    assert needed(Choice(), model, ["id", "Lead ID", *NAMES], "leads.csv").lead_id == "Lead ID"
    assert needed(Choice(), model, ["id", *NAMES], "leads.csv").lead_id == "id"
    assert needed(Choice(), model, NAMES, "leads.csv").lead_id is None
    assert needed(Choice(lead_id="id"), model, ["id", "Lead ID", *NAMES], "leads.csv").lead_id == "id"


def test_leads_are_seen_at_the_moment_at_which_training_saw_them(tmp_path: Path) -> None:
    """By the column of the card where the file has it, unless the user says otherwise: dates would have aged."""
    model = open_model(timed_model(tmp_path))
    card = msgspec.structs.replace(model.card, reading=Reading(dated=Dated(as_of="seen")))
    model = replace(model, card=card)
    names = [*model.card.contract.names, "seen"]
    assert needed(Choice(), model, names, "leads.csv").as_of == "seen"
    assert needed(Choice(), model, names[:-1], "leads.csv").as_of is None
    assert needed(Choice(as_of="now"), model, names, "leads.csv").as_of is None
    assert needed(Choice(as_of="2026-01-01"), model, names, "leads.csv").as_of is None


@pytest.mark.parametrize(
    ("choice", "names", "words"),
    [
        (Choice(lead_id="idd"), ["id", *NAMES], "--id names 'idd'.*did you mean 'id'"),
        (Choice(keep=("ownr",)), ["owner", *NAMES], "--columns names 'ownr'.*did you mean 'owner'"),
        (Choice(keep=("all", "ownr")), ["owner", *NAMES], "--columns names 'ownr'.*did you mean 'owner'"),
        (Choice(as_of="soon"), NAMES, "--as-of must be a time"),
        (Choice(), ["visits", "growth"], "lacks 'revenue', 'decision_maker'.*which the model needs"),
        (Choice(), ["a", "b"], "lacks"),
    ],
)
def test_what_a_file_lacks_is_named(model: LoadedModel, choice: Choice, names: list[str], words: str) -> None:
    """The error names the option, the column and the nearest one."""
    with pytest.raises(ScoringFileError, match=words):
        needed(choice, model, names, "leads.csv")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (NAMES, None),
        ([name for name in NAMES if name != "growth"], "f.csv lacks 'growth', which the model knows: unknown for all"),
        (["Growth" if name == "growth" else name for name in NAMES], "f.csv lacks 'growth' (did you mean 'Growth'?),"),
    ],
)
def test_a_column_that_may_be_missing_is_noted(model: LoadedModel, names: list[str], words: str | None) -> None:
    """A column that was renamed would change every score without a word."""
    found = absent_words(model, names, "f.csv")
    assert found is None if words is None else (found or "").startswith(words)
