"""The provider ``sagemaker``: a real-time endpoint of Amazon SageMaker.

The AWS SDK resolves credentials, region and address, and signs. The HTTP client is the same as for Azure, so that the
deadline applies down to the socket and abandoned calls can be cancelled.
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
"""Seconds between two reads of expiring credentials; the SDK renews them 15 minutes before they expire."""

REFUSED = 403


class SageMaker:
    """One endpoint. Raises ``CannotStart`` if its address cannot be resolved, or for a contract it cannot score."""

    name: ServedBy = "sagemaker"

    def __init__(self, settings: Settings, contract: Contract, wire: type[Wire] = Wire) -> None:
        if len(contract.columns) == 1 and settings.sagemaker_content_type == "text/csv":
            raise CannotStart(
                "a model of one column cannot be scored as text/csv: the container takes the delimiter from the "
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
        """Opens the connection pool."""
        self._wire.open()

    async def close(self) -> None:
        """Closes all connections."""
        await self._wire.close()

    async def call(self, body: bytes, rows: int) -> list[float]:
        """Returns the margins of the rows in ``body``. Raises the matching ``EndpointError`` on failure."""
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
        """Fetches credentials by the SDK's chain; blocks while it reads files or calls role and metadata services."""
        try:
            credentials = self._session.get_credentials()
            if credentials is not None:
                runs_out = isinstance(credentials, RefreshableCredentials)
                return credentials.get_frozen_credentials(), monotonic() + LOOK_AGAIN_SECONDS if runs_out else float(
                    "inf"
                )
        except (BotoCoreError, OSError) as failure:
            raise EndpointRefused(self.name, f"no AWS credentials ({type(failure).__name__})") from None
        raise EndpointRefused(self.name, "the AWS SDK finds no credentials")


def payload(settings: Settings, contract: Contract) -> Payload:
    """Returns the payload format that the endpoint's container accepts."""
    if settings.sagemaker_content_type == "text/csv":
        return Csv(len(contract.columns))
    return JsonRows(len(contract.columns), "instances")


def resolved(session: Any, region: str) -> tuple[str, str, str]:
    """Returns the address of the runtime, its region, and the service name for signing, as resolved by the SDK."""
    try:  # dummy keys prevent a search for real ones, which may take seconds; Lease does that off the loop
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
    """Returns the error for a response with a status other than 200: by its error type, else by its status."""
    kind, body = error_type(answer)
    why = f"status {answer.status}" + (f", {kind}" if kind else "")
    where = SageMaker.name
    if kind == "ModelError":
        return model_error(body, why)
    if kind in ("ThrottlingException", "Throttling", "TooManyRequestsException"):
        return EndpointThrottled(where, why)
    if kind == "ModelNotReadyException" or answer.status == 429:
        return EndpointNotReady(where, why)
    if answer.status == 408:
        return EndpointTimeout(where, why)
    if answer.status >= 500:
        return EndpointFailed(where, why)
    return EndpointRefused(where, why)


def model_error(body: dict[str, Any], why: str) -> EndpointError:
    """Returns the error for a failure of the container, by the status that the container returned."""
    where, original = SageMaker.name, body.get("OriginalStatusCode")
    why = f"{why}, the container answered {original}" if isinstance(original, int) else why
    if original == 0:
        return EndpointTimeout(where, f"{why} (timed out)")
    if isinstance(original, int) and 400 <= original < 500:
        return EndpointRejected(where, why)
    return EndpointFailed(where, why)


def error_type(answer: Response) -> tuple[str, dict[str, Any]]:
    """Returns the error type of a response, from its header or body, and the decoded body."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    named = answer.headers.get("x-amzn-errortype") or body.get("__type") or body.get("code") or ""
    kind = str(named).partition(":")[0].rpartition("#")[2]
    return (kind if kind.isascii() and kind.isalnum() and len(kind) <= 80 else ""), body
