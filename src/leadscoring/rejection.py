"""Why a body was refused: every fault at once, with its place, the value received and what is allowed.

This is the slow way, taken only after the fast decoder said no. It reads the body with Python's
own parser, which keeps what the fast one hides: duplicate keys, NaN, and numbers of any size.
Places are JSON pointers (RFC 6901), since feature names may hold dots and spaces.
"""

import json
import math
from typing import Any, TypeGuard

from leadscoring.errors import Fault, MalformedJson, RequestError, ValidationError
from leadscoring.features import Contract, Feature, nearest

FAULTS_SHOWN = 100
VALUE_SHOWN = 80
LEAD_ID_LENGTH = 256
LONGEST_INTEGER = 400
"""Digits; a longer one is infinite as a float, and slow to read as an integer."""


class Obj(dict[str, Any]):
    """A JSON object that remembers which keys it was given more than once."""

    repeated: tuple[str, ...] = ()


def explain_lead(body: bytes, contract: Contract, failure: Exception | None) -> RequestError:
    """The error to answer for a body that is no lead of this contract.

    ``failure`` is what the fast decoder or the encoder said; it is told when the slow way finds
    nothing wrong of its own.
    """
    try:
        value = parse(body)
    except MalformedJson as malformed:
        return malformed
    lead_id = value.get("lead_id") if isinstance(value, dict) else None
    faults = lead_faults(value, contract)
    if not faults:
        return MalformedJson(f"the body is not a readable lead: {failure}")
    return ValidationError(faults[:FAULTS_SHOWN], lead_id if not lead_id_fault(lead_id) else None)


def explain_body(body: bytes, failure: Exception) -> RequestError:
    """The error to answer for a body that is no array of leads."""
    try:
        value = parse(body)
    except MalformedJson as malformed:
        return malformed
    if isinstance(value, list):
        return MalformedJson(f"the body is not a readable array of leads: {failure}")
    return ValidationError(
        [Fault("", f"the body must be an array of leads, not {noun(value)}", shown(value), "an array")]
    )


def parse(body: bytes) -> Any:
    """The JSON value in ``body``, with NaN and infinities let through.

    Raises ``MalformedJson`` with the reason and, where there is one, the place.
    """
    if not body.strip():
        raise MalformedJson("the body is empty; it must be JSON")
    try:
        return json.loads(body.decode(), object_pairs_hook=keep_repeated, parse_int=bounded_integer)
    except UnicodeDecodeError as failure:
        raise MalformedJson(f"the body is not UTF-8: byte {failure.start} is {body[failure.start]:#04x}") from None
    except json.JSONDecodeError as failure:
        raise MalformedJson(
            f"the body is not JSON: {failure.msg} at line {failure.lineno} column {failure.colno}"
        ) from None
    except RecursionError:
        raise MalformedJson("the body is nested too deeply; a lead is two levels deep") from None


