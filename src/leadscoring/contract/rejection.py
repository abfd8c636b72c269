"""Why a body was refused: every fault at once, with its place, the value received and what is allowed.

This is the slow way, taken only after the fast decoder said no. It works on the outline of a body, which keeps what the
fast one hides: duplicate keys, NaN, and numbers of any size. Whatever the body, its work is one pass over the bytes
and a fixed number of faults and guesses.
Places are JSON pointers (RFC 6901), since feature names may hold dots and spaces.
"""

import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

from leadscoring._engine import Names
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import is_writable
from leadscoring.contract.naming import Guesser, Known, Rule, plain
from leadscoring.contract.outline import ENVELOPE, NotJson, Outline, Part, Unknown, outline
from leadscoring.errors import Fault, MalformedJson, RequestError, ValidationError
from leadscoring.lead import LEAD_BYTES, LEAD_ID_LENGTH, LEAD_ID_MAX, id_text
from leadscoring.stretches import Stretches, at_once

FAULTS_SHOWN = 100
"""Faults of one lead, at most; the others are counted."""

FAULTS_OF_BATCH = 500
"""Faults of all leads of a batch from which on each further lead tells its first only."""

NAMES_GUESSED = 5
"""Unknown names of one lead of which the nearest known one is looked for."""

NAMES_SHOWN = 3
"""Names that stand as examples in a message about many."""

VALUE_SHOWN = 80
BYTES_A_FEATURE = 256
LEAD_ID_ALLOWED = f"text of 1 to {LEAD_ID_LENGTH} characters, or a whole number from 0 to {LEAD_ID_MAX}"
LEAD_ALLOWED = "an object with lead_id and features"
LEAD_PLACE = "lead_id and features must stand in the lead itself, not within another object"
FEATURES_ALLOWED = "a feature of GET /api/v1/model/features"


OUTER_KNOWN = Known(ENVELOPE)


class Rejection:
    """What has to be known to reject leads of one contract. Made once."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.names = tuple(contract.names)
        self.names_known = frozenset(self.names)
        self.wire_names = Names(name.encode() for name in self.names)
        self.known = Known(self.names)
        self.longest = max(LEAD_BYTES, BYTES_A_FEATURE * len(self.names))

    def explain(self, body: bytes, failure: Exception | None) -> RequestError:
        """The error to answer for a body that is no lead of this contract.

        ``failure`` is what the fast decoder or the encoder said; it is reported when the slow way finds nothing wrong.
        """
        return at_once(Refusals(self).explain(body, 0, len(body), failure))

    def outline(self, body: bytes, begin: int, end: int) -> Stretches[Outline]:
        """The outline of a lead in a body; raises ``MalformedJson`` where that is not JSON."""
        try:
            return (yield from outline(body, begin, end, self.wire_names, self.names))
        except NotJson as failure:
            raise malformed(body, failure) from None


class Refusals:
    """The refusals of one request: they share what may be spent on guesses, and on faults."""

    def __init__(self, rejection: Rejection) -> None:
        self.rejection = rejection
        self.guesser = Guesser(rejection.known)
        self.envelope_guesser = Guesser(OUTER_KNOWN)
        self.faults_left = FAULTS_OF_BATCH

    def explain(self, body: bytes, begin: int, end: int, failure: Exception | None) -> Stretches[RequestError]:
        """The error for the lead at a place of the body; yields now and then, when it is long."""
        try:
            found = yield from self.rejection.outline(body, begin, end)
        except MalformedJson as error:
            return error
        yield  # to read it was one stretch, to find words is another
        return self.explain_outline(found, failure)

    def explain_outline(self, found: Outline, failure: Exception | None) -> RequestError:
        """The error for a lead that has been outlined."""
        faults = Faults(min(FAULTS_SHOWN, max(1, self.faults_left)))
        lead_faults(faults, found, self)
        if not faults.count:
            return MalformedJson(f"the body is not a readable lead: {failure}")
        self.faults_left -= len(faults.shown)
        lead_id = found.envelope.values.get("lead_id")
        known = None if lead_id is None or lead_id_fault(lead_id) else id_text(lead_id)
        return ValidationError(faults.shown, known, faults.count)


class Faults:
    """Faults as they are found: the first are kept, all are counted."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.shown: list[Fault] = []
        self.count = 0

    @property
    def full(self) -> bool:
        """Whether no more are kept."""
        return len(self.shown) >= self.most

    def add(self, fault: Fault) -> None:
        """One more fault."""
        self.count += 1
        if not self.full:
            self.shown.append(fault)

    def more(self, count: int) -> None:
        """So many more, of which nothing else is known."""
        self.count += count


