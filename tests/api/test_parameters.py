"""The parameters of a query: each given once, and by a name that the route knows."""

import pytest
from asking import asking
from hypothesis import given
from hypothesis import strategies as st

from leadscoring.api.parameters import BODIES, DETAILS, REASONS, parameters, takes_none
from leadscoring.api.routes import TABLE
from leadscoring.errors import InvalidParameter

KNOWN = ("reasons", "include_details")


def test_values_are_found_by_their_names_and_decoded() -> None:
    """Empty ones too: that nothing was given for a name is for the route to refuse."""
    assert parameters(b"include_details=%74rue&reasons=", KNOWN) == {"include_details": "true", "reasons": ""}
    assert parameters(b"", KNOWN) == {}


@pytest.mark.parametrize("strict", [True, False])
def test_a_name_that_is_given_twice_is_refused(strict: bool) -> None:
    """Nobody can tell which of the values is meant."""
    with pytest.raises(InvalidParameter, match="reasons"):
        parameters(b"reasons=1&reasons=1", KNOWN, strict)


def test_a_name_that_is_not_known_is_refused_or_left_out() -> None:
    """With the name that was probably meant; where the caller is not strict, the rest counts."""
    with pytest.raises(InvalidParameter, match=r"'reason'.*'reasons'"):
        parameters(b"reason=1", KNOWN)
    assert parameters(b"reason=1&reasons=2", KNOWN, strict=False) == {"reasons": "2"}


@given(st.binary(max_size=40))
def test_no_query_breaks_the_reading(query: bytes) -> None:
    """Whatever the bytes, it is read or refused."""
    try:
        assert set(parameters(query, KNOWN)) <= set(KNOWN)
    except InvalidParameter:
        assert query


def test_a_route_without_parameters_takes_none() -> None:
    """Not even an empty one."""
    takes_none(asking())
    with pytest.raises(InvalidParameter):
        takes_none(asking(b"verbose"))


def test_every_parameter_belongs_to_a_route() -> None:
    """One that no route takes would be described nowhere."""
    used = [parameter for route in TABLE for parameter in route.parameters]
    for parameter in (REASONS, DETAILS, BODIES):
        assert parameter in used
