"""What is served: one immutable value with all that an answer depends on, so that it is swapped whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from leadscoring._engine import Rows
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.trees import Reasons
from leadscoring.providers.provider import Provider
from leadscoring.quality.model_counts import ModelCounts

Count = Callable[[Rows, list[float]], None]


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Served:
    """A model, with the provider that computes its margins and the counts of what it scores.

    A request takes it once from the scorer, when its work begins, and uses nothing else until its answer is written: so
    no answer mixes two models. The last request that lets go of it is what closes it (``Succession``), which is why
    nobody keeps it longer than a request.
    """

    model: LoadedModel
    """With the decoder of its contract, lenient or not."""

    provider: Provider
    reasons: Reasons
    """Finds reasons, and counts them where that is done."""

    count: Count | None = None
    """Counts all rows that were scored and their margins, once, where leads are counted for drift."""

    counts: ModelCounts | None = None
    """Where both are counted, if anywhere."""

    @classmethod
    def of(cls, model: LoadedModel, provider: Provider, counts: ModelCounts | None = None) -> Self:
        """A model and its provider, counted in ``counts`` if there are any."""
        if counts is None:
            return cls(model, provider, model.trees.reasons)
        count = counts.drift.count if counts.drift else None
        return cls(model, provider, model.trees.counting(counts.reasons.numbers), count, counts)
