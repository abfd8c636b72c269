"""SageMaker's contract for containers: ``/ping``, ``/invocations``, ``/execution-parameters``.

No key is required: SageMaker verifies the caller's signature, and nothing else can reach the container. Elsewhere
these routes would bypass the keys, so they exist only if ENDPOINT_PROTOCOLS enables them.

For encoded rows, as CSV or as a JSON matrix, the response is that of the built-in XGBoost container: the *score* is
the model's own probability, the logistic function of the margin, since the calling service calibrates itself. It is
not the calibrated ``raw_score`` of the API. Leads get the same answers as from the API, with reasons.
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
"""SageMaker's limit on payloads, in MB."""

FORMS = ("instances", "data")
"""The keys under which a JSON matrix may be sent."""

BLANK_LINES = 10_000
"""Maximum number of empty lines besides those with a lead."""

LONGEST_LINE = 65536
"""Maximum bytes of a line that is validated without yielding."""

lead_line = msgspec.json.Decoder(msgspec.Raw).decode

MOST_KEYS = 1000
"""Maximum keys in a body that may contain a matrix."""

ASKED = b"x-amzn-sagemaker-custom-attributes"
"""The only header of a caller that SageMaker forwards; it may contain the query parameters of the API."""

CALLER = "sagemaker"
"""The name of the caller in logs and rate limits: SageMaker authenticates the actual caller."""


class SageMaker:
    """The three routes of a SageMaker container."""

    def __init__(
        self,
        scorer: Scorer,
        metrics: Metrics,
        settings: Settings,
        admission: Admission,
        lifecycle: Lifecycle,
        limit: RateLimit,
    ) -> None:
        # callers put arbitrary text into the attributes, and AWS adds its own
        self._leads = Scoring(scorer, metrics, settings, admission, limit, strict=False)
        self._rows = EncodedScoring(scorer, metrics, settings, admission, limit)
        self._scorer = scorer
        self._admission = admission
        self._lifecycle = lifecycle
        self._workers = settings.workers
        self._most_bytes = settings.max_body_bytes
        self._most_rows = settings.max_batch_size

    async def ping(self, _exchange: Exchange) -> Reply:
        """Returns 200 if the model is loaded and passes its golden rows, else 503."""
        state = self._lifecycle.seen(self._scorer.served.model)
        return Reply(200 if state == "ready" else 503, msgspec.json.encode(Ping(state)))

    async def execution_parameters(self, _exchange: Exchange) -> Reply:
        """Returns how a batch transform should call: one concurrent call per worker, with a maximum body size."""
        megabytes = min(PAYLOAD_MB, self._most_bytes >> 20)
        return Reply(200, msgspec.json.encode(Transform(self._workers, "MULTI_RECORD", megabytes)))

    async def invocations(self, exchange: Exchange) -> Reply:
        """Scores the body: rows as CSV or JSON, or leads as JSON or JSON Lines."""
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
        """Scores rows; responds as CSV or JSON, by default in the format of the request."""
        form = accepted(exchange, (kind, JSON if kind == CSV else CSV))
        served = self._scorer.served
        reader = RowReader(served.model.card.contract)
        read = reader.csv_reading if kind == CSV else reader.json_reading
        _, margins = await self._rows.margins(exchange, served, len(body), read(body, self._most_rows))
        if form == CSV:
            text = "".join(f"{logistic(margin)!r}\n" for margin in margins)
            return Reply(200, text.encode(), b"text/csv; charset=utf-8", self._rows.limits(exchange))
        predictions = Predictions([RowScore(logistic(margin)) for margin in margins], margins)
        return Reply(200, msgspec.json.encode(predictions), headers=self._rows.limits(exchange))

    async def _lines(self, exchange: Exchange, body: bytes) -> Reply:
        """Scores one lead per line; responds with one line per lead, or with an array."""
        form = accepted(exchange, (LINES, JSON))
        leads = await self._rows.prepared(exchange, len(body), array_of(body, self._most_rows))
        holding(exchange, leads)
        reply = await self._leads.scored(exchange)
        if form == LINES:
            answers = msgspec.json.decode(reply.body, type=list[msgspec.Raw])
            reply = Reply(200, b"".join(bytes(answer) + b"\n" for answer in answers), LINES, reply.headers)
        return await packed(reply, exchange, self._admission)


def holding(exchange: Exchange, body: bytes) -> None:
    """Turns a request into the equivalent API request with this body."""
    exchange.arrived, exchange.content_length = body, None
    exchange.query = exchange.header(ASKED) or exchange.query


def kind_of(content_type: bytes | None) -> bytes:
    """Returns the media type of a Content-Type without parameters; JSON if there is none."""
    if content_type is None or is_json(content_type):
        return JSON
    return content_type.split(b";", 1)[0].strip().lower()


def accepted(exchange: Exchange, forms: tuple[bytes, ...]) -> bytes:
    """Returns the first of ``forms`` that the Accept header allows. Raises ``NotAcceptable``."""
    header = exchange.header(b"accept") or b"*/*"
    wanted = [kind_of(part) for part in header.split(b",")]
    for kind in wanted:
        for form in forms:
            if kind in (form, b"*/*", form.split(b"/")[0] + b"/*"):
                return form
    raise NotAcceptable(header[:80].decode("latin-1"), " or ".join(form.decode() for form in forms))


def array_of(body: bytes, most: int) -> Stretches[bytes]:
    """Converts a body of lines to a JSON array.

    Raises ``BatchTooLarge`` for more than ``most`` leads, ``MalformedJson`` for a line that is not one JSON value.
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
    """Returns why a line is not one JSON value, else ``None``; of a long line it only checks that it is not several."""
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
    """Returns the matrix in a JSON body, plain or under one of FORMS; ``None`` for any other body.

    Raises ``InvalidRows`` if there are other keys besides a matrix, since it is ambiguous which to use.
    """
    begins = body.lstrip()
    if begins[:1] == b"[":
        return body if begins[1:].lstrip()[:1] == b"[" else None
    if begins[:1] != b"{":
        return None
    colons = count_colons(body)
    if colons > MOST_KEYS:  # a lead, valid or not
        return None
    parts = yield from pairs(body, MOST_KEYS)
    if parts is None:
        return None  # reported where leads are decoded
    name = next((name for name in FORMS if name in parts), None)
    if name is None:
        return None
    if colons != 1:
        raise InvalidRows(f"the body must contain only {name!r}, with rows of numbers and nulls")
    begin, end = parts[name]
    return body[begin:end]
