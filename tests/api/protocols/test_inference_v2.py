"""The Open Inference Protocol over a socket: JSON and binary tensors, with stock XGBoost to check the numbers."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from factories import LEAD, SMALL, card, lead, model_file, stock_margins
from fuzzing import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from serving import KEY, Server, serving
from wire import wired

pytestmark = pytest.mark.integration
several = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

ROWS: list[list[float | None]] = [list(golden.row) for golden in card().golden]
INFER = "/v2/models/small/infer"
LENGTH = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service that speaks the protocol."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, model_file(folder), ENDPOINT_PROTOCOLS="v2") as running:
        yield running


def matrix(rows: list[list[float | None]] = ROWS, **changed: Any) -> dict[str, Any]:
    """Encoded rows as a JSON tensor."""
    flat = [value for row in rows for value in row]
    return {"name": "rows", "datatype": "FP32", "shape": [len(rows), 7], "data": flat} | changed


def named(*leads: dict[str, Any]) -> list[dict[str, Any]]:
    """Leads as a JSON tensor for each feature."""
    return [
        {
            "name": feature.name,
            "datatype": "BYTES" if feature.kind == "category" else "FP64",
            "shape": [len(leads)],
            "data": [each["features"].get(feature.name) for each in leads],
        }
        for feature in SMALL.features
    ]


def infer(server: Server, inputs: list[dict[str, Any]], path: str = INFER, **beside: Any) -> httpx.Response:
    """One request of JSON tensors."""
    return server.http.post(path, json={"inputs": inputs, **beside})


def outputs(answer: httpx.Response) -> dict[str, Any]:
    """The data of an answer's outputs, by their names."""
    assert answer.status_code == 200, answer.text
    return {output["name"]: output["data"] for output in answer.json()["outputs"]}


def packed(rows: list[list[float | None]]) -> bytes:
    """Rows as little-endian FP32; missing is NaN."""
    flat = [float("nan") if value is None else value for row in rows for value in row]
    return struct.pack(f"<{len(flat)}f", *flat)


def binary(
    server: Server, inputs: list[dict[str, Any]], data: bytes, length: str = "", **beside: Any
) -> httpx.Response:
    """One request with tensors behind its JSON; ``length`` is what it says of the JSON's, where that lies."""
    text = json.dumps({"inputs": inputs, **beside}).encode()
    headers = {LENGTH: length or str(len(text)), "Content-Type": "application/octet-stream"}
    return server.http.post(INFER, content=text + data, headers=headers)


def test_encoded_rows_get_the_margins_of_stock_xgboost_and_the_calibrated_probability(server: Server) -> None:
    """Flat or nested, alike."""
    answer = infer(server, [matrix()], id="question-1")
    said = answer.json()
    assert (said["id"], said["model_name"], said["model_version"]) == ("question-1", "small", "1.2.3")
    margins = stock_margins(ROWS)
    assert outputs(answer)["margin"] == pytest.approx(margins, abs=1e-6)
    assert outputs(answer)["probability"] == pytest.approx(card().calibration.all(margins), abs=1e-6)
    assert outputs(infer(server, [matrix(data=ROWS)])) == outputs(answer)


def test_a_tensor_for_each_feature_is_scored_as_the_api_scores_the_lead(server: Server) -> None:
    """With its tier, its reasons, and a warning for a category that training never saw."""
    leads = [LEAD, lead("lead-2", visits=..., source="fair")]
    found = outputs(
        infer(
            server, named(*leads), outputs=[{"name": name} for name in ("probability", "tier", "reasons", "warnings")]
        )
    )
    for place, each in enumerate(leads):
        said = server.http.post("/api/v1/score", json=each).json()
        assert found["probability"][place] == said["score"]["raw_score"]
        assert found["tier"][place] == said["score"]["tier"]
        assert json.loads(found["reasons"][place]) == said["reasons"]
        assert json.loads(found["warnings"][place]) == said["warnings"]


def test_so_many_reasons_are_given_as_a_parameter_asks_for(server: Server) -> None:
    """Of encoded rows too, with the text of a category."""
    found = outputs(infer(server, [matrix()], parameters={"reasons": 7}))
    assert set(found) == {"probability", "margin", "reasons"}
    reasons = {reason["feature"]: reason["value"] for reason in json.loads(found["reasons"][0])}
    assert reasons.get("source", "event") == "event"
    assert reasons["decision_maker"] == 1.0


