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
from leadscoring.key_file import Entry, KeyFile, Scope, read, replace, sha256_of, written
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
    after ``LOOK_SECONDS`` at the latest; where it says something of a key in ``keys``, the file counts. ``copy`` is
    where a ``KeyCopy`` may be, which is taken when the file cannot be. Raises ``KeyFileInvalid`` when there is none
    and the file cannot be read, or holds the demo key against ``refuse_demo``.
    """

    def __init__(
        self, keys: Iterable[str], file: Path | None = None, refuse_demo: bool = False, copy: Path | None = None
    ) -> None:
        self._own = tuple(Key(fingerprint(digest), digest) for digest in dict.fromkeys(map(sha256_of, keys)))
        self._file = KeyFile(file) if file else None
        self._refuse_demo = refuse_demo
        self._filed: tuple[Key, ...] = ()
        self.refused = False
        """Whether the file, as it is now, cannot be taken, so that its keys from before count."""
        if self._file:
            self._filed = self._taken_first(self._file, copy)
        self._known: tuple[tuple[bytes, Key, bool], ...] = ()
        self._latest = NOBODY
        self._due = 0.0
        self._sort_out()

    @classmethod
    def of(cls, settings: Settings, copy: Path | None = None) -> "KeyRing":
        """The keys of these settings. Raises ``KeyFileInvalid``."""
        file = Path(settings.api_keys_file) if settings.api_keys_file else None
        return cls(settings.api_keys, file, settings.refuses_insecure, copy)

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
                    before, self._filed = self._filed, taken(entries, self._file.path, self._refuse_demo)
                    self.refused = False
                    announce(before, self._filed)
            except KeyFileInvalid as failure:
                self.refused = True
                log.error("key file refused", why=str(failure), keys=len(self._filed))  # noqa: TRY400  # no traceback helps here
        self._sort_out()

    def reread(self) -> None:
        """Reads the file now, also when nothing tells that it has changed."""
        if self._file:
            self._file.forget()
        self.refresh()
        log.info("read again", keys=len(self._known))

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

    def _taken_first(self, file: KeyFile, copy: Path | None) -> tuple[Key, ...]:
        """The keys to start with: those of the file or, when it cannot be taken, of its copy."""
        try:
            return taken(file.news() or (), file.path, self._refuse_demo)
        except KeyFileInvalid as failure:
            if copy is None or not copy.exists():
                raise
            kept = taken(read(copy), copy, self._refuse_demo)
            self.refused = True
            log.error("key file refused", why=str(failure), keys=len(kept))  # noqa: TRY400  # no traceback helps here
            return kept

    def _sort_out(self) -> None:
        """Notes which keys work, and when to look again: an expiry counts to the moment."""
        filed = {key.digest for key in self._filed}
        keys = (*self._filed, *(key for key in self._own if key.digest not in filed))
        now = time.time()
        self._known = tuple((key.digest, key, key.works(now)) for key in keys)
        self._latest = NOBODY  # it may have expired, or be gone
        self._due = monotonic() + min(LOOK_SECONDS, self.next_expiry - now)


class KeyCopy:
    """A copy of the last state of the key file that could be taken, kept by whoever outlives a worker.

    A worker that is replaced while the file is broken starts with the keys that the others go on to accept. It
    holds what the file holds, digests and no keys, and is readable by the same user alone.
    """

    def __init__(self, settings: Settings, copy: Path) -> None:
        self._file = KeyFile(Path(settings.api_keys_file)) if settings.api_keys_file else None
        self._refuse_demo = settings.refuses_insecure
        self._copy = copy

    def follow(self) -> None:
        """Takes what has changed in the file, if it can be taken; those who use it say when it cannot."""
        if self._file is None:
            return
        try:
            entries = self._file.news()
            if entries is None:
                return
            taken(entries, self._file.path, self._refuse_demo)
        except KeyFileInvalid:
            return
        try:
            replace(self._copy, written(entries))
        except OSError:
            self._copy.unlink(missing_ok=True)  # none is better than one with keys that were taken away


def taken(entries: tuple[Entry, ...], path: Path, refuse_demo: bool) -> tuple[Key, ...]:
    """The entries of a file as keys. Raises ``KeyFileInvalid`` when one is the demo key, against ``refuse_demo``."""
    keys = tuple(map(key_of, entries))
    for key in keys:
        if refuse_demo and key.digest == DEMO_DIGEST:
            why = f"entry {key.label!r} is the demo key, which everyone knows (REQUIRE_SECURE_CONFIG=true)"
            raise KeyFileInvalid(str(path), why)
    return keys


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
