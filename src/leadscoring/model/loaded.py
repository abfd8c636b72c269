"""A model as it is served: what is loaded together is one immutable value."""

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import UNSET

from leadscoring import lead
from leadscoring._engine import Encoder, Rows, count_colons
from leadscoring.decode import LeadDecoder
from leadscoring.errors import CardInvalid, GoldenRowMismatch, ModelAltered, ModelNotFound, UnexpectedModelVersion
from leadscoring.features import Contract, Feature
from leadscoring.model.card import ATTRIBUTE, SEAL, TIERS, Card, percentile, read_card
from leadscoring.model.trees import TreeEnsemble

GOLDEN_TOLERANCE = 1e-5
"""How far, in log-odds, a golden row may be off: float32 sums differ by their order, no more."""

KINDS = {"number": 0, "integer": 1, "flag": 2, "category": 3}
"""The engine's numbers for the kinds of features."""


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

    @classmethod
    def load(cls, path: str | Path, expected_version: str = "") -> "LoadedModel":
        """The model in the file at ``path``, ready to score.

        Raises ``ModelNotFound``, ``ModelUnreadable`` or ``ModelUnsupported`` for the file,
        ``CardInvalid``, ``ModelAltered`` or ``GoldenRowMismatch`` for its card, ``UnexpectedModelVersion`` when it is
        not the version expected.
        """
        return cls.of(read_file(path), path, expected_version)

    @classmethod
    def of(cls, data: bytes, path: str | Path, expected_version: str = "") -> "LoadedModel":
        """The model in bytes that were read from ``path``. Raises as ``load`` does, but never ``ModelNotFound``."""
        trees = TreeEnsemble.from_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        text = trees.attributes.get(ATTRIBUTE)
        card = (
            read_card(text) if text is not None else plain_card(trees, Path(path).stem, expected_version or sha256[:12])
        )
        if text is not None and trees.attributes.get(SEAL, seal := sealed(trees, text)) != seal:
            raise ModelAltered
        check_contract(card.contract, trees)
        check_golden_rows(card, trees)
        if expected_version and card.version != expected_version:
            raise UnexpectedModelVersion(expected_version, card.version)
        return cls(
            trees=trees,
            card=card,
            names=tuple(card.contract.names),
            decoder=LeadDecoder(card.contract, encoder(card.contract).encode, count_colons),
            identity=lead.Model(card.name, card.version),
            sha256=sha256,
            certified=text is not None,
            rare=tuple(frozenset(feature.rare) for feature in card.contract.features),
        )

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


def read_file(path: str | Path) -> bytes:
    """The bytes of a model file; raises ``ModelNotFound`` when there are none to be had."""
    try:
        return Path(path).read_bytes()
    except OSError as failure:
        raise ModelNotFound(str(path), (failure.strerror or "unreadable").lower()) from None


def encoder(contract: Contract) -> Encoder:
    """What turns the values of a lead into a row of the trees, by this contract."""
    return Encoder(
        [KINDS[feature.kind] for feature in contract.features],
        [feature.codes if feature.kind == "category" else None for feature in contract.features],
        [feature.other_code for feature in contract.features],
        UNSET,
        [feature.rare for feature in contract.features],
    )


def plain_card(trees: TreeEnsemble, name: str, version: str) -> Card:
    """What can be said of a model that has no card.

    Its categories are known by their codes only, so a caller sends the code, a whole number.
    """
    names = trees.feature_names or tuple(f"f{place}" for place in range(trees.n_features))
    types = trees.feature_types or ("float",) * trees.n_features
    features = [plain_feature(*pair) for pair in zip(names, types, strict=True)]
    return Card(name=name or "model", version=version, contract=Contract(tuple(features)))


def plain_feature(name: str, kind: str) -> Feature:
    """The feature that a name and one of XGBoost's own types describe."""
    if kind == "i":
        return Feature(name, "flag")
    if kind == "c":
        return Feature(name, "integer", minimum=0, help="The code of a category")
    return Feature(name, "integer" if kind == "int" else "number")


def check_contract(contract: Contract, trees: TreeEnsemble) -> None:
    """Raises ``CardInvalid`` unless contract and trees speak of the same columns."""
    if len(contract) != trees.n_features:
        raise CardInvalid(f"the contract has {len(contract)} features, the trees {trees.n_features}")
    for place, most in trees.categories.items():
        feature = contract.features[place]
        if feature.kind == "category" and most > len(feature.values) + feature.other:
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


def describe(model: LoadedModel) -> dict[str, Any]:
    """What ``GET /api/v1/model/info`` and ``leadscoring model show`` say of a model."""
    card, trees = model.card, model.trees
    return {
        "name": card.name,
        "version": card.version,
        "n_features": trees.n_features,
        "n_trees": trees.n_trees,
        "max_depth": trees.max_depth,
        "certified": model.certified,
        "sha256": model.sha256,
        "created_at": card.created_at or None,
        "training": card.training,
        "calibration": {"method": card.calibration.method, "knots": len(card.calibration.margins)},
        "tiers": {
            "thresholds": dict(zip("ABCD", card.tiers.thresholds, strict=True)),
            "definitions": card.tiers.meanings(),
        },
        "golden_rows": len(card.golden),
        "quality": card.quality or None,
        "libraries": card.libraries,
    }
