"""API keys: held as digests, compared in constant time, and reloaded when their file changes."""

import asyncio
import hashlib
import time
from bisect import bisect_right
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from hmac import compare_digest
from math import inf
from pathlib import Path
from time import monotonic

import msgspec

from leadscoring.access.key_file import SCOPES, Entry, KeyFile, Scope, read, replace, sha256_of
from leadscoring.errors import ExpiredKey, KeyFileInvalid, KeyScope, MissingKey, UnknownKey
from leadscoring.settings import DEMO_KEY, Settings
from leadscoring.stretches import Stretches, Work, at_once
from leadscoring.telemetry.log import Log

LOOK_SECONDS = 1.0
"""Maximum delay before a change of the file is noticed."""

TAKEN, FREED = 300, 2000
"""Entries converted to keys, and keys counted or freed, between two pauses."""

FOLLOW_SECONDS = 0.05
"""How long the supervisor reads the file before it checks on its workers again."""

NAMED = 50
"""Maximum number of labels in one log line."""

DONE = object()
DEMO_DIGEST = sha256_of(DEMO_KEY)

log = Log("leadscoring.keys")


class Key(msgspec.Struct, frozen=True, gc=False):
    """An API key: its label in logs, its scopes and its expiry."""

    label: str
    digest: bytes
    scopes: tuple[Scope, ...] = ("score",)
    expires_at: float = inf

    def works(self, now: float) -> bool:
        """Whether it has not expired at ``now``, in seconds since 1970."""
        return now < self.expires_at


NO_KEY = (b"", Key("", b"", ()))


