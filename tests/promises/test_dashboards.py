"""Dashboards are fresh and complete, ask only for metrics that the service has, and stand where Grafana looks."""

import re
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards import DASHBOARDS, FILES, GRAFANA, PANELS, Place, variables, variants
from infra.environments import FILE
from monitoring import NAMES, PROMETHEUS, RULES, run
from project import ROOT
from queries import METRICS, RECORDED, asked_for, matchers

from leadscoring.errors import LeadScoringError
from leadscoring.quality.model_counts import FAMILIES
from leadscoring.telemetry.metrics import declared

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]["grafana"]
PROVISIONING = GRAFANA / "provisioning"
OTHER_WORDS = {
    "api_version",
    "http_code",
    "log_loss",
    "model_before",
    "model_digest",
    "model_version",
    "service_healthy",
    "service_started",
}
"""What begins as a metric does: fields of answers and scores, a label, and words of curl and compose."""

SIZES = set(re.findall(r'"([a-z_]+)":', FILE.read_text("utf-8")))
"""So do some sizes of a deployment."""

OTHERS = {"up"}
"""Series that Prometheus makes itself; it also makes ALERTS."""

each = pytest.mark.parametrize("place", [pytest.param(place, id=str(place)) for place in PANELS])
page = pytest.mark.parametrize("name", DASHBOARDS)


def test_the_files_are_what_the_source_makes() -> None:
    """Nobody has to remember `make dashboards`: this fails until it was run."""
    checked = run(sys.executable, str(GRAFANA / "render.py"), "--check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stderr


def test_there_are_five_that_know_each_other() -> None:
    """By ids that links can rely on, and a tag by which each lists the others."""
    assert {name: dashboard["uid"] for name, dashboard in DASHBOARDS.items()} == {
        "ledger": "lead-scoring-ledger",
        "model": "lead-scoring-model",
        "quality": "lead-scoring-quality",
        "resources": "lead-scoring-resources",
        "service": "lead-scoring-service",
    }
    for dashboard in DASHBOARDS.values():
        siblings = next(link for link in dashboard["links"] if link["type"] == "dashboards")
        assert set(siblings["tags"]) <= set(dashboard["tags"])
        assert siblings["includeVars"]
        assert siblings["keepTime"]


@page
def test_a_page_is_chosen_for_and_renewed_alike(name: str) -> None:
    """Prometheus, environment, instance; every 30 seconds."""
    assert list(variables(name))[:3] == ["datasource", "env", "instance"]
    dashboard = DASHBOARDS[name]
    assert (dashboard["refresh"], dashboard["editable"], dashboard["time"]["from"]) == ("30s", False, "now-3h")
    assert dashboard["description"]


@page
def test_panels_stand_beside_each_other(name: str) -> None:
    """None over another, none beyond the edge, no id given twice."""
    panels = DASHBOARDS[name]["panels"]
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    titles = [(panel["title"], panel["type"]) for panel in panels]
    assert len(set(titles)) == len(titles)


@each
def test_a_panel_says_what_it_shows_and_in_what(place: Place) -> None:
    """A description and a unit; the unit of a heat map is its axis's, and a table of labels has none."""
    panel = place.panel
    assert re.search(r"\w.*[.:]", panel["description"])
    unit = (
        panel["options"]["yAxis"]["unit"]
        if panel["type"] == "heatmap"
        else panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
    )
    assert bool(unit) == (panel["type"] != "table")


@each
def test_every_query_of_a_panel_is_asked(place: Place) -> None:
    """Of the Prometheus that was chosen, each under an id of its own: of two with one id only one is asked."""
    targets = place.panel["targets"]
    assert targets
    assert len({target["refId"] for target in targets}) == len(targets)
    for target in [*targets, place.panel]:
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


@each
def test_every_metric_that_a_panel_asks_for_exists(place: Place) -> None:
    """In the service, or as a rule records it; of our job alone, and with labels that it has."""
    for query in variants(place):
        asked = asked_for(query)
        assert asked or "ALERTS{" in query
        assert asked <= METRICS.keys() | RECORDED | OTHERS, asked
        for name in asked:
            found = re.findall(rf"(?<![\w:]){name}(\{{[^}}]*\}})?", query)
            assert found
            assert all('job="lead-scoring"' in selector for selector in found), name
        for name, label, operator, value in matchers(query):
            check_label(name, label, operator, value)


def check_label(name: str, label: str, operator: str, value: str) -> None:
    """One label that is asked for is one of its metric's, with a value that it can have."""
    if name not in METRICS or label in ("job", "instance"):
        return
    routes = ("/api/v1/score", "/api/v1/score/batch")
    families = (*declared(routes, "azure", "production"), *FAMILIES)
    family = next(each for each in families if each.name == METRICS[name].name)
    assert label in family.labels, (name, label)
    if not family.labels[label]:
        return  # its values come from the model
    if operator in ("=", "!="):
        assert value in family.labels[label], (name, label, value)
    else:
        assert any(re.fullmatch(value, known) for known in family.labels[label]), (name, label, value)


@each
def test_grouping_is_by_labels_that_there_are(place: Place) -> None:
    """A label that is not there makes one nameless line of many."""
    for query in variants(place):
        for labels in re.findall(r"\bby \(([^)]*)\)", query):
            for label in labels.split(", "):
                families = [METRICS[name] for name in asked_for(query) if name in METRICS]
                known = {"instance", "job", "le"}.union(*(family.labels for family in families))
                assert label in known, (query, label)


@each
def test_a_link_leads_to_a_runbook(place: Place) -> None:
    """Of an alert that there is, at the address that the alerts have too."""
    said = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))["global"]["external_labels"]["runbooks"]
    known = {f"{said}#{name.lower()}" for name in NAMES}
    assert {link["url"] for link in place.panel.get("links", [])} <= known


