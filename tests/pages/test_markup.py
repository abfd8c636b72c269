"""Whatever a file says stays text, and tables are read aloud and on a telephone with the names of their columns."""

import pytest

from leadscoring.pages.markup import ICONS, badge, card, document, folded, icon, name, points, table, text, tier

EVIL = "<script>alert(1)</script>\"'&"


@pytest.mark.parametrize(
    "render", [text, name, lambda words: badge("ok", words), lambda words: card(words, "", words, anchor=words),
               lambda words: folded(words, ""), lambda words: points([words]), tier,
               lambda words: table([words], [[name(words)]], label=words), lambda words: document(words, "", "")],
)  # fmt: skip
def test_no_text_becomes_markup(render: object) -> None:
    """Neither as a text nor within an attribute."""
    rendered = render(EVIL)  # type: ignore[operator] # each of them takes a text
    assert "<script" not in rendered
    assert "\"'" not in rendered


def test_a_name_of_any_direction_stays_in_its_place() -> None:
    """As its direction is its own."""
    assert name("\u202eevil") == "<bdi>\u202eevil</bdi>"


def test_a_table_has_heads_and_labels_each_cell() -> None:
    """A card of a telephone has no head; a table that scrolls can be reached with the keyboard."""
    plain = table(["Tier", "Leads"], [["A", "3"]], label="Tiers", css=["said", "n"])
    cards = table(["Tier", "Leads"], [["A", "3"]], label="Tiers", css=["said", "n"], cards=True)
    assert '<th scope="row" class="said">A</th><td class="n" data-label="Leads">3</td>' in plain
    assert '<span class="only-card">Tier </span>A' in cards
    assert all(part in plain for part in ('role="region"', 'tabindex="0"', 'aria-label="Tiers"'))
    with pytest.raises(ValueError, match="zip"):
        table(["Tier", "Leads"], [["A"]], label="Tiers")


def test_icons_are_not_read_aloud() -> None:
    """Words beside them say the same."""
    assert all('aria-hidden="true"' in icon(sign) for sign in ICONS)
