"""Columns know whose they are."""

from leadscoring.contract.columns import Column, Columns
from leadscoring.contract.features import Contract, Feature

THREE = Columns([(Column("a"),), (Column("b.x"), Column("b.y")), (Column("c"),)])


def test_columns_stand_in_the_order_of_their_features() -> None:
    """Each has the place of its feature, and each feature the places of its columns."""
    assert THREE.names == ["a", "b.x", "b.y", "c"]
    assert (THREE.feature, THREE.first, THREE.widths) == ((0, 1, 1, 2), (0, 1, 3), (1, 2, 1))
    assert [THREE.names[THREE.places(place)] for place in range(3)] == [["a"], ["b.x", "b.y"], ["c"]]
    assert len(THREE) == 4
    assert THREE.several


def test_a_feature_of_every_kind_makes_one_column_of_its_name() -> None:
    """Which says what it may hold: codes, the largest of them, and what each stands for."""
    contract = Contract(
        (
            Feature("n", "number"),
            Feature("i", "integer"),
            Feature("f", "flag"),
            Feature("t", "category", values=("a", "b"), other=True),
            Feature("z", "category", values=("1", "2.5"), numbers=True),
            Feature("c", "category", codes=4),
        )
    )
    assert contract.columns.names == contract.names
    assert not contract.columns.several
    assert contract.columns.every == (
        Column("n"),
        Column("i", codes=None),
        Column("f", most=1),
        Column("t", True, 3, 2, ("a", "b")),
        Column("z", True, 2, 1, (1, 2.5)),
        Column("c", True, 4, 2**24 - 2),
    )
