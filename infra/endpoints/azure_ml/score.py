"""The scoring script of an Azure ML online endpoint, which serves the model at ``POST /score``.

Azure's server imports this file, calls ``init`` once and ``run`` for each request. The package ``leadscoring`` is
installed in its environment. It accepts three bodies:

- ``{"data": [[...], ...]}``: encoded rows in the order of the contract; ``null`` is missing;
- ``{"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}``: the same, columns in any order by name;
- ``{"leads": [{"lead_id": ..., "features": {...}}, ...]}``: leads as ``POST /api/v1/score/batch`` accepts them; each
  may have ``as_of``, and all others are scored as of the time of the request. Rows need none: they hold ages.

For rows it returns ``{"predictions": [...], "margins": [...]}``: the *uncalibrated* probability, which is the logistic
function of the margin, and the margin in log-odds; the calling service calibrates. For leads it returns
``{"leads": [...]}``: for each lead the response of the API, calibrated and with reasons, or the error.
"""

import asyncio
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from leadscoring._engine import Rows
from leadscoring.contract.rows import RowReader, Values
from leadscoring.errors import InvalidRows, MalformedJson, ModelNotFound, RequestError
from leadscoring.hosted import MODEL_NAMES
from leadscoring.model.calibration import logistic
from leadscoring.model.file import Opening, open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.settings import one_setting
from leadscoring.telemetry.metrics import Spent
from leadscoring.transport.failures import refused

MOST_LEADS = 100_000
"""Limit of leads per request; Azure's limit on bodies is reached first."""

log = logging.getLogger("leadscoring.azure")


class Frame(msgspec.Struct, forbid_unknown_fields=True):
    """Rows with named columns, in the format of MLflow deployments."""

    columns: list[str]
    data: Values
    index: list[Any] = []


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request; exactly one of these fields is set."""

    data: Values | None = None
    input_data: Frame | None = None
    leads: msgspec.Raw = msgspec.Raw()


class Endpoint:
    """The model of one deployment."""

    def __init__(self, model: LoadedModel) -> None:
        self._scorer = Scorer(Served.of(model, Local(model.trees)))
        self._reader = RowReader(model.card.contract)
        self._decode = msgspec.json.Decoder(Body).decode

    def answer(self, raw: str | bytes) -> dict[str, Any]:
        """Returns the JSON response to one body. Raises a ``RequestError``, whose message contains no values."""
        try:
            body = self._decode(raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
            raise MalformedJson(f"the body is not one that this endpoint accepts: {failure}") from None
        given = [part for part in (body.data, body.input_data, bytes(body.leads) or None) if part is not None]
        if len(given) != 1:
            raise InvalidRows(f"the body must have one of data, input_data and leads, not {len(given)} of them")
        if bytes(body.leads):
            return {"leads": msgspec.to_builtins(asyncio.run(self._leads(bytes(body.leads))))}
        if body.input_data is not None:
            return asyncio.run(self._rows(self._reader.frame(body.input_data.columns, body.input_data.data)))
        return asyncio.run(self._rows(self._reader.matrix(body.data or [])))

    async def _rows(self, rows: Rows) -> dict[str, Any]:
        margins = await self._scorer.encoded(rows, Spent())
        return {"predictions": [logistic(margin) for margin in margins], "margins": margins}

    async def _leads(self, body: bytes) -> list[Any]:
        places: list[Any] = []
        try:
            async for part in self._scorer.many(body, MOST_LEADS, Asked(), secrets.token_hex(8), Spent()):
                places += [refused(place) if isinstance(place, RequestError) else place for place in part]
        except RequestError as failure:
            raise MalformedJson(f"leads must be an array of at most {MOST_LEADS} leads ({failure.code})") from None
        return places


deployed: list[Endpoint] = []
"""The endpoint of this process, after ``init``."""


def opening(environ: Mapping[str, str]) -> Opening:
    """Returns the options of the model, from the same variables as the service. Raises ``SettingError``."""
    version, rounds, missing = (
        one_setting(name, environ) for name in ("MODEL_VERSION", "MODEL_ROUNDS", "MODEL_MISSING")
    )
    return Opening(version=version, rounds=rounds, missing=missing)


def model_file(folder: Path) -> Path:
    """Returns the model file below a folder. Raises ``ModelNotFound`` if there is none, or more than one."""
    found = sorted(path for path in folder.rglob("*") if path.name in MODEL_NAMES and path.is_file())
    if len(found) != 1:
        shown = ", ".join(str(path.relative_to(folder)) for path in found) or "none of them"
        raise ModelNotFound(
            str(folder), f"AZUREML_MODEL_DIR must contain exactly one of {', '.join(MODEL_NAMES)}, but has {shown}"
        )
    return found[0]


def init() -> None:
    """Loads the model in AZUREML_MODEL_DIR, and verifies the scores of its golden rows.

    Raises a ``ModelError`` on failure, so that Azure's server exits and the deployment fails.
    """
    folder = os.environ.get("AZUREML_MODEL_DIR", "").strip()
    if not folder:
        raise ModelNotFound("", "AZUREML_MODEL_DIR is not set; Azure ML sets it to the folder of the deployed model")
    model = open_model(model_file(Path(folder)), opening(os.environ))
    deployed[:] = [Endpoint(model)]
    for caution in model.cautions:
        log.warning("model caution: %s", caution)
    log.info("model loaded: %s %s, certified: %s", model.card.name, model.card.version, model.certified)


def run(raw: str | bytes) -> dict[str, Any]:
    """Returns the response to one request, which Azure's server encodes as JSON. Raises for an invalid body."""
    return deployed[0].answer(raw)
