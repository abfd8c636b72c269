"""Exports in the shapes of well-known CRMs are trained on, and each of their leads is served as it was measured."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leadscoring.model.file import open_model
from leadscoring.training.encode import encode_table
from leadscoring.training.evaluate import evaluate
from leadscoring.training.fit import train
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.table import read_table
from leadscoring.training.reread import reread

ROWS = 400


def quoted(*cells: object) -> list[str]:
    """Cells in quotation marks, those in them doubled."""
    return ['"' + str(cell).replace('"', '""') + '"' for cell in cells]


def german(value: float) -> str:
    """An amount as it is written in Germany."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


class Lead:
    """One made-up lead, before it has the shape of an export."""

    def __init__(self, place: int, random: np.random.Generator) -> None:
        self.place = place
        self.visits = int(random.poisson(4))
        self.amount = float(random.gamma(2.0, 8000.0))
        self.source = str(random.choice(["Organic Search", "Paid Search", "Direct", "organic search "]))
        chance = 1 / (1 + np.exp(3 - 0.4 * self.visits - 0.00008 * self.amount))
        self.won = bool(random.random() < chance)
        self.when = datetime(2025, 1, 1) + timedelta(hours=7 * place)  # noqa: DTZ001 - exports hold times without a zone
        self.undecided = bool(random.random() < 0.3)


def hubspot(leads: list[Lead]) -> bytes:
    """Everything quoted, quotation marks in a name, a column that comes twice, stages of a life cycle."""
    names = ["Record ID", "First Name", "Email", "Lifecycle Stage", "Create Date", "Number of Pageviews"]
    lines = [quoted(*names, 'Annual "Revenue"', "Original Source", "Number of Pageviews")]
    for one in leads:
        stage = ("Customer", "Evangelist")[one.place % 2] if one.won else ("Opportunity" if one.undecided else "Lead")
        when, revenue = f"{one.when:%Y-%m-%d %H:%M}", f"{one.amount:.2f}" if one.place % 5 else ""
        person = (9000 + 7 * one.place, "Ann", f"a{one.place}@x.com")
        lines.append(quoted(*person, stage, when, one.visits, revenue, one.source, one.visits))
    return "\n".join(map(",".join, lines)).encode()


def salesforce(leads: list[Lead]) -> bytes:
    """A report in Windows-1252 with remarks below it, dates of the US, amounts with a currency, cells of two lines."""
    lines = [
        quoted("Lead ID", "Größe", "Lead Source", "Create Date", "Annual Revenue", "Do Not Call", "Street", "Converted")
    ]
    for one in leads:
        when = f"{one.when.month}/{one.when.day}/{one.when.year}"
        rest = (
            f"USD {one.amount:,.2f}",
            one.place % 2,
            "Road 1\nFloor 2" if one.place % 9 == 0 else "Road 1",
            int(one.won),
        )
        lines.append(quoted(f"00Q{one.place:09x}", "groß" if one.visits > 4 else "klein", one.source, when, *rest))
    text = "\r\n".join(map(",".join, lines)) + '\r\n\r\n"Leads"\r\n"Copyright (c) salesforce.com"\r\n'
    return text.encode("cp1252")


def dynamics(leads: list[Lead]) -> bytes:
    """Semicolons, a byte order mark, German numbers and dates."""
    lines = [["(Nicht ändern) Lead", "Statusgrund", "Erstellt am", "Budget", "Jahresumsatz", "Quelle", "Chance"]]
    for one in leads:
        state = "Qualifiziert" if one.won else ("Neu" if one.undecided else "Verloren")
        money = [german(one.amount) + " €", f"{int(one.amount) * 1000:,}".replace(",", ".")]
        lines.append(
            [f"{one.place:08x}", state, f"{one.when:%d.%m.%Y %H:%M}", *money, one.source, f"{one.visits * 9} %"]
        )
    return b"\xef\xbb\xbf" + "\r\n".join(map(";".join, lines)).encode()


def odoo(leads: list[Lead]) -> bytes:
    """False for whatever is missing, technical names."""
    lines = [quoted("id", "stage_id", "create_date", "expected_revenue", "visit_count", "source_id/name")]
    for one in leads:
        stage = "Won" if one.won else ("Proposition" if one.undecided else "Lost")
        rest = (f"{one.amount:.2f}", one.visits if one.place % 20 else "False", one.source)
        lines.append(quoted(f"__export__.lead_{one.place}", stage, f"{one.when:%Y-%m-%d %H:%M:%S}", *rest))
    return "\n".join(map(",".join, lines)).encode()


