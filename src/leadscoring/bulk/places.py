"""Where a run reads and writes: the files of leads, of scores and of rejects, and the journal."""

import errno
import hashlib
from pathlib import Path
from tempfile import TemporaryFile

import msgspec

from leadscoring.bulk.appended import Appended, Sent, Standard
from leadscoring.bulk.objects import check_target, is_cloud, is_taken, place_of
from leadscoring.bulk.printable import printable
from leadscoring.bulk.sources import STDIN, Source
from leadscoring.errors import ScoringFileError
from leadscoring.system_error import why

PARQUET = (".parquet", ".pq")
TABBED = (".tsv", ".tab")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
OTHER = (".json", ".jsonl", ".ndjson", ".xlsx", ".xls", ".feather", ".arrow", *PACKED)
"""Endings of an output that would promise another format than it gets."""

STANDARD = "-"


class Places(msgspec.Struct, frozen=True):
    """The files of a run; ``out`` is ``None`` for standard output, ``journal`` if the run cannot be resumed.

    ``sent`` are the addresses of those that go to a cloud when they are complete.
    """

    sources: tuple[Source, ...]
    out: Path | None
    rejects: Path
    journal: Path | None
    is_parquet: bool
    sent: dict[Path, str] = {}

    def name(self, path: Path) -> str:
        """Where a file is to be found in the end."""
        return self.sent.get(path, printable(str(path)))

    @property
    def is_begun(self) -> bool:
        """Whether an interrupted run left a journal."""
        return self.journal is not None and self.journal.exists()

    @property
    def separator(self) -> str:
        """What separates the values of scores in text, by the name of the output."""
        return "\t" if self.out is not None and self.name(self.out).lower().endswith(TABBED) else ","

    @property
    def scores(self) -> Appended | Standard:
        """What scores are written to."""
        return Standard() if self.out is None else self.written(self.out)

    def written(self, path: Path) -> Appended:
        """What is written to a file."""
        return Sent(path, self.sent[path]) if path in self.sent else Appended(path)


def places_of(model: str, data: str, sources: tuple[Source, ...], out: str | None, rejects: str | None) -> Places:
    """Decides where everything is.

    Without ``out``, scores go to standard output. Rejects are beside the output, or in the current folder; what goes
    to a cloud is in the current folder, too, until it is complete. Raises ``ScoringFileError`` if a file would be read
    and written, or cannot be written there.
    """
    target = None if out in (None, STANDARD) else led(str(out), "--out")
    if target is not None:
        refuse_output(target, "--out", (".csv", ".tsv", ".parquet"))
    beside = led(rejects or rejects_of(target, data), "--rejects")
    refuse_output(beside, "--rejects", (".csv",))
    if target is not None and is_cloud(target):
        check_target(target)
    if is_cloud(beside) and (target is None or not is_cloud(target)):
        check_target(beside)
    files = [(source.path, "the data") for source in sources if source.path != STDIN]
    for path, what in (*files, (model, "the model")):
        for written, option in ((target, "--out"), (beside, "--rejects")):
            if written is not None and is_same(path, written):
                raise ScoringFileError(f"{option} {written} is also {what}: it would be overwritten while it is read")
    if target is not None and is_same(target, beside):
        raise ScoringFileError(f"--out and --rejects are both {target}")
    place, aside = None if target is None else here(target), here(beside)
    readable = all(source.identity is not None for source in sources)
    journal = place.with_name(f".{place.name}.journal") if place is not None and readable else None
    is_parquet = target is not None and target.lower().endswith(PARQUET)
    sent = {path: name for path, name in ((place, target), (aside, beside)) if path and name and is_cloud(name)}
    return Places(sources, place, aside, journal, is_parquet, sent)


def here(target: str) -> Path:
    """The file of this machine that a target is, or is until it is complete."""
    if not is_cloud(target):
        return Path(target)
    return Path(f"{target.rpartition('/')[2]}-{hashlib.sha256(target.encode()).hexdigest()[:8]}")


