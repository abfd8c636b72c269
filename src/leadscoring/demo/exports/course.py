"""What becomes of deals after their creation: outcome, and all that is filled in or changes with it.

Whether a deal is still open at the export depends on its age alone, not on its outcome, so that the true
probabilities hold among the decided deals. Everything else here leaks the outcome.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadscoring.demo.exports.facts import DAY, LAST, MINUTE, Facts, Flags
from leadscoring.demo.exports.levels import Codes, Vector

Moments = npt.NDArray[np.datetime64]
"""Moments in microseconds; NaT where there is none."""


@dataclass(frozen=True, slots=True)
class Course:
    """The course of some deals; arrays of shape (deals,).

    ``won`` is drawn with ``probability``; of an ``is_open`` deal nobody knows it yet. ``closed`` is NaT for open deals.
    ``signed_up`` is the sign-up of the account, which may come after the creation of the deal. ``luck`` are numbers
    of 0..1 that choose among the stages and reasons of a kind.
    """

    probability: Vector
    won: Flags
    is_open: Flags
    created: Moments
    closed: Moments
    expected: Moments
    last_activity: Moments
    modified: Moments
    signed_up: Moments
    luck: Vector


def follow(rng: np.random.Generator, facts: Facts, probability: Vector) -> Course:
    """Draws the course of deals from their true probabilities."""
    count = len(probability)
    won = rng.random(count) < probability
    lasts = np.exp(rng.normal(3.7, 0.7, count)) * DAY
    is_open = facts.created + lasts > LAST
    quick = np.where(won, 0.6, 1.0)
    closed = np.minimum(facts.created + lasts * quick, LAST - MINUTE)
    active = last_activities(rng, closed, won, is_open)
    return Course(
        probability=probability,
        won=won,
        is_open=is_open,
        created=stamps(facts.created),
        closed=stamps(closed, ~is_open),
        expected=stamps(facts.created + rng.gamma(6.0, 10.0, count) * DAY),
        last_activity=stamps(active),
        modified=stamps(np.minimum(active + rng.exponential(3.0, count) * DAY, LAST - MINUTE)),
        signed_up=sign_ups(rng, facts, won, is_open),
        luck=rng.random(count),
    )


def last_activities(rng: np.random.Generator, closed: Vector, won: Flags, is_open: Flags) -> Vector:
    """The latest activity, in seconds: long after a deal was won, shortly before it was lost, recent if it is open."""
    count = len(closed)
    after = closed + rng.exponential(60.0, count) * DAY
    before = closed - rng.exponential(4.0, count) * DAY
    recent = LAST - rng.exponential(6.0, count) * DAY
    return np.asarray(np.minimum(np.where(is_open, recent, np.where(won, after, before)), LAST - MINUTE))


def sign_ups(rng: np.random.Generator, facts: Facts, won: Flags, is_open: Flags) -> Moments:
    """The sign-up of each account: before the deal, or after it, which customers do far more often; else NaT."""
    before = ~np.isnan(facts.account_age)
    share = np.where(is_open, 0.2, np.where(won, 0.85, 0.2))
    later = facts.created + (2.0 + rng.exponential(30.0, len(won))) * DAY
    after = ~before & (rng.random(len(won)) < share) & (later < LAST)
    moment = np.where(before, facts.created - np.nan_to_num(facts.account_age) * DAY, later)
    return stamps(moment, before | after)


def stamps(seconds: Vector | Codes, known: Flags | None = None) -> Moments:
    """Seconds since 1970 as moments, to the minute; NaT where they are not known."""
    minutes = np.round(seconds / MINUTE).astype("datetime64[m]").astype("datetime64[us]")
    return minutes if known is None else np.where(known, minutes, np.datetime64("NaT", "us"))
