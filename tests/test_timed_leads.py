"""A lead with a date, a text, an e-mail address and a set gets the same answer by every way in, as of the same moment."""

import csv
import io
import json
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from fuzzing import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from project import ROOT
from serving import Server, serving
from timed import AS_OF, FEATURES, TIMED, near_dates, timed_lead, timed_model

from leadscoring.contract.moment import AS_OF_ALLOWED, is_moment
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel

pytestmark = pytest.mark.integration

MODEL = "/v2/models/timed"
LINES = {"Content-Type": "application/x-ndjson"}
SETS = ";".join(FEATURES["interests"])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a model of all kinds with aspects."""
    return timed_model(tmp_path_factory.mktemp("timed"))


@pytest.fixture(scope="module")
def server(path: Path) -> Iterator[Server]:
    """A service of it, with every route."""
    with serving(path.parent, path, ENDPOINT_PROTOCOLS="sagemaker,v2") as running:
        yield running


@pytest.fixture(scope="module")
def lenient(path: Path) -> Iterator[Server]:
    """A service of it that mends leads."""
    with serving(path.parent, path, LENIENT_CLIENTS="on") as running:
        yield running


@pytest.fixture(scope="module")
def model(path: Path) -> LoadedModel:
    """The model in this process."""
    return open_model(path)


def plain(scored: dict[str, Any]) -> dict[str, Any]:
    """An answer without what differs from request to request."""
    return {key: value for key, value in scored.items() if key not in ("request_id", "lead_id")}


def single(server: Server, lead: dict[str, Any]) -> dict[str, Any]:
    """The answer to a lead alone, with all of its reasons."""
    answer = server.http.post("/api/v1/score?reasons=20", json=lead)
    assert answer.status_code == 200, answer.text
    return plain(answer.json())


def tensors(leads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A tensor for each feature of some leads."""
    made = []
    for feature in TIMED.features:
        values = [lead["features"].get(feature.name) for lead in leads]
        data = [";".join(value) if isinstance(value, list) else value for value in values]
        made.append({"name": feature.name, "datatype": feature.form.datatype, "shape": [len(leads)], "data": data})
    return made


