"""The components of one process on which its handlers are built."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadscoring.access.keys import KeyRing
from leadscoring.ledger.on_demand import LedgerOnDemand
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.succession import Succession
from leadscoring.settings import Settings
from leadscoring.telemetry.access_log import AccessLog
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals

if TYPE_CHECKING:
    from leadscoring.ledger.tape import Tape


@dataclass(frozen=True)
class Service:
    """The components on which the handlers are built."""

    settings: Settings
    scorer: Scorer
    succession: Succession
    keys: KeyRing
    metrics: Metrics
    access_log: AccessLog
    vitals: Vitals
    ledger: LedgerOnDemand
    tape: "Tape | None" = None
    """Where scored leads are kept, if the ledger is on."""
