"""What persons asked for, kept beside the ledger too: a backup that is restored does not know the latest of it.

The file in the folder of the tape has every tombstone and every objection, and the last act of the ledger that they are
from. A ledger without that act is an older one: then both are put into it. Another ledger is brought to them by hand.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from leadscoring.ledger.database import Ledger
from leadscoring.ledger.outcome import now
from leadscoring.ledger.outcomes import leads_of
from leadscoring.ledger.tables import act, erased, lead, outcome, score, shadow
from leadscoring.telemetry.log import Log
from leadscoring.whole_file import whole_file

FILE = "rights.jsonl"
"""The file in the folder of the tape."""

AT_ONCE = 100
"""Rights in one transaction: those who record outcomes wait for it."""

log = Log("leadscoring")


class Mark(msgspec.Struct, frozen=True):
    """The last act of a ledger; acts are only ever added."""

    act: int = 0
    at: int = 0


class Right(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the person of a lead asked for: the lead's key in hexadecimal, and when, in microseconds since 1970."""

    key: str
    erased_at: int | None = None
    objected_at: int | None = None


class Rights(NamedTuple):
    """All of them, and the last act of the ledger that they are from."""

    mark: Mark
    every: list[Right]


class Respected(NamedTuple):
    """How many tombstones and objections a ledger had not got, and the scores and outcomes that went with them."""

    erased: int = 0
    objected: int = 0
    deleted: int = 0


def rights_of(ledger: Ledger) -> Rights:
    """Reads the rights in a ledger."""
    with ledger.reading() as connection:
        every = [
            Right(key.hex(), erased_at=at)
            for key, at in connection.execute(select(erased.c.key, erased.c.at).order_by(erased.c.key))
        ]
        objected = select(lead.c.key, lead.c.objected_at).where(lead.c.objected_at.is_not(None)).order_by(lead.c.key)
        every += [Right(key.hex(), objected_at=at) for key, at in connection.execute(objected)]
        return Rights(last_act(connection), every)


def last_act(connection: Connection) -> Mark:
    """Reads the last act."""
    row = connection.execute(select(act.c.number, act.c.at).order_by(act.c.number.desc()).limit(1)).first()
    return Mark() if row is None else Mark(row.number, row.at)


def write_rights(path: Path, rights: Rights) -> None:
    """Writes rights to a file, a JSON object a line; the first has the last act. Raises ``OSError``."""
    lines = [msgspec.json.encode(part) for part in (rights.mark, *rights.every)]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.touch(0o600)
        part.write_bytes(b"\n".join(lines) + b"\n")


def read_rights(path: Path) -> Rights:
    """Reads rights from a file. Raises ``OSError``, and ``ValueError`` if it holds something else."""
    first, *others = path.read_bytes().splitlines() or [b""]
    try:
        rights = Rights(msgspec.json.decode(first, type=Mark), [msgspec.json.decode(one, type=Right) for one in others])
        for one in rights.every:
            bytes.fromhex(one.key)
    except (msgspec.DecodeError, ValueError) as failure:
        raise ValueError(f"{path} holds no rights of persons: {failure}") from None
    return rights


def respect(ledger: Ledger, rights: Sequence[Right], actor: str) -> Respected:
    """Puts rights into a ledger that has not got them: erases again, and notes objections.

    What a lead got after it was erased stays. An objection that the ledger has and ``rights`` have not stays, too.
    Raises ``LedgerUnavailable``; what is done by then stays so, and the rest can be done again.
    """
    done = Respected()
    for begin in range(0, len(rights), AT_ONCE):
        with ledger.writing() as connection:
            part = rights[begin : begin + AT_ONCE]
            erasures, deleted = erase_again(connection, {bytes.fromhex(one.key): one.erased_at for one in part})
            objections = object_again(connection, {bytes.fromhex(one.key): one.objected_at for one in part})
            if erasures or objections:
                report = msgspec.json.encode({"erased": erasures, "objected": objections, "deleted": deleted}).decode()
                connection.execute(insert(act).values(at=now(), actor=actor, act="respect", report=report))
            done = Respected(done.erased + erasures, done.objected + objections, done.deleted + deleted)
    if done.deleted:
        ledger.checkpoint()
    return done