def keep_repeated(pairs: list[tuple[str, Any]]) -> Obj:
    """An object of these pairs, with the names that came more than once."""
    found = Obj(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        found.repeated = tuple(name for name in found if names.count(name) > 1)
    return found


def bounded_integer(digits: str) -> int | float:
    """A JSON integer; one too long to be a number we could score becomes infinite."""
    return int(digits) if len(digits) <= LONGEST_INTEGER else float(digits)


def lead_faults(value: Any, contract: Contract) -> list[Fault]:
    """Everything wrong with a parsed lead."""
    allowed = "an object with lead_id and features"
    if not isinstance(value, dict):
        return [Fault("", f"a lead must be an object, not {noun(value)}", shown(value), allowed)]
    faults = repeated_faults(value, "")
    for name in value.keys() - {"lead_id", "features"}:
        faults.append(unknown_fault(name, f"/{pointer(name)}", value[name], ["lead_id", "features"]))
    if fault := lead_id_fault(value.get("lead_id"), present="lead_id" in value):
        faults.append(fault)
    features = value.get("features")
    if isinstance(features, dict):
        return faults + feature_faults(features, contract)
    found = noun(features) if "features" in value else "nothing"
    faults.append(
        Fault("/features", f"features must be an object of feature values, not {found}", shown(features), "an object")
    )
    return faults


def lead_id_fault(value: Any, present: bool = True) -> Fault | None:
    """What is wrong with a lead's id, if anything."""
    allowed = f"text of 1 to {LEAD_ID_LENGTH} characters"
    if isinstance(value, str) and 1 <= len(value) <= LEAD_ID_LENGTH and is_text(value):
        return None
    found = shown(value) if present else "nothing"
    return Fault("/lead_id", f"lead_id must be {allowed}, not {found!r}", shown(value), allowed)


def feature_faults(features: dict[str, Any], contract: Contract) -> list[Fault]:
    """Everything wrong with the features of a lead."""
    faults = repeated_faults(features, "/features")
    known = {feature.name for feature in contract.features}
    for name, value in features.items():
        if name not in known:
            faults.append(unknown_fault(name, f"/features/{pointer(name)}", value, contract.names))
    for feature in contract.features:
        value = features.get(feature.name)
        if is_finite(value) and not feature.is_text and contract.means_missing(value):
            continue
        if fault := feature_fault(feature, features):
            faults.append(fault)
    return faults


def feature_fault(feature: Feature, features: dict[str, Any]) -> Fault | None:
    """What is wrong with one feature, if anything."""
    place, allowed = f"/features/{pointer(feature.name)}", feature.allowed
    value = features.get(feature.name)
    if value is None:
        if not feature.required:
            return None
        found = "null" if feature.name in features else "left out"
        return Fault(place, f"{feature.name} is required and must be {allowed}, but is {found}", None, allowed)
    if fits(feature, value):
        return None
    return Fault(place, f"{feature.name} must be {allowed}, not {told(value)}", shown(value), allowed)


def fits(feature: Feature, value: Any) -> bool:
    """Whether a value is of the feature's kind and within its bounds."""
    if feature.is_text:
        return isinstance(value, str) and is_text(value)
    if feature.kind == "flag":
        return isinstance(value, bool | int | float) and value in (0, 1)
    return is_finite(value) and feature.fits(value)


def is_finite(value: object) -> TypeGuard[int | float]:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def repeated_faults(value: dict[str, Any], place: str) -> list[Fault]:
    """One fault for each key that an object was given more than once."""
    repeated = value.repeated if isinstance(value, Obj) else ()
    return [
        Fault(f"{place}/{pointer(name)}", f"{told(name)} is given more than once", shown(value[name]), "each key once")
        for name in repeated
    ]


def unknown_fault(name: str, place: str, value: Any, known: list[str]) -> Fault:
    """The fault of a key that nothing knows, with a guess of the one meant."""
    guess = nearest(name, known)
    hint = f"; did you mean {guess!r}?" if guess else ""
    allowed = guess or (", ".join(known) if len(known) <= 3 else "a feature of GET /api/v1/model/features")
    return Fault(place, f"{told(name)} is not known{hint}", shown(value), allowed)


def shown(value: Any) -> Any:
    """A value as it may be told to the caller: short, and always sound JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**53:
        return value
    if isinstance(value, dict | list):
        return noun(value)
    return clipped(value if isinstance(value, str) else repr(value))


def told(value: Any) -> str:
    """A value in the words of a message."""
    said = shown(value)
    if isinstance(value, dict | list):
        return str(said)
    return repr(said) if isinstance(value, str) else json.dumps(said).strip('"')


def clipped(text: str) -> str:
    """The beginning of a text, with what cannot be encoded made visible."""
    sound = text[: VALUE_SHOWN + 1].encode("utf-8", "backslashreplace").decode()
    return sound if len(text) <= VALUE_SHOWN else sound[:VALUE_SHOWN] + "…"


def pointer(name: str) -> str:
    """One step of a JSON pointer."""
    return clipped(name).replace("~", "~0").replace("/", "~1")


def is_text(value: str) -> bool:
    """Whether a text can be written as UTF-8; a lone surrogate cannot."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


def noun(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "an array", str: "text", int: "a number", float: "a number"}
    return next(name for kind, name in names.items() if isinstance(value, kind))
