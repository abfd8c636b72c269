"""One stylesheet gives every page its look, light and dark, and loads nothing."""

import re

from leadscoring.pages.look import stylesheet, tokens


def test_the_stylesheet_loads_nothing_and_has_no_comments() -> None:
    """So that a page with it is self-contained."""
    text = stylesheet()
    assert not re.search(r"url\(|@import|/\*|<", text)
    assert text.count("{") == text.count("}")


def test_every_colour_is_defined_for_light_and_for_dark() -> None:
    """A colour that only one of them has would be invisible in the other."""
    light, dark = tokens().split("@media (prefers-color-scheme: dark)")
    named = [set(re.findall(r"(--[\w-]+): #", part)) for part in (light, dark)]
    assert named[0] - named[1] == set()
    assert set(re.findall(r"var\((--[\w-]+)\)", stylesheet())) <= set(re.findall(r"(--[\w-]+):", light))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_texts_can_be_read_on_every_ground() -> None:
    """With a contrast of 4.5 at least, light and dark; on the ground of a verdict too."""
    for part in tokens().split("@media (prefers-color-scheme: dark)"):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", part))
        pairs = [(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("surface", "sunken", "bg")]
        pairs += [(f"tier-{tier}-ink", f"tier-{tier}") for tier in "abcde"]
        pairs += [(ink, f"{sign}-soft") for sign in ("ok", "warn", "bad") for ink in ("ink", "ink-2", sign)]
        assert {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs
                if contrast(colours[pair[0]], colours[pair[1]]) < 4.5} == {}  # fmt: skip
