"""Lenient decoding: converts a lead that the strict contract rejects to its strict form, if it has one.

Numbers sent as text become numbers, and unknown features are ignored; the answer contains warnings about both.
Everything else is rejected as usual. The strict form is then decoded like any other lead, so that the score is the
same as for a lead that was sent in this form.
"""

from collections.abc import Sequence

from leadscoring._engine import Rows
from leadscoring.contract.decode import Found, LeadDecoder
from leadscoring.contract.features import Contract
from leadscoring.contract.outline import Outline, Part, Unknown
from leadscoring.contract.rejection import NAMES_GUESSED, Refusals, told
from leadscoring.errors import MalformedJson, RequestError
from leadscoring.lead import Lead, LenientLead, Warned
from leadscoring.stretches import Stretches

NAMED = 10
"""Maximum number of features that one warning names."""


class LenientDecoder(LeadDecoder[Rows]):
    """Decodes like the strict decoder; of the leads that it rejects, also those with a strict form."""

    lenient = True

    def _second_look(
        self, body: bytes, begin: int, end: int, failure: Exception | None, refusals: Refusals, now: int | None
    ) -> Stretches[Found[Rows] | RequestError]:
        rejection = refusals.rejection
        try:
            found = yield from rejection.outline(body, begin, end)
        except MalformedJson as error:
            return error
        form = None if found.size > rejection.longest else strict_form(found, body, rejection.contract)
        if form is None:
            return refusals.explain_outline(found, failure)
        text, warned = form
        sound = self._sound(b"[%b]" % text, None, 1, now)
        if sound is not None:
            (lead,), rows = sound
            if isinstance(lead, Lead) and rows is not None:
                return LenientLead(lead.lead_id, lead.values, lead.as_of, warned), rows
        try:
            changed = yield from rejection.outline(text, 0, len(text))
        except MalformedJson as error:
            return error
        missed = misnamed(found.features, changed.features, refusals)
        features = changed.features._replace(unknown=missed, unknown_count=len(missed))
        return refusals.explain_outline(changed._replace(features=features), failure)


def misnamed(sent: Part, read: Part, refusals: Refusals) -> tuple[Unknown, ...]:
    """Returns the unknown features that are probably misspelled required ones; ignoring these would hide the error."""
    missing = {feature.name for feature in refusals.rejection.contract.features if feature.required} - set(read.values)
    if not missing:
        return ()
    renamed = refusals.guesser.renamed([unknown.name for unknown in sent.unknown])
    meant = renamed[1] if renamed else {}
    if missing.intersection(meant.values()):
        return tuple(unknown for unknown in sent.unknown if unknown.name in meant)
    first = sent.unknown[:NAMES_GUESSED]
    return tuple(unknown for unknown in first if refusals.guesser.guess(unknown.name) in missing)


def strict_form(found: Outline, body: bytes, contract: Contract) -> tuple[bytes, tuple[Warned, ...]] | None:
    """Returns the strict form of a lead, and warnings about the changes; ``None`` if it has none, or other faults."""
    envelope, features = found.envelope, found.features
    if (
        envelope.unknown
        or envelope.repeated
        or features.repeated
        or not isinstance(envelope.values.get("features"), dict)
    ):
        return None
    pairs: list[bytes] = []
    converted: list[str] = []
    for feature in contract.features:
        if feature.name not in features.values:
            continue
        value, (begin, end) = features.values[feature.name], features.places[feature.name]
        text = body[begin:end]
        if isinstance(value, str) and feature.form.is_json(value):
            text = value.encode()
            converted.append(feature.name)
        pairs.append(b'"%b":%b' % (feature.name.encode(), text))
    if not converted and not features.unknown:
        return None
    own = [
        b'"%b":%b,' % (name.encode(), body[begin:end])
        for name, (begin, end) in envelope.places.items()
        if name != "features"
    ]
    ignored = [unknown.name for unknown in features.unknown]
    warned = [
        *warning("text_converted", converted, len(converted), "sent as text and read as a number"),
        *warning("unknown_ignored", ignored, features.unknown_count, "not known to the model and ignored"),
    ]
    return b'{%b"features":{%b}}' % (b"".join(own), b",".join(pairs)), tuple(warned)


def warning(code: str, names: Sequence[str], count: int, what: str) -> list[Warned]:
    """Returns a list with one warning about these features, empty if there are none."""
    if not names:
        return []
    more = f" and {count - NAMED} more" if count > NAMED else ""
    said = ", ".join(map(told, names[:NAMED])) + more
    one = names[0] if count == 1 else None
    return [Warned(code, one, f"{said} {'was' if count == 1 else 'were'} {what}")]  # type: ignore[arg-type]  # one of its codes
