"""A model as it is served: one immutable value with everything that is loaded together."""

import hashlib
import math
from dataclasses import dataclass

from msgspec import UNSET

from leadscoring import lead
from leadscoring._engine import Encoder, Rows
from leadscoring.contract.decode import LeadDecoder
from leadscoring.contract.features import Contract, Feature
from leadscoring.errors import CardInvalid, GoldenRowMismatch
from leadscoring.model.card import TIERS, Card, percentile
from leadscoring.model.trees import Importance, Reasons, TreeEnsemble

GOLDEN_TOLERANCE = 1e-5
"""Tolerance of golden rows in log-odds: float32 sums depend on their order."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Trees and card, checked against each other, with the decoder of the contract.

    ``certified`` is false for a model without a card: its contract consists of its feature names and types, its
    calibration is the logistic function.
    """

    trees: TreeEnsemble
    card: Card
    names: tuple[str, ...]
    decoder: LeadDecoder[Rows]
    identity: lead.Model
    sha256: str
    certified: bool
    rare: tuple[frozenset[str], ...]
    """The rare texts of each feature, for fast lookup."""

    def finding(self, numbers: "memoryview[float] | None" = None) -> Reasons:
        """Returns the function that computes the strongest reasons by feature, and counts them in ``numbers``, if any.

        ``numbers`` has two doubles for each feature: how often it increased a score, and how often it decreased one.
        """
        columns = self.card.contract.columns
        if numbers is None and not columns.several:
            return self.trees.reasons
        return self.trees.finding(numbers, columns.widths if columns.several else None)

    @property
    def importance(self) -> Importance:
        """The importance of each feature, in the contract's order: the sums over its columns."""
        by_column, columns = self.trees.importance, self.card.contract.columns
        places = [columns.places(place) for place in range(len(self.names))]
        return Importance(
            tuple(sum(by_column.gain[of]) for of in places),
            tuple(sum(by_column.weight[of]) for of in places),
            tuple(sum(by_column.cover[of]) for of in places),
        )

    @property
    def cautions(self) -> list[str]:
        """Reasons why the scores of this file may differ from those expected."""
        coded = [feature for feature in self.card.contract.features if feature.codes]
        return list(filter(None, [self.trees.rounds.caution, *map(sent_as_code, coded)]))

    def score(self, margin: float) -> lead.Score:
        """Converts a margin, in log-odds, to probability, tier and percentile."""
        card = self.card
        probability = card.calibration.probability(margin)
        bucket = card.tiers.bucket(probability)
        return lead.Score(
            probability,
            bucket,
            TIERS[-bucket],  # 5 is A, 1 is E
            percentile(card.reference.quantiles, probability),
        )


def sealed(trees: TreeEnsemble, card: str) -> str:
    """Computes the seal of a model with this card. It detects damage and edits, but is not a signature."""
    return hashlib.sha256(f"{trees.digest} {card}".encode()).hexdigest()


def encoder(contract: Contract) -> Encoder:
    """Returns the encoder of leads into rows of the trees, by this contract."""
    features = contract.features
    places = {name: place for place, name in enumerate(contract.names)}
    return Encoder(
        [feature.form.engine for feature in features],
        [feature.code_table for feature in features],
        [feature.other_code for feature in features],
        UNSET,
        [feature.rare for feature in features],
        math.nan if contract.missing_value is None else contract.missing_value,
        contract.columns.widths,
        [unchecked(feature, contract.missing_value) for feature in features],
        [feature.form.spec(feature, places) for feature in features],
    )


def unchecked(feature: Feature, missing: float | None) -> tuple[float, float] | None:
    """Returns bounds that the encoder must check, since the number that means missing lies outside of them."""
    low, high = feature.bounds
    return (low, high) if feature.form.is_bounded and missing is not None and not low <= missing <= high else None


def sent_as_code(feature: Feature) -> str:
    """Returns the caution that a category can only be sent as its code."""
    return (
        f"the file lacks the values of the category {feature.name!r}: leads must send its code, a whole number; "
        f"the trees use 0 to {feature.codes - 1} (XGBoost 3.1 to 3.3 store ASCII values, later versions any)"
    )


def check_contract(contract: Contract, trees: TreeEnsemble) -> None:
    """Raises ``CardInvalid`` unless contract and trees have the same columns."""
    columns = contract.columns
    if len(columns) != trees.n_features:
        made = f" of {len(columns)} columns" if columns.several else ""
        raise CardInvalid(f"the contract has {len(contract)} features{made}, the trees {trees.n_features}")
    for place, most in trees.categories.items():
        column, feature = columns.every[place], contract.features[columns.feature[place]]
        if column.categorical and column.codes is not None and most > column.codes:
            raise CardInvalid(
                f"the trees split feature {column.name!r} on {most} categories, the contract has {len(column.labels)}"
            )
        if column.codes == 0 and not column.categorical:
            raise CardInvalid(
                f"the trees split feature {column.name!r} by category, the contract calls it a {feature.kind}"
            )


def check_golden_rows(card: Card, trees: TreeEnsemble) -> None:
    """Raises ``GoldenRowMismatch`` for the first golden row that the engine scores differently."""
    if not card.golden:
        return
    margins: list[float] = trees.predict(Rows([list(golden.row) for golden in card.golden]))
    for number, (golden, margin) in enumerate(zip(card.golden, margins, strict=True)):
        if not math.isclose(margin, golden.margin, rel_tol=GOLDEN_TOLERANCE, abs_tol=GOLDEN_TOLERANCE):
            raise GoldenRowMismatch(number, golden.margin, margin)
