"""Objects of a cloud's storage: found by name, read while they stay the same, and written whole.

``obstore`` reaches S3, Google Cloud Storage and Azure's storage by the environment variables and identities that Polars
takes, too, since both have one library below them.
"""

import fnmatch
import io
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from leadscoring.errors import ScoringFileError

CLOUDS = ("s3://", "s3a://", "gs://", "gcs://", "az://", "azure://", "abfs://", "abfss://", "adl://")
"""What begins the address of an object."""

FIRST, CHUNK = 1 << 20, 8 << 20
"""Bytes that are read by one request: by the first, which may be for the header alone, and by others."""

PART = 8 << 20
"""Bytes that are at least written by one request."""

MOST_PARTS = 9000
"""Parts of an object that is written; S3 takes 10,000."""

WILD = re.compile(r"[*?\[]")

RETRIES: dict[str, Any] = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
"""What a request that failed is tried again: some 5 seconds."""

CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or run where a service account is attached",
    "az": "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_CLIENT_ID, or run where a managed "
    "identity is attached",
}
"""What to do without credentials."""

RIGHTS = {
    "s3": "it takes s3:GetObject and s3:ListBucket to read, s3:PutObject to write",
    "gs": "it takes the role Storage Object Viewer to read, Storage Object User to write",
    "az": "it takes the role Storage Blob Data Reader to read, Storage Blob Data Contributor to write",
}
"""What to do without the right to an object."""

NOBODY = (
    "169.254.169.254",
    "metadata.google.internal",
    "Account must be specified",
    "Missing AccessKeyId",
    "Missing SecretAccessKey",
)
"""What errors without credentials mention: where an identity is asked for, or what is missing."""

ENDPOINTS = {
    "s3": "AWS_ENDPOINT_URL and AWS_REGION",
    "gs": "the network and GOOGLE_SERVICE_ACCOUNT",
    "az": "the network and AZURE_STORAGE_ACCOUNT_NAME",
}
"""What to check if a cloud does not answer."""


class Facts(NamedTuple):
    """What tells whether an object is still the same: its size, and the tag that each of its contents has."""

    size: int
    tag: str


class Place(NamedTuple):
    """An address taken apart: its cloud, its bucket as an address, and the key in it."""

    cloud: str
    bucket: str
    key: str


def is_cloud(path: str) -> bool:
    """Whether a path is the address of an object of a cloud's storage."""
    return path.startswith(CLOUDS)


def place_of(address: str) -> Place:
    """Takes an address apart."""
    scheme, _, rest = address.partition("://")
    bucket, _, key = rest.partition("/")
    scheme = {"s3a": "s3", "gcs": "gs"}.get(scheme, scheme)
    return Place(scheme if scheme in CREDENTIALS else "az", f"{scheme}://{bucket}", key)


def objects_of(address: str) -> list[str]:
    """The addresses of the objects that an address names: one, those of a folder, or those that match a pattern.

    Raises ``ScoringFileError`` if there is none, or if they cannot be listed.
    """
    key = place_of(address).key
    wild = WILD.search(key)
    if key and not wild and not key.endswith("/") and exists(address):
        return [address]
    folder = key.rstrip("/")
    pattern = pattern_of(key if wild else f"{folder}/*".removeprefix("/"))
    prefix = key[: wild.start()].rpartition("/")[0] if wild else folder
    found = sorted(one for one in listed(address, prefix) if pattern.fullmatch(one))
    beginning = address.removesuffix(key).rstrip("/") + "/"
    if not wild:
        found = [one for one in found if not one.rpartition("/")[2].startswith((".", "_"))]
    if not found:
        what = f"no object matches {address}" if wild else f"there is no object {address.rstrip('/')}, and none in it"
        raise ScoringFileError(what)
    return [beginning + one for one in found]


def pattern_of(key: str) -> re.Pattern[str]:
    """A pattern of keys, in which ``*`` stays within a folder and ``**`` does not, as in those of files."""
    parts = []
    for part in key.split("/"):
        own = fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z")
        parts.append("(?:[^/]+/)*" if part == "**" else own.replace(".*", "[^/]*") + "/")
    return re.compile("".join(parts).removesuffix("/"))


def listed(address: str, prefix: str) -> Iterator[str]:
    """Yields the keys below a prefix, which is a folder."""
    with reaching(address, "be listed"):
        for page in library().list(store_of(place_of(address).bucket), prefix or None):
            yield from (one["path"] for one in page if one["size"])


def exists(address: str) -> bool:
    """Whether there is such an object."""
    try:
        facts_of(address)
    except FileNotFoundError:
        return False
    return True


def is_taken(address: str) -> bool:
    """Whether something would be replaced there. Raises ``ScoringFileError`` if there is no right to know it."""
    try:
        with reaching(address, "be looked for (--overwrite writes without looking)", absent=FileNotFoundError):
            library().head(store_of(place_of(address).bucket), place_of(address).key)
    except FileNotFoundError:
        return False
    return True


def facts_of(address: str) -> Facts:
    """What identifies an object now. Raises ``FileNotFoundError`` if there is none, else ``ScoringFileError``."""
    with reaching(address, "be read", absent=FileNotFoundError):
        found = library().head(store_of(place_of(address).bucket), place_of(address).key)
    return Facts(found["size"], (found["e_tag"] or str(found["last_modified"])).strip('"'))


