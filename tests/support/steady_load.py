"""Clients that score leads one after the other, each under an id of its own, and remember which were acknowledged."""

import threading
from collections import Counter
from types import TracebackType

import httpx
from factories import booster, lead, stock_margins
from sqlalchemy import func, select

from leadscoring.ledger.database import open_ledger
from leadscoring.ledger.lead_key import LeadKeys
from leadscoring.ledger.receipts import numbers_of
from leadscoring.ledger.tables import lead as leads
from leadscoring.ledger.tables import score

BATCH = 10
"""Leads of every second request; the others have one."""

PAUSE_SECONDS = 0.02
"""Between two requests of a client: the database and the keeper share the machine."""


class SteadyLoad:
    """Clients of a service, as long as the context is open; ``url`` may change when the service is another one.

    ``acknowledged`` are ids of leads whose score was received, ``asked`` of all others that were sent. ``failed`` counts
    requests by status, 0 where there was no response.
    """

    def __init__(self, url: str, key: str, clients: int = 2) -> None:
        self.url = url
        self.acknowledged: set[str] = set()
        self.asked: set[str] = set()
        self.failed: Counter[int] = Counter()
        self._key = key
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "SteadyLoad":
        booster()  # trained here, not in two threads
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client: int) -> None:
        url, turn, http = "", 0, httpx.Client()
        while not self._ending.wait(PAUSE_SECONDS):
            if url != self.url:
                http.close()
                url, http = self.url, httpx.Client(base_url=self.url, headers={"X-API-Key": self._key}, timeout=30)
            turn += 1
            ids = [f"{client}-{turn}-{place}" for place in range(BATCH if turn % 2 else 1)]
            if (status := self._send(http, ids, turn)) == 200:
                self.acknowledged.update(ids)
            else:
                self.failed[status] += 1
                self.asked.update(ids)
        http.close()

    def _send(self, http: httpx.Client, ids: list[str], turn: int) -> int:
        sent = [lead(one, visits=turn % 9, revenue=1000 * turn + place) for place, one in enumerate(ids)]
        path, content = ("/api/v1/score/batch", sent) if len(sent) > 1 else ("/api/v1/score", sent[0])
        try:
            return http.post(path, json=content).status_code
        except httpx.TransportError:
            return 0

    def check(self, url: str, keys: LeadKeys) -> int:
        """Asserts that the ledger has each acknowledged score once, and every bit as stock XGBoost; returns its scores."""
        ledger = open_ledger(url)
        with ledger.reading() as connection:
            joined = select(leads.c.key, func.sum(score.c.times)).join(score, score.c.lead == leads.c.number)
            kept = {key: int(times) for key, times in connection.execute(joined.group_by(leads.c.key))}
            rows = connection.execute(select(score.c.row, score.c.margin)).all()
        ledger.close()
        assert [one for one in self.acknowledged if kept.get(keys.key(one), 0) == 0] == [], "lost"
        assert set(kept.values()) == {1}, "doubled"
        assert set(kept) <= {keys.key(one) for one in self.acknowledged | self.asked}
        for begin in range(0, len(rows), 1000):
            part = rows[begin : begin + 1000]
            assert [row.margin for row in part] == stock_margins([numbers_of(row.row) for row in part])
        return len(rows)
