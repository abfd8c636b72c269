"""The provider ``sagemaker`` speaks as the AWS SDK does, and understands what SageMaker says."""

import asyncio
import json
from pathlib import Path
from typing import Any

import botocore.session
import endpoint_replies as replies
import factories
import pytest
from botocore.config import Config
from endpoint_double import ENDPOINT, Double, doubling
from signature import ACCESS_KEY, REGION, SECRET_KEY

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import (
    CannotStart,
    EndpointError,
    EndpointFailed,
    EndpointNotReady,
    EndpointRefused,
    EndpointRejected,
    EndpointThrottled,
    EndpointTimeout,
)
from leadscoring.providers.sagemaker import SageMaker, error_of
from leadscoring.providers.wire import Response
from leadscoring.settings import Settings, read_settings

ROWS = b"1000000,3,0.35,1,1,1,0.4\n0,,,0,,0,"
SET = {"MODEL_ENDPOINT_PROVIDER": "sagemaker", "SAGEMAKER_ENDPOINT_NAME": ENDPOINT, "AWS_REGION": REGION}


def configured(**environ: str) -> Settings:
    """The settings of the service."""
    return read_settings(SET | environ)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, double: Double) -> pytest.MonkeyPatch:
    """The environment that the SDK looks into."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", double.sagemaker_url)
    return monkeypatch


@pytest.fixture
def double(model: Path) -> Any:
    """The endpoint."""
    with doubling(model) as opened:
        yield opened


def called(endpoint: SageMaker, *bodies: bytes) -> list[list[float]]:
    """The margins of some bodies of two rows."""

    async def calls() -> list[list[float]]:
        endpoint.open()
        try:
            return [await endpoint.call(body, 2) for body in bodies]
        finally:
            await endpoint.close()

    return asyncio.run(calls())


def test_a_call_is_what_the_sdk_would_send(aws: pytest.MonkeyPatch, double: Double) -> None:
    """Address, body and signed headers; the double has checked both signatures."""
    called(SageMaker(configured(), factories.SMALL), ROWS)
    client = botocore.session.Session().create_client(
        "sagemaker-runtime", REGION, config=Config(retries={"total_max_attempts": 1})
    )
    client.invoke_endpoint(EndpointName=ENDPOINT, Body=ROWS, ContentType="text/csv", Accept="application/json")
    ours, theirs = double.calls
    assert double.refusals == []
    assert (ours.path, ours.body) == (theirs.path, theirs.body)
    for name in ("content-type", "accept", "host"):
        assert ours.headers[name] == theirs.headers[name]
    scopes = [call.headers["authorization"].partition("/")[2].partition(",")[0] for call in (ours, theirs)]
    assert scopes[0] == scopes[1]


def test_margins_are_those_of_stock_xgboost(aws: pytest.MonkeyPatch, double: Double) -> None:
    """From its probabilities, in each shape that a container answers in."""
    expected = factories.stock_margins([[1e6, 3.0, 0.35, 1.0, 1.0, 1.0, 0.4], [0.0, None, None, 0.0, None, 0.0, None]])
    shapes = ("lines", "comma", "json")
    double.script(*(replies.shaped_as(shape) for shape in shapes))
    for margins in called(SageMaker(configured(), factories.SMALL), *[ROWS] * len(shapes)):
        assert margins == pytest.approx(expected, abs=1e-5)


def test_temporary_credentials_carry_their_token(aws: pytest.MonkeyPatch, double: Double) -> None:
    """A role's credentials are refused without it."""
    aws.setenv("AWS_SESSION_TOKEN", "a-token")
    double.token = "a-token"
    assert called(SageMaker(configured(), factories.SMALL), ROWS)
    assert double.refusals == []


@pytest.mark.parametrize("region", [REGION, ""])
def test_a_configuration_that_the_sdk_refuses_stops_the_start(aws: pytest.MonkeyPatch, region: str) -> None:
    """In words, wherever the SDK comes across it."""
    aws.setenv("AWS_REGION", region)
    aws.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(CannotStart, match="no-such-profile"):
        SageMaker(configured(AWS_REGION=region), factories.SMALL)


def test_without_credentials_it_starts_and_says_so_when_it_is_called(aws: pytest.MonkeyPatch) -> None:
    """A metadata service may come later than this one."""
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    aws.setattr("pathlib.Path.home", lambda: Path("/nonexistent"))
    endpoint = SageMaker(configured(), factories.SMALL)
    with pytest.raises(EndpointRefused, match="no credentials"):
        called(endpoint, ROWS)


