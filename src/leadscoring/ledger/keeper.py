"""The keeper moves scores from the segments of a tape into the ledger, each exactly once."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from leadscoring.errors import ModelError
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.folding import Taken, digest_of, fold
from leadscoring.ledger.models import Models
from leadscoring.ledger.segments import SUFFIX, Record, is_being_written, read, segments_in
from leadscoring.ledger.stores import store_of
from leadscoring.ledger.tables import segment
from leadscoring.telemetry.log import Log

MOST = 1000
"""Scores in one transaction: those who record outcomes wait for it."""

LEAST = 200
"""Scores in one transaction on a slow machine: each costs a sync of the disk."""

PACE_SECONDS = 0.02
"""How long a transaction should take: in SQLite, an outcome waits for its end."""

FEWEST = 10
"""Scores of one process in one transaction, if there are that many."""

DAMAGED = ".damaged"
"""Ends the name of a segment that was set aside."""

NAME = "folder.id"
"""The file that names the folder in the ledger: folders of several machines may have segments of the same name."""

log = Log("leadscoring")


class Moved(NamedTuple):
    """What one call has moved: scored leads, those of them that folded or were erased; segments that are done."""

    leads: int = 0
    folded: int = 0
    erased: int = 0
    removed: int = 0
    damaged: int = 0
    until: int | None = None
    """The time of the latest score that was moved, in microseconds since 1970."""


class Part(NamedTuple):
    """Records of one segment, up to an offset."""

    path: Path
    begin: int
    records: list[Record]
    end: int


class MovedElsewhere(Exception):
    """Another keeper has moved these records, or an earlier transaction of this one was stored after all."""


class Keeper:
    """Moves the tape in ``folder`` into the ledger; one at a time, which ``ledger.turn`` sees to.

    ``name`` is for models without a card.
    """

    def __init__(self, ledger: Ledger, folder: Path, name: str = "model") -> None:
        self._ledger = ledger
        self._folder = folder
        self._models = Models(ledger, folder, name)
        self._prefix = named(folder) + "/"
        self._places: dict[str, int] | None = None

    def move(self, most: int = MOST) -> Moved:
        """Moves up to about ``most`` scores in one transaction, the earliest of each process first.

        Removes segments that are moved to their end and sets damaged ones aside, unless a process writes to them.
        Raises ``LedgerUnavailable``; nothing was moved then.
        """
        if self._places is None:
            self._places = self._stored_places()
        parts, removed, damaged = self._read(most)
        if not parts:
            return Moved(removed=removed, damaged=damaged)
        try:
            moved = self._moved(parts)
        except MovedElsewhere:
            self._places = None
            return Moved(removed=removed, damaged=damaged)
        except BaseException:
            self._places = None  # whether it is stored is not known
            raise
        self._places |= {part.path.name: part.end for part in parts}
        return moved._replace(removed=removed, damaged=moved.damaged + damaged)

    def waiting(self) -> tuple[int | None, int]:
        """Returns the time of the earliest score that is not moved, if any, and the bytes of the segments.

        Where the places in the ledger are not known, as while it is down at the start, every score counts.
        """
        earliest, size, places = None, 0, self._places or {}
        for path in segments_in(self._folder):
            with suppress(OSError):
                size += path.stat().st_size
                for record in read(path, places.get(path.name, 0), 1).records:
                    earliest = min(earliest or record.time, record.time)
        return earliest, size

    def _stored_places(self) -> dict[str, int]:
        """Reads to where segments of this folder are moved; forgets those that are gone."""
        with self._ledger.reading() as connection:
            found = self._places_in(connection)
        gone = [name for name in found if not any((self._folder / f"{name}{end}").exists() for end in ("", DAMAGED))]
        self._forget(gone)
        return {name: place for name, place in found.items() if name not in gone}

    def _places_in(self, connection: Connection) -> dict[str, int]:
        mine = segment.c.name.startswith(self._prefix, autoescape=True)
        rows = connection.execute(select(segment.c.name, segment.c.moved_to).where(mine))
        return {name.removeprefix(self._prefix): place for name, place in rows}

    def _forget(self, names: list[str]) -> None:
        if names:
            with self._ledger.writing() as connection:
                connection.execute(delete(segment).where(segment.c.name.in_([self._prefix + name for name in names])))

    def _read(self, most: int) -> tuple[list[Part], int, int]:
        """Reads what is to be moved next, of each process from the earliest segment that has something."""
        parts, removed, damaged = [], 0, 0
        owners = [list(paths) for _, paths in groupby(segments_in(self._folder), owner_of)]
        for paths in owners:
            for path in paths:
                written = is_being_written(path)  # before reading: what its owner wrote last is seen then
                place = (self._places or {}).get(path.name, 0)
                found = read(path, place, max(FEWEST, most // len(owners)))
                why = self._unusable(found.records) or ("it is damaged" if found.damaged and not found.records else "")
                if found.records and not why:
                    parts.append(Part(path, place, found.records, found.offset))
                    break
                if why and not written:
                    damaged += 1
                    self._set_aside(path, why)
                elif not written:
                    removed += 1
                    self._remove(path)
        return parts, removed, damaged

    def _unusable(self, records: list[Record]) -> str:
        """Returns why records cannot be moved, if so: the file of their model is missing or damaged."""
        try:
            for sha256 in {record.model for record in records}:
                self._models.scale(sha256)
        except ModelError as failure:
            return str(failure)
        return ""

    def _remove(self, path: Path) -> None:
        path.unlink()  # first: were it there without its place in the ledger, it would be moved again
        self._forget([path.name])
        if self._places:
            self._places.pop(path.name, None)

    def _set_aside(self, path: Path, why: str) -> None:
        """Renames a segment that cannot be moved any further, so that somebody can look at it. Its place is kept."""
        aside = path.with_name(path.name + DAMAGED)
        path.rename(aside)
        log.error("segment set aside", path=str(aside), reason=why, moved_to=(self._places or {}).get(path.name, 0))

    def _moved(self, parts: list[Part]) -> Moved:
        """Stores what was read; where the database refuses something of it, one by one, and without that."""
        try:
            return self._store(parts)
        except Exception as failure:
            if not self._ledger.refuses(failure):
                raise
        return summed(self._alone(one) for part in parts for one in ones(part))

    def _alone(self, one: Part) -> Moved:
        """Stores a single score, or leaves it out if the database refuses it: else nothing behind it would be moved."""
        try:
            return self._store([one])
        except Exception as failure:
            if not self._ledger.refuses(failure):
                raise
            kind = type(getattr(failure, "orig", None) or failure).__name__  # its text may have values of the lead
            log.error("score not moved", path=str(one.path), at=one.begin, reason=kind)  # noqa: TRY400  # see above
        return self._store([one._replace(records=[])])._replace(damaged=1)

    def _store(self, parts: list[Part]) -> Moved:
        taken = sorted((one for part in parts for one in self._taken(part)), key=by_time)
        keys = {one.key: one.name for one in taken if one.key}
        with self._ledger.writing() as connection:
            store = store_of(self._ledger, connection)
            store.take_turn()
            stored = self._places_in(connection)
            if any(stored.get(part.path.name, 0) != part.begin for part in parts):
                raise MovedElsewhere
            erased = store.erased(keys)
            left = [one for one in taken if one.time > erased.get(one.key, -1)] if erased else taken
            leads = store.leads({one.key: one.name for one in left if one.key} if erased else keys)
            folded = fold(left, leads)
            store.store(folded)
            store.moved([(self._prefix + part.path.name, part.end) for part in parts])
        until = max(map(by_time, taken), default=None)
        return Moved(len(taken), len(left) - len(folded.scores), len(taken) - len(left), until=until)

    def _taken(self, part: Part) -> Iterator[Taken]:
        """Yields the scores of a part, with probability and tier."""
        for record in part.records:
            scale = self._models.scale(record.model)
            probability, tier = scale.of(record.margin)
            yield Taken(
                record.time,
                record.key,
                record.name,
                record.as_of,
                scale.number,
                record.margin,
                probability,
                tier,
                record.row,
                record.unseen,
                record.request or None,
                record.flags,
                digest_of(record.row, scale.number, record.margin, record.flags, record.unseen),
            )


def ones(part: Part) -> Iterator[Part]:
    """Yields the records of a part, each for itself."""
    place = part.begin
    while place < part.end:
        found = read(part.path, place, 1)
        yield Part(part.path, place, found.records, found.offset)
        place = found.offset


def summed(every: Iterable[Moved]) -> Moved:
    """Returns what several transactions have moved together."""
    total = Moved()
    for one in every:
        numbers = {name: getattr(total, name) + getattr(one, name) for name in Moved._fields if name != "until"}
        total = Moved(**numbers, until=max(filter(None, (total.until, one.until)), default=None))
    return total


def paced(most: int, seconds: float) -> int:
    """Returns how many scores to move next, after ``most`` took so long: up to twice as many, and down to half."""
    wanted = most * PACE_SECONDS / max(seconds, 1e-6)
    return round(min(max(wanted, most / 2, LEAST), most * 2, MOST))


def by_time(one: Taken) -> int:
    """Returns when a score was given."""
    return one.time


def owner_of(path: Path) -> str:
    """Returns the process that a segment is of."""
    return path.name.removesuffix(SUFFIX).rpartition("-")[0]


def named(folder: Path) -> str:
    """Returns the name of a folder of tapes, which no other has; gives it one if it has none."""
    path = folder / NAME
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{NAME}.{secrets.token_hex(8)}")
        part.write_text(secrets.token_hex(16))
        try:
            path.hardlink_to(part)  # unlike a renaming, it fails if somebody else was first
        finally:
            part.unlink()
    return path.read_text()
