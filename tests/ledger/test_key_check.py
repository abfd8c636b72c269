"""A key file that does not belong to a ledger is refused wherever the ledger is opened."""

import asyncio
import threading
from pathlib import Path

import pytest
from ledgers import KEYS, ledger_settings

from leadscoring.cli.opened_ledger import opened_ledger
from leadscoring.errors import LedgerUnavailable, LedgerUnusable
from leadscoring.ledger.database import Ledger, open_ledger
from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.key_check import check_keys
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.on_demand import LedgerOnDemand
from leadscoring.ledger.schema import migrate
from leadscoring.settings import read_settings

OTHER = LeadKeys(b"another secret, also of 32 bytes")
WRONG = r"LEDGER_KEY_FILE holds another secret than that of this ledger"


def test_the_first_secret_is_that_of_the_ledger(ledger: Ledger) -> None:
    """It is accepted again and again, and any other refused."""
    check_keys(ledger, KEYS)
    check_keys(ledger, LeadKeys(KEYS.secret))
    with pytest.raises(LedgerUnusable, match=WRONG):
        check_keys(ledger, OTHER)
    check_keys(ledger, KEYS)


def test_of_two_secrets_at_once_one_is_refused(ledger: Ledger) -> None:
    """Whichever is later."""
    refused, start = [], threading.Barrier(2)

    def check(keys: LeadKeys) -> None:
        start.wait()
        try:
            check_keys(ledger, keys)
        except LedgerUnusable:
            refused.append(keys)

    threads = [threading.Thread(target=check, args=(keys,)) for keys in (KEYS, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1


def test_a_ledger_without_tables_belongs_to_nobody_yet(tmp_path: Path) -> None:
    """Whoever makes the tables decides."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with pytest.raises(LedgerUnavailable, match="no tables yet"):
        check_keys(ledger, KEYS)
    ledger.close()


@pytest.fixture
def wrong(tmp_path: Path) -> dict[str, str]:
    """The settings of a ledger that belongs to another secret than the key file has."""
    settings = ledger_settings(tmp_path)
    ledger = open_ledger(settings["LEDGER"])
    migrate(ledger)
    check_keys(ledger, OTHER)
    ledger.close()
    return settings


def test_a_worker_refuses_it(wrong: dict[str, str]) -> None:
    """At each request, so that a key file that was put back works without a restart."""
    on_demand = LedgerOnDemand(read_settings(wrong))
    for _ in range(2):
        with pytest.raises(LedgerUnusable, match=WRONG):
            asyncio.run(on_demand.run(lambda _ledger, _keys: None))
    on_demand.close()


def test_the_keeper_refuses_it(wrong: dict[str, str], tmp_path: Path) -> None:
    """Before it moves anything; the service ends then."""
    kept = Kept(wrong["LEDGER"], tmp_path / "tape", 730, keys=KEYS)
    with pytest.raises(LedgerUnusable, match=WRONG):
        Keeping(kept, threading.Event(), lambda _state: None).run()


def test_commands_refuse_it(wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In words."""
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    import click

    with pytest.raises(click.ClickException, match=WRONG), opened_ledger():
        pass
