"""Decodes bytes into leads by one contract.

The contract becomes one msgspec type, so that a single C call decodes and validates a lead of 50 features. Leads that
it rejects go to the slower ``rejection``, which reports all faults.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from leadscoring._engine import Split, join_rows
from leadscoring.contract.features import Contract
from leadscoring.contract.rejection import Refusals, Rejection, no_array
from leadscoring.errors import BatchTooLarge, MalformedJson, RequestError
from leadscoring.lead import LEAD_ID_LENGTH, LEAD_ID_MAX, Lead, id_text
from leadscoring.stretches import Stretches, at_once

ENVELOPE_KEYS = 2
"""A lead has two keys of its own, ``lead_id`` and ``features``, besides those of its features."""

STRETCH = 65536
"""Bytes of leads that are decoded together, which takes about 0.1 ms for valid ones."""

SPLIT_STRETCH = 524288
"""Bytes that are split into elements without yielding."""

Refused = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""All errors that msgspec raises for invalid input."""


class Encoded(Protocol):
    """Leads as rows of float32, and the number of features that each of them had."""

    @property
    def present(self) -> list[int]:
        """The number of features in each lead, in order."""
        ...


Rows = TypeVar("Rows", bound=Encoded)

Places = tuple[list[Lead | RequestError], Rows | None]
"""A lead or an error for each item of a batch, and the rows of the valid leads, in order, if there are any."""

Reading = Stretches[Places[Rows]]
"""A generator that reads a batch and yields periodically."""


Found = tuple[Lead, Rows]
"""A lead and its row."""


