"""The levels of a deal's categories: how frequent each is, and its effect on the log-odds of winning."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Vector = npt.NDArray[np.float64]


class Level(NamedTuple):
    """One level: its text, its relative frequency and its log-odds."""

    text: str
    share: float
    effect: float


class Levels:
    """The levels of one category; a code is a position among them."""

    def __init__(self, *rows: tuple[str, float, float]) -> None:
        self.rows = tuple(Level(*row) for row in rows)

    @property
    def texts(self) -> list[str]:
        """The texts by code."""
        return [level.text for level in self.rows]

    @cached_property
    def shares(self) -> Vector:
        """The share of all leads by code; sums to 1."""
        shares = np.array([level.share for level in self.rows])
        return np.asarray(shares / shares.sum())

    @cached_property
    def effects(self) -> Vector:
        """The log-odds by code."""
        return np.array([level.effect for level in self.rows])

    def code(self, text: str) -> int:
        """The code of a text."""
        return self.texts.index(text)

    def draw(self, rng: np.random.Generator, count: int) -> Codes:
        """Draws codes by the shares, shape (count,)."""
        return np.searchsorted(np.cumsum(self.shares)[:-1], rng.random(count), side="right").astype(np.int64)


SENIORITY = Levels(
    ("chief", 7, 1.30),
    ("vice president", 8, 1.00),
    ("director", 14, 0.70),
    ("head", 12, 0.55),
    ("manager", 28, 0.0),
    ("specialist", 22, -0.55),
    ("junior", 9, -1.60),
)

FUNCTION = Levels(
    ("IT", 22, 0.50),
    ("Operations", 18, 0.25),
    ("Marketing", 18, 0.0),
    ("Finance", 14, 0.10),
    ("Sales", 16, -0.20),
    ("HR", 12, -0.60),
)

MAIL = Levels(
    ("company", 62, 0.35),
    ("free", 22, -0.95),
    ("education", 6, -0.70),
    ("government", 3, 0.15),
    ("role", 4, -0.25),
    ("none", 3, -0.30),
)

INDUSTRY = Levels(
    ("Software", 17, 0.55),
    ("Financial Services", 11, 0.35),
    ("Manufacturing", 14, 0.10),
    ("Logistics", 9, 0.20),
    ("Healthcare", 10, -0.05),
    ("Retail", 12, -0.20),
    ("Energy", 5, 0.25),
    ("Media", 6, -0.30),
    ("Construction", 6, -0.35),
    ("Education", 6, -0.55),
    ("Non-Profit", 4, -0.75),
)

SOURCE = Levels(
    ("Referral", 10, 0.95),
    ("Organic Search", 24, 0.20),
    ("Paid Search", 20, -0.20),
    ("Paid Social", 14, -0.70),
    ("Event", 10, 0.30),
    ("Direct Traffic", 14, 0.05),
    ("Cold List", 8, -1.10),
)

CAMPAIGNS = {
    "Referral": Levels(("Partner > Referral > Reseller", 1, 0.20), ("Partner > Referral > Customer", 1, -0.10)),
    "Organic Search": Levels(("Organic > Search > Blog", 2, -0.15), ("Organic > Search > Product", 1, 0.30)),
    "Paid Search": Levels(("Paid > Search > Brand", 1, 0.45), ("Paid > Search > Generic", 2, -0.20)),
    "Paid Social": Levels(("Paid > Social > Video", 1, -0.20), ("Paid > Social > Retargeting", 1, 0.20)),
    "Event": Levels(("Event > Fair > Spring", 1, 0.15), ("Event > Webinar > Basics", 1, -0.15)),
    "Direct Traffic": Levels(
        ("Direct > Web > Home", 1, 0.0),
    ),
    "Cold List": Levels(
        ("Outbound > List > Bought", 1, 0.0),
    ),
}

COUNTRY = Levels(
    ("United States", 38, 0.15),
    ("United Kingdom", 16, 0.05),
    ("Germany", 18, 0.10),
    ("France", 12, -0.10),
    ("Spain", 8, -0.20),
    ("Sweden", 8, 0.0),
)

MESSAGE = Levels(
    ("none", 34, -0.15),
    ("pricing", 18, 0.45),
    ("demo", 16, 0.60),
    ("integration", 12, 0.15),
    ("brochure", 13, -0.35),
    ("thesis", 7, -1.00),
)

TYPE = Levels(("New Business", 80, 0.0), ("Existing Business", 20, 0.60))

PRODUCTS = Levels(
    ("Analytics", 0.45, 0.40),
    ("API access", 0.25, 0.35),
    ("Support plan", 0.30, 0.25),
    ("Training", 0.35, -0.15),
    ("Archive", 0.20, -0.35),
)
"""Of a multiple selection: the share is that of the leads that chose it."""

WEEKDAY = Levels(
    ("Monday", 1.2, 0.0),
    ("Tuesday", 1.2, 0.10),
    ("Wednesday", 1.15, 0.10),
    ("Thursday", 1.1, 0.05),
    ("Friday", 0.95, -0.10),
    ("Saturday", 0.25, -0.30),
    ("Sunday", 0.25, -0.30),
)
