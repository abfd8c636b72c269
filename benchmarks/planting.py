"""Files of leads with faults planted at random places, and what has to come of each of their rows."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.many import many_leads
from leadscoring.errors import RequestError, ValidationError
from leadscoring.model.loaded import LoadedModel

EVERY = 100
"""One row in so many is planted."""

NAMES = ("lead_id", *CONTRACT.names, "converted")
PLACE = {name: place for place, name in enumerate(NAMES)}
TEXTUAL = "use_case_alignment"
"""The feature that Parquet files have as texts, so that a cell can be of a wrong type."""

ODD = tuple(name for name in NAMES if name in {"geographic_tier", "total_touchpoints"})
"""Whole numbers that Parquet files have as float64, so that a cell can hold what is none."""

SAMPLED = 1_000
UNCLOSED = "unclosed"
MARK = "a quotation mark"


class Kind(NamedTuple):
    """What is planted in a row, and what has to come of it: ``scored``, ``rejected``, ``empty`` or ``header``.

    ``cells`` are the cells that differ; ``sent`` are the same values as a client of the API sends them, if the lead is
    rejected for them. ``line`` makes the line of CSV from the sound one, and ``shown`` the id in the scores from that
    of the lead. ``words`` are of the fault of a line that is no row, of each of its ``lines``.
    """

    name: str
    comes: str = "scored"
    cells: Mapping[str, Any] = {}
    sent: Mapping[str, Any] = {}
    line: Callable[[str], bytes] | None = None
    shown: Callable[[str], str] = str
    words: str = ""
    lines: int = 1
    in_parquet: bool = True
    marked: int = 0
    short: int = 0
    foreign: int = 0


def own_id(change: Callable[[str], str], encoding: str = "utf-8") -> Callable[[str], bytes]:
    """What changes the id at the start of a line."""

    def changed(line: str) -> bytes:
        lead_id, rest = line.split(",", 1)
        return f"{change(lead_id)},{rest}".encode(encoding)

    return changed


def torn(line: str) -> bytes:
    """A line broken in a cell."""
    cells = line.split(",")
    return (",".join(cells[:20]) + "\n" + ",".join(cells[19:])).encode()


LONG_ID = "x" * 300
KINDS = (
    Kind("formula", cells={"lead_id": "=1+1"}, shown=lambda _: "=1+1", marked=1),
    Kind("twice", cells={"lead_id": "lead-000001"}, shown=lambda _: "lead-000001"),
    Kind("umlaut", cells={"lead_id": "ü"}, shown=lambda _: "ü"),
    Kind("unknown", cells={"subsidiary_count": None}),
    Kind("text", "rejected", {TEXTUAL: "many"}, {TEXTUAL: "many"}),
    Kind("outside", "rejected", {"bounce_rate": 1.5, "geographic_tier": 9}, {"bounce_rate": 1.5, "geographic_tier": 9}),
    Kind("negative", "rejected", {"company_age_years": -3.0}, {"company_age_years": -3.0}),
    Kind("infinite", "rejected", {"company_growth_rate": math.inf}, {"company_growth_rate": math.inf}),
    Kind("lacking", "rejected", {"company_revenue": None}, {"company_revenue": None}),
    Kind("fraction", "rejected", {"geographic_tier": 1.5}, {"geographic_tier": 1.5}),
    Kind("huge", "rejected", {"total_touchpoints": 1e39}, {"total_touchpoints": 1e39}),
    Kind("nameless", "rejected", {"lead_id": None}, {"lead_id": None}),
    Kind("endless id", "rejected", {"lead_id": LONG_ID}, {"lead_id": LONG_ID}),
    Kind(
        "quoted",
        line=own_id(lambda one: f'"{one}, the ""first"""'),
        shown=lambda one: f'{one}, the "first"',
        in_parquet=False,
    ),
    Kind(
        "broken",
        line=lambda line: f'{line.rpartition(",")[0]},"a note\nof two lines"'.encode(),
        lines=2,
        in_parquet=False,
    ),
    Kind("broken id", "rejected", line=own_id(lambda one: f'"{one}\nmore"'), words=MARK, lines=2, in_parquet=False),
    Kind("unclosed id", "rejected", line=own_id(lambda one: f'"{one}'), words=MARK, in_parquet=False),
    Kind("stray mark", line=own_id(lambda one: f'5" {one}'), shown=lambda one: f'5" {one}', in_parquet=False),
    Kind(
        "bad byte",
        line=own_id(lambda one: f"{one}ß", "cp1252"),
        shown=lambda one: f"{one}ß",
        in_parquet=False,
        foreign=1,
    ),
    Kind("short", line=lambda line: line.rpartition(",")[0].encode(), in_parquet=False, short=1),
    Kind("padded", line=lambda line: line.replace(",", ", ").encode(), in_parquet=False),
    Kind("carriage return", line=lambda line: f"{line}\r".encode(), in_parquet=False),
    Kind("nul", "rejected", line=own_id(lambda one: f"{one}\0"), words="NUL byte", in_parquet=False),
    Kind("long", "rejected", line=lambda line: f"{line},more".encode(), words="values where", in_parquet=False),
    Kind("single", "rejected", line=lambda _: b"a remark", words="a single value", in_parquet=False),
    Kind("torn", "rejected", line=torn, words="cut in two", lines=2, in_parquet=False),
    Kind("blank", "empty", line=lambda _: b"", in_parquet=False),
    Kind("commas", "empty", line=lambda _: b"," * (len(NAMES) - 1), in_parquet=False),
    Kind("header again", "header", line=lambda _: ",".join(NAMES).encode(), in_parquet=False),
)
LAST = Kind(UNCLOSED, "rejected", line=own_id(lambda one: f'"{one}'), words=MARK, in_parquet=False)
"""The last line of a CSV file."""


