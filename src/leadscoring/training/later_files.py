"""Later files: the dates by which a card judges their outcomes, and the moment of their leads, as in training."""

import numpy as np

from leadscoring.model.card import Card
from leadscoring.model.reading import Dated
from leadscoring.training.as_of import as_of
from leadscoring.training.dates import date_of
from leadscoring.training.reading.series import Vector
from leadscoring.training.reading.table import Table
from leadscoring.training.reread import hows, tokens_of


def dates_of(card: Card, table: Table) -> Dated:
    """The dates by which the card judges outcomes, as far as the data has their columns."""
    dated = card.read_as.dated
    known = {
        name: column for name in ("won", "lost", "as_of") if (column := getattr(dated, name)) in table.frame.columns
    }
    return Dated(**known, within=dated.within if dated.won in ("", *known.values()) else 0)


def moments_in(card: Card, table: Table) -> Vector | None:
    """The moment of each lead of a file without a known outcome, shape (leads,); ``None`` if it has no dates for it.

    It is that of ``evaluate``: the column of training; else the latest date that is not after the outcome. The outcome
    is dated by the columns that training had for it, where the file has them, else by dates with such a name.
    """
    dated, target = dates_of(card, table), "" if card.training is None else card.training.target
    tokens, ways = tokens_of(card.read_as, table.frame), hows(card.read_as)
    roles = tuple(name for name in dict.fromkeys((target, dated.won, dated.lost)) if name in table.frame.columns)
    read = (date_of(table.frame[name], tokens, ways.get(name)) for name in roles)
    ends = [values for values in read if values is not None]
    decided = np.fmax.reduce(ends) if ends else None
    return as_of(table, dated.as_of or None, None, tokens, ways, decided, roles).values
