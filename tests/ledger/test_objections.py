"""A worker follows the file of objections, and checks nothing while there are none."""

from pathlib import Path

from ledgers import KEYS

from leadscoring.ledger.objections import FILE, Objected, Objections, replace_keys


class Used:
    """What the scorer is given."""

    def __init__(self) -> None:
        self.check: Objected | None = None

    def use(self, check: Objected | None) -> None:
        """Takes the check."""
        self.check = check


def test_nothing_is_checked_until_somebody_objects(tmp_path: Path) -> None:
    """Neither without a file nor with an empty one."""
    used = Used()
    following = Objections(tmp_path / FILE, KEYS, used.use)
    assert used.check is None
    (tmp_path / FILE).write_bytes(b"")
    following.refresh()
    assert used.check is None


def test_changes_of_the_file_are_followed(tmp_path: Path) -> None:
    """By the ids of leads; when the last objection is taken back, the check goes."""
    used = Used()
    following = Objections(tmp_path / FILE, KEYS, used.use)
    replace_keys(tmp_path / FILE, KEYS.key("ann") + KEYS.key("bob"))
    following.refresh()
    assert used.check is not None
    assert [used.check(name) for name in ("ann", "bob", "carl")] == [True, True, False]
    replace_keys(tmp_path / FILE, KEYS.key("carl"))
    following.refresh()
    assert [used.check(name) for name in ("ann", "bob", "carl")] == [False, False, True]
    (tmp_path / FILE).unlink()
    following.refresh()
    assert used.check is None


def test_a_file_that_is_damaged_leaves_the_objections_as_they_are(tmp_path: Path) -> None:
    """Nobody is scored since a disk has a fault; once it is whole again, it counts."""
    used = Used()
    replace_keys(tmp_path / FILE, KEYS.key("ann"))
    following = Objections(tmp_path / FILE, KEYS, used.use)
    (tmp_path / FILE).write_bytes(KEYS.key("ann")[:-1])
    following.refresh()
    assert used.check is not None
    assert used.check("ann")
    replace_keys(tmp_path / FILE, KEYS.key("bob"))
    following.refresh()
    assert [used.check(name) for name in ("ann", "bob")] == [False, True]


def test_a_file_with_the_same_keys_is_not_written(tmp_path: Path) -> None:
    """So that workers have nothing to read."""
    assert replace_keys(tmp_path / FILE, KEYS.key("ann")) is True
    before = (tmp_path / FILE).stat().st_ino
    assert replace_keys(tmp_path / FILE, KEYS.key("ann")) is False
    assert (tmp_path / FILE).stat().st_ino == before
