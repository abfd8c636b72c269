"""Errors are one tree, which the head of its module draws; each has a code of its own and is built from facts."""

import inspect
import re

import msgspec
import pytest

from leadscoring import errors
from leadscoring.errors import (
    EndpointError,
    EndpointThrottled,
    Fault,
    HostNotClear,
    InvalidParameter,
    LeadScoringError,
    RequestError,
    SettingsConflict,
    ValidationError,
)


def below(tree: type[LeadScoringError]) -> list[type[LeadScoringError]]:
    """A branch of the tree, itself first."""
    return [tree, *(found for kind in tree.__subclasses__() for found in below(kind))]


EVERY = [kind for kind in below(LeadScoringError) if kind.__module__ == errors.__name__]


def test_every_error_has_a_code_of_its_own() -> None:
    """Clients and searches of logs rely on it."""
    codes = [kind.code for kind in EVERY]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code) for code in codes)


def drawing() -> str:
    """The tree at the head of the module."""
    return (errors.__doc__ or "").partition("\n\n")[2].partition("\n\n")[0]


def test_the_head_of_the_module_draws_the_tree_as_it_is() -> None:
    """Who reads it need not read on."""
    root = LeadScoringError.__name__
    parents: dict[str, str] = {}
    way: list[str] = []
    for branch, name in re.findall(rf"(?m)^((?:[│ ]   )*[├└]── |)({root}|[A-Z]\w+(?= |$))", drawing()):
        depth = len(branch) // 4
        way[depth:] = [name]
        if depth:
            parents[name] = way[depth - 1]
    expected = {kind.__name__: kind.__bases__[0].__name__ for kind in EVERY if kind is not LeadScoringError}
    assert parents == expected


def test_the_head_of_the_module_names_the_codes_as_they_are() -> None:
    """Of those errors that it names one for."""
    named = re.findall(r"[├└]── (\w+) +([a-z]+(?:_[a-z0-9]+)+)\b", drawing())
    codes = {kind.__name__: kind.code for kind in EVERY}
    assert len(named) > 20
    assert dict(named).items() <= codes.items()


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_what_an_error_means_is_one_sentence(kind: type[LeadScoringError]) -> None:
    """The documentation's tables are made of it."""
    first = (inspect.getdoc(kind) or "").splitlines()[0]
    assert first.endswith(".")
    assert first[0].isupper()


def test_a_refused_lead_shows_three_faults_and_counts_the_rest() -> None:
    """Those that the error does not hold too."""
    faults = [Fault(f"/{place}", f"fault {place}") for place in range(5)]
    error = ValidationError(faults, "lead-1", count=9)
    assert str(error) == "fault 0; fault 1; fault 2; and 6 more"
    assert (error.faults, error.more, error.lead_id) == (tuple(faults), 4, "lead-1")
    few = ValidationError(faults[:2])
    assert (str(few), few.more) == ("fault 0; fault 1", 0)


def test_a_long_value_of_a_client_is_cut() -> None:
    """A message is for people, and for logs with an end."""
    assert len(str(InvalidParameter("reasons", "9" * 10_000, "a whole number"))) < 200
    assert len(str(InvalidParameter.unknown("r" * 10_000, ["reasons"], "reasons"))) < 300


def test_a_parameter_that_is_not_known_comes_with_a_guess_and_what_is() -> None:
    """Where there is any."""
    said = str(InvalidParameter.unknown("reason", ["reasons", "details"], "reasons"))
    assert all(word in said for word in ("'reason'", "'reasons'", "reasons, details"))
    assert isinstance(InvalidParameter.unknown("x", [], None), RequestError)


def test_settings_that_do_not_go_together_are_all_named() -> None:
    """With their values, and as the name of what is wrong."""
    error = SettingsConflict({"A": "1", "B": "2"}, "A must be more than B")
    assert (error.name, str(error)) == ("A, B", "A=1, B=2: A must be more than B")


def test_an_endpoint_that_says_how_long_to_wait_is_believed() -> None:
    """Without a word of it: a second."""
    assert (EndpointThrottled("azure", "status 429", 7).retry_after, EndpointThrottled("azure", "x").retry_after) == (
        7,
        1,
    )
    assert isinstance(EndpointThrottled("azure", "x"), EndpointError)


def test_what_time_heals_says_when_to_come_back() -> None:
    """Every error that is tried again has whole seconds, or none."""
    for kind in EVERY:
        wait = getattr(kind, "retry_after", None)
        assert wait is None or (isinstance(wait, int) and wait > 0)


@pytest.mark.parametrize(("hosts", "named"), [(0, "none"), (2, "2")])
def test_a_request_without_a_host_and_one_with_two_are_told_apart(hosts: int, named: str) -> None:
    """In the same error."""
    assert str(HostNotClear(hosts)).endswith(f"not {named}")


def test_a_fault_is_sent_as_it_is() -> None:
    """It is the wire's own type."""
    sent = msgspec.json.decode(msgspec.json.encode(Fault("/features/a", "a must be 1", 2, "1")))
    assert sent == {"path": "/features/a", "message": "a must be 1", "value": 2, "allowed": "1"}
