"""Decodes bytes into leads by one contract.

The contract becomes one msgspec type, so that a single C call decodes and validates a lead of 50 features. Leads that
it rejects go to the slower ``rejection``, which reports all faults.
"""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from leadscoring._engine import Split, join_rows
from leadscoring.contract import moment
from leadscoring.contract.features import Contract
from leadscoring.contract.rejection import Refusals, Rejection, no_array
from leadscoring.errors import BatchTooLarge, MalformedJson, RequestError
from leadscoring.lead import LEAD_ID_LENGTH, LEAD_ID_MAX, Lead, id_text
from leadscoring.stretches import Stretches, at_once

ENVELOPE_KEYS = 2
"""A lead has two keys of its own, ``lead_id`` and ``features``, besides those of its features; ``as_of`` is a third."""

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
    value; by a contract with dates it also gets the moment as of which they are encoded and, if any lead has one of its
    own, the moment of each. ``count_keys`` counts the keys in a JSON text; ``join`` concatenates rows.
    """

    lenient = False
    """Whether the decoder also accepts leads that satisfy the contract after a change, with warnings about it."""

    def __init__(
        self,
        contract: Contract,
        encode: Callable[..., Rows],
        count_keys: Callable[[bytes], int],
        join: Callable[[list[Any]], Any] = join_rows,
    ) -> None:
        self._encode = encode
        self._count_keys = count_keys
        self._join = join
        self._rejection = Rejection(contract)
        self._longest = self._rejection.longest
        self._most_keys = len(contract) + ENVELOPE_KEYS + 1
        self._timed = contract.is_timed
        lead, leads = lead_types(contract)
        self._one = msgspec.json.Decoder(lead).decode
        self._many = msgspec.json.Decoder(leads).decode

    def now(self) -> int | None:
        """Returns the moment as of which leads without their own are scored; ``None`` if scores depend on none.

        A request reads it once and passes it to every call.
        """
        return moment.now() if self._timed else None

    def one(self, body: bytes, now: int | None = None) -> tuple[Lead, Rows]:
        """Decodes the lead in ``body``; returns it with its row, as of ``now`` unless the lead has a moment of its own.

        Raises ``MalformedJson`` if the body is not JSON, ``ValidationError`` if it is not a lead that satisfies the
        contract.
        """
        failure: Exception | None = None
        if self._timed and now is None:
            now = moment.now()
        if len(body) <= self._longest:
            try:
                decoded = self._one(body)
                values = astuple(decoded.features)
                keys, as_of = ENVELOPE_KEYS, now
                if decoded.as_of is not UNSET:
                    keys, as_of = keys + 1, self._as_of(decoded.as_of, now)
                rows = self._encode([values]) if as_of is None else self._encode([values], as_of)
                if rows.present[0] + keys == self._count_keys(body):
                    lead_id = decoded.lead_id
                    return Lead(lead_id if lead_id.__class__ is str else id_text(lead_id), values, as_of), rows
            except (*Refused, ValueError) as refusal:
                failure = refusal
        try:
            found = at_once(self._second_look(body, 0, len(body), failure, Refusals(self._rejection), now))
        finally:
            del failure  # an error in a cycle with its own traceback would wait for the garbage collector
        if isinstance(found, RequestError):
            try:
                raise found from None
            finally:
                del found
        return found

    def _as_of(self, stated: str | None, now: int | None) -> int | None:
        """Returns the moment of a lead that states one. Raises ``ValueError`` if it is invalid, effect or not."""
        own = now if stated is None else moment.moment_of(stated)
        return own if self._timed else None

    def _second_look(
        self, body: bytes, begin: int, end: int, failure: Exception | None, refusals: Refusals, _now: int | None
    ) -> Stretches[Found[Rows] | RequestError]:
        """Handles a lead that the fast path rejects; returns its error."""
        return (yield from refusals.explain(body, begin, end, failure))

    def many(self, body: bytes, limit: int, now: int | None = None) -> tuple[list[Lead | RequestError], Rows | None]:
        """Decodes the array in ``body``; returns a lead or an error per item, and the rows of the valid leads.

        ``now`` is the moment of the leads that have none of their own.

        The rows are ``None`` if there is no valid lead. Raises ``MalformedJson`` or ``ValidationError`` if the body is
        not a JSON array, ``BatchTooLarge`` for more than ``limit`` items.
        """
        return at_once(self.reading(body, limit, now))

    def reading(self, body: bytes, limit: int, now: int | None = None) -> Reading[Rows]:
        """As ``many``, but yields at least every millisecond."""
        if now is None:
            now = self.now()
        if len(body) <= STRETCH and (found := self._sound(body, None, limit, now)):
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
            found = self._sound(b"[%b]" % body[begin:end], colons, limit, now) if usual else None
            if found is None:
                found = yield from self._one_by_one(body, map(split.element, range(first, last)), refusals, now)
            places += found[0]
            if found[1] is not None:
                parts.append(found[1])
        return places, self._join(parts) if parts else None

    def _sound(self, body: bytes, keys: int | None, limit: int, now: int | None) -> Places[Rows] | None:
        """Returns the leads of an array and their rows if all are valid, else ``None``.

        ``keys`` is the number of keys in it, if known.
        """
        try:
            decoded = self._many(body)
            if len(decoded) > limit:
                raise BatchTooLarge(len(decoded), limit)
            values = [astuple(lead.features) for lead in decoded]
            moments = self._moments(decoded, now) if self._timed else None
            rows = self._encode(values, now, moments) if self._timed else self._encode(values)
            if not decoded:
                return [], None
            more = (self._count_keys(body) if keys is None else keys) - sum(rows.present) - ENVELOPE_KEYS * len(decoded)
            if more and more != self._stated(decoded):
                return None
            return [
                Lead(lead_id if (lead_id := lead.lead_id).__class__ is str else id_text(lead_id), row, as_of)
                for lead, row, as_of in zip(decoded, values, moments or repeat(now), strict=False)
            ], rows
        except (*Refused, ValueError):
            return None

    def _moments(self, decoded: list[Any], now: int | None) -> list[int | None] | None:
        """Returns the moment of each lead, ``None`` if no lead has its own. Raises ``ValueError`` if one is invalid."""
        if all(lead.as_of is UNSET for lead in decoded):
            return None
        return [now if lead.as_of is UNSET else self._as_of(lead.as_of, now) for lead in decoded]

    def _stated(self, decoded: list[Any]) -> int:
        """Returns the number of leads with the key ``as_of``. Raises ``ValueError`` for an invalid moment."""
        return len([self._as_of(lead.as_of, None) for lead in decoded if lead.as_of is not UNSET])

    def _one_by_one(
        self, body: bytes, elements: Iterable[tuple[int, int, int]], refusals: Refusals, now: int | None
    ) -> Reading[Rows]:
        """Decodes the leads of a group of which some are invalid."""
        places: list[Lead | RequestError] = []
        parts: list[Rows] = []
        for begin, end, colons in elements:
            sound = None
            if end - begin <= self._longest and colons <= self._most_keys:
                sound = self._sound(b"[%b]" % body[begin:end], colons, 1, now)
            if sound and sound[1] is not None:
                places += sound[0]
                parts.append(sound[1])
                continue
            found = yield from self._second_look(body, begin, end, None, refusals, now)
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
        [("lead_id", lead_id), ("features", features), ("as_of", str | None | UnsetType, UNSET)],
        forbid_unknown_fields=True,
        gc=False,
    )
    return lead, list[lead]  # type: ignore[valid-type]  # made at run time
