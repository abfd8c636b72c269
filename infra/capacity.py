"""How many replicas a load needs and what they cost, worked out from the figures of the benchmark.

``python -m infra.capacity`` writes the tables into ``docs/DEPLOYMENT.md``; ``make docs`` does so too. Prices are those
of AWS in us-east-1 as people knew them when this was written: they are assumptions, to be replaced by yours.
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
"""Of the benchmark's core that a virtual processor of a cloud is: it is one of a core's two threads."""

UTILISATION = 0.5
"""How busy replicas are planned to be, so that a peak fits in and a zone may fail."""

HOURS = 730
"""In a month."""

PROCESSOR_HOUR, GIB_HOUR = 0.04048, 0.004445
BALANCER_HOUR, CAPACITY_HOUR = 0.0225, 0.008
LOG_GB = 0.50
"""US dollars: Fargate by processor and GiB, a load balancer by hour and by capacity unit, log lines by GB taken in."""

LEAD_BYTES, HEAD_BYTES, LINE_BYTES = 2_600, 500, 250
"""A sample lead with its answer, the heads of a request and its answer, and a request's log line."""

BATCH = 1_000
"""Leads in a batch."""


class Rate(NamedTuple):
    """Leads in a second, on one core of the benchmark's and planned for one virtual processor."""

    measured: float
    planned: int


class Plan(NamedTuple):
    """What a load needs."""

    replicas: int
    compute: float
    balancer: float
    logs: float

    @property
    def dollars(self) -> float:
        """In a month."""
        return self.compute + self.balancer + self.logs


def rounded_down(value: float) -> int:
    """With two digits, so that a benchmark measured again seldom changes a plan."""
    step = 10 ** max(0, floor(log10(value)) - 1)
    return int(value // step * step)


def rate(measured: float) -> Rate:
    """What to plan with."""
    return Rate(measured, rounded_down(measured * CORE_SHARE * UTILISATION))


def rates(text: str) -> tuple[Rate, Rate]:
    """Of single leads and of batches, out of the benchmark's page; raises ``ValueError`` when it has no such figure."""
    single = re.search(r"^\| requests/s, one lead, 5 reasons +\| ([\d,]+)/s", text, re.MULTILINE)
    batch = re.search(r"^\| batch of 1,000 with 5 reasons, time a lead +\| ([\d.]+) us", text, re.MULTILINE)
    if not single or not batch:
        raise ValueError(f"{BENCHMARK.name} must have the rate of one lead and the time of a lead in a batch")
    return rate(float(single[1].replace(",", ""))), rate(1e6 / float(batch[1]))


def plan(load: int, planned: int, environment: Environment, leads: int = 1) -> Plan:
    """What ``load`` leads a second need, in requests of so many ``leads``, with replicas of this size."""
    processors = environment.cpu_millicores / 1000
    replicas = max(environment.min_replicas, ceil(load / (planned * processors)))
    hour = processors * PROCESSOR_HOUR + environment.memory_mib / 1024 * GIB_HOUR
    requests = load / leads
    gb_hour = (load * LEAD_BYTES + requests * HEAD_BYTES) * 3600 / 1e9
    return Plan(
        replicas,
        replicas * hour * HOURS,
        (BALANCER_HOUR + CAPACITY_HOUR * gb_hour) * HOURS,  # a unit is 1 GB in an hour, which is what fills first
        requests * LINE_BYTES * 3600 * HOURS / 1e9 * LOG_GB,
    )


def capacity_markdown() -> str:
    """The arithmetic and the tables."""
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
    """Replicas of both sizes, and what those of production cost in a month."""
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
    """Of one replica."""
    return f"{environment.cpu_millicores / 1000:g} processors, {environment.memory_mib // 1024} GiB"


def told(plan: Plan, environment: Environment) -> str:
    """How many, and whether that is more than the file of environments allows."""
    if plan.replicas > environment.max_replicas:
        return f"{plan.replicas} (raise `max_replicas`)"
    return f"{plan.replicas}"


def rendered(text: str) -> str:
    """The page with its tables as they should be."""
    made = f"\n{capacity_markdown()}\n\n".replace("\\", r"\\")
    return re.sub("(?<=<!-- capacity -->\n).*?(?=<!-- /capacity -->)", made, text, flags=re.DOTALL)


if __name__ == "__main__":
    sys.exit(PAGE.write_text(rendered(PAGE.read_text("utf-8")), "utf-8") == 0)
