"""The cells of an export: for each name in a CRM's columns, the values of some deals before they are written."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from leadscoring.demo.exports import people as who
from leadscoring.demo.exports.course import Course
from leadscoring.demo.exports.crm import LOCALES, Crm, Kind, Stage
from leadscoring.demo.exports.facts import LAST, Facts
from leadscoring.demo.exports.forms import formed
from leadscoring.demo.exports.levels import CAMPAIGNS, COUNTRY, FUNCTION, INDUSTRY, PRODUCTS, SOURCE, TYPE, Codes
from leadscoring.demo.exports.people import People, joined, picked
from leadscoring.demo.exports.words import (
    FIRST_NAMES,
    LOST_REASONS,
    OWNERS,
    SURNAMES,
    VARIANTS,
    all_messages,
    all_titles,
)


@dataclass(frozen=True, slots=True)
class Deals:
    """Some deals of a CRM: ``rows`` are their numbers in the file, from 0, ``stage`` positions among its stages."""

    crm: Crm
    rows: Codes
    facts: Facts
    course: Course
    people: People
    stage: Codes


def stages_of(crm: Crm, facts: Facts, course: Course) -> Codes:
    """The stage of each deal at the export, as a position among the CRM's stages.

    What existing customers buy is an upsell.
    """
    again = facts.type == TYPE.code("Existing Business")
    kinds: tuple[tuple[Kind, np.ndarray], ...] = (
        ("open", course.is_open),
        ("won", ~course.is_open & course.won & ~again),
        ("upsell", ~course.is_open & course.won & again),
        ("lost", ~course.is_open & ~course.won),
    )
    stage = np.zeros(len(course.won), dtype=np.int64)
    for kind, mask in kinds:
        places = np.array([place for place, one in enumerate(crm.stages) if one.kind == kind])
        stage[mask] = places[(course.luck[mask] * len(places)).astype(np.int64)]
    return stage


def cell(deals: Deals, name: str) -> pl.Series:
    """The values of one cell for each deal, null where it is empty."""
    if name in deals.crm.constants:
        return pl.Series([deals.crm.constants[name]]).gather(np.zeros(len(deals.rows), dtype=np.int64))
    return CELLS[name](deals)


def table(deals: Deals, locale: str) -> pl.DataFrame:
    """The rows of an export as texts."""
    form = LOCALES[locale]
    return pl.DataFrame(
        {column.label: formed(cell(deals, column.cell), column.form, form) for column in deals.crm.columns}
    )


def by_stage(deals: Deals, of: Callable[[Stage], object]) -> pl.Series:
    """What follows from the stage of each deal."""
    return pl.Series([of(stage) for stage in deals.crm.stages]).gather(deals.stage)


def chance(deals: Deals) -> pl.Series:
    """The probability that the CRM has for the stage, 0..1."""
    return by_stage(deals, lambda stage: stage.chance / 100.0)


def status(deals: Deals) -> pl.Series:
    """Won, lost or open, in the CRM's words."""
    won, lost, still_open = deals.crm.status
    return by_stage(deals, lambda one: {"open": still_open, "lost": lost}.get(one.kind, won))


def mixed(texts: pl.Series, deals: Deals, turn: int, share: float) -> pl.Series:
    """The same texts, a share of them in lower case and as many in upper case, as people type them.

    ``turn`` tells columns apart, so that they do not differ in the same rows.
    """
    typed = pl.lit(pl.Series(deals.people.typed * turn % 1.0))
    text = pl.lit(texts)
    return pl.select(
        pl.when(typed < share)
        .then(text.str.to_lowercase())
        .when(typed > 1.0 - share)
        .then(text.str.to_uppercase())
        .otherwise(text)
    ).to_series()


def title(deals: Deals) -> pl.Series:
    """The title as somebody typed it; null where there is none."""
    facts = deals.facts
    place = (facts.seniority * len(FUNCTION.rows) + facts.function) * VARIANTS + facts.variant
    return mixed(joined(picked(all_titles(), place), known=facts.titled), deals, 1, 0.04)


def message(deals: Deals) -> pl.Series:
    """What the lead wrote; null for nothing."""
    place = deals.facts.message * 6 + deals.facts.variant % 6
    before, after = zip(*all_messages(), strict=True)
    number = (pl.Series(deals.people.digits) + 2).cast(pl.String)
    return joined(picked(before, place), number, picked(after, place), known=deals.facts.message > 0)


def products(deals: Deals) -> pl.Series:
    """The products that were chosen, separated by semicolons; null for none."""
    names, chosen = PRODUCTS.texts, deals.facts.products
    sets = [
        ";".join(name for place, name in enumerate(names) if code >> place & 1) or None
        for code in range(2 ** len(names))
    ]
    return pl.Series(sets, dtype=pl.String).gather(chosen @ (1 << np.arange(len(names))))


def deal(deals: Deals) -> pl.Series:
    """The name of the deal: the company, and what it is about."""
    about = picked(TYPE.texts, deals.facts.type)
    return joined(who.company(deals.people, deals.facts), " - ", about)


