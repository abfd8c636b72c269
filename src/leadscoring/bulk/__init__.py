"""Scores many leads at once: tables of polars, pandas and Arrow, and files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadscoring.bulk.frames import Scored, score

__all__ = ["Scored", "score"]


def __getattr__(name: str) -> Any:
    """Imports Polars when it is used: before, a worker of a cluster sets how many threads it starts."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from leadscoring.bulk import frames

    return getattr(frames, name)
