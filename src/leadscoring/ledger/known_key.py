"""The secret with which this machine's tape was last accepted by its ledger: known without a database.

The first start with another one waits for the ledger's verdict, so that no lead gets a key by a wrong secret.
"""

from pathlib import Path

from leadscoring.errors import CannotStart
from leadscoring.ledger.lead_key import ACCEPTED, LeadKeys, open_keys
from leadscoring.ledger.objections import replace_keys
from leadscoring.settings import Settings

CHECKED = "\0 the secret of this ledger"
"""What each secret has another key of: the ledger keeps that of its own, which does not reveal the secret."""


def is_known(folder: Path, keys: LeadKeys) -> bool:
    """Whether these keys were accepted for this folder."""
    try:
        return (folder / ACCEPTED).read_bytes() == keys.key(CHECKED)
    except OSError:
        return False


def known_keys(settings: Settings) -> LeadKeys:
    """Returns the keys for a process that records leads, also one that starts long after the service.

    Raises ``CannotStart`` if LEDGER_KEY_FILE is missing, or holds another secret than the one that was accepted last.
    """
    keys, folder = open_keys(settings), Path(settings.ledger_tape_path)
    if (folder / ACCEPTED).exists() and not is_known(folder, keys):
        raise CannotStart(
            f"LEDGER_KEY_FILE {settings.ledger_key_file} holds another secret than that by which leads were recorded "
            "before: put the right file back. One of another ledger is accepted once that ledger can be reached"
        )
    return keys


def note_known(folder: Path, keys: LeadKeys) -> None:
    """Notes that the ledger accepts these keys. Raises ``OSError``."""
    replace_keys(folder / ACCEPTED, keys.key(CHECKED))
