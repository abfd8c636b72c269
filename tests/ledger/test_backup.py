"""A ledger is copied while the service runs, and put back: every score replays, and nobody who was erased returns."""

import os
import subprocess
import sys
from pathlib import Path

import postgresql
import pytest
from factories import key_file, model_file
from factories import lead as a_lead
from ledgers import KEYS, NEW_YEAR, add_score, bytes_in, ledger_settings, new_ledger
from serving import Server, eventually, serving, status

from leadscoring.errors import LedgerUnusable
from leadscoring.ledger.backup import back_up, restore
from leadscoring.ledger.kept_models import KeptModels
from leadscoring.ledger.outcome import Outcome
from leadscoring.ledger.outcomes import record
from leadscoring.ledger.persons import erase, put_objection
from leadscoring.ledger.replay import Chosen, replay
from leadscoring.ledger.rights import KeptRights, respect, rights_of
from leadscoring.model.file import Opening

NAMES = ("ann", "bob", "cid")


def score(server: Server, name: str, revenue: float) -> int:
    """Asks for a score; returns the status."""
    return server.http.post("/api/v1/score", json=a_lead(name, revenue=revenue)).status_code


def moved(server: Server, leads: int) -> bool:
    """Whether the keeper has moved so many scores."""
    found = status(server)["ledger"]
    return bool(found["moved"] >= leads)


