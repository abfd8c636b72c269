"""Records what one model scores: the key of each lead, its row and margin, and values unknown to the model."""

import json
from collections.abc import Sequence
from typing import Any

from leadscoring._engine import Rows
from leadscoring.contract.features import Contract
from leadscoring.lead import Lead
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.segments import ENCODED, PLAIN_ID
from leadscoring.ledger.tape import Tape

LONGEST_TEXT = 64
"""Characters of a text unknown to the model that are kept."""

MOST_TEXTS = 20
"""Texts of a list that are kept."""

MOST_UNSEEN = 1 << 16
"""Bytes of all such values of one lead, as JSON; further ones are left out."""


class Recorder:
    """Records what one model scores."""

    def __init__(self, tape: Tape, keys: LeadKeys, digest: str, contract: Contract, plain: bool = False) -> None:
        self._append = tape.append
        self._key = keys.key
        self._digest = digest
        self._timed = contract.is_timed
        self._contract = contract
        self._flags = PLAIN_ID if plain else 0

    def record(self, rows: Rows, margins: list[float], leads: Sequence[Lead], request: str, flags: int = 0) -> None:
        """Keeps leads with the rows and the margins of their scores. Raises ``NotRecorded``."""
        key = self._key
        keys = [key(lead.lead_id) for lead in leads]
        if self._flags:
            keys = [one + lead.lead_id.encode("utf-8", "surrogatepass") for one, lead in zip(keys, leads, strict=True)]
        as_of = [lead.as_of for lead in leads] if self._timed else None
        places = rows.unseen
        unseen = self._unseen(places, leads) if places else None
        self._append(self._digest, rows, margins, keys, request, flags | self._flags, as_of, unseen)

    def record_rows(self, rows: Rows, margins: list[float], request: str, flags: int = 0) -> None:
        """Keeps rows that a client has encoded, which belong to no lead that is known. Raises ``NotRecorded``."""
        self._append(self._digest, rows, margins, None, request, flags | ENCODED, None, None)

    def _unseen(self, places: list[tuple[int, int]], leads: Sequence[Lead]) -> dict[int, bytes]:
        """Returns JSON of the values that the model does not know, by row."""
        found: dict[int, dict[str, Any]] = {}
        feature_of, features = self._contract.columns.feature, self._contract.features
        for row, column in places:
            place = feature_of[column]
            found.setdefault(row, {})[features[place].name] = shortened(leads[row].values[place])
        return {row: written(values) for row, values in found.items()}


def shortened(value: Any) -> Any:
    """Returns a value of which texts are cut, and long lists."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    return [shortened(one) for one in value[:MOST_TEXTS]] if isinstance(value, list) else value


def written(values: dict[str, Any]) -> bytes:
    """Returns values as JSON; leaves out the last of them if they are too long."""
    text = json.dumps(values).encode()
    while len(text) > MOST_UNSEEN:
        values = dict(list(values.items())[: len(values) // 2])
        text = json.dumps(values).encode()
    return text
