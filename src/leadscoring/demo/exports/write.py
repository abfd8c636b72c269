"""Writes an export, and the truth beside it, in chunks of bounded memory."""

import io
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
import polars as pl

from leadscoring.demo.exports.cells import Deals, stages_of, table
from leadscoring.demo.exports.course import follow
from leadscoring.demo.exports.crm import ENCODINGS, SEPARATORS, Crm
from leadscoring.demo.exports.facts import draw
from leadscoring.demo.exports.levels import Codes
from leadscoring.demo.exports.people import invent
from leadscoring.demo.exports.truth import probability

CHUNK = 20_000
"""Deals made at a time."""

TWICE = 100
"""One in so many rows is exported twice."""

BINS = 10_000
"""Bins of the true probability in which outcomes are counted for the ROC-AUC."""


class Style(NamedTuple):
    """How an export is written: keys of ``crm.LOCALES``, ``ENCODINGS`` and ``SEPARATORS``."""

    locale: str
    encoding: str
    separator: str

    @property
    def words(self) -> str:
        """Encoding and separator, for people."""
        return f"{ENCODINGS[self.encoding]}, separated by {self.separator}s"


class Written(NamedTuple):
    """What was written: rows, different deals by outcome, and the ROC-AUC of the truth among the decided ones."""

    rows: int
    won: int
    lost: int
    still_open: int
    roc_auc: float

    @property
    def deals(self) -> int:
        """The number of different deals."""
        return self.won + self.lost + self.still_open


class Tally:
    """Counts outcomes by true probability, so that their ROC-AUC needs no list of them."""

    def __init__(self) -> None:
        self.won = np.zeros(BINS, dtype=np.int64)
        self.lost = np.zeros(BINS, dtype=np.int64)
        self.open = 0

    def add(self, p: np.ndarray, won: np.ndarray, is_open: np.ndarray) -> None:
        """Adds deals by their true probability and outcome."""
        place = np.minimum((p * BINS).astype(np.int64), BINS - 1)
        self.won += np.bincount(place[won & ~is_open], minlength=BINS)
        self.lost += np.bincount(place[~won & ~is_open], minlength=BINS)
        self.open += int(is_open.sum())

    @property
    def roc_auc(self) -> float:
        """The ROC-AUC of the true probability among decided deals; NaN if they all ended the same way."""
        below = np.cumsum(self.lost) - self.lost
        pairs = float(self.won.sum()) * float(self.lost.sum())
        return float((self.won * (below + self.lost / 2.0)).sum() / pairs) if pairs else float("nan")


def quiet(stage: str, share: float) -> None:
    """Ignores progress."""


def write(
    crm: Crm,
    rows: int,
    seed: int,
    out: Path,
    truth: Path | None,
    style: Style,
    progress: Callable[[str, float], None] = quiet,
) -> Written:
    """Writes ``rows`` rows of an export to ``out``, and the truth of each deal to ``truth``.

    The truth is a CSV with the identifier, ``true_probability`` and ``converted``, which is 1, 0, or empty for open
    deals. Equal arguments write equal bytes. ``progress`` is called with ``writing`` and the completed share, 0..1.
    """
    tally = Tally()
    beside = nullcontext(None) if truth is None else truth.open("w", encoding="utf-8", newline="")
    with out.open("w", encoding=style.encoding, newline="") as file, beside as aside:
        for deals, again in chunks(crm, rows, seed):
            once = ~again
            frame = table(deals, style.locale)
            course = deals.course
            tally.add(course.probability[once], course.won[once], course.is_open[once])
            if aside is not None:
                write_truth(aside, crm, deals, frame, once)
            write_rows(file, crm, frame[np.arange(len(again)) - again], int(deals.rows[0]), style)
            progress("writing", (int(deals.rows[-1]) + 1) / rows)
        file.writelines(footer(crm, rows))
    return Written(rows, int(tally.won.sum()), int(tally.lost.sum()), tally.open, tally.roc_auc)


def chunks(crm: Crm, rows: int, seed: int) -> Iterator[tuple[Deals, np.ndarray]]:
    """Makes the deals of an export in time order, and whether each row repeats the one before it."""
    for number, first in enumerate(range(0, rows, CHUNK)):
        rng = np.random.default_rng([seed % 2**64, number])
        places = np.arange(first, min(first + CHUNK, rows))
        again = rng.random(len(places)) < 1.0 / TWICE
        again[1:] &= ~again[:-1]
        again[0] = False
        yield made(crm, rng, places, rows), again


def made(crm: Crm, rng: np.random.Generator, places: Codes, rows: int) -> Deals:
    """Makes the deals of some rows."""
    facts = draw(rng, places / rows)
    course = follow(rng, facts, probability(facts))
    return Deals(crm, places, facts, course, invent(rng, len(places)), stages_of(crm, facts, course))


def write_rows(file: IO[str], crm: Crm, frame: pl.DataFrame, first: int, style: Style) -> None:
    """Writes rows of an export, with the header before those after which the CRM repeats it."""
    at = 0
    while at < frame.height:
        passed = first + at
        left = crm.again - passed % crm.again if crm.again else frame.height
        part = frame[at : at + left]
        header = passed == 0 or (crm.again > 0 and passed % crm.again == 0)
        buffer = io.BytesIO()
        part.write_csv(
            buffer,
            include_header=header,
            separator=SEPARATORS[style.separator],
            line_terminator="\r\n",
            quote_style="always" if crm.quoted else "necessary",
        )
        file.write(buffer.getvalue().decode())
        at += part.height


def write_truth(file: IO[str], crm: Crm, deals: Deals, frame: pl.DataFrame, once: np.ndarray) -> None:
    """Writes the true probability and the outcome of each deal, by its identifier."""
    won = pl.Series(deals.course.won).cast(pl.Int8)
    truth = pl.DataFrame(
        {
            crm.key: frame[crm.key],
            "true_probability": pl.Series(deals.course.probability).round(6),
            "converted": won.set(pl.Series(deals.course.is_open), None),
        }
    )
    file.write(truth.filter(pl.Series(once)).write_csv(include_header=int(deals.rows[0]) == 0))


def footer(crm: Crm, rows: int) -> Iterator[str]:
    """The lines below the data."""
    for line in crm.footer:
        text = line.format(rows=rows)
        yield (f'"{text}"' if text and crm.quoted else text) + "\r\n"
