"""Names and values that speak of what comes after the outcome are known, and honest ones are not mistaken for them."""

import pytest

from leadscoring.training.late import prefix_of, results_among, strongly, weakly


@pytest.mark.parametrize(
    "name",
    [
        *["Tags", "Lead Quality", "Lead Profile", "Last Activity", "Last Notable Activity", "Stage", "isClosed"],
        *["Asymmetrique Activity Index", "Asymmetrique Profile Score", "Lost Reason", "Closed Won", "Lead Status"],
        *["Last Modified Date", "Converted Opportunity ID", "Status Reason", "Verlustgrund", "Disposition", "Rating"],
        *["(Do Not Modify) Modified On", "Geändert am", "Letzte Änderung", "Next Step"],
    ],
)
def test_late_names_are_known(name: str) -> None:
    """Of CRMs, and of the data that people learn with."""
    assert strongly(name)


@pytest.mark.parametrize(
    "name",
    [
        *[
            "lead_source_quality",
            "days_since_last_touch",
            "industry_tech_score",
            "State",
            "Marital status",
            "cons.conf.idx",
        ],
        *[
            "Previous outcome",
            "poutcome",
            "campaign",
            "Lead Origin",
            "Lead Source",
            "Company",
            "Last Name",
            "Credit score",
        ],
        *["Est. Close Date", "Expected close date"],
        *[
            "What is your current occupation",
            "Total Time Spent on Website",
            "Page Views Per Visit",
            "contract_reviewed",
        ],
    ],
)
def test_names_of_what_is_known_beforehand_are_not(name: str) -> None:
    """Also where they hold a word of the others."""
    assert not strongly(name)


def test_a_name_of_several_meanings_speaks_weakly() -> None:
    """A duration may be that of the call that brought the outcome."""
    assert weakly("duration")
    assert not strongly("duration")
    assert not weakly("Avg session duration")


def test_results_are_several_values_and_not_rare() -> None:
    """One such value among many is a coincidence."""
    assert results_among(["Ringing", "switched off", "web"], [50, 20, 100]) == ("Ringing", "switched off")
    assert results_among(["Ringing", "web", "event"], [500, 20, 100]) == ()
    assert results_among(["Ringing", "switched off", "web"], [5, 2, 1000]) == ()


def test_paid_channels_are_no_results() -> None:
    """Paid search is where a lead came from; who has paid is a customer."""
    assert results_among(["Paid Search", "Paid > Social > Brand", "Organic"], [50, 20, 100]) == ()
    assert results_among(["Fully paid", "Paid in full", "open"], [50, 20, 100]) == ("Fully paid", "Paid in full")


def test_a_prefix_of_most_names_says_nothing() -> None:
    """Pipedrive begins them all with Deal."""
    assert prefix_of(["Deal - ID", "Deal - Value", "Deal - Source", "Owner"]) == "Deal "
    assert prefix_of(["ID", "Value", "Source", "Owner"]) == ""


@pytest.mark.parametrize(
    "values", [["Paid Search", "Paid > Social > Video", "Cold List"], ["cold call", "Hotline", "web"]]
)
def test_channels_are_no_results(values: list[str]) -> None:
    """Where a lead came from is known from the beginning, though *paid* and *cold* alone say what came of it."""
    assert results_among(values, [10] * len(values)) == ()
    assert results_among(["Paid", "Cold", "web"], [10, 10, 10]) == ("Paid", "Cold")