def test_every_alert_has_a_panel_that_leads_to_its_runbook() -> None:
    """Whoever is woken finds what it is about."""
    led = {link["url"].partition("#")[2] for place in PANELS for link in place.panel.get("links", [])}
    assert {name.lower() for name in NAMES} - led == set()


def test_every_metric_is_on_a_panel() -> None:
    """What is counted can be seen, itself or through what a rule makes of it."""
    made_of = {rule["record"]: asked_for(rule["expr"]) for rule in RULES if "record" in rule}
    shown, more = set(), {name for place in PANELS for query in variants(place) for name in asked_for(query)}
    while more:
        shown |= more
        more = {name for record in more for name in made_of.get(record, ())} - shown
    seen = {METRICS[name].name for name in shown if name in METRICS}
    assert {family.name for family in METRICS.values() if not family.hidden} - seen == set()


def texts() -> Iterator[tuple[Path, str]]:
    """Pages, scripts and configurations: whatever may name a metric and is not Python."""
    yield from ((path, path.read_text("utf-8")) for path in (*ROOT.glob("*.md"), *ROOT.glob("*.yml")))
    for folder in ("benchmarks", "docs", "infra", "monitoring", "scripts"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".html", ".md", ".sh", ".tmpl", ".yml", ".yaml"):
                yield path, path.read_text("utf-8")


def test_every_metric_that_is_named_anywhere_exists() -> None:
    """In pages, scripts, rules and their tests too; the beginning of a name is enough, as in a search."""
    begin = "|".join({name.partition("_")[0] for name in METRICS})
    words = re.compile(rf'(?<![\w.:/"-])(?:{begin})(?:_[a-z0-9]+)+(?![\w:/."(=-])')
    records = re.compile(r"(?<![\w:])(?:job|instance)\w*:\w+:\w+")
    others = {kind.code for kind in every_kind(LeadScoringError)} | OTHER_WORDS | SIZES
    found = set()
    for path, text in texts():
        for word in set(words.findall(text)) - others:
            assert any(name.startswith(word) for name in METRICS), f"{path}: there is no metric {word}"
            found.add(word)
        for record in set(records.findall(text)):
            assert record in RECORDED, f"{path}: no rule records {record}"
            found.add(record)
    assert {"http_requests_total", "model_prediction_latency_seconds", "job:scoring_failures:ratio_rate1h"} <= found


def every_kind(error: type[LeadScoringError]) -> Iterator[type[LeadScoringError]]:
    """An error and all below it."""
    yield error
    for kind in error.__subclasses__():
        yield from every_kind(kind)


def test_grafana_reads_these_files() -> None:
    """The folder that it is told to read is the one that they stand in, and it comes with nothing else."""
    (provider,) = provisioned("dashboards/leadscoring.yml")["providers"]
    mounts = dict(reversed(mount.removesuffix(":ro").split(":")) for mount in COMPOSE["volumes"])
    assert (ROOT / mounts[provider["options"]["path"]]).resolve() == FILES[0].parent
    assert (ROOT / mounts["/etc/grafana/provisioning"]).resolve() == PROVISIONING
    assert {path.suffix for path in FILES[0].parent.iterdir()} == {".json"}
    assert provider["allowUiUpdates"] is False


@page
def test_the_prometheus_that_is_provisioned_is_the_one_that_is_asked(name: str) -> None:
    """Unless another one is chosen."""
    sources = {source["uid"]: source for source in provisioned("datasources/prometheus.yml")["datasources"]}
    chosen = variables(name)["datasource"]
    assert sources[chosen["current"]["value"]]["type"] == chosen["query"] == "prometheus"
    assert sources[chosen["current"]["value"]]["name"] == chosen["current"]["text"]


def provisioned(path: str) -> dict[str, Any]:
    """A file that Grafana reads when it starts."""
    found: dict[str, Any] = yaml.safe_load((PROVISIONING / path).read_text("utf-8"))
    return found


def test_grafana_is_as_new_as_what_the_dashboards_are_written_for() -> None:
    """An older one would not know all of their schema."""
    pinned = re.search(r"grafana-foundation-sdk==\d+!([\d.]+)", Path(ROOT / "pyproject.toml").read_text("utf-8"))
    assert pinned
    assert COMPOSE["image"] == f"grafana/grafana:{pinned[1]}"
