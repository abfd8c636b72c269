"""The leads whose persons objected to scoring, as a worker knows them: from a file, without a database.

Whoever changes an objection writes the file anew from the ledger, and so does the keeper, for changes that other
instances made. Workers look at it once a second. There is no file until somebody objects, and then nothing to check.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.telemetry.log import Log
from leadscoring.whole_file import whole_file

FILE = "objected"
"""The file in the folder of the tape: the keys of leads, one after another."""

KEY_BYTES = 16

LOOK_SECONDS = 1.0
"""How long it takes at most until a worker knows of an objection that another process published."""

log = Log("leadscoring.ledger")

Stamp = tuple[int, int, int]
Objected = Callable[[str], bool]


class Objections:
    """Follows the file, and hands the check of a lead's id to ``use``: ``None`` while nobody objects.

    ``keys`` are those of the leads that are scored, whatever becomes of the file of their secret.
    """

    def __init__(self, file: Path, keys: LeadKeys, use: Callable[[Objected | None], None]) -> None:
        self._file = file
        self._keys = keys
        self._use = use
        self._stamp: Stamp | None = None
        self._refused = ""
        self.held: frozenset[bytes] = frozenset()
        self.refresh()

    def refresh(self) -> None:
        """Reads the file if it has changed; one that cannot be read leaves the objections as they are."""
        stamp = stamp_of(self._file)
        if stamp == self._stamp:
            return
        try:
            content = self._file.read_bytes() if stamp is not None else b""
            why = f"{len(content)} bytes are no keys of {KEY_BYTES}" if len(content) % KEY_BYTES else ""
        except OSError as failure:
            content, why = b"", failure.strerror or type(failure).__name__
        if why != self._refused:  # once, and again only for another reason
            self._refused = why
            if why:
                log.error("objections not read", why=why, objections=len(self.held))
        if why:
            return
        self._stamp = stamp
        self.held = frozenset(content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES))
        self._use(self._check() if self.held else None)

    def _check(self) -> Objected:
        key, held = self._keys.key, self.held
        return lambda lead_id: key(lead_id) in held

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follows the file while the context is open."""
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.refresh()


def stamp_of(file: Path) -> Stamp | None:
    """Identifies the state of a file; ``None`` if there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def replace_keys(file: Path, content: bytes) -> bool:
    """Replaces the file by one with these keys, unless it has them already; returns whether it did."""
    try:
        before = file.read_bytes()
    except FileNotFoundError:
        before = b""
    if content == before:
        return False
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(file) as part:
        part.write_bytes(content)
        part.chmod(0o600)
    return True
