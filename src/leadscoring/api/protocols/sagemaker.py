"""SageMaker's contract for containers: ``/ping``, ``/invocations``, ``/execution-parameters``.

No key is asked for: inside SageMaker its front door has checked the caller's signature, and nothing else reaches the
container. Elsewhere these routes would be a way around the keys, so they exist only where ENDPOINT_PROTOCOLS says so.

Encoded rows, as CSV or as a JSON matrix, are answered as the built-in XGBoost container answers them: the *score* is
the model's own probability, the logistic function of the margin, since the service that calls calibrates itself. It
is not the calibrated ``raw_score`` of the API, which leads get here as there, with their reasons.
"""

import msgspec

from leadscoring._engine import Split, count_colons
from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.protocols.answers import Ping, Predictions, RowScore, Transform
from leadscoring.api.protocols.rows import EncodedScoring
from leadscoring.api.score import Scoring
from leadscoring.contract.rows import SPLIT_STRETCH, STRETCH, RowReader, neighbours, pairs
from leadscoring.errors import BatchTooLarge, InvalidRows, MalformedJson, NotAcceptable
from leadscoring.model.calibration import logistic
from leadscoring.scoring.lifecycle import Lifecycle
from leadscoring.scoring.scorer import Scorer
from leadscoring.settings import Settings
from leadscoring.stretches import Stretches
from leadscoring.telemetry.metrics import Metrics
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import packed
from leadscoring.transport.exchange import JSON, Exchange, Reply, is_json

CSV, LINES = b"text/csv", b"application/jsonlines"
PAYLOAD_MB = 6
"""What SageMaker lets through, at most."""

FORMS = ("instances", "data")
"""The names by which a JSON matrix may be sent."""

BLANK_LINES = 10_000
"""Lines without a lead that may stand among those that hold one."""

LONGEST_LINE = 65536
"""Bytes of a line that are read at one stretch."""

lead_line = msgspec.json.Decoder(msgspec.Raw).decode

MOST_KEYS = 1000
"""Keys in a body in which a matrix is still looked for."""

ASKED = b"x-amzn-sagemaker-custom-attributes"
"""The one header of a caller that SageMaker passes on; it may hold what is the query elsewhere."""

CALLER = "sagemaker"
"""The one caller, as the log and the rate limit know it: SageMaker has checked who called it."""


class SageMaker:
    """The three routes of a container of SageMaker's."""

    def __init__(
        self,
        scorer: Scorer,
        metrics: Metrics,
        settings: Settings,
        admission: Admission,
        lifecycle: Lifecycle,
        limit: RateLimit,
    ) -> None:
        # callers write what they like into the attributes, and AWS adds its own
        self._leads = Scoring(scorer, metrics, settings, admission, limit, strict=False)
        self._rows = EncodedScoring(scorer, metrics, settings, admission, limit)
        self._scorer = scorer
        self._admission = admission
        self._lifecycle = lifecycle
        self._workers = settings.workers
        self._most_bytes = settings.max_body_bytes
        self._most_rows = settings.max_batch_size

    async def ping(self, _exchange: Exchange) -> Reply:
        """Whether leads can be scored: the model is loaded, and its golden rows score as they should."""
        state = self._lifecycle.seen(self._scorer.served.model)
        return Reply(200 if state == "ready" else 503, msgspec.json.encode(Ping(state)))

    async def execution_parameters(self, _exchange: Exchange) -> Reply:
        """How a batch transform should call: as many at once as there are workers, with bodies that fit."""
        megabytes = min(PAYLOAD_MB, self._most_bytes >> 20)
        return Reply(200, msgspec.json.encode(Transform(self._workers, "MULTI_RECORD", megabytes)))

    async def invocations(self, exchange: Exchange) -> Reply:
        """Scores what the body holds: rows as CSV or JSON, or leads as JSON or JSON lines."""
        exchange.key = CALLER
        self._rows.admit(exchange)
        kind = kind_of(exchange.content_type)
        body = await self._rows.body(exchange, self._most_bytes, (JSON, CSV, LINES))
        if kind == LINES:
            return await self._lines(exchange, body)
        if kind == CSV:
            return await self._matrix(exchange, body, kind)
        rows = await self._rows.prepared(exchange, len(body), matrix_in(body))
        if rows is not None:
            return await self._matrix(exchange, rows, kind)
        accepted(exchange, (JSON,))
        holding(exchange, body)
        many = body.lstrip()[:1] == b"["
        return await (self._leads.batch(exchange) if many else self._leads.one(exchange))

    async def _matrix(self, exchange: Exchange, body: bytes, kind: bytes) -> Reply:
        """The answer for rows, as CSV or as JSON; the same kind as the question unless told otherwise."""
        form = accepted(exchange, (kind, JSON if kind == CSV else CSV))
        served = self._scorer.served
        reader = RowReader(served.model.card.contract)
        read = reader.csv_reading if kind == CSV else reader.json_reading
        _, margins = await self._rows.margins(exchange, served, len(body), read(body, self._most_rows))
        if form == CSV:
            text = "".join(f"{logistic(margin)!r}\n" for margin in margins)
            return Reply(200, text.encode(), b"text/csv; charset=utf-8", self._rows.limits(exchange))
        said = Predictions([RowScore(logistic(margin)) for margin in margins], margins)
        return Reply(200, msgspec.json.encode(said), headers=self._rows.limits(exchange))

    async def _lines(self, exchange: Exchange, body: bytes) -> Reply:
        """The answer for a lead a line: a line for each, or an array of them."""
        form = accepted(exchange, (LINES, JSON))
        leads = await self._rows.prepared(exchange, len(body), array_of(body, self._most_rows))
        holding(exchange, leads)
        reply = await self._leads.scored(exchange)
        if form == LINES:
            answers = msgspec.json.decode(reply.body, type=list[msgspec.Raw])
            reply = Reply(200, b"".join(bytes(answer) + b"\n" for answer in answers), LINES, reply.headers)
        return await packed(reply, exchange, self._admission)


