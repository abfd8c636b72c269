"""The provider ``azure``: a managed online endpoint of Azure Machine Learning."""

from time import monotonic, time
from typing import Any

from leadscoring.contract.features import Contract
from leadscoring.errors import (
    EndpointError,
    EndpointFailed,
    EndpointRefused,
    EndpointRejected,
    EndpointThrottled,
    EndpointTimeout,
)
from leadscoring.lead import ServedBy
from leadscoring.providers.answer import margins_in, most_bytes
from leadscoring.providers.lease import Lease
from leadscoring.providers.payload import Frame, JsonRows, Payload
from leadscoring.providers.wire import Response, Wire
from leadscoring.settings import Settings
from leadscoring.telemetry.log import hush

SCOPE = "https://ml.azure.com/.default"
"""The scope of Entra ID tokens for Azure ML."""

RENEW_SECONDS = 300.0
"""Seconds before a token expires at which it is renewed."""

MODEL_STATUS = "ms-azureml-model-error-statuscode"
LONGEST_WAIT = 3600


class Azure:
    """One endpoint; ``credential`` provides Entra ID tokens if no key is set."""

    name: ServedBy = "azure"

    def __init__(self, settings: Settings, contract: Contract, credential: Any = None, wire: type[Wire] = Wire) -> None:
        columns = contract.columns.names
        self.payload: Payload = (
            Frame(columns) if settings.azure_ml_payload == "input_data" else JsonRows(len(columns), "data")
        )
        hush("azure", "msal", "urllib3")
        self._key = settings.azure_ml_api_key
        self._wire = wire(self.name, settings.azure_ml_endpoint_url)
        self._headers = {"Content-Type": self.payload.content_type, "Accept": "application/json"}
        if settings.azure_ml_deployment_name:
            self._headers["azureml-model-deployment"] = settings.azure_ml_deployment_name
        self._credential = credential
        self._token = Lease(self._fetch)

    def open(self) -> None:
        """Opens the connection pool."""
        self._wire.open()

    async def close(self) -> None:
        """Closes all connections."""
        await self._wire.close()
        if self._credential is not None:
            self._credential.close()

    async def call(self, body: bytes, rows: int) -> list[float]:
        """Returns the margins of the rows in ``body``. Raises the matching ``EndpointError`` on failure."""
        bearer = self._key or await self._token.get()
        headers = {**self._headers, "Authorization": f"Bearer {bearer}"}
        answer = await self._wire.post(body, headers, most_bytes(rows))
        if answer.status == 200:
            return margins_in(answer.body, rows, self.name)
        if answer.status == 401:
            self._token.drop()
        raise error_of(answer)

    def _fetch(self) -> tuple[str, float]:
        """Fetches a token of the first available identity; blocks while it reads files or calls metadata services."""
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential

        if self._credential is None:
            self._credential = DefaultAzureCredential()
        try:
            token = self._credential.get_token(SCOPE)
        except (AzureError, OSError) as failure:
            raise EndpointRefused(self.name, f"no Entra ID token ({type(failure).__name__})") from None
        return token.token, monotonic() + token.expires_on - time() - RENEW_SECONDS


def error_of(answer: Response) -> EndpointError:
    """Returns the error for a response with a status other than 200."""
    where, status = Azure.name, answer.status
    why = f"status {status}"
    if status == 424:
        return model_error(answer, why)
    if status == 408:
        return EndpointTimeout(where, why)
    if status == 429:
        return EndpointThrottled(where, why, wait_of(answer))
    if status >= 500:
        return EndpointFailed(where, why)
    return EndpointRefused(where, why)


def model_error(answer: Response, why: str) -> EndpointError:
    """Returns the error for a failure of the container, by the status that the container returned."""
    where, status = Azure.name, answer.headers.get(MODEL_STATUS, "")
    original = int(status) if status.isascii() and status.isdigit() and len(status) <= 3 else 0
    why = f"{why}, the container answered {original}" if original else why
    if status == "0" or original == 408:
        return EndpointTimeout(where, f"{why} (its container timed out)")
    if original == 429:
        return EndpointThrottled(where, why)
    if 400 <= original < 500:
        return EndpointRejected(where, why)
    return EndpointFailed(where, why)


def wait_of(answer: Response) -> int | None:
    """Returns the seconds in ``Retry-After``, or ``None`` without a valid one."""
    seconds = answer.headers.get("retry-after", "")
    return min(int(seconds), LONGEST_WAIT) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 9 else None
