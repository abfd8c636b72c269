"""``POST /api/v1/score/batch`` with one lead per line: JSON Lines or CSV in, answers streamed line by line.

The body is read completely before the response starts: most clients do not read before they have sent everything,
which would deadlock. The large part of a batch is its answer, of which only one part is in memory at a time: scoring
pauses until the client has received it, and stops if the client disconnects.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from leadscoring.access.rate_limit import Headers, RateLimit
from leadscoring.api.answer_lines import Form, InCsv, InLines, Place, wants_csv
from leadscoring.contract.lead_lines import LeadTable, Line, json_lines
from leadscoring.errors import (
    BatchTooLarge,
    EndpointError,
    LeadScoringError,
    NotRecorded,
    RequestError,
    UnsupportedMediaType,
)
from leadscoring.lead import Lead, Scored
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import Metrics, Spent
from leadscoring.transport.admission import Admission
from leadscoring.transport.compression import packed_parts, takes_gzip, unpacked
from leadscoring.transport.exchange import Exchange, StreamedReply
from leadscoring.transport.failures import Refusal, Refused, refused

CSV = b"text/csv"
KINDS = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl", b"application/jsonlines", CSV)
"""The content types of bodies with one lead per line."""

CHARSETS = (b"", b"utf-8", b"utf8", b"us-ascii")
ALLOWED = "application/json, application/x-ndjson, application/jsonl or text/csv, in UTF-8"

MOST_LINES = 100_000
"""Maximum lines of one body: a few kilobytes of gzip could otherwise request more than a million answers."""

MOST_LEADS = 128
"""Leads in one part of an answer."""

SLICE = 0.001
"""Seconds of reading lines before yielding to the event loop."""

Decode = Callable[[bytes], tuple[Lead, Any]]


class Asking(NamedTuple):
    """The content of one line: a lead as JSON, or its error."""

    lead: bytes
    lead_id: str | None = None
    refusal: RequestError | None = None


class StreamedScoring:
    """Scores bodies with one lead per line, for the batch route."""

    def __init__(
        self, scorer: Scorer, metrics: Metrics, settings: Settings, admission: Admission, limit: RateLimit
    ) -> None:
        self._scorer = scorer
        self._metrics = metrics
        self._most_bytes = settings.max_body_bytes
        self._most_leads = settings.max_batch_size
        self._patience = settings.body_timeout_seconds
        self._admission = admission
        self._limit = limit

    async def reply(self, exchange: Exchange, asked: Asked) -> StreamedReply:
        """Returns the streamed reply, after scoring its first part.

        Raises a ``RequestError`` if the body or the header of a CSV is invalid, and an ``EndpointError`` if a remote
        model fails to score the first part. Later failures are reported in the lines of the leads.
        """
        kind, charset = kind_in(exchange.content_type or b"")
        if kind not in KINDS or charset not in CHARSETS:
            raise UnsupportedMediaType((exchange.content_type or b"")[:80].decode("latin-1"), ALLOWED)
        body = await exchange.body(self._most_bytes, KINDS)
        if exchange.content_encoding is not None:
            body = await unpacked(exchange, body, self._most_bytes, self._admission)
        else:
            await self._admission.kept.reserve(exchange, len(body))
        if self._admission.crowded:
            await self._admission.turn(exchange, len(body))
        limits = self._pay(exchange.key or "") if self._limit.enabled else ()
        if (count := body.count(b"\n")) > MOST_LINES:
            raise BatchTooLarge(count, MOST_LINES)
        served = self._scorer.served
        contract = served.model.card.contract
        lines = iter(LeadTable(body, contract)) if kind == CSV else json_lines(body)
        form: Form = InCsv(min(asked.reasons, len(contract)), contract) if wants_csv(exchange) else InLines(kind)
        parts = self._parts(exchange, served, lines, asked, form)
        whole: AsyncGenerator[bytes, None] = following(form.head + await anext(parts, b""), parts)
        headers = ((b"vary", b"Accept-Encoding, Accept"), *limits)
        if takes_gzip(exchange.header(b"accept-encoding") or b""):
            whole, headers = packed_parts(whole), ((b"content-encoding", b"gzip"), *headers)
        return StreamedReply(
            200, b"", form.media_type, headers, parts=whole, patience=self._patience, at_once=self._most_leads
        )

    def _pay(self, label: str) -> Headers:
        """Charges the minimum cost of a body; checks again, since others may have used up the limit meanwhile."""
        self._limit.check(label)
        return self._limit.take(label, 1)

    async def _parts(
        self, exchange: Exchange, served: Served, lines: Iterator[Line | None], asked: Asked, form: Form
    ) -> AsyncGenerator[bytes, None]:
        """Yields the parts of the response; scores each after the client has received the previous one."""
        spent, errors, begun = Spent(), Counter[str](), False
        now = served.model.decoder.now()
        try:
            while chunk := await self._read(served, lines, exchange.key or "", now):
                scored: Iterator[Scored | RequestError | EndpointError]
                try:
                    scored = iter(await self._scored(served, chunk, asked, exchange.request_id, spent, now))
                except (EndpointError, NotRecorded) as failure:
                    if not begun:
                        raise
                    scored = iter([failure] * len(chunk))
                begun = True
                results = [asking.refusal or next(scored) for asking in chunk]
                self._note(exchange, results, errors)
                began = perf_counter()
                part = form.encode([shown(one, asking) for one, asking in zip(results, chunk, strict=True)])
                took = perf_counter() - began
                spent.encode += took
                self._admission.spend(took)
                yield part
                await self._admission.breathe(behind=exchange.key or "")
        finally:
            self._metrics.batch(exchange.leads)
            self._metrics.timed(spent)
            exchange.refused = errors or None

    async def _read(self, served: Served, lines: Iterator[Line | None], caller: str, now: int | None) -> list[Asking]:
        """Reads the next lines; yields to the event loop periodically, since rejections are slow."""
        decode: Decode = partial(served.model.decoder.one, now=now)
        chunk: list[Asking] = []
        began = perf_counter()
        for line in lines:
            if line is not None:
                chunk.append(checked(line, decode))
            elif self._limit.enabled:  # skipping that many empty lines costs as much as a lead
                self._limit.take(caller, 1)
            if len(chunk) == MOST_LEADS:
                break
            worked = perf_counter() - began
            if worked > SLICE:
                self._admission.spend(worked)
                await self._admission.breathe(behind=caller)
                began = perf_counter()
        self._admission.spend(perf_counter() - began)
        return chunk

    async def _scored(
        self, served: Served, chunk: list[Asking], asked: Asked, request_id: str, spent: Spent, now: int | None
    ) -> list[Scored | RequestError]:
        """Scores the leads of the chunk; returns a score or an error each, in order, except for rejected lines."""
        leads = [asking.lead for asking in chunk if asking.refusal is None]
        answers: list[Scored | RequestError] = []
        if not leads:
            return answers
        own, began = Spent(), perf_counter()
        body = b"[" + b",".join(leads) + b"]"
        async for part in self._scorer.many(body, len(leads), asked, request_id, own, served, now):
            answers += part
            worked, own.waited = perf_counter() - began - own.waited, 0.0
            self._admission.spend(worked)
            await self._admission.breathe()
            began = perf_counter()
        spent.decode += own.decode
        spent.predict += own.predict
        spent.explain += own.explain
        return answers

    def _note(
        self, exchange: Exchange, results: list[Scored | RequestError | EndpointError], errors: Counter[str]
    ) -> None:
        """Counts the results of a chunk, and charges them to the rate limit."""
        self._metrics.places(results)
        errors.update(type(one).__name__ for one in results if not isinstance(one, Scored))
        if self._limit.enabled:  # the first lead was charged at the request's turn
            self._limit.take(exchange.key or "", len(results) if exchange.leads else len(results) - 1)
        exchange.leads += len(results)


def kind_in(content_type: bytes) -> tuple[bytes, bytes]:
    """Parses a Content-Type; returns the media type and the charset, which is empty if not specified."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(b";"))
    charset = next((part.partition(b"=")[2].strip(b'"') for part in parameters if part.startswith(b"charset=")), b"")
    return kind, charset


def checked(line: Line, decode: Decode) -> Asking:
    """Decodes a line; errors include its number."""
    if line.fault is not None:
        return Asking(b"", None, line.fault)
    try:
        return Asking(line.lead, decode(line.lead)[0].lead_id)
    except RequestError as error:
        return Asking(b"", None, line.located(error))


def shown(result: LeadScoringError | Scored, asking: Asking) -> Place:
    """Returns the entry of a lead in the response."""
    if isinstance(result, Scored):
        return result
    if isinstance(result, RequestError) and not isinstance(result, NotRecorded):
        return refused(result)
    return Refused(asking.lead_id, Refusal(result.code, str(result)))


async def following(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Yields the first part, unless it is empty, then the rest."""
    async with aclosing(rest):
        if first:
            yield first
        async for part in rest:
            yield part
