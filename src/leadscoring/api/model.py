"""``GET /api/v1/model/...``: what model answers, what it takes, what drives it, how far leads have moved."""

from msgspec.structs import asdict

from leadscoring.api.answers import FeatureImportance, FeatureInfo, FeatureList, ImportanceList, ModelInfo, answer
from leadscoring.api.parameters import takes_none
from leadscoring.model.description import describe
from leadscoring.model.loaded import LoadedModel
from leadscoring.quality.drift import no_report
from leadscoring.scoring.scorer import Scorer
from leadscoring.transport.exchange import Exchange, Reply

UNCOUNTED = "nothing is counted: the model's card has no reference, or DRIFT_METRICS is off"


class ModelRoutes:
    """The routes about the model that is served now."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def info(self, exchange: Exchange) -> Reply:
        """Name, version, training, calibration, tiers and quality."""
        takes_none(exchange)
        served = self._scorer.served
        return answer(ModelInfo(**asdict(describe(served.model)), endpoint_provider=served.provider.name))

    async def features(self, exchange: Exchange) -> Reply:
        """The contract, in column order."""
        takes_none(exchange)
        return answer(feature_list(self._scorer.served.model))

    async def importance(self, exchange: Exchange) -> Reply:
        """How much each feature matters over all, strongest first."""
        takes_none(exchange)
        return answer(importance(self._scorer.served.model))

    async def drift(self, exchange: Exchange) -> Reply:
        """How far the leads scored since the start have moved from those of training, over all workers."""
        takes_none(exchange)
        served = self._scorer.served
        counts = served.counts.drift if served.counts else None
        return answer(no_report(served.model.card.version, UNCOUNTED) if counts is None else counts.report())


def feature_list(model: LoadedModel) -> FeatureList:
    """The contract as the wire shows it: every field of every feature, set or not."""
    features = [
        FeatureInfo(
            name=feature.name,
            kind=feature.kind,
            required=feature.required,
            minimum=0 if feature.kind == "flag" else feature.minimum,
            maximum=1 if feature.kind == "flag" else feature.maximum,
            values=feature.wire_values or None,
            missing=feature.missing or None,
            allowed=feature.allowed,
            group=feature.group or None,
            unit=feature.unit or None,
            help=feature.help or None,
            example=feature.example,
        )
        for feature in model.card.contract.features
    ]
    return FeatureList(model.card.version, len(features), features)


def importance(model: LoadedModel) -> ImportanceList:
    """The share of the trees' total gain that each feature brought, and how often they split on it."""
    found = model.trees.importance
    total = sum(found.gain) or 1.0
    strongest = sorted(zip(found.gain, found.weight, model.names, strict=True), key=lambda entry: -entry[0])
    rows = [FeatureImportance(name, gain / total, splits) for gain, splits, name in strongest]
    return ImportanceList(model.card.version, "gain", rows)
