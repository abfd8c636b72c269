"""The secret with which this machine's tape was last accepted by its ledger: known without a database.

The first start with another one waits for the ledger's verdict, so that no lead gets a key by a wrong secret.
"""

from pathlib import Path

from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.objections import replace_keys

CHECKED = "\0 the secret of this ledger"
"""What each secret has another key of: the ledger keeps that of its own, which does not reveal the secret."""

FILE = "key.check"
"""The file in the folder of the tape."""


def is_known(folder: Path, keys: LeadKeys) -> bool:
    """Whether these keys were accepted for this folder."""
    try:
        return (folder / FILE).read_bytes() == keys.key(CHECKED)
    except OSError:
        return False


def note_known(folder: Path, keys: LeadKeys) -> None:
    """Notes that the ledger accepts these keys. Raises ``OSError``."""
    replace_keys(folder / FILE, keys.key(CHECKED))
