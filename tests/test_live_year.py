"""Five months through the real service, whose clock follows: what it says is true. `make live-year` has two years.

It takes some seconds, since every lead of a team is scored, scored again and reported by HTTP until some are mature.
"""

import copy
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from benchmarks import live_year
from benchmarks.live_year import Difference
from benchmarks.simulated_clock import COMPILERS, SimulatedClock
from benchmarks.year import Lead, Service, serving_a_year
from programs import missing

from leadscoring.demo.live import START, live_events

pytestmark = pytest.mark.integration

DAYS, PER_DAY = 160, 8
"""Enough for a verdict, with few leads: those of 69 days are mature."""

END = START + timedelta(days=DAYS)


class Year(NamedTuple):
    """The service after the days, the leads as they were sent, and the report, which took seconds."""

    service: Service
    leads: list[Lead]
    found: Any


def clock_or_skip(folder: Path) -> SimulatedClock:
    """A clock that can be set, where there is a compiler, and the linker of Linux."""
    if not sys.platform.startswith("linux") or not any(map(shutil.which, COMPILERS)):
        missing(f"a clock that can be set needs Linux and one of {', '.join(COMPILERS)}")
    return SimulatedClock(folder)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    """A team whose leads convert as the true probabilities say; the report of the last day is kept."""
    folder = tmp_path_factory.mktemp("year")
    clock_or_skip(folder)
    with serving_a_year(folder, live_year.MODEL) as service:
        service.live_through(live_events(DAYS, PER_DAY, live_year.SEED, rescore_days=7, changes=()))
        service.wait_until_kept()
        service.clock.set(END + timedelta(minutes=1))
        found = json.loads(service.run("quality", "--keep", "--json"))
        yield Year(service, list(service.leads.values()), found)


def test_mature_leads_have_the_figures_that_others_compute(year: Year) -> None:
    """Each count is exact, and scikit-learn agrees, lead by lead."""
    live_year.check_mature(year.found, year.leads, END)


def test_nothing_is_called_wrong(year: Year) -> None:
    """The truth is in the intervals, delays are those of the generator, and no alarm stands."""
    live_year.check_promises(year.found, year.leads, END)
    live_year.check_delays(year.found)


def test_receipts_add_up(year: Year) -> None:
    """The history of a lead is what was sent, and the differences of its features are those of its scores."""
    live_year.check_receipts(year.service, year.leads)


def test_the_service_its_metrics_and_the_replay_agree(year: Year) -> None:
    """The report is that of the command, and every bit of every score is computed again."""
    live_year.check_served(year.service, DAYS)


def test_the_page_has_what_the_report_says(year: Year) -> None:
    """It is written by the command."""
    live_year.check_page(year.service, year.found, year.service.folder)


def test_what_is_not_true_is_found(year: Year) -> None:
    """A conversion that was not sent."""
    found = copy.deepcopy(year.found)
    found["overall"]["won"] += 1
    with pytest.raises(Difference, match="converted"):
        live_year.check_mature(found, year.leads, END)


def test_the_clock_of_a_process_is_set_while_it_runs(tmp_path: Path) -> None:
    """Its sleeps and its monotonic clock are not."""
    clock, program = clock_or_skip(tmp_path), "import sys, time\nfor _ in sys.stdin: print(time.time(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", program], env=clock.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for year in (2031, 2026):
            clock.set(datetime(year, 1, 1, tzinfo=UTC))
            process.stdin.write("\n")
            process.stdin.flush()
            told = datetime.fromtimestamp(float(process.stdout.readline()), UTC)
            assert (told.year, told.month, told.day) == (year, 1, 1)
        process.stdin.close()
    assert struct.calcsize("=q") == (tmp_path / "clock").stat().st_size
