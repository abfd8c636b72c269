"""A model, the service that scores it locally, and each way to have it scored elsewhere."""

from collections.abc import Iterator
from pathlib import Path

import factories
import pytest
from serving import Server, serving
from ways import WAYS, Way, way


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model with its card."""
    return factories.model_file(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model of the same contract."""
    path = tmp_path_factory.mktemp("other") / "model.json"
    factories.booster(seed=8).save_model(path)
    return path


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Server]:
    """The service with the provider ``local``, whose scores are the measure."""
    with serving(tmp_path_factory.mktemp("local"), model) as server:
        yield server


@pytest.fixture(scope="module", params=WAYS)
def remote(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Way]:
    """Each way to a remote model."""
    with way(request.param, tmp_path_factory.mktemp("way"), model) as opened:
        yield opened


@pytest.fixture(scope="module")
def service(remote: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service over one way, for all tests of a module that leave it as it was."""
    with remote.serving(tmp_path_factory.mktemp("service"), LOG_LEVEL="DEBUG") as server:
        yield server


@pytest.fixture(autouse=True)
def forgotten(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test has told a double, the next does not know."""
    yield
    if "remote" in request.fixturenames:
        request.getfixturevalue("remote").double.forget()
