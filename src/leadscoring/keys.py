"""Who may call, and what: API keys, held as digests, compared in constant time, followed when their file changes."""

import hashlib
import time
from collections.abc import Iterable
from hmac import compare_digest
from math import inf
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Protocol

from leadscoring.errors import ExpiredKey, KeyFileInvalid, KeyScope, MissingKey, UnknownKey
from leadscoring.key_file import Entry, KeyFile, Scope, sha256_of
from leadscoring.logs import Log
from leadscoring.settings import DEMO_KEY, Settings

LOOK_SECONDS = 1.0
"""How long a change of the file may go unseen while requests come in."""

DEMO_DIGEST = sha256_of(DEMO_KEY)

log = Log("leadscoring.keys")


class Key(NamedTuple):
    """A key that is ours: how logs name it, what it opens, until when."""

    label: str
    digest: bytes
    scopes: tuple[Scope, ...] = ("score",)
    expires_at: float = inf

    def works(self, now: float) -> bool:
        """Whether it has not expired."""
        return now < self.expires_at


NOBODY = (b"", Key("", b"", ()))


class Door(Protocol):
    """Lets callers in: by their keys, or all of them where somebody else has checked who they are."""

    def check(self, presented: bytes | None, scope: Scope = "score") -> Key:
        """Who is let in. Raises ``MissingKey``, ``UnknownKey``, ``ExpiredKey`` or ``KeyScope``."""
        ...


class KeyRing:
    """The keys that are known now, by their SHA-256.

    Of the keys themselves only the one that was accepted last is kept, for a moment: most callers come again, and to
    compare it takes a tenth of the time that hashing does.

    ``keys`` open scoring and never expire. ``file`` is read again when it has changed, by the next request
    after ``LOOK_SECONDS`` at the latest; where it says something of a key in ``keys``, the file counts. Raises
    ``KeyFileInvalid`` when the file cannot be read, or holds the demo key against ``refuse_demo``.
    """

    def __init__(self, keys: Iterable[str], file: Path | None = None, refuse_demo: bool = False) -> None:
        self._own = tuple(Key(fingerprint(digest), digest) for digest in dict.fromkeys(map(sha256_of, keys)))
        self._file = KeyFile(file) if file else None
        self._refuse_demo = refuse_demo
        self._filed: tuple[Key, ...] = ()
        if self._file:
            self._filed = self._taken(self._file.news() or ())
        self._known: tuple[tuple[bytes, Key, bool], ...] = ()
        self._latest = NOBODY
        self._due = 0.0
        self._sort_out()

    @classmethod
    def of(cls, settings: Settings) -> "KeyRing":
        """The keys of these settings. Raises ``KeyFileInvalid``."""
        file = Path(settings.api_keys_file) if settings.api_keys_file else None
        return cls(settings.api_keys, file, settings.refuses_insecure)

    def check(self, presented: bytes | None, scope: Scope = "score") -> Key:
        """The key that was presented, when it is one of ours and opens ``scope``.

        Raises ``MissingKey``, ``UnknownKey``, ``ExpiredKey`` or ``KeyScope``. Every digest is compared,
        whichever matches, so that the time taken says nothing of the keys.
        """
        if monotonic() >= self._due:
            self.refresh()
        if not presented:
            raise MissingKey
        latest, key = self._latest
        if not compare_digest(presented, latest):
            key = self._find(presented)
            self._latest = (presented, key)
        if scope not in key.scopes:
            raise KeyScope(key.label, scope)
        return key

    def _find(self, presented: bytes) -> Key:
        digest = hashlib.sha256(presented).digest()
        found = None
        for known in self._known:
            if compare_digest(digest, known[0]):
                found = known
        if found is None:
            raise UnknownKey(f"unknown-{fingerprint(digest)}")
        _, key, works = found
        if not works:
            raise ExpiredKey(key.label)
        return key

    def refresh(self) -> None:
        """Takes what has changed in the file; one that cannot be taken changes nothing."""
        if self._file:
            try:
                entries = self._file.news()
                if entries is not None:
                    before, self._filed = self._filed, self._taken(entries)
                    announce(before, self._filed)
            except KeyFileInvalid as failure:
                log.error("key file refused", why=str(failure), keys=len(self._filed))  # noqa: TRY400  # no traceback helps here
        self._sort_out()

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key, also those that have expired."""
        return tuple(key for _, key, _ in self._known)

    @property
    def demo_active(self) -> bool:
        """Whether the key that everyone knows opens this service."""
        return any(works and digest == DEMO_DIGEST for digest, _, works in self._known)

    @property
    def next_expiry(self) -> float:
        """When the next of the working keys expires, in seconds since 1970; infinity for never."""
        return min((key.expires_at for _, key, works in self._known if works), default=inf)

    def usable(self, scope: Scope) -> bool:
        """Whether any key opens ``scope`` now."""
        return any(works and scope in key.scopes for _, key, works in self._known)

    def _taken(self, entries: tuple[Entry, ...]) -> tuple[Key, ...]:
        assert self._file  # noqa: S101  # entries come from it
        taken = tuple(map(key_of, entries))
        for key in taken:
            if self._refuse_demo and key.digest == DEMO_DIGEST:
                why = f"entry {key.label!r} is the demo key, which everyone knows (REQUIRE_SECURE_CONFIG=true)"
                raise KeyFileInvalid(str(self._file.path), why)
        return taken

    def _sort_out(self) -> None:
        """Notes which keys work, and when to look again: an expiry counts to the moment."""
        filed = {key.digest for key in self._filed}
        keys = (*self._filed, *(key for key in self._own if key.digest not in filed))
        now = time.time()
        self._known = tuple((key.digest, key, key.works(now)) for key in keys)
        self._latest = NOBODY  # it may have expired, or be gone
        self._due = monotonic() + min(LOOK_SECONDS, self.next_expiry - now)


def key_of(entry: Entry) -> Key:
    """An entry as a key; ``admin`` opens everything."""
    scopes: tuple[Scope, ...] = ("score", "admin") if "admin" in entry.scopes else ("score",)
    return Key(entry.label, entry.digest, scopes, entry.expires_at)


def fingerprint(digest: bytes) -> str:
    """How logs tell keys apart that have no label."""
    return digest[:4].hex()


def announce(before: tuple[Key, ...], after: tuple[Key, ...]) -> None:
    """Says in the log which keys came and went."""
    old, new = {key.label for key in before}, {key.label for key in after}
    log.info("key file read", keys=len(after), added=sorted(new - old), removed=sorted(old - new))
