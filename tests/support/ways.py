"""The ways in which a margin can come to the service, each with the settings that choose it and a double to call."""

import math
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import factories
import httpx
from endpoint_double import API_KEY, ENDPOINT, Double, doubling
from endpoint_replies import forwarded_to
from prometheus_client.parser import text_string_to_metric_families
from serving import KEY, Server, eventually, serving
from signature import ACCESS_KEY, REGION, SECRET_KEY

ONE, MANY = "/api/v1/score", "/api/v1/score/batch"

WAYS = ("sagemaker-csv", "sagemaker-json", "azure")
"""The built-in XGBoost container, a container of ours, and a scoring script."""

MORE_WAYS = (*WAYS, "azure-mlflow")
"""The last in the form that MLflow takes, and with its deployment pinned."""

SESSION_TOKEN = "session-token-of-the-tests"
SECRETS = (SECRET_KEY, SESSION_TOKEN, API_KEY)
"""What may stand in no log."""

PATIENT = {
    "MODEL_TIMEOUT_SECONDS": "50",
    "REQUEST_TIMEOUT_SECONDS": "50",
    "SHUTDOWN_SECONDS": "60",
    "MODEL_CHECK_SECONDS": "86400",
    "MODEL_BREAKER_FAILURES": "1000",
    "no_proxy": "127.0.0.1",
}
"""A service that waits for a machine that is busy, checks the golden rows once, and goes on trying."""


@dataclass(frozen=True)
class Way:
    """One provider, as it is configured, and the endpoint that it calls."""

    provider: str
    double: Double
    model: Path
    environ: Mapping[str, str] = field(repr=False)

    @contextmanager
    def serving(self, folder: Path, **environ: str) -> Iterator[Server]:
        """A service that gets its margins in this way; ready, and its golden rows checked."""
        with serving(folder, self.model, **PATIENT | dict(self.environ) | environ) as server:
            assert eventually(lambda: self._sure(server)), server.logged()
            self.double.forget()
            yield server

    def _sure(self, server: Server) -> bool:
        """Whether the golden rows were scored; a lead makes the service ask again where time ran out."""
        server.http.post("/api/v1/score", json=factories.LEAD)
        return metric(server, "model_endpoint_matches", endpoint_provider=self.provider) == 1


@contextmanager
def way(name: str, folder: Path, model: Path) -> Iterator[Way]:
    """One of ``MORE_WAYS`` to the model, open as long as the context is."""
    with ExitStack() as closing:
        deployment = "blue" if name == "azure-mlflow" else None
        double = closing.enter_context(doubling(model, deployment))
        if name.startswith("azure"):
            yield Way("azure", double, model, azure(double))
            return
        double.token = SESSION_TOKEN
        environ = sagemaker(double)
        if name == "sagemaker-json":
            container = closing.enter_context(serving(folder, model, ENDPOINT_PROTOCOLS="sagemaker"))
            double.own_container = True
            double.normally = forwarded_to(f"{container.url}/invocations")
            environ |= {"SAGEMAKER_CONTENT_TYPE": "application/json"}
        yield Way("sagemaker", double, model, environ)


def sagemaker(double: Double) -> dict[str, str]:
    """The settings of ``sagemaker``, with credentials where the SDK looks for them first, and nowhere else."""
    return {
        "MODEL_ENDPOINT_PROVIDER": "sagemaker",
        "SAGEMAKER_ENDPOINT_NAME": ENDPOINT,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": double.sagemaker_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def azure(double: Double) -> dict[str, str]:
    """The settings of ``azure``; a pinned deployment is one of MLflow's."""
    chosen = {
        "MODEL_ENDPOINT_PROVIDER": "azure",
        "AZURE_ML_ENDPOINT_URL": double.azure_url,
        "AZURE_ML_API_KEY": API_KEY,
    }
    if double.deployment is None:
        return chosen
    return chosen | {"AZURE_ML_DEPLOYMENT_NAME": double.deployment, "AZURE_ML_PAYLOAD": "input_data"}


def checked(server: Server, provider: str, matches: float) -> None:
    """Waits until the golden rows were scored by the endpoint, with this result."""
    assert eventually(lambda: metric(server, "model_endpoint_matches", endpoint_provider=provider) == matches), (
        server.logged()
    )


def metric(server: Server, name: str, **labels: str) -> float | None:
    """The value of one line of ``/metrics``; none when it is not there."""
    return next((value for found, value in exposed(server, name) if labels.items() <= found.items()), None)


def exposed(server: Server, name: str) -> list[tuple[dict[str, str], float]]:
    """The lines of one metric in ``/metrics``: labels and value."""
    text = httpx.get(f"{server.url}/metrics", timeout=30, trust_env=False).text
    families = text_string_to_metric_families(text)
    return [(line.labels, line.value) for family in families for line in family.samples if line.name == name]


def post(server: Server, path: str, value: Any, **headers: str) -> httpx.Response:
    """A request of its own connection, so that threads do not share one."""
    sent = {"X-API-Key": KEY} | headers
    return httpx.post(server.url + path, json=value, headers=sent, timeout=110, trust_env=False)


def raw_scores(server: Server, asked: list[dict[str, Any]]) -> list[float]:
    """The score of each lead of a batch."""
    answer = post(server, f"{MANY}?reasons=0", asked)
    assert answer.status_code == 200, answer.text
    return [scored["score"]["raw_score"] for scored in answer.json()]


def different(count: int) -> list[dict[str, Any]]:
    """Leads that score differently enough for their order to show."""
    return [
        factories.lead(
            f"lead-{place}",
            revenue=place * 977 % 1_000_003 + 0.1,
            visits=place * 7 % 23 if place % 5 else None,
            growth=math.sin(place) if place % 3 else ...,
            decision_maker=place % 2 == 0,
            source=["web", "event", "partner", "elsewhere", None][place % 5],
            open_rate=place * 13 % 101 / 101,
        )
        for place in range(count)
    ]
