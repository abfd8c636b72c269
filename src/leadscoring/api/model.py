"""``GET /api/v1/model/...``: what model answers, what it takes, what drives it, how far leads have moved."""

from typing import Any

import msgspec

from leadscoring.access.keys import KeyRing
from leadscoring.api.parameters import takes_none
from leadscoring.model.loaded import LoadedModel, describe
from leadscoring.quality.drift import no_report
from leadscoring.scoring.scorer import Scorer
from leadscoring.transport.exchange import Exchange, Reply

UNCOUNTED = "nothing is counted: the model's card has no reference, or DRIFT_METRICS is off"


class ModelRoutes:
    """The routes about the model that is served now."""

    def __init__(self, scorer: Scorer, keys: KeyRing) -> None:
        self._scorer = scorer
        self._keys = keys

    async def info(self, exchange: Exchange) -> Reply:
        """Name, version, training, calibration, tiers and quality."""
        self._admit(exchange)
        served = self._scorer.served
        said = describe(served.model) | {"endpoint_provider": served.provider.name}
        return Reply(200, msgspec.json.encode(said))

    async def features(self, exchange: Exchange) -> Reply:
        """The contract, in column order."""
        self._admit(exchange)
        return Reply(200, msgspec.json.encode(feature_list(self._scorer.served.model)))

    async def importance(self, exchange: Exchange) -> Reply:
        """How much each feature matters over all, strongest first."""
        self._admit(exchange)
        return Reply(200, msgspec.json.encode(importance(self._scorer.served.model)))

    async def drift(self, exchange: Exchange) -> Reply:
        """How far the leads scored since the start have moved from those of training, over all workers."""
        self._admit(exchange)
        served = self._scorer.served
        counts = served.counts.drift if served.counts else None
        said = no_report(served.model.card.version, UNCOUNTED) if counts is None else counts.report()
        return Reply(200, msgspec.json.encode(said))

    def _admit(self, exchange: Exchange) -> None:
        """Lets in a request whose key is known, and whose query asks for nothing that there is not."""
        exchange.key = self._keys.check(exchange.presented_key).label
        takes_none(exchange)


def feature_list(model: LoadedModel) -> dict[str, Any]:
    """The contract as the wire shows it: every field of every feature, set or not."""
    features = [
        {
            "name": feature.name,
            "kind": feature.kind,
            "required": feature.required,
            "minimum": 0 if feature.kind == "flag" else feature.minimum,
            "maximum": 1 if feature.kind == "flag" else feature.maximum,
            "values": feature.wire_values or None,
            "missing": feature.missing or None,
            "allowed": feature.allowed,
            "group": feature.group or None,
            "unit": feature.unit or None,
            "help": feature.help or None,
            "example": feature.example,
        }
        for feature in model.card.contract.features
    ]
    return {"version": model.card.version, "n_features": len(features), "features": features}


def importance(model: LoadedModel) -> dict[str, Any]:
    """The share of the trees' total gain that each feature brought, and how often they split on it."""
    found = model.trees.importance
    total = sum(found.gain) or 1.0
    strongest = sorted(zip(found.gain, found.weight, model.names, strict=True), key=lambda entry: -entry[0])
    rows = [{"feature": name, "importance": gain / total, "splits": splits} for gain, splits, name in strongest]
    return {"version": model.card.version, "method": "gain", "importance": rows}
