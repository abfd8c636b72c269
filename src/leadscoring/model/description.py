"""The description of a model, in one value: for ``GET /api/v1/model/info`` and ``leadscoring model show``."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from leadscoring.model.card import TIERS, Training
from leadscoring.model.loaded import LoadedModel

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class UsedRounds(msgspec.Struct, frozen=True):
    """The number of boosting rounds used, and of all rounds; ``best`` is null if the file lacks the best round."""

    used: Count
    of: Count
    best: Annotated[int, Meta(ge=1)] | None


class CalibratedBy(msgspec.Struct, frozen=True):
    """The calibration of margins to probabilities."""

    method: str
    knots: Count


class TierBounds(msgspec.Struct, frozen=True):
    """The lower bounds of the tiers A to D, as calibrated probabilities, and the definition of all five tiers."""

    thresholds: dict[str, Share]
    definitions: dict[str, str]


class Description(msgspec.Struct, frozen=True):
    """A model: its trees, training data, quality and cautions."""

    name: str
    version: str
    n_features: Count
    n_trees: Annotated[int, Meta(ge=0, description="Number of trees used.")]
    rounds: UsedRounds
    missing_value: Annotated[float | None, Meta(description="A number that means missing, in addition to null.")]
    max_depth: Count
    certified: Annotated[bool, Meta(description="Whether the file has a card with golden rows.")]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file.")]
    created_at: str | None
    trained_until: Annotated[
        str | None,
        Meta(description="The latest moment of a lead in training; null if it is not known, as in cards of format 1."),
    ]
    training: Training | None
    calibration: CalibratedBy
    tiers: TierBounds
    golden_rows: Annotated[int, Meta(ge=0, description="Number of golden rows, which are scored again at each start.")]
    quality: Annotated[
        Mapping[str, Any] | None, Meta(description="Every figure of the report on held-out leads, with its interval.")
    ]
    libraries: Annotated[Mapping[str, str], Meta(description="Versions of the libraries that trained it.")]
    cautions: Annotated[list[str], Meta(description="Reasons why its scores may differ from what its owner expects.")]
    n_columns: Annotated[
        int | UnsetType, Meta(description="Number of columns of the trees; present if a feature makes several.")
    ] = UNSET
    timed: Annotated[
        bool | UnsetType, Meta(description="True if scores depend on `as_of`, because a feature is a date.")
    ] = UNSET


def describe(model: LoadedModel) -> Description:
    """Describes a model without scoring."""
    card, trees = model.card, model.trees
    return Description(
        name=card.name,
        version=card.version,
        n_features=len(card.contract),
        n_trees=trees.n_trees,
        rounds=UsedRounds(trees.rounds.used, trees.rounds.of, trees.rounds.best),
        missing_value=card.contract.missing_value,
        max_depth=trees.max_depth,
        certified=model.certified,
        sha256=model.sha256,
        created_at=card.created_at or None,
        trained_until=trained_until(card.training),
        training=card.training,
        calibration=CalibratedBy(card.calibration.method, len(card.calibration.margins)),
        tiers=TierBounds(dict(zip(TIERS, card.tiers.thresholds, strict=False)), card.tiers.meanings()),
        golden_rows=len(card.golden),
        quality=card.quality or None,
        libraries=card.libraries,
        cautions=model.cautions,
        n_columns=trees.n_features if card.contract.columns.several else UNSET,
        timed=True if card.contract.is_timed else UNSET,
    )


def trained_until(training: Training | None) -> str | None:
    """Returns the latest moment of a lead in training, as the card has it; ``None`` if it is not known."""
    return None if training is None or isinstance(training.trained_until, UnsetType) else training.trained_until
