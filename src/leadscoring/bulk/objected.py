"""The leads of a table whose persons objected to being scored: rejected, as the service refuses them."""

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring._engine import lead_keys
from leadscoring.errors import Fault, LeadObjected
from leadscoring.ledger.lead_key import KEY_BYTES, LeadKeys


class Objected:
    """The objections of a ledger: the ``held`` keys of leads."""

    def __init__(self, keys: LeadKeys, held: frozenset[bytes]) -> None:
        self._keys = keys
        self._held = held

    def holds(self, lead_id: str) -> bool:
        """Whether the person of a lead objected."""
        return self._keys.key(lead_id) in self._held

    def marks(self, ids: pl.Series) -> npt.NDArray[np.uint8]:
        """Marks the leads of a table whose persons objected, 1 for each."""
        texts = ids.cast(pl.String, strict=False).fill_null("").to_list()
        found = lead_keys(self._keys.secret, texts)
        held = self._held
        each = (found[at : at + KEY_BYTES] in held for at in range(0, len(found), KEY_BYTES))
        return np.fromiter(each, np.uint8, len(texts))


def fault_of(lead_id: str) -> Fault:
    """Returns why a lead is rejected: the code and the words of the service."""
    return Fault("lead_id", f"{LeadObjected.code}: {LeadObjected(lead_id)}", lead_id)
