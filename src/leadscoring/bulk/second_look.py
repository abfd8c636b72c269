"""Decides on leads of which the columns of a table do not clearly show that they are sound: as the service would.

Each is written as a client would send it, and goes through the service's own decoder. So a lead is rejected for the
same faults, in the same words.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from leadscoring._engine import Rows
from leadscoring.bulk.cells import Cells
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import a_json_number
from leadscoring.contract.moment import written
from leadscoring.errors import Fault, RequestError, ValidationError
from leadscoring.lead import Lead

UNNAMED = "lead"
"""The id of leads in a table that has none."""


class Table(NamedTuple):
    """The cells of the features by name; the ids of the leads and the moments as of which they are scored, if any."""

    cells: Mapping[str, Cells]
    ids: pl.Series | None = None
    as_of: Cells | None = None


class Accepted(NamedTuple):
    """A lead that the service accepts, and its row."""

    lead: Lead
    rows: Rows


def second_look(
    decoder: LeadDecoder[Rows], contract: Contract, table: Table, position: int, now: int | None
) -> Accepted | tuple[Fault, ...]:
    """Returns a lead and its row, or its faults, as the service's decoder finds them."""
    try:
        return Accepted(*decoder.one(lead_json(contract, table, position).encode(), now))
    except ValidationError as error:
        return tuple(error.faults)
    except RequestError as error:
        return (Fault("", str(error)),)


def lead_json(contract: Contract, table: Table, position: int) -> str:
    """Writes one lead as a client would send it."""
    features = ",".join(
        f"{text(feature.name)}:{cell_json(feature, table.cells[feature.name], position)}"
        for feature in contract.features
        if feature.name in table.cells
    )
    own = text(UNNAMED) if table.ids is None else value_json(table.ids[position])
    moment = "" if table.as_of is None else f',"as_of":{moment_json(table.as_of, position)}'
    return f'{{"lead_id":{own},"features":{{{features}}}{moment}}}'


def cell_json(feature: Feature, cells: Cells, position: int) -> str:
    """Writes one value of a lead; a number in the text of the table with all its digits."""
    if feature.form.is_timed:
        return moment_json(cells, position)
    raw, read = cells.raw[position], cells.read[position]
    if cells.unread is not None and cells.unread[position]:
        return value_json(raw)
    if read is None or (isinstance(read, float) and math.isnan(read)):
        return "null"
    if feature.is_text:
        return value_json(read)
    if isinstance(raw, str):
        plain = raw.strip()
        return plain if a_json_number(plain) and float(plain) == read else value_json(read)
    return value_json(raw)


def moment_json(cells: Cells, position: int) -> str:
    """Writes a date in ISO 8601; one that could not be read as it is in the table."""
    if cells.unread is not None and cells.unread[position]:
        return value_json(cells.raw[position])
    read = cells.read[position]
    return "null" if read is None else text(written(read))


def value_json(value: Any) -> str:
    """Writes a cell as JSON; what JSON cannot hold, such as a date among numbers, as its text."""
    if value is None or isinstance(value, bool | int | float | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, pl.Series):
        return json.dumps(value.to_list(), ensure_ascii=False, default=str)
    return text(str(value))


def text(value: str) -> str:
    """Writes a text as JSON."""
    return json.dumps(value, ensure_ascii=False)