class Reject(NamedTuple):
    """A row that has to be rejected: its line, its kind, its id, its content if it is known, and its faults."""

    line: int
    kind: str
    lead_id: str | None
    content: str | None
    faults: tuple[tuple[str, str], ...]


class Planted:
    """What has to come of a file: ``ids`` of the scores in order, the rejects in order, counts, and a sample.

    ``sample`` are rows of scores, from 0, with their features in the order of the contract.
    """

    def __init__(self, model: LoadedModel, rows: int, is_text: bool, seed: int) -> None:
        self.ids: list[pl.Series] = []
        self.rejects: list[Reject] = []
        self.counts = dict.fromkeys(("rows", "scored", "rejected", "empty", "headers", "marked", "short", "foreign"), 0)
        self.sample: dict[int, npt.NDArray[np.float64]] = {}
        self.kinds: dict[str, int] = {}
        self._model, self._rows, self._is_text = model, rows, is_text
        self._draw = np.random.default_rng(seed)
        self._line = 2 if is_text else 1
        self._words: dict[str, tuple[tuple[str, str], ...]] = {}

    def plant(self, frame: pl.DataFrame, is_last: bool) -> tuple[dict[int, Kind], dict[int, int]]:
        """Chooses what to plant in a frame, and notes what has to come of its rows.

        Returns the kinds by row, and the number of the line of each of these rows.
        """
        kinds = [kind for kind in KINDS if kind.in_parquet or self._is_text]
        firsts = np.arange(1, frame.height - EVERY, EVERY)
        places = (firsts + self._draw.integers(0, EVERY - 2, len(firsts))).tolist()
        start = self._draw.integers(len(kinds))
        chosen = {place: kinds[(start + number) % len(kinds)] for number, place in enumerate(places)}
        if is_last and self._is_text:
            chosen[frame.height - 1] = LAST
        return chosen, self._note(frame, chosen)

    def _note(self, frame: pl.DataFrame, chosen: dict[int, Kind]) -> dict[int, int]:
        ids, extra, lines = frame["lead_id"], 0, {}
        shown = ids.to_list()
        sound = np.ones(frame.height, dtype=bool)
        for place, kind in chosen.items():
            lines[place] = self._line + place + extra
            extra += kind.lines - 1
            self.kinds[kind.name] = self.kinds.get(kind.name, 0) + 1
            self.counts["short"] += kind.short
            self.counts["foreign"] += kind.foreign
            marked = kind.marked if self._is_text else 0
            self.counts["marked"] += marked
            shown[place] = "'" * marked + kind.shown(shown[place])
            sound[place] = kind.comes == "scored"
            self.counts["empty"] += kind.comes == "empty"
            self.counts["headers"] += kind.comes == "header"
        self._line += frame.height + extra
        self._sample(frame, chosen, sound)
        self.ids.append(pl.Series("id", shown).filter(pl.Series(sound)))
        self.counts["scored"] += int(sound.sum())
        return lines

    def _sample(self, frame: pl.DataFrame, chosen: dict[int, Kind], sound: npt.NDArray[np.bool_]) -> None:
        """Keeps some rows without anything planted, whose scores XGBoost has to confirm."""
        plain = sound.copy()
        plain[list(chosen)] = False
        share = min(1.0, 1.2 * SAMPLED / self._rows)
        some = np.flatnonzero(plain & (self._draw.random(frame.height) < share))
        at = self.counts["scored"] + np.cumsum(sound) - 1
        values = frame[some].select(CONTRACT.names).cast(pl.Float64).to_numpy()
        self.sample.update(zip(at[some].tolist(), values, strict=True))

    def reject(self, kind: Kind, line: int, frame: pl.DataFrame, place: int, texts: list[str] | None) -> None:
        """Notes the rejects of a row; ``texts`` are its lines in the file."""
        if kind.comes != "rejected":
            return
        for number in range(kind.lines if kind.words else 1):
            text = None if texts is None else texts[number].replace("\0", "\\0")
            given = kind.sent.get("lead_id", frame["lead_id"][place])
            found = (("", kind.words),) if kind.words else self._faults(kind, frame, place)
            own = None if kind.words else given
            self.rejects.append(Reject(line + number, kind.name, own, text, found))
            self.counts["rejected"] += 1

    def _faults(self, kind: Kind, frame: pl.DataFrame, place: int) -> tuple[tuple[str, str], ...]:
        """The paths and the words of the faults that the service's decoder finds in the lead."""
        if kind.name not in self._words:
            features = frame.row(place, named=True)
            sent = dict(kind.sent)
            if self._is_text:  # as texts, where JSON has no number
                sent = {
                    name: str(one) if isinstance(one, float) and math.isinf(one) else one for name, one in sent.items()
                }
            lead_id = sent.pop("lead_id", "lead")
            if not self._is_text:  # as the columns are
                sent |= {name: float(sent[name]) for name in ODD if name in sent}
            features = {name: features[name] for name in CONTRACT.names} | sent
            self._words[kind.name] = faults(self._model, {"lead_id": lead_id, "features": features})
        return self._words[kind.name]


