"""A key may have as many leads scored a minute as the limit says, whichever worker is asked."""

import fcntl
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.access.rate_limit import MOST_OWED, ROWS, RateLimit, make_file
from leadscoring.errors import RateLimited


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_a_key_that_has_used_up_its_minute_waits_and_others_do_not() -> None:
    """With the seconds until it may come back."""
    clock = Clock()
    limit = RateLimit(60, clock=clock)
    limit.check("a")
    assert (b"ratelimit-remaining", b"20") in limit.take("a", 40)
    assert (b"ratelimit-remaining", b"0") in limit.take("a", 30)
    with pytest.raises(RateLimited) as refusal:
        limit.check("a")
    assert (refusal.value.retry_after, refusal.value.reset) == (11, 70)
    limit.check("b")
    clock.now += refusal.value.retry_after
    limit.check("a")


def test_any_number_of_keys_fits_and_those_that_took_most_are_remembered() -> None:
    """A key that took little is forgotten for a new one: to it that is a full bucket."""
    clock = Clock()
    limit = RateLimit(100, clock=clock)
    limit.take("greedy", 100)
    for number in range(2 * ROWS):
        limit.take(str(number), 1)
    with pytest.raises(RateLimited):
        limit.check("greedy")
    clock.now += 60
    limit.check("greedy")
    assert not RateLimit(0).enabled


def take_many(file: Path, times: int, pipe: Connection) -> None:
    """A worker: takes tokens of one key, one by one."""
    limit = RateLimit(1_000_000, file, clock=Clock())
    pipe.send("ready")
    pipe.recv()
    for _ in range(times):
        limit.take("crm", 1)
    limit.close()
    pipe.send("done")


def test_what_several_processes_take_is_added_up_exactly(tmp_path: Path) -> None:
    """At once, from one bucket."""
    file = tmp_path / "limits"
    make_file(file)
    spawn = multiprocessing.get_context("spawn")
    workers = []
    for _ in range(2):
        ours, theirs = spawn.Pipe()
        worker = spawn.Process(target=take_many, args=(file, 5000, theirs))
        worker.start()
        workers.append((ours, worker))
    for word in ("ready", "done"):
        for ours, _ in workers:
            assert ours.poll(60)
            assert ours.recv() == word
        if word == "ready":
            for ours, _ in workers:
                ours.send("go")
    for _, worker in workers:
        worker.join(60)
    limit = RateLimit(1_000_000, file, clock=Clock())
    assert (b"ratelimit-remaining", b"990000") in limit.take("crm", 0)
    limit.close()


def refusal_of(limit: RateLimit, key: str) -> RateLimited | None:
    """The error that the limit raises for a key, if any."""
    try:
        limit.check(key)
    except RateLimited as refusal:
        return refusal
    return None


@given(
    per_minute=st.integers(1, 10_000),
    steps=st.lists(st.tuples(st.floats(0, 90), st.floats(0, 1)), min_size=1, max_size=30),
)
def test_a_key_that_asks_first_never_has_more_scored_than_time_has_earned(
    per_minute: int, steps: list[tuple[float, float]]
) -> None:
    """A minute's worth at once, and what comes back; a batch may overdraw once, and is paid for before the next."""
    clock = Clock()
    limit = RateLimit(per_minute, clock=clock)
    taken = 0
    for pause, share in steps:
        clock.now += pause
        refusal = refusal_of(limit, "a")
        if refusal:
            assert 1 <= refusal.retry_after <= refusal.reset <= MOST_OWED
            clock.now += refusal.retry_after
            assert refusal_of(limit, "a") is None
        assert taken < per_minute * (1 + clock.now / 60)
        leads = round(share * per_minute)
        limit.take("a", leads)
        taken += leads


def test_a_worker_that_is_stopped_while_it_has_the_table_stops_no_other(tmp_path: Path) -> None:
    """After a moment the table is used all the same: nobody waits for that one."""
    make_file(tmp_path / "limits")
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    holder = multiprocessing.get_context("spawn").Process(target=hold, args=(tmp_path / "limits", theirs))
    holder.start()
    assert ours.poll(60)
    limit = RateLimit(60, tmp_path / "limits", clock=Clock())
    assert (b"ratelimit-remaining", b"59") in limit.take("a", 1)
    limit.close()
    ours.send("end")
    holder.join(60)


def hold(file: Path, pipe: Connection) -> None:
    """A worker that has the table, and does not let go of it until it is asked to."""
    with file.open("r+b") as table:
        fcntl.lockf(table, fcntl.LOCK_EX)
        pipe.send("held")
        pipe.recv()
