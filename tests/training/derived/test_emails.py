"""Of addresses, training takes what is not about a person."""

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract, Feature
from leadscoring.model.reading import Reading
from leadscoring.training.column import Read
from leadscoring.training.derived.emails import Emails, addresses, are_addresses, domains
from leadscoring.training.derived.kind import Evidence
from leadscoring.training.encode import encode_table

ROWS = 1200
RANDOM = np.random.default_rng(2)
COLUMN = pl.Series("mail", [f"p{k}@{('gmail.com', 'big.com', f'f{k % 60}.org', 'x.edu')[k % 4]}" for k in range(ROWS)])


def test_addresses_are_recognised() -> None:
    """Texts with an @ alone are none."""
    assert are_addresses(COLUMN)
    assert not are_addresses(pl.Series(["@ann", "a@b", "call me @ 9"]))
    assert not are_addresses(pl.Series([1, 2]))
    assert (domains("Ann@Firm.example"), domains("Ann")) == (("firm.example",), ())


def test_groups_and_domains_with_signal_become_columns_and_no_address_does() -> None:
    """Nothing before the @ is in what is written."""
    read = Read(COLUMN, COLUMN)
    Emails().read(read)
    assert read.feature is not None
    tokens = Emails().tokens(COLUMN)
    aspects = Emails().candidates(read.feature, [], tokens)
    feature = msgspec.structs.replace(read.feature, aspects=aspects)
    x = encode_table(Contract((feature,)), pl.DataFrame([COLUMN]))
    values = {aspect: x[:, place].astype(float) for place, aspect in enumerate(aspects)}
    y = (RANDOM.random(ROWS) < np.where(COLUMN.str.ends_with("@big.com").to_numpy(), 0.6, 0.2)).astype(float)
    made = Emails().choose(read.feature, Evidence(np.ones(ROWS, dtype=bool), y, values, tokens))
    assert {Aspect("domain", "big.com"), Aspect("group", "free"), Aspect("ends", "edu")} <= set(made.aspects)
    assert Aspect("role") not in made.aspects
    text = msgspec.json.encode(msgspec.structs.replace(made, roles=(), groups={})).decode()
    assert not any(f"p{k}@" in text for k in range(ROWS))


def test_an_address_with_a_name_is_an_address() -> None:
    """As mail programs write it, in training and in later files."""
    column = pl.Series(
        "mail", ["Ann Doe <ann@firm.example>", '"Doe, Ann" <ann@firm.example> ', "mailto:ann@firm.example"]
    )
    assert are_addresses(column)
    assert addresses(column).to_list() == column.to_list()
    assert {domains(text) for text in column} == {("firm.example",)}


def test_what_is_no_address_is_counted_and_not_shown() -> None:
    """It is missing, not silently so; and it may name a person."""
    column = pl.Series("mail", ["ann@firm.example", "bob@firm.example; ann@firm.example", None])
    read = Read(column, column)
    Emails().read(read)
    assert read.column.to_list() == ["ann@firm.example", None, None]
    (words,) = read.warnings
    assert words.startswith("'mail' holds e-mail addresses, but also 1 values")
    assert "bob" not in words
    later = Emails().parse(Feature("mail", "email"), column, Reading())
    assert later.to_list() == read.column.to_list()