def inferred(server: Server, leads: list[dict[str, Any]], **parameters: Any) -> dict[str, Any]:
    """The answer of the Open Inference Protocol to tensors of features."""
    outputs = [{"name": name} for name in ("probability", "margin", "reasons", "warnings")]
    asked = {"inputs": tensors(leads), "outputs": outputs, "parameters": {"reasons": 20, **parameters}}
    answer = server.http.post(f"{MODEL}/infer", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found | {output["name"]: output["data"] for output in found["outputs"]}


def test_the_same_lead_gets_the_same_answer_by_every_way(server: Server, lenient: Server, path: Path) -> None:
    """Single, batch, lines, CSV, lenient, SageMaker, tensors and Azure ML: score, reasons, aspects and warnings, bit by bit."""
    lead = timed_lead(created="2026-03-20", interests=SETS)
    expected = single(server, lead)
    assert expected["as_of"] == AS_OF
    assert [warning["code"] for warning in expected["warnings"]] == ["future_date"]
    assert single(lenient, lead) == expected
    changed = single(lenient, lead | {"features": lead["features"] | {"amount": "1200.5"}})
    assert [warning["code"] for warning in changed.pop("warnings")] == ["future_date", "text_converted"]
    assert changed == {key: value for key, value in expected.items() if key != "warnings"}
    asked = "?reasons=20"
    batch = server.http.post(f"/api/v1/score/batch{asked}", json=[lead, timed_lead(as_of="2027-01-01"), lead]).json()
    assert [plain(batch[0]), plain(batch[2])] == [expected] * 2
    lines = server.http.post(f"/api/v1/score/batch{asked}", content=json.dumps(lead) + "\n", headers=LINES).text
    assert plain(json.loads(lines)) == expected
    table = io.StringIO()
    csv.writer(table).writerows([["lead_id", "as_of", *lead["features"]], ["1", AS_OF, *lead["features"].values()]])
    headers = {"Content-Type": "text/csv"}
    assert (
        plain(server.http.post(f"/api/v1/score/batch{asked}", content=table.getvalue(), headers=headers).json())
        == expected
    )
    custom = {"X-Amzn-SageMaker-Custom-Attributes": "reasons=20"}
    for body in (lead, [lead]):
        found = server.http.post("/invocations", json=body, headers=custom).json()
        assert plain(found[0] if isinstance(found, list) else found) == expected
    headers = custom | {"Content-Type": "application/jsonlines"}
    assert plain(server.http.post("/invocations", content=json.dumps(lead), headers=headers).json()) == expected
    by_tensors = inferred(server, [lead], as_of=AS_OF)
    assert by_tensors["parameters"] == {"as_of": AS_OF}
    assert by_tensors["probability"] == [expected["score"]["raw_score"]]
    assert json.loads(by_tensors["reasons"][0]) == expected["reasons"]
    assert json.loads(by_tensors["warnings"][0]) == expected["warnings"]
    assert by_azure(path, lead)["score"] == expected["score"]
    assert by_azure(path, lead)["reasons"] == expected["reasons"][:5]


def by_azure(path: Path, lead: dict[str, Any]) -> dict[str, Any]:
    """The answer of Azure ML's scoring script."""
    spec = spec_from_file_location("score", ROOT / "infra" / "endpoints" / "azure_ml" / "score.py")
    assert spec
    assert spec.loader
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    (answer,) = script.Endpoint(open_model(path)).answer(json.dumps({"leads": [lead]}))["leads"]
    return plain(answer)


def test_a_list_is_the_set_that_its_text_is(server: Server) -> None:
    """And the reason has the value as it was sent."""
    listed, written = single(server, timed_lead()), single(server, timed_lead(interests=SETS))
    assert listed["score"] == written["score"]
    values = [{each["feature"]: each["value"] for each in found["reasons"]}["interests"] for found in (listed, written)]
    assert values == [FEATURES["interests"], SETS]


def test_rows_that_are_encoded_need_no_moment(server: Server, model: LoadedModel) -> None:
    """They hold the ages; the margin is that of the lead."""
    lead, rows = model.decoder.one(json.dumps(timed_lead()).encode())
    row, (margin,) = rows.row(0), model.trees.predict(rows)
    assert lead.as_of is not None
    text = ",".join("" if value is None else repr(value) for value in row)
    headers = {"Content-Type": "text/csv", "Accept": "application/json"}
    assert server.http.post("/invocations", content=text, headers=headers).json()["margins"] == [margin]
    tensor = {"name": "rows", "datatype": "FP64", "shape": [1, len(row)], "data": row}
    found = server.http.post(f"{MODEL}/infer", json={"inputs": [tensor]}).json()
    assert "parameters" not in found
    assert found["outputs"][1]["data"] == [margin]
    assert inferred(server, [timed_lead()], as_of=AS_OF)["margin"] == [margin]


def test_a_batch_of_encoded_rows_may_have_every_column(path: Path, model: LoadedModel) -> None:
    """As many rows as leads are allowed, however many columns the features make."""
    _, rows = model.decoder.one(json.dumps(timed_lead()).encode())
    with serving(path.parent, path, ENDPOINT_PROTOCOLS="v2", MAX_BATCH_SIZE="500") as limited:
        found = []
        for count in (500, 501):
            shape, data = [count, len(TIMED.columns)], rows.row(0) * count
            tensor = {"name": "rows", "datatype": "FP64", "shape": shape, "data": data}
            found.append(limited.http.post(f"{MODEL}/infer", json={"inputs": [tensor]}))
    assert found[0].status_code == 200, found[0].text
    assert found[0].json()["outputs"][1]["data"] == list(model.trees.predict(rows)) * 500
    assert (found[1].status_code, "at most 500 leads" in found[1].text) == (400, True)


def test_a_request_has_one_moment_however_long_it_takes(server: Server) -> None:
    """Single leads get that of their own request."""
    leads = [timed_lead(str(place), as_of=...) for place in range(600)]
    moments = {answer["as_of"] for answer in server.http.post("/api/v1/score/batch", json=leads).json()}
    assert len(moments) == 1
    assert is_moment(*moments)
    body = "".join(json.dumps(lead) + "\n" for lead in leads)
    answers = server.http.post("/api/v1/score/batch", content=body, headers=LINES).text.splitlines()
    assert len({json.loads(answer)["as_of"] for answer in answers}) == 1
    found = inferred(server, leads[:3])
    assert set(found["parameters"]) == {"as_of"}
    again = inferred(server, leads[:3], as_of=found["parameters"]["as_of"])
    assert again["margin"] == found["margin"]


def test_an_answer_of_csv_has_the_moment_and_the_aspects(server: Server) -> None:
    """In columns of their own; an error has them empty."""
    body = "".join(json.dumps(lead) + "\n" for lead in (timed_lead(), timed_lead(created="soon")))
    headers = LINES | {"Accept": "text/csv"}
    text = server.http.post("/api/v1/score/batch?reasons=1", content=body, headers=headers).text
    good, bad = csv.DictReader(io.StringIO(text))
    (reason,) = single(server, timed_lead())["reasons"][:1]
    assert (good["as_of"], good["reason_1"], good["aspect_1"]) == (AS_OF, reason["feature"], reason["aspect"])
    assert (bad["as_of"], bad["reason_1"], bad["aspect_1"], bad["error_code"]) == ("", "", "", "invalid_lead")
    assert None not in good


@pytest.mark.parametrize("as_of", ["soon", 5, True, [], "2026-02-30", "2026-01-31T25:00"])
def test_a_moment_that_is_none_is_refused_by_every_way(server: Server, as_of: Any) -> None:
    """In the words of the API: where, what was sent, and what is allowed."""
    lead = timed_lead(as_of=as_of)
    alone = server.http.post("/api/v1/score", json=lead)
    assert alone.status_code == 422
    (fault,) = alone.json()["errors"]
    assert (fault["path"], fault["allowed"]) == ("/as_of", AS_OF_ALLOWED)
    assert fault["value"] == ("an array" if as_of == [] else as_of)
    sound, refused = server.http.post("/api/v1/score/batch", json=[timed_lead(), lead]).json()
    assert sound["as_of"] == AS_OF
    assert refused["error"]["errors"] == [fault]
    (line,) = server.http.post("/api/v1/score/batch", content=json.dumps(lead), headers=LINES).text.splitlines()
    assert json.loads(line)["error"]["errors"] == [fault | {"message": f"line 1: {fault['message']}"}]
    assert server.http.post("/invocations", json=lead).json()["errors"] == [fault]
    asked = {"inputs": tensors([timed_lead()]), "parameters": {"as_of": as_of}}
    by_tensors = server.http.post(f"{MODEL}/infer", json=asked)
    assert by_tensors.status_code == 400
    assert by_tensors.json()["error"].startswith(f"the parameter as_of must be {AS_OF_ALLOWED}, not ")


@given(near_dates(), near_dates(), st.lists(st.text(max_size=5), max_size=4), st.text(max_size=30))
@settings(max_examples=examples(60), deadline=None)
def test_any_lead_is_scored_or_refused_alike_alone_and_in_a_batch(
    server: Server, as_of: str, created: str, interests: list[str], title: str
) -> None:
    """Whatever texts stand in it; the answer is the same."""
    lead = timed_lead(as_of=as_of, created=created, interests=interests, title=title, email=title)
    alone = server.http.post("/api/v1/score", json=lead)
    (place,) = server.http.post("/api/v1/score/batch", json=[lead]).json()
    assert alone.status_code in (200, 422)
    if alone.status_code == 200:
        assert plain(alone.json()) == plain(place)
        again = server.http.post("/api/v1/score", json=lead | {"as_of": place["as_of"]})
        assert plain(again.json()) == plain(place)
    else:
        assert alone.json()["errors"] == place["error"]["errors"]


def test_what_is_told_of_the_model_names_kinds_and_columns(server: Server) -> None:
    """The list of features, its description, the page and the OpenAPI document."""
    listed = {feature["name"]: feature for feature in server.http.get("/api/v1/model/features").json()["features"]}
    assert [listed[name]["kind"] for name in FEATURES] == ["number", "date", "date", "text", "email", "set", "category"]
    assert listed["created"]["columns"] == ["created age", "created weekday", "created hour"]
    assert listed["interests"]["allowed"] == "a list of at most 1,000 texts, or text with ; between the values"
    about = server.http.get("/api/v1/model/info").json()
    assert (about["n_features"], about["n_columns"], about["timed"]) == (7, len(TIMED.columns), True)
    document = server.http.get("/openapi.json").json()
    lead = document["components"]["schemas"]["Lead"]
    assert lead["properties"]["as_of"]["type"] == ["string", "null"]
    assert lead["required"] == ["lead_id", "features"]
    (example,) = lead["examples"]
    assert server.http.post("/api/v1/score", json=example).status_code == 200
    lines = document["paths"]["/api/v1/score/batch"]["post"]["requestBody"]["content"]
    for kind in ("application/x-ndjson", "text/csv"):
        answer = server.http.post("/api/v1/score/batch", content=lines[kind]["example"], headers={"Content-Type": kind})
        assert "error" not in json.loads(answer.text.splitlines()[0])
    assert "created" in server.http.get("/docs").text
    inputs = {each["name"]: each["datatype"] for each in server.http.get(MODEL).json()["inputs"]}
    assert set(inputs.values()) == {"BYTES", "FP64"}
    assert [name for name, kind in inputs.items() if kind == "FP64"] == ["amount"]
