"""Who may call: API keys, held as digests and compared in constant time."""

import hashlib
from collections.abc import Iterable
from hmac import compare_digest
from typing import NamedTuple

from leadscoring.errors import MissingKey, UnknownKey


class Key(NamedTuple):
    """A key that was accepted: how logs name it."""

    label: str


class KeyRing:
    """The keys that are accepted now, by their SHA-256.

    Of the keys themselves only the one that was accepted last is kept: most callers come again, and to
    compare it takes a tenth of the time that hashing does.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = tuple(hashlib.sha256(key.encode()).digest() for key in keys)
        self._latest = (b"", Key(""))

    def check(self, presented: bytes | None) -> Key:
        """The key that was presented, when it is one of ours; a short fingerprint is its label.

        Raises ``MissingKey`` for none and ``UnknownKey`` for any other. Every digest is compared,
        whichever matches, so that the time taken says nothing of the keys.
        """
        if not presented:
            raise MissingKey
        key, accepted = self._latest
        if compare_digest(presented, key):
            return accepted
        digest = hashlib.sha256(presented).digest()
        matched = False
        for known in self._digests:
            matched |= compare_digest(digest, known)
        if not matched:
            raise UnknownKey
        self._latest = (presented, Key(digest[:4].hex()))
        return self._latest[1]
