"""The ledger of a command is that of the settings; what is wrong with them is said in words."""

from pathlib import Path

import click
import pytest
from ledgers import KEYS, ledger_settings, new_ledger

from leadscoring.cli.opened_ledger import actor, opened_ledger


def test_it_is_the_ledger_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the keys that the service has."""
    new_ledger(tmp_path).close()
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    with opened_ledger() as opened:
        assert opened.keys.key("ann") == KEYS.key("ann")
        assert opened.ledger.name.endswith("ledger.db")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"LEDGER": ""}, "LEDGER is empty"),
        ({"LEDGER": "mysql://x"}, "LEDGER must be"),
        ({"LEDGER_KEY_FILE": "/dev/null"}, "LEDGER_KEY_FILE"),
        ({"PORT": "x"}, "PORT must be"),
    ],
)
def test_wrong_settings_are_errors_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], said: str
) -> None:
    """Not faults of the program."""
    for name, value in (ledger_settings(tmp_path) | settings).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(click.ClickException, match=said), opened_ledger():
        pass


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables may mean something else by then."""
    ledger = new_ledger(tmp_path)
    with ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE ledger_version SET version_num = 'v99'")
    ledger.close()
    for name, value in ledger_settings(tmp_path).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(click.ClickException, match="have version v99, this version"), opened_ledger():
        pass


def test_acts_name_the_user_of_the_machine() -> None:
    """Since a command has no key."""
    assert actor().startswith("leadscoring (")
