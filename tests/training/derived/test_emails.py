"""Of addresses, training takes what is not about a person."""

import msgspec
import numpy as np
import polars as pl

from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Contract
from leadscoring.training.column import Read
from leadscoring.training.derived.emails import Emails, are_addresses, domains
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