def run(command: str, environ: dict[str, str]) -> str:
    """Runs a command of ours; returns what it printed."""
    words = ["leadscoring", *command.split()]
    done = subprocess.run(words, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.integration
def test_a_restored_ledger_replays_and_respects_what_persons_asked_for_since(tmp_path: Path) -> None:
    """With the real service: it is backed up while it scores, and its ledger is put back after it has ended."""
    keys = key_file(tmp_path, {"label": "all", "scopes": ["score", "outcomes", "admin"]})
    settings, copy = ledger_settings(tmp_path), tmp_path / "copy" / "ledger.db"
    settings |= {"API_KEYS": "", "API_KEYS_FILE": str(keys)}
    copy.parent.mkdir()
    path = os.environ["PATH"]
    environ = settings | {"PATH": f"{Path(sys.executable).parent}:{path}", "MODEL_PATH": str(model_file(tmp_path))}
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        server.http.headers["X-API-Key"] = "key of all"
        assert [score(server, name, 1e6) for name in NAMES] == [200] * 3
        won = {"lead_id": "cid", "outcome": "won", "at": "2026-01-02T10:00:00Z"}
        assert server.http.post("/api/v1/outcomes", json=won).status_code == 200
        assert eventually(lambda: moved(server, 3))
        assert "ledger is in" in run(f"ledger backup {copy}", environ)
        assert [score(server, name, 2e6) for name in NAMES] == [200] * 3
        assert eventually(lambda: moved(server, 6))
        refused = subprocess.run(["leadscoring", "ledger", "restore", str(copy), "--yes"], env=os.environ | environ,
                                 capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
        assert refused.returncode == 1
        assert "a service uses it" in refused.stderr
        assert server.http.delete("/api/v1/leads/ann").status_code == 200
        assert server.http.put("/api/v1/leads/bob/objection").status_code == 200
    assert copy.stat().st_mode & 0o077 == 0
    said = run(f"ledger restore {copy} --yes", environ)
    assert "1 leads were erased again" in said
    assert "1 objections noted" in said
    assert run("replay", environ) == "2 scores recomputed: every bit is the same\n"
    with serving(tmp_path, model_file(tmp_path), **settings) as server:
        server.http.headers["X-API-Key"] = "key of all"
        assert server.http.get("/api/v1/leads/ann").status_code == 404
        assert eventually(lambda: score(server, "bob", 1e6) == 403)
        history = server.http.get("/api/v1/leads/cid").json()
        assert [one["outcome"] for one in history["outcomes"]] == ["won"]
        assert len(history["scores"]) == 1
        assert score(server, "cid", 3e6) == 200
        assert eventually(lambda: len(server.http.get("/api/v1/leads/cid").json()["scores"]) == 2)
    run("replay", environ)
    (before,) = tmp_path.glob("ledger.db.before-*")
    before.unlink()
    copy.unlink()
    assert bytes_in(tmp_path, KEYS.key("ann")) == ["ledger.db"]  # the tombstone alone: keys in files are in hexadecimal


def test_a_copy_is_refused_that_is_no_ledger_or_damaged(tmp_path: Path) -> None:
    """And the ledger that is there stays; the copy is only read."""
    ledger = new_ledger(tmp_path)
    add_score(ledger, model_file(tmp_path), a_lead("ann"))
    copy = tmp_path / "copy.db"
    assert back_up(ledger, copy) == copy.stat().st_size
    ledger.close()
    url, whole = f"sqlite:///{tmp_path}/ledger.db", copy.read_bytes()
    for content in (b"", b"nothing", whole[:5000], whole[:2000] + b"\xff" * 9000 + whole[11000:]):
        copy.write_bytes(content)
        with pytest.raises(LedgerUnusable, match="no backup of a ledger"):
            restore(url, copy, tmp_path / "tape")
        assert copy.read_bytes() == content
    assert not list(tmp_path.glob("*before*"))
    copy.write_bytes(whole)
    done = restore(url, copy, tmp_path / "tape")
    assert done.before is not None
    assert sorted(path.name for path in tmp_path.glob("*.db*")) == ["copy.db", "ledger.db", done.before.name]


def test_a_copy_does_not_replace_the_ledger_itself(tmp_path: Path) -> None:
    """Also by another name: the service would go on with a file that nobody finds."""
    ledger, link = new_ledger(tmp_path), tmp_path / "link.db"
    link.symlink_to(tmp_path / "ledger.db")
    for path in (tmp_path / "ledger.db", link):
        with pytest.raises(LedgerUnusable, match="is the ledger itself"):
            back_up(ledger, path)
    assert rights_of(ledger).every == []
    ledger.close()


def test_a_damaged_ledger_is_replaced_and_what_the_tape_knows_is_put_into_the_copy(tmp_path: Path) -> None:
    """Its own erasures cannot be read any more: the file beside the tape has them."""
    ledger = new_ledger(tmp_path)
    add_score(ledger, model_file(tmp_path), a_lead("ann"))
    back_up(ledger, tmp_path / "copy.db")
    erase(ledger, KEYS, "ann", "ops")
    KeptRights(tmp_path / "tape").follow(ledger)
    ledger.close()
    path = tmp_path / "ledger.db"
    path.write_bytes(b"\xff" * path.stat().st_size)
    done = restore(f"sqlite:///{path}", tmp_path / "copy.db", tmp_path / "tape")
    assert done.respected.erased == 1
    assert done.before is not None
    assert done.before.read_bytes()[:4] == b"\xff" * 4


def test_postgresql_is_left_to_its_own_programs(cluster: postgresql.Cluster, tmp_path: Path) -> None:
    """The error names them."""
    ledger = new_ledger(tmp_path, cluster.url())
    with pytest.raises(LedgerUnusable, match="pg_dump"):
        back_up(ledger, tmp_path / "copy")
    ledger.close()


def test_a_dump_of_postgresql_is_restored_with_every_bit(cluster: postgresql.Cluster, tmp_path: Path) -> None:
    """By the commands of the runbook: what was asked for since is put into it from the ledger that is left."""
    old = new_ledger(tmp_path, cluster.url())
    for number, name in enumerate(NAMES):
        add_score(old, model_file(tmp_path), a_lead(name), NEW_YEAR + number)
    record(old, KEYS, [Outcome("cid", "won", NEW_YEAR)], "crm")
    dump, url = tmp_path / "ledger.dump", cluster.url()
    plain = old.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(
        [postgresql.programs() / "pg_dump", "--format", "custom", "--file", str(dump), plain], check=True, timeout=60
    )
    erase(old, KEYS, "ann", "ops")
    put_objection(old, KEYS, "bob", "ops")
    subprocess.run(
        [postgresql.programs() / "pg_restore", "--no-owner", "--exit-on-error", "--dbname", url, str(dump)],
        check=True,
        timeout=60,
    )
    restored = new_ledger(tmp_path, url)
    assert respect(restored, rights_of(old).every, "ops")[:2] == (1, 1)
    with restored.reading() as connection:
        *_, counts = replay(connection, KeptModels(Opening()), Chosen())
    assert (counts.chosen, counts.recomputed) == (2, 2)
    assert {(one.key, one.erased_at is None) for one in rights_of(restored).every} == {
        (KEYS.key("ann").hex(), False), (KEYS.key("bob").hex(), True),
    }  # fmt: skip
    assert add_score(restored, model_file(tmp_path), a_lead("new"), NEW_YEAR + 9) > len(NAMES)
    for ledger in (old, restored):
        ledger.close()
