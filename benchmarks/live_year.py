"""Proves that live quality says what is true of a year: ``make live-year``, or ``python -m benchmarks.live_year``.

A team's leads are scored, scored again each night, won and lost through the API of a real service whose clock follows.
In one year the odds of all leads double in the middle, in another one a source goes bad. The generator knows the truth,
and scikit-learn computes the figures once more, lead by lead. Ends with exit code 1 at the first difference.
"""

import argparse
import math
import random
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score

from benchmarks.year import Lead, Service, serving_a_year, wait
from leadscoring.demo.live import HORIZON, MEDIAN_DAYS, SPREAD, START, Change, live_events

MODEL = Path("models/model.json")
FOLDER = Path("build/live-year")
DAYS, PER_DAY, SEED = 365, 50, 1
SOURCE = "paid_channel_source"
COURSES = {"doubled": Change(0.5, 2.0), "source": Change(0.5, 0.25, SOURCE)}
"""The odds of all leads double; those of the leads of one source, a third of all, become a quarter."""

SEEN_WITHIN = {"doubled": 60, "source": 100}
"""Days within which a change is to be seen in this one year.

Doubling the odds of these leads makes conversions 1.43 times as many, since many of them are nearly sure: the alarm
comes within 60 days in 99 of 100 draws of the year (`make live-simulation`). One source takes longer to tell.
"""

RECEIPTS = 25


class Difference(AssertionError):
    """Live quality does not say what is true."""


def hold(holds: bool, words: str) -> None:
    """Raises ``Difference`` unless something holds; prints it if it does."""
    if not holds:
        raise Difference(words)
    print(f"  holds: {words}")


def close(found: float, true: float, within: float, words: str) -> None:
    """Holds two figures to be equal but for ``within``."""
    hold(abs(found - true) <= within, f"{words} {found:.4f}, computed again {true:.4f}")


def won_within(one: Lead, today: datetime) -> bool:
    """Whether a lead converted within the horizon, in whole days as the ledger counts, by what was known."""
    at, kind = one.kind(today)
    return kind == "won" and at is not None and (at.date() - one.scored_at.date()).days <= HORIZON


def mature_of(leads: list[Lead], today: datetime) -> list[Lead]:
    """Returns the leads whose horizon is over."""
    return [one for one in leads if (today.date() - one.scored_at.date()).days > HORIZON]


def check_mature(found: Any, leads: list[Lead], today: datetime) -> None:
    """All mature leads, and each tier: the counts exactly, the figures as scikit-learn has them, lead by lead."""
    ripe = mature_of(leads, today)
    y, p = np.array([won_within(one, today) for one in ripe]), np.array([one.probability for one in ripe])
    total = found["overall"]
    hold(found["mature"] == len(ripe) == total["leads"], f"{len(ripe):,} mature leads")
    hold(total["won"] == y.sum(), f"{y.sum():,} of them converted")
    close(total["predicted"], p.mean(), 1e-4, "predicted rate")
    close(total["roc_auc"]["value"], roc_auc_score(y, p), 2e-3, "ROC-AUC")
    close(total["log_loss"]["value"], log_loss(y, p), 1e-3, "log-loss")
    order = np.array_split(np.argsort(-p, kind="stable"), 10)
    error = sum(abs((p[part] - y[part]).sum()) for part in order) / len(p)
    close(total["calibration_error"], error, 3e-3, "calibration error")
    for tier in total["tiers"]:
        of = [won_within(one, today) for one in ripe if one.tier == tier["tier"]]
        rate = tier["observed"]
        hold(tier["leads"] == len(of), f"{len(of):,} leads in tier {tier['tier']}")
        close(rate["value"], sum(of) / len(of), 1e-9, f"of which converted ({rate['low']:.3f} to {rate['high']:.3f})")


