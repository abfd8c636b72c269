"""Scoring over HTTP: a real process, a real socket, and stock XGBoost to check the numbers."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from factories import LEAD, SMALL, body, card, lead, model_file, stock_margins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import KEY, Server, serving

pytestmark = pytest.mark.integration
several = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SEND = {"Content-Type": "application/json", "X-API-Key": KEY}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One service for this file."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder)) as running:
        yield running


def score(server: Server, sent: Any, query: str = "") -> Any:
    """The answer for one lead, which must be one."""
    answer = server.http.post("/api/v1/score" + query, json=sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


def values() -> st.SearchStrategy[dict[str, Any]]:
    """The features of sound leads."""
    return st.fixed_dictionaries(
        {
            "revenue": st.floats(0, 1e9),
            "decision_maker": st.sampled_from([0, 1, True, False]),
            "region / city (ü)": st.sampled_from(["north", "south", "west"]),
        },
        optional={
            "visits": st.none() | st.integers(0, 1000),
            "growth": st.none() | st.floats(-1, 5),
            "source": st.none() | st.sampled_from(["web", "event", "partner", "unknown", "fair"]),
            "open_rate": st.none() | st.floats(0, 1),
        },
    )


def encoded(features: dict[str, Any]) -> list[float | None]:
    """The row of a lead, by the words of the contract and none of our code."""
    row: list[float | None] = []
    for feature in SMALL.features:
        value = features.get(feature.name)
        if feature.kind == "category" and value is not None:
            known = feature.values.index(value) if value in feature.values else None
            rare = len(feature.values) if feature.other and value not in feature.missing else None
            value = known if known is not None else rare
        row.append(None if value is None else float(value))
    return row


@several
@given(features=values())
def test_a_score_is_stock_xgboost_plus_the_cards_calibration(server: Server, features: dict[str, Any]) -> None:
    """Nothing of the answer is our own invention."""
    answer = score(server, {"lead_id": "a", "features": features}, "?reasons=100&include_details=true")
    (margin,) = stock_margins([encoded(features)])
    table = card().calibration
    assert answer["explanation"]["margin"] == pytest.approx(margin, abs=1e-5)
    assert answer["score"]["raw_score"] == pytest.approx(
        np.interp(margin, table.margins, table.probabilities), abs=1e-6
    )
    assert answer["score"]["percentile"] == pytest.approx(100 * answer["score"]["raw_score"], abs=0.01)


@several
@given(features=values())
def test_contributions_add_up_to_the_margin(server: Server, features: dict[str, Any]) -> None:
    """Base value plus every reason is the margin; with fewer reasons the remainder closes the sum."""
    sent = {"lead_id": "a", "features": features}
    for count in (100, 2, 0):
        answer = score(server, sent, f"?reasons={count}&include_details=true")
        said = answer["explanation"]
        total = said["base_value"] + sum(reason["contribution"] for reason in answer["reasons"])
        assert total + said["remainder"] == pytest.approx(said["margin"], abs=1e-12)
        if count == 100:
            assert said["remainder"] == pytest.approx(0, abs=1e-5)


@several
@given(leads=st.lists(values(), min_size=1, max_size=8))
def test_single_and_batch_agree_bit_for_bit(server: Server, leads: list[dict[str, Any]]) -> None:
    """How leads are sent together changes nothing."""
    sent = [{"lead_id": str(place), "features": features} for place, features in enumerate(leads)]
    batch = server.http.post("/api/v1/score/batch", json=sent).json()
    for one, answer in zip(sent, batch, strict=True):
        alone = score(server, one)
        assert {**alone, "request_id": ""} == {**answer, "request_id": ""}


def test_an_answer_has_the_shape_that_clients_read(server: Server) -> None:
    """The facts of the wire."""
    answer = score(server, LEAD)
    assert answer["model"] == {"name": "small", "version": "1.2.3"}
    assert answer["lead_id"] == "lead-1"
    assert answer["request_id"]
    assert set(answer["score"]) == {"raw_score", "bucket", "tier", "percentile"}
    assert "ABCDE"[5 - answer["score"]["bucket"]] == answer["score"]["tier"]
    assert len(answer["reasons"]) == 5
    assert answer["warnings"] == []
    assert not {"timing", "api_version", "explanation"} & set(answer)


def test_details_are_given_when_asked_for(server: Server) -> None:
    """What the tiers mean, how the reasons add up, and the time taken."""
    answer = score(server, LEAD, "?include_details=true")
    assert list(answer["score"]["ranking"]["tier_definition"]) == list("ABCDE")
    assert answer["timing"]["latency_ms"] > 0
    assert answer["api_version"] == "v1"


def test_the_stages_of_a_detailed_answer_are_told_to_the_browser(server: Server) -> None:
    """Each with its milliseconds."""
    sent = server.http.post("/api/v1/score?include_details=true", json=LEAD)
    stages = dict(part.split(";dur=") for part in sent.headers["server-timing"].split(", "))
    assert list(stages) == ["decode", "predict", "explain", "encode"]
    assert all(float(took) >= 0 for took in stages.values())
    assert "server-timing" not in server.http.post("/api/v1/score", json=LEAD).headers


def test_an_invalid_lead_does_not_take_the_batch_down(server: Server) -> None:
    """Its place holds its id and the error; the rest are scored; the order is kept."""
    sent = [lead("a"), lead("b", visits=-1), "nonsense", lead("d")]
    answers = server.http.post("/api/v1/score/batch", json=sent).json()
    assert [answer["lead_id"] for answer in answers] == ["a", "b", None, "d"]
    assert [set(answer) >= {"score"} for answer in answers] == [True, False, False, True]
    assert answers[1]["error"]["code"] == "invalid_lead"
    assert answers[1]["error"]["errors"][0]["path"] == "/features/visits"


LONG_INTEGERS = [b"9" * digits for digits in (308, 309, 310, 400, 401)]


@pytest.mark.parametrize("number", LONG_INTEGERS, ids=len)
def test_an_integer_that_no_float_holds_is_a_fault_of_its_lead(server: Server, number: bytes) -> None:
    """Alone and in a batch, of which it takes nothing else down."""
    sent = body(LEAD).replace(b"0.35", number)
    answer = server.http.post("/api/v1/score", content=sent, headers=SEND)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/features/growth")
    answers = server.http.post("/api/v1/score/batch", content=b"[%b,%b]" % (body(LEAD), sent), headers=SEND).json()
    assert "score" in answers[0]
    assert answers[1]["error"]["code"] == "invalid_lead"


def test_a_whole_number_is_an_id_and_is_answered_as_text(server: Server) -> None:
    """As CRMs have them: the number and its digits are one lead."""
    sent = LEAD | {"lead_id": 12345}
    assert score(server, sent)["lead_id"] == "12345"
    answers = server.http.post("/api/v1/score/batch", json=[sent, LEAD, sent | {"features": {}}]).json()
    assert [answer["lead_id"] for answer in answers] == ["12345", "lead-1", "12345"]
    for wrong in (2**53, -1, 1.5, True):
        answer = server.http.post("/api/v1/score", json=LEAD | {"lead_id": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "/lead_id")


def test_faults_that_are_not_told_are_counted(server: Server) -> None:
    """Of a lead after a hundred, of a batch after some hundreds: its answer stays short."""
    sent = lead("a", **{f"x{place}": 1 for place in range(150)})
    alone = server.http.post("/api/v1/score", json=sent).json()
    assert (len(alone["errors"]), alone["more_errors"]) == (100, 50)
    answer = server.http.post("/api/v1/score/batch", json=[sent] * 1000)
    assert len(answer.content) < 1_000_000
    last = answer.json()[-1]["error"]
    assert (len(last["errors"]), last["more_errors"]) == (1, 149)


def test_a_batch_over_the_limit_names_the_limit(server: Server) -> None:
    """400, as clients expect."""
    answer = server.http.post("/api/v1/score/batch", json=[lead()] * 1001)
    assert answer.status_code == 400
    assert "1000" in answer.json()["detail"]
    assert server.http.post("/api/v1/score/batch", json=[lead()] * 1000).status_code == 200
    assert server.http.post("/api/v1/score/batch", content=b"[]", headers=SEND).json() == []


BROKEN = {
    "not JSON": (b"nonsense", 400),
    "empty": (b"", 400),
    "cut": (body(LEAD)[:-1], 400),
    "not UTF-8": (b'{"lead_id": "\xff"}', 400),
    "deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "deep feature": (body(LEAD).replace(b"0.35", b"[" * 5000 + b"]" * 5000), 400),
    "wrong type": (body(lead(revenue="lots")), 422),
    "missing": (body(lead(revenue=...)), 422),
    "out of range": (body(lead(open_rate=1.5)), 422),
    "unknown": (body(lead(revenu=1)), 422),
    "NaN": (body(lead(growth=float("nan"))), 422),
    "infinity": (body(lead(growth=float("inf"))), 422),
    "1e400": (body(LEAD).replace(b"0.35", b"1e400"), 422),
    "huge integer": (body(LEAD).replace(b"0.35", b"9" * 5000), 422),
    "duplicate key": (body(LEAD).replace(b'"growth": 0.35', b'"growth": 0.35, "growth": 0.36'), 422),
    "array": (b"[]", 422),
    "number": (b"5", 422),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_body_gets_a_clear_error(server: Server, name: str) -> None:
    """Never a 500, never a score; always the same shape."""
    sent, status = BROKEN[name]
    answer = server.http.post("/api/v1/score", content=sent, headers=SEND)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    if status == 422:
        assert all({"path", "message", "value", "allowed"} <= set(fault) for fault in problem["errors"])


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "multipart/form-data"]
)
def test_a_body_of_another_kind_is_refused(server: Server, kind: str) -> None:
    """Even when it happens to be JSON."""
    answer = server.http.post("/api/v1/score", content=body(LEAD), headers=SEND | {"Content-Type": kind})
    assert answer.status_code == 415
    assert kind in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.lead+json"])
def test_every_way_to_say_json_is_taken(server: Server, kind: str) -> None:
    """Parameters, case and suffixes."""
    assert (
        server.http.post("/api/v1/score", content=body(LEAD), headers=SEND | {"Content-Type": kind}).status_code == 200
    )


def exchange(server: Server, sent: bytes) -> bytes:
    """What the server says to raw bytes, up to the end of the head of its answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(sent)
        said = b""
        while b"\r\n\r\n" not in said and (part := connection.recv(65536)):
            said += part
    return said


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Server) -> None:
    """By its announced length, with nothing of it sent; and by what arrives, where no length is announced."""
    head = f"POST /api/v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-API-Key: {KEY}\r\n"
    assert b" 413 " in exchange(server, f"{head}Content-Length: 99999999\r\n\r\n".encode())
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert b" 413 " in exchange(server, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 6)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?reasons=-1", "reasons"),
        ("?reasons=x", "reasons"),
        ("?reasons=1&reasons=2", "reasons"),
        ("?reasons=99999", "reasons"),
        ("?reasons=", "reasons"),
        ("?include_details=maybe", "include_details"),
    ],
)
def test_a_query_parameter_that_is_not_allowed_is_refused(server: Server, query: str, name: str) -> None:
    """Rather than ignored."""
    answer = server.http.post("/api/v1/score" + query, json=LEAD)
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_parameter"
    assert answer.json()["detail"].startswith(name)