def malformed(body: bytes, failure: NotJson) -> MalformedJson:
    """The error for bytes that are not JSON; a place is a line and a byte of it, both from 1."""
    if not body.strip():
        return MalformedJson("the body is empty; it must be JSON")
    if failure.why == "nested too deeply":
        return MalformedJson("the body is nested too deeply; a lead is two levels deep")
    if failure.why == "not UTF-8":
        return MalformedJson(f"the body is not UTF-8: byte {failure.at} is {body[failure.at]:#04x}")
    line, start = body.count(b"\n", 0, failure.at) + 1, body.rfind(b"\n", 0, failure.at) + 1
    return MalformedJson(f"the body is not JSON: {failure.why} at line {line} column {failure.at - start + 1}")


def no_array(root: Any) -> ValidationError:
    """The error for a body that is JSON, but no array of leads."""
    hint = "; POST /api/v1/score takes a single lead" if isinstance(root, dict) else ""
    said = f"the body must be an array of leads, not {noun(root)}{hint}"
    return ValidationError([Fault("", said, shown(root), "an array")])


def lead_faults(faults: Faults, found: Outline, refusals: Refusals) -> None:
    """Everything wrong with an outlined lead."""
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
    unknown_faults(faults, envelope, {*unwrapped, *wrappers}, "", refusals.envelope_guesser)
    if fault := lead_id_fault(envelope.values.get("lead_id"), present="lead_id" in envelope.values):
        faults.add(fault)
    if isinstance(envelope.values.get("features"), dict):
        feature_faults(faults, found.features, refusals)
    else:
        faults.add(no_features_fault(envelope, unwrapped))
    if found.size > refusals.rejection.longest:
        allowed = f"at most {refusals.rejection.longest} bytes"
        faults.add(Fault("", f"a lead must have {allowed}, not {found.size}", found.size, allowed))


def unwrapped_names(envelope: Part, rejection: Rejection) -> list[str]:
    """The names of features that stand beside the id, in a lead that has no ``features``."""
    if "features" in envelope.values:
        return []
    names = [unknown.name for unknown in envelope.unknown]
    return [name for name in names if name in rejection.names_known or plain(name) in rejection.known.by_form]


def wrapper_faults(envelope: Part) -> dict[str, Fault]:
    """The fault of an object that a whole lead stands in, such as ``{"lead": {...}}``, by its name."""
    if envelope.values or envelope.unknown_count != 1 or not isinstance(envelope.unknown[0].value, dict):
        return {}
    name = envelope.unknown[0].name
    said = f"{told(name)} is not known; {LEAD_PLACE}"
    return {name: Fault(f"/{pointer(name)}", said, "an object", LEAD_ALLOWED)}


def no_features_fault(envelope: Part, unwrapped: Sequence[str]) -> Fault:
    """The fault of a lead whose features are missing, in the wrong place, or no object."""
    place, allowed = "/features", "an object of feature values"
    if unwrapped:
        said = f"features is missing: put these under `features`: {listed(unwrapped)}"
        return Fault(place, said, None, 'an object such as {"lead_id": "...", "features": {...}}')
    if "features" not in envelope.values:
        return Fault(place, f"features is missing; it must be {allowed}", None, allowed)
    value = envelope.values["features"]
    return Fault(place, f"features must be {allowed}, not {noun(value)}", shown(value), allowed)


def lead_id_fault(value: Any, present: bool = True) -> Fault | None:
    """What is wrong with a lead's id, if anything."""
    if isinstance(value, str) and 1 <= len(value) <= LEAD_ID_LENGTH and is_writable(value):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LEAD_ID_MAX and value % 1 == 0:
        return None
    if not present:
        return Fault("/lead_id", f"lead_id is missing; it must be {LEAD_ID_ALLOWED}", None, LEAD_ID_ALLOWED)
    return Fault("/lead_id", f"lead_id must be {LEAD_ID_ALLOWED}, not {told(value)}", shown(value), LEAD_ID_ALLOWED)