class Filed:
    """The keys of a file by digest, with aggregates over all of them."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Key] = {}
        self.until: dict[Scope, float] = dict.fromkeys(SCOPES, -inf)
        """When the last key for each scope expires, in seconds since 1970."""
        self._expiries: set[float] = set()
        self._sorted: list[float] = []

    def add(self, key: Key) -> None:
        """Adds a key."""
        self.keys[key.digest] = key
        if key.expires_at != inf:
            self._expiries.add(key.expires_at)
        for scope in key.scopes:
            self.until[scope] = max(self.until[scope], key.expires_at)

    def next_expiry(self, now: float) -> float:
        """The first expiry after ``now``, in seconds since 1970; infinity if there is none."""
        if len(self._sorted) != len(self._expiries):
            self._sorted = sorted(self._expiries)
        place = bisect_right(self._sorted, now)
        return self._sorted[place] if place < len(self._sorted) else inf


class KeyRing:
    """The keys in effect, by their SHA-256.

    Only the most recently accepted key is kept in clear, and only briefly: most callers call again, and comparing
    costs a tenth of hashing.

    ``keys`` have the scope ``score`` and never expire. ``file`` is read again after a change, by the next request or
    by ``following``, and at most once in ``LOOK_SECONDS``; it takes precedence over ``keys``. A long file is read by a
    task of the event loop in slices of a millisecond, so that requests are not blocked. ``copy`` is the path of the
    ``KeyCopy``, which is the fallback when the file is invalid. Raises ``KeyFileInvalid`` if the file cannot be read
    and there is no copy, or if it holds the demo key although ``refuse_demo`` is set.
    """

    def __init__(
        self, keys: Iterable[str], file: Path | None = None, refuse_demo: bool = False, copy: Path | None = None
    ) -> None:
        self._own = {digest: Key(fingerprint(digest), digest) for digest in map(sha256_of, keys)}
        self._file = KeyFile(file) if file else None
        self._refuse_demo = refuse_demo
        self._filed = Filed()
        self._reading: asyncio.Task[None] | None = None
        self._again = False
        self.refused = False
        """Whether the current file is invalid, so that the previously loaded keys remain in effect."""
        if self._file:
            self._filed = self._initial_keys(self._file, copy)
        self._latest = NO_KEY
        self._due = 0.0
        self._look_later()

    @classmethod
    def of(cls, settings: Settings, copy: Path | None = None) -> "KeyRing":
        """The keys configured by the settings. Raises ``KeyFileInvalid``."""
        file = Path(settings.api_keys_file) if settings.api_keys_file else None
        return cls(settings.api_keys, file, settings.refuses_insecure, copy)

    def check(self, presented: bytes | None, scope: Scope = "score") -> Key:
        """The key that was presented, if it is known, has not expired and has ``scope``.

        Raises ``MissingKey``, ``UnknownKey``, ``ExpiredKey`` or ``KeyScope``. Keys are looked up by their SHA-256,
        whose bytes an attacker cannot choose, so the response time reveals nothing about them.
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
        key = self._filed.keys.get(digest) or self._own.get(digest)
        if key is None:
            raise UnknownKey(f"unknown-{fingerprint(digest)}")
        if not key.works(time.time()):
            raise ExpiredKey(key.label)
        return key

    def refresh(self) -> None:
        """Loads the file if it has changed; an invalid file leaves the keys as they are.

        With a running event loop, work that takes longer than a millisecond continues as a background task.
        """
        self._look_later()
        if self._file is None or self._reading is not None:
            return
        work = iter(Work(self._following(self._file)))
        if next(work, DONE) is DONE:  # the usual case
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            deque(work, maxlen=0)
            return
        self._reading = loop.create_task(self._go_on(work))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follows the file while the context is open, so that a worker without requests never holds revoked keys."""
        task = asyncio.create_task(self._follow()) if self._file else None
        try:
            yield
        finally:
            if task:
                task.cancel()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if monotonic() >= self._due:
                self.refresh()

    def reread(self) -> None:
        """Reads the file now even if it has not changed, and logs completion."""
        self._again = True
        self.refresh()
        if self._file is None:
            self._log_reread()

    async def _go_on(self, work: Iterator[None]) -> None:
        """Finishes a reload, one slice per iteration of the event loop."""
        try:
            for _ in work:
                await asyncio.sleep(0)
        finally:
            self._reading = None
        if self._again:  # requested during the reload
            self.refresh()

    def _following(self, file: KeyFile) -> Stretches[None]:
        """Reads the file if it has changed, and replaces the keys loaded from it."""
        again, self._again = self._again, False
        if again:
            file.forget()
        try:
            entries = yield from file.changed_entries()
            if entries is not None:
                filed = yield from filed_keys(entries, file.path, self._refuse_demo)
                before, self._filed = self._filed.keys, filed
                self.refused = False
                self._look_later()
                yield from announce(before, filed.keys)
                yield from freed(before, entries)
        except KeyFileInvalid as failure:
            self.refused = True
            log.error("key file refused", why=str(failure), keys=len(self._filed.keys))  # noqa: TRY400  # no traceback helps here
        if again:
            self._log_reread()

    def _log_reread(self) -> None:
        self._again = False
        log.info("read again", keys=len(self.keys))

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys, including expired ones."""
        own = (key for digest, key in self._own.items() if digest not in self._filed.keys)
        return (*self._filed.keys.values(), *own)

    @property
    def demo_active(self) -> bool:
        """Whether the public demo key grants access to this service."""
        demo = self._filed.keys.get(DEMO_DIGEST) or self._own.get(DEMO_DIGEST)
        return demo is not None and demo.works(time.time())

    @property
    def next_expiry(self) -> float:
        """When the next key expires, in seconds since 1970; infinity if none does."""
        return self._filed.next_expiry(time.time())

    def usable(self, scope: Scope) -> bool:
        """Whether any valid key has ``scope``."""
        own = scope == "score" and any(digest not in self._filed.keys for digest in self._own)
        return own or self._filed.until[scope] > time.time()

    def _initial_keys(self, file: KeyFile, copy: Path | None) -> Filed:
        """The initial keys: those of the file or, if it is invalid, of its copy."""
        try:
            entries: list[Entry] | None = at_once(file.changed_entries())
            return at_once(filed_keys(entries or [], file.path, self._refuse_demo))
        except KeyFileInvalid as failure:
            if copy is None or not copy.exists():
                raise
            kept = at_once(filed_keys(read(copy), copy, self._refuse_demo))
            self.refused = True
            log.error("key file refused", why=str(failure), keys=len(kept.keys))  # noqa: TRY400  # no traceback helps here
            return kept

    def _look_later(self) -> None:
        """Schedules the next check of the file, at the latest when the next key expires."""
        self._latest = NO_KEY  # it may have expired or been removed
        self._due = monotonic() + min(LOOK_SECONDS, self.next_expiry - time.time())


