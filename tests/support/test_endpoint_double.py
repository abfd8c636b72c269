"""The doubled endpoints speak what the real AWS SDK understands, and really check who calls."""

import json
import math
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import endpoint_replies as replies
import factories
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError, ResponseStreamingError
from endpoint_double import API_KEY, ENDPOINT, Double, doubling
from serving import eventually
from signature import ACCESS_KEY, REGION, SECRET_KEY

ROWS: list[list[float | None]] = [[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4], [0.0, None, None, 0.0, None, 0.0, None]]
CSV = b"1000000.0,3,0.35,1,1,1,0.4\n0,,,0,,0,\n"
EXPECTED = [1 / (1 + math.exp(-margin)) for margin in factories.stock_margins(ROWS)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Double]:
    """One double for all tests here."""
    with doubling(factories.model_file(tmp_path_factory.mktemp("double"))) as double:
        yield double


@pytest.fixture
def double(opened: Double) -> Double:
    """The double, with nothing remembered."""
    opened.forget()
    return opened


@cache
def session() -> Any:
    """One session: it reads the descriptions of the services once."""
    return botocore.session.Session()


def sdk(double: Double, secret: str = SECRET_KEY, region: str = REGION, read_timeout: float = 20) -> Any:
    """A client of the real SDK that tries once."""
    config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout)
    return session().create_client(
        "sagemaker-runtime",
        region_name=region,
        endpoint_url=double.sagemaker_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=secret,
        config=config,
    )


def invoke(client: Any, body: bytes = CSV, accept: str = "text/csv", **changed: str) -> bytes:
    """Calls the endpoint through the SDK and reads the whole answer."""
    asked = {"EndpointName": ENDPOINT, "ContentType": "text/csv", "Accept": accept} | changed
    answer: bytes = client.invoke_endpoint(Body=body, **asked)["Body"].read()
    return answer


def post(double: Double, value: Any, **headers: str) -> httpx.Response:
    """Calls the Azure endpoint as anyone would."""
    sent = {"Authorization": f"Bearer {API_KEY}"} | headers
    return httpx.post(double.azure_url, json=value, headers=sent, timeout=20, trust_env=False)


def test_the_sdk_gets_stock_scores_as_lines(double: Double) -> None:
    """A signed call is taken, and each row has the probability that stock XGBoost gives it."""
    lines = invoke(sdk(double)).decode()
    assert lines.endswith("\n")
    assert [float(line) for line in lines.split()] == pytest.approx(EXPECTED, abs=1e-6)
    assert double.refusals == []
    assert double.attempts == 1


def test_the_sdk_gets_stock_scores_as_json(double: Double) -> None:
    """``Accept`` chooses the shape of the answer."""
    answer = json.loads(invoke(sdk(double), accept="application/json"))
    assert [row["score"] for row in answer["predictions"]] == pytest.approx(EXPECTED, abs=1e-6)


def test_a_multi_model_endpoint_joins_with_commas(double: Double) -> None:
    """The other form of CSV has one line."""
    double.script(replies.shaped_as("comma"))
    assert [float(cell) for cell in invoke(sdk(double)).decode().split(",")] == pytest.approx(EXPECTED, abs=1e-6)


@pytest.mark.parametrize(("secret", "region"), [("another", REGION), (SECRET_KEY, "us-east-1")])
def test_a_signature_of_another_secret_or_region_is_refused(double: Double, secret: str, region: str) -> None:
    """The signature is computed again, not only looked for."""
    with pytest.raises(ClientError, match="InvalidSignatureException"):
        invoke(sdk(double, secret, region))
    assert len(double.refusals) == 1


def test_a_body_that_was_changed_after_signing_is_refused(double: Double) -> None:
    """The signature covers the body."""
    invoke(sdk(double))
    headers = {name: value for name, value in double.last.headers.items() if name != "content-length"}
    url = f"{double.url}{double.last.path}"
    assert httpx.post(url, content=CSV, headers=headers, trust_env=False).status_code == 200
    assert httpx.post(url, content=CSV + b"1", headers=headers, trust_env=False).status_code == 403


def test_another_name_is_a_validation_error(double: Double) -> None:
    """A wrong endpoint name has the SDK's own class of error."""
    client = sdk(double)
    with pytest.raises(client.exceptions.ValidationError):
        invoke(client, EndpointName="another")