class Bytes(io.RawIOBase):
    """The bytes of an object, read in chunks; each must be of the object that there was at the beginning."""

    def __init__(self, address: str, facts: Facts) -> None:
        super().__init__()
        self._address, self._facts = address, facts
        self._at = 0
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Returns the place of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Goes to another byte."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._facts.size}[whence]
        self._at, self._held = start + offset, memoryview(b"")
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fills a buffer as far as the next bytes are here."""
        if not self._held:
            self._held = memoryview(self._chunk())
        given = self._held[: len(buffer)]
        buffer[: len(given)] = given
        self._held = self._held[len(given) :]
        self._at += len(given)
        return len(given)

    def _chunk(self) -> bytes:
        """Reads the next bytes."""
        end = min(self._at + (CHUNK if self._at else FIRST), self._facts.size)
        if self._at >= end:
            return b""
        place = place_of(self._address)
        options = {"range": (self._at, end), "if_match": f'"{self._facts.tag}"'}
        with reaching(self._address, f"be read at byte {self._at}"):
            return bytes(library().get(store_of(place.bucket), place.key, options=options).bytes())


def begins(address: str, count: int) -> bytes:
    """The first bytes of an object."""
    return Bytes(address, facts_of(address)).read(count) or b""


def check_target(address: str) -> None:
    """Raises ``ScoringFileError`` if nothing can be written there: no bucket, no credentials, nobody who answers.

    Whether there is the right to write shows only when something is written.
    """
    try:
        with reaching(address, "be written", denied=PermissionError):
            next(iter(library().list(store_of(place_of(address).bucket), place_of(address).key, chunk_size=1)), None)
    except PermissionError:
        return  # who may write does not have to have the right to list


def send(path: Path, address: str) -> None:
    """Makes a file an object: whole at once, in place of the one that is there. Raises ``ScoringFileError``."""
    size = path.stat().st_size
    chunk = max(PART, -(-size // MOST_PARTS))
    with reaching(address, "be written"):
        store = store_of(place_of(address).bucket)
        library().put(store, place_of(address).key, path, chunk_size=chunk, max_concurrency=2)


def remove(address: str) -> bool:
    """Removes an object if there is one. Returns whether none is there now; a right may be missing to know it."""
    try:
        with reaching(address, "be removed", denied=PermissionError, absent=FileNotFoundError):
            store, key = store_of(place_of(address).bucket), place_of(address).key
            library().head(store, key)
            library().delete(store, key)
    except FileNotFoundError:
        return True
    except PermissionError:
        return False
    return True


def library() -> Any:
    """The library that reaches clouds. Raises ``ScoringFileError`` if it is not installed."""
    try:
        return import_module("obstore")
    except ImportError:
        raise ScoringFileError("addresses of clouds need obstore: pip install 'leadscoring[cloud]'") from None


@lru_cache(maxsize=16)
def store_of(bucket: str) -> Any:
    """The bucket of an address. Options of the client would take the place of those in the environment."""
    return library().store.from_url(bucket, retry_config=RETRIES)


class reaching:  # noqa: N801  # reads as a verb where it is used
    """Turns the errors of a cloud into ``ScoringFileError``, with what to do, or into the given kinds."""

    def __init__(
        self,
        address: str,
        doing: str,
        absent: Callable[[str], Exception] = ScoringFileError,
        denied: Callable[[str], Exception] = ScoringFileError,
    ) -> None:
        self._address, self._doing, self._absent, self._denied = address, doing, absent, denied

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, _kind: Any, failure: BaseException | None, _trace: Any) -> None:
        """Raises the error in words."""
        if not isinstance(failure, Exception) or isinstance(failure, ScoringFileError):
            return
        words = f"{self._address} cannot {self._doing}: "
        why, kind = why_of(failure, self._address)
        made = {"absent": self._absent, "denied": self._denied}.get(kind, ScoringFileError)
        raise failed(words + why, kind) if made is ScoringFileError else made(words + why) from None


def failed(message: str, kind: str) -> ScoringFileError:
    """The error of a kind; all but a change of the object may pass, so that what was scored until then is kept."""
    return ScoringFileError(message, may_pass=kind != "changed")


def why_of(failure: Exception, address: str) -> tuple[str, str]:
    """Why a cloud did not do what it should, in one line with what to do; and the kind of it."""
    place, text = place_of(address), str(failure)
    code = found[1] if (found := re.search(r"<Code>(\w+)</Code>", text)) else ""
    if code in {"NoSuchBucket", "ContainerNotFound"} or "bucket does not exist" in text:
        return f"there is no bucket {place.bucket}: create it, or correct the address", "bucket"
    if needs_credentials(text, code, failure):
        return f"no credentials that are valid ({code or 'none found'}): {CREDENTIALS[place.cloud]}", "credentials"
    if isinstance(failure, FileNotFoundError):
        return "there is no such object", "absent"
    if isinstance(failure, PermissionError) or "403 Forbidden" in text:
        return f"access denied: {RIGHTS[place.cloud]}", "denied"
    if "412 Precondition" in text:
        return "it changed while it was scored: no scores of it are kept", "changed"
    if "error sending request" in text or "HTTP error" in text or "timed out" in text:
        return f"no answer, or the connection was cut: check {ENDPOINTS[place.cloud]}", "unreachable"
    if code:
        message = found[1] if (found := re.search(r"<Message>([^<\n]+)", text)) else ""
        return f"{code} {message}".strip(), "other"
    return (text.partition("Debug source")[0].strip() or type(failure).__name__).splitlines()[0], "other"


def needs_credentials(text: str, code: str, failure: Exception) -> bool:
    """Whether a request failed since nobody, or nobody known, asked."""
    codes = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "AuthenticationFailed"}
    ambient = any(one in text for one in NOBODY)
    return code in codes or ambient or type(failure).__name__ == "UnauthenticatedError"
