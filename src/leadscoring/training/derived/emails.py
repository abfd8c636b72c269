"""E-mail addresses: the group, the end and the name of the domain, and whether a role receives the mail; no person."""

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl

from leadscoring._engine import address_of
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.features import Feature
from leadscoring.model.reading import Reading
from leadscoring.training.column import FEWEST, Read
from leadscoring.training.derived.clearest import clearest
from leadscoring.training.derived.domains import GROUPS, ROLES
from leadscoring.training.derived.kind import Derived, Evidence, started, with_weights
from leadscoring.training.derived.tokens import Tokens, tokens_of
from leadscoring.training.reading.distinct import first_of

SHARE = 0.95
"""Minimum share of addresses among the values of a column of addresses."""

MOST_DOMAINS, MOST_ENDS = 20, 10
"""Maximum number of domains, and of their last labels, with a column of their own."""

GROUP_NAMES = (*GROUPS, "company")


class Emails(Derived):
    """An e-mail address."""

    name = "email"
    is_lenient = True

    def detects(self, read: Read) -> bool:
        """Whether nearly all values are addresses."""
        return read.traits.addresses and are_addresses(read.column)

    def read(self, read: Read) -> None:
        """Reads the column as addresses; others are missing, with a warning that does not show them."""
        column = addresses(read.column.cast(pl.String))
        if strange := column.null_count() - read.column.null_count():
            read.warnings.append(
                f"{read.raw.name!r} holds e-mail addresses, but also {strange} values that are not single addresses "
                "and were read as missing"
            )
        read.notes.append(
            f"{read.raw.name!r}: e-mail addresses, of which the model gets facts about the domain and whether the name "
            "is that of a role, never the address"
        )
        feature = started(read, self.name, column, "jane.doe@example.com")
        read.feature = msgspec.structs.replace(feature, groups=GROUPS, roles=tuple(dict.fromkeys(ROLES)))

    def parse(self, feature: Feature, column: pl.Series, _reading: Reading) -> pl.Series:
        """Parses addresses as training does."""
        return addresses(column.cast(pl.String)).alias(feature.name)

    def candidates(self, _feature: Feature, _others: Sequence[Feature], tokens: Tokens | None) -> tuple[Aspect, ...]:
        """Offers all groups, whether a role receives the mail, and the most frequent ends."""
        ends: dict[str, float] = {}
        if tokens is not None:
            every = np.ones(len(tokens.text), dtype=bool)
            for domain, count in zip(tokens.names, tokens.counts(every, np.zeros(len(every)))[0], strict=True):
                end = domain.rpartition(".")[2]
                ends[end] = ends.get(end, 0.0) + float(count)
        most = sorted(ends, key=lambda end: (-ends[end], end))[:MOST_ENDS]
        return (
            *(Aspect("group", name) for name in GROUP_NAMES),
            Aspect("role"),
            *(Aspect("ends", end) for end in most),
        )

    def tokens(self, column: pl.Series) -> Tokens:
        """Returns the domains."""
        return tokens_of(column, domains)

    def choose(self, feature: Feature, evidence: Evidence) -> Feature:
        """Takes all groups and ends that enough leads have, and as many do not, and the domains that carry signal."""
        aspects = [aspect for aspect in evidence.values if evidence.share(aspect) >= FEWEST]
        if evidence.tokens is None:
            return msgspec.structs.replace(feature, aspects=tuple(aspects))
        aspects += [
            Aspect("domain", domain) for domain in clearest(evidence.tokens, evidence.rows, evidence.y, MOST_DOMAINS)
        ]
        return with_weights(feature, aspects, evidence, FEWEST)


def are_addresses(column: pl.Series) -> bool:
    """Whether nearly all values of a column are e-mail addresses."""
    if column.dtype != pl.String:
        return False
    some = first_of(column)
    return len(some) > 0 and sum(address_of(text) is not None for text in some) > SHARE * len(some)


def addresses(column: pl.Series) -> pl.Series:
    """Returns the addresses of a column as they are, null for other texts."""
    strange = [value for value in column.drop_nulls().unique() if address_of(value) is None]
    return pl.select(pl.when(~column.is_in(strange)).then(column).alias(column.name)).to_series() if strange else column


def domains(text: str) -> tuple[str, ...]:
    """Returns the domain of an address; none for any other text."""
    address = address_of(text)
    return () if address is None else (address[1],)
