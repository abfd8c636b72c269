"""What the entrances of one process are built on."""

from dataclasses import dataclass

from leadscoring.access.keys import KeyRing
from leadscoring.scoring.scorer import Scorer
from leadscoring.scoring.succession import Succession
from leadscoring.settings import Settings
from leadscoring.telemetry.access_log import AccessLog
from leadscoring.telemetry.metrics import Metrics
from leadscoring.telemetry.vitals import Vitals


@dataclass(frozen=True)
class Service:
    """What the entrances are built on."""

    settings: Settings
    scorer: Scorer
    succession: Succession
    keys: KeyRing
    metrics: Metrics
    access_log: AccessLog
    vitals: Vitals
