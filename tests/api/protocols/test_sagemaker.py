"""SageMaker's contract for containers, over a socket, with stock XGBoost to check the numbers."""

import json
import math
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from factories import LEAD, card, lead, model_file, stock_margins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from serving import KEY, Server, free_port, serving
from wire import wired

pytestmark = pytest.mark.integration

ROWS: list[list[float | None]] = [list(golden.row) for golden in card().golden]
CSV = {"Content-Type": "text/csv"}
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/jsonlines"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service as SageMaker runs it; its client holds no key."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder), ENDPOINT_PROTOCOLS="sagemaker") as running:
        running.http.headers.pop("X-API-Key")
        yield running


def csv(rows: list[list[float | None]]) -> bytes:
    """Rows as the built-in container takes them."""
    return "".join(",".join("" if value is None else repr(value) for value in row) + "\n" for row in rows).encode()


def invoke(server: Server, body: bytes | Any, headers: dict[str, str]) -> httpx.Response:
    """One invocation."""
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return server.http.post("/invocations", content=content, headers=headers)


def logistic(margins: list[float]) -> list[float]:
    """The probabilities that XGBoost itself gives."""
    return [1 / (1 + math.exp(-margin)) for margin in margins]


def test_csv_rows_get_one_probability_a_line(server: Server) -> None:
    """XGBoost's own, in order, with a newline at the end of each."""
    answer = invoke(server, csv(ROWS), CSV)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.text.endswith("\n")
    assert [float(line) for line in answer.text.splitlines()] == pytest.approx(logistic(stock_margins(ROWS)), abs=1e-6)


@pytest.mark.parametrize("digits", [309, 400, 5000])
def test_an_integer_that_no_float_holds_is_refused_and_nothing_fails(server: Server, digits: int) -> None:
    """In leads, lines and rows alike."""
    sent = json.dumps(LEAD).replace("0.35", "9" * digits).encode()
    assert invoke(server, sent, JSON).status_code == 422
    answers = invoke(server, b"[%b,%b]" % (sent, json.dumps(LEAD).encode()), JSON).json()
    assert [("score" in answer) for answer in answers] == [False, True]
    assert invoke(server, sent, LINES).json()["error"]["code"] == "invalid_lead"
    assert invoke(server, b"[[%b,1,1,1,1,1,1]]" % (b"9" * digits), JSON).status_code == 400
    assert invoke(server, b"%b,1,1,1,1,1,1" % (b"9" * digits), CSV).status_code == 400


@pytest.mark.parametrize(("line", "headers"), [(b"1\n", LINES), (b"\n", LINES), (b"1\n", CSV), (b"\n\n1", CSV)])
def test_more_lines_than_a_batch_may_hold_are_refused_before_they_are_read(
    server: Server, line: bytes, headers: dict[str, str]
) -> None:
    """Millions of them cost a look at each byte."""
    answer = invoke(server, line * 2_000_000, headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "batch_too_large")


def test_more_rows_of_json_than_a_batch_may_hold_are_refused_before_they_are_read(server: Server) -> None:
    """However little stands in each."""
    answer = invoke(server, b"[" + b"[]," * 1_000_000 + b"[]]", JSON)
    assert (answer.status_code, answer.json()["code"]) == (400, "batch_too_large")


