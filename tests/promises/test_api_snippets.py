"""Every program of docs/API.md runs as it stands, also against a service that asks it to come back later."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browsing, pages
from programs import program
from project import ROOT
from serving import Server, serving

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

GUIDE = (ROOT / "docs" / "API.md").read_text("utf-8")
DEMO_KEY = "demo-api-key-123"
SNIPPET = re.compile(r"^```(shell|python|javascript)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAMS, _, REST = GUIDE.partition("## Score a lead\n")
SNIPPETS = [(match[1], match[2]) for match in SNIPPET.finditer(PROGRAMS)]
FILES = [match[2] for match in SNIPPET.finditer(REST)]
LIMIT = 60
"""Leads a minute of the service that asks to come back: one a second."""

COMMANDS = {
    "shell": ["bash", "-c"],
    "python": [sys.executable, "-c"],
    "javascript": ["node", "--input-type=module", "-e"],
}
MAKERS = ROOT / "build" / "clients" / "venv" / "bin"
"""Where ``make clients`` puts a Node.js, for a machine that has none."""

PATH = f"{os.environ['PATH']}:{MAKERS}"
NEEDS = {"shell": ("bash", "curl", "jq"), "python": (), "javascript": ("node",)}

every_snippet = pytest.mark.parametrize(
    ("language", "code"), SNIPPETS, ids=[f"{language}-{place}" for place, (language, _) in enumerate(SNIPPETS)]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that the demo key opens, and that has each of these calls' leads scored at once."""
    with serving(tmp_path_factory.mktemp("snippets"), ROOT / "models" / "model.json", API_KEYS=DEMO_KEY) as running:
        yield running


def run(language: str, code: str, server: Server) -> str:
    """What a program prints; it must succeed, and say nothing beside."""
    for name in NEEDS[language]:
        program(name, path=PATH)
    code = code.replace("http://localhost:8000", server.url)
    command = [*COMMANDS[language], code]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    ran = subprocess.run(command, cwd=ROOT, env=environ | {"PATH": PATH}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def shows_all(printed: str) -> None:
    """Holds that a score, a place that was refused and the faults of a lead were printed."""
    assert re.search(r"\b[A-E]\b", printed), printed
    assert "invalid_lead" in printed
    assert "/features/bounce_rate" in printed
    assert "bounce_rate must be a number from 0 to 1, not 1.7" in printed


def test_there_is_one_for_each_language() -> None:
    """And two for Python, with the standard library and with httpx."""
    assert sorted(language for language, _ in SNIPPETS) == ["javascript", "python", "python", "shell"]


@every_snippet
def test_a_program_of_the_guide_scores_and_says_what_is_refused(server: Server, language: str, code: str) -> None:
    """One lead, several, and one that is refused."""
    shows_all(run(language, code, server))


@every_snippet
def test_a_program_of_the_guide_comes_back_when_it_is_asked_to(tmp_path: Path, language: str, code: str) -> None:
    """It is told to by ``Retry-After``, because its key has used up its rate limit."""
    limit = {"API_KEYS": DEMO_KEY, "RATE_LIMIT_PER_MINUTE": str(LIMIT)}
    with serving(tmp_path, ROOT / "models" / "model.json", **limit) as server:
        for name in NEEDS[language]:
            program(name, path=PATH)
        lead = json.loads((ROOT / "docs/examples/sample_request_1.json").read_bytes())
        spent = server.http.post("/api/v1/score/batch", json=[lead] * (LIMIT + 1), headers={"X-API-Key": DEMO_KEY})
        assert spent.headers["ratelimit-remaining"] == "0"
        shows_all(run(language, code, server))
        refused = server.http.get("/metrics").text
        assert re.search(r'requests_rejected_total\{reason="rate_limit"\} [1-9]', refused), refused


def test_the_program_for_pages_runs_in_a_browser(server: Server, tmp_path: Path) -> None:
    """In a page of another origin than the service's."""
    code = next(code for language, code in SNIPPETS if language == "javascript")
    code = code.replace("http://localhost:8000", server.url)
    print_it = 'console.log = (...words) => document.body.append(words.join(" ") + "\\n");'
    done = 'document.body.append("all done");'
    (tmp_path / "page.html").write_text(f'<body></body><script type="module">{print_it}{code}{done}</script>')
    with pages(tmp_path) as url, browsing(tmp_path) as page:
        page.open(f"{url}/page.html")
        page.waits_for("document.body.innerText.includes('all done')")
        shows_all(page.value("document.body.innerText"))


def test_a_file_of_leads_is_scored_as_the_guide_says(server: Server) -> None:
    """A table, then lines of JSON, which hold the sample leads and get their answers."""
    (code,) = FILES
    printed = run("shell", code, server).splitlines()
    assert printed[0].startswith("lead_id,raw_score,bucket,tier,percentile,warnings,error_code,error,reason_1")
    examples = ROOT / "docs" / "examples"
    leads = [json.loads((examples / f"sample_request_{number}.json").read_bytes()) for number in (1, 2, 3)]
    assert [json.loads(line) for line in (examples / "sample_leads.jsonl").read_text().splitlines()] == leads
    scored = server.http.post("/api/v1/score/batch", json=leads, headers={"X-API-Key": DEMO_KEY}).json()
    for place, answer in enumerate(scored):
        cells = printed[1 + place].split(",")
        assert (cells[0], float(cells[1])) == (answer["lead_id"], answer["score"]["raw_score"])
        assert json.loads(printed[4 + place]) == [answer["lead_id"], answer["score"]["tier"], None]
