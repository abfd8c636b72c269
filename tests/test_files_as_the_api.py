"""A lead in a file gets what ``POST /api/v1/score/batch`` answers for it, from a real server: to the bit, and to the word.

By a contract of numbers alone, and by one with categories, dates, texts, addresses and sets; in CSV and in Parquet.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
from bulk_files import rejects_of, rows_of, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import Server, serving
from timed import FEATURES, TIMED, timed_model

from leadscoring.contract.moment import moment_of, written
from leadscoring.demo.contract import CONTRACT
from leadscoring.demo.leads import demo_leads
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.settings import shipped_model

REASONS = 4
SOUND = [lead.features for lead in demo_leads(50, seed=4)]

ODD_NUMBERS: dict[str, list[Any]] = {
    "bounce_rate": [None, 0, 1, 1.5, -0.25, "many"],
    "geographic_tier": [None, 1, 3, 4, 1.5, 1e39, "first"],
    "company_public_status": [None, True, False, 2, "perhaps"],
    "company_revenue": [None, 0, -1, 1e30, 1e39, 0.1, "12 EUR"],
    "subsidiary_count": [None, 0, 2**53, -7],
}
ODD_LEADS: dict[str, list[Any]] = {
    "amount": [None, 0, 0.1, -1, 1e39, "many"],
    "created": [None, "2026-03-01", "2026-03-09T23:59:59.5Z", "2026-12-24", "2026-02-30", "01/02/2026", "soon"],
    "due": [None, "2026-01-01", "2027-01-01T00:00:00+05:30", "later"],
    "title": [None, "Vice President, Sales", "an intern " * 30, "größer; als", 'the "boss"', "x\ny", "7"],
    "email": [None, "a@gmail.com", "sales@shop.de", "nobody", "Ä@Ö.de"],
    "interests": [None, ["demo"], ["pricing", "Demo", "other"], [f"one {number}" for number in range(20)]],
    "source": [None, "event", "fair", "WEB"],
}
IDS: list[Any] = ["lead 1", "lead 2", "Größe", "7", None, "x" * 256, "x" * 257]
MOMENTS: list[Any] = ["2026-03-10T12:00:00Z", "2026-03-08", "2030-01-01T00:00:00+01:00", "soon", "2026-02-30"]


class Side(NamedTuple):
    """A model, the server that serves it, and the cells that differ from those of a sound lead."""

    server: Server
    model: LoadedModel
    odd: dict[str, list[Any]]

    def __repr__(self) -> str:
        """Only its name, where a failure shows it."""
        return self.model.identity.name

    @property
    def is_timed(self) -> bool:
        """Whether leads have a moment."""
        return self.model.card.contract.is_timed


@pytest.fixture(scope="module")
def sides() -> Iterator[dict[str, Side]]:
    """Both models, each served."""
    with tempfile.TemporaryDirectory() as folder:
        timed, plain = timed_model(Path(folder)), Path(shipped_model())
        with serving(Path(folder), timed) as one, serving(Path(folder), plain) as other:
            yield {
                "every kind": Side(one, open_model(timed), ODD_LEADS),
                "numbers": Side(other, open_model(plain), ODD_NUMBERS),
            }


@st.composite
def leads(draw: st.DrawFn, odd: dict[str, list[Any]], is_timed: bool) -> list[dict[str, Any]]:
    """Leads, of which most have a few odd cells."""
    made = []
    for _ in range(draw(st.integers(1, 12))):
        sound = FEATURES if is_timed else draw(st.sampled_from(SOUND))
        names = draw(st.lists(st.sampled_from(list(odd)), max_size=3))
        lead: dict[str, Any] = {"lead_id": draw(st.sampled_from(IDS))}
        lead["features"] = dict(sound) | {name: draw(st.sampled_from(odd[name])) for name in names}
        if is_timed:
            lead["as_of"] = draw(st.sampled_from(MOMENTS))
        made.append(lead)
    return made


MANY = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(made=leads(ODD_NUMBERS, False), is_text=st.booleans())
def test_leads_of_numbers(sides: dict[str, Side], made: list[dict[str, Any]], is_text: bool) -> None:
    """Scores, reasons, warnings and every fault are equal."""
    hold_equal(sides["numbers"], made, is_text)


@MANY
@given(made=leads(ODD_LEADS, True), is_text=st.booleans())
def test_leads_of_every_kind(sides: dict[str, Side], made: list[dict[str, Any]], is_text: bool) -> None:
    """The same with categories, dates, texts, addresses and sets, each lead as of its own moment."""
    hold_equal(sides["every kind"], made, is_text)


def hold_equal(side: Side, made: list[dict[str, Any]], is_text: bool) -> None:
    """What a file of leads gets is what the service answers."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / ("leads.csv" if is_text else "leads.parquet")
        sent = write_csv(data, made) if is_text else write_parquet(data, made)
        out = data.with_name(f"scores{data.suffix}")
        options: dict[str, Any] = {"as_of": "seen"} if side.is_timed else {}
        counts = run(side.model, data, out, lead_id="key", reasons=REASONS, details=True, **options).counts
        scores = rows_of(out) if is_text else pl.read_parquet(out).to_dicts()
        rejects = rejects_of(out.with_name("scores.rejects.csv"))
    answers = side.server.http.post(f"/api/v1/score/batch?reasons={REASONS}", json=sent).json()
    assert (counts.scored, counts.rejected) == (len(scores), len(rejects))
    assert counts.rows == len(made) == len(answers)
    left = iter(scores), iter(rejects)
    for place, answer in enumerate(answers):
        if "error" in answer:
            reject = next(left[1])
            assert int(reject["line"]) == (line_of(made, place) if is_text else place + 1)
            assert reject["faults"] == answer["error"]["errors"]
        else:
            hold_same(next(left[0]), answer)