def test_binary_tensors_are_read_and_written_as_json_ones(server: Server) -> None:
    """As tritonclient sends them unless told otherwise: all outputs behind the JSON."""
    sent = {"name": "rows", "datatype": "FP32", "shape": [2, 7], "parameters": {"binary_data_size": 56}}
    expected = outputs(infer(server, [matrix()]))
    answer = binary(server, [sent], packed(ROWS), parameters={"binary_data_output": True})
    assert answer.headers["content-type"] == "application/octet-stream"
    length = int(answer.headers[LENGTH])
    said = json.loads(answer.content[:length])
    assert [output["parameters"] for output in said["outputs"]] == [{"binary_data_size": 16}] * 2
    assert "data" not in said["outputs"][0]
    assert list(struct.unpack("<4d", answer.content[length:])) == expected["probability"] + expected["margin"]
    assert outputs(binary(server, [sent], packed(ROWS))) == expected


def test_texts_are_read_and_written_with_their_lengths(server: Server) -> None:
    """One output behind the JSON, the other inside."""
    inputs, data = [], b""
    for tensor in named(LEAD):
        value = tensor["data"][0]
        raw = (
            struct.pack("<d", value) if tensor["datatype"] == "FP64" else struct.pack("<I", len(value)) + value.encode()
        )
        inputs.append(
            {key: tensor[key] for key in ("name", "datatype", "shape")} | {"parameters": {"binary_data_size": len(raw)}}
        )
        data += raw
    wanted = [{"name": "probability"}, {"name": "tier", "parameters": {"binary_data": True}}]
    answer = binary(server, inputs, data, outputs=wanted)
    length = int(answer.headers[LENGTH])
    probability, tier = json.loads(answer.content[:length])["outputs"]
    said = server.http.post("/api/v1/score", json=LEAD).json()["score"]
    assert probability["data"] == [said["raw_score"]]
    assert tier["parameters"] == {"binary_data_size": 5}
    assert answer.content[length:] == b"\x01\x00\x00\x00" + said["tier"].encode()


@pytest.mark.parametrize(
    "datatype", ["INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"]
)
def test_every_type_of_number_is_taken(server: Server, datatype: str) -> None:
    """In JSON and in bytes."""
    kind = dict(
        zip(
            ("INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP16", "FP32", "FP64"),
            "bhiqBHIQefd",
            strict=True,
        )
    )
    row: list[float | None] = [3.0, 2.0, 1.0, 1.0, 2.0, 1.0, 0.0]
    data = struct.pack(
        f"<7{kind[datatype]}", *(float(value or 0) if datatype[0] == "F" else int(value or 0) for value in row)
    )
    sent = {"name": "x", "datatype": datatype, "shape": [1, 7], "parameters": {"binary_data_size": len(data)}}
    expected = pytest.approx(stock_margins([row]), abs=1e-6)
    assert outputs(binary(server, [sent], data))["margin"] == expected
    assert outputs(infer(server, [matrix([row], datatype=datatype)]))["margin"] == expected


def faulty(place: int, **changed: Any) -> list[dict[str, Any]]:
    """Named tensors of which one is otherwise."""
    tensors = named(LEAD)
    tensors[place] = tensors[place] | changed
    return tensors