def check_promises(found: Any, leads: list[Lead], today: datetime) -> None:
    """While nothing is wrong, the intervals hold what the true probabilities say, and every verdict is as predicted."""
    total, ripe = found["overall"], mature_of(leads, today)
    true = sum(one.true_probability for one in ripe) / len(ripe)
    rate = total["observed"]
    hold(rate["low"] <= true <= rate["high"], f"true rate {true:.3f} in {rate['low']:.3f} to {rate['high']:.3f}")
    truth = [one.true_probability for one in ripe]
    drawn = [won_within(one, today) for one in ripe]
    best = roc_auc_score(drawn, truth)
    hold(total["roc_auc"]["low"] < best + 0.01, f"ROC-AUC {total['roc_auc']['value']:.3f}; of the truth {best:.3f}")
    hold(found["verdict"] == "as predicted", "the verdict is as predicted")
    hold(all(one["verdict"] in {None, "as predicted"} for one in total["tiers"]), "so is that of every tier")
    hold(found["alarm"] is None, f"no alarm; the evidence was at most {max(d['evidence'] for d in found['days']):.2f}")
    hold(found["groups"]["off"] == 0, f"none of {found['groups']['judged']} groups is off")


def first_day(service: Service, begin: int, end: int, holds: Callable[[Any], bool]) -> int | None:
    """Returns the first day of the year on which the report has something, by halving; ``None`` if none has."""
    if not holds(service.quality(end)):
        return None
    while begin < end:
        middle = (begin + end) // 2
        begin, end = (begin, middle) if holds(service.quality(middle)) else (middle + 1, end)
    return end


def names_source(found: Any) -> bool:
    """Whether the group that is most off is the source, with an alarm that says fewer."""
    first = next(iter(found["groups"]["shown"]), None) if found["groups"] else None
    return first is not None and (first["feature"], first["value"], first["direction"]) == (SOURCE, "yes", "fewer")


def says_more(found: Any) -> bool:
    """Whether an alarm stands that says more."""
    return found["alarm"] is not None and found["alarm"]["direction"] == "more"


def check_change(service: Service, name: str, begin: int, days: int) -> None:
    """Doubled odds are an alarm, and a source gone bad is named, soon after it began."""
    holds, words = {
        "doubled": (says_more, "an alarm says more conversions"),
        "source": (names_source, f"{SOURCE} is named as the group that is most off"),
    }[name]
    seen = first_day(service, begin, min(begin + SEEN_WITHIN[name], days), holds)
    hold(seen is not None, f"{words}, {(seen or 0) - begin} days after it began")


def true_share(age: int) -> float:
    """Returns the share of conversions within an age in whole days: the generator's, over a day of scores."""

    def within(days: float) -> float:
        return 0.5 * math.erfc(-(math.log(max(days, 1e-9)) - math.log(MEDIAN_DAYS)) / SPREAD / math.sqrt(2.0))

    parts = [(k + 0.5) / 48 for k in range(48)]
    return sum(min(1.0, within(age + part) / within(HORIZON)) for part in parts) / len(parts)


def check_delays(found: Any) -> None:
    """The curve of delays is the generator's, but for what a sample of this size may differ."""
    of = found["delays"]
    gap = max(abs(share - true_share(age)) for age, share in enumerate(of["shares"]))
    most = 1.95 / math.sqrt(of["conversions"])
    hold(gap <= most, f"delays differ from the true ones by {gap:.3f} at most, {most:.3f} is chance")


def check_receipts(service: Service, leads: list[Lead]) -> None:
    """The differences of a receipt add up to the difference of the margins, and the history is what was sent."""
    changed, most = 0, 0.0
    for one in random.Random(SEED).sample(leads, min(RECEIPTS, len(leads))):
        record = service.get(f"/api/v1/leads/{one.lead_id}")
        times = sum(score["times"] for score in record["scores"])
        hold_quietly(times == one.scores, f"{one.lead_id} was scored {one.scores} times, by its history {times}")
        sent = [kind for _, kind in one.outcomes]
        kept = [outcome["outcome"] for outcome in record["outcomes"]]
        hold_quietly(kept == sent, f"outcomes of {one.lead_id}: {sent}, by its history {kept}")
        before = None
        for score in record["scores"]:
            if before is not None:
                receipt = score["receipt"]
                total = sum(part["contribution"] for part in receipt["differences"])
                most = max(most, abs(total - (score["margin"] - before)), abs(receipt["margin"] - total))
                changed += 1
            before = score["margin"]
    hold(changed > 0 and most < 2e-5, f"{changed} receipts of {RECEIPTS} leads add up, to {most:.1e}")


