"""In a container of SageMaker's the service is where SageMaker looks for it, with the model that it was given."""

from pathlib import Path

import pytest
from factories import model_file

from leadscoring.errors import SettingError
from leadscoring.settings import read_settings


def test_without_a_host_nothing_is_spoken_and_no_folder_is_looked_at(tmp_path: Path) -> None:
    """A folder alone must not open routes that need no key."""
    model_file(tmp_path)
    found = read_settings({}, tmp_path)
    assert (found.endpoint_protocols, found.port, found.model_path) == ((), 8000, "models/model.json")


def test_sagemakers_port_turns_its_protocol_on(tmp_path: Path) -> None:
    """Unless somebody says which protocols are spoken."""
    bound = read_settings({"SAGEMAKER_BIND_TO_PORT": "9001"}, tmp_path)
    assert (bound.endpoint_protocols, bound.port, bound.max_body_bytes) == (("sagemaker",), 9001, 6 << 20)
    closed = read_settings({"SAGEMAKER_BIND_TO_PORT": "9001", "ENDPOINT_PROTOCOLS": "none"}, tmp_path)
    assert (closed.endpoint_protocols, closed.port) == ((), 8000)
    other = read_settings({"SAGEMAKER_BIND_TO_PORT": "9001", "ENDPOINT_PROTOCOLS": "v2"}, tmp_path)
    assert (other.endpoint_protocols, other.port) == (("v2",), 8000)


def test_a_named_protocol_is_as_good_and_settings_that_are_given_count(tmp_path: Path) -> None:
    """SageMaker's port is 8080; where it binds one, it asks at no other."""
    environ = {"ENDPOINT_PROTOCOLS": " SageMaker, v2"}
    found = read_settings(environ, tmp_path)
    assert (found.endpoint_protocols, found.port, found.max_batch_size) == (("sagemaker", "v2"), 8080, 100_000)
    given = read_settings(environ | {"PORT": "9000", "MAX_BATCH_SIZE": "5", "MAX_BODY_BYTES": " "}, tmp_path)
    assert (given.port, given.max_batch_size, given.max_body_bytes) == (9000, 5, 6 << 20)
    assert read_settings(environ | {"PORT": "9000", "SAGEMAKER_BIND_TO_PORT": "9001"}, tmp_path).port == 9001


@pytest.mark.parametrize("name", ["model.json", "model.ubj", "xgboost-model"])
def test_the_model_of_the_folder_is_served(tmp_path: Path, name: str) -> None:
    """Unless MODEL_PATH names another."""
    (tmp_path / name).write_text("a model")
    environ = {"ENDPOINT_PROTOCOLS": "sagemaker"}
    assert read_settings(environ, tmp_path).model_path == str(tmp_path / name)
    assert read_settings(environ | {"MODEL_PATH": "mine.json"}, tmp_path).model_path == "mine.json"


def test_a_folder_without_a_model_is_not_passed_over(tmp_path: Path) -> None:
    """The image's own model counts only where nothing was deployed."""
    environ = {"ENDPOINT_PROTOCOLS": "sagemaker"}
    assert read_settings(environ, tmp_path).model_path == "models/model.json"
    assert read_settings(environ, tmp_path / "absent").model_path == "models/model.json"
    (tmp_path / "weights.bin").write_text("something else")
    assert read_settings(environ, tmp_path).model_path == str(tmp_path / "model.json")


@pytest.mark.parametrize(
    ("name", "value"), [("ENDPOINT_PROTOCOLS", "grpc"), ("ENDPOINT_PROTOCOLS", ","), ("SAGEMAKER_BIND_TO_PORT", "0")]
)
def test_nonsense_is_refused(tmp_path: Path, name: str, value: str) -> None:
    """As any setting."""
    with pytest.raises(SettingError, match=name):
        read_settings({name: value}, tmp_path)
