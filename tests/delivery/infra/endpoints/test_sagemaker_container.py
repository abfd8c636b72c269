"""Our service as the container of a SageMaker endpoint, called through the front door by the real AWS SDK."""

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import factories
import httpx
import pytest
from botocore.config import Config
from endpoint_double import ENDPOINT, doubling
from endpoint_replies import forwarded_to
from serving import Server, free_port, serving
from signature import ACCESS_KEY, REGION, SECRET_KEY

pytestmark = pytest.mark.integration

LEADS = [factories.lead("a"), factories.lead("b", growth=..., source="elsewhere", visits=None)]
CSV = b"1000000,3,0.35,1,1,1,0.4\n1000000,,,1,3,1,0.4"
ROWS: list[list[float | None]] = [[1e6, 3, 0.35, 1, 1, 1, 0.4], [1e6, None, None, 1, 3, 1, 0.4]]


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service as SageMaker starts it: told its port, and by that who starts it."""
    folder = tmp_path_factory.mktemp("container")
    port = str(free_port())
    with serving(folder, factories.model_file(folder), PORT=port, SAGEMAKER_BIND_TO_PORT=port) as server:
        yield server


@pytest.fixture(scope="module")
def client(container: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The SDK's client of an endpoint with that container."""
    with doubling(factories.model_file(tmp_path_factory.mktemp("behind"))) as double:
        double.normally = forwarded_to(f"{container.url}/invocations")
        yield botocore.session.Session().create_client(
            "sagemaker-runtime",
            region_name=REGION,
            endpoint_url=double.sagemaker_url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"total_max_attempts": 1}),
        )


def invoke(client: Any, body: bytes, content_type: str, **more: str) -> str:
    """What the endpoint answers."""
    answer = client.invoke_endpoint(EndpointName=ENDPOINT, Body=body, ContentType=content_type, **more)
    text: str = answer["Body"].read().decode()
    return text


def test_the_container_tells_sagemaker_that_it_is_ready_and_what_it_takes(container: Server) -> None:
    """Without a key, as SageMaker asks."""
    assert httpx.get(f"{container.url}/ping", trust_env=False).status_code == 200
    told = httpx.get(f"{container.url}/execution-parameters", trust_env=False).json()
    assert told == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(CSV, "text/csv"), (json.dumps({"instances": ROWS}).encode(), "application/json")],
)
def test_rows_get_the_probabilities_of_stock_xgboost(client: Any, body: bytes, content_type: str) -> None:
    """In either form, and answered in the same."""
    expected = [1 / (1 + 2.718281828459045**-margin) for margin in factories.stock_margins(ROWS)]
    answer = invoke(client, body, content_type)
    if content_type == "text/csv":
        scores = [float(line) for line in answer.split()]
    else:
        scores = [row["score"] for row in json.loads(answer)["predictions"]]
    assert scores == pytest.approx(expected, abs=1e-6)


def test_leads_get_the_answer_of_the_api_with_their_reasons(client: Any, container: Server) -> None:
    """A lead through SageMaker has the same score, the same reasons and the same warnings."""
    through = json.loads(invoke(client, json.dumps(LEADS).encode(), "application/json"))
    straight = container.http.post("/api/v1/score/batch", json=LEADS).json()
    for there, here in zip(through, straight, strict=True):
        assert there["reasons"]
        assert {key: there[key] for key in ("score", "reasons", "warnings")} == {
            key: here[key] for key in ("score", "reasons", "warnings")
        }


def test_custom_attributes_choose_how_many_reasons(client: Any) -> None:
    """The one header that SageMaker passes on may say what is in the query elsewhere."""
    body = json.dumps(LEADS[0]).encode()
    answer = invoke(client, body, "application/json", CustomAttributes="reasons=2")
    assert len(json.loads(answer)["reasons"]) == 2


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"1,2,3", "text/csv", 400), (b"<xml/>", "text/xml", 415), (b"{}", "application/json", 422)],
)
def test_what_the_container_refuses_is_a_model_error(client: Any, body: bytes, content_type: str, status: int) -> None:
    """The SDK tells the caller the container's own status and words."""
    with pytest.raises(client.exceptions.ModelError) as raised:
        invoke(client, body, content_type)
    assert raised.value.response["OriginalStatusCode"] == status
    assert json.loads(raised.value.response["OriginalMessage"])["status"] == status