@pytest.mark.parametrize(
    ("inputs", "beside", "status", "said"),
    [
        ([], {}, 400, "the tensors hold no leads"),
        ([matrix(shape=[2, 6])], {}, 400, "has 14 values, but its shape says [2, 6]"),
        ([matrix(shape=[7, 2])], {}, 400, "shape [leads, 7]"),
        ([matrix(datatype="BF16")], {}, 400, "must be one of BYTES, BOOL"),
        ([matrix(data=["a"] * 14)], {}, 400, "must be numbers"),
        ([matrix(data=[10**400] * 14)], {}, 400, "must be numbers"),
        ([matrix(data=[[1], 2])], {}, 400, "flat, or nested evenly"),
        ([matrix(shape=[-2, -7])], {}, 400, "not readable"),
        ([matrix(shape=[1] * 9)], {}, 400, "not readable"),
        ([matrix(shape=[10**30, 7], data=[])], {}, 400, "has 0 values"),
        ([matrix(shape=[0, 7], data=[])], {}, 400, "there are no rows"),
        ([{"name": "rows", "datatype": "FP32", "shape": [1, 7]}], {}, 400, "either data or the parameter"),
        ([matrix(parameters={"binary_data_size": 4})], {}, 400, "either data or the parameter"),
        ([matrix()], {"outputs": [{"name": "label"}]}, 400, "outputs are probability, margin"),
        ([matrix()], {"outputs": [{"name": "tier"}] * 2}, 400, "once"),
        ([matrix()], {"parameters": {"reasons": -1}}, 400, "reasons must be a whole number"),
        ([matrix()], {"parameters": {"reasons": True}}, 400, "reasons must be a whole number"),
        (faulty(0, name="revenu"), {}, 400, "did you mean 'revenue'?"),
        (named(LEAD) + named(LEAD)[:1], {}, 400, "is repeated"),
        (faulty(1, shape=[2], data=[1, 1]), {}, 400, "one length"),
        (faulty(1, shape=[1, 1, 1]), {}, 400, "of the shape [leads]"),
        (faulty(0, datatype="BYTES", data=["1"]), {}, 400, "must be a number of 0 or more, not of type BYTES"),
        (faulty(4, datatype="FP32", data=[1]), {}, 400, "not of type FP32"),
        (faulty(0, data=[-1]), {}, 422, "lead 1: revenue must be a number of 0 or more"),
        (faulty(0, data=[None]), {}, 422, "lead 1: revenue is required"),
    ],
)
def test_what_cannot_be_answered_is_an_error_of_the_protocol(
    server: Server, inputs: list[dict[str, Any]], beside: dict[str, Any], status: int, said: str
) -> None:
    """One text under one key."""
    answer = infer(server, inputs, **beside)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    assert said in answer.json()["error"]


@pytest.mark.parametrize(
    ("size", "length", "data", "said"),
    [
        (56, "", packed(ROWS)[:-1], "binary bytes, not 55"),
        (56, "", packed(ROWS) + b"x", "after the inputs there are 1 bytes"),
        (52, "", packed(ROWS), "has 13 values"),
        (55, "", packed(ROWS)[:-1], "has 13 values"),
        (-1, "", b"", "whole number of bytes"),
        (1.5, "", b"", "whole number of bytes"),
        (True, "", b"", "whole number of bytes"),
        (56, "999999", packed(ROWS), "must be a whole number of bytes from 0 to"),
        (56, "1" * 5000, packed(ROWS), "must be a whole number of bytes from 0 to"),
        (56, "-1", packed(ROWS), "must be a whole number of bytes"),
        (56, "0x10", packed(ROWS), "must be a whole number of bytes"),
        (56, "0", packed(ROWS), "not readable"),
        (56, "10", packed(ROWS), "not readable"),
    ],
)
def test_a_length_that_lies_is_found_out(server: Server, size: Any, length: str, data: bytes, said: str) -> None:
    """Whether it is the JSON's, or a tensor's."""
    sent = {"name": "rows", "datatype": "FP32", "shape": [2, 7], "parameters": {"binary_data_size": size}}
    answer = binary(server, [sent], data, length)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["error"]