def refuse_existing(places: Places, resume: bool, overwrite: bool) -> None:
    """Raises ``ScoringFileError`` if a run would replace a file, unless it is asked to, or goes on with another run."""
    if resume and places.journal is None:
        raise ScoringFileError("--resume needs --out and files as DATA: standard input and output cannot be resumed")
    if overwrite or (resume and places.is_begun):
        return
    for path, option in ((places.out, "--out"), (places.rejects, "--rejects")):
        if path is None:
            continue
        name = places.name(path)
        if is_taken(name) if path in places.sent else path.exists():
            done = " and no run was interrupted (it is complete)" if resume else ""
            raise ScoringFileError(
                f"{name} exists{done}: name another file for {option}, or replace it with --overwrite"
            )


def led(target: str, option: str) -> str:
    """The place to which a link leads, so that the link stays; any other target as it is."""
    refuse_long(here(target), option)
    if is_cloud(target) or not Path(target).is_symlink():
        return target
    try:
        return str(Path(target).resolve())
    except (OSError, RuntimeError):  # RuntimeError before Python 3.13
        raise ScoringFileError(f"{option} {target}: symbolic links lead in a circle") from None


def refuse_output(target: str, option: str, endings: tuple[str, ...]) -> None:
    """Raises ``ScoringFileError`` for an output that is no file of an allowed format where one can be written."""
    place = Path(target)
    ending, others = place.suffix.lower(), ((PARQUET, ".parquet"), (TABBED, ".tsv"))
    if ending in OTHER or any(ending in alike and one not in endings for alike, one in others):
        raise ScoringFileError(f"{option} must end in {', '.join(endings)}, not {place.suffix}")
    if place.is_dir() or target.endswith("/"):
        raise ScoringFileError(f"{option} {target} is a folder: name a file in it")
    if place.exists() and not place.is_file():
        other = "leave out --out for standard output" if option == "--out" else "name a file, which gets these rows"
        raise ScoringFileError(f"{option} {target} is no regular file: {other}")
    refuse_folder(here(target).parent, option)


def refuse_long(path: Path, option: str) -> None:
    """Raises ``ScoringFileError`` if the files beside an output, until it is complete, have names that are too long."""
    try:
        path.with_name(f".{path.name}.journal").lstat()
    except (OSError, ValueError) as failure:
        if getattr(failure, "errno", None) == errno.ENAMETOOLONG:
            words = f"the name {path.name} of {option} is too long, as the journal beside it has 9 characters more"
            raise ScoringFileError(f"{words}: name a shorter one") from None


def refuse_folder(folder: Path, option: str) -> None:
    """Raises ``ScoringFileError`` if no file can be created in a folder; permissions alone do not show it."""
    if not folder.is_dir():
        raise ScoringFileError(f"there is no folder {folder} for {option}")
    try:
        with TemporaryFile(dir=folder):
            return
    except OSError as failure:
        words = why(failure) if failure.errno != errno.ENOENT else "no file can be created in it"
        raise ScoringFileError(
            f"cannot write to the folder {folder.resolve()}: {words}; name another place for {option}"
        ) from None


def rejects_of(out: str | None, data: str) -> str:
    """The file of rejects where none is named."""
    if out is not None:
        folder, slash, name = out.rpartition("/")
        return f"{folder}{slash}{Path(name).stem}.rejects.csv"
    name = "stdin" if data == STDIN else Path(data.rstrip("/")).name.partition(".")[0] or "leads"
    return f"{name.replace('*', '_').replace('?', '_')}.rejects.csv"


def is_same(one: str, other: str) -> bool:
    """Whether two paths are one file, now or once it is written."""
    if is_cloud(one) or is_cloud(other):
        return place_of(one) == place_of(other)
    first, second = Path(one), Path(other)
    try:
        if first.exists() and second.exists():
            return first.samefile(second)
        return first.resolve() == second.resolve()
    except OSError:
        return False
