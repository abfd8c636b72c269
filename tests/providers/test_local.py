"""The provider that needs nobody: margins from this process, at once."""

import asyncio
from pathlib import Path

import pytest
from factories import card, stock_margins

from leadscoring._engine import Rows
from leadscoring.model.file import open_model
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Provider


@pytest.fixture
def local(model: Path) -> Provider:
    """That of the small model."""
    return Local(open_model(model).trees)


def test_margins_are_there_at_once_and_those_of_stock_xgboost(local: Provider) -> None:
    """A list, in order, and nothing to await: the fast way of the scorer is built on that."""
    rows = [list(golden.row) for golden in card().golden]
    margins = local.margins(Rows(rows))
    assert isinstance(margins, list)
    assert margins == pytest.approx(stock_margins(rows), abs=1e-5)


def test_there_is_no_endpoint_to_report_of(local: Provider) -> None:
    """Nothing runs beside scoring, and one that retires goes on to score: requests under way may still ask it."""

    async def life() -> None:
        async with local.running():
            assert local.status() is None
        local.retire()

    asyncio.run(life())
    assert (local.name, local.status()) == ("local", None)
    assert local.margins(Rows([[1.0] * 7])) == local.margins(Rows([[1.0] * 7]))
