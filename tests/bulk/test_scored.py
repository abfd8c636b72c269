"""A batch becomes scores, rejects and counts that add up."""

from pathlib import Path

import factories
import pytest
from bulk_files import NAMES, content

from leadscoring.bulk.appended import Appended
from leadscoring.bulk.batch import Position
from leadscoring.bulk.choice import Choice, needed
from leadscoring.bulk.chunk import BulkScorer
from leadscoring.bulk.columns import Columns
from leadscoring.bulk.delimited import Parser
from leadscoring.bulk.layout import layout_of
from leadscoring.bulk.outputs import CsvOutput
from leadscoring.bulk.scored import Done, Scoring
from leadscoring.model.file import open_model


@pytest.mark.parametrize("lead_id", ["crm id", None])
def test_faults_show_the_text_of_the_file(tmp_path: Path, lead_id: str | None) -> None:
    """A block that was read as numbers is read again as text where a row is rejected."""
    done = scored(tmp_path, content(["sound", "outside", "sound", "lacking"]), lead_id)
    assert (done.counts.rows, done.counts.scored, done.counts.rejected) == (4, 2, 2)
    text = done.rejects.decode()
    assert "revenue must be a number of 0 or more" in text
    assert "not -3" in text
    assert "open_rate must be" in text
    assert '"lead 1,-3,3,0.35,1,event,south,1.5"' in text
    assert done.piece.lines.count(b"\n") == 2


def test_a_short_line_is_a_warning(tmp_path: Path) -> None:
    """The lead is scored, and its row says what it lacks."""
    done = scored(tmp_path, content(["sound", "short"]), "crm id")
    assert done.counts.short == 1
    assert b"short_line: the line has only 7 values" in done.piece.lines


def scored(folder: Path, text: str, lead_id: str | None) -> Done:
    """Scores the rows of a file at once."""
    model = open_model(factories.model_file(folder))
    need = needed(Choice(lead_id=lead_id), model, ("crm id", *NAMES), "leads.csv")
    parser = Parser(layout_of(text.encode(), True, "leads.csv"), need.every, need.numbers)
    batch = parser.parse(text.partition("\n")[2].encode(), Position(0, 2), True).batch
    assert batch is not None
    output = CsvOutput(Appended(folder / "scores.csv"))
    scoring = Scoring(BulkScorer(model, 2), Columns(model, False, 2), output, "leads.csv", need, True)
    return scoring.score(batch)
