"""Kinds of features that make several columns, which exist in tests only.

A square of a board, such as ``b7``, makes two columns, and a choice makes one for each of its values.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from leadscoring.contract.columns import Column
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kind import Table
from leadscoring.contract.kinds import KINDS, Text
from leadscoring.model.card import ATTRIBUTE, Card
from leadscoring.training import certify
from leadscoring.training.encode import encode_table
from leadscoring.training.fit import write_model
from leadscoring.training.trees import Recipe, grow, margins_of

FILES = "abcdefgh"
SQUARES = tuple(f"{letter}{digit}" for letter in FILES for digit in range(1, 9))
ROWS = 3000


class Square(Text):
    """A square by its name: its file, from 0 on, and its rank are two columns."""

    def check(self, feature: Feature) -> None:
        """Any values."""

    def columns(self, feature: Feature) -> tuple[Column, ...]:
        """Both are numbers, so that trees split each of them by itself."""
        return Column(f"{feature.name}.file"), Column(f"{feature.name}.rank")

    def table(self, feature: Feature) -> Table | None:
        """The two numbers of every square."""
        return {name: (float(FILES.index(name[0])), float(name[1])) for name in feature.values}

    def back(self, feature: Feature) -> Callable[[Sequence[float | None]], Any]:
        """The name of a square."""
        names = {codes: name for name, codes in (self.table(feature) or {}).items()}
        return lambda cells: names.get(tuple(cells))


class Choice(Text):
    """A value of several: each has a column that is 1 where it was chosen, else 0."""

    def check(self, feature: Feature) -> None:
        """Any values."""

    def columns(self, feature: Feature) -> tuple[Column, ...]:
        """One for each value."""
        return tuple(Column(f"{feature.name} is {value}", most=1) for value in feature.values)

    def table(self, feature: Feature) -> Table | None:
        """A row of a unit matrix for each value."""
        return {
            value: tuple(map(float, row))
            for value, row in zip(feature.values, np.eye(len(feature.values)), strict=True)
        }


@contextmanager
def choices() -> Iterator[None]:
    """The kind ``choice`` is there for as long as the context is open."""
    KINDS["choice"] = Choice()
    try:
        yield
    finally:
        del KINDS["choice"]


def choice(name: str, values: int) -> Feature:
    """A choice of so many values, ``v0``, ``v1`` and so on."""
    return Feature(name, "choice", values=tuple(f"v{place}" for place in range(values)))


@contextmanager
def squares() -> Iterator[Contract]:
    """The kind is there for as long as the context is open: a contract that has it between two features of others."""
    KINDS["square"] = Square()
    try:
        yield Contract(
            (
                Feature("age", "number", minimum=0),
                Feature("square", "square", values=SQUARES, example="b7"),
                Feature("source", "category", values=("web", "event"), required=True),
            )
        )
    finally:
        del KINDS["square"]


def leads_on_squares(seed: int = 5) -> tuple[pl.DataFrame, Any]:
    """Leads, and whether they converted: the farther from the corner, in both directions, the likelier."""
    chance = np.random.default_rng(seed)
    names = chance.choice(SQUARES, ROWS).tolist()
    frame = pl.DataFrame(
        {
            "age": chance.integers(0, 60, ROWS).astype(float),
            "square": [None if chance.random() < 0.1 else name for name in names],
            "source": chance.choice(["web", "event"], ROWS),
        }
    )
    strength = np.array([0.3 * FILES.index(name[0]) + 0.4 * int(name[1]) for name in names])
    strength += 1.0 * (frame["source"] == "event").to_numpy() - 0.02 * frame["age"].to_numpy() - 3.0
    return frame, (chance.random(ROWS) < 1.0 / (1.0 + np.exp(-strength))).astype(float)


@contextmanager
def thousand_columns() -> Iterator[Contract]:
    """A contract of 1,000 columns: two choices of 600 and 396 values, and four numbers."""
    with choices():
        numbers = (Feature(name, "number") for name in ("age", "fee", "tax", "sum"))
        yield Contract((choice("title", 600), choice("city", 396), *numbers))


def leads_of_a_thousand_columns(leads: int, seed: int = 5) -> tuple[pl.DataFrame, Any]:
    """Leads of that contract, whose first titles are the commonest, and whether they converted."""
    chance = np.random.default_rng(seed)
    title = np.minimum(chance.geometric(0.05, leads) - 1, 599)
    columns = {"title": title, "city": chance.integers(0, 396, leads)}
    frame = pl.DataFrame({name: [f"v{code}" for code in codes.tolist()] for name, codes in columns.items()})
    frame = frame.with_columns(**{name: chance.normal(size=leads) for name in ("age", "fee", "tax", "sum")})
    return frame, (chance.random(leads) < np.where(title == 0, 0.8, 0.3)).astype(float)


def squares_model(folder: Path, contract: Contract) -> Path:
    """A model of such leads."""
    return model_of(folder / "squares.json", contract, *leads_on_squares())


def model_of(path: Path, contract: Contract, frame: pl.DataFrame, y: Any) -> Path:
    """A model as the trainer makes it: trees, reference, golden rows and seal."""
    x = encode_table(contract, frame)
    booster = grow(contract, x, y, Recipe(4, 0.1), 30, 1)
    p = 1.0 / (1.0 + np.exp(-margins_of(booster, contract, x)))
    card = Card(
        name=path.stem,
        version="1",
        contract=contract,
        reference=certify.make_reference(contract, x, p),
        golden=certify.make_golden(booster, contract, x),
    )
    booster.set_attr(**{ATTRIBUTE: card.to_json()})
    write_model(booster, path)
    return path
