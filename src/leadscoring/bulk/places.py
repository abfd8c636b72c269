"""Where a run reads and writes: the files of leads, of scores and of rejects, and the journal."""

import os
from pathlib import Path

import msgspec

from leadscoring.bulk.sources import STDIN, Source, is_cloud
from leadscoring.errors import ScoringFileError

PARQUET = (".parquet", ".pq")
OTHER = (".json", ".jsonl", ".ndjson", ".xlsx", ".xls", ".gz", ".bz2", ".xz", ".zst", ".zip", ".feather", ".arrow")
"""Endings of an output that would promise another format than it gets."""

STANDARD = "-"


class Places(msgspec.Struct, frozen=True):
    """The files of a run; ``out`` is ``None`` for standard output, ``journal`` if the run cannot be resumed."""

    sources: tuple[Source, ...]
    out: Path | None
    rejects: Path
    journal: Path | None
    is_parquet: bool


def places_of(model: str, data: str, sources: tuple[Source, ...], out: str | None, rejects: str | None) -> Places:
    """Decides where everything is.

    Without ``out``, scores go to standard output. Rejects are beside the output, or in the current folder. Raises
    ``ScoringFileError`` if a file would be read and written, or cannot be written there.
    """
    place = None if out in (None, STANDARD) else Path(str(out))
    if place is not None and place.is_symlink():  # which stays
        place = place.resolve()
    if place is not None:
        refuse_output(place)
    beside = Path(rejects) if rejects else rejects_of(place, data)
    files = [(source.path, "the data") for source in sources if source.path != STDIN and not source.is_cloud]
    for path, what in (*files, (model, "the model")):
        for target, option in ((place, "--out"), (beside, "--rejects")):
            if target is not None and is_same(Path(path), target):
                raise ScoringFileError(f"{option} {target} is also {what}: it would be overwritten while it is read")
    if place is not None and is_same(place, beside):
        raise ScoringFileError(f"--out and --rejects are both {place}")
    readable = all(source.identity is not None for source in sources)
    journal = place.with_name(f".{place.name}.journal") if place is not None and readable else None
    return Places(sources, place, beside, journal, place is not None and place.suffix.lower() in PARQUET)


def refuse_existing(places: Places, resume: bool, overwrite: bool) -> None:
    """Raises ``ScoringFileError`` if a run would replace a file, unless it is asked to, or goes on with another run."""
    if overwrite or (resume and places.journal is not None and places.journal.exists()):
        return
    for path, option in ((places.out, "--out"), (places.rejects, "--rejects")):
        if path is not None and path.exists():
            raise ScoringFileError(f"{path} exists: name another file for {option}, or replace it with --overwrite")


def refuse_output(place: Path) -> None:
    """Raises ``ScoringFileError`` for an output that is no CSV or Parquet file in a folder of this machine."""
    if is_cloud(str(place).replace(":/", "://", 1)):
        raise ScoringFileError(f"--out must be a file of this machine, not {place}: write it here, then copy it there")
    if place.suffix.lower() in OTHER:
        raise ScoringFileError(f"--out must end in .csv or .parquet, not {place.suffix}")
    if place.is_dir():
        raise ScoringFileError(f"--out {place} is a folder: name a file in it")
    if place.exists() and not place.is_file():
        raise ScoringFileError(f"--out {place} is no regular file: leave out --out for standard output")
    if not place.parent.is_dir():
        raise ScoringFileError(f"there is no folder {place.parent} for --out")
    if not os.access(place.parent, os.W_OK):
        raise ScoringFileError(f"cannot write to the folder {place.parent}: permission denied")


def rejects_of(out: Path | None, data: str) -> Path:
    """The file of rejects where none is named."""
    if out is not None:
        return out.with_name(f"{out.stem}.rejects.csv")
    name = "stdin" if data == STDIN else Path(data.rstrip("/")).name.partition(".")[0] or "leads"
    return Path(f"{name.replace('*', '_').replace('?', '_')}.rejects.csv")


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are one file, now or once it is written."""
    try:
        if one.exists() and other.exists():
            return one.samefile(other)
        return one.resolve() == other.resolve()
    except OSError:
        return False
