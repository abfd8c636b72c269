"""A batch with a lead a line is answered a line at a time, with the same answers as any other."""

import asyncio
import csv
import gzip
import io
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import LEAD, SMALL, lead, model_file
from fuzzing import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lead_strategies import leads
from serving import KEY, Server, eventually, serving

from leadscoring.access.rate_limit import RateLimit
from leadscoring.api.streamed import MOST_LEADS, StreamedScoring
from leadscoring.contract.lead_lines import PAUSE
from leadscoring.errors import EndpointError, EndpointFailed, RequestError
from leadscoring.scoring.answer import Asked
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.served import Served
from leadscoring.serving.wiring import open_service
from leadscoring.settings import read_settings
from leadscoring.transport.admission import Admission
from leadscoring.transport.exchange import Exchange

BATCH = "/api/v1/score/batch"
JSONL, CSV = "application/x-ndjson", "text/csv"
NAMES = ["lead_id", *SMALL.names]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that takes larger bodies than usual, and small batches."""
    folder = tmp_path_factory.mktemp("streamed")
    with serving(folder, model_file(folder), MAX_BODY_BYTES="50000000", MAX_BATCH_SIZE="10") as running:
        yield running


def post(server: Server, sent: bytes, kind: str, query: str = "", **headers: str) -> httpx.Response:
    """The answer to leads of a kind, a line each."""
    return server.http.post(BATCH + query, content=sent, headers={"Content-Type": kind} | headers)


def lines_of(sent: list[Any]) -> bytes:
    """Leads as JSON Lines."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in sent)


def table_of(sent: list[dict[str, Any]]) -> bytes:
    """Leads as CSV: numbers as in JSON, nothing for what is unknown."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(NAMES)
    for one in sent:
        cells = [one["features"].get(name) for name in SMALL.names]
        writer.writerow(
            [one["lead_id"], *(cell if isinstance(cell, str | None) else json.dumps(cell) for cell in cells)]
        )
    return text.getvalue().encode()


def answers(answer: httpx.Response) -> list[dict[str, Any]]:
    """The lines of an answer, without the id of its request."""
    assert answer.status_code == 200, answer.text
    assert answer.text.endswith("\n") or not answer.text
    found = [json.loads(line) for line in answer.text.splitlines()]
    return [{name: value for name, value in one.items() if name != "request_id"} for one in found]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40), deadline=None)
@given(sent=st.lists(leads(SMALL), min_size=1, max_size=6), reasons=st.sampled_from(["", "?reasons=0", "?reasons=9"]))
def test_a_lead_gets_the_same_answer_whatever_it_comes_as(
    server: Server, sent: list[dict[str, Any]], reasons: str
) -> None:
    """Alone, in an array, as a line of JSON and as a row of a table: to the last bit."""
    sent = [one | {"lead_id": f"lead-{place}"} for place, one in enumerate(sent)]
    alone = [server.http.post(f"/api/v1/score{reasons}", json=one).json() for one in sent]
    expected = [{name: value for name, value in one.items() if name != "request_id"} for one in alone]
    array = server.http.post(BATCH + reasons, json=sent).json()
    assert [{name: value for name, value in one.items() if name != "request_id"} for one in array] == expected
    assert answers(post(server, lines_of(sent), JSONL, reasons)) == expected
    assert answers(post(server, table_of(sent), CSV, reasons)) == expected


@pytest.mark.parametrize(
    "kind", [JSONL, "application/jsonl", "application/jsonlines", "application/ndjson; charset=utf-8"]
)
def test_every_name_of_json_lines_is_taken_and_given_back(server: Server, kind: str) -> None:
    """There is no registered one."""
    answer = post(server, lines_of([LEAD]), kind)
    assert len(answers(answer)) == 1
    assert answer.headers["content-type"] == kind.split(";", maxsplit=1)[0]


def test_many_more_leads_than_a_batch_holds_are_answered_in_order(server: Server) -> None:
    """With faults at their places, in the words of the API, with the line; nothing counts the leads but the body's size."""
    sent: list[Any] = [lead(f"lead-{place}", visits=place % 90) for place in range(3 * MOST_LEADS + 7)]
    sent[5], sent[200] = lead("lead-5", revenue=-1), {"lead_id": "lead-200"}
    broken = lines_of(sent).replace(b'{"lead_id": "lead-300"', b'{"lead_id" "lead-300"')
    found = answers(post(server, broken, JSONL))
    assert len(found) == len(sent)
    for place, one in enumerate(found):
        assert one["lead_id"] == (None if place == 300 else f"lead-{place}")
        assert ("error" in one) is (place in (5, 200, 300))
    assert found[5]["error"]["errors"][0] == {
        "path": "/features/revenue", "message": "line 6: revenue must be a number of 0 or more, not -1", "value": -1,
        "allowed": "a number of 0 or more",
    }  # fmt: skip
    assert found[200]["error"]["detail"].startswith("line 201: features is missing")
    assert found[300]["error"]["detail"].startswith("line 301: it is not JSON: ':' is expected")


