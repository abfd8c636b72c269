"""Keepers in processes of their own, forked from one that has imported what they need, so that each starts at once."""

import threading
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from leadscoring.ledger.keeping import Keeping, Kept
from leadscoring.ledger.segments import segments_in
from leadscoring.ledger.state import KeeperState

MOST_KEEPERS = 10

FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["leadscoring.ledger.keeping", "leadscoring.ledger.postgresql_store"])


def keep(url: str, folder: Path, ends: bool) -> None:
    """Keeps a folder; one that ``ends`` moves what is there, and no more."""
    stopping = threading.Event()
    if ends:
        stopping.set()
    Keeping(Kept(url, folder, 730), stopping, ignore, drain_seconds=60.0).run()


def ignore(_state: KeeperState) -> None:
    """Nobody asks for the state."""


def keeper(url: str, folder: Path, ends: bool = False) -> BaseProcess:
    """Starts one."""
    process = FORKS.Process(target=keep, args=(url, folder, ends))
    process.start()
    return process


def move_all(url: str, folder: Path) -> None:
    """Moves everything: on a busy machine one keeper that ends does not come that far."""
    for _ in range(MOST_KEEPERS):
        last = keeper(url, folder, ends=True)
        last.join()
        assert last.exitcode == 0
        if not segments_in(folder):
            return
    raise AssertionError(f"the tape is not empty: {segments_in(folder)}")
