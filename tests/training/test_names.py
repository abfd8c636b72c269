import pytest

from leadscoring.training.names import (
    personal,
    says_count,
    says_flag,
    says_late,
    says_person,
    says_planned,
    words,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("First Name", "a person's name"),
        ("lastName", "a person's name"),
        ("Contact - Full name", "a person's name"),
        ("Name", "a person's name"),
        ("Vorname", "a person's name"),
        ("date_of_birth", "a date of birth"),
        ("DOB", "a date of birth"),
        ("born", "a date of birth"),
        ("Date Birth", "a date of birth"),
        ("date_naissance", "a date of birth"),
        ("Fecha Nacimiento", "a date of birth"),
        ("Geboren am", "a date of birth"),
        ("Gender", "gender"),
        ("Salutation", "gender"),
        ("Email Address", "how to reach a person"),
        ("Mobile Phone Number", "how to reach a person"),
        ("Ethnicity", "what law protects most"),
        ("Do Not Email", ""),
        ("Company Name", ""),
        ("Deal Name", ""),
        ("Emails Opened", ""),
        ("Number of calls", ""),
        ("Country", ""),
        ("marital", ""),
        ("age", ""),
        ("Job Title", ""),
        ("race_car_interest", ""),
    ],
)
def test_personal_data_is_known_by_the_whole_name(name: str, kind: str) -> None:
    """A column about a person is one; a column that only mentions e-mails or names of firms is none."""
    assert personal(name) == kind


@pytest.mark.parametrize(
    ("name", "late"),
    [
        ("Deal Stage", True),
        ("isClosedWon", True),
        ("Close Date", True),
        ("lost_reason", True),
        ("call duration", True),
        ("Weighted amount", True),
        ("Lead Status", True),
        ("Number of Associated Deals", True),
        ("avg_session_duration_sec", False),
        ("company_public_status", False),
        ("Marital Status", False),
        ("Dealership", False),
        ("enclosed", False),
        ("paid_channel_source", False),
        ("Deal Type", False),
        ("Deal owner", False),
        ("Number of associated deals", True),
    ],
)
def test_names_of_after_the_fact(name: str, late: bool) -> None:
    """Words of the end of a deal, as whole words."""
    assert says_late(name) == late


def test_what_names_say_of_numbers() -> None:
    """Questions are flags, plurals count, and money and time do not."""
    assert words("isClosed_won HTMLPage") == "is closed won html page"
    assert says_flag("hasDemo")
    assert says_flag("Newsletter?")
    assert not says_flag("history")
    assert says_count("Number of employees")
    assert says_count("page_views_30d")
    assert not says_count("Days since visits")
    assert not says_count("Average clicks")


@pytest.mark.parametrize(
    ("name", "person", "planned"),
    [
        ("Associated Contact", True, False),
        ("Contact Name", True, False),
        ("Ansprechpartner", True, False),
        ("Number of contacts today", False, False),
        ("Job Title", False, False),
        ("Est. Close Date", False, True),
        ("Renewal Date", False, True),
        ("trialEndDate", False, True),
        ("Next follow-up", False, True),
        ("Target date", False, True),
        ("Reminder", False, True),
        ("Forecast month", False, True),
        ("Created", False, False),
    ],
)
def test_names_tell_persons_and_plans(name: str, person: bool, planned: bool) -> None:
    """A text may be a person's name, and a date may be one that has not come yet."""
    assert (says_person(name), says_planned(name)) == (person, planned)
