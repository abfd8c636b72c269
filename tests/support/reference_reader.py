"""What a lead is, told a second time and from the contract's words alone: none of our code reads here.

Slow and strict: Python's own JSON reader, with what JSON does not know refused, and each rule of the
contract written out. The service must accept and refuse exactly what this does.
"""

import json
import math
import re
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from leadscoring.contract.features import Contract, Feature

LARGEST_FLOAT32 = 3.4028234663852886e38
LARGEST_WHOLE = 2**53 - 1

a_moment = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,]\d+)?)?(?:[Zz]|([+-]\d\d)(?::?(\d\d))?)?)?", re.ASCII
).fullmatch


class NoLead(Exception):  # says what it is
    """The body is not a lead that the contract allows."""


def expect(holds: bool, what: str) -> None:
    """Refuses unless a rule holds."""
    if not holds:
        raise NoLead(what)


def pairs_without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, unless it names a key twice."""
    expect(len(dict(pairs)) == len(pairs), "a key is given twice")
    return dict(pairs)


def refuse_constant(name: str) -> Any:
    """NaN and infinities are Python's, not JSON's."""
    raise NoLead(f"{name} is not JSON")


def read_json(body: bytes) -> Any:
    """One JSON value (RFC 8259) in UTF-8, with every text of it sound Unicode."""
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=pairs_without_repetition, parse_constant=refuse_constant
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate cannot be written
    except (ValueError, RecursionError) as failure:
        raise NoLead(str(failure)) from None
    return value


def read_lead(body: bytes, contract: Contract) -> tuple[str, list[float | None]]:
    """The id of the lead in ``body`` and its row; raises ``NoLead`` when it is none."""
    value = read_json(body)
    expect(isinstance(value, dict) and value.keys() - {"as_of"} == {"lead_id", "features"}, "not an object of its keys")
    expect(value.get("as_of") is None or is_moment(value["as_of"]), "no moment")
    lead_id, features = value["lead_id"], value["features"]
    if isinstance(lead_id, int | float) and not isinstance(lead_id, bool) and 0 <= lead_id < 2**53 and lead_id % 1 == 0:
        lead_id = str(int(lead_id))
    expect(isinstance(lead_id, str) and 1 <= len(lead_id) <= 256, "no id")
    expect(isinstance(features, dict) and features.keys() <= set(contract.names), "unknown features")
    return lead_id, [encoded(feature, features.get(feature.name)) for feature in contract.features]


def is_moment(value: Any) -> bool:
    """Whether a value is a date, or a date and time, whose moment in UTC is of the years 1 to 9999."""
    found = a_moment(value) if isinstance(value, str) else None
    if found is None:
        return False
    day, minute, second, hours, minutes = found.groups()
    if int(second or 0) > 60 or abs(int(hours or 0)) > 23 or int(minutes or 0) > 59:
        return False
    try:
        made = datetime.fromisoformat(f"{day}T{minute or '00:00'}")
        offset = timedelta(hours=abs(int(hours or 0)), minutes=int(minutes or 0))
        zone = timezone(-offset if (hours or "").startswith("-") else offset)
        (made.replace(tzinfo=zone).astimezone(UTC) + timedelta(seconds=int(second or 0))).isoformat()
    except (ValueError, OverflowError):
        return False
    return True


def encoded(feature: Feature, value: Any) -> float | None:
    """A feature's value as the trees see it, ``None`` for missing."""
    if value is None:
        expect(not feature.required, "required")
        return None
    if feature.kind == "category":
        expect(isinstance(value, str), "not text")
        if value in feature.values:
            return float(feature.values.index(value))
        return float(len(feature.values)) if feature.other and value not in feature.missing else None
    if feature.kind == "flag":
        expect(isinstance(value, bool | int | float) and value in (0, 1), "not a flag")
        return float(value)
    expect(isinstance(value, int | float) and not isinstance(value, bool), "not a number")
    largest = LARGEST_WHOLE if feature.kind == "integer" else LARGEST_FLOAT32
    expect(-largest <= value <= largest, "beyond what can be compared")
    expect(feature.kind != "integer" or value == math.floor(value), "not whole")
    expect(feature.minimum is None or value >= feature.minimum, "too small")
    expect(feature.maximum is None or value <= feature.maximum, "too large")
    narrowed: float = struct.unpack("f", struct.pack("f", value))[0]
    return narrowed
