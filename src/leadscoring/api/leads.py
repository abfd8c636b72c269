"""``/api/v1/leads/{lead_id}``: what the ledger keeps of a lead, and the rights of its person."""

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from leadscoring.api.answers import answer
from leadscoring.api.parameters import parameters, takes_none, whole_number
from leadscoring.errors import LeadUnknown
from leadscoring.ledger.lead_record import LeadRecord
from leadscoring.ledger.on_demand import LedgerOnDemand
from leadscoring.model.file import Opening
from leadscoring.settings import Settings
from leadscoring.transport.exchange import Exchange, Reply

if TYPE_CHECKING:
    from leadscoring.ledger.database import Ledger
    from leadscoring.ledger.kept_models import KeptModels
    from leadscoring.ledger.lead_key import LeadKeys

REASONS = 5


class Leads:
    """The routes about leads that the ledger keeps."""

    def __init__(self, ledger: LedgerOnDemand, settings: Settings) -> None:
        self._ledger = ledger
        self._plain = settings.ledger_lead_ids == "plain"
        self._folder = Path(settings.ledger_tape_path)
        self._opening = Opening(rounds=settings.model_rounds, missing=settings.model_missing)
        self._models: KeptModels | None = None

    async def show(self, exchange: Exchange) -> Reply:
        """Returns all that is kept of a lead."""
        asked = parameters(exchange.query, ("reasons",)).get("reasons")
        reasons = REASONS if asked is None else whole_number("reasons", asked)
        lead_id = lead_id_of(exchange)

        def work(ledger: "Ledger", keys: "LeadKeys") -> LeadRecord:
            from leadscoring.ledger.history import record_of
            from leadscoring.ledger.kept_models import KeptModels

            models = self._models = self._models or KeptModels(self._opening)
            with ledger.reading() as connection:
                return record_of(connection, models, keys.key(lead_id), lead_id, reasons)

        return answer(await self._ledger.run(work))

    async def erase(self, exchange: Exchange) -> Reply:
        """Erases a lead."""
        lead_id, actor = self._named(exchange)

        def work(ledger: "Ledger", keys: "LeadKeys") -> Reply:
            from leadscoring.ledger.erasures import publish_erasures
            from leadscoring.ledger.persons import erase

            done = erase(ledger, keys, lead_id, actor)
            publish_erasures(ledger, self._folder)
            return answer(done)

        return await self._ledger.run(work)

    async def put_objection(self, exchange: Exchange) -> Reply:
        """Notes an objection."""
        lead_id, actor = self._named(exchange)

        def work(ledger: "Ledger", keys: "LeadKeys") -> Reply:
            from leadscoring.ledger.persons import publish_objections, put_objection

            noted = put_objection(ledger, keys, lead_id, actor, self._plain)
            publish_objections(ledger, self._folder)
            return answer(noted)

        return await self._ledger.run(work)

    async def withdraw_objection(self, exchange: Exchange) -> Reply:
        """Takes an objection back."""
        lead_id, actor = self._named(exchange)

        def work(ledger: "Ledger", keys: "LeadKeys") -> Reply:
            from leadscoring.ledger.persons import publish_objections, withdraw_objection

            noted = withdraw_objection(ledger, keys, lead_id, actor)
            publish_objections(ledger, self._folder)
            return answer(noted)

        return await self._ledger.run(work)

    def _named(self, exchange: Exchange) -> tuple[str, str]:
        """The lead that a request is about, and who sent it."""
        takes_none(exchange)
        return lead_id_of(exchange), exchange.key or ""


def lead_id_of(exchange: Exchange) -> str:
    """The id in the path, which is percent-encoded. Raises ``LeadUnknown`` for one that no lead can have."""
    sent: str = exchange.scope["path_params"]["lead_id"]
    try:
        return unquote(sent, errors="strict")
    except UnicodeDecodeError:
        raise LeadUnknown(sent) from None
