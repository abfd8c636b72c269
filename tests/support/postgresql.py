"""A throwaway PostgreSQL for tests, which are skipped where it is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks import postgresql
from benchmarks.postgresql import Cluster, programs
from programs import missing

__all__ = ["Cluster", "programs"]


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that runs as long as the context."""
    try:
        programs()
    except postgresql.NotInstalled as failure:
        missing(str(failure))
    with postgresql.cluster() as made:
        yield made
