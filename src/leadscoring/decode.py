"""From bytes to leads, by one contract.

The contract becomes one msgspec type, so that a sound lead of 50 features is decoded and checked
by a single C call. What that call refuses goes to ``rejection``, which takes its time to say
everything that is wrong.
"""

import math
from collections.abc import Callable
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from leadscoring.errors import BatchTooLarge, RequestError
from leadscoring.features import Contract, Feature
from leadscoring.lead import Lead
from leadscoring.rejection import explain_body, explain_lead

ENVELOPE_KEYS = 2
"""A lead has two keys of its own, ``lead_id`` and ``features``, beside those of its features."""

LEAD_ID_LENGTH = 256

Refused = (msgspec.MsgspecError, RecursionError, UnicodeError)
"""All that msgspec raises on bytes it does not like."""


class Encoded(Protocol):
    """Leads as rows of float32, and how many features each of them really named."""

    @property
    def present(self) -> list[int]:
        """How many features each lead named, in order."""
        ...


Rows = TypeVar("Rows", bound=Encoded)


class LeadDecoder(Generic[Rows]):
    """Reads leads as one contract allows them.

    ``encode`` turns the values of several leads into the rows of the model and raises
    ``ValueError`` for a value it cannot take; ``count_keys`` counts the keys in a JSON text.
    """

    def __init__(
        self,
        contract: Contract,
        encode: Callable[[list[tuple[Any, ...]]], Rows],
        count_keys: Callable[[bytes], int],
    ) -> None:
        self._contract = contract
        self._encode = encode
        self._count_keys = count_keys
        lead, leads = lead_types(contract)
        self._one = msgspec.json.Decoder(lead).decode
        self._many = msgspec.json.Decoder(leads).decode
        self._split = msgspec.json.Decoder(list[msgspec.Raw]).decode

    def one(self, body: bytes) -> tuple[Lead, Rows]:
        """The lead in ``body`` and its row.

        Raises ``MalformedJson`` when the body is not JSON, ``ValidationError`` when it is not a
        lead that the contract allows.
        """
        try:
            decoded = self._one(body)
            values = astuple(decoded.features)
            rows = self._encode([values])
        except (*Refused, ValueError) as failure:
            raise explain_lead(body, self._contract, failure) from None
        if rows.present[0] + ENVELOPE_KEYS != self._count_keys(body):
            raise explain_lead(body, self._contract, None)
        return Lead(decoded.lead_id, values), rows

    def many(self, body: bytes, limit: int) -> tuple[list[Lead | RequestError], Rows | None]:
        """What stands at each place of the array in ``body``, and the rows of the sound leads, in order.

        ``None`` for the rows when there is no sound lead. Raises ``MalformedJson`` or
        ``ValidationError`` when the body is not an array at all, ``BatchTooLarge`` over ``limit``.
        """
        try:
            decoded = self._many(body)
            if len(decoded) > limit:
                raise BatchTooLarge(len(decoded), limit)
            values = [astuple(lead.features) for lead in decoded]
            rows = self._encode(values)
        except (*Refused, ValueError):
            return self._one_by_one(body, limit)
        if not decoded:
            return [], None
        if sum(rows.present) + ENVELOPE_KEYS * len(decoded) != self._count_keys(body):
            return self._one_by_one(body, limit)
        return [Lead(lead.lead_id, row) for lead, row in zip(decoded, values, strict=True)], rows

    def _one_by_one(self, body: bytes, limit: int) -> tuple[list[Lead | RequestError], Rows | None]:
        try:
            parts = self._split(body)
        except Refused as failure:
            raise explain_body(body, failure) from None
        if len(parts) > limit:
            raise BatchTooLarge(len(parts), limit)
        places: list[Lead | RequestError] = []
        for part in parts:
            try:
                places.append(self.one(bytes(part))[0])
            except RequestError as refusal:
                places.append(refusal)
        sound = [place.values for place in places if isinstance(place, Lead)]
        return places, self._encode(sound) if sound else None


def lead_types(contract: Contract) -> tuple[Any, Any]:
    """The msgspec types of a lead of this contract, and of many; unknown keys are refused."""
    fields: list[Any] = []
    for place, feature in enumerate(contract.features):
        kind = value_type(feature, contract.missing_value)
        fields.append((f"f{place}", kind) if feature.required else (f"f{place}", kind | None | UnsetType, UNSET))
    features = msgspec.defstruct(
        "Features",
        fields,
        rename={f"f{place}": feature.name for place, feature in enumerate(contract.features)},
        forbid_unknown_fields=True,
        kw_only=True,  # keeps the contract's order, required or not
        gc=False,
    )
    lead = msgspec.defstruct(
        "LeadBody",
        [("lead_id", Annotated[str, Meta(min_length=1, max_length=LEAD_ID_LENGTH)]), ("features", features)],
        forbid_unknown_fields=True,
        gc=False,
    )
    return lead, list[lead]  # type: ignore[valid-type]  # made at run time


def value_type(feature: Feature, missing: float | None = None) -> Any:
    """What msgspec is to accept for one feature; the encoder checks that whole numbers are whole.

    ``missing`` is a number that means missing, whatever the feature takes otherwise.
    """
    if feature.is_text:
        return str
    if feature.kind == "category":
        return int | float  # a code or a number of a table, which the encoder knows
    if feature.kind == "flag" and missing is not None:
        return bool | int | float  # the encoder knows the flags among them
    if feature.kind == "flag":
        whole = Meta(ge=0, le=1)
        return bool | Annotated[int, whole] | Annotated[float, whole]
    low, high = feature.bounds
    if missing is not None:
        low, high = min(low, missing), max(high, missing)
    bounds = Meta(ge=low, le=high)
    if feature.kind == "number":
        return Annotated[float, bounds]
    # JSON knows no whole numbers: 5.0 is as good a 5 as 5, and some clients write it so
    return Annotated[int, Meta(ge=math.ceil(low), le=math.floor(high))] | Annotated[float, bounds]
