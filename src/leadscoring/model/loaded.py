"""A model as it is served: what is loaded together is one immutable value."""

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
from leadscoring.model.trees import TreeEnsemble

GOLDEN_TOLERANCE = 1e-5
"""How far, in log-odds, a golden row may be off: float32 sums differ by their order, no more."""

KINDS = {"number": 0, "integer": 1, "flag": 2, "category": 3}
"""The engine's numbers for the kinds of features."""

NUMBERED, CODE = 4, 5
"""Those for categories that are not sent as text."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """Trees and card, checked against each other, with the decoder that its contract makes.

    ``certified`` is false for a model without a card: its contract is its feature names and types,
    its calibration the logistic function.
    """

    trees: TreeEnsemble
    card: Card
    names: tuple[str, ...]
    decoder: LeadDecoder[Rows]
    identity: lead.Model
    sha256: str
    certified: bool
    rare: tuple[frozenset[str], ...]
    """The rare texts of each feature, for a quick look."""

    @property
    def cautions(self) -> list[str]:
        """What somebody who expects other scores of this file should know."""
        coded = [feature for feature in self.card.contract.features if feature.codes]
        return list(filter(None, [self.trees.rounds.caution, *map(sent_as_code, coded)]))

    def score(self, margin: float) -> lead.Score:
        """What a margin, in log-odds, means: probability, tier and percentile."""
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
    """What the seal of a model with this card says. It finds damage and edits, and keeps nobody from sealing anew."""
    return hashlib.sha256(f"{trees.digest} {card}".encode()).hexdigest()


def encoder(contract: Contract) -> Encoder:
    """What turns the values of a lead into a row of the trees, by this contract."""
    features = contract.features
    return Encoder(
        [kind_of(feature) for feature in features],
        [feature.code_table if feature.kind == "category" else None for feature in features],
        [feature.other_code for feature in features],
        UNSET,
        [feature.rare for feature in features],
        math.nan if contract.missing_value is None else contract.missing_value,
    )


def kind_of(feature: Feature) -> int:
    """The engine's number for how a feature is sent."""
    return NUMBERED if feature.numbers else CODE if feature.codes else KINDS[feature.kind]


def sent_as_code(feature: Feature) -> str:
    """That a category can only be sent as its code."""
    return (
        f"the file lacks the values of the category {feature.name!r}: leads must send its code, a whole number; "
        f"the trees use 0 to {feature.codes - 1} (XGBoost 3.1 to 3.3 store ASCII values, later versions any)"
    )


def check_contract(contract: Contract, trees: TreeEnsemble) -> None:
    """Raises ``CardInvalid`` unless contract and trees speak of the same columns."""
    if len(contract) != trees.n_features:
        raise CardInvalid(f"the contract has {len(contract)} features, the trees {trees.n_features}")
    for place, most in trees.categories.items():
        feature = contract.features[place]
        if feature.kind == "category" and most > len(feature.values) + feature.other + feature.codes:
            raise CardInvalid(
                f"the trees split feature {feature.name!r} on {most} categories, the contract has {len(feature.values)}"
            )
        if feature.kind in ("number", "flag"):
            raise CardInvalid(
                f"the trees split feature {feature.name!r} by category, the contract calls it a {feature.kind}"
            )


def check_golden_rows(card: Card, trees: TreeEnsemble) -> None:
    """Raises ``GoldenRowMismatch`` for the first certified row that the engine scores otherwise."""
    if not card.golden:
        return
    margins: list[float] = trees.predict(Rows([list(golden.row) for golden in card.golden]))
    for number, (golden, margin) in enumerate(zip(card.golden, margins, strict=True)):
        if not math.isclose(margin, golden.margin, rel_tol=GOLDEN_TOLERANCE, abs_tol=GOLDEN_TOLERANCE):
            raise GoldenRowMismatch(number, golden.margin, margin)
