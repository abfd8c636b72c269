"""Explains why a body was rejected: all faults at once, with the path, the value received and what is allowed.

This is the slow path, taken only after the fast decoder has rejected the body. It works on the outline of the body,
which keeps what the fast decoder hides: duplicate keys, NaN, and numbers of any size. The work for any body is one
pass over the bytes and a bounded number of faults and suggestions.
Paths are JSON pointers (RFC 6901), since feature names may contain dots and spaces.
"""

import json
import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

from leadscoring._engine import Names
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import is_writable
from leadscoring.contract.moment import AS_OF_ALLOWED, is_moment, unclear
from leadscoring.contract.naming import Guesser, Known, Rule, plain
from leadscoring.contract.outline import ENVELOPE, NotJson, Outline, Part, Unknown, outline
from leadscoring.errors import Fault, MalformedJson, RequestError, ValidationError
from leadscoring.lead import LEAD_BYTES, LEAD_ID_LENGTH, LEAD_ID_MAX, id_text
from leadscoring.stretches import Stretches, at_once

FAULTS_SHOWN = 100
"""Maximum number of reported faults per lead; further ones are only counted."""

FAULTS_OF_BATCH = 500
"""Faults of a batch after which only the first fault of each further lead is reported."""

NAMES_GUESSED = 5
"""Unknown names per lead for which the nearest known name is searched."""

NAMES_SHOWN = 3
"""Maximum number of example names in a message about many."""

VALUE_SHOWN = 80
BYTES_A_FEATURE = 256
LEAD_ID_ALLOWED = f"text of 1 to {LEAD_ID_LENGTH} characters, or a whole number from 0 to {LEAD_ID_MAX}"
AS_OF = "as_of"
LEAD_ALLOWED = "an object with lead_id and features"
LEAD_PLACE = "lead_id and features must stand in the lead itself, not within another object"
FEATURES_ALLOWED = "a feature of GET /api/v1/model/features"


class Rejection:
    """Explains the rejections of leads by one contract; built once per contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = tuple(contract.names)
        self.names_known = frozenset(self.names)
        self.wire_names = Names(name.encode() for name in self.names)
        self.known = Known(self.names)
        self.envelope = ENVELOPE if contract.is_timed else tuple(name for name in ENVELOPE if name != AS_OF)
        self.envelope_known = Known(self.envelope)
        self.longest = max(LEAD_BYTES, BYTES_A_FEATURE * len(self.names))

    def explain(self, body: bytes, failure: Exception | None) -> RequestError:
        """Returns the error for a body that is not a lead of this contract.

        ``failure`` is the error of the fast decoder or the encoder; it is reported if the slow path finds no fault.
        """
        return at_once(Refusals(self).explain(body, 0, len(body), failure))

    def outline(self, body: bytes, begin: int, end: int) -> Stretches[Outline]:
        """Outlines a lead in a body. Raises ``MalformedJson`` if it is not JSON."""
        try:
            return (yield from outline(body, begin, end, self.wire_names, self.names))
        except NotJson as failure:
            raise malformed(body, failure) from None


class Refusals:
    """Explains the rejections of one request, which share the budgets of suggestions and of reported faults."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        self.guesser = Guesser(rejection.known)
        self.envelope_guesser = Guesser(rejection.envelope_known)
        self.faults_left = FAULTS_OF_BATCH

    def explain(self, body: bytes, begin: int, end: int, failure: Exception | None) -> Stretches[RequestError]:
        """Returns the error for the lead at a position of the body; yields periodically if it is long."""
        try:
            found = yield from self.rejection.outline(body, begin, end)
        except MalformedJson as error:
            return error
        yield  # between reading the lead and collecting its faults
        return self.explain_outline(found, failure)

    def explain_outline(self, found: Outline, failure: Exception | None) -> RequestError:
        """Returns the error for an outlined lead."""
        faults = Faults(min(FAULTS_SHOWN, max(1, self.faults_left)))
        lead_faults(faults, found, self)
        if not faults.count:
            return MalformedJson(f"the body is not a readable lead: {failure}")
        self.faults_left -= len(faults.shown)
        lead_id = found.envelope.values.get("lead_id")
        known = None if lead_id is None or lead_id_fault(lead_id) else id_text(lead_id)
        return ValidationError(faults.shown, known, faults.count)