def holding(exchange: Exchange, body: bytes) -> None:
    """Makes a request one that the API would get, with this body."""
    exchange.arrived, exchange.content_length = body, None
    exchange.query = exchange.header(ASKED) or exchange.query


def kind_of(content_type: bytes | None) -> bytes:
    """What a Content-Type says, without parameters; JSON where nothing is said."""
    if content_type is None or is_json(content_type):
        return JSON
    return content_type.split(b";", 1)[0].strip().lower()


def accepted(exchange: Exchange, forms: tuple[bytes, ...]) -> bytes:
    """The first of ``forms`` that the Accept header allows. Raises ``NotAcceptable``."""
    header = exchange.header(b"accept") or b"*/*"
    wanted = [kind_of(part) for part in header.split(b",")]
    for kind in wanted:
        for form in forms:
            if kind in (form, b"*/*", form.split(b"/")[0] + b"/*"):
                return form
    raise NotAcceptable(header[:80].decode("latin-1"), " or ".join(form.decode() for form in forms))


def array_of(body: bytes, most: int) -> Stretches[bytes]:
    """The array of the leads in a body of lines.

    Raises ``BatchTooLarge`` for more than ``most``, ``MalformedJson`` for a line that is not one JSON value.
    """
    if (count := body.count(b"\n")) > BLANK_LINES + most:
        raise BatchTooLarge(count, most)
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > most:
        raise BatchTooLarge(len(lines), most)
    for first, group in neighbours(lines, STRETCH):
        yield
        for number, line in enumerate(group, first):
            if why := no_value(line):
                raise MalformedJson(f"line {number} is not one JSON value: {why}")
    return b"[%b]" % b",".join(lines)


def no_value(line: bytes) -> str | None:
    """Why a line is not one JSON value; of a long one only that it is not several, as its reader finds out the rest."""
    if len(line) > LONGEST_LINE:
        split = Split(b"[%b]" % line, 1)
        while not split.step(SPLIT_STRETCH):
            pass
        return None if split.sound and split.count == 1 else "it has none or several"
    try:
        lead_line(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as failure:
        return str(failure)
    return None


def matrix_in(body: bytes) -> Stretches[bytes | None]:
    """The matrix in a JSON body, bare or under one of FORMS; nothing when the body is something else.

    Raises ``InvalidRows`` when something stands beside a matrix: which of the two was meant cannot be known.
    """
    begins = body.lstrip()
    if begins[:1] == b"[":
        return body if begins[1:].lstrip()[:1] == b"[" else None
    if begins[:1] != b"{":
        return None
    colons = count_colons(body)
    if colons > MOST_KEYS:  # a lead, or what was meant as one
        return None
    parts = yield from pairs(body, MOST_KEYS)
    if parts is None:
        return None  # explained where leads are read
    name = next((name for name in FORMS if name in parts), None)
    if name is None:
        return None
    if colons != 1:
        raise InvalidRows(f"the body must contain only {name!r}, with rows of numbers and nulls")
    begin, end = parts[name]
    return body[begin:end]
