"""Many draws of the year whose odds double, without a server: how soon the alarm comes.

The leads are those of ``live_year``, scored by the model that is served. The generator draws their outcomes anew, and
the functions of the service judge them. A year through the API takes minutes and is one such draw.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

import msgspec
import numpy as np

from benchmarks.live_year import COURSES, DAYS, MODEL, PER_DAY, SEED, SEEN_WITHIN
from leadscoring.demo.leads import DemoLead, demo_leads
from leadscoring.demo.live import HORIZON, START, Change, changed, outcomes_of
from leadscoring.lead import Score
from leadscoring.ledger.judged import Judged, Kind
from leadscoring.model.file import open_model
from leadscoring.quality.daily import days
from leadscoring.quality.evidence import ALARM, Evidence, alarm, evidence
from leadscoring.quality.live import day_at, expected_of

LONGEST = 100
"""Days after the change for which an alarm is waited for."""

SOON = 40
"""Days within which doubled odds of all leads should be seen."""

KINDS: dict[str, Kind] = {"won": "won", "lost": "lost", "open": "open"}


class Draw(NamedTuple):
    """Whether there was an alarm before anything changed, and the days from the change until one says more."""

    too_soon: bool
    seen: int


class Draws:
    """A year of ``total`` days, of which those until ``LONGEST`` days after the change are drawn."""

    def __init__(self, model: str, total: int, per_day: int, seed: int, change: Change) -> None:
        self.total, self.per_day, self.change = total, per_day, change
        self.changes = change.at(total)
        leads = islice(demo_leads(total * per_day, seed), (self.changes + LONGEST) * per_day)
        loaded, encoder = open_model(model), msgspec.json.Encoder()

        def scored(lead: DemoLead) -> Score:
            _, rows = loaded.decoder.one(encoder.encode({"lead_id": lead.lead_id, "features": lead.features}))
            return loaded.score(loaded.trees.predict(rows)[0])

        self.leads = [(lead, scored(lead)) for lead in leads]

    def draw(self, seed: int) -> Draw:
        """Draws what comes of all leads, and returns when the evidence says so."""
        first = day_at(START)
        end = first + self.changes + LONGEST
        found = evidence(expected_of(days(self._judged(seed), HORIZON, end - 1), 1))
        changes = first + self.changes
        too_soon = any(one.value >= ALARM for one in found if one.day < changes)
        return Draw(too_soon, next((day - changes for day in range(changes, end) if says_more(found, day)), LONGEST))

    def _judged(self, seed: int) -> Iterator[Judged]:
        """Yields each lead with an outcome that is drawn for it."""
        rng = random.Random(seed)
        for number, (lead, score) in enumerate(self.leads):
            day, place = divmod(number, self.per_day)
            comes = START + timedelta(days=day, seconds=int(86_400 * (place + 0.5) / self.per_day))
            probability = changed(lead.probability, lead.features, day / self.total, (self.change,))
            outcomes = outcomes_of(lead.lead_id, comes, rng.random() < probability, rng)
            kind = KINDS[outcomes[-1].fields["outcome"]] if outcomes else "open"
            after = None if kind == "open" else day_at(outcomes[-1].at) - day_at(comes)
            yield Judged(day_at(comes), 1, score.tier, score.raw_score, 1, kind, after)


def says_more(found: list[Evidence], today: int) -> bool:
    """Whether an alarm that says more stands at the start of a day."""
    standing = alarm([one for one in found if one.day < today], today)
    return standing is not None and standing.direction == "more"


def main() -> int:
    """Prints how soon doubled odds are seen; returns 1 if the bound of the year through the API is not justified."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    runs, within = parser.parse_args().runs, SEEN_WITHIN["doubled"]
    draws = Draws(str(MODEL), DAYS, PER_DAY, SEED, COURSES["doubled"])
    found = [draws.draw(seed) for seed in range(runs)]
    seen = [one.seen for one in found]
    median, most, nearly_all = np.percentile(seen, [50, 90, 99])
    soon, wrong = sum(day <= SOON for day in seen), sum(one.too_soon for one in found)
    print(f"odds of the demo's leads doubled, {runs} draws: seen after {median:.0f} days, 9 in 10 after {most:.0f},")
    print(f"99 in 100 after {nearly_all:.0f}, {soon} within {SOON}; with an alarm before: {wrong}")
    return int(nearly_all > within)


if __name__ == "__main__":
    sys.exit(main())
