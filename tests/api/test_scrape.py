"""What /metrics says is written for whoever asks now and then, and shared by a flood."""

import asyncio

from leadscoring.api.scrape import AT_MOST, EACH_SECONDS, KEPT_SECONDS, Scrape


class Written:
    """Writes numbers, one after the other, at a time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.count = 0

    async def write(self) -> bytes:
        """The next one."""
        await asyncio.sleep(0)
        self.count += 1
        return b"%d" % self.count

    def clock(self) -> float:
        """What time it is."""
        return self.now


def test_who_asks_now_and_then_gets_a_new_one() -> None:
    """As Prometheus does, and a person."""

    async def scenario() -> None:
        written = Written()
        scrape = Scrape(written.write, written.clock)
        for number in range(1, 100):
            assert await scrape.read() == b"%d" % number
            written.now += EACH_SECONDS

    asyncio.run(scenario())


def test_a_flood_is_answered_with_what_is_there() -> None:
    """As many are written as there is time for, whoever asks how often; none is older than it may be."""

    async def scenario() -> None:
        written = Written()
        scrape = Scrape(written.write, written.clock)
        for _ in range(1000):
            await asyncio.gather(*(scrape.read() for _ in range(20)))
            written.now += KEPT_SECONDS / 100
        seconds = 1000 * KEPT_SECONDS / 100
        assert seconds <= written.count <= AT_MOST + seconds / EACH_SECONDS + 1

    asyncio.run(scenario())


def test_a_failure_is_that_of_those_who_wait_and_no_others() -> None:
    """The next one tries again."""

    async def scenario() -> None:
        answers = [RuntimeError("once"), None]

        async def write() -> bytes:
            failure = answers.pop(0)
            if failure:
                raise failure
            return b"well"

        scrape = Scrape(write)
        found = await asyncio.gather(scrape.read(), scrape.read(), return_exceptions=True)
        assert [type(each) for each in found] == [RuntimeError] * 2
        assert await scrape.read() == b"well"

    asyncio.run(scenario())
