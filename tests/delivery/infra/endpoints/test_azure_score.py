"""The scoring script of Azure ML, called as Azure's server calls it: ``init`` once, ``run`` for each body."""

import json
import math
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from factories import LEAD, SMALL, bare_model_file, booster, card, lead, model_file, stock_margins
from hypothesis import given, settings
from hypothesis import strategies as st
from project import ROOT
from timed import AS_OF, timed_lead, timed_model

from leadscoring.errors import GoldenRowMismatch, InvalidRows, MalformedJson, ModelNotFound, RequestError
from leadscoring.model.card import GoldenRow

SCRIPT = ROOT / "infra" / "endpoints" / "azure_ml" / "score.py"
ROWS = [list(golden.row) for golden in card().golden]


def script() -> ModuleType:
    """The script, as Azure imports it: by its path."""
    spec = spec_from_file_location("score", SCRIPT)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The script with the small model, in a nested folder as Azure mounts it."""
    folder = tmp_path_factory.mktemp("models")
    nested = folder / "lead-scoring" / "1"
    nested.mkdir(parents=True)
    model_file(nested)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZUREML_MODEL_DIR", str(folder))
        module = script()
        module.init()
    return module


def ran(deployed: ModuleType, body: Any) -> Any:
    """The answer to a body, as Azure's server writes it: what is no JSON would fail here."""
    return json.loads(json.dumps(deployed.run(json.dumps(body)), allow_nan=False))


def test_rows_get_the_margins_of_stock_xgboost_and_their_logistic_function(deployed: ModuleType) -> None:
    """Not the calibrated probability: the service that calls calibrates."""
    answer = ran(deployed, {"data": ROWS})
    expected = stock_margins(ROWS)
    assert answer["margins"] == pytest.approx(expected, abs=1e-6)
    assert answer["predictions"] == pytest.approx([1 / (1 + math.exp(-margin)) for margin in expected], abs=1e-6)


def test_named_columns_may_come_in_any_order(deployed: ModuleType) -> None:
    """Each of the contract's, once."""
    columns = list(reversed(SMALL.names))
    frame = {"columns": columns, "index": [0, 1], "data": [list(reversed(row)) for row in ROWS]}
    assert ran(deployed, {"input_data": frame}) == ran(deployed, {"data": ROWS})


def test_leads_get_calibrated_scores_and_reasons_and_an_invalid_one_takes_none_down(deployed: ModuleType) -> None:
    """As the batch route answers."""
    first, second = ran(deployed, {"leads": [LEAD, lead("lead-2", visits=-1)]})["leads"]
    assert first["lead_id"] == "lead-1"
    assert first["score"]["raw_score"] == pytest.approx(
        card().calibration.probability(stock_margins(ROWS)[0]), abs=1e-6
    )
    assert len(first["reasons"]) == 5
    assert (second["lead_id"], second["error"]["code"]) == ("lead-2", "invalid_lead")


def test_leads_of_a_model_with_dates_have_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own, or that of the request, which is one; an invalid moment is refused at its place."""
    timed_model(tmp_path, "model.json")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    module = script()
    module.init()
    sent = [timed_lead("a"), timed_lead("b", as_of=...), timed_lead("c", as_of=...), timed_lead("d", as_of="soon")]
    own, first, second, refused = ran(module, {"leads": sent})["leads"]
    assert own["as_of"] == AS_OF
    assert first["as_of"] == second["as_of"] > AS_OF
    assert refused["error"]["errors"][0]["path"] == "/as_of"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"data": [[1, 2]]}, "row 1 has 2 values; the model takes 7 columns"),
        ({"data": []}, "there are no rows"),
        ({"data": [ROWS[0], ["secret", *ROWS[0][1:]]]}, "not one that this endpoint accepts"),
        ({"data": [[*ROWS[0][:6], 1e39]]}, "row 1, column 'open_rate' must be a number within float32"),
        ({"data": [[*ROWS[0][:4], 77, *ROWS[0][5:]]]}, "row 1, column 'source' must be a code from 0 to 3"),
        ({"data": ROWS, "leads": []}, "one of data, input_data and leads, not 2"),
        ({}, "not 0 of them"),
        ({"rows": ROWS}, "unknown field"),
        ({"leads": {"lead_id": "secret"}}, "leads must be an array"),
        ({"input_data": {"columns": SMALL.names[:6], "data": [[1] * 6]}}, "missing are ['open_rate']"),
        ({"input_data": {"columns": SMALL.names, "data": [[1]]}}, "row 1 has 1 values"),
    ],
)
def test_a_body_that_cannot_be_answered_raises_and_says_why_without_its_values(
    deployed: ModuleType, body: Any, said: str
) -> None:
    """Azure's server writes the message to its log, which must hold nothing of a lead."""
    with pytest.raises(RequestError) as refusal:
        deployed.run(json.dumps(body))
    assert said in str(refusal.value)
    for value in ("secret", "1e+39", "77"):
        assert value not in str(refusal.value)


@settings(max_examples=200, deadline=None)
@given(
    body=st.binary()
    | st.text()
    | st.recursive(
        st.none() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["data", "leads", "input_data", "columns"]), inner)
        ),
    ).map(json.dumps)
)
def test_whatever_is_sent_raises_one_of_our_errors_or_is_answered(deployed: ModuleType, body: Any) -> None:
    """Never another error, which would tell its reader nothing."""
    try:
        answer = deployed.run(body)
    except (InvalidRows, MalformedJson):
        return
    assert set(answer) in ({"predictions", "margins"}, {"leads"})


def test_a_model_that_does_not_score_as_certified_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loudly: Azure then fails the deployment."""
    golden = (GoldenRow(tuple(ROWS[0]), 3.0),)
    model_file(tmp_path, card(golden=golden))
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    with pytest.raises(GoldenRowMismatch):
        script().init()


def test_there_must_be_one_model_and_azure_must_say_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None and two are refused alike: which one was meant cannot be known."""
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)
    with pytest.raises(ModelNotFound, match="AZUREML_MODEL_DIR is not set"):
        script().init()
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    bare_model_file(tmp_path)
    with pytest.raises(ModelNotFound, match="has none of them"):
        script().init()
    model_file(tmp_path)
    (tmp_path / "2").mkdir()
    model_file(tmp_path / "2")
    with pytest.raises(ModelNotFound, match=r"2/model.json, model.json"):
        script().init()


def test_a_deployment_says_of_its_model_what_the_service_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same variables, so that both score with the same rounds."""
    native = booster().copy()
    native.set_attr(best_iteration="4")
    native.save_model(tmp_path / "model.json")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    monkeypatch.setenv("MODEL_ROUNDS", "best")
    score = script()
    score.init()
    margins = score.run(json.dumps({"data": [ROWS[0]]}))["margins"]
    monkeypatch.setenv("MODEL_ROUNDS", "all")
    score.init()
    assert score.run(json.dumps({"data": [ROWS[0]]}))["margins"] == stock_margins([ROWS[0]])
    assert margins == stock_margins([ROWS[0]], native[:5])
