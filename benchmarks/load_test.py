"""Loads a running service with the mix of requests that it gets, and judges it by objectives: ``make load-test``.

A file for Locust. Of 100 requests 75 score one lead, 10 score a batch, 10 ask for health and 5 for the model. The run
passes when scoring was fast enough and few enough requests failed; the exit code is 0 then, 1 when it was not, and 2
when there is nothing to load. A refusal for overload counts as a failure: so much was not carried.
"""

import json
import random
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from locust import FastHttpUser, between, events, task
from locust.env import Environment

EXAMPLES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("sample_request_*.json"))
LEADS = [json.loads(file.read_bytes()) for file in EXAMPLES]
SINGLE, BATCH = "/api/v1/score", "/api/v1/score/batch"


@events.init_command_line_parser.add_listener
def add_objectives(parser: ArgumentParser) -> None:
    """What Locust asks beside its own options."""
    parser.add_argument("--api-key", env_var="API_KEY", default="demo-api-key-123", is_secret=True, help="key to send")
    parser.add_argument("--batch", env_var="LOAD_BATCH", type=int, default=50, help="leads in a batch")
    parser.add_argument(
        "--p95-ms", env_var="LOAD_P95_MS", type=float, default=250, help="95 %% of scoring within, in ms"
    )
    parser.add_argument(
        "--error-percent", env_var="LOAD_ERROR_PERCENT", type=float, default=0.1, help="failed, at most"
    )


@events.init.add_listener
def look_first(environment: Environment, **_: Any) -> None:
    """Ends with 2 where no service is ready, before a thousand requests say the same."""
    host = environment.host or ""
    try:
        urllib.request.urlopen(f"{host}/health/ready", timeout=5).close()
    except (OSError, ValueError) as failure:
        sys.stderr.write(f"load-test: no service is ready at {host}: {failure}; start one, or set BASE_URL\n")
        sys.exit(2)


class Client(FastHttpUser):
    """One client: it asks, waits a moment, and asks again."""

    wait_time = between(0.05, 0.15)

    def on_start(self) -> None:
        """Each begins with another lead."""
        options: Any = self.environment.parsed_options
        self.headers = {"X-API-Key": options.api_key}
        self.batch_size: int = options.batch
        self.leads: Iterator[Any] = cycle(random.sample(LEADS, len(LEADS)))

    @task(75)
    def score(self) -> None:
        """One lead, and a score for it."""
        with self.client.post(SINGLE, json=next(self.leads), headers=self.headers, catch_response=True) as answer:
            if answer.status_code == 200 and "score" not in answer.json():
                answer.failure("an answer without a score")

    @task(10)
    def score_batch(self) -> None:
        """A batch, and a score for each of its leads."""
        batch = [next(self.leads) for _ in range(self.batch_size)]
        with self.client.post(BATCH, json=batch, headers=self.headers, catch_response=True) as answer:
            if answer.status_code == 200 and sum("score" in place for place in answer.json()) != len(batch):
                answer.failure("a batch with a lead that has no score")

    @task(10)
    def health(self) -> None:
        """What a load balancer asks."""
        self.client.get("/health/ready")

    @task(5)
    def model(self) -> None:
        """What an integration asks first."""
        self.client.get("/api/v1/model/info", headers=self.headers)


class Objective(NamedTuple):
    """One objective: what it is about, what was reached, and what is allowed."""

    what: str
    reached: float
    allowed: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.reached <= self.allowed

    def __str__(self) -> str:
        said = "ok" if self.met else "FAILED"
        return f"{self.what:<33} {self.reached:>9.2f} {self.unit:<2}  at most {self.allowed:g} {self.unit:<2}  {said}"


def objectives(environment: Environment) -> Iterator[Objective]:
    """Every objective of this run; one that nothing was measured for is not met."""
    options: Any = environment.parsed_options
    for path in (SINGLE, BATCH):
        entry = environment.stats.get(path, "POST")
        reached = entry.get_response_time_percentile(0.95) if entry.num_requests else float("inf")
        yield Objective(f"95 % of POST {path}", reached, options.p95_ms, "ms")
    total = environment.stats.total
    failed = 100 * total.fail_ratio if total.num_requests else 100.0
    yield Objective("failed requests", failed, options.error_percent, "%")


results: list[Objective] = []


@events.quitting.add_listener
def judge(environment: Environment, **_: Any) -> None:
    """Sets the exit code."""
    results.extend(objectives(environment))
    environment.process_exit_code = int(not all(result.met for result in results))


@events.quit.add_listener
def tell(**_: Any) -> None:
    """Says last what was reached, below Locust's own tables."""
    sys.stdout.write("".join(f"{result}\n" for result in results))
