"""Scores many leads at once: tables of polars, pandas and Arrow, and files."""

from leadscoring.bulk.frames import Scored, score

__all__ = ["Scored", "score"]