def test_a_line_never_counts_for_two(server: Server) -> None:
    """Whatever would be more than one lead, once lines are put side by side."""
    odd = [
        json.dumps(LEAD).encode() * 2,
        json.dumps(LEAD).encode() + b"," + json.dumps(LEAD).encode(),
        b"]",
        b"[",
        b"null",
        b'"'.ljust(9),
    ]
    found = answers(post(server, b"\n".join([*odd, json.dumps(LEAD).encode()]), JSONL))
    assert ["error" in one for one in found] == [True] * len(odd) + [False]


def test_a_table_is_answered_as_a_table_where_accept_says_so(server: Server) -> None:
    """With the reasons asked for, and the faults with line and column."""
    sent = table_of([lead("a"), lead("b", source="never seen"), lead("c")]) + b"d,x,,,1,,north,2\r\n"
    answer = post(server, sent, CSV, "?reasons=2", Accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    expected = server.http.post("/api/v1/score?reasons=2", json=lead("a")).json()
    assert float(rows[0]["raw_score"]) == expected["score"]["raw_score"]
    assert (rows[0]["tier"], rows[0]["bucket"]) == (expected["score"]["tier"], str(expected["score"]["bucket"]))
    for place in (1, 2):
        assert rows[0][f"reason_{place}"] == expected["reasons"][place - 1]["feature"]
        assert float(rows[0][f"contribution_{place}"]) == expected["reasons"][place - 1]["contribution"]
    assert "never seen" in rows[1]["warnings"]
    assert rows[3]["error_code"] == "invalid_lead"
    assert rows[3]["error"] == (
        "line 5, column 2: revenue must be a number of 0 or more, not 'x'; "
        "line 5, column 8: open_rate must be a number from 0 to 1, not 2"
    )
    assert [row["lead_id"] for row in rows] == ["a", "b", "c", "d"]


def test_a_header_that_is_wrong_is_refused_before_any_lead_is_scored(server: Server) -> None:
    """With a problem as any other."""
    answer = post(server, table_of([LEAD]).replace(b"revenue", b"revenu", 1), CSV)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_lead")
    assert "the column 'revenu' is not known; did you mean 'revenue'?" in answer.json()["detail"]


def test_nothing_in_is_nothing_out(server: Server) -> None:
    """An empty body of lines has no lead in it; a table without a row answers with its header."""
    assert answers(post(server, b"\n\n", JSONL)) == []
    answer = post(server, table_of([]), CSV, "?reasons=1", Accept="text/csv")
    assert (
        answer.text == "lead_id,raw_score,bucket,tier,percentile,warnings,error_code,error,reason_1,contribution_1\r\n"
    )


def test_what_is_refused_of_other_batches_is_refused_of_these(server: Server) -> None:
    """Key, parameters, size, kind, charset."""
    one = lines_of([LEAD])
    assert post(server, one, JSONL, **{"X-API-Key": "wrong"}).status_code == 401
    assert post(server, one, JSONL, "?reason=1").status_code == 422
    assert post(server, b" " * 50_000_001, JSONL).status_code == 413
    for kind in ("text/plain", "application/x-www-form-urlencoded", "text/csv; charset=latin-1"):
        answer = post(server, one, kind)
        assert answer.status_code == 415
        assert "application/x-ndjson, application/jsonl or text/csv, in UTF-8" in answer.json()["detail"]
    assert server.http.post("/api/v1/score", content=one, headers={"Content-Type": JSONL}).status_code == 415


def test_it_may_be_packed_both_ways(server: Server) -> None:
    """Each part of the answer can be unpacked when it comes."""
    sent = lines_of([lead(f"lead-{place}") for place in range(500)])
    plain = answers(post(server, sent, JSONL, **{"Accept-Encoding": "identity"}))
    packed = post(server, gzip.compress(sent), JSONL, **{"Content-Encoding": "gzip", "Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert answers(packed) == plain


def test_every_lead_is_counted_logged_and_paid_for(tmp_path: Path) -> None:
    """As those of any batch."""
    with serving(tmp_path, model_file(tmp_path), RATE_LIMIT_PER_MINUTE="1000") as server:
        answer = post(server, lines_of([lead(f"a{place}") for place in range(399)] + [{}]), JSONL)
        assert answer.headers["ratelimit-remaining"] == "999"
        left = server.http.post("/api/v1/score", json=LEAD).headers["ratelimit-remaining"]
        assert 598 <= int(left) <= 610  # some have come back meanwhile
        text = server.http.get("/metrics").text
        counted = re.findall(r"^model_predictions_total\{.*\} (\S+)$", text, re.MULTILINE)
        assert sum(map(float, counted)) == 400  # 399 of them, and the one that asked what is left
        assert re.search(r"^model_batch_size_sum 400", text, re.MULTILINE)
        assert eventually(lambda: '"refused":{"ValidationError":1}' in server.logged())
        assert '"leads":400' in server.logged()


def test_a_client_that_hangs_up_ends_the_work(server: Server) -> None:
    """What it takes no more of is not scored: the request's line says how far it came."""
    total = 90_000
    one = json.dumps(lead("x"), ensure_ascii=False).encode() + b"\n"
    sent = one * total
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.port))
        client.settimeout(30)
        head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nX-Request-ID: gone\r\nContent-Type: {JSONL}\r\nContent-Length: {len(sent)}\r\n\r\n"
        client.sendall(head.encode() + sent)
        assert client.recv(12) == b"HTTP/1.1 200"
        assert server.http.post("/api/v1/score", json=LEAD).status_code == 200  # while that one waits for its client

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in server.logged().splitlines() if '"request_id":"gone"' in line]

    assert eventually(lambda: bool(told()))
    assert told()[0]["status"] == 499
    assert 0 < told()[0]["leads"] < total
    assert '"ERROR"' not in server.logged()