class LeadDecoder(Generic[Rows]):
    """Decodes leads by one contract.

    ``encode`` converts the values of several leads to rows of the model, and raises ``ValueError`` for an invalid
    value; ``count_keys`` counts the keys in a JSON text; ``join`` concatenates rows.
    """

    lenient = False
    """Whether the decoder also accepts leads that satisfy the contract after a change, with warnings about it."""

    def __init__(
        self,
        contract: Contract,
        encode: Callable[[list[tuple[Any, ...]]], Rows],
        count_keys: Callable[[bytes], int],
        join: Callable[[list[Any]], Any] = join_rows,
    ) -> None:
        self._encode = encode
        self._count_keys = count_keys
        self._join = join
        self._rejection = Rejection(contract)
        self._longest = self._rejection.longest
        self._most_keys = len(contract) + ENVELOPE_KEYS
        lead, leads = lead_types(contract)
        self._one = msgspec.json.Decoder(lead).decode
        self._many = msgspec.json.Decoder(leads).decode

    def one(self, body: bytes) -> tuple[Lead, Rows]:
        """Decodes the lead in ``body``; returns it with its row.

        Raises ``MalformedJson`` if the body is not JSON, ``ValidationError`` if it is not a lead that satisfies the
        contract.
        """
        failure: Exception | None = None
        if len(body) <= self._longest:
            try:
                decoded = self._one(body)
                values = astuple(decoded.features)
                rows = self._encode([values])
                if rows.present[0] + ENVELOPE_KEYS == self._count_keys(body):
                    lead_id = decoded.lead_id
                    return Lead(lead_id if lead_id.__class__ is str else id_text(lead_id), values), rows
            except (*Refused, ValueError) as refusal:
                failure = refusal
        try:
            found = at_once(self._second_look(body, 0, len(body), failure, Refusals(self._rejection)))
        finally:
            del failure  # an error in a cycle with its own traceback would wait for the garbage collector
        if isinstance(found, RequestError):
            try:
                raise found from None
            finally:
                del found
        return found

    def _second_look(
        self, body: bytes, begin: int, end: int, failure: Exception | None, refusals: Refusals
    ) -> Stretches[Found[Rows] | RequestError]:
        """Handles a lead that the fast path rejects; returns its error."""
        return (yield from refusals.explain(body, begin, end, failure))

    def many(self, body: bytes, limit: int) -> tuple[list[Lead | RequestError], Rows | None]:
        """Decodes the array in ``body``; returns a lead or an error per item, and the rows of the valid leads.

        The rows are ``None`` if there is no valid lead. Raises ``MalformedJson`` or ``ValidationError`` if the body is
        not a JSON array, ``BatchTooLarge`` for more than ``limit`` items.
        """
        return at_once(self.reading(body, limit))

    def reading(self, body: bytes, limit: int) -> Reading[Rows]:
        """As ``many``, but yields at least every millisecond."""
        if len(body) <= STRETCH and (found := self._sound(body, None, limit)):
            return found
        split = Split(body, limit)
        while not split.step(SPLIT_STRETCH):
            yield
        if not split.sound:
            raise (yield from self._no_array(body))
        if split.count > limit:
            raise BatchTooLarge(split.count, limit)
        places: list[Lead | RequestError] = []
        parts: list[Rows] = []
        refusals = Refusals(self._rejection)
        for first, last, begin, end, colons, usual in split.groups(STRETCH, self._longest, self._most_keys):
            yield
            found = self._sound(b"[%b]" % body[begin:end], colons, limit) if usual else None
            if found is None:
                found = yield from self._one_by_one(body, map(split.element, range(first, last)), refusals)
            places += found[0]
            if found[1] is not None:
                parts.append(found[1])
        return places, self._join(parts) if parts else None

    def _sound(self, body: bytes, keys: int | None, limit: int) -> Places[Rows] | None:
        """Returns the leads of an array and their rows if all are valid, else ``None``.

        ``keys`` is the number of keys in it, if known.
        """
        try:
            decoded = self._many(body)
            if len(decoded) > limit:
                raise BatchTooLarge(len(decoded), limit)
            values = [astuple(lead.features) for lead in decoded]
            rows = self._encode(values)
        except (*Refused, ValueError):
            return None
        if not decoded:
            return [], None
        if sum(rows.present) + ENVELOPE_KEYS * len(decoded) != (self._count_keys(body) if keys is None else keys):
            return None
        try:
            return [
                Lead(lead_id if (lead_id := lead.lead_id).__class__ is str else id_text(lead_id), row)
                for lead, row in zip(decoded, values, strict=True)
            ], rows
        except ValueError:
            return None

    def _one_by_one(self, body: bytes, elements: Iterable[tuple[int, int, int]], refusals: Refusals) -> Reading[Rows]:
        """Decodes the leads of a group of which some are invalid."""
        places: list[Lead | RequestError] = []
        parts: list[Rows] = []
        for begin, end, colons in elements:
            sound = None
            if end - begin <= self._longest and colons <= self._most_keys:
                sound = self._sound(b"[%b]" % body[begin:end], colons, 1)
            if sound and sound[1] is not None:
                places += sound[0]
                parts.append(sound[1])
                continue
            found = yield from self._second_look(body, begin, end, None, refusals)
            if isinstance(found, MalformedJson):
                raise found
            if isinstance(found, RequestError):
                places.append(found)
            else:
                places.append(found[0])
                parts.append(found[1])
            yield
        return places, self._join(parts) if parts else None

    def _no_array(self, body: bytes) -> Stretches[RequestError]:
        """Returns the error for a body that is not an array."""
        try:
            found = yield from self._rejection.outline(body, 0, len(body))
        except MalformedJson as error:
            return error
        return no_array(found.root)


def lead_types(contract: Contract) -> tuple[Any, Any]:
    """Returns the msgspec types of a lead by this contract and of a list of leads; both reject unknown keys."""
    fields: list[Any] = []
    for place, feature in enumerate(contract.features):
        kind = feature.form.wire(feature, contract.missing_value)
        fields.append((f"f{place}", kind) if feature.required else (f"f{place}", kind | None | UnsetType, UNSET))
    features = msgspec.defstruct(
        "Features",
        fields,
        rename={f"f{place}": feature.name for place, feature in enumerate(contract.features)},
        forbid_unknown_fields=True,
        kw_only=True,  # keeps the contract's order, required or not
        gc=False,
    )
    whole = Meta(ge=0, le=LEAD_ID_MAX)
    lead_id = (
        Annotated[str, Meta(min_length=1, max_length=LEAD_ID_LENGTH)] | Annotated[int, whole] | Annotated[float, whole]
    )
    lead = msgspec.defstruct(
        "LeadBody",
        [("lead_id", lead_id), ("features", features)],
        forbid_unknown_fields=True,
        gc=False,
    )
    return lead, list[lead]  # type: ignore[valid-type]  # made at run time
