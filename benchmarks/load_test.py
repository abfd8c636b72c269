"""Loads a running service with a realistic mix of requests, and checks it against objectives: ``make load-test``.

This is a Locust file. Of 100 requests, 75 score one lead, 10 score a batch, 10 check health and 5 get the model. The
run passes if latency and failure rate of scoring meet their objectives; the exit code is 0 then, 1 if they do not,
and 2 if no service is ready. Rejections for overload count as failures.
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
    """Adds our options to those of Locust."""
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
    """Exits with 2 if no service is ready, before thousands of requests fail."""
    host = environment.host or ""
    try:
        urllib.request.urlopen(f"{host}/health/ready", timeout=5).close()
    except (OSError, ValueError) as failure:
        sys.stderr.write(f"load-test: no service is ready at {host}: {failure}; start one, or set BASE_URL\n")
        sys.exit(2)


class Client(FastHttpUser):
    """One client, which sends a request, waits a moment, and sends the next."""

    wait_time = between(0.05, 0.15)

    def on_start(self) -> None:
        """Starts each client with a different lead."""
        options: Any = self.environment.parsed_options
        self.headers = {"X-API-Key": options.api_key}
        self.batch_size: int = options.batch
        self.leads: Iterator[Any] = cycle(random.sample(LEADS, len(LEADS)))

    @task(75)
    def score(self) -> None:
        """Scores one lead and checks the answer."""
        with self.client.post(SINGLE, json=next(self.leads), headers=self.headers, catch_response=True) as answer:
            if answer.status_code == 200 and "score" not in answer.json():
                answer.failure("an answer without a score")

    @task(10)
    def score_batch(self) -> None:
        """Scores a batch and checks that each lead has a score."""
        batch = [next(self.leads) for _ in range(self.batch_size)]
        with self.client.post(BATCH, json=batch, headers=self.headers, catch_response=True) as answer:
            if answer.status_code == 200 and sum("score" in place for place in answer.json()) != len(batch):
                answer.failure("a batch with a lead that has no score")

    @task(10)
    def health(self) -> None:
        """Checks health, like a load balancer."""
        self.client.get("/health/ready")

    @task(5)
    def model(self) -> None:
        """Gets the model, like an integration on startup."""
        self.client.get("/api/v1/model/info", headers=self.headers)


class Objective(NamedTuple):
    """One objective: its name, the measured value, and the maximum."""

    what: str
    reached: float
    allowed: float
    unit: str

    @property
    def met(self) -> bool:
        """Whether the objective is met."""
        return self.reached <= self.allowed

    def __str__(self) -> str:
        said = "ok" if self.met else "FAILED"
        return f"{self.what:<33} {self.reached:>9.2f} {self.unit:<2}  at most {self.allowed:g} {self.unit:<2}  {said}"


def objectives(environment: Environment) -> Iterator[Objective]:
    """Returns all objectives of this run; objectives without measurements are not met."""
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
    """Sets the exit code by the objectives."""
    results.extend(objectives(environment))
    environment.process_exit_code = int(not all(result.met for result in results))


@events.quit.add_listener
def tell(**_: Any) -> None:
    """Prints the objectives below Locust's own tables."""
    sys.stdout.write("".join(f"{result}\n" for result in results))