def pipedrive(leads: list[Lead]) -> bytes:
    """UTF-16 of Excel, tabs, an exported title above, grouped whole amounts."""
    lines = [
        ["Deals"],
        ["Deal - ID", "Deal - Status", "Deal - Created", "Deal - Value", "Deal - Visits", "Deal - Source"],
    ]
    for one in leads:
        status = "Won" if one.won else ("Open" if one.undecided else "Lost")
        value = f"{one.amount:,.0f}"
        lines.append([str(one.place), status, f"{one.when:%b %d, %Y %I:%M %p}", value, str(one.visits), one.source])
    return "\r\n".join(map("\t".join, lines)).encode("utf-16")


EXPORTS: dict[Callable[[list[Lead]], bytes], dict[str, Any]] = {
    hubspot: {"target": "Lifecycle Stage", "positive": "Customer,Evangelist", "time": "Create Date"},
    salesforce: {"target": "Converted", "time": "Create Date", "id": "Lead ID"},
    dynamics: {"target": "Statusgrund", "positive": "Qualifiziert", "time": "Erstellt am"},
    odoo: {"target": "stage_id", "time": "create_date"},
    pipedrive: {"target": "Deal - Status", "time": "Deal - Created", "id": "Deal - ID"},
}
NUMBERS: dict[Callable[[list[Lead]], bytes], set[str]] = {
    hubspot: {"Annual 'Revenue'", "Number of Pageviews"},
    salesforce: {"Annual Revenue"},
    dynamics: {"Budget", "Jahresumsatz", "Chance"},
    odoo: {"expected_revenue", "visit_count"},
    pipedrive: {"Deal - Value", "Deal - Visits"},
}


@pytest.mark.parametrize("crm", EXPORTS, ids=lambda crm: crm.__name__)
def test_an_export_is_trained_on_and_served_as_it_was_measured(
    tmp_path: Path, crm: Callable[[list[Lead]], bytes]
) -> None:
    """Numbers are numbers, open deals are out, and every lead gets from the service what evaluate gives it."""
    random = np.random.default_rng(4)
    leads = [Lead(place, random) for place in range(ROWS)]
    path = tmp_path / "export.csv"
    path.write_bytes(crm(leads))
    options = TrainOptions(**EXPORTS[crm], ship_measured=True)
    trained = train(path, options)
    kinds = {feature.name: feature.kind for feature in trained.card.contract.features}
    assert {name for name, kind in kinds.items() if kind in ("number", "integer")} == NUMBERS[crm]
    waiting = 0 if crm is salesforce else sum(one.undecided and not one.won for one in leads)
    trained.save(tmp_path / "m.json")
    measured = evaluate(tmp_path / "m.json", path, options.target)
    assert measured["data"]["rows"] == ROWS - waiting
    assert measured["data"]["positives"] == sum(one.won for one in leads)
    assert not [words for words in measured["warnings"] if "refuse" in words or "never saw" in words]
    model = open_model(tmp_path / "m.json")
    read = reread(model.card.contract, model.card.read_as, read_table(path).frame)
    margins = model.trees.margins(encode_table(model.card.contract, read.frame))
    for row, margin in zip(read.frame.iter_rows(named=True), margins, strict=True):
        given = {name: value for name, value in row.items() if value is not None}
        _, rows = model.decoder.one(json.dumps({"lead_id": "a", "features": given}).encode())
        assert model.trees.predict(rows) == [pytest.approx(margin, abs=1e-6)]
        assert rows.unseen == []


def test_options_may_use_the_names_of_the_file(tmp_path: Path) -> None:
    """With quotation marks in them, in training and in evaluation, and the card has the names of the features."""
    rows = [f"{place % 7},{(place * 37) % 50 if place % 10 else 99},{'yn'[place % 3 > 0]}" for place in range(300)]
    path = tmp_path / "leads.csv"
    path.write_text("\n".join(['"a ""b""","c ""d""","won ""?"""', *rows]))
    options = TrainOptions(target='won "?"', missing=('c "d"=99',), ship_measured=True)
    trained = train(path, options)
    assert trained.card.contract.names == ["a 'b'", "c 'd'"]
    assert trained.card.read_as.missing == ("c 'd'=99",)
    trained.save(tmp_path / "m.json")
    measured = evaluate(tmp_path / "m.json", path, 'won "?"')
    assert measured["data"]["positive"] == "y"
    assert not [words for words in measured["warnings"] if "refuse" in words]