def hold_quietly(holds: bool, words: str) -> None:
    """Raises ``Difference`` unless something holds."""
    if not holds:
        raise Difference(words)


def check_served(service: Service, days: int) -> None:
    """The keeper has renewed its report by itself; the route, the metrics and the replay agree with it."""
    today = (START + timedelta(days=days)).date().isoformat()
    wait(lambda: service.get("/api/v1/model/quality")["at"][:10] == today, "the service shows the report of today")
    served, own = service.get("/api/v1/model/quality"), service.quality(days)
    hold({**served, "at": ""} == {**own, "at": ""}, "GET /api/v1/model/quality is what the command computes")
    direction = (served["alarm"] or {}).get("direction")
    metrics = service.http.get("/metrics").text
    said = [line for line in metrics.splitlines() if line.startswith("live_quality_alarm")]
    print("   ", *said)
    hold(all(float(line.split()[-1]) == float(f'"{direction}"' in line) for line in said), "/metrics has the alarm")
    hold(service.get("/status")["ledger"]["state"] == "healthy", "/status: the ledger is healthy")
    hold("every bit is the same" in service.run("replay"), "replay: every bit of every score is the same")


def prove(name: str, days: int, per_day: int, rescore_days: int, folder: Path) -> None:
    """Lives through a year and checks what is reported of it. Raises ``Difference``."""
    began, end, change = time.monotonic(), START + timedelta(days=days), COURSES[name]
    changes, quiet = change.at(days), START + timedelta(days=change.at(days))
    with serving_a_year(folder, MODEL) as service:
        service.live_through(live_events(days, per_day, SEED, rescore_days=rescore_days, changes=(change,)))
        service.wait_until_kept()
        service.clock.set(end + timedelta(minutes=1))
        leads = list(service.leads.values())
        print(f"{name}: {days} days of {per_day} leads, {service.scored:,} scores, {service.sent:,} outcomes")
        print(f"in {time.monotonic() - began:.0f} s; as of day {changes}, before anything changes")
        before, known = service.quality(changes), [one for one in leads if one.scored_at < quiet]
        check_mature(before, known, quiet)
        check_promises(before, known, quiet)
        check_delays(before)
        print("the change, and the end of the year")
        check_change(service, name, changes, days)
        after = service.quality(days)
        check_mature(after, leads, end)
        check_delays(after)
        check_receipts(service, leads)
        check_served(service, days)
        check_page(service, after, folder)


def check_page(service: Service, found: Any, folder: Path) -> None:
    """The page has the alarm, the verdict and the groups that are off."""
    service.run("quality", "--report", str(folder / "page"))
    page = (folder / "page" / "live.html").read_text()
    said = [] if found["alarm"] is None else [found["alarm"]["says"]]
    said += [one["feature"] for one in found["groups"]["shown"]]
    hold(all(words in page for words in said), f"the page has {said[:3]}: {folder / 'page' / 'live.html'}")


def main() -> int:
    """Proves it in an empty folder; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--per-day", type=int, default=PER_DAY)
    parser.add_argument("--rescore-days", type=int, default=1, help="1 for each night")
    parser.add_argument("--course", choices=list(COURSES), action="append")
    chosen = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        for name in chosen.course or COURSES:
            (FOLDER / name).mkdir(parents=True)
            prove(name, chosen.days, chosen.per_day, chosen.rescore_days, FOLDER / name)
    except AssertionError as failure:
        print(f"differs: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
