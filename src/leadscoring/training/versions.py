"""Name and version of a new model: training never reuses a file or version unless asked to."""

import re
from pathlib import Path

from leadscoring import lead
from leadscoring.errors import LeadScoringError, TrainingDataError
from leadscoring.model.file import identity_of
from leadscoring.training.reading.packed import plain_name

FIRST = "1.0.0"
SUFFIXES = (".json", ".ubj")
"""Suffixes of files that are searched for models of the same name."""

COUNTED = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})").fullmatch


def model_name(name: str | None, source: str) -> str:
    """The name of a model: the one requested, else the stem of the leads' file in lower case with hyphens."""
    return name or re.sub(r"[^a-z0-9]+", "-", Path(plain_name(source)).stem.casefold()).strip("-") or "leads"


def refuse_existing(out: Path, overwrite: bool) -> None:
    """Raises ``TrainingDataError`` if ``out`` exists and ``overwrite`` is not set."""
    if out.exists() and not out.is_dir() and not overwrite:
        existing = identified(out)
        shown = f" and holds {existing.name} {existing.version}" if existing else ""
        raise TrainingDataError(f"{out} exists{shown}: name another file for --out, or replace it with --overwrite")


def next_version(folder: Path, name: str) -> str:
    """The version after the highest of the models with this name in a folder; 1.0.0 if there is none."""
    files = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES and path.is_file())
    taken = [counted(model.version) for path in files if (model := identified(path)) and model.name == name]
    major, minor, _ = max(filter(None, taken), default=(0, 0, 0))
    return f"{major}.{minor + 1}.0" if any(taken) else FIRST


def counted(version: str) -> tuple[int, int, int] | None:
    """Parses a version of three numbers; ``None`` for any other format."""
    match = COUNTED(version)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def identified(path: Path) -> lead.Model | None:
    """Name and version of a model with a card; ``None`` for any other file."""
    try:
        return identity_of(path)
    except LeadScoringError:
        return None
