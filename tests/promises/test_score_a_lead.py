"""The README's program that scores a lead: it finds the service, and says in one line why there is no score."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import pages
from project import ROOT
from serving import Server, free_port, serving

pytestmark = pytest.mark.integration

PROGRAM = ROOT / "docs" / "examples" / "score_a_lead.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The shipped model, opened by the demo key."""
    folder = tmp_path_factory.mktemp("example")
    with serving(folder, ROOT / "models" / "model.json", API_KEYS="demo-api-key-123") as running:
        yield running


def run(*files: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """What the program does."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PORT", "BASE_URL", "API_KEY")}
    command = [sys.executable, str(PROGRAM), *map(str, files)]
    return subprocess.run(command, env=kept | environ, capture_output=True, text=True, check=False)


def test_it_finds_the_service_where_port_says(server: Server) -> None:
    """As ``make dev`` listens where PORT says; and prints what the README shows."""
    ran = run(PORT=server.url.rpartition(":")[2])
    readme = (ROOT / "README.md").read_text("utf-8")
    assert ran.stdout, ran.stderr
    assert f"$ python3 docs/examples/score_a_lead.py\n{ran.stdout}```" in readme


def test_a_lead_that_is_refused_ends_it_with_each_fault(server: Server, tmp_path: Path) -> None:
    """In the service's words."""
    (tmp_path / "lead.json").write_text('{"lead_id": "a", "features": {"bounce_rate": 1.7}}')
    ran = run(tmp_path / "lead.json", BASE_URL=server.url)
    assert ran.returncode == 1
    assert "\nbounce_rate must be a number from 0 to 1, not 1.7\n" in ran.stderr


def test_what_is_not_there_or_another_service_is_one_line(server: Server, tmp_path: Path) -> None:
    """No file, no service, a web server: each says what to do, and never shows a traceback."""
    no_file = run(tmp_path / "none.json", BASE_URL=server.url)
    assert no_file.stderr == f"{tmp_path / 'none.json'} cannot be read: No such file or directory\n"
    nobody = run(PORT=str(free_port()))
    assert "urlopen" not in nobody.stderr
    assert "Start one with `make dev`, or set BASE_URL or PORT." in nobody.stderr
    with pages(tmp_path) as url:
        other = run(BASE_URL=url)
    assert other.stderr.startswith(f"Something other than this service answers at {url}, with status 501.")
    assert {ran.returncode for ran in (no_file, nobody, other)} == {1}
    assert not any("Traceback" in ran.stderr for ran in (no_file, nobody, other))
