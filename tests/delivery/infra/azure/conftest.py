"""What the templates of Azure make, by environment; and copies of them in which something is changed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.azure import __main__ as azure
from infra.azure.bicep import Template
from infra.azure.values import Resource
from infra.environments import FILE, Environment, read_environment

FOLDER = azure.TEMPLATES
GIVEN: dict[str, dict[str, Any]] = {"foundation": {}, "service": {"imageTag": "1.0.0"}, "model": {"imageTag": "1.0.0"}}
"""What each template needs beside the environment."""

Made = Callable[..., list[Resource]]


@pytest.fixture(params=["dev", "prod"])
def name(request: pytest.FixtureRequest) -> str:
    """Each environment of the operations guide."""
    return str(request.param)


@pytest.fixture
def environment(name: str) -> Environment:
    """The sizes that the templates must have."""
    return read_environment(name)


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], Path]:
    """The folder of a copy of the templates, whose file of environments is changed in both environments."""

    def copied(change: Callable[[dict[str, Any]], object]) -> Path:
        folder = tmp_path / "infra"
        shutil.copytree(FOLDER, folder / "azure", ignore=shutil.ignore_patterns("__pycache__"))
        raw = json.loads(FILE.read_bytes())
        for name in ("dev", "prod"):
            change(raw[name])
        (folder / "config").mkdir()
        (folder / "config" / "environments.json").write_text(json.dumps(raw))
        return folder / "azure"

    return copied


@pytest.fixture
def made(name: str) -> Made:
    """The resources of a template and of its modules, for this environment, with more parameters where there are any."""

    def resources(template: str, folder: Path = FOLDER, **given: Any) -> list[Resource]:
        about = {"environmentName": name, "location": "eastus", **GIVEN[template], **given}
        return Template(folder / f"{template}.bicep").made(about).whole()

    return resources


@pytest.fixture
def only(made: Made) -> Callable[..., dict[str, Any]]:
    """The body of the one resource that has a symbol in a template."""

    def body(template: str, symbol: str, **given: Any) -> dict[str, Any]:
        (found,) = [resource for resource in made(template, **given) if resource.symbol == symbol]
        return found.body

    return body


@pytest.fixture
def alerts(made: Made) -> Callable[..., dict[str, dict[str, Any]]]:
    """The alerts of a template, by their symptom."""

    def by_symptom(template: str = "service", **given: Any) -> dict[str, dict[str, Any]]:
        kinds = ("Microsoft.Insights/metricAlerts", "Microsoft.Insights/scheduledQueryRules")
        found = [resource for resource in made(template, **given) if resource.kind in kinds]
        return {resource.name.removeprefix("lead-scoring-"): resource.body["properties"] for resource in found}

    return by_symptom
