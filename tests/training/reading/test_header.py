from pathlib import Path

import pytest

from leadscoring.contract.features import Feature
from leadscoring.errors import TrainingDataError
from leadscoring.training.reading.header import header_of
from leadscoring.training.reading.table import read_table


def test_names_that_json_would_have_to_escape_are_changed_and_said() -> None:
    """HubSpot's doubled quotation marks, line breaks and backslashes; the label stays known."""
    header = header_of(['Time in "Opp" (h)', "a\\b", "two\nlines", "plain"], "line 1")
    assert header.names == ["Time in 'Opp' (h)", "a/b", "two lines", "plain"]
    assert header.labels["Time in 'Opp' (h)"] == 'Time in "Opp" (h)'
    assert "is called \"Time in 'Opp' (h)\" here" in header.notes[0]
    for name in header.names:
        Feature(name, "number")


def test_spaces_and_names_that_come_twice() -> None:
    """The second of a name gets a number; no two columns are ever called alike."""
    header = header_of([" a ", "a", "a (2)", "", "\u200bb\xa0"], "line 1")
    assert header.names == ["a", "a (2) (2)", "a (2)", "column 4", "b"]
    assert len(set(header.names)) == 5
    assert header.twice == {"a"}


def test_a_column_that_comes_twice_with_the_same_values_is_kept_once(tmp_path: Path) -> None:
    """With other values both stay, and no option can mean both."""
    path = tmp_path / "leads.csv"
    path.write_text("a,b,a\n1,2,1\n3,4,3\n")
    assert read_table(path).frame.columns == ["a", "b"]
    path.write_text("a,b,a\n1,2,1\n3,4,5\n")
    table = read_table(path)
    assert table.frame.columns == ["a", "b", "a (2)"]
    with pytest.raises(TrainingDataError, match="--target names 'a', but several columns"):
        table.resolve("a", "--target")
    assert table.resolve("b", "--target") == "b"


def test_an_option_may_use_the_name_in_the_file(tmp_path: Path) -> None:
    """With the quotation marks, or without."""
    path = tmp_path / "leads.csv"
    path.write_text('id,"Time in ""Opp"""\n1,2\n3,4\n')
    table = read_table(path)
    assert table.resolve('Time in "Opp"', "--time") == table.resolve("Time in 'Opp'", "--time") == "Time in 'Opp'"
    assert table.named_values(['Time in "Opp"=0', "id=7", "NA"]) == ("Time in 'Opp'=0", "id=7", "NA")
