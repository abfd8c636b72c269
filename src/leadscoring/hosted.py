"""What Amazon SageMaker expects of a container that it starts: its port, its model folder, its limits.

A container is taken to be SageMaker's when ENDPOINT_PROTOCOLS names ``sagemaker``, or when SageMaker has set
SAGEMAKER_BIND_TO_PORT and nobody has set ENDPOINT_PROTOCOLS. A folder that happens to exist is no sign: it must
not open routes that need no key.
"""

from collections.abc import Mapping
from pathlib import Path

MODEL_FOLDER = Path("/opt/ml/model")
"""Where SageMaker unpacks the model."""

MODEL_NAMES = ("model.json", "model.ubj", "xgboost-model")
"""Files that are taken for the model, the first that is there; the last is the built-in trainer's name."""

DEFAULTS = {"PORT": "8080", "MAX_BATCH_SIZE": "100000", "MAX_BODY_BYTES": str(6 << 20)}
"""What is otherwise there: SageMaker's port, and its limit on a body, which alone limits the rows in it."""


def as_hosted(environ: Mapping[str, str], folder: Path = MODEL_FOLDER) -> Mapping[str, str]:
    """The environment with what SageMaker expects filled in; as it is where SageMaker is not the host."""
    given = {name: value for name, value in environ.items() if value.strip()}
    bound = given.get("SAGEMAKER_BIND_TO_PORT")
    protocols = given.get("ENDPOINT_PROTOCOLS") or ("sagemaker" if bound else "none")
    if "sagemaker" not in (word.strip().casefold() for word in protocols.split(",")):
        return environ
    hosted = {**DEFAULTS, **given, "ENDPOINT_PROTOCOLS": protocols}
    if bound:
        hosted["PORT"] = bound  # SageMaker asks at this port and no other
    if "MODEL_PATH" not in given and (model := model_in(folder)):
        hosted["MODEL_PATH"] = str(model)
    return hosted


def model_in(folder: Path) -> Path | None:
    """The model in a folder; nothing when the folder is empty or absent, and the image's own model counts.

    A folder that holds other files gives a path where nothing is, so that the start fails: serving the image's
    model instead of the one that was deployed would be silently wrong.
    """
    found = next((folder / name for name in MODEL_NAMES if (folder / name).is_file()), None)
    if found is None and folder.is_dir() and any(folder.iterdir()):
        return folder / MODEL_NAMES[0]
    return found
