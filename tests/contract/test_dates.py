"""Dates are sent in ISO 8601."""

import json

import jsonschema
import pytest

from leadscoring._engine import parse_moment
from leadscoring.contract.aspects import Aspect
from leadscoring.contract.dates import EXAMPLE
from leadscoring.contract.features import Contract, Feature
from leadscoring.contract.kinds import KINDS
from leadscoring.errors import CardInvalid
from leadscoring.model.loaded import encoder

FORMATS = jsonschema.FormatChecker(["date-time", "date"])
DATE = Feature("made", "date", aspects=(Aspect("age"), Aspect("hour")), missing=("-",))


@pytest.mark.parametrize("value", [EXAMPLE, "2026-01-31", "2026-01-31 10:00+0200", "-", "", " \u00a0\t"])
def test_dates_may_be_sent(value: object) -> None:
    """With a time and without, and texts that mean missing, as blank ones do: CRMs send them for empty fields."""
    assert DATE.form.accepts(DATE, value)
    encoder(Contract((DATE,))).encode([(value,)])


@pytest.mark.parametrize(
    "value", ["31.01.2026", " -", "\u200b", "2026-02-30", 1_769_853_600, 1.5, True, ["2026-01-31"], None]
)
def test_nothing_else_may(value: object) -> None:
    """Numbers neither: it would be a guess what they count."""
    assert not DATE.form.accepts(DATE, value)
    assert not DATE.fits(1.0)


def test_a_cell_may_have_spaces_around_a_date() -> None:
    """A blank one is unknown."""
    assert json.loads(KINDS["date"].json_of(" 2026-01-31 ")) == "2026-01-31"
    assert json.loads(KINDS["date"].json_of("  ")) is None


def test_dates_are_described_as_those_of_json_schema() -> None:
    """So that clients send what is read."""
    schema = DATE.form.schema(DATE)
    for sound in ("2026-01-31T10:00:00Z", "2026-01-31", "", "  "):
        jsonschema.validate(sound, schema, format_checker=FORMATS)
    for wrong in ("2026-01-32", "10:00", "x", 1):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema, format_checker=FORMATS)
    assert DATE.form.accepts(DATE, DATE.form.example(DATE))


def test_a_date_refers_to_others_by_their_place() -> None:
    """As the engine needs it."""
    due = Feature("due", "date", aspects=(Aspect("since", "made"), Aspect("age")), planned=True)
    assert due.form.spec(due, {"x": 0, "made": 2}) == ((("since", 2), ("age", 0)), (), True, {}, {}, ())
    contract = Contract((Feature("x", "number"), due, DATE))
    row = encoder(contract).encode([(1.0, "2026-01-05", "2026-01-02T12:00")], parse_moment("2026-01-03") or 0).row(0)
    assert row == [1.0, 2.5, -2.0, 0.5, 12.0]


def test_a_date_has_no_weights() -> None:
    """They are of tokens."""
    with pytest.raises(CardInvalid, match="has groups, roles or weights"):
        Feature("made", "date", weights={"a": 1.0})