class Faults:
    """Collects faults: keeps the first ``most``, counts all."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.shown: list[Fault] = []
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether further faults are only counted."""
        return len(self.shown) >= self.most

    def add(self, fault: Fault) -> None:
        """Adds a fault."""
        self.count += 1
        if not self.full:
            self.shown.append(fault)

    def more(self, count: int) -> None:
        """Counts faults without details."""
        self.count += count


def malformed(body: bytes, failure: NotJson) -> MalformedJson:
    """Returns the error for bytes that are not JSON, with the line and the byte within it, both from 1."""
    if not body.strip():
        return MalformedJson("the body is empty; it must be JSON")
    if failure.why == "nested too deeply":
        return MalformedJson("the body is nested too deeply; a lead is two levels deep")
    if failure.why == "not UTF-8":
        return MalformedJson(f"the body is not UTF-8: byte {failure.at} is {body[failure.at]:#04x}")
    line, start = body.count(b"\n", 0, failure.at) + 1, body.rfind(b"\n", 0, failure.at) + 1
    return MalformedJson(f"the body is not JSON: {failure.why} at line {line} column {failure.at - start + 1}")


def no_array(root: Any) -> ValidationError:
    """Returns the error for a body that is JSON, but not an array of leads."""
    hint = "; POST /api/v1/score takes a single lead" if isinstance(root, dict) else ""
    said = f"the body must be an array of leads, not {noun(root)}{hint}"
    return ValidationError([Fault("", said, shown(root), "an array")])


def lead_faults(faults: Faults, found: Outline, refusals: Refusals) -> None:
    """Adds all faults of an outlined lead."""
    if not isinstance(found.root, dict):
        hint = "; an array of leads is the body of POST /api/v1/score/batch" if isinstance(found.root, list) else ""
        said = f"a lead must be an object, not {noun(found.root)}{hint}"
        faults.add(Fault("", said, shown(found.root), LEAD_ALLOWED))
        return
    envelope = found.envelope
    repeated_faults(faults, envelope, "")
    unwrapped = unwrapped_names(envelope, refusals.rejection)
    wrappers = wrapper_faults(envelope)
    for wrapper in wrappers.values():
        faults.add(wrapper)
    unknown_faults(faults, envelope, {*unwrapped, *wrappers}, "", refusals)
    if fault := lead_id_fault(envelope.values.get("lead_id"), present="lead_id" in envelope.values):
        faults.add(fault)
    if fault := as_of_fault(envelope.values.get(AS_OF)):
        faults.add(fault)
    if isinstance(envelope.values.get("features"), dict):
        feature_faults(faults, found.features, refusals)
    else:
        faults.add(no_features_fault(envelope, unwrapped))
    if found.size > refusals.rejection.longest:
        allowed = f"at most {refusals.rejection.longest} bytes"
        faults.add(Fault("", f"a lead must have {allowed}, not {found.size}", found.size, allowed))


def unwrapped_names(envelope: Part, rejection: Rejection) -> list[str]:
    """Returns the names of features beside ``lead_id`` in a lead without ``features``."""
    if "features" in envelope.values:
        return []
    names = [unknown.name for unknown in envelope.unknown]
    return [name for name in names if name in rejection.names_known or plain(name) in rejection.known.by_form]


def wrapper_faults(envelope: Part) -> dict[str, Fault]:
    """Returns the fault of an object that wraps a whole lead, such as ``{"lead": {...}}``, by its name."""
    if envelope.values or envelope.unknown_count != 1 or not isinstance(envelope.unknown[0].value, dict):
        return {}
    name = envelope.unknown[0].name
    said = f"{told(name)} is not known; {LEAD_PLACE}"
    return {name: Fault(f"/{pointer(name)}", said, "an object", LEAD_ALLOWED)}