@pytest.mark.parametrize(
    ("behaviour", "error", "status"),
    [
        (replies.not_ready(), "ModelNotReadyException", 429),
        (replies.fails(500), "InternalFailure", 500),
        (replies.fails(503), "ServiceUnavailable", 503),
        (replies.fails(530), "InternalDependencyException", 530),
        (replies.no_such_endpoint, "ValidationError", 400),
    ],
)
def test_the_sdk_raises_its_class_of_each_error(
    double: Double, behaviour: replies.Behaviour, error: str, status: int
) -> None:
    """Errors have the wire form that the SDK reads."""
    double.script(behaviour)
    client = sdk(double)
    with pytest.raises(getattr(client.exceptions, error)) as raised:
        invoke(client)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert double.attempts == 1


@pytest.mark.parametrize("original", [0, 400, 415, 500])
def test_the_sdk_reads_what_the_container_answered(double: Double, original: int) -> None:
    """A model error carries the status and the words of the container."""
    double.script(replies.model_fails(original, "why"))
    client = sdk(double)
    with pytest.raises(client.exceptions.ModelError) as raised:
        invoke(client)
    assert raised.value.response["OriginalStatusCode"] == original
    assert raised.value.response["OriginalMessage"] == "why"


def test_throttling_is_a_400_without_a_message(double: Double) -> None:
    """Only the error's type tells a throttled call from a wrong one."""
    double.script(replies.throttles())
    with pytest.raises(ClientError) as raised:
        invoke(sdk(double))
    assert raised.value.response["Error"]["Code"] == "ThrottlingException"
    assert not raised.value.response["Error"].get("Message")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b'{"instances": []}', "application/json", "not supported"),
        (b"web,event", "text/csv", "could not convert"),
        (b"\n\n", "text/csv", "delimiter"),
        (b"1,2,3,4,5,6,7\n1,2,3\n", "text/csv", "length"),
    ],
)
def test_the_built_in_container_refuses_what_it_cannot_read(
    double: Double, body: bytes, content_type: str, said: str
) -> None:
    """JSON, text, an empty row and rows of several lengths come back as a model error of 415."""
    client = sdk(double)
    with pytest.raises(client.exceptions.ModelError, match=said) as raised:
        invoke(client, body, ContentType=content_type)
    assert raised.value.response["OriginalStatusCode"] == 415


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (replies.resets, ConnectionClosedError),
        (replies.hangs, ReadTimeoutError),
        (replies.hangs_after_head, ReadTimeoutError),
        (replies.cuts, ResponseStreamingError),
    ],
)
def test_the_sdk_sees_faults_below_http(double: Double, behaviour: replies.Behaviour, error: type[Exception]) -> None:
    """Resets, silence and half an answer are what they claim to be."""
    double.script(behaviour)
    with pytest.raises(error):
        invoke(sdk(double, read_timeout=0.3))
    assert double.attempts == 1


def test_a_client_that_hangs_up_is_noticed(double: Double) -> None:
    """The double knows when a caller has given up."""
    double.script(replies.hangs)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            double.azure_url, json={}, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=0.2, trust_env=False
        )
    assert eventually(lambda: double.last.abandoned is not None)


@pytest.mark.parametrize("shape", ["list", "predictions", "result"])
@pytest.mark.parametrize("encode", [replies.shaped_as, lambda shape: replies.twice(replies.shaped_as(shape))])
def test_azure_answers_in_every_shape(double: Double, shape: str, encode: Callable[[str], replies.Behaviour]) -> None:
    """A list, or a list under a name, or either as a string of JSON."""
    double.script(encode(shape))
    answer = post(double, {"data": ROWS}).json()
    answer = json.loads(answer) if isinstance(answer, str) else answer
    scores = answer if shape == "list" else answer[shape]
    assert scores == pytest.approx(EXPECTED, abs=1e-6)


def test_azure_takes_the_form_of_mlflow(double: Double) -> None:
    """``input_data`` with columns, index and data is read too."""
    asked = {"columns": list("abcdefg"), "index": [0, 1], "data": ROWS}
    assert post(double, {"input_data": asked}).json() == pytest.approx(EXPECTED, abs=1e-6)


