"""Who may call, and what: API keys, held as digests, compared in constant time, followed when their file changes."""

import asyncio
import hashlib
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from hmac import compare_digest
from math import inf
from pathlib import Path
from time import monotonic

import msgspec

from leadscoring.access.key_file import Entry, KeyFile, Scope, read, replace, sha256_of
from leadscoring.errors import ExpiredKey, KeyFileInvalid, KeyScope, MissingKey, UnknownKey
from leadscoring.settings import DEMO_KEY, Settings
from leadscoring.stretches import Stretches, Work, at_once
from leadscoring.telemetry.log import Log

LOOK_SECONDS = 1.0
"""How long a change of the file may go unseen while requests come in."""

TAKEN, FREED = 300, 2000
"""Entries that become keys, and keys that are counted or freed, between two pauses."""

FOLLOW_SECONDS = 0.05
"""How long the supervisor reads the file before it looks after its workers again."""

NAMED = 50
"""Labels in one line of the log, at most."""

DONE = object()
DEMO_DIGEST = sha256_of(DEMO_KEY)

log = Log("leadscoring.keys")


class Key(msgspec.Struct, frozen=True, gc=False):
    """A key that is ours: how logs name it, what it opens, until when."""

    label: str
    digest: bytes
    scopes: tuple[Scope, ...] = ("score",)
    expires_at: float = inf

    def works(self, now: float) -> bool:
        """Whether it has not expired."""
        return now < self.expires_at


NOBODY = (b"", Key("", b"", ()))


class Filed:
    """The keys of a file, by their digests, and what is asked of all of them together."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Key] = {}
        self.until: dict[Scope, float] = {"score": -inf, "admin": -inf}
        """Until when some key opens a scope."""
        self._expiries: set[float] = set()
        self._sorted: list[float] = []

    def add(self, key: Key) -> None:
        """One more key."""
        self.keys[key.digest] = key
        if key.expires_at != inf:
            self._expiries.add(key.expires_at)
        for scope in key.scopes:
            self.until[scope] = max(self.until[scope], key.expires_at)

    def next_expiry(self, now: float) -> float:
        """The first expiry after ``now``; infinity when there is none."""
        if len(self._sorted) != len(self._expiries):
            self._sorted = sorted(self._expiries)
        place = bisect_right(self._sorted, now)
        return self._sorted[place] if place < len(self._sorted) else inf


class KeyRing:
    """The keys that are known now, by their SHA-256.

    Of the keys themselves only the one that was accepted last is kept, for a moment: most callers come again, and to
    compare it takes a tenth of the time that hashing does.

    ``keys`` open scoring and never expire. ``file`` is read again when it has changed, by the next request
    after ``LOOK_SECONDS`` at the latest; where it says something of a key in ``keys``, the file counts. A file that is
    long is read by a task of the event loop that everyone else runs on too, in stretches of a millisecond. ``copy`` is
    where a ``KeyCopy`` may be, which is taken when the file cannot be. Raises ``KeyFileInvalid`` when there is none
    and the file cannot be read, or holds the demo key against ``refuse_demo``.
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
        """Whether the file, as it is now, cannot be taken, so that its keys from before count."""
        if self._file:
            self._filed = self._taken_first(self._file, copy)
        self._latest = NOBODY
        self._due = 0.0
        self._look_later()

    @classmethod
    def of(cls, settings: Settings, copy: Path | None = None) -> "KeyRing":
        """The keys of these settings. Raises ``KeyFileInvalid``."""
        file = Path(settings.api_keys_file) if settings.api_keys_file else None
        return cls(settings.api_keys, file, settings.refuses_insecure, copy)

    def check(self, presented: bytes | None, scope: Scope = "score") -> Key:
        """The key that was presented, when it is one of ours and opens ``scope``.

        Raises ``MissingKey``, ``UnknownKey``, ``ExpiredKey`` or ``KeyScope``. A key is looked up by its SHA-256, of
        which nobody can choose the bytes: the time taken says nothing of the keys.
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
        """Takes what has changed in the file; one that cannot be taken changes nothing.

        What takes longer than a millisecond goes on beside everything else, where there is an event loop.
        """
        self._look_later()
        if self._file is None or self._reading is not None:
            return
        work = iter(Work(self._following(self._file)))
        if next(work, DONE) is DONE:  # nearly always
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            deque(work, maxlen=0)
            return
        self._reading = loop.create_task(self._go_on(work))

    def reread(self) -> None:
        """Reads the file now, also when nothing tells that it has changed; says so when it is done."""
        self._again = True
        self.refresh()
        if self._file is None:
            self._say_read_again()

    async def _go_on(self, work: Iterator[None]) -> None:
        """The rest of a reading, of which each stretch is one turn of the event loop."""
        try:
            for _ in work:
                await asyncio.sleep(0)
        finally:
            self._reading = None
        if self._again:  # asked for while it was read
            self.refresh()

    def _following(self, file: KeyFile) -> Stretches[None]:
        """Reads the file, if it has changed, and puts its keys in the place of those from before."""
        again, self._again = self._again, False
        if again:
            file.forget()
        try:
            entries = yield from file.news()
            if entries is not None:
                filed = yield from taken(entries, file.path, self._refuse_demo)
                before, self._filed = self._filed.keys, filed
                self.refused = False
                self._look_later()
                yield from announce(before, filed.keys)
                yield from freed(before, entries)
        except KeyFileInvalid as failure:
            self.refused = True
            log.error("key file refused", why=str(failure), keys=len(self._filed.keys))  # noqa: TRY400  # no traceback helps here
        if again:
            self._say_read_again()

    def _say_read_again(self) -> None:
        self._again = False
        log.info("read again", keys=len(self.keys))

    @property
    def keys(self) -> tuple[Key, ...]:
        """Every key, also those that have expired."""
        own = (key for digest, key in self._own.items() if digest not in self._filed.keys)
        return (*self._filed.keys.values(), *own)

    @property
    def demo_active(self) -> bool:
        """Whether the key that everyone knows opens this service."""
        demo = self._filed.keys.get(DEMO_DIGEST) or self._own.get(DEMO_DIGEST)
        return demo is not None and demo.works(time.time())

    @property
    def next_expiry(self) -> float:
        """When the next of the working keys expires, in seconds since 1970; infinity for never."""
        return self._filed.next_expiry(time.time())

    def usable(self, scope: Scope) -> bool:
        """Whether any key opens ``scope`` now."""
        own = scope == "score" and any(digest not in self._filed.keys for digest in self._own)
        return own or self._filed.until[scope] > time.time()

    def _taken_first(self, file: KeyFile, copy: Path | None) -> Filed:
        """The keys to start with: those of the file or, when it cannot be taken, of its copy."""
        try:
            entries: list[Entry] | None = at_once(file.news())
            return at_once(taken(entries or [], file.path, self._refuse_demo))
        except KeyFileInvalid as failure:
            if copy is None or not copy.exists():
                raise
            kept = at_once(taken(read(copy), copy, self._refuse_demo))
            self.refused = True
            log.error("key file refused", why=str(failure), keys=len(kept.keys))  # noqa: TRY400  # no traceback helps here
            return kept

    def _look_later(self) -> None:
        """Notes when to look again: an expiry counts to the moment."""
        self._latest = NOBODY  # it may have expired, or be gone
        self._due = monotonic() + min(LOOK_SECONDS, self.next_expiry - time.time())


class KeyCopy:
    """A copy of the last state of the key file that could be taken, kept by whoever outlives a worker.

    A worker that is replaced while the file is broken starts with the keys that the others go on to accept. It
    holds what the file holds, digests and no keys, and is readable by the same user alone.
    """

    def __init__(self, settings: Settings, copy: Path) -> None:
        self._file = KeyFile(Path(settings.api_keys_file)) if settings.api_keys_file else None
        self._refuse_demo = settings.refuses_insecure
        self._copy = copy
        self._work: Iterator[None] | None = None

    def follow(self) -> None:
        """Takes what has changed in the file, if it can be taken; those who use it say when it cannot.

        Does no more than ``FOLLOW_SECONDS`` of that at a time, and goes on with it when it is called again.
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
            entries = yield from file.news()
            if entries is None:
                return
            yield from taken(entries, file.path, self._refuse_demo)
        except KeyFileInvalid:
            return
        try:
            replace(self._copy, file.found if isinstance(file.found, bytes) else b"[]")
        except OSError:
            self._copy.unlink(missing_ok=True)  # none is better than one with keys that were taken away


