"""Names, titles and messages: complete, writable in every encoding, and nobody's own."""

from leadscoring.demo.exports import words
from leadscoring.demo.exports.levels import COUNTRY, FUNCTION, MESSAGE, SENIORITY


def test_every_seniority_and_function_has_its_titles() -> None:
    """Named as such, in several ways."""
    titles = words.all_titles()
    assert len(titles) == len(SENIORITY.rows) * len(FUNCTION.rows) * words.VARIANTS
    assert titles[0] == "CTO"
    assert {"VP of Finance", "Head of HR", "Sr. Marketing Manager", "IT Intern"} <= set(titles)


def test_every_message_has_a_place_for_its_number() -> None:
    """But for the empty one."""
    messages = words.all_messages()
    assert len(messages) == 6 * len(MESSAGE.rows)
    assert {before + after for before, after in messages[:6]} == {""}
    assert all("{" not in before + after for before, after in messages)


def test_every_country_has_a_form_of_company_a_domain_and_a_range_of_numbers() -> None:
    """In the order of the countries."""
    assert len(words.COMPANY_FORMS) == len(words.DOMAINS) == len(words.PHONES) == len(COUNTRY.rows)


def test_every_word_can_be_written_in_windows_1252_and_some_not_in_ascii() -> None:
    """So that a wrong encoding shows."""
    every = " ".join((*words.FIRST_NAMES, *words.SURNAMES, *words.OWNERS, *words.all_titles(), *words.LOST_REASONS))
    assert every.encode("cp1252")
    assert not every.isascii()
