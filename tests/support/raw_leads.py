"""Leads as a sales team exports them, with dates, titles, addresses and lists, whose true chances are known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

LEVELS = {"Chief": 1.6, "VP": 1.1, "Head": 0.8, "Director": 0.7, "Manager": 0.0, "Analyst": -0.6, "Intern": -1.8}
AREAS = {"Sales": 0.5, "Marketing": 0.4, "Finance": 0.0, "Purchasing": 0.3, "Engineering": -0.5, "Design": -0.6}
MORE = ("EMEA", "North", "Global", "Group", "Regional", "Digital", "Strategic", "Senior", "Interim", "Products")
FREE = ("gmail.com", "yahoo.com", "hotmail.com", "web.de")
INTERESTS = {"Pricing": 0.9, "Demo": 0.7, "Blog": -0.3, "Webinar": 0.0, "Careers": -1.2, "Support": 0.0, "API": 0.1}
START = datetime(2024, 1, 1, 8, 0, tzinfo=UTC)
TARGET, CREATED = "Converted", "Created Date"


def chances(margin: np.ndarray) -> np.ndarray:
    """The logistic function."""
    made: np.ndarray = 1.0 / (1.0 + np.exp(-margin))
    return made


def day_first(moment: datetime) -> str:
    """A time as it is exported in Britain."""
    return moment.strftime("%d/%m/%Y %I:%M %p")


def titles(random: np.random.Generator, rows: int) -> tuple[list[str | None], np.ndarray]:
    """Job titles in several spellings, mostly unique as a whole, and what they add to the margin."""
    level, area = random.choice(list(LEVELS), rows), random.choice(list(AREAS), rows)
    written: list[str | None] = []
    for one, other, more, way in zip(level, area, random.choice(MORE, rows), random.integers(0, 6, rows), strict=True):
        shapes = (f"{one} of {other}", f"{one} {other}", f"{more} {one}, {other}", f"{one.upper()} {other} ({more})")
        written.append(None if way == 5 else shapes[way % 4])
    effect = np.array([LEVELS[one] + AREAS[other] for one, other in zip(level, area, strict=True)])
    return written, np.where([one is None for one in written], 0.0, effect)


def addresses(random: np.random.Generator, rows: int) -> tuple[list[str], np.ndarray]:
    """E-mail addresses, all different, and what they add."""
    sort = random.choice(4, rows, p=(0.45, 0.4, 0.1, 0.05))
    domains = [
        (FREE[k % 4], f"firm{k % 900}.com", f"college{k % 40}.edu", "acme-partners.com")[one]
        for k, one in zip(random.integers(0, 9000, rows), sort, strict=True)
    ]
    role = random.random(rows) < 0.12
    names = [f"{'info' if one else f'p.erson{k}'}" for k, one in enumerate(role)]
    effect = np.array([-0.9, 0.4, -1.0, 1.8])[sort] - 0.7 * role
    return [f"{name}@{domain}" for name, domain in zip(names, domains, strict=True)], effect


def lists(random: np.random.Generator, rows: int) -> tuple[list[str | None], np.ndarray]:
    """Several interests in one cell, and what they add."""
    has = random.random((rows, len(INTERESTS))) < 0.3
    every = list(INTERESTS)
    cells = ["; ".join(every[k] for k in random.permutation(np.flatnonzero(row))) for row in has]
    return [cell or None for cell in cells], has @ np.array(list(INTERESTS.values()))


def raw_leads(rows: int = 3000, seed: int = 0) -> tuple[pl.DataFrame, np.ndarray]:
    """The export, and the true chance of each lead to convert."""
    random = np.random.default_rng(seed)
    created = [START + timedelta(hours=3 * k, minutes=int(m)) for k, m in enumerate(random.integers(0, 60, rows))]
    age = random.gamma(1.0, 60.0, rows)
    silent = np.where(random.random(rows) < 0.3, np.nan, random.gamma(1.0, 10.0, rows))
    trial = random.choice([14, 30], rows)
    visits = random.poisson(4, rows)
    phone = random.random(rows) < 0.6
    title, by_title = titles(random, rows)
    email, by_email = addresses(random, rows)
    interests, by_interests = lists(random, rows)
    margin = -1.2 + by_title + by_email + by_interests + 0.2 * (visits - 4) + 0.5 * phone + 0.5 * (trial == 30)
    margin += -0.6 * np.log1p(age / 20) + np.where(np.isnan(silent), -0.5, 0.4 - 0.05 * np.nan_to_num(silent))
    p = chances(margin)
    return pl.DataFrame(
        {
            "Lead ID": [f"00Q{k * 7919 % 1000003:07}" for k in range(rows)],
            CREATED: [day_first(one) for one in created],
            "Signed Up": [
                f"{one - timedelta(days=float(d)):%Y-%m-%dT%H:%M:%S}Z" for one, d in zip(created, age, strict=True)
            ],
            "Last Visit": [
                None if np.isnan(d) else day_first(one - timedelta(days=float(d)))
                for one, d in zip(created, silent, strict=True)
            ],
            "Trial End Date": [
                f"{one + timedelta(days=int(d)):%d/%m/%Y}" for one, d in zip(created, trial, strict=True)
            ],
            "Title": title,
            "Email": email,
            "Phone": [f"+49 171 {1000000 + k * 37}" if one else None for k, one in enumerate(phone)],
            "Interests": interests,
            "Visits": visits,
            TARGET: np.where(random.random(rows) < p, "true", "false"),
        }
    ), p
