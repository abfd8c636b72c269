"""A run keeps each scored lead once, whenever it ends and goes on, and leaves the service its room on the tape."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import factories
import pytest
from bulk_files import content, mixed, planted, rows_of, run
from hypothesis import given, settings
from hypothesis import strategies as st
from killed import Killed, killed_at

from leadscoring.bulk import batches, recording
from leadscoring.bulk.recorder import TableRecorder
from leadscoring.bulk.recording import Recording
from leadscoring.bulk.run import Result
from leadscoring.errors import ScoringFileError
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.segments import BULK, PLAIN_ID, Record, read, segments_in
from leadscoring.ledger.tape_folder import TapeFolder
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

KEYS = LeadKeys(b"secret")
FEW = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def model() -> Iterator[LoadedModel]:
    """The small model, opened as the service opens it."""
    with tempfile.TemporaryDirectory() as folder:
        yield open_model(factories.model_file(Path(folder)))


def recording_in(folder: Path, model: LoadedModel, limit: int = 1 << 30) -> Recording:
    """What keeps the leads of a run in a folder, from which nobody moves them."""
    recorder = TableRecorder(model.card.contract, KEYS, plain=True)
    return Recording(None, recorder, TapeFolder(folder, limit), model.sha256)


def taped(folder: Path) -> list[Record]:
    """All records that a keeper sees in a folder."""
    return [record for path in segments_in(folder) for record in read(path, 0, 1_000_000).records]


@pytest.fixture
def nobody_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run does not wait for a keeper."""
    monkeypatch.setattr(recording, "PATIENCE_SECONDS", 0.0)


@FEW
@given(
    kills=st.lists(st.tuples(st.integers(1, 120), st.booleans()), max_size=3),
    ending=st.sampled_from(["csv", "parquet"]),
    source=st.sampled_from(["csv", "parquet"]),
)
def test_each_scored_lead_is_recorded_once(
    model: LoadedModel, kills: list[tuple[int, bool]], ending: str, source: str
) -> None:
    """Wherever the run is killed: what is on the tape in the end is what is in the scores."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BLOCK", 1500)
        patch.setattr(batches, "ROWS", 40)
        patch.setattr(recording, "PATIENCE_SECONDS", 0.0)
        place = Path(folder)
        data, tape, out = planted(place, source), place / "tape", place / f"scores.{ending}"

        def once() -> int:
            kept = recording_in(tape, model)
            return run(model, data, out, resume=True, recorded=0, record=True, recording=kept).counts.recorded

        recorded = None
        for number, before in kills:
            with killed_at(number, before), suppress(Killed):
                recorded = once()
                break
        recorded = once() if recorded is None else recorded
        names = sorted(str(record.name) for record in taped(tape))
        assert len(names) == recorded == len(set(names))
        if ending == "csv":
            assert names == sorted(row["id"].removeprefix("'") for row in rows_of(out))
        assert not [path.name for path in tape.iterdir() if path.suffix == ".held"]


def test_a_run_to_standard_output_hands_over_before_it_prints(
    model: LoadedModel, tmp_path: Path, nobody_moves: None, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """It cannot go on later, so that nothing may be printed that is not kept."""
    (tmp_path / "leads.csv").write_text(content(mixed(50)))
    found = run(
        model,
        tmp_path / "leads.csv",
        None,
        rejects=tmp_path / "rejects.csv",
        record=True,
        recording=recording_in(tmp_path / "tape", model),
    )
    assert len(taped(tmp_path / "tape")) == found.counts.scored == found.counts.recorded > 0
    assert capfdbinary.readouterr().out


def test_a_run_that_is_started_anew_gives_up_what_was_not_handed_over(
    model: LoadedModel, tmp_path: Path, nobody_moves: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the interrupted run stays beside the tape."""
    monkeypatch.setattr(batches, "ROWS", 40)
    monkeypatch.setattr(batches, "BLOCK", 1500)
    (tmp_path / "leads.csv").write_text(content(["sound"] * 300))

    def once(number: int) -> None:
        with killed_at(number, before=True):
            run(
                model,
                tmp_path / "leads.csv",
                tmp_path / "scores.csv",
                recorded=0,
                record=True,
                recording=recording_in(tmp_path / "tape", model),
            )

    for number in range(20, 60):
        with pytest.raises(Killed):
            once(number)
        if list((tmp_path / "tape").glob("*.held")):
            break
    else:
        pytest.fail("no kill left a segment in hand")
    once(100_000)
    assert not list((tmp_path / "tape").glob("*.held"))


def test_a_full_tape_ends_the_run_which_can_be_resumed(
    model: LoadedModel, tmp_path: Path, nobody_moves: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the folder is left to the service; the error says how to go on."""
    monkeypatch.setattr(batches, "ROWS", 40)
    monkeypatch.setattr(batches, "BLOCK", 1500)
    (tmp_path / "leads.csv").write_text(content(["sound"] * 500))
    out = tmp_path / "scores.csv"

    def go_on(limit: int) -> int:
        kept = recording_in(tmp_path / "tape", model, limit)
        found = run(model, tmp_path / "leads.csv", out, resume=True, recorded=0, record=True, recording=kept)
        return found.counts.recorded

    with pytest.raises(ScoringFileError, match=r"has no room, and nothing moves.*--resume goes on"):
        go_on(60_000)
    assert go_on(1 << 30) == 500
    assert len({record.name for record in taped(tmp_path / "tape")}) == len(taped(tmp_path / "tape")) == 500


def test_what_waits_on_the_tape_is_noted(model: LoadedModel, tmp_path: Path, nobody_moves: None) -> None:
    """A run whose scores nobody moves says where they are."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 5))
    kept = recording_in(tmp_path / "tape", model)
    found = run(model, tmp_path / "leads.csv", tmp_path / "scores.csv", record=True, recording=kept)
    assert any("1 segment of scores not moved yet, in" in note for note in found.notes)
    (first, *_) = taped(tmp_path / "tape")
    assert (first.name, first.key, first.flags) == ("lead 0", KEYS.key("lead 0"), BULK | PLAIN_ID)


def test_a_run_that_is_killed_while_its_last_scores_wait_is_resumed(
    model: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files have their names then; the same command still goes on, scores nothing again and waits for the ledger."""
    (tmp_path / "leads.csv").write_text(content(["sound"] * 5))

    def go() -> Result:
        kept, out = recording_in(tmp_path / "tape", model), tmp_path / "scores.csv"
        return run(model, tmp_path / "leads.csv", out, resume=True, record=True, recording=kept)

    def ended(_seconds: float) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr("leadscoring.bulk.recording.time.sleep", ended)
        with pytest.raises(Killed):
            go()
    scores = (tmp_path / "scores.csv").read_bytes()
    monkeypatch.setattr(recording, "PATIENCE_SECONDS", 0.0)
    found = go()
    assert (found.resumed, found.counts.recorded, len(taped(tmp_path / "tape")), found.id) == (5, 5, 5, "crm id")
    assert any("1 segment of scores not moved yet, in" in note for note in found.notes)
    assert (tmp_path / "scores.csv").read_bytes() == scores
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
