"""The CRMs as they are described: labels, stages and formats fit together, and differ as the CRMs do."""

import pytest

from leadscoring.demo.exports.cells import CELLS
from leadscoring.demo.exports.crm import CRMS, DYNAMICS, ENCODINGS, HUBSPOT, LOCALES, SALESFORCE, SEPARATORS, Crm
from leadscoring.demo.exports.forms import FORMS


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> Crm:
    """Each CRM."""
    return CRMS[request.param]


def test_every_column_can_be_filled_and_written(crm: Crm) -> None:
    """A cell is known or a constant, a form is known, and no label comes twice."""
    assert {column.cell for column in crm.columns} <= set(CELLS) | set(crm.constants)
    assert {column.form for column in crm.columns} <= set(FORMS)
    labels = [column.label for column in crm.columns]
    assert len(set(labels)) == len(labels)


def test_target_time_and_key_are_columns_that_do_not_leak(crm: Crm) -> None:
    """What the trainer is given is in the file, and known in time or meant to be learned."""
    assert {crm.target, crm.time, crm.key} <= {column.label for column in crm.columns}
    assert not {crm.target, crm.time, crm.key} & set(crm.leaks)


def test_every_course_of_a_deal_has_a_stage(crm: Crm) -> None:
    """Won, upsell, lost and open; more than one stage means converted."""
    assert {stage.kind for stage in crm.stages} == {"won", "upsell", "lost", "open"}
    assert len(crm.positive) == 2


def test_the_probability_of_a_stage_follows_its_kind(crm: Crm) -> None:
    """100 % for won, 0 for lost, in between for open deals."""
    for stage in crm.stages:
        bounds = {"won": (100, 100), "upsell": (100, 100), "lost": (0, 0), "open": (1, 99)}[stage.kind]
        assert bounds[0] <= stage.chance <= bounds[1]


def test_formats_are_known(crm: Crm) -> None:
    """Locale, encoding and separator are among those that can be chosen."""
    assert crm.locale in LOCALES
    assert crm.encoding in ENCODINGS
    assert crm.separator in SEPARATORS


def test_the_crms_differ_in_language_and_form() -> None:
    """Locale, encoding, labels and target of each are its own."""
    crms = (HUBSPOT, SALESFORCE, DYNAMICS)
    for part in ("locale", "encoding", "target", "time", "key"):
        assert len({getattr(crm, part) for crm in crms}) == 3, part
    assert [bool(crm.footer) for crm in crms] == [False, True, False]
    assert [bool(crm.again) for crm in crms] == [False, False, True]


def test_the_known_marks_of_each_crm_are_there() -> None:
    """What owners of such files recognise at first sight."""
    assert {"Record ID", "Deal Stage", "Original Source Drill-Down 1"} <= {one.label for one in HUBSPOT.columns}
    assert {"Opportunity Name", "Probability (%)", "Expected Revenue"} <= {one.label for one in SALESFORCE.columns}
    assert [one.label for one in DYNAMICS.columns][:3] == [
        "(Do Not Modify) Opportunity",
        "(Do Not Modify) Row Checksum",
        "(Do Not Modify) Modified On",
    ]
    assert "Confidential Information - Do Not Distribute" in SALESFORCE.footer
