"""Keys of leads: the ledger finds a lead by a keyed hash of its id, and keeps the id itself only if it is asked to."""

import os
import re
import secrets
from hashlib import blake2b
from pathlib import Path

from leadscoring.errors import CannotStart
from leadscoring.settings import Settings

KEY_BYTES = 16
SECRET_BYTES = 32

ACCEPTED = "key.check"
"""The file in the folder of the tape that is there once a ledger has accepted a secret; see ``known_key``."""

WRITTEN = re.compile(r"[0-9a-f]{64}\n?")
"""The content of LEDGER_KEY_FILE."""


class LeadKeys:
    """Computes the keys of leads with one secret, of 1 to 64 bytes; the engine computes the same for the tape."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    def key(self, lead_id: str) -> bytes:
        """Returns the key of a lead, 16 bytes: a keyed BLAKE2b of its id."""
        return blake2b(lead_id.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES, key=self.secret).digest()


def plain_name(lead_id: str) -> str:
    """Returns an id as the ledger keeps it in plain: PostgreSQL has no NUL in texts, nor halves of surrogate pairs."""
    return lead_id.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def open_keys(settings: Settings) -> LeadKeys:
    """Returns the keys by the secret in LEDGER_KEY_FILE, which is made for a new ledger in SQLite if it is missing.

    Raises ``CannotStart`` if the file is missing, cannot be read or made, or holds something else. It is never made
    anew: leads that were recorded by the secret before would not be found, and objections not respected.
    """
    path = Path(settings.ledger_key_file)
    try:
        if not path.exists():
            if settings.ledger.startswith("postgresql"):
                raise CannotStart(
                    f"LEDGER_KEY_FILE {path} does not exist: all instances that share a database need the same file; "
                    "make one with: openssl rand -hex 32"
                )
            if (Path(settings.ledger_tape_path) / ACCEPTED).exists():
                raise CannotStart(
                    f"LEDGER_KEY_FILE {path} does not exist, but leads were recorded by its secret: put it back, as "
                    "from a backup (or use another LEDGER and LEDGER_TAPE_PATH, to begin anew)"
                )
            make_secret(path)
        return LeadKeys(bytes.fromhex(secret_in(path)))
    except OSError as failure:
        raise CannotStart(f"LEDGER_KEY_FILE {path} cannot be used: {failure.strerror or failure}") from None


def secret_in(path: Path) -> str:
    """Returns the secret in a file, in hexadecimal. Raises ``CannotStart`` for other content, without showing it."""
    text = path.read_text("ascii", "replace")
    if not WRITTEN.fullmatch(text):
        raise CannotStart(f"LEDGER_KEY_FILE {path} must hold {2 * SECRET_BYTES} digits from 0 to f on one line")
    return text.strip()


def make_secret(path: Path) -> None:
    """Writes a new secret for its owner alone; keeps the one of another process that was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(part)
        except FileExistsError:
            return
    finally:
        part.unlink(missing_ok=True)
