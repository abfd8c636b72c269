"""Defaults for Amazon SageMaker, which expects a fixed port, model folder and limits of a container.

SageMaker is taken to be the host if ENDPOINT_PROTOCOLS includes ``sagemaker``, or if SAGEMAKER_BIND_TO_PORT is set
and ENDPOINT_PROTOCOLS is not. The existence of the model folder is not enough: it must not open routes that need no
key.
"""

from collections.abc import Mapping
from pathlib import Path

MODEL_FOLDER = Path("/opt/ml/model")
"""Where SageMaker unpacks the model."""

MODEL_NAMES = ("model.json", "model.ubj", "xgboost-model")
"""File names of the model, in order of precedence; the last is that of SageMaker's built-in trainer."""

DEFAULTS = {"PORT": "8080", "MAX_BATCH_SIZE": "100000", "MAX_BODY_BYTES": str(6 << 20)}
"""Defaults on SageMaker: its port, and its limit on the request body, which alone bounds the number of rows."""


def as_hosted(environ: Mapping[str, str], folder: Path = MODEL_FOLDER) -> Mapping[str, str]:
    """The environment with SageMaker's defaults; unchanged if SageMaker is not the host."""
    present = {name: value for name, value in environ.items() if value.strip()}
    bound = present.get("SAGEMAKER_BIND_TO_PORT")
    protocols = present.get("ENDPOINT_PROTOCOLS") or ("sagemaker" if bound else "none")
    if "sagemaker" not in (word.strip().casefold() for word in protocols.split(",")):
        return environ
    hosted = {**DEFAULTS, **present, "ENDPOINT_PROTOCOLS": protocols}
    if bound:
        hosted["PORT"] = bound  # SageMaker calls only this port
    if "MODEL_PATH" not in present and (model := model_in(folder)):
        hosted["MODEL_PATH"] = str(model)
    return hosted


def model_in(folder: Path) -> Path | None:
    """The path of the model in a folder; ``None`` if the folder is empty or absent, so that the image's model is used.

    For a folder that holds only other files, returns a path that does not exist, so that the start fails: serving the
    image's model instead of the deployed one would be a silent error.
    """
    model = next((folder / name for name in MODEL_NAMES if (folder / name).is_file()), None)
    if model is None and folder.is_dir() and any(folder.iterdir()):
        return folder / MODEL_NAMES[0]
    return model