class KeyCopy:
    """A copy of the last valid key file, kept by the supervisor, which outlives its workers.

    A worker that is restarted while the file is invalid starts with the keys that the other workers still accept. The
    copy holds what the file holds, digests and no keys, and is readable by the same user only.
    """

    def __init__(self, settings: Settings, copy: Path) -> None:
        self._file = KeyFile(Path(settings.api_keys_file)) if settings.api_keys_file else None
        self._refuse_demo = settings.refuses_insecure
        self._copy = copy
        self._work: Iterator[None] | None = None

    def follow(self) -> None:
        """Copies the file if it has changed and is valid; the workers log when it is not.

        Works for at most ``FOLLOW_SECONDS`` per call and continues at the next call.
        """
        if self._file is None:
            return
        until = monotonic() + FOLLOW_SECONDS
        self._work = self._work or iter(Work(self._following(self._file)))
        for _ in self._work:
            if monotonic() > until:
                return
        self._work = None

    def _following(self, file: KeyFile) -> Stretches[None]:
        try:
            entries = yield from file.changed_entries()
            if entries is None:
                return
            yield from filed_keys(entries, file.path, self._refuse_demo)
        except KeyFileInvalid:
            return
        try:
            replace(self._copy, file.content if isinstance(file.content, bytes) else b"[]")
        except OSError:
            self._copy.unlink(missing_ok=True)  # no copy is better than one that holds revoked keys


def filed_keys(entries: Sequence[Entry], path: Path, refuse_demo: bool) -> Stretches[Filed]:
    """Converts the entries of a file to keys, with pauses.

    Raises ``KeyFileInvalid`` if one is the demo key and ``refuse_demo`` is set.
    """
    filed = Filed()
    for place, entry in enumerate(entries, 1):
        key = key_of(entry)
        if refuse_demo and key.digest == DEMO_DIGEST:
            why = f"entry {key.label!r} is the demo key, which everyone knows (REQUIRE_SECURE_CONFIG=true)"
            raise KeyFileInvalid(str(path), why)
        filed.add(key)
        if place % TAKEN == 0:
            yield
    return filed


def freed(keys: dict[bytes, Key], entries: list[Entry]) -> Stretches[None]:
    """Frees obsolete keys and entries in slices: freeing very many at once would block."""
    while len(keys) > FREED or len(entries) > FREED:
        for _ in range(min(FREED, len(keys))):
            keys.popitem()
        del entries[-FREED:]
        yield


def key_of(entry: Entry) -> Key:
    """Converts an entry to a key; the scope ``admin`` includes the others."""
    scopes = SCOPES if "admin" in entry.scopes else tuple(scope for scope in SCOPES if scope in entry.scopes)
    return Key(entry.label, entry.digest, scopes, entry.expires_at)


def fingerprint(digest: bytes) -> str:
    """Identifies a key without a label in logs: the first 4 bytes of its digest in hex."""
    return digest[:4].hex()


def announce(before: dict[bytes, Key], after: dict[bytes, Key]) -> Stretches[None]:
    """Logs which keys were added and removed."""
    old = yield from labels(before)
    new = yield from labels(after)
    added = yield from only_in(new, old)
    removed = yield from only_in(old, new)
    log.info("key file read", keys=len(after), added=added, removed=removed)


def labels(keys: dict[bytes, Key]) -> Stretches[set[str]]:
    """The labels of keys, with pauses."""
    names: set[str] = set()
    for place, key in enumerate(keys.values(), 1):
        names.add(key.label)
        if place % FREED == 0:
            yield
    return names


def only_in(some: set[str], others: set[str]) -> Stretches[list[str]]:
    """The labels in ``some`` but not in ``others``, sorted; at most ``NAMED`` of them, then how many more there are."""
    missing, count = [], 0
    for place, label in enumerate(some, 1):
        if label not in others:
            count += 1
            if count <= NAMED:
                missing.append(label)
        if place % FREED == 0:
            yield
    return sorted(missing) if count <= NAMED else [*sorted(missing), f"and {count - NAMED} more"]
