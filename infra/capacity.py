"""Calculates how many replicas a load needs and what they cost, from the results of the benchmark.

``python -m infra.capacity`` writes the tables into ``docs/DEPLOYMENT.md``, and so does ``make docs``. Prices are those
of AWS in us-east-1 at the time of writing: they are assumptions, to be replaced by yours.
"""

import re
import sys
from math import ceil, floor, log10
from pathlib import Path
from typing import NamedTuple

from infra.environments import Environment, read_environment

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "DEPLOYMENT.md"
BENCHMARK = ROOT / "benchmarks" / "README.md"
LOADS = (10, 100, 1_000, 10_000, 100_000)

CORE_SHARE = 0.5
"""Share of the benchmark's core that a virtual processor provides, which is one of the two threads of a core."""

UTILISATION = 0.5
"""Planned utilization of replicas, which leaves capacity for a peak and for the failure of a zone."""

HOURS = 730
"""Hours per month."""

PROCESSOR_HOUR, GIB_HOUR = 0.04048, 0.004445
BALANCER_HOUR, CAPACITY_HOUR = 0.0225, 0.008
LOG_GB = 0.50
"""Prices in US dollars: Fargate per processor and GiB, load balancer per hour and capacity unit, logs per GB."""

LEAD_BYTES, HEAD_BYTES, LINE_BYTES = 2_600, 500, 250
"""Bytes of a sample lead with its answer, of the headers of a request and its response, and of its log line."""

BATCH = 1_000
"""Leads per batch."""


class Rate(NamedTuple):
    """Leads per second: measured on one core of the benchmark, and planned for one virtual processor."""

    measured: float
    planned: int


class Plan(NamedTuple):
    """The replicas for a load, and the monthly costs in US dollars."""

    replicas: int
    compute: float
    balancer: float
    logs: float

    @property
    def dollars(self) -> float:
        """The total cost per month in US dollars."""
        return self.compute + self.balancer + self.logs


def rounded_down(value: float) -> int:
    """Rounds down to two digits, so that repeated benchmarks rarely change a plan."""
    step = 10 ** max(0, floor(log10(value)) - 1)
    return int(value // step * step)


def rate(measured: float) -> Rate:
    """Returns the planned rate for a measured one."""
    return Rate(measured, rounded_down(measured * CORE_SHARE * UTILISATION))


def rates(text: str) -> tuple[Rate, Rate]:
    """Parses the rates of single leads and of batches from the benchmark's page; raises ``ValueError`` if missing."""
    single = re.search(r"^\| requests/s, one lead, 5 reasons +\| ([\d,]+)/s", text, re.MULTILINE)
    batch = re.search(r"^\| batch of 1,000 with 5 reasons, time a lead +\| ([\d.]+) us", text, re.MULTILINE)
    if not single or not batch:
        raise ValueError(f"{BENCHMARK.name} must have the rate of one lead and the time of a lead in a batch")
    return rate(float(single[1].replace(",", ""))), rate(1e6 / float(batch[1]))


def plan(load: int, planned: int, environment: Environment, leads: int = 1) -> Plan:
    """Plans for ``load`` leads per second, in requests of ``leads`` each, with replicas of this size."""
    processors = environment.cpu_millicores / 1000
    replicas = max(environment.min_replicas, ceil(load / (planned * processors)))
    hour = processors * PROCESSOR_HOUR + environment.memory_mib / 1024 * GIB_HOUR
    requests = load / leads
    gb_hour = (load * LEAD_BYTES + requests * HEAD_BYTES) * 3600 / 1e9
    return Plan(
        replicas,
        replicas * hour * HOURS,
        (BALANCER_HOUR + CAPACITY_HOUR * gb_hour) * HOURS,  # a unit is 1 GB per hour, which is the limit reached first
        requests * LINE_BYTES * 3600 * HOURS / 1e9 * LOG_GB,
    )


def capacity_markdown() -> str:
    """Renders the calculation and the tables."""
    single, batch = rates(BENCHMARK.read_text("utf-8"))
    dev, prod = read_environment("dev"), read_environment("prod")
    lines = [
        "| | measured on a core | planned for a virtual processor |",
        "|---|---|---|",
        *(
            f"| {what} | {rate.measured:,.0f} leads/s | {rate.measured:,.0f} x {CORE_SHARE} x {UTILISATION} "
            f"= **{rate.planned:,} leads/s** |"
            for what, rate in (("single requests", single), (f"batches of {BATCH:,}", batch))
        ),
    ]
    for what, rate, leads in (("Single requests", single, 1), (f"Batches of {BATCH:,}", batch, BATCH)):
        lines += ["", f"{what}:", "", *table(rate, leads, dev, prod)]
    return "\n".join(lines)


def table(rate: Rate, leads: int, dev: Environment, prod: Environment) -> list[str]:
    """Renders the replicas of both sizes, and the monthly cost of those of production."""
    lines = [
        f"| leads/s | processors | replicas of `dev` ({size(dev)}) | replicas of `prod` ({size(prod)}) | compute | "
        "load balancer | log lines | together |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for load in LOADS:
        small, large = plan(load, rate.planned, dev, leads), plan(load, rate.planned, prod, leads)
        money = [f"${part:,.0f}" for part in (large.compute, large.balancer, large.logs, large.dollars)]
        lines.append(
            f"| {load:,} | {load:,} / {rate.planned:,} = {load / rate.planned:.2g} | {told(small, dev)} | "
            f"{told(large, prod)} | " + " | ".join(money) + " |"
        )
    return lines


def size(environment: Environment) -> str:
    """Describes the size of one replica."""
    return f"{environment.cpu_millicores / 1000:g} processors, {environment.memory_mib // 1024} GiB"


def told(plan: Plan, environment: Environment) -> str:
    """Formats the number of replicas, with a note if it exceeds the environment's maximum."""
    if plan.replicas > environment.max_replicas:
        return f"{plan.replicas} (raise `max_replicas`)"
    return f"{plan.replicas}"


def rendered(text: str) -> str:
    """Returns the page with its tables rendered again."""
    made = f"\n{capacity_markdown()}\n\n".replace("\\", r"\\")
    return re.sub("(?<=<!-- capacity -->\n).*?(?=<!-- /capacity -->)", made, text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8") == 0)
