"""The history of a lead: the latest scores, each against the one before it, also where a model is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import lead, model_file
from ledgers import DAY, KEYS, NEW_YEAR, add_score, new_ledger
from sqlalchemy import update

from leadscoring.errors import LeadUnknown
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.history import record_of
from leadscoring.ledger.kept_models import KeptModels
from leadscoring.ledger.lead_record import LeadRecord
from leadscoring.ledger.tables import model, score
from leadscoring.model.file import AS_IT_IS


@pytest.fixture
def ledger(url: str, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger with five scores of a lead, and one of another."""
    made = new_ledger(tmp_path, url)
    for day in range(5):
        add_score(made, model_file(tmp_path), lead("ann", visits=day), NEW_YEAR + day * DAY)
    add_score(made, model_file(tmp_path), lead("bob"), NEW_YEAR)
    yield made
    made.close()


def shown(ledger: Ledger, most: int | None = None) -> LeadRecord:
    """What is kept of the lead."""
    with ledger.reading() as connection:
        return record_of(connection, KeptModels(AS_IT_IS), KEYS.key("ann"), "ann", 5, most)


def test_of_many_scores_the_latest_are_shown_with_their_receipts(ledger: Ledger) -> None:
    """The first of them against the one that is not shown; how many there are before is said."""
    every, some = shown(ledger), shown(ledger, 2)
    assert (len(every.scores), every.earlier_scores) == (5, 0)
    assert (some.scores, some.earlier_scores) == (every.scores[-2:], 3)
    assert shown(ledger, 5) == every
    assert every.scores[0].receipt is None
    assert some.scores[0].receipt is not None


def test_a_model_that_cannot_be_loaded_hides_no_score(ledger: Ledger) -> None:
    """There are no reasons then, and receipts have the difference alone."""
    with ledger.writing() as connection:
        connection.execute(update(model).values(file=b"nonsense"))
    found = shown(ledger)
    assert len(found.scores) == 5
    assert (found.reasons, found.nearest_tier) == (None, None)
    receipt = found.scores[-1].receipt
    assert receipt is not None
    assert (receipt.differences, receipt.rest) == ([], receipt.margin)


def test_the_flags_of_a_score_are_told(ledger: Ledger) -> None:
    """That the fallback model scored."""
    with ledger.writing() as connection:
        connection.execute(update(score).where(score.c.number == 5).values(flags=1))
    assert [one.fallback for one in shown(ledger).scores] == [False] * 4 + [True]


def test_an_unknown_lead_is_an_error(ledger: Ledger) -> None:
    """With its id."""
    with ledger.reading() as connection, pytest.raises(LeadUnknown, match="nobody"):
        record_of(connection, KeptModels(AS_IT_IS), KEYS.key("nobody"), "nobody", 5)
