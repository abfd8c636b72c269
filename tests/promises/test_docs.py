"""The documentation is complete, its links lead somewhere, and its examples are what the service says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click import Context
from pages import anchors, prose, text_of
from project import ROOT
from serving import Server, serving

from leadscoring.api.routes import PATHS
from leadscoring.cli.main import main
from leadscoring.contract.kinds import KINDS
from leadscoring.quality.model_counts import FAMILIES
from leadscoring.settings import TABLE
from leadscoring.telemetry.events import EVENTS
from leadscoring.telemetry.metrics import declared
from leadscoring.transport.failures import PLAIN, STATUS

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("*.json"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_to_a_file_and_an_anchor_that_exist(page: Path) -> None:
    """Links out of the project are not followed."""
    for link in ("".join(pair) for pair in LINK.findall(prose(page.read_text("utf-8")))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target.read_text("utf-8")), link


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("docs/OPERATIONS.md", {row.name for row in TABLE}),
        ("docs/OPERATIONS.md", {kind.code for kind in STATUS} | {code for code, _ in PLAIN.values()}),
        ("docs/MONITORING.md", {family.name for family in (*declared((), "local"), *FAMILIES) if not family.hidden}),
        ("docs/MONITORING.md", set(EVENTS)),
        ("docs/API.md", {kind.code for kind in STATUS} | {code for code, _ in PLAIN.values()}),
        ("docs/API.md", set(PATHS)),
        ("docs/API.md", set(KINDS)),
    ],
    ids=[
        "settings",
        "errors",
        "metrics",
        "events",
        "errors of the API",
        "paths",
        "kinds",
    ],
)
def test_nothing_is_left_out_of_the_documentation(page: str, words: set[str]) -> None:
    """Each stands in it as code."""
    text = text_of(page)
    assert not {word for word in words if not re.search(rf"`{re.escape(word)}(_total)?`", text)}


def test_every_command_is_in_the_operations_guide() -> None:
    """With what it is for."""
    text = text_of("docs/OPERATIONS.md")
    commands = main.list_commands(Context(main))
    assert not [name for name in commands if not re.search(rf"\bleadscoring {re.escape(name)}\b", text)]


def test_every_picture_is_shown_small_and_said_in_words() -> None:
    """A page stays light, and who cannot see a picture is told what it shows."""
    shown = {
        (page.parent / path).resolve(): words
        for page in PAGES
        for words, path in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", prose(page.read_text("utf-8")))
    }
    assert set((ROOT / "docs" / "images").iterdir()) == set(shown)
    assert not [picture for picture, words in shown.items() if len(words) < 40 or picture.stat().st_size > 200_000]


def test_no_generated_table_stands_twice() -> None:
    """A reader who finds one of two does not know that the other says the same."""
    marks = [
        mark for page in PAGES for mark in re.findall(r"^<!-- ([\w-]+) -->$", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(marks) > 3
    assert len(marks) == len(set(marks))


def test_the_table_of_errors_has_the_status_that_is_sent() -> None:
    """The one written by hand says the same as the source."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", text_of("docs/API.md"), re.MULTILINE))
    expected = {kind.code: str(status) for kind, (status, _) in STATUS.items()}
    assert rows == expected | {code: str(status) for status, (code, _) in PLAIN.items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service of the shipped model."""
    with serving(tmp_path_factory.mktemp("serving"), ROOT / "models" / "model.json") as running:
        yield running


def examples_of(page: str) -> list[Any]:
    """The JSON examples of a page."""
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text_of(page), re.DOTALL | re.MULTILINE)]


def shape(value: Any) -> Any:
    """The keys of a JSON value, and of what it holds; of a list, those of its first entry."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items() if key != "value"}  # a fault's value may be anything
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


@pytest.mark.integration
@pytest.mark.parametrize("file", EXAMPLES, ids=[file.name for file in EXAMPLES])
def test_the_example_requests_score(server: Server, file: Path) -> None:
    """All but the lead of the batch that is wrong on purpose, to show what becomes of it."""
    batch = "batch" in file.name
    path = "/api/v1/score/batch" if batch else "/api/v1/score"
    answer = server.http.post(path, content=file.read_bytes(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    places = answer.json() if batch else [answer.json()]
    assert [place["lead_id"] for place in places if "score" not in place] == (["crm-10541"] if batch else [])


@pytest.mark.integration
@pytest.mark.parametrize("file", EXAMPLES, ids=[file.name for file in EXAMPLES])
def test_the_answers_beside_the_requests_are_what_the_service_says(server: Server, file: Path) -> None:
    """To the last digit; `make docs` writes them again."""
    path = "/api/v1/score/batch" if "batch" in file.name else "/api/v1/score"
    headers = {"Content-Type": "application/json", "X-Request-ID": "example"}
    said = server.http.post(path, content=file.read_bytes(), headers=headers)
    assert said.json() == json.loads((file.parent / "answers" / file.name).read_bytes())


def test_every_answer_has_its_request() -> None:
    """And the other way round."""
    answers = {file.name for file in (ROOT / "docs" / "examples" / "answers").iterdir()}
    assert answers == {file.name for file in EXAMPLES}


@pytest.mark.integration
def test_the_examples_of_the_api_are_what_the_service_says(server: Server) -> None:
    """Down to the last key, and the last word of the messages."""
    request, refused, problem = examples_of("docs/API.md")
    sound = json.loads(EXAMPLES[1].read_bytes())
    assert set(request) == set(sound)
    assert request["features"].keys() - {"..."} <= sound["features"].keys()

    wrong = sound | {"lead_id": "lead-7", "features": sound["features"] | {"bounce_rate": 1.7}}
    assert server.http.post("/api/v1/score/batch", json=[wrong]).json() == [refused]

    misspelt = sound | {"features": sound["features"] | {"company_revenu": 1}}
    said = server.http.post("/api/v1/score", json=misspelt).json()
    assert said | {"request_id": problem["request_id"]} == problem


@pytest.mark.integration
def test_the_example_of_the_readme_is_what_the_service_says(server: Server) -> None:
    """The same lead, the same score, the same reasons."""
    shown = re.search(r"^(\{\"request_id\".*?)^```$", text_of("README.md"), re.DOTALL | re.MULTILINE)
    assert shown
    example = json.loads(shown[1])
    sent = (ROOT / "docs" / "examples" / "sample_request_3.json").read_bytes()
    said = server.http.post(
        "/api/v1/score?reasons=2", content=sent, headers={"Content-Type": "application/json"}
    ).json()
    assert shape(said) == shape(example)
    assert (said["lead_id"], said["model"], said["score"]["tier"]) == (
        example["lead_id"],
        example["model"],
        example["score"]["tier"],
    )
    assert [reason["feature"] for reason in said["reasons"]] == [reason["feature"] for reason in example["reasons"]]


@pytest.mark.integration
def test_the_documented_fields_of_the_model_routes_are_those_that_are_sent(server: Server) -> None:
    """Each field of the answer stands in the documentation."""
    text = text_of("docs/API.md")
    for path in ("info", "features", "importance"):
        said = server.http.get(f"/api/v1/model/{path}").json()
        first: dict[str, Any] = next((value[0] for value in said.values() if isinstance(value, list) and value), {})
        assert not [field for field in (*said, *first) if f"`{field}`" not in text], path