def erase_again(connection: Connection, moments: dict[bytes, int | None]) -> tuple[int, int]:
    """Erases leads that have no tombstone of that moment; returns how many, and how many scores and outcomes went."""
    wanted = {key: at for key, at in moments.items() if at is not None}
    known = connection.execute(select(erased.c.key, erased.c.at).where(erased.c.key.in_(wanted)))
    there = {row.key: row.at for row in known}
    missing = {key: at for key, at in wanted.items() if there.get(key, -1) < at}
    return len(missing), sum(bury(connection, key, at) for key, at in sorted(missing.items()))


def bury(connection: Connection, key: bytes, at: int) -> int:
    """Leaves a tombstone and deletes what a lead had then; returns the number of scores and outcomes."""
    connection.execute(delete(erased).where(erased.c.key == key))
    connection.execute(insert(erased).values(key=key, at=at))
    found = connection.execute(select(lead).where(lead.c.key == key)).first()
    if found is None:
        return 0
    scores = select(score.c.number).where(score.c.lead == found.number, score.c.first_at <= at)
    connection.execute(delete(shadow).where(shadow.c.score.in_(scores)))
    deleted = connection.execute(delete(score).where(score.c.lead == found.number, score.c.first_at <= at)).rowcount
    late = outcome.c.lead == found.number, outcome.c.received_at <= at
    deleted += connection.execute(delete(outcome).where(*late)).rowcount
    tidy(connection, found)
    return deleted


def tidy(connection: Connection, found: Any) -> None:
    """Deletes the row of a lead of which nothing is left, else what it says of scores that are gone."""
    this = lead.c.number == found.number
    left = [connection.scalar(select(func.count()).where(table.c.lead == found.number)) for table in (score, outcome)]
    if not any(left) and found.objected_at is None:
        connection.execute(delete(lead).where(this))
        return
    values: dict[str, Any] = {} if any(left) else {"name": None}
    last = select(score.c.number).where(score.c.number == found.last_score)
    if connection.execute(last).first() is None:
        values |= {"last_score": None, "last_first_at": None, "last_row": None}
    if values:
        connection.execute(update(lead).where(this).values(values))


def object_again(connection: Connection, moments: dict[bytes, int | None]) -> int:
    """Notes objections that are not noted; returns how many."""
    wanted = {key: at for key, at in moments.items() if at is not None}
    leads_of(connection, dict.fromkeys(wanted, ""), plain=False)
    return sum(
        connection.execute(
            update(lead).where(lead.c.key == key, lead.c.objected_at.is_(None)).values(objected_at=at)
        ).rowcount
        for key, at in sorted(wanted.items())
    )


class KeptRights:
    """Brings the file in a folder and a ledger together, as often as it is asked to."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._mark: Mark | None = None
        self._refused = ""

    def follow(self, ledger: Ledger) -> Respected:
        """Puts into an older ledger what it has not got, such as into a restored backup, and writes the file anew.

        Returns what an older ledger had not got. A file that cannot be read or written is logged, and stays as it is.
        Raises ``LedgerUnavailable``.
        """
        with ledger.reading() as connection:
            here = last_act(connection)
        done = Respected()
        if here != self._mark:
            try:
                done = self._together(ledger)
                self._mark, self._refused = here, ""
            except (OSError, ValueError) as failure:
                if str(failure) != self._refused:  # once, and again only for another reason
                    log.error("rights not kept", why=str(failure))  # noqa: TRY400  # the reason is enough
                self._refused = str(failure)
        return done

    def _together(self, ledger: Ledger) -> Respected:
        kept = read_rights(self._path) if self._path.exists() else Rights(Mark(), [])
        with ledger.reading() as connection:
            older = not has(connection, kept.mark)
        done = respect(ledger, kept.every, "leadscoring (restored)") if older else Respected()
        if older:
            log.warning("older ledger found", erased_again=done.erased, objected_again=done.objected)
        write_rights(self._path, rights_of(ledger))
        return done


def has(connection: Connection, mark: Mark) -> bool:
    """Whether a ledger has an act."""
    return mark == Mark() or connection.scalar(select(act.c.at).where(act.c.number == mark.act)) == mark.at
