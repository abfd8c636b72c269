"""The ledger of a worker: opened by the first request, once, and never waited for without an end."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from ledgers import ledger_settings, new_ledger

from leadscoring.errors import LedgerOff, LedgerUnavailable, LedgerUnusable
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.on_demand import THREADS, WAITING, LedgerOnDemand
from leadscoring.settings import read_settings


def test_it_is_opened_once_by_the_first_call(tmp_path: Path) -> None:
    """And not before: until then there is no file."""

    async def calls() -> set[int]:
        found = [await on_demand.run(lambda ledger, _: id(ledger)) for _ in range(3)]
        return set(found)

    on_demand = LedgerOnDemand(read_settings(ledger_settings(tmp_path)))
    assert not (tmp_path / "ledger.db").exists()
    new_ledger(tmp_path).close()
    assert len(asyncio.run(calls())) == 1
    assert (tmp_path / "ledger.db").exists()
    on_demand.close()


def test_without_a_ledger_it_says_so() -> None:
    """At once."""
    with pytest.raises(LedgerOff):
        asyncio.run(LedgerOnDemand(read_settings({})).run(lambda _, __: None))


def test_too_many_that_wait_are_turned_away(tmp_path: Path) -> None:
    """The others get their results once the database answers, also if whoever asked has gone."""
    new_ledger(tmp_path).close()
    on_demand = LedgerOnDemand(read_settings(ledger_settings(tmp_path)))
    opened, done = threading.Event(), []

    def work(_ledger: Ledger, _keys: LeadKeys) -> int:
        opened.wait(60)
        done.append(1)
        return 7

    async def crowd() -> list[int | BaseException]:
        waiting = [asyncio.create_task(on_demand.run(work)) for _ in range(WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(LedgerUnavailable, match=f"{WAITING} requests wait for it"):
            await on_demand.run(work)
        waiting[0].cancel()
        opened.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    results = asyncio.run(crowd())
    on_demand.close()
    assert results[1:] == [7] * (WAITING - 1)
    assert isinstance(results[0], asyncio.CancelledError)
    assert len(done) == WAITING > THREADS


def test_a_key_file_that_is_gone_is_an_error_in_words(tmp_path: Path) -> None:
    """Not a fault of the service."""
    settings = ledger_settings(tmp_path)
    (tmp_path / "ledger.key").write_text("no key")
    with pytest.raises(LedgerUnusable, match="LEDGER_KEY_FILE"):
        asyncio.run(LedgerOnDemand(read_settings(settings)).run(lambda _, __: None))


def test_importing_the_routes_imports_no_database() -> None:
    """What a worker that only scores has loaded."""
    program = (
        "import sys; import leadscoring.api.outcomes, leadscoring.api.leads, leadscoring.serving.wiring; "
        "print([name for name in sys.modules if name.partition('.')[0] in ('sqlalchemy', 'alembic', 'sqlite3')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout == "[]\n"
