"""``GET /api/v1/model/...``: what model answers, what it takes, what drives it, how far leads have moved."""

from typing import Any

import msgspec

from leadscoring.access.keys import KeyRing
from leadscoring.api.parameters import takes_none
from leadscoring.model.loaded import LoadedModel, describe
from leadscoring.quality.drift import no_report
from leadscoring.quality.drift_counts import DriftCounts
from leadscoring.scoring.scorer import Scorer
from leadscoring.transport.exchange import Exchange, Reply

UNCOUNTED = "nothing is counted: the model's card has no reference, or DRIFT_METRICS is off"


class ModelRoutes:
    """The routes about the model that the scorer holds now; ``drift`` has counted its leads, where they are counted."""

    def __init__(self, scorer: Scorer, keys: KeyRing, drift: DriftCounts | None = None) -> None:
        self._scorer = scorer
        self._keys = keys
        self._drift = drift

    async def info(self, exchange: Exchange) -> Reply:
        """Name, version, training, calibration, tiers and quality."""
        self._admit(exchange)
        said = describe(self._scorer.model) | {"endpoint_provider": self._scorer.provider.name}
        return Reply(200, msgspec.json.encode(said))

    async def features(self, exchange: Exchange) -> Reply:
        """The contract, in column order."""
        self._admit(exchange)
        return Reply(200, msgspec.json.encode(feature_list(self._scorer.model)))

    async def importance(self, exchange: Exchange) -> Reply:
        """How much each feature matters over all, strongest first."""
        self._admit(exchange)
        return Reply(200, msgspec.json.encode(importance(self._scorer.model)))

    async def drift(self, exchange: Exchange) -> Reply:
        """How far the leads scored since the start have moved from those of training, over all workers."""
        self._admit(exchange)
        said = no_report(self._scorer.model.card.version, UNCOUNTED) if self._drift is None else self._drift.report()
        return Reply(200, msgspec.json.encode(said))

    def _admit(self, exchange: Exchange) -> None:
        """Lets in a request whose key is known, and whose query asks for nothing that there is not."""
        exchange.key = self._keys.check(exchange.presented_key).label
        takes_none(exchange)


def feature_list(model: LoadedModel) -> dict[str, Any]:
    """The contract as the wire shows it: every field of every feature, set or not."""
    contract = model.card.contract
    features = [
        {
            "name": feature.name,
            "kind": feature.kind,
            "required": feature.required,
            "minimum": feature.form.limits(feature)[0],
            "maximum": feature.form.limits(feature)[1],
            "values": feature.wire_values or None,
            "missing": feature.missing or None,
            "allowed": contract.allowed(feature),
            "group": feature.group or None,
            "unit": feature.unit or None,
            "help": feature.help or None,
            "example": feature.example,
            "columns": [column.name for column in feature.columns],
        }
        for feature in contract.features
    ]
    return {"version": model.card.version, "n_features": len(features), "features": features}


def importance(model: LoadedModel) -> dict[str, Any]:
    """The share of the trees' total gain that each feature brought, and how often they split on it."""
    found = model.importance
    total = sum(found.gain) or 1.0
    strongest = sorted(zip(found.gain, found.weight, model.names, strict=True), key=lambda entry: -entry[0])
    rows = [{"feature": name, "importance": gain / total, "splits": splits} for gain, splits, name in strongest]
    return {"version": model.card.version, "method": "gain", "importance": rows}
