"""One keeper at a time has a folder."""

import threading
from pathlib import Path

from leadscoring.ledger.turn import turn


def test_the_second_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    """And is asked meanwhile to report that it lives."""
    waited, had, stopping = threading.Event(), threading.Event(), threading.Event()

    def second() -> None:
        with turn(tmp_path, stopping, waited.set) as mine:
            if mine:
                had.set()

    with turn(tmp_path, stopping) as mine:
        assert mine
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(60)
        assert not had.is_set()
    thread.join()
    assert had.is_set()


def test_who_is_stopped_does_not_wait(tmp_path: Path) -> None:
    """It has no turn then."""
    stopping = threading.Event()
    stopping.set()
    with turn(tmp_path, stopping) as first, turn(tmp_path, stopping) as second:
        assert (first, second) == (True, False)