def test_a_client_that_takes_nothing_is_cut_off(tmp_path: Path) -> None:
    """After as long as it may take to send a body."""
    folder = tmp_path
    with serving(folder, model_file(folder), MAX_BODY_BYTES="50000000", BODY_TIMEOUT_SECONDS="1") as server:
        sent = (json.dumps(lead("x")).encode() + b"\n") * 100_000
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            head = f"POST {BATCH} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nX-Request-ID: slow\r\nContent-Type: {JSONL}\r\nContent-Length: {len(sent)}\r\n\r\n"
            client.sendall(head.encode() + sent)
            assert eventually(lambda: '"request_id":"slow"' in server.logged())
        line = next(json.loads(line) for line in server.logged().splitlines() if '"request_id":"slow"' in line)
        assert (line["status"], line["error"]) == (499, "ClientGone")
        assert 0 < line["leads"] < 100_000
        assert '"ERROR"' not in server.logged()


def exchange_of(receive: Any) -> Exchange:
    """A request whose body was read."""
    scope = {"method": "POST", "path": BATCH, "query_string": b"", "headers": [(b"host", b"x")], "http_version": "1.1"}
    return Exchange(scope, receive, "id")


class Failing:
    """A remote model that fails when it is asked for the second time, and from then on."""

    name = "azure"

    def __init__(self, scorer: Scorer, good: int) -> None:
        self._real = scorer.served.provider
        self._good = good

    def margins(self, rows: Any) -> Any:
        """The margins, or the failure."""
        if self._good == 0:
            raise EndpointFailed("the endpoint", "it fell over")
        self._good -= 1
        return self._real.margins(rows)


