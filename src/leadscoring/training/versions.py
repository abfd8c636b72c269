"""What a new model is called: training again never takes the file or the version of another one without being asked."""

import re
from pathlib import Path

from leadscoring import lead
from leadscoring.errors import LeadScoringError, TrainingDataError
from leadscoring.model.file import identity_of

FIRST = "1.0.0"
SUFFIXES = (".json", ".ubj")
"""Of the files that are looked at for models of the same name."""

COUNTED = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})").fullmatch


def model_name(name: str | None, source: str) -> str:
    """The name of a model: the one that was asked for, else that of the file of leads, in small letters and hyphens."""
    return name or re.sub(r"[^a-z0-9]+", "-", Path(source).stem.casefold()).strip("-") or "leads"


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Raise ``TrainingDataError`` when a file is at ``out`` that nobody wants to lose."""
    if out.exists() and not out.is_dir() and not overwrite:
        there = identified(out)
        shown = f" and holds {there.name} {there.version}" if there else ""
        raise TrainingDataError(f"{out} exists{shown}: name another file for --out, or replace it with --overwrite")


def next_version(folder: Path, name: str) -> str:
    """The version after the highest of the models of this name in a folder; 1.0.0 where there is none."""
    files = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES and path.is_file())
    taken = [counted(model.version) for path in files if (model := identified(path)) and model.name == name]
    major, minor, _ = max(filter(None, taken), default=(0, 0, 0))
    return f"{major}.{minor + 1}.0" if any(taken) else FIRST


def counted(version: str) -> tuple[int, int, int] | None:
    """A version of three numbers; nothing for one of another form, which none can follow."""
    found = COUNTED(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def identified(path: Path) -> lead.Model | None:
    """Name and version of a model with a card; nothing for any other file."""
    try:
        return identity_of(path)
    except LeadScoringError:
        return None