def no_features_fault(envelope: Part, unwrapped: Sequence[str]) -> Fault:
    """Returns the fault of a lead whose features are missing, in the wrong place, or not an object."""
    place, allowed = "/features", "an object of feature values"
    if unwrapped:
        said = f"features is missing: put these under `features`: {listed(unwrapped)}"
        return Fault(place, said, None, 'an object such as {"lead_id": "...", "features": {...}}')
    if "features" not in envelope.values:
        return Fault(place, f"features is missing; it must be {allowed}", None, allowed)
    value = envelope.values["features"]
    return Fault(place, f"features must be {allowed}, not {noun(value)}", shown(value), allowed)


def lead_id_fault(value: Any, present: bool = True) -> Fault | None:
    """Returns the fault of a lead's id, if any."""
    if isinstance(value, str) and 1 <= len(value) <= LEAD_ID_LENGTH and is_writable(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LEAD_ID_MAX and value % 1 == 0:
        return None
    if not present:
        return Fault("/lead_id", f"lead_id is missing; it must be {LEAD_ID_ALLOWED}", None, LEAD_ID_ALLOWED)
    return Fault("/lead_id", f"lead_id must be {LEAD_ID_ALLOWED}, not {told(value)}", shown(value), LEAD_ID_ALLOWED)


def as_of_fault(value: Any) -> Fault | None:
    """Returns the fault of the moment as of which a lead is scored, if any; a lead needs none."""
    if value is None or is_moment(value):
        return None
    said = f"{AS_OF} must be {AS_OF_ALLOWED}, not {told(value)}{unclear(value)}"
    return Fault(f"/{AS_OF}", said, shown(value), AS_OF_ALLOWED)


def feature_faults(faults: Faults, features: Part, refusals: Refusals) -> None:
    """Adds all faults of the features of a lead."""
    repeated_faults(faults, features, "/features")
    renamed = refusals.guesser.renamed([unknown.name for unknown in features.unknown])
    meant = renamed[1] if renamed else {}
    if renamed:
        faults.add(renamed_fault(*renamed))
    unknown_faults(faults, features, meant, "/features", refusals)
    given = set(meant.values())
    for feature in refusals.rejection.contract.features:
        if feature.name in given and feature.name not in features.values:
            continue  # present under another name, which is reported already
        if fault := feature_fault(feature, features.values, refusals.rejection.contract):
            faults.add(fault)


def renamed_fault(rule: Rule, meant: Mapping[str, str]) -> Fault:
    """Returns the common fault of names that all deviate by one rule."""
    examples = ", ".join(f"{told(name)} is {known!r}" for name, known in list(meant.items())[:NAMES_SHOWN])
    more = f", and {len(meant) - NAMES_SHOWN} more in the same way" if len(meant) > NAMES_SHOWN else ""
    before = f" have {told(rule.before)} in front and" if rule.before else ""
    behind = f" have {told(rule.behind)} at the end and" if rule.behind else ""
    said = f"{len(meant)} names{before}{behind} are not written as the contract has them: {examples}{more}"
    return Fault("/features", said, next(iter(meant)), FEATURES_ALLOWED)


def feature_fault(feature: Feature, features: Mapping[str, Any], contract: Contract) -> Fault | None:
    """Returns the fault of one feature, if any."""
    value = features.get(feature.name)
    if contract.accepts(feature, value) if value is not None else not feature.required:
        return None
    place, allowed = f"/features/{pointer(feature.name)}", contract.allowed(feature)
    if value is None:
        found = "null" if feature.name in features else "left out"
        return Fault(place, f"{feature.name} is required and must be {allowed}, but is {found}", None, allowed)
    allowed += beyond(feature, value)
    takes_lists = isinstance(value, list) and contract.accepts(feature, [])
    found = "a list of other or of more values" if takes_lists else told(value)
    why = unclear(value) if feature.form.is_timed else ""
    return Fault(place, f"{feature.name} must be {allowed}, not {found}{why}", shown(value), allowed)


def beyond(feature: Feature, value: Any) -> str:
    """The bound of a kind, in words, for a number that is beyond it; the contract states no such bound."""
    widest = getattr(feature.form, "widest", math.inf)
    if not isinstance(value, int | float) or not widest < abs(value) < math.inf:
        return ""
    bound = f"{widest:.0f}" if feature.form.is_whole else f"{widest:.8g}"
    return f", at most {bound}" if value > 0 else f", at least -{bound}"


def repeated_faults(faults: Faults, part: Part, place: str) -> None:
    """Adds a fault for each duplicate key of an object."""
    for name in part.repeated:
        faults.add(repeated_fault(name, part.values[name], place))
    for unknown in part.unknown:
        if unknown.times > 1:
            faults.add(repeated_fault(unknown.name, unknown.value, place))


def repeated_fault(name: str, value: Any, place: str) -> Fault:
    """Returns the fault of a duplicate key."""
    return Fault(f"{place}/{pointer(name)}", f"{told(name)} is given more than once", shown(value), "each key once")


def unknown_faults(faults: Faults, part: Part, told_already: Container[str], place: str, refusals: Refusals) -> None:
    """Adds a fault for each unknown key that is not reported already."""
    guesser = refusals.guesser if place else refusals.envelope_guesser
    allowed = FEATURES_ALLOWED if place else ", ".join(refusals.rejection.envelope)
    untold = [unknown for unknown in part.unknown if unknown.name not in told_already]
    for number, unknown in enumerate(untold):
        if faults.full:
            faults.more(len(untold) - number)
            break
        if place and unknown.name in refusals.rejection.envelope:
            faults.add(misplaced_fault(unknown, place))
            continue
        guess = guesser.guess(unknown.name, near=number < NAMES_GUESSED)
        faults.add(unknown_fault(unknown, place, guess, guess or allowed))
    faults.more(part.unknown_count - len(part.unknown))


def unknown_fault(unknown: Unknown, place: str, guess: str | None, allowed: str) -> Fault:
    """Returns the fault of an unknown key, with a suggestion."""
    hint = f"; did you mean {guess!r}?" if guess else ""
    said = f"{told(unknown.name)} is not known{hint}"
    return Fault(f"{place}/{pointer(unknown.name)}", said, shown(unknown.value), allowed)


def misplaced_fault(unknown: Unknown, place: str) -> Fault:
    """Returns the fault of a key of the lead that is among its features."""
    said = f"{told(unknown.name)} must stand beside `features`, not in it"
    return Fault(f"{place}/{unknown.name}", said, shown(unknown.value), "beside features")


def listed(names: Sequence[str]) -> str:
    """Lists the first names, and the number of further ones."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(map(told, names[:NAMES_SHOWN])) + more


def shown(value: Any) -> Any:
    """Returns a value as it is reported to the caller: short, and always valid JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) < 2**53:
        return value
    if isinstance(value, dict | list):
        return noun(value)
    return clipped(value if isinstance(value, str) else repr(value))


def told(value: Any) -> str:
    """Formats a value for a message."""
    said = shown(value)
    if isinstance(value, dict | list):
        return str(said)
    return repr(said) if isinstance(value, str) else json.dumps(said).strip('"')


def clipped(text: str) -> str:
    """Truncates a text, and escapes characters that cannot be encoded."""
    sound = text[: VALUE_SHOWN + 1].encode("utf-8", "backslashreplace").decode()
    return sound if len(text) <= VALUE_SHOWN else sound[:VALUE_SHOWN] + "…"


def pointer(name: str) -> str:
    """Escapes a name as one token of a JSON pointer."""
    return clipped(name).replace("~", "~0").replace("/", "~1")


def noun(value: Any) -> str:
    """Returns the name of a value's JSON type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "an array", str: "text", int: "a number", float: "a number"}
    return next(name for kind, name in names.items() if isinstance(value, kind))