def taken(entries: Sequence[Entry], path: Path, refuse_demo: bool) -> Stretches[Filed]:
    """The entries of a file as keys.

    Raises ``KeyFileInvalid`` when one is the demo key, against ``refuse_demo``.
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
    """Frees keys and entries that are not needed any more; to free very many at once would take long."""
    while len(keys) > FREED or len(entries) > FREED:
        for _ in range(min(FREED, len(keys))):
            keys.popitem()
        del entries[-FREED:]
        yield


def key_of(entry: Entry) -> Key:
    """An entry as a key; ``admin`` opens everything."""
    scopes: tuple[Scope, ...] = ("score", "admin") if "admin" in entry.scopes else ("score",)
    return Key(entry.label, entry.digest, scopes, entry.expires_at)


def fingerprint(digest: bytes) -> str:
    """How logs tell keys apart that have no label."""
    return digest[:4].hex()


def announce(before: dict[bytes, Key], after: dict[bytes, Key]) -> Stretches[None]:
    """Says in the log which keys came and went."""
    old = yield from labels(before)
    new = yield from labels(after)
    added = yield from only_in(new, old)
    removed = yield from only_in(old, new)
    log.info("key file read", keys=len(after), added=added, removed=removed)


def labels(keys: dict[bytes, Key]) -> Stretches[set[str]]:
    """The labels of some keys."""
    found: set[str] = set()
    for place, key in enumerate(keys.values(), 1):
        found.add(key.label)
        if place % FREED == 0:
            yield
    return found


def only_in(some: set[str], others: set[str]) -> Stretches[list[str]]:
    """The labels that are not among the others, sorted; of very many, some and how many more there are."""
    found, count = [], 0
    for place, label in enumerate(some, 1):
        if label not in others:
            count += 1
            if count <= NAMED:
                found.append(label)
        if place % FREED == 0:
            yield
    return sorted(found) if count <= NAMED else [*sorted(found), f"and {count - NAMED} more"]
