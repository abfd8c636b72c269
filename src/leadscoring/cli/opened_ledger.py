"""The ledger of a command: that of the settings, which the service has too."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import click

from leadscoring.cli.working import in_words
from leadscoring.errors import LeadScoringError, SettingError
from leadscoring.settings import Settings, read_settings

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger
    from leadscoring.ledger.kept_models import KeptModels
    from leadscoring.ledger.lead_key import LeadKeys

OFF = "LEDGER is empty: set it to that of the service, with LEDGER_KEY_FILE (on: SQLite at data/ledger.db)"


class OpenedLedger(NamedTuple):
    """A ledger, the keys of leads, and the settings that it was opened by."""

    ledger: "Ledger"
    keys: "LeadKeys"
    settings: Settings

    def models(self) -> "KeptModels":
        """What opens the models of the ledger, as the service opens its own."""
        from leadscoring.ledger.kept_models import KeptModels
        from leadscoring.model.file import Opening

        return KeptModels(Opening(rounds=self.settings.model_rounds, missing=self.settings.model_missing))


@contextmanager
def opened_ledger() -> Iterator[OpenedLedger]:
    """Opens the ledger that LEDGER names, for as long as the context is open.

    Raises ``click.ClickException`` for our own errors, in it too.
    """
    try:
        settings = read_settings(os.environ)
    except SettingError as failure:
        raise click.ClickException(str(failure)) from None
    if not settings.ledger:
        raise click.ClickException(OFF)
    from leadscoring.ledger.database import ledger_url, open_ledger
    from leadscoring.ledger.key_check import check_keys
    from leadscoring.ledger.lead_key import open_keys
    from leadscoring.ledger.schema import version_of

    try:
        ledger = open_ledger(ledger_url(settings) or "")
        try:
            version_of(ledger)  # of a later version of this package, tables may mean something else
            keys = open_keys(settings)
            check_keys(ledger, keys)
            yield OpenedLedger(ledger, keys, settings)
        finally:
            ledger.close()
    except LeadScoringError as failure:
        raise click.ClickException(in_words(failure)) from None


def actor() -> str:
    """Who runs a command, as acts and outcomes name it: the user of the machine."""
    import getpass

    try:
        return f"leadscoring ({getpass.getuser()})"
    except (KeyError, OSError):  # a container without a user of that number
        return f"leadscoring (user {os.getuid()})"
