"""What tests of files share: the small model, opened, and files that are read in small parts."""

import factories
import pytest

from leadscoring.bulk import batches
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """The small model, opened as the service opens it."""
    return open_model(factories.model_file(tmp_path_factory.mktemp("model")))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in small parts, so that small files have many."""
    monkeypatch.setattr(batches, "BLOCK", 1500)
    monkeypatch.setattr(batches, "ROWS", 40)
