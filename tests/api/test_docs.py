"""The page of the documentation: the demo key while it works, and nothing that a browser need not allow."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import browsing
from factories import SMALL, key_file, lead, model_file
from serving import Server, eventually, serving
from timed import AS_OF, timed_lead, timed_model

from leadscoring.transport.failures import PLAIN, STATUS

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

DEMO_KEY = "demo-api-key-123"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small model."""
    made = tmp_path_factory.mktemp("docs")
    model_file(made)
    return made


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Server]:
    """A service that the demo key opens."""
    with serving(folder, folder / "model.json", API_KEYS=DEMO_KEY) as running:
        yield running


def filled_in(server: Server) -> str:
    """What stands in the field of the key."""
    found = re.search(r'<input id="key"[^>]* value="([^"]*)"', server.http.get("/docs").text)
    assert found
    return found[1]


def test_the_demo_key_is_filled_in_while_it_works(demo: Server, folder: Path) -> None:
    """And then only: a key of an operator's never stands in a page that needs none."""
    assert filled_in(demo) == DEMO_KEY
    assert "public demo key" in demo.http.get("/docs").text
    with serving(folder, folder / "model.json", API_KEYS="key-of-an-operator") as server:
        assert filled_in(server) == ""
        page = server.http.get("/docs").text
        assert DEMO_KEY not in page
        assert "key-of-an-operator" not in page


def test_the_demo_key_goes_when_the_key_file_loses_it(folder: Path) -> None:
    """Without a restart."""
    keys = key_file(folder, {"label": "demo"}, key=DEMO_KEY, name="demo.json")
    with serving(folder, folder / "model.json", API_KEYS="", API_KEYS_FILE=str(keys)) as server:
        assert filled_in(server) == DEMO_KEY
        key_file(folder, {"label": "mine"}, name="demo.json")
        assert eventually(lambda: filled_in(server) == "")


@pytest.mark.parametrize("path", ["/docs", "/openapi.json"])
def test_a_browser_is_told_to_allow_no_more_than_the_page_needs(demo: Server, path: str) -> None:
    """Nobody frames it, nothing is loaded from elsewhere, nothing inline runs but what was written with it."""
    headers = demo.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert not re.search(r"https?:|\*", headers["content-security-policy"])


def test_the_page_scores_in_a_browser_that_keeps_to_its_policy(demo: Server, tmp_path: Path) -> None:
    """Its button scores the lead in it with the key in it, in colour, and nothing is blocked."""
    with browsing(tmp_path) as page:
        page.open(f"{demo.url}/docs")
        page.value("document.querySelector('#form button').click()")
        page.waits_for("document.querySelector('#answer .tier') !== null")
        assert page.value("document.querySelector('#answer .tier').textContent") in set("ABCDE")
        bar = "getComputedStyle(document.querySelector('#answer .bar'))"
        assert page.value(f"{bar}.width !== 'auto' && {bar}.backgroundColor !== 'rgba(0, 0, 0, 0)'")
        assert page.complaints == []


def test_the_page_shows_a_score_whose_reasons_or_warnings_are_about_no_feature(folder: Path, tmp_path: Path) -> None:
    """Reasons may be unavailable, and several features ignored at once: the score and the message stand there alone."""
    with (
        serving(folder, folder / "model.json", API_KEYS=DEMO_KEY, LENIENT_CLIENTS="on") as server,
        browsing(tmp_path) as page,
    ):
        page.open(f"{server.url}/docs")
        page.value(
            "const field = document.getElementById('lead'), sent = JSON.parse(field.value);"
            "field.value = JSON.stringify({...sent, features: {...sent.features, one: 1, two: 2}});"
            "document.querySelector('#form button').click()"
        )
        page.waits_for("document.querySelector('#answer > p:last-child')?.textContent.includes('ignored') === true")
        assert page.value("document.querySelector('#answer > p:last-child').textContent").startswith("'one', 'two'")
        warning = {"code": "reasons_unavailable", "feature": None, "message": "the model cannot be compared"}
        answer = {"score": {"tier": "B", "raw_score": 0.5, "percentile": None}, "reasons": None, "warnings": [warning]}
        page.value(f"show({json.dumps(answer)}); 0")
        shown = page.value("document.getElementById('answer').innerText")
        assert shown.split("\n\n") == ["B", "50.0 % likely to convert", "the model cannot be compared"]
        assert page.complaints == []


def test_the_page_shows_the_moment_and_what_about_a_value_mattered(tmp_path: Path) -> None:
    """For a model with dates; a set is shown as one text."""
    with serving(tmp_path, timed_model(tmp_path), API_KEYS=DEMO_KEY) as server, browsing(tmp_path) as page:
        page.open(f"{server.url}/docs")
        headers = {"X-API-Key": DEMO_KEY}
        answer = server.http.post("/api/v1/score?reasons=20", json=timed_lead(), headers=headers).text
        page.value(f"show({answer}); 0")
        shown = page.value("document.getElementById('answer').innerText")
        assert f"As of {AS_OF}" in shown
        assert "title = Director of Sales (contains 'director')" in shown
        assert "interests = pricing; Support (" in shown
        assert page.complaints == []


def test_a_lead_that_is_refused_is_shown_with_each_fault_where_it_can_be_seen(demo: Server, tmp_path: Path) -> None:
    """As a list, on a telephone too: there the answer stands below the lead."""
    with browsing(tmp_path) as page:
        page.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        page.open(f"{demo.url}/docs")
        page.value('document.getElementById(\'lead\').value = \'{"lead_id": 1, "features": {"visits": -1}}\'')
        page.value("document.querySelector('#form button').click()")
        page.waits_for("document.querySelectorAll('#answer li').length === 4")
        assert page.value("document.querySelector('#answer b').textContent") == "422 The lead is invalid"
        assert "not -1" in page.value("document.getElementById('answer').innerText")
        place = "document.getElementById('answer').getBoundingClientRect()"
        page.waits_for(f"{place}.top >= 0 && Math.floor({place}.bottom) <= innerHeight")


def test_no_markup_of_the_source_shows_in_the_page(demo: Server) -> None:
    """The meanings of the error codes are the first lines of docstrings."""
    assert "``" not in demo.http.get("/docs").text


def test_what_was_not_written_with_the_page_does_not_run(demo: Server, tmp_path: Path) -> None:
    """The policy is in force: a script that is put in, and a call of another address, are blocked."""
    with browsing(tmp_path) as page:
        page.open(f"{demo.url}/docs")
        page.value(
            "const added = document.createElement('script'); added.textContent = 'window.ran = true';"
            "document.body.append(added);"
            "fetch('http://127.0.0.1:9/').catch(() => { window.refused = true; }); 0"
        )
        page.waits_for("window.refused === true")
        assert page.value("window.ran === undefined")
        assert len([said for said in page.complaints if "Content Security Policy" in said]) >= 1


def test_the_documentation_needs_nothing_from_elsewhere(demo: Server) -> None:
    """No script, style, font or picture from another host; every feature and error code is on it."""
    page = demo.http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", page.text)
    for name in SMALL.names:
        assert name in page.text
    for code in [kind.code for kind in STATUS] + [code for code, _ in PLAIN.values()]:
        assert f'id="{code}"' in page.text


def test_a_problem_points_to_its_explanation(demo: Server) -> None:
    """The type of a problem is an anchor of the documentation."""
    problem = demo.http.post("/api/v1/score", json=lead(revenue=-1), headers={"X-API-Key": DEMO_KEY}).json()
    path, anchor = problem["type"].split("#")
    assert f'id="{anchor}"' in demo.http.get(path).text
