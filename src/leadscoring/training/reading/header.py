"""Column names: converts header cells to names that the keys of a JSON lead can have."""

import re
import unicodedata
from collections import Counter

import msgspec

from leadscoring.errors import TrainingDataError

INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
NUMBER = re.compile(r"^[-+]?[\d.,]+$")


MOST_NOTES = 20
"""Maximum number of notes on a header."""


class Header(msgspec.Struct):
    """Column names in order, and notes.

    ``labels`` maps a name to the label in the file, where they differ; ``twice`` are labels of several columns.
    """

    names: list[str]
    labels: dict[str, str]
    twice: frozenset[str]
    notes: list[str]


def header_of(cells: list[str], line: str) -> Header:
    """Names for the cells of a header; ``line`` describes its position in messages.

    Raises ``TrainingDataError`` if the cells are numbers rather than names.
    """
    filled = [cell for cell in cells if cell.strip()]
    if len(filled) > 1 and all(NUMBER.match(cell.strip()) for cell in filled):
        raise TrainingDataError(f"{line} has numbers where the header must have column names: add a header line")
    names: list[str] = []
    labels: dict[str, str] = {}
    notes: list[str] = []
    plain = [clean(cell) for cell in cells]
    counts = Counter(plain)
    taken = set(plain)
    seen: Counter[str] = Counter()
    for place, (cell, wanted) in enumerate(zip(cells, plain, strict=True)):
        label, name = cell.strip(), wanted or free(f"column {place + 1}", taken)
        if counts[wanted] > 1 and wanted:
            seen[name] += 1
            if seen[name] > 1:
                name = free(f"{wanted} ({seen[wanted]})", taken)
                notes.append(f"the header has {label!r} more than once: column {place + 1} is called {name!r} here")
        elif wanted and name != label:
            notes.append(f"the column {label!r} is called {name!r} here: its name has what JSON has to escape")
        taken.add(name)
        names.append(name)
        if name != label:
            labels[name] = label
    spaced = sum(1 for cell in cells if cell != cell.strip())
    if spaced:
        notes.append(f"spaces around {spaced} name{'s' * (spaced > 1)} in the header were dropped")
    return Header(names, labels, frozenset(name for name, count in counts.items() if count > 1 and name), notes)


def some_of(notes: list[str]) -> list[str]:
    """The first notes, and the number of further ones."""
    more = len(notes) - MOST_NOTES
    return notes if more <= 0 else [*notes[:MOST_NOTES], f"and {more} more such notes on the header"]


def clean(cell: str) -> str:
    """Converts a header cell to a name: no quotation marks, backslashes, control characters or surrounding spaces."""
    text = INVISIBLE.sub("", unicodedata.normalize("NFC", cell))
    text = re.sub(r"\s+", " ", text.replace('"', "'").replace("\\", "/")).strip()
    return "".join(letter for letter in text if letter.isprintable())


def free(name: str, taken: set[str]) -> str:
    """A name that is not taken: this one, or this one with a number."""
    unique, count = name, 2
    while unique in taken:
        unique, count = f"{name} ({count})", count + 1
    return unique
