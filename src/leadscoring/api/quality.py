"""``GET /api/v1/model/quality``: the live quality of the model, as the ledger has it."""

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from leadscoring.api.answers import answer
from leadscoring.api.parameters import takes_none
from leadscoring.ledger.on_demand import LedgerOnDemand
from leadscoring.quality.live import Facts, Live, live
from leadscoring.settings import Settings
from leadscoring.transport.exchange import Exchange, Reply

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger
    from leadscoring.ledger.lead_key import LeadKeys

FRESH_SECONDS = 60.0
"""How long a report is answered without asking the ledger: it changes once a day."""


class LiveQuality:
    """The route of live quality. Nothing of a database is imported before the first request."""

    def __init__(self, ledger: LedgerOnDemand, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._kept: tuple[float, Live] | None = None

    async def report(self, exchange: Exchange) -> Reply:
        """Returns the latest report; before the first one, that there is too little for a verdict.

        Raises ``LedgerOff`` without a ledger, and ``LedgerUnavailable`` if it cannot be reached.
        """
        takes_none(exchange)
        if self._kept is None or monotonic() - self._kept[0] > FRESH_SECONDS:
            self._kept = (monotonic(), await self._ledger.run(self._read))
        return answer(self._kept[1])

    def _read(self, ledger: "Ledger", _keys: "LeadKeys") -> Live:
        from leadscoring.quality.reported import latest

        return latest(ledger) or nothing(self._settings)


def nothing(settings: Settings) -> Live:
    """Returns the report of a ledger without leads."""
    facts = Facts((), {}, {}, settings.outcome_days, settings.outcome_silence)
    return live(facts, datetime.now(UTC)).live