def contact(deals: Deals) -> pl.Series:
    """First name and surname."""
    return joined(picked(FIRST_NAMES, deals.people.first), " ", picked(SURNAMES, deals.people.last))


def lost_reason(deals: Deals) -> pl.Series:
    """Why a deal was lost; null for all others."""
    place = (deals.course.luck * 1_000).astype(np.int64) % len(LOST_REASONS)
    return joined(picked(LOST_REASONS, place), known=~deals.course.won & ~deals.course.is_open)


def time_in_last_stage(deals: Deals) -> pl.Series:
    """Hours, minutes and seconds in the last stage before the close; null for a deal that never was there.

    Won deals were, and few others.
    """
    seconds = pl.Series((1.0 + deals.course.luck * 500.0) * 3_600.0).cast(pl.Int64)
    parts = ((seconds // unit % limit).cast(pl.String).str.zfill(2) for unit, limit in ((60, 60), (1, 60)))
    reached = (deals.course.won & ~deals.course.is_open) | (deals.course.luck < 0.25)
    minutes, rest = parts
    return joined((seconds // 3_600).cast(pl.String), ":", minutes, ":", rest, known=reached)


def closed_or_expected(deals: Deals) -> pl.Series:
    """When a deal was closed, or is expected to be: at the end of this year's next quarter."""
    later = np.datetime64(LAST, "s") + (deals.course.luck * 90).astype("timedelta64[D]")
    return pl.Series(np.where(deals.course.is_open, later.astype("datetime64[us]"), deals.course.closed))


def days_between(first: np.ndarray, last: np.ndarray) -> pl.Series:
    """Whole days between moments, null where one is not known."""
    return pl.Series(last - first).dt.total_days()


def age_at_export(deals: Deals) -> pl.Series:
    """Days from creation to close, or to the export for open deals."""
    end = np.where(deals.course.is_open, np.datetime64(LAST, "s").astype("datetime64[us]"), deals.course.closed)
    return days_between(deals.course.created, end)


def amount(deals: Deals) -> pl.Series:
    """The amount of the deal; null where nobody entered it."""
    return pl.Series(deals.facts.amount, nan_to_null=True)


def actual_revenue(deals: Deals) -> pl.Series:
    """The amount of a won deal, 0 for a lost one, null for an open one."""
    return (amount(deals) * pl.Series(deals.course.won)).set(pl.Series(deals.course.is_open), None)


CELLS: dict[str, Callable[[Deals], pl.Series]] = {
    "actual revenue": actual_revenue,
    "age at export": age_at_export,
    "amount": amount,
    "campaign": lambda d: picked([text for name in SOURCE.texts for text in CAMPAIGNS[name].texts], d.facts.campaign),
    "chance": chance,
    "checksum": lambda d: who.checksums(d.rows),
    "closed or expected": closed_or_expected,
    "closed": lambda d: pl.Series(d.course.closed),
    "company": lambda d: who.company(d.people, d.facts),
    "contact": contact,
    "country": lambda d: picked(COUNTRY.texts, d.facts.country),
    "created": lambda d: pl.Series(d.course.created),
    "days to close": lambda d: days_between(d.course.created, d.course.closed),
    "deal": deal,
    "employees": lambda d: pl.Series(d.facts.employees),
    "expected": lambda d: pl.Series(d.course.expected),
    "first name": lambda d: picked(FIRST_NAMES, d.people.first),
    "forecast": lambda d: by_stage(d, lambda stage: stage.forecast),
    "guid": lambda d: who.guids(d.rows),
    "industry": lambda d: mixed(picked(INDUSTRY.texts, d.facts.industry), d, 7, 0.02),
    "is closed": lambda d: by_stage(d, lambda stage: "0" if stage.kind == "open" else "1"),
    "is won": status,
    "last activity": lambda d: pl.Series(d.course.last_activity),
    "last name": lambda d: picked(SURNAMES, d.people.last),
    "letters id": lambda d: who.letter_ids(d.rows),
    "lost reason": lost_reason,
    "mail address": lambda d: who.email(d.people, d.facts),
    "message": message,
    "modified": lambda d: pl.Series(d.course.modified),
    "number id": lambda d: who.number_ids(d.rows),
    "opened": lambda d: pl.Series(d.facts.opened, nan_to_null=True),
    "owner": lambda d: picked(OWNERS, d.people.owner),
    "pages": lambda d: pl.Series(d.facts.pages),
    "phone": lambda d: who.phone(d.people, d.facts),
    "products": products,
    "signed up": lambda d: pl.Series(d.course.signed_up),
    "source": lambda d: mixed(picked(SOURCE.texts, d.facts.source), d, 13, 0.02),
    "stage": lambda d: by_stage(d, lambda stage: stage.text),
    "status": status,
    "time in last stage": time_in_last_stage,
    "title": title,
    "type": lambda d: picked(TYPE.texts, d.facts.type),
    "weighted": lambda d: amount(d) * chance(d),
}
"""Each cell by its name in ``crm.Column.cell``."""
