"""The folder of what workers share ends with its service, whatever ends that."""

import tempfile
from pathlib import Path

import pytest
from factories import LEAD, model_file
from serving import (
    DEADLINE,
    eventually,
    serving,
    start,
)

from leadscoring.errors import CannotStart
from leadscoring.serving.shared_folder import HELD, PREFIX, shared_folder


@pytest.mark.integration
def test_what_a_killed_service_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    """Nothing of one that lives, and nothing of anybody else's; in the end nothing is left."""
    model, environ = model_file(tmp_path), {"WORKERS": "2", "TMPDIR": str(tmp_path)}
    strange = tmp_path / "leadscoring-notes"
    strange.mkdir()

    def folders() -> set[Path]:
        return set(tmp_path.glob("leadscoring-*")) - {strange}

    with serving(tmp_path, model, **environ) as living:
        kept = folders()
        killed = start(tmp_path, model, **environ)
        killed.http.close()
        assert eventually(lambda: '"listening"' in killed.logged())
        killed.process.kill()
        killed.process.wait(DEADLINE)
        left = folders() - kept
        with serving(tmp_path, model, **environ):
            assert eventually(lambda: not left & folders())
            assert kept < folders()
        assert (len(left), folders()) == (1, kept)
        assert living.http.post("/api/v1/score", json=LEAD).status_code == 200
    assert folders() == set()
    assert strange.exists()


def test_a_folder_is_taken_for_as_long_as_it_is_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another that opens beside it leaves it alone; one whose owner is gone goes when the next opens."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / HELD).touch()
    with shared_folder() as first, shared_folder() as second:
        assert set(tmp_path.iterdir()) == {first, second}
    assert not list(tmp_path.iterdir())


def test_without_a_place_for_it_the_start_fails_with_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root of a container may be read-only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(CannotStart, match="TMPDIR"), shared_folder():
        pass