@several
@given(
    datatype=st.sampled_from(["BYTES", "FP32", "BOOL", "INT64", "FP16"]),
    shape=st.lists(st.integers(0, 8), max_size=3),
    size=st.integers(0, 120),
    data=st.binary(max_size=120),
    off=st.integers(-3, 3),
    name=st.sampled_from(["rows", "source", "revenue"]),
)
def test_no_binary_body_breaks_the_service(
    server: Server, datatype: str, shape: list[int], size: int, data: bytes, off: int, name: str
) -> None:
    """Whatever its lengths say, it is answered or refused, by the caller's fault."""
    inputs = [{"name": name, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": size}}]
    length = len(json.dumps({"inputs": inputs})) + off
    assert binary(server, inputs, data, str(length)).status_code in (200, 400, 422)


@several
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["inputs", "outputs", "name", "shape", "data", "datatype", "parameters", "id"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_json_breaks_the_service(server: Server, body: bytes) -> None:
    """It is refused in the protocol's own form."""
    answer = server.http.post(INFER, content=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}


def test_health_needs_no_key_and_the_model_does(server: Server) -> None:
    """As with the API: with the scope that scoring needs."""
    without = httpx.Client(base_url=server.url)
    with without:
        for path in (
            "/v2",
            "/v2/health/live",
            "/v2/health/ready",
            "/v2/models/small/ready",
            "/v2/models/small/versions/1.2.3/ready",
        ):
            assert without.get(path).status_code == 200, path
        for answer in (without.get("/v2/models/small"), without.post(INFER, json={"inputs": [matrix()]})):
            assert (answer.status_code, answer.json()) == (401, {"error": "the X-API-Key header is missing"})
        assert without.post(INFER, json={}, headers={"X-API-Key": "not one"}).status_code == 401


def test_the_model_tells_its_tensors_and_another_one_is_not_found(server: Server) -> None:
    """By its name, and by its version where one is named."""
    said = server.http.get("/v2/models/small/versions/1.2.3").json()
    assert said == server.http.get("/v2/models/small").json()
    assert (said["name"], said["versions"]) == ("small", ["1.2.3"])
    assert [tensor["name"] for tensor in said["inputs"]] == SMALL.names
    assert said["inputs"][4]["datatype"] == "BYTES"
    for path in ("/v2/models/big/infer", "/v2/models/%7Bname%7D/infer", "/v2/models/small/versions/2/infer"):
        answer = infer(server, [matrix()], path)
        assert (answer.status_code, set(answer.json())) == (404, {"error"})
        assert "'small'" in answer.json()["error"] or "'1.2.3'" in answer.json()["error"]
    assert outputs(infer(server, [matrix()], "/v2/models/small/versions/1.2.3/infer"))
    assert server.http.get("/v2/models/big/ready").status_code == 404
    assert server.http.get("/v2").json()["extensions"] == ["binary_tensor_data"]


def test_inferences_are_counted_by_the_route_and_not_by_what_was_sent(server: Server) -> None:
    """A path with braces in it is no route either."""
    with wired(server) as wire:
        wire.send(b"GET /v2/models/{name} HTTP/1.1\r\nhost: x\r\nx-api-key: %s\r\n\r\n" % KEY.encode())
        answer = wire.answer()
        assert answer
        assert answer.status == 404
    infer(server, [matrix()])
    text = server.http.get("/metrics").text
    assert 'http_requests_total{endpoint="/v2/models/{name}/infer",method="POST",status="200"}' in text
    assert "/v2/models/small" not in text


@pytest.mark.parametrize("digits", [309, 400, 5000])
def test_an_integer_that_no_float_holds_is_refused_and_nothing_fails(server: Server, digits: int) -> None:
    """In a tensor of rows and in one of a feature."""
    for inputs in ([matrix()], named(LEAD)):
        text = json.dumps({"inputs": inputs}).replace("0.35", "9" * digits)
        answer = server.http.post(INFER, content=text.encode())
        assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_more_leads_than_a_batch_may_hold_are_refused_before_they_are_read(server: Server) -> None:
    """As tensors of features too."""
    answer = infer(server, [{"name": "growth", "datatype": "FP64", "shape": [1001], "data": [1] * 1001}] * 2)
    assert "at most 1000 leads" in answer.json()["error"]


def test_a_key_pays_for_inferences_from_the_same_limit(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each row is a lead."""
    folder = tmp_path_factory.mktemp("limited")
    with serving(folder, model_file(folder), ENDPOINT_PROTOCOLS="v2", RATE_LIMIT_PER_MINUTE="3") as server:
        assert infer(server, [matrix()]).headers["ratelimit-remaining"] == "1"
        assert server.http.post("/api/v1/score", json=LEAD).headers["ratelimit-remaining"] == "0"
        refused = infer(server, [matrix()])
        assert (refused.status_code, set(refused.json())) == (429, {"error"})
        assert refused.headers["retry-after"]


def test_the_openapi_document_describes_the_routes(server: Server) -> None:
    """With their parameters."""
    document = server.http.get("/openapi.json").json()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert INFER.replace("small", "{name}") in document["paths"]
    assert document["paths"]["/v2/models/{name}/infer"]["post"]["security"] == [{"ApiKey": []}]
