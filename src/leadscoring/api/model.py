"""``GET /api/v1/model/...``: the served model, its contract, feature importance, and drift."""

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
    """The routes about the served model."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def info(self, exchange: Exchange) -> Reply:
        """Returns name, version, training, calibration, tiers and quality."""
        takes_none(exchange)
        served = self._scorer.served
        return answer(ModelInfo(**asdict(describe(served.model)), endpoint_provider=served.provider.name))

    async def features(self, exchange: Exchange) -> Reply:
        """Returns the contract, in column order."""
        takes_none(exchange)
        return answer(feature_list(self._scorer.served.model))

    async def importance(self, exchange: Exchange) -> Reply:
        """Returns the importance of each feature over all leads, the strongest first."""
        takes_none(exchange)
        return answer(importance(self._scorer.served.model))

    async def drift(self, exchange: Exchange) -> Reply:
        """Returns the drift of the leads scored since the start from those of training, over all workers."""
        takes_none(exchange)
        served = self._scorer.served
        counts = served.counts.drift if served.counts else None
        return answer(no_report(served.model.card.version, UNCOUNTED) if counts is None else counts.report())


def feature_list(model: LoadedModel) -> FeatureList:
    """Returns the contract as it is sent: all fields of every feature, set or not."""
    contract = model.card.contract
    features = [
        FeatureInfo(
            name=feature.name,
            kind=feature.kind,
            required=feature.required,
            minimum=feature.form.limits(feature)[0],
            maximum=feature.form.limits(feature)[1],
            values=feature.wire_values or None,
            missing=feature.missing or None,
            allowed=contract.allowed(feature),
            group=feature.group or None,
            unit=feature.unit or None,
            help=feature.help or None,
            example=feature.example,
            columns=[column.name for column in feature.columns],
        )
        for feature in contract.features
    ]
    return FeatureList(model.card.version, len(features), features)


def importance(model: LoadedModel) -> ImportanceList:
    """Returns each feature's share of the total gain of the trees, and the number of splits on it."""
    measured = model.importance
    total = sum(measured.gain) or 1.0
    strongest = sorted(zip(measured.gain, measured.weight, model.names, strict=True), key=lambda entry: -entry[0])
    rows = [FeatureImportance(name, gain / total, splits) for gain, splits, name in strongest]
    return ImportanceList(model.card.version, "gain", rows)
