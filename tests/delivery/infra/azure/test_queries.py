"""Queries of the log are ones that Azure takes, by the parser of its own editors: those of alerts and those of the guides."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from project import ROOT

TABLE = "ContainerAppConsoleLogs_CL"
COLUMNS = ("TimeGenerated:datetime", "ContainerAppName_s:string", "ContainerName_s:string", "ContainerGroupName_s:string",
           "RevisionName_s:string", "Log_s:string", "Stream_s:string")  # fmt: skip
"""Those that Container Apps write, as far as they are asked for."""


def analyzed(queries: dict[str, str]) -> dict[str, Any]:
    """What is wrong with each query, and the columns of its answer."""
    table = f"let {TABLE} = datatable({', '.join(COLUMNS)})[];\n"
    environment = Path(sys.executable).parents[1]
    ran = subprocess.run(
        [str(environment / "bin" / "node"), str(Path(__file__).parent / "kql.js"), str(environment / "kql")],
        input=json.dumps({name: table + query for name, query in queries.items()}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-2000:]
    return dict(json.loads(ran.stdout))


def remote(environment: dict[str, Any]) -> None:
    """Lets an Azure ML endpoint score."""
    environment["settings"] |= {
        "MODEL_ENDPOINT_PROVIDER": "azure",
        "AZURE_ML_ENDPOINT_URL": "https://a.example.com/score",
    }


def test_alerts_ask_what_azure_understands(
    changed: Callable[..., Path], alerts: Callable[..., dict[str, dict[str, Any]]]
) -> None:
    """And compare a number, which is in the column that they name."""
    asked = {symptom: alert["criteria"]["allOf"][0] for symptom, alert in alerts(folder=changed(remote)).items()}
    queries = {symptom: condition["query"] for symptom, condition in asked.items() if "query" in condition}
    assert len(queries) == 6
    for symptom, about in analyzed(queries).items():
        assert about["faults"] == [], symptom
        assert about["columns"][asked[symptom]["metricMeasureColumn"]] in ("long", "real"), symptom


def test_the_guides_ask_what_azure_understands() -> None:
    """Each query that is typed there."""
    pages = "".join((ROOT / "docs" / page).read_text("utf-8") for page in ("DEPLOYMENT.md", "OPERATIONS.md"))
    queries = re.findall(r'--analytics-query "([^"]+)"', pages)
    assert len(queries) == 3
    assert all(about["faults"] == [] for about in analyzed(dict(zip("abc", queries, strict=True))).values())


def test_a_column_and_a_function_that_nobody_has_are_found() -> None:
    """Otherwise the above would say nothing."""
    about = analyzed({"a": f"{TABLE} | where Lag_s == ''", "b": f"{TABLE} | summarize found = counted()"})
    assert "Lag_s" in about["a"]["faults"][0]
    assert "counted" in about["b"]["faults"][0]