def faults(model: LoadedModel, lead: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the service's decoder finds wrong with a lead."""
    try:
        model.decoder.one(json.dumps(lead).encode(), None)
    except ValidationError as error:
        return tuple((fault.path, fault.message) for fault in error.faults)
    except RequestError as error:
        return (("", str(error)),)
    raise ValueError(f"the service accepts {lead}")


def frames(rows: int, seed: int) -> Iterator[tuple[pl.DataFrame, bool]]:
    """Leads as in the files, and whether they are the last."""
    left = rows
    for frame in many_leads(rows, seed):
        left -= frame.height
        yield frame.select(NAMES), left == 0


def plant_csv(path: Path, model: LoadedModel, rows: int, seed: int) -> Planted:
    """Writes a CSV file with faults; returns what has to come of it. ``rows`` are the leads before planting."""
    planted = Planted(model, rows, True, seed)
    with path.open("wb") as file:
        file.write(",".join(NAMES).encode() + b"\n")
        for frame, is_last in frames(rows, seed):
            lines = frame.write_csv(include_header=False).split("\n")
            lines.pop()
            raw = [line.encode() for line in lines]
            chosen, numbers = planted.plant(frame, is_last)
            for place, kind in chosen.items():
                raw[place] = line_of(kind, lines[place])
                texts = raw[place].decode("cp1252" if kind.foreign else "utf-8").split("\n")
                planted.reject(kind, numbers[place], frame, place, texts)
            file.write(b"\n".join(raw) + (b"" if is_last else b"\n"))
    return completed(planted)


def line_of(kind: Kind, line: str) -> bytes:
    """The line of a kind, made of a sound one."""
    if kind.line is not None:
        return kind.line(line)
    cells = line.split(",")
    for name, value in kind.cells.items():
        cells[PLACE[name]] = "" if value is None else str(value)
    return ",".join(cells).encode()


def plant_parquet(path: Path, model: LoadedModel, rows: int, seed: int) -> Planted:
    """Writes a Parquet file with faults; returns what has to come of it."""
    planted = Planted(model, rows, False, seed)

    def source(columns: list[str] | None, *_: object) -> Iterator[pl.DataFrame]:
        for frame, is_last in frames(rows, seed):
            chosen, numbers = planted.plant(frame, is_last)
            for place, kind in chosen.items():
                planted.reject(kind, numbers[place], frame, place, None)
            changed = planted_frame(frame, chosen)
            yield changed.select(columns) if columns else changed

    schema = planted_frame(next(frames(rows, seed))[0].head(0), {}).schema
    pl.io.plugins.register_io_source(source, schema=schema).sink_parquet(
        path, row_group_size=100_000, maintain_order=True
    )
    return completed(planted)


def planted_frame(frame: pl.DataFrame, chosen: dict[int, Kind]) -> pl.DataFrame:
    """A frame with other cells in some rows."""
    frame = frame.with_columns(pl.col(TEXTUAL).cast(pl.String), pl.col(ODD).cast(pl.Float64))
    cells: dict[str, dict[int, Any]] = {}
    for place, kind in chosen.items():
        for name, value in kind.cells.items():
            cells.setdefault(name, {})[place] = value
    columns = [
        frame[name].scatter(list(at), pl.Series(list(at.values()), dtype=frame.schema[name], strict=False))
        for name, at in cells.items()
    ]
    return frame.with_columns(columns)


def completed(planted: Planted) -> Planted:
    """The same with the number of rows."""
    planted.counts["rows"] = planted.counts["scored"] + planted.counts["rejected"]
    return planted
