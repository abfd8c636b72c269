"""The Open Inference Protocol (V2), for users with existing clients: ``/v2`` and below.

Leads are sent as one tensor of encoded rows, of shape [leads, columns], or as one tensor for each feature by its name.
The latter are validated by the contract like all leads, the former like all encoded rows. Scoring and metadata require
a key, health does not. Errors have the format of the protocol, ``{"error": ...}``.
"""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

import leadscoring
from leadscoring._engine import Rows, join_rows
from leadscoring.api.answers import answer
from leadscoring.api.parameters import MOST_REASONS
from leadscoring.api.protocols.answers import (
    Failure,
    Inferred,
    ModelReady,
    ServerInfo,
    ServerLive,
    ServerReady,
    TensorInfo,
    TensorModel,
)
from leadscoring.api.protocols.rows import EncodedScoring
from leadscoring.api.protocols.tensors import TOGETHER, Output, Question, Size, Tensor, Wanted, binary, read_question
from leadscoring.contract.features import Contract
from leadscoring.contract.moment import AS_OF_ALLOWED, is_moment, moment_of, written
from leadscoring.contract.rejection import told
from leadscoring.contract.rows import RowReader, decoded
from leadscoring.errors import BatchTooLarge, InvalidRows, LeadScoringError, RequestError, UnknownModel
from leadscoring.lead import Lead
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.reasons import reasons
from leadscoring.scoring.remarks import remarks_on
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.settings import Settings
from leadscoring.stretches import Stretches
from leadscoring.telemetry.metrics import Spent
from leadscoring.transport.exchange import JSON, Exchange, Reply
from leadscoring.transport.failures import problem

Handler = Callable[[Exchange], Awaitable[Reply]]

BINARY = b"application/octet-stream"
LENGTH = b"inference-header-content-length"

OUTPUTS = {"probability": "FP64", "margin": "FP64", "tier": "BYTES", "reasons": "BYTES", "warnings": "BYTES"}
"""The outputs and their datatypes, with one value per lead; reasons and warnings are JSON texts."""

PLAIN = ("probability", "margin")
"""The default outputs: the calibrated probability, and the margin in log-odds."""

PART = 64
"""Leads that are processed without yielding."""


class InferenceV2:
    """The routes of the protocol, for the served model."""

    def __init__(self, scorer: Scorer, rows: EncodedScoring, settings: Settings, lifecycle: Lifecycle) -> None:
        self._scorer = scorer
        self._rows = rows
        self._most_bytes = settings.max_body_bytes
        self._most_rows = settings.max_batch_size
        self._lifecycle = lifecycle

    async def server(self, _exchange: Exchange) -> Reply:
        """Returns the metadata of the server."""
        return answer(ServerInfo("leadscoring", leadscoring.__version__, ["binary_tensor_data"]))

    async def live(self, _exchange: Exchange) -> Reply:
        """Confirms that the process responds."""
        return answer(ServerLive(True))

    async def ready(self, _exchange: Exchange) -> Reply:
        """Returns 200 if leads can be scored, else 503."""
        ready, why = self._readiness()
        return answer(ServerReady(ready, why), 200 if ready else 503)

    async def model_ready(self, exchange: Exchange) -> Reply:
        """Returns 200 if the named model can score, else 503."""
        model = self._named(exchange).model
        ready, why = self._readiness()
        return answer(ModelReady(model.card.name, ready, why), 200 if ready else 503)

    async def metadata(self, exchange: Exchange) -> Reply:
        """Returns the model's tensors; the inputs are its features, of which optional ones may be omitted."""
        card = self._named(exchange).model.card
        inputs = [
            TensorInfo(feature.name, "BYTES" if feature.is_text else "FP64", [-1]) for feature in card.contract.features
        ]
        outputs = [TensorInfo(name, datatype, [-1]) for name, datatype in OUTPUTS.items()]
        return answer(TensorModel(card.name, [card.version], "leadscoring_xgboost", inputs, outputs))

    async def infer(self, exchange: Exchange) -> Reply:
        """Scores the leads in the tensors."""
        self._rows.admit(exchange)
        served = self._named(exchange)
        body = await self._rows.body(exchange, self._most_bytes, (JSON, BINARY))
        asking = Inference(served, body, exchange.header(LENGTH), self._most_rows)
        rows, margins = await self._rows.margins(exchange, served, len(body), asking.read())
        answer = asking.answer(rows, margins, self._rows.limits(exchange))
        return await self._rows.done(exchange, len(body), answer, Spent())

    def _readiness(self) -> tuple[bool, str | UnsetType]:
        """Returns whether the model can score, and the reason if not."""
        state = self._lifecycle.seen(self._scorer.served.model)
        return state == "ready", UNSET if state == "ready" else f"the service is {state}"

    def _named(self, exchange: Exchange) -> Served:
        """Returns the served model. Raises ``UnknownModel`` if the path names another one."""
        served, named = self._scorer.served, exchange.scope.get("path_params", {})
        model = served.model
        name, version = named.get("name", ""), named.get("version", model.card.version)
        if name != model.card.name:
            raise UnknownModel("model", name, model.card.name)
        if version != model.card.version:
            raise UnknownModel("version", version, model.card.version)
        return served