def feature_faults(faults: Faults, features: Part, refusals: Refusals) -> None:
    """Everything wrong with the features of a lead."""
    repeated_faults(faults, features, "/features")
    renamed = refusals.guesser.renamed([unknown.name for unknown in features.unknown])
    meant = renamed[1] if renamed else {}
    if renamed:
        faults.add(renamed_fault(*renamed))
    unknown_faults(faults, features, meant, "/features", refusals.guesser)
    given = set(meant.values())
    for feature in refusals.rejection.contract.features:
        if feature.name in given and feature.name not in features.values:
            continue  # it is there under another name, and that has been told
        if fault := feature_fault(feature, features.values, refusals.rejection.contract):
            faults.add(fault)


def renamed_fault(rule: Rule, meant: Mapping[str, str]) -> Fault:
    """The one fault of names that are all written in another way."""
    examples = ", ".join(f"{told(name)} is {known!r}" for name, known in list(meant.items())[:NAMES_SHOWN])
    more = f", and {len(meant) - NAMES_SHOWN} more in the same way" if len(meant) > NAMES_SHOWN else ""
    before = f" have {told(rule.before)} in front and" if rule.before else ""
    behind = f" have {told(rule.behind)} at the end and" if rule.behind else ""
    said = f"{len(meant)} names{before}{behind} are not written as the contract has them: {examples}{more}"
    return Fault("/features", said, next(iter(meant)), FEATURES_ALLOWED)


def feature_fault(feature: Feature, features: Mapping[str, Any], contract: Contract) -> Fault | None:
    """What is wrong with one feature, if anything."""
    value = features.get(feature.name)
    if contract.accepts(feature, value) if value is not None else not feature.required:
        return None
    place, allowed = f"/features/{pointer(feature.name)}", contract.allowed(feature)
    if value is None:
        found = "null" if feature.name in features else "left out"
        return Fault(place, f"{feature.name} is required and must be {allowed}, but is {found}", None, allowed)
    return Fault(place, f"{feature.name} must be {allowed}, not {told(value)}", shown(value), allowed)


def repeated_faults(faults: Faults, part: Part, place: str) -> None:
    """One fault for each key that an object was given more than once."""
    for name in part.repeated:
        faults.add(repeated_fault(name, part.values[name], place))
    for unknown in part.unknown:
        if unknown.times > 1:
            faults.add(repeated_fault(unknown.name, unknown.value, place))


def repeated_fault(name: str, value: Any, place: str) -> Fault:
    """The fault of a key that was given more than once."""
    return Fault(f"{place}/{pointer(name)}", f"{told(name)} is given more than once", shown(value), "each key once")


def unknown_faults(faults: Faults, part: Part, told_already: Container[str], place: str, guesser: Guesser) -> None:
    """One fault for each key that nothing knows, but for those already reported."""
    untold = [unknown for unknown in part.unknown if unknown.name not in told_already]
    for number, unknown in enumerate(untold):
        if faults.full:
            faults.more(len(untold) - number)
            break
        faults.add(unknown_fault(unknown, place, guesser.guess(unknown.name, near=number < NAMES_GUESSED)))
    faults.more(part.unknown_count - len(part.unknown))


def unknown_fault(unknown: Unknown, place: str, guess: str | None) -> Fault:
    """The fault of a key that nothing knows, with a guess of the one meant."""
    hint = f"; did you mean {guess!r}?" if guess else ""
    allowed = guess or (FEATURES_ALLOWED if place else ", ".join(ENVELOPE))
    said = f"{told(unknown.name)} is not known{hint}"
    return Fault(f"{place}/{pointer(unknown.name)}", said, shown(unknown.value), allowed)


def listed(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(map(told, names[:NAMES_SHOWN])) + more


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


def noun(value: Any) -> str:
    """What JSON calls a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {dict: "an object", list: "an array", str: "text", int: "a number", float: "a number"}
    return next(name for kind, name in names.items() if isinstance(value, kind))
