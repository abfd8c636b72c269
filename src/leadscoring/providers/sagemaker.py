"""The provider ``sagemaker``: a real-time endpoint of Amazon SageMaker.

The AWS SDK finds credentials, region and address, and signs. The bytes go over the same wire as Azure's, so that one
deadline reaches down to the socket and a call that nobody waits for any more can be ended.
"""

import json
from time import monotonic
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import BotoCoreError

from leadscoring.contract.features import Contract
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
from leadscoring.lead import ServedBy
from leadscoring.providers.answer import margins_in, most_bytes
from leadscoring.providers.lease import Lease
from leadscoring.providers.payload import Csv, JsonRows, Payload
from leadscoring.providers.wire import Response, Wire
from leadscoring.settings import Settings, is_safe
from leadscoring.telemetry.log import hush

LOOK_AGAIN_SECONDS = 60.0
"""Between two looks at credentials that run out; the SDK renews them a quarter of an hour before they do."""

REFUSED = 403


class SageMaker:
    """One endpoint. Raises ``CannotStart`` when the SDK cannot tell where it is, or the contract cannot go there."""

    name: ServedBy = "sagemaker"

    def __init__(self, settings: Settings, contract: Contract, wire: type[Wire] = Wire) -> None:
        if len(contract) == 1 and settings.sagemaker_content_type == "text/csv":
            raise CannotStart(
                "a model of one feature cannot be scored as text/csv: the container takes the delimiter from the "
                "first row, which has none; set SAGEMAKER_CONTENT_TYPE=application/json"
            )
        self.payload = payload(settings, contract)
        hush("botocore", "urllib3")
        self._session = botocore.session.Session()
        address, self._region, self._signs_as = resolved(self._session, settings.aws_region)
        self._url = f"{address.rstrip('/')}/endpoints/{settings.sagemaker_endpoint_name}/invocations"
        self._wire = wire(self.name, self._url)
        self._credentials = Lease(self._fetch)

    def open(self) -> None:
        """Makes ready to call."""
        self._wire.open()

    async def close(self) -> None:
        """Ends all connections."""
        await self._wire.close()

    async def call(self, body: bytes, rows: int) -> list[float]:
        """The margins of the rows in ``body``. Raises the ``EndpointError`` that fits what went wrong."""
        credentials = await self._credentials.get()
        answer = await self._wire.post(body, self._signed(body, credentials), most_bytes(rows))
        if answer.status == 200:
            return margins_in(answer.body, rows, self.name)
        failure = error_of(answer)
        if answer.status == REFUSED:
            self._credentials.drop()
        raise failure

    def _signed(self, body: bytes, credentials: ReadOnlyCredentials) -> dict[str, str]:
        request = AWSRequest(
            "POST", self._url, {"Content-Type": self.payload.content_type, "Accept": "application/json"}, body
        )
        SigV4Auth(credentials, self._signs_as, self._region).add_auth(request)
        return dict(request.headers.items())

    def _fetch(self) -> tuple[ReadOnlyCredentials, float]:
        """The credentials of the SDK's own chain; blocks while it asks files, roles or metadata services."""
        try:
            found = self._session.get_credentials()
            if found is not None:
                runs_out = isinstance(found, RefreshableCredentials)
                return found.get_frozen_credentials(), monotonic() + LOOK_AGAIN_SECONDS if runs_out else float("inf")
        except (BotoCoreError, OSError) as failure:
            raise EndpointRefused(self.name, f"no AWS credentials ({type(failure).__name__})") from None
        raise EndpointRefused(self.name, "the AWS SDK finds no credentials")


def payload(settings: Settings, contract: Contract) -> Payload:
    """The form that the endpoint's container takes."""
    if settings.sagemaker_content_type == "text/csv":
        return Csv(len(contract))
    return JsonRows(len(contract), "instances")


def resolved(session: Any, region: str) -> tuple[str, str, str]:
    """The address of the runtime, its region, and the service to sign for, as the SDK has them."""
    try:  # the keys keep the SDK from looking for real ones, which may take seconds and is done beside the loop
        region = region or session.get_config_variable("region") or ""
        if not region:
            raise CannotStart(
                "MODEL_ENDPOINT_PROVIDER=sagemaker requires AWS_REGION, since the AWS configuration has no region"
            )
        client = session.create_client(
            "sagemaker-runtime",
            region,
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106
        )
    except (BotoCoreError, ValueError) as failure:
        raise CannotStart(f"the AWS SDK rejects its configuration: {failure}") from None
    address: str = client.meta.endpoint_url
    if not is_safe(address):
        raise CannotStart("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME must be an https URL, or an http URL on this machine")
    return address, region, client.meta.service_model.signing_name


def error_of(answer: Response) -> EndpointError:
    """What an answer other than 200 means: told by its error type, by its status only where it has none."""
    kind, said = error_type(answer)
    why = f"status {answer.status}" + (f", {kind}" if kind else "")
    where = SageMaker.name
    if kind == "ModelError":
        return model_error(said, why)
    if kind in ("ThrottlingException", "Throttling", "TooManyRequestsException"):
        return EndpointThrottled(where, why)
    if kind == "ModelNotReadyException" or answer.status == 429:
        return EndpointNotReady(where, why)
    if answer.status == 408:
        return EndpointTimeout(where, why)
    if answer.status >= 500:
        return EndpointFailed(where, why)
    return EndpointRefused(where, why)


def model_error(said: dict[str, Any], why: str) -> EndpointError:
    """The container answered something other than 200: what that was decides."""
    where, original = SageMaker.name, said.get("OriginalStatusCode")
    why = f"{why}, the container answered {original}" if isinstance(original, int) else why
    if original == 0:
        return EndpointTimeout(where, f"{why} (timed out)")
    if isinstance(original, int) and 400 <= original < 500:
        return EndpointRejected(where, why)
    return EndpointFailed(where, why)


def error_type(answer: Response) -> tuple[str, dict[str, Any]]:
    """The error type of an answer, from its header or its body, and what else the body says."""
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    told = answer.headers.get("x-amzn-errortype") or said.get("__type") or said.get("code") or ""
    kind = str(told).partition(":")[0].rpartition("#")[2]
    return (kind if kind.isascii() and kind.isalnum() and len(kind) <= 80 else ""), said
