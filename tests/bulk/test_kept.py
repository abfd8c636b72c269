"""The names that columns of the input have in the scores differ from those of scores, and from each other."""

from hypothesis import given
from hypothesis import strategies as st

from leadscoring.bulk.kept import names_beside

NAMES = st.sets(st.sampled_from([f"{'input_' * times}{name}" for times in range(4) for name in ("id", "tier", "note")]))


@given(NAMES, NAMES)
def test_no_two_columns_share_a_name(made: set[str], kept: set[str]) -> None:
    """Each column that is kept has one, and a name changes only where scores have it."""
    found = names_beside(made, sorted(kept))
    assert found.keys() == kept
    assert len({*found.values()} | made) == len(kept) + len(made)
    assert all((name == new) == (name not in made) for name, new in found.items())