def test_credentials_that_were_changed_count_after_a_refusal(aws: pytest.MonkeyPatch, double: Double) -> None:
    """Keys that were rotated need no restart where the SDK can find the new ones."""
    aws.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(EndpointRefused) as refusal:
        called(SageMaker(configured(), factories.SMALL), ROWS)
    assert "wrong" not in str(refusal.value)
    assert SECRET_KEY not in str(refusal.value)


def test_plain_http_goes_to_this_machine_only(aws: pytest.MonkeyPatch) -> None:
    """Leads and signatures are not to be read on the way."""
    aws.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://runtime.example.com")
    with pytest.raises(CannotStart, match="AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME must be an https URL"):
        SageMaker(configured(), factories.SMALL)


def test_the_region_comes_from_the_setting_or_from_aws(aws: pytest.MonkeyPatch, double: Double) -> None:
    """And a start without any names the setting."""
    with pytest.raises(CannotStart, match="AWS_REGION"):
        SageMaker(configured(AWS_REGION=""), factories.SMALL)
    aws.setenv("AWS_DEFAULT_REGION", REGION)
    assert called(SageMaker(configured(AWS_REGION=""), factories.SMALL), ROWS)
    assert double.refusals == []


def test_one_column_cannot_go_as_csv(aws: pytest.MonkeyPatch) -> None:
    """The built-in container finds no delimiter in such a row, so the start says what to do."""
    narrow = Contract(factories.SMALL.features[:1])
    with pytest.raises(CannotStart, match="SAGEMAKER_CONTENT_TYPE=application/json"):
        SageMaker(configured(), narrow)
    SageMaker(configured(SAGEMAKER_CONTENT_TYPE="application/json"), narrow)
    SageMaker(configured(), Contract((Feature("made", "date", aspects=(Aspect("age"), Aspect("hour"))),)))


def answered(status: int, kind: str = "", **body: Any) -> Response:
    """An error as the runtime sends it."""
    headers = {"x-amzn-errortype": kind} if kind else {}
    return Response(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (answered(400, "ThrottlingException", message=None), EndpointThrottled),
        (answered(400, "ThrottlingException:http://internal.amazon.com/coral/", message="x"), EndpointThrottled),
        (answered(400, __type="com.amazonaws.sagemakerruntime#ThrottlingException"), EndpointThrottled),
        (answered(400, "ValidationError", message="Rate exceeded, you are throttled"), EndpointRefused),
        (answered(400), EndpointRefused),
        (answered(429, "ModelNotReadyException"), EndpointNotReady),
        (answered(424, "ModelError", OriginalStatusCode=400, OriginalMessage="x"), EndpointRejected),
        (answered(424, "ModelError", OriginalStatusCode=415), EndpointRejected),
        (answered(424, "ModelError", OriginalStatusCode=500), EndpointFailed),
        (answered(424, "ModelError", OriginalStatusCode=0), EndpointTimeout),
        (answered(424, "ModelError", OriginalStatusCode="x"), EndpointFailed),
        (answered(403, "AccessDeniedException"), EndpointRefused),
        (answered(403, "ExpiredTokenException"), EndpointRefused),
        (answered(500, "InternalFailure"), EndpointFailed),
        (answered(503, "ServiceUnavailable"), EndpointFailed),
        (answered(530, "InternalDependencyException"), EndpointFailed),
        (answered(302), EndpointRefused),
        (Response(502, {}, b"<html>"), EndpointFailed),
        (Response(400, {}, b"[]"), EndpointRefused),
    ],
)
def test_what_went_wrong_is_told_by_the_error_type(answer: Response, error: type[EndpointError]) -> None:
    """Never by the status or the text where there is a type."""
    assert type(error_of(answer)) is error


def test_what_a_container_says_is_not_repeated() -> None:
    """It may hold the lead that it was sent."""
    said = str(
        error_of(answered(424, "ModelError", OriginalStatusCode=400, OriginalMessage="lead 4711", Message="4711"))
    )
    assert "4711" not in said
    assert "400" in said
    assert "4711" not in str(error_of(Response(400, {"x-amzn-errortype": "4711 <b>"}, b"")))
