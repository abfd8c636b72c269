"""The model in service: one immutable value with everything that an answer depends on, so that it is swapped whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from leadscoring._engine import Rows
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.trees import Reasons
from leadscoring.providers.provider import Provider
from leadscoring.quality.model_counts import ModelCounts

if TYPE_CHECKING:  # imported only where the ledger is on
    from leadscoring.ledger.recorder import Recorder

Count = Callable[[Rows, list[float]], None]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Served:
    """A model, with the provider that computes its margins and the counts of what it scores.

    A request reads it from the scorer once, when its work starts, and uses only that until its answer is written, so
    that no answer mixes two models. It is closed when the last reference is released (``Succession``); therefore no
    reference may outlive a request.
    """

    model: LoadedModel
    """The model, with the strict or lenient decoder of its contract."""

    provider: Provider
    reasons: Reasons
    """Computes reasons, and counts them if counting is on."""

    count: Count | None = None
    """Counts each scored row and its margin for drift, if drift is measured."""

    counts: ModelCounts | None = None
    """The counts of drift and reasons, if counting is on."""

    recorder: "Recorder | None" = None
    """Keeps each scored lead before it is answered, if the ledger is on."""

    @classmethod
    def of(
        cls,
        model: LoadedModel,
        provider: Provider,
        counts: ModelCounts | None = None,
        recorder: "Recorder | None" = None,
    ) -> Self:
        """Combines a model and its provider; counts into ``counts``, and keeps leads with ``recorder``, if given."""
        if counts is None:
            return cls(model, provider, model.finding(), recorder=recorder)
        count = counts.drift.count if counts.drift else None
        return cls(model, provider, model.finding(counts.reasons.numbers), count, counts, recorder)