def hold_same(row: dict[str, Any], answer: dict[str, Any]) -> None:
    """A row of scores says what the service says of the lead."""
    score = answer["score"]
    assert row["id"] == answer["lead_id"]
    assert float(row["probability"]) == score["raw_score"]
    assert (row["tier"], int(row["bucket"])) == (score["tier"], score["bucket"])
    assert (float(row["percentile"]) if row["percentile"] else row["percentile"] or None) == score["percentile"]
    assert row.get("as_of") == answer.get("as_of")
    found = reasons_of(row)
    assert len(found) == len(answer["reasons"])
    for (feature, value, contribution, aspect), reason in zip(found, answer["reasons"], strict=True):
        assert (feature, contribution) == (reason["feature"], reason["contribution"])
        assert aspect == reason.get("aspect")
        hold_value(value, reason["value"])
    warnings = answer["warnings"]
    if isinstance(row["warnings"], str):
        assert row["warnings"] == "; ".join(f"{one['code']}: {one['message']}" for one in warnings)
    else:
        assert row["warnings"] == [{name: one.get(name) for name in ("code", "feature", "message")} for one in warnings]


def reasons_of(row: dict[str, Any]) -> list[tuple[Any, ...]]:
    """The reasons of a row of CSV or Parquet."""
    parts = ("feature", "value", "contribution", "aspect")
    if "reasons" in row:
        return [tuple(one.get(part) for part in parts) for one in row["reasons"]]
    every = ([row.get(f"reason_{place}_{part}") or None for part in parts] for place in range(1, REASONS + 1))
    return [(feature, value, float(share or "nan"), aspect) for feature, value, share, aspect in every if feature]


def hold_value(text: str | None, value: Any) -> None:
    """A value of a reason as a file has it is that of the service."""
    if value is None:
        assert not text
    elif isinstance(value, str | list):
        assert text == (value if isinstance(value, str) else "; ".join(value))
    else:
        assert text is not None
        assert float(text) == float(value)


def line_of(made: list[dict[str, Any]], place: int) -> int:
    """The line of a lead in CSV: texts above it may hold line breaks."""
    return 2 + place + sum(str(lead["features"].get("title")).count("\n") for lead in made[:place])


def write_csv(path: Path, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Writes leads as CSV; returns them as a client sends them who has the same texts."""
    rows = [",".join([cell(one) for one in cells_of(lead).values()]) for lead in made]
    header = ",".join(cells_of(made[0]))
    path.write_text("\n".join([header, *rows]) + "\n", newline="")
    sent = []
    for lead in made:
        features = {name: joined(value) for name, value in lead["features"].items()}
        sent.append(lead | {"features": features})
    return in_utc(sent)


def cells_of(lead: dict[str, Any]) -> dict[str, Any]:
    """The cells of a lead by the names of the columns."""
    return {"key": lead["lead_id"], **lead["features"]} | ({"seen": lead["as_of"]} if "as_of" in lead else {})


def joined(value: Any) -> Any:
    """A set as one text."""
    return "; ".join(value) if isinstance(value, list) else value


def cell(value: Any) -> str:
    """A value as a cell of CSV."""
    if value is None:
        return ""
    text = str(joined(value)) if isinstance(value, str | list) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def write_parquet(path: Path, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Writes leads as Parquet; returns them as a client sends them who has the same values.

    A column of numbers is of float64, unless one of its cells is a text: then all are.
    """
    columns: dict[str, pl.Series] = {}
    sent = [lead | {"features": dict(lead["features"])} for lead in made]
    for name in cells_of(made[0]):
        values = [cells_of(lead)[name] for lead in made]
        if any(isinstance(value, list) for value in values) or name == "interests":
            columns[name] = pl.Series(values, dtype=pl.List(pl.String))
        elif all(value is None or isinstance(value, int | float) for value in values):
            columns[name] = pl.Series([None if value is None else float(value) for value in values], dtype=pl.Float64)
            for lead in sent:
                if lead["features"].get(name) is not None:
                    lead["features"][name] = float(lead["features"][name])
        else:
            texts = [value if value is None or isinstance(value, str) else json.dumps(value) for value in values]
            columns[name] = pl.Series(texts, dtype=pl.String)
    pl.DataFrame(columns).write_parquet(path)
    return in_utc(sent)


def in_utc(sent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same leads with dates in the notation in which scores of files have them."""
    for lead in sent:
        for name in {"created", "due"} & lead["features"].keys():
            try:
                lead["features"][name] = written(moment_of(lead["features"][name]))
            except (TypeError, ValueError):
                continue
    return sent


def test_the_contracts_have_every_kind() -> None:
    """A new kind of feature is compared, too: it belongs among those of ``ODD_LEADS``."""
    assert set(ODD_LEADS) == set(TIMED.names)
    assert set(ODD_NUMBERS) <= set(CONTRACT.names)
