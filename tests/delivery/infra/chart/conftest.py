"""The chart, rendered by Helm's own engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml
from infra.environments import Environment, read_environment
from infra.kubernetes.values import CHART

RELEASE, NAMESPACE = "lead-scoring", "leads"
"""What the deployment guide calls them."""

KEYS = {"apiKeys": {"existingSecret": "lead-scoring-keys"}}
"""The least that has to be said."""

Manifest = dict[str, Any]


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Values with others over them, as Helm merges two files of values."""
    both = {name: merged(values[name], more[name]) for name in values.keys() & more.keys()
            if isinstance(values[name], dict) and isinstance(more[name], dict)}  # fmt: skip
    return values | more | both


class Release:
    """What Helm makes of the chart and some values."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.notes = next(text for name, text in texts.items() if name.endswith("NOTES.txt"))
        self.texts = {name.rpartition("/")[2]: text for name, text in texts.items() if name.endswith(".yaml")}
        self.manifests: list[Manifest] = [
            manifest for text in self.texts.values() for manifest in yaml.safe_load_all(text) if manifest
        ]

    def kinds(self) -> set[str]:
        """The kinds that come into being."""
        return {manifest["kind"] for manifest in self.manifests}

    def one(self, kind: str, name: str = RELEASE) -> Manifest:
        """The manifest of this kind and name."""
        (found,) = (each for each in self.manifests if (each["kind"], each["metadata"]["name"]) == (kind, name))
        return found

    def only(self, kind: str) -> Manifest:
        """The one manifest of this kind, whatever it is called."""
        (found,) = (manifest for manifest in self.manifests if manifest["kind"] == kind)
        return found

    @property
    def pod(self) -> Manifest:
        """What a replica is made from."""
        found: Manifest = self.only("Deployment")["spec"]["template"]
        return found

    @property
    def container(self) -> Manifest:
        """Its one container."""
        (found,) = self.pod["spec"]["containers"]
        assert isinstance(found, dict)
        return found

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the container, without those whose value is elsewhere."""
        return {each["name"]: each["value"] for each in self.container["env"] if "value" in each}

    @property
    def secrets(self) -> dict[str, tuple[str, str]]:
        """The variables that come from a Secret: its name, and the key in it."""
        found = {
            each["name"]: each["valueFrom"]["secretKeyRef"] for each in self.container["env"] if "valueFrom" in each
        }
        return {name: (reference["name"], reference["key"]) for name, reference in found.items()}


class Chart:
    """A chart of some folder or archive, open for rendering."""

    def __init__(self, loaded: "helm.Chart") -> None:
        self.loaded = loaded

    def render(self, environment: str = "prod", release: str = RELEASE, **values: Any) -> Release:
        """What comes into being; raises ``helm.HelmError`` for what the schema or a template refuses."""
        given = merged({"environment": environment} | KEYS, values)
        return Release(self.loaded.render(given, name=release, namespace=NAMESPACE))


def opened(path: Path) -> Chart:
    """A chart by its path."""
    return Chart(helm.Chart.load(path))


@pytest.fixture(scope="session")
def chart() -> Iterator[Chart]:
    """The project's."""
    with helm.Chart.load(CHART) as loaded:
        yield Chart(loaded)


@pytest.fixture(params=["dev", "prod"])
def name(request: pytest.FixtureRequest) -> str:
    """Each environment of the operations guide."""
    return str(request.param)


@pytest.fixture
def environment(name: str) -> Environment:
    """What the file says of it."""
    return read_environment(name)


@pytest.fixture
def release(chart: Chart, name: str) -> Release:
    """What comes into being of it when only the keys are named."""
    return chart.render(name)