def answered(folder: Path, good: int) -> list[dict[str, Any]]:
    """The answer to two parts of leads by a model that scores so many of them."""
    given = read_settings({"MODEL_PATH": str(model_file(folder)), "API_KEYS": KEY})
    sent = lines_of([lead(f"lead-{place}") for place in range(2 * MOST_LEADS)])

    async def scenario() -> list[dict[str, Any]]:
        with open_service(given, [BATCH]) as service:
            failing = Failing(service.scorer, good)
            scorer = Scorer(Served.of(service.scorer.served.model, failing))  # type: ignore[arg-type]  # as much as is asked of it
            route = StreamedScoring(scorer, service.metrics, given, Admission(9.0, 9.0), RateLimit(0))
            exchange = exchange_of(None)
            exchange.arrived, exchange.content_type = sent, JSONL.encode()
            reply = await route.reply(exchange, Asked(0))
            return [json.loads(line) async for part in reply.parts for line in part.splitlines()]

    return asyncio.run(scenario())


BLANK = b"\n" * (20 * PAUSE)
HEADER = ",".join(NAMES).encode()
PAID = [
    (JSONL, b"", 1),
    (JSONL, b"\n \n", 1),
    (JSONL, BLANK, 21),
    (CSV, HEADER, 1),
    (CSV, HEADER + b"\n" + BLANK, 21),
    (CSV, b"revenu", 1),
    (JSONL, b"\n" * 100_001, 1),
    (JSONL, lines_of([LEAD] * 200), 200),
    (JSONL, b"5\n" * 10, 10),
]
"""Kinds, bodies, and what they cost: a lead each, one at least, and one for so many empty lines as take as long."""


@pytest.mark.parametrize(("kind", "sent", "paid"), PAID)
def test_a_body_of_lines_takes_tokens_whatever_stands_in_it(tmp_path: Path, kind: str, sent: bytes, paid: int) -> None:
    """Also where no lead does: to find that out is work."""
    given = read_settings({"MODEL_PATH": str(model_file(tmp_path)), "API_KEYS": KEY})
    limit = RateLimit(1000, clock=lambda: 1000.0)

    async def scenario() -> None:
        with open_service(given, [BATCH]) as service:
            route = StreamedScoring(service.scorer, service.metrics, given, Admission(9.0, 9.0), limit)
            exchange = exchange_of(None)
            exchange.arrived, exchange.content_type, exchange.key = sent, kind.encode(), "crm"
            with suppress(RequestError):
                async for _ in (await route.reply(exchange, Asked(0))).parts:
                    pass

    asyncio.run(scenario())
    assert dict(limit.take("crm", 0))[b"ratelimit-remaining"] == b"%d" % (1000 - paid)


def test_a_remote_model_that_fails_in_the_middle_is_said_at_each_place(tmp_path: Path) -> None:
    """With the lead's id: what was scored before is not lost."""
    found = answered(tmp_path, 1)
    assert ["error" in one for one in found] == [False] * MOST_LEADS + [True] * MOST_LEADS
    assert found[-1]["lead_id"] == f"lead-{2 * MOST_LEADS - 1}"
    assert found[-1]["error"]["code"] == "endpoint_failed"


def test_a_remote_model_that_fails_at_once_fails_the_request(tmp_path: Path) -> None:
    """With its own status, as nothing was sent yet."""
    with pytest.raises(EndpointError):
        answered(tmp_path, 0)
