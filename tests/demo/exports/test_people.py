"""Who is behind a deal: invented, fitting together, and with identifiers of their own."""

import re

import numpy as np
import pytest

from leadscoring.demo.exports import people as who
from leadscoring.demo.exports.facts import Facts, draw
from leadscoring.demo.exports.levels import MAIL
from leadscoring.demo.exports.words import FREE_MAIL, ROLES

ROWS = 5_000


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Some deals."""
    return draw(np.random.default_rng(8), np.arange(ROWS) / ROWS)


@pytest.fixture(scope="module")
def people() -> who.People:
    """The people behind them."""
    return who.invent(np.random.default_rng(9), ROWS)


def test_an_address_is_of_its_group(facts: Facts, people: who.People) -> None:
    """Free, education and government by domain, roles by local part; none is empty."""
    for code, address in zip(facts.mail.tolist(), who.email(people, facts).to_list(), strict=True):
        group = MAIL.texts[code]
        assert (address is None) == (group == "none")
        if address is not None:
            local, _, domain = address.lower().partition("@")
            assert (domain in FREE_MAIL) == (group == "free")
            assert (local in ROLES) == (group == "role")
            assert domain.endswith(".edu") == (group == "education")
            assert domain.endswith(".gov") == (group == "government")


def test_addresses_are_plain_and_some_are_shouted(facts: Facts, people: who.People) -> None:
    """ASCII, though names are not."""
    addresses = who.email(people, facts).drop_nulls().to_list()
    assert all(re.fullmatch(r"[A-Za-z0-9.]+@[A-Za-z0-9.-]+", address) for address in addresses)
    assert 0.01 < np.mean([address.isupper() for address in addresses]) < 0.04


def test_a_company_has_the_domain_of_its_name(facts: Facts, people: who.People) -> None:
    """Velnarito Logistics GmbH writes from velnarito-logistics.de."""
    addresses, companies = who.email(people, facts).to_list(), who.company(people, facts).to_list()
    for code, address, company in zip(facts.mail.tolist(), addresses, companies, strict=True):
        if MAIL.texts[code] == "company":
            stem, field = company.split(" ")[:2]
            assert f"@{stem}-{field}.".lower() in address.lower()


def test_telephone_numbers_are_of_ranges_kept_for_fiction(facts: Facts, people: who.People) -> None:
    """Where one was given."""
    numbers = who.phone(people, facts)
    assert np.array_equal(numbers.is_not_null().to_numpy(), facts.phoned)
    assert {number for number in numbers if number and number.startswith("(415) 555-01")}


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (who.number_ids, r"\d{11}"),
        (who.letter_ids, r"006[0-9A-Za-z]{12}"),
        (who.guids, r"[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"),
        (who.checksums, r"[0-9A-Za-z]{86}=="),
    ],
)
def test_no_identifier_comes_twice(make: object, shape: str) -> None:
    """Each row has its own, in the form of its CRM."""
    assert callable(make)
    ids = make(np.arange(60_000, 80_000))
    assert ids.n_unique() == 20_000
    assert ids.str.contains(f"^{shape}$").all()