class Inference:
    """One inference request: its parameters and its leads."""

    question: Question
    leads: list[Lead]

    def __init__(self, served: Served, body: bytes, header: bytes | None, most_rows: int) -> None:
        self._model = served.model
        self._find = served.reasons
        self._body = body
        self._header = header
        self._most_rows = most_rows

    def read(self) -> Stretches[Rows]:
        """Parses the request; returns its rows. Raises ``InvalidRows``, ``ValidationError`` or ``BatchTooLarge``."""
        contract = self._model.card.contract
        size = Size(self._most_rows, len(contract.columns))
        self.question, tensors = yield from read_question(self._body, self._header, size)
        self._wanted = wanted(self.question)
        first = tensors[0] if len(tensors) == 1 else None
        if first and (first.name not in contract.names or (len(first.shape) == 2 and first.shape[1] != 1)):
            rows = yield from encoded_rows(first, RowReader(contract))
            yield from self._turned_back(rows, contract)
            return rows
        leads = yield from as_leads(tensors, self._model, self._most_rows)
        yield
        places, rows_of_leads = yield from self._model.decoder.reading(leads, self._most_rows, as_of(self.question))
        for number, place in enumerate(places, 1):
            if isinstance(place, RequestError):
                place.args = (f"lead {number}: {place}",)
                raise place
        if rows_of_leads is None:
            raise InvalidRows("the tensors hold no leads; send at least one")
        self.leads = [place for place in places if isinstance(place, Lead)]
        return rows_of_leads

    def _turned_back(self, rows: Rows, contract: Contract) -> Stretches[None]:
        """Decodes encoded rows to leads, for reasons and warnings."""
        back = decoded(contract)
        self.leads = []
        for start in range(0, len(rows), PART):
            self.leads += [Lead("", back(rows.row(place))) for place in range(start, min(start + PART, len(rows)))]
            yield

    def answer(self, rows: Rows, margins: list[float], headers: Any) -> Stretches[Reply]:
        """Builds the reply with the requested outputs, each as JSON or binary as requested."""
        asked, card = self.question, self._model.card
        behind: list[bytes] = []
        outputs = []
        for output, goes_behind in self._wanted:
            values = yield from self._values(output, rows, margins)
            made = Output(output.name, OUTPUTS[output.name], [len(margins)], data=values)
            if goes_behind:
                made, data = binary(made)
                behind.append(data)
            outputs.append(made)
        moment = self.leads[0].as_of if self.leads else None
        made_of = Inferred(
            model_name=card.name,
            model_version=card.version,
            id=asked.id or UNSET,
            parameters=UNSET if moment is None else {"as_of": written(moment)},
            outputs=outputs,
        )
        text = msgspec.json.encode(made_of)
        if not any(goes_behind for _, goes_behind in self._wanted):
            return Reply(200, text, JSON, headers)
        return Reply(200, text + b"".join(behind), BINARY, ((LENGTH, b"%d" % len(text)), *headers))

    def _values(self, output: Wanted, rows: Rows, margins: list[float]) -> Stretches[list[Any]]:
        """Returns the values of one output, one per lead."""
        model = self._model
        if output.name == "margin":
            return margins
        if output.name == "reasons":
            told: list[str] = []
            for start in range(0, len(rows), PART):
                leads = self.leads[start : start + PART]
                found = self._find(rows, how_many_reasons(self.question), start, start + len(leads))
                told += [text(reasons(model)(model, lead, shares)) for lead, shares in zip(leads, found, strict=True)]
                yield
            return told
        if output.name == "warnings":
            warnings: list[list[Any]] = [[] for _ in margins]
            for place, column, warn in remarks_on(model, rows):
                warnings[place].append(warn(model, column, self.leads[place]))
            return [text(each) for each in warnings]
        scores = [model.score(margin) for margin in margins]
        return [score.tier if output.name == "tier" else score.raw_score for score in scores]


def wanted(question: Question) -> list[tuple[Wanted, bool]]:
    """Returns the requested outputs, and whether each is binary. Raises ``InvalidRows``."""
    names = [*PLAIN, "reasons"] if question.parameters.get("reasons") else PLAIN
    asked = question.outputs or [Wanted(name) for name in names]
    unknown = [output.name for output in asked if output.name not in OUTPUTS]
    if unknown:
        raise InvalidRows(f"outputs are {', '.join(OUTPUTS)}, not {unknown[0][:80]!r}")
    if len({output.name for output in asked}) != len(asked):
        raise InvalidRows("each output can be requested only once")
    how_many_reasons(question)
    as_of(question)
    usual = question.parameters.get("binary_data_output", False)
    return [(output, bool(output.parameters.get("binary_data", usual))) for output in asked]