@pytest.mark.parametrize("path", ["/api/v1/score", "/api/v1/score/batch"])
def test_a_query_parameter_that_is_not_known_is_refused_with_a_guess(server: Server, path: str) -> None:
    """A misspelt one would otherwise do nothing, and nobody would notice."""
    sent = LEAD if path.endswith("score") else [LEAD]
    for query, hint in (
        ("reason=3", "; did you mean 'reasons'?"),
        ("Reasons=3", "; did you mean 'reasons'?"),
        ("x", ""),
    ):
        answer = server.http.post(f"{path}?{query}", json=sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
        detail = answer.json()["detail"]
        assert f"{query.partition('=')[0]!r}{hint} (" in detail
        assert all(name in detail for name in ("reasons", "include_details"))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/score",
        "/api/v1/score/batch",
        "/api/v1/model/info",
        "/api/v1/model/features",
        "/api/v1/model/importance",
        "/api/v1/model/drift",
    ],
)
def test_a_key_is_needed_and_must_be_known(server: Server, path: str) -> None:
    """401 tells which of the two."""
    method = "POST" if "score" in path else "GET"
    for key, code in ((None, "key_missing"), (b"wrong", "key_unknown"), ("ключ".encode(), "key_unknown")):
        headers = [(b"X-API-Key", key)] if key else []
        said = httpx.request(method, server.url + path, json=LEAD, headers=headers)
        assert (said.status_code, said.json()["code"]) == (401, code)
        assert "www-authenticate" in said.headers
