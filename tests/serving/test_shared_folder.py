"""The folder of what workers share ends with its service, whatever ends that."""

from pathlib import Path

import pytest
from factories import LEAD, model_file
from serving import (
    DEADLINE,
    eventually,
    serving,
    start,
)

pytestmark = pytest.mark.integration


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