def test_thousands_of_keys_are_no_matrix(server: Server) -> None:
    """They are looked at once, as the lead that they were meant to be."""
    answer = invoke(server, {f"k{place}": 1 for place in range(5000)}, JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_lead")


@pytest.mark.parametrize("body", [{"instances": ROWS}, {"data": ROWS}, ROWS], ids=["instances", "data", "bare"])
def test_a_json_matrix_gets_predictions_and_margins(server: Server, body: Any) -> None:
    """The margins are log-odds, so that whoever calibrates need not undo the logistic function."""
    answer = invoke(server, body, JSON).json()
    assert answer["margins"] == pytest.approx(stock_margins(ROWS), abs=1e-6)
    assert [each["score"] for each in answer["predictions"]] == pytest.approx(logistic(answer["margins"]), abs=1e-12)


@pytest.mark.parametrize(
    ("sent", "accept", "form"),
    [
        (CSV, "application/json", "application/json"),
        (CSV, "text/csv", "text/csv; charset=utf-8"),
        (CSV, "*/*", "text/csv; charset=utf-8"),
        (CSV, "image/png, application/json;q=0.5", "application/json"),
        (JSON, "text/csv", "text/csv; charset=utf-8"),
        (JSON, "application/*", "application/json"),
        (CSV | {"Content-Type": "Text/CSV; charset=utf-8"}, "text/*", "text/csv; charset=utf-8"),
    ],
)
def test_the_answer_has_the_form_that_is_accepted(server: Server, sent: dict[str, str], accept: str, form: str) -> None:
    """The form of the question where nothing else is asked for."""
    body = json.dumps({"data": ROWS}).encode() if sent is JSON else csv(ROWS)
    answer = invoke(server, body, sent | {"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, form)


def test_leads_get_what_the_api_answers(server: Server) -> None:
    """One, many, and a line each: calibrated, with reasons, an invalid one refused at its own place."""
    said = server.http.post("/api/v1/score", json=LEAD, headers={"X-API-Key": KEY}).json()
    alone = invoke(server, LEAD, JSON).json()
    wrong = lead("lead-2", visits=-1)
    first, second = invoke(server, [LEAD, wrong], JSON).json()
    lines = invoke(server, "\n".join(map(json.dumps, (LEAD, wrong))).encode() + b"\n", LINES)
    assert lines.headers["content-type"] == "application/jsonlines"
    in_lines = [json.loads(line) for line in lines.text.splitlines()]
    for answer in (alone, first, in_lines[0]):
        assert answer | {"request_id": ""} == said | {"request_id": ""}
    assert second["error"]["code"] == in_lines[1]["error"]["code"] == "invalid_lead"
    listed = invoke(server, json.dumps(LEAD).encode(), LINES | {"Accept": "application/json"}).json()
    assert [answer["lead_id"] for answer in listed] == ["lead-1"]


def test_the_header_that_sagemaker_passes_on_stands_for_the_query(server: Server) -> None:
    """So that a caller behind its front door can say how many reasons it wants."""
    asked = {"X-Amzn-SageMaker-Custom-Attributes": "reasons=2&include_details=true"}
    answer = invoke(server, LEAD, JSON | asked).json()
    assert len(answer["reasons"]) == 2
    assert "explanation" in answer
    assert invoke(server, LEAD, JSON | {"X-Amzn-SageMaker-Custom-Attributes": "reasons=x"}).status_code == 422
    traced = JSON | {"X-Amzn-SageMaker-Custom-Attributes": "trace=c000b4f9-df62; reasons"}
    assert invoke(server, LEAD, traced).status_code == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "said"),
    [
        (b"1,2\n", CSV, 400, "the model takes 7 columns"),
        (b"revenue,1,1,1,1,1,1\n", CSV, 400, "without a header"),
        (b"", CSV, 400, "there are no rows"),
        ([[1, 2]], JSON, 400, "the model takes 7 columns"),
        ({"instances": []}, JSON, 400, "there are no rows"),
        ({"data": [["text"] * 7]}, JSON, 400, "arrays of numbers and nulls"),
        ({"data": ROWS, "leads": 1}, JSON, 400, "must contain only 'data'"),
        (b'{"data": [[1,1,1,1,1,1,1]], "data": [[2,1,1,1,1,1,1]]}', JSON, 400, "must contain only 'data'"),
        (b"{", JSON, 400, "not JSON"),
        ({"features": {}}, JSON, 422, "lead_id"),
        (b'{"a": 1}\n{]', LINES, 400, "line 2 is not one JSON value"),
        (b"{},{}", LINES, 400, "line 1 is not one JSON value"),
        (b"1:0.5", {"Content-Type": "text/libsvm"}, 415, "application/json, text/csv, application/jsonlines"),
        (csv(ROWS), CSV | {"Content-Encoding": "br"}, 415, "gzip"),
        (csv(ROWS), CSV | {"Accept": "application/x-recordio-protobuf"}, 406, "text/csv or application/json"),
        (LEAD, JSON | {"Accept": "text/csv"}, 406, "application/json"),
        (b"1,1,1,1,1,1,1\n" * 500_000, CSV, 413, "6291456"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_that_says_why(
    server: Server, body: Any, headers: dict[str, str], status: int, said: str
) -> None:
    """With the status by which a client of SageMaker's tells its own mistakes."""
    answer = invoke(server, body, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), kind=st.sampled_from([CSV, JSON, LINES]))
def test_no_body_breaks_the_service(server: Server, body: bytes, kind: dict[str, str]) -> None:
    """Whatever the bytes, it is answered or refused."""
    assert invoke(server, body, kind).status_code in (200, 400, 422)


def test_many_rows_are_scored_in_one_call(server: Server) -> None:
    """A batch transform sends as many as fit, more than the API's batches hold."""
    rows = ROWS * 20_000
    answer = invoke(server, csv(rows), CSV)
    assert answer.status_code == 200
    found = [float(line) for line in answer.text.splitlines()]
    assert len(found) == len(rows)
    assert found == pytest.approx(logistic(stock_margins(ROWS)) * 20_000, abs=1e-6)


def test_ping_and_the_parameters_of_a_transform(server: Server) -> None:
    """In the shape that SageMaker reads."""
    assert server.http.get("/ping").status_code == 200
    parameters = server.http.get("/execution-parameters").json()
    assert parameters == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def test_ping_says_503_once_the_container_was_asked_to_end(tmp_path: Path) -> None:
    """While what was accepted is still answered."""
    with serving(tmp_path, model_file(tmp_path), ENDPOINT_PROTOCOLS="sagemaker", DRAIN_SECONDS="300") as server:
        assert server.http.get("/ping").status_code == 200
        server.process.terminate()
        while (status := server.http.get("/ping").status_code) == 200:
            assert server.process.poll() is None
        assert status == 503
        assert invoke(server, csv(ROWS), CSV).status_code == 200
        server.process.send_signal(signal.SIGINT)  # the drain is over


def test_a_broken_head_of_an_invocation_is_refused_on_the_wire(server: Server) -> None:
    """And a pipeline of two invocations is answered in order."""
    request = b"POST /invocations HTTP/1.1\r\nhost: x\r\ncontent-type: text/csv\r\ncontent-length: %d\r\n\r\n"
    rows = csv(ROWS[:1])
    with wired(server) as wire:
        wire.send((request % len(rows) + rows) * 2)
        first, second = wire.answer(), wire.answer()
        assert first
        assert second
        assert (first.status, first.body) == (second.status, second.body)
    with wired(server) as wire:
        wire.send(b"POST /invocations HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n1,2")
        answer = wire.answer()
        assert answer
        assert answer.status == 400


def test_a_container_bound_to_a_port_speaks_sagemaker_there(tmp_path: Path) -> None:
    """With several workers, and nothing else set."""
    port = free_port()
    folder = model_file(tmp_path)
    with serving(tmp_path, folder, SAGEMAKER_BIND_TO_PORT=str(port), PORT=str(port), WORKERS="2") as server:
        assert server.http.get("/ping").status_code == 200
        assert server.http.get("/execution-parameters").json()["MaxConcurrentTransforms"] == 2


def test_without_the_protocol_its_routes_do_not_exist(tmp_path: Path) -> None:
    """They would be a way around the keys."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        assert server.http.get("/ping").status_code == 404
        assert invoke(server, csv(ROWS), CSV).status_code == 404
        assert server.http.get("/v2").status_code == 404
        assert "/invocations" not in server.http.get("/openapi.json").json()["paths"]


def test_the_openapi_document_describes_the_routes(server: Server) -> None:
    """Without a key."""
    document = server.http.get("/openapi.json").json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert {"/ping", "/invocations", "/execution-parameters"} <= set(document["paths"])
    assert document["paths"]["/invocations"]["post"]["security"] == []


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("count", [1, 2, 500])
def test_lines_are_answered_alike_whatever_coding_a_client_takes(server: Server, coding: str, count: int) -> None:
    """Packed as a whole, where they are: a line for each lead."""
    sent = b"\n".join([json.dumps(LEAD).encode()] * count)
    for headers in (LINES, LINES | {"Accept": "application/json"}):
        answer = invoke(server, sent, headers | {"Accept-Encoding": coding})
        assert answer.status_code == 200
        told = answer.json() if "Accept" in headers else [json.loads(line) for line in answer.text.splitlines()]
        assert ["score" in one for one in told] == [True] * count
        assert answer.headers.get("content-encoding", "identity") == (coding if count == 500 else "identity")
