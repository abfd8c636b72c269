"""The lists of domains are as the engine reads addresses, each of them once."""

from leadscoring._engine import address_of
from leadscoring.contract.features import Feature
from leadscoring.training.derived.domains import GROUPS, ROLES


def test_every_domain_is_in_one_group_and_written_as_it_is_read() -> None:
    """A contract with all of them is valid, and they are few enough for a card."""
    assert Feature("mail", "email", groups=GROUPS, roles=ROLES).groups == GROUPS
    every = [domain for group in GROUPS.values() for domain in group]
    assert 300 < len(every) == len(set(every)) < 600
    assert len(ROLES) == len(set(ROLES))
    assert address_of(f"{ROLES[0]}@{every[0]}") == (ROLES[0], every[0])