def how_many_reasons(question: Question) -> int:
    """Parses the parameter ``reasons``, the number of strongest reasons. Raises ``InvalidRows``."""
    number = question.parameters.get("reasons", Asked().reasons)
    if type(number) is not int or not 0 <= number <= MOST_REASONS:
        raise InvalidRows(f"the parameter reasons must be a whole number from 0 to {MOST_REASONS}")
    return number


def as_of(question: Question) -> int | None:
    """Parses the parameter ``as_of``, the moment as of which leads are scored. Raises ``InvalidRows``."""
    stated = question.parameters.get("as_of")
    if stated is None:
        return None
    if not is_moment(stated):
        raise InvalidRows(f"the parameter as_of must be {AS_OF_ALLOWED}, not {told(stated)}")
    return moment_of(stated)


def encoded_rows(tensor: Tensor, reader: RowReader) -> Stretches[Rows]:
    """Converts one tensor of numbers to rows. Raises ``InvalidRows``."""
    columns = len(reader.names)
    if tensor.datatype == "BYTES" or len(tensor.shape) != 2 or tensor.shape[1] != columns:
        raise InvalidRows(
            f"send one tensor of numbers of the shape [leads, {columns}], or a tensor for each feature by its name; "
            f"got {tensor.name[:80]!r}, {tensor.datatype} of {list(tensor.shape)}"
        )
    parts: list[Rows] = []
    values, step = tensor.values, max(1, TOGETHER // columns) * columns
    for begin in range(0, len(values), step):
        if parts:
            yield
        part = values[begin : begin + step]
        matrix = [part[start : start + columns] for start in range(0, len(part), columns)]
        parts.append(reader.matrix(matrix, begin // columns + 1))
    return join_rows(parts) if parts else reader.matrix([])


def as_leads(tensors: list[Tensor], model: LoadedModel, most: int) -> Stretches[bytes]:
    """Converts tensors of single features to a JSON batch of leads, to be validated by the contract.

    Raises ``InvalidRows``, and ``BatchTooLarge`` for more than ``most`` leads.
    """
    features = {feature.name: feature for feature in model.card.contract.features}
    leads: list[dict[str, Any]] = []
    for number, tensor in enumerate(tensors):
        yield
        feature = features.pop(tensor.name, None)
        if feature is None:
            hint = model.card.contract.guess(tensor.name)
            raise InvalidRows(
                f"input {tensor.name[:80]!r} is not a feature of the model, or is repeated"
                + (f"; did you mean {hint!r}?" if hint else "")
            )
        if len(tensor.shape) not in (1, 2) or tensor.shape[1:] not in ((), (1,)):
            raise InvalidRows(f"input {tensor.name!r} must be of the shape [leads], not {list(tensor.shape)}")
        if number == 0:
            if len(tensor.values) > most:
                raise BatchTooLarge(len(tensor.values), most)
            leads = [{} for _ in tensor.values]
        if len(tensor.values) != len(leads):
            raise InvalidRows(
                f"inputs must be of one length; {tensor.name!r} has {len(tensor.values)}, not {len(leads)}"
            )
        if (tensor.datatype == "BYTES") != feature.is_text:
            raise InvalidRows(f"input {tensor.name!r} must be {feature.allowed}, not of type {tensor.datatype}")
        for lead, value in zip(leads, tensor.values, strict=True):
            if value is None or (value == "" and "" not in feature.values):
                continue
            if type(value) is float and not math.isfinite(value):
                raise InvalidRows(f"input {tensor.name!r} must be {feature.allowed}; NaN is missing, infinity invalid")
            lead[tensor.name] = value
    parts = []
    for start in range(0, len(leads), PART):
        yield
        part = [{"lead_id": str(start + number), "features": lead} for number, lead in
                enumerate(leads[start : start + PART], 1)]  # fmt: skip
        parts.append(msgspec.json.encode(part)[1:-1])
    return b"[" + b",".join(parts) + b"]"


def in_its_form(handler: Handler) -> Handler:
    """Wraps a handler to report our errors in the format of the protocol; other exceptions propagate."""

    async def answered(exchange: Exchange) -> Reply:
        try:
            return await handler(exchange)
        except LeadScoringError as failure:
            reply = problem(failure, exchange.request_id)
            exchange.error = type(failure).__name__
            if isinstance(failure, RequestError) and failure.key:
                exchange.key = failure.key
            return Reply(reply.status, msgspec.json.encode(Failure(str(failure))), JSON, reply.headers)

    return answered


def text(value: Any) -> str:
    """Encodes a value as a JSON text for a tensor."""
    return msgspec.json.encode(value).decode()
