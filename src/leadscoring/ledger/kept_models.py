"""The models of a ledger, opened from the files that it holds."""

from collections import OrderedDict

from sqlalchemy import Connection, select

from leadscoring.errors import ModelNotFound
from leadscoring.ledger.lead_record import ScoringModel
from leadscoring.ledger.tables import model
from leadscoring.model.file import Opening, model_of
from leadscoring.model.loaded import LoadedModel

MOST = 4
"""Models that stay open: the latest of those that were used."""


class KeptModels:
    """Opens models by their number in the ledger; files do not change, so each is opened once."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._opened: OrderedDict[int, LoadedModel] = OrderedDict()

    def open(self, connection: Connection, number: int) -> LoadedModel:
        """Opens a model. Raises ``ModelNotFound`` if the ledger has no file of it, or another ``ModelError``."""
        found = self._opened.pop(number, None)
        if found is None:
            row = connection.execute(select(model.c.file, model.c.name).where(model.c.number == number)).first()
            if row is None:
                raise ModelNotFound(f"number {number}", "the ledger does not hold it")
            found = model_of(row.file, f"{row.name} in the ledger", self._opening)
        self._opened[number] = found
        while len(self._opened) > MOST:
            self._opened.popitem(last=False)
        return found


def names_of(connection: Connection) -> dict[int, ScoringModel]:
    """The identity of every model of the ledger, by its number."""
    rows = connection.execute(select(model.c.number, model.c.name, model.c.version, model.c.sha256))
    return {row.number: ScoringModel(row.name, row.version, row.sha256) for row in rows}
