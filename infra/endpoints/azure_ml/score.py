"""The scoring script of an Azure ML online endpoint: our model behind ``POST /score``.

Azure's server imports this file, calls ``init`` once and ``run`` for each request. The package ``leadscoring`` is
installed in its environment. Three bodies are taken:

- ``{"data": [[...], ...]}``: encoded rows in the order of the contract, ``null`` is missing;
- ``{"input_data": {"columns": [...], "index": [...], "data": [[...], ...]}}``: the same, columns in any order by name;
- ``{"leads": [{"lead_id": ..., "features": {...}}, ...]}``: leads as ``POST /api/v1/score/batch`` takes them.

Rows are answered with ``{"predictions": [...], "margins": [...]}``: the *model's own* probability, which is the
logistic function of the margin, and the margin in log-odds. It is not calibrated, since the service that calls does
that itself. Leads are answered with ``{"leads": [...]}``: at each place what the API answers, calibrated and with
reasons, or why there is no score.
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
"""Leads in one request; Azure's limit on a body comes first."""

log = logging.getLogger("leadscoring.azure")


class Frame(msgspec.Struct, forbid_unknown_fields=True):
    """Rows with named columns, as MLflow's deployments take them."""

    columns: list[str]
    data: Values
    index: list[Any] = []


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """What may be sent: one of these."""

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
        """The answer to one body, as what JSON is made of. Raises a ``RequestError``, whose message holds no values."""
        try:
            body = self._decode(raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
            raise MalformedJson(f"the body is not one that this endpoint takes: {failure}") from None
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
"""The one endpoint of this process, once ``init`` has loaded it."""


def opening(environ: Mapping[str, str]) -> Opening:
    """What the deployment says of the model, by the variables that the service has for it. Raises ``SettingError``."""
    version, rounds, missing = (
        one_setting(name, environ) for name in ("MODEL_VERSION", "MODEL_ROUNDS", "MODEL_MISSING")
    )
    return Opening(version=version, rounds=rounds, missing=missing)


def model_file(folder: Path) -> Path:
    """The one model below a folder. Raises ``ModelNotFound`` when there is none, or more than one."""
    found = sorted(path for path in folder.rglob("*") if path.name in MODEL_NAMES and path.is_file())
    if len(found) != 1:
        shown = ", ".join(str(path.relative_to(folder)) for path in found) or "none of them"
        raise ModelNotFound(str(folder), f"AZUREML_MODEL_DIR must hold one of {', '.join(MODEL_NAMES)}, has {shown}")
    return found[0]


def init() -> None:
    """Loads the model in AZUREML_MODEL_DIR, whose golden rows must score as certified.

    Raises a ``ModelError`` otherwise, with which Azure's server ends and the deployment fails.
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
    """The answer to one request; Azure's server writes it as JSON. A body that cannot be answered raises."""
    return deployed[0].answer(raw)
