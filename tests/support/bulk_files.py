"""Files of leads of the small contract with known contents, and runs of the scoring of files on them."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import factories
import polars as pl

from leadscoring.bulk.choice import Choice
from leadscoring.bulk.places import places_of
from leadscoring.bulk.recording import NOTHING, Recording
from leadscoring.bulk.run import Result, score_files
from leadscoring.bulk.sources import sources_of
from leadscoring.model.loaded import LoadedModel

NAMES = factories.SMALL.names
HEADER = ",".join(("crm id", *NAMES))
SOUND = ("1000000", "3", "0.35", "1", "event", "south", "0.4")


class Row(NamedTuple):
    """A line of a file: its text, and what has to come of it (scored, rejected or nothing)."""

    text: str
    comes: str


def cells(lead_id: str, **changed: str) -> list[str]:
    """The cells of a sound lead with other values by the place of their feature's name."""
    values = dict(zip(NAMES, SOUND, strict=True)) | changed
    return [lead_id, *values.values()]


def line(lead_id: str, **changed: str) -> str:
    """A sound line with other values."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(cells(lead_id, **changed))
    return buffer.getvalue().removesuffix("\n")


def row(kind: str, number: int) -> Row:
    """A row of a kind, with numbers that depend on its place."""
    own = {"visits": str(number % 9), "growth": f"{number % 17 / 16 - 0.5:g}", "open_rate": f"{number % 11 / 10:g}"}
    lead_id = f"lead {number}"
    made = {
        "sound": Row(line(lead_id, **own), "scored"),
        "unknown": Row(line(lead_id, visits="", growth="n/a", source="unknown"), "scored"),
        "unseen": Row(line(lead_id, source="fair"), "scored"),
        "spaced": Row(line(lead_id, visits=" 4 "), "scored"),
        "quoted": Row(line(f'{lead_id}, "the" one', **own), "scored"),
        "stray mark": Row(line(lead_id, **own).replace("lead", '5" lead'), "scored"),
        "formula": Row(line(f"=1+{number}", **own), "scored"),
        "umlaut": Row(line(f"{lead_id} ü", **own), "scored"),
        "short": Row(line(lead_id, **own).rpartition(",")[0], "scored"),
        "long": Row(line(lead_id, **own) + ",more", "rejected"),
        "single": Row("remark", "rejected"),
        "text": Row(line(lead_id, revenue="many"), "rejected"),
        "outside": Row(line(lead_id, open_rate="1.5", revenue="-3"), "rejected"),
        "infinite": Row(line(lead_id, growth="inf"), "rejected"),
        "lacking": Row(line(lead_id, revenue=""), "rejected"),
        "nul": Row(line(f"{lead_id}\0", **own), "rejected"),
        "nameless": Row(line("", **own), "rejected"),
        "blank": Row("", "nothing"),
        "empty": Row("," * len(NAMES), "nothing"),
        "header": Row(HEADER, "nothing"),
    }
    return made[kind]


KINDS = (
    *(
        "sound",
        "unknown",
        "unseen",
        "spaced",
        "quoted",
        "stray mark",
        "formula",
        "umlaut",
        "short",
    ),
    *("long", "single", "text", "outside", "infinite", "lacking", "nul", "nameless", "blank", "empty", "header"),
)
"""Every kind of row."""


def content(kinds: list[str]) -> str:
    """A file with rows of these kinds."""
    return "\n".join([HEADER, *(row(kind, number).text for number, kind in enumerate(kinds))]) + "\n"


def run(
    model: LoadedModel,
    data: Path | str,
    out: Path | str | None,
    *,
    resume: bool = False,
    recorded: float = 1e9,
    model_path: Path = Path("absent.json"),
    rejects: Path | str | None = None,
    recording: Recording = NOTHING,
    **choice: Any,
) -> Result:
    """Scores files as the command does; ``recorded`` is 0 for a record after each batch."""
    chosen = Choice(**{"lead_id": "crm id"} | choice)
    places = places_of(
        str(model_path),
        str(data),
        sources_of(str(data)),
        None if out is None else str(out),
        None if rejects is None else str(rejects),
    )
    return score_files(model, places, chosen, lambda _stage, _share: None, resume, recorded, recording)


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def rejects_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a file of rejects, with their faults."""
    return [one | {"faults": json.loads(one["faults"])} for one in rows_of(path)] if path.exists() else []


def lead_of(kind: str, number: int) -> dict[str, Any]:
    """The lead that a client sends for a row."""
    texts = dict(zip(("crm id", *NAMES), row(kind, number).text.split(","), strict=True))
    lead_id = texts.pop("crm id")
    return {"lead_id": lead_id, "features": {name: value_of(text) for name, text in texts.items()}}


def value_of(text: str) -> Any:
    """A cell as JSON."""
    if text in {"", "n/a", "unknown"}:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def mixed(rows: int, every: int = 7) -> list[str]:
    """The kinds of many rows, most of them sound."""
    return [KINDS[(number // every) % len(KINDS)] if number % every == 0 else "sound" for number in range(rows)]


def planted(place: Path, source: str) -> Path:
    """Leads with faults as a file of a kind, or as a folder of files."""
    text = content(mixed(150))
    if source == "parquet":
        table = pl.DataFrame(
            [cells(f"lead {number}", visits=str(number % 9)) for number in range(150)],
            schema=["crm id", *NAMES],
            orient="row",
        )
        table.write_parquet(place / "leads.parquet", row_group_size=64)
        return place / "leads.parquet"
    if source == "csv":
        (place / "leads.csv").write_text(text)
        return place / "leads.csv"
    if source == "csv.gz":
        (place / "leads.csv.gz").write_bytes(gzip.compress(text.encode()))
        return place / "leads.csv.gz"
    folder = place / "folder"
    folder.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (folder / name).write_text(content(mixed(50, 11)))
    return folder
