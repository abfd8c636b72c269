"""Invents who is behind a deal: contact, company, owner and identifiers. Nothing here has an effect on the outcome.

The mail address is the exception: its group is a fact, and decides which domain and local part it gets.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import polars as pl

from leadscoring.demo.exports.facts import Facts, Flags
from leadscoring.demo.exports.levels import MAIL, Codes, Vector
from leadscoring.demo.exports.words import (
    COMPANY_FIELDS,
    COMPANY_FORMS,
    COMPANY_MIDDLES,
    COMPANY_STARTS,
    DOMAINS,
    FIRST_NAMES,
    FREE_MAIL,
    OWNERS,
    PHONES,
    ROLES,
    SURNAMES,
)

STEMS = tuple(start + middle for start, middle in product(COMPANY_STARTS, COMPANY_MIDDLES))
LETTERS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
HEX = LETTERS[[*range(10), *range(36, 42)]]
PLAIN = str.maketrans("äöüßåáéíóúñçøÅÍ", "aousaaeiouncoai")


@dataclass(frozen=True, slots=True)
class People:
    """Who is behind some deals: positions in the lists of ``words``, and random ``digits`` of 0..99.

    ``typed`` are numbers of 0..1 that decide how somebody typed a text.
    """

    first: Codes
    last: Codes
    stem: Codes
    field: Codes
    owner: Codes
    free: Codes
    role: Codes
    digits: Codes
    typed: Vector


def invent(rng: np.random.Generator, count: int) -> People:
    """Draws the people of some deals."""

    def one_of(words: tuple[str, ...]) -> Codes:
        return rng.integers(len(words), size=count)

    return People(
        first=one_of(FIRST_NAMES),
        last=one_of(SURNAMES),
        stem=one_of(STEMS),
        field=one_of(COMPANY_FIELDS),
        owner=one_of(OWNERS),
        free=one_of(FREE_MAIL),
        role=one_of(ROLES),
        digits=rng.integers(100, size=count),
        typed=rng.random(count),
    )


def picked(words: tuple[str, ...] | list[str], codes: Codes) -> pl.Series:
    """The words at some positions."""
    return pl.Series(list(words), dtype=pl.String).gather(codes)


def joined(*parts: pl.Series | str, known: Flags | None = None) -> pl.Series:
    """Joins texts row by row; null where they are not known."""
    text = pl.concat_str([pl.lit(part) for part in parts])
    return pl.select(text if known is None else pl.when(pl.lit(pl.Series(known))).then(text)).to_series()


def company(people: People, facts: Facts) -> pl.Series:
    """The name of the company, such as ``Velnarito Logistics GmbH``."""
    return joined(
        picked(STEMS, people.stem),
        " ",
        picked(COMPANY_FIELDS, people.field),
        " ",
        picked(COMPANY_FORMS, facts.country),
    )


def plain(word: str) -> str:
    """A name as it stands in an address."""
    return word.lower().translate(PLAIN)


def email(people: People, facts: Facts) -> pl.Series:
    """The mail address by its group; null where there is none, and in upper case now and then."""
    domain = joined(
        picked([stem.lower() for stem in STEMS], people.stem),
        "-",
        picked([field.lower() for field in COMPANY_FIELDS], people.field),
    )
    ends = {
        "company": joined(domain, ".", picked(DOMAINS, facts.country)),
        "free": picked(FREE_MAIL, people.free),
        "education": joined(picked([stem.lower() for stem in STEMS], people.stem), ".edu"),
        "government": joined(picked([stem.lower() for stem in STEMS], people.stem), ".gov"),
        "role": joined(domain, ".", picked(DOMAINS, facts.country)),
    }
    person = joined(
        picked([plain(name) for name in FIRST_NAMES], people.first),
        ".",
        picked([plain(name) for name in SURNAMES], people.last),
        pl.Series(people.digits).cast(pl.String),
    )
    groups = pl.Series(facts.mail)
    address = pl.lit(None, dtype=pl.String)
    for group, end in ends.items():
        local = picked(ROLES, people.role) if group == "role" else person
        whole = joined(local, "@", end)
        address = pl.when(pl.lit(groups == MAIL.code(group))).then(pl.lit(whole)).otherwise(address)
    shouted = pl.lit(pl.Series(people.typed < 0.02))
    return pl.select(pl.when(shouted).then(address.str.to_uppercase()).otherwise(address)).to_series()


def phone(people: People, facts: Facts) -> pl.Series:
    """The telephone number as its country writes it; null where none was given."""
    ways = [way.partition("{}")[0] for way in PHONES]
    digits = pl.Series(people.digits).cast(pl.String).str.zfill(2)
    return joined(picked(ways, facts.country), digits, known=facts.phoned)


def texts_of(symbols: npt.NDArray[np.uint8]) -> pl.Series:
    """Rows of ASCII symbols as texts."""
    rows = np.ascontiguousarray(symbols)
    return pl.Series(rows.view(f"S{rows.shape[1]}").ravel()).cast(pl.String)


def number_ids(rows: Codes) -> pl.Series:
    """Numbers of eleven digits, different for each row."""
    return (pl.Series(rows) * 37 + 17_204_118_006).cast(pl.String)


def letter_ids(rows: Codes) -> pl.Series:
    """Salesforce's identifiers of 15 letters and digits that differ by case too, one for each row."""
    symbols = np.tile(np.frombuffer(b"006Qy00000xxxxx", dtype=np.uint8), (len(rows), 1))
    number = (rows + 60_013) * 7_919 % 62**5
    for place in range(14, 9, -1):
        symbols[:, place] = LETTERS[number % 62]
        number = number // 62
    return texts_of(symbols)


def guids(rows: Codes) -> pl.Series:
    """Identifiers such as ``1b4e28ba-2fa1-11ee-883f-0016d3cca427``, one for each row."""
    rng = np.random.default_rng([int(rows[0]), len(rows)])
    symbols = HEX[rng.integers(16, size=(len(rows), 36))]
    symbols[:, [8, 13, 18, 23]] = ord("-")
    symbols[:, 14] = ord("1")
    number = (rows + 1) * 2_654_435_761 % 16**8  # an odd factor: no number twice
    for place in range(8):
        symbols[:, place] = HEX[number // 16 ** (7 - place) % 16]
    return texts_of(symbols)


def checksums(rows: Codes) -> pl.Series:
    """Checksums as Dynamics writes them: 88 symbols without meaning."""
    rng = np.random.default_rng([int(rows[0]), len(rows), 2])
    symbols = LETTERS[rng.integers(62, size=(len(rows), 88), dtype=np.uint8)]
    symbols[:, 86:] = ord("=")
    return texts_of(symbols)
