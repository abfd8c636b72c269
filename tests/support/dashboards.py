"""The shipped dashboards as Grafana reads them, and a Grafana's part in asking what they ask."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import httpx
from project import ROOT
from serving import DEADLINE

GRAFANA = ROOT / "monitoring" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
DASHBOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text("utf-8")) for path in FILES}


class Place(NamedTuple):
    """One panel of one dashboard."""

    dashboard: str
    panel: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}-{self.panel['id']}-{self.panel['title']}"

    @property
    def queries(self) -> list[str]:
        """What it asks."""
        return [target["expr"] for target in self.panel["targets"]]


def panels() -> Iterator[Place]:
    """Every panel, without the headings of rows."""
    for name, dashboard in DASHBOARDS.items():
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                yield Place(name, panel)


PANELS = list(panels())


def variables(dashboard: str) -> dict[str, dict[str, Any]]:
    """What is chosen above the panels, by name, in order."""
    return {variable["name"]: variable for variable in DASHBOARDS[dashboard]["templating"]["list"]}


def filled(expression: str, values: Mapping[str, list[str]]) -> str:
    """An expression with the values of its variables, several as an alternative, as Grafana sends it."""
    for name, chosen in values.items():
        either = "|".join(re.escape(value).replace("\\", r"\\") for value in chosen)
        expression = expression.replace(f"${name}", f"({either})").replace(f"${{{name}}}", chosen[0])
    return expression.replace("$__rate_interval", "1m")


def variants(place: Place) -> list[str]:
    """Its queries with each value of what is chosen from a list."""
    queries = place.queries
    for name, variable in variables(place.dashboard).items():
        if variable["type"] == "custom":
            values = [option["value"] for option in variable["options"]]
            queries = list(dict.fromkeys(query.replace(f"${{{name}}}", value) for query in queries for value in values))
    return [query.replace("$__rate_interval", "1m") for query in queries]


def choices(prometheus: str, dashboard: str) -> dict[str, list[str]]:
    """All values of each variable that asks Prometheus for them."""
    values: dict[str, list[str]] = {}
    for name, variable in variables(dashboard).items():
        if variable["type"] == "custom":
            values[name] = [option["value"] for option in variable["options"]]
        if variable["type"] != "query":
            continue
        asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
        assert asked, variable["query"]
        said = httpx.get(
            f"{prometheus}/api/v1/label/{asked[2]}/values",
            params={"match[]": filled(asked[1], values)},
            timeout=DEADLINE,
        )
        values[name] = said.json()["data"]
    return values