def test_azure_wants_its_key(double: Double) -> None:
    """Another key is refused before any behaviour is used up."""
    double.script(replies.fails(500))
    assert post(double, {"data": ROWS}, Authorization="Bearer another").status_code == 401
    assert post(double, {"data": ROWS}).status_code == 500


def test_azure_wants_no_deployment_unless_it_has_one(double: Double) -> None:
    """A header that pins a deployment nobody configured is refused."""
    assert post(double, {"data": ROWS}, **{"azureml-model-deployment": "blue"}).status_code == 404
    double.deployment = "blue"
    try:
        assert post(double, {"data": ROWS}, **{"azureml-model-deployment": "blue"}).status_code == 200
        assert post(double, {"data": ROWS}).status_code == 404
    finally:
        double.deployment = None


def test_azure_says_what_its_container_answered(double: Double) -> None:
    """A model error has the container's status in a header."""
    double.script(replies.model_fails(500))
    answer = post(double, {"data": ROWS})
    assert answer.status_code == 424
    assert answer.headers["ms-azureml-model-error-statuscode"] == "500"
    assert answer.headers["ms-azureml-model-error-reason"]


def test_azure_may_say_when_to_come_again(double: Double) -> None:
    """``Retry-After`` is there only when asked for."""
    double.script(replies.throttles("3"), replies.throttles())
    first, second = post(double, {"data": ROWS}), post(double, {"data": ROWS})
    assert (first.status_code, first.headers["Retry-After"]) == (429, "3")
    assert "Retry-After" not in second.headers


def test_scripts_come_first_and_then_what_is_always_done(double: Double) -> None:
    """Fail twice, then answer."""
    double.script(replies.fails(503), replies.fails(500))
    assert [post(double, {"data": ROWS}).status_code for _ in range(3)] == [503, 500, 200]


def test_scores_can_be_wrong_in_number_and_in_value(double: Double) -> None:
    """Rows go missing, rows appear, and values are no probabilities."""
    double.script(replies.row_missing(), replies.row_too_many(), replies.poisoned(1.5), replies.poisoned(math.nan))
    missing, more, high, nan = (post(double, {"data": ROWS}).json() for _ in range(4))
    assert (len(missing), len(more), high[0]) == (1, 3, 1.5)
    assert math.isnan(nan[0])


@pytest.mark.parametrize("chunked", [True, False])
def test_an_answer_can_be_of_any_size(double: Double, chunked: bool) -> None:
    """A flood is a sound answer behind blanks, with or without a length."""
    double.script(replies.floods(300_000, chunked))
    answer = post(double, {"data": ROWS})
    assert len(answer.content) == 300_000
    assert answer.json() == pytest.approx(EXPECTED, abs=1e-6)
    assert ("Content-Length" in answer.headers) is not chunked


def test_whoever_follows_a_redirect_is_seen(double: Double) -> None:
    """The place that it leads to is the double itself."""
    double.script(replies.redirects())
    httpx.post(
        double.azure_url,
        json={},
        headers={"Authorization": f"Bearer {API_KEY}"},
        follow_redirects=True,
        trust_env=False,
    )
    assert [call.cloud for call in double.calls] == ["azure", "elsewhere"]


def test_another_model_scores_otherwise(double: Double, tmp_path: Path) -> None:
    """The double can come to serve another model."""
    path = tmp_path / "other.json"
    factories.booster(seed=8).save_model(path)
    try:
        double.serves(path)
        assert post(double, {"data": ROWS}).json() != pytest.approx(EXPECTED, abs=1e-3)
    finally:
        double.serves(factories.model_file(tmp_path))


def test_it_can_go_away_and_come_back(double: Double) -> None:
    """Connections are refused in between, on the same port."""
    double.close()
    with pytest.raises(httpx.ConnectError):
        post(double, {"data": ROWS})
    double.open()
    assert post(double, {"data": ROWS}).status_code == 200


def test_it_can_forward_to_a_real_container(double: Double, tmp_path: Path) -> None:
    """What another server answers is passed on, and its failures as a model's."""
    with doubling(factories.model_file(tmp_path)) as container:
        double.always(replies.forwarded_to(container.azure_url))
        answer = post(double, {"data": ROWS})
    assert (answer.status_code, answer.headers["ms-azureml-model-error-statuscode"]) == (424, "401")
