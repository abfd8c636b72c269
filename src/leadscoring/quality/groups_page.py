"""The part of the page of live quality that says where scores are off."""

from leadscoring.model.card import in_percent
from leadscoring.pages.markup import badge, card, icon, name, table, text
from leadscoring.quality.groups import GroupInfo, Groups

HEADS = ("Group", "Mature leads", "Predicted", "Observed, 95%", "Mature leads say", "Daily evidence says")
CSS = ("", "n", "n", "n", "", "")

ABOUT = (
    "Groups are leads with the same value of a flag or category. Whatever one group does is seen in others that share "
    "leads with it, so begin with the first."
)
"""Why several groups are off when one is."""


def where_off(found: Groups | None) -> str:
    """Renders the groups that are off, the strongest first; nothing where there is no group to look at."""
    if found is None or not found.judged:
        return ""
    if not found.off:
        looked_at = "The one group" if found.judged == 1 else f"None of {found.judged:,} groups"
        said = f"{looked_at} with enough leads is {'not ' * (found.judged == 1)}off by more than chance explains."
        return card("Where is it off?", f"<p>{icon('ok')} {text(said)}</p>", anchor="groups")
    rows = table(HEADS, map(row, found.shown), label="Groups that are off", css=CSS, cards=True)
    return card("Where is it off?", rows + note(found), ABOUT, flush=True, anchor="groups")


def note(found: Groups) -> str:
    """Says how many groups there are, and how many are not shown."""
    more = f" The {len(found.shown)} strongest are shown." if found.off > len(found.shown) else ""
    are = "is" if found.off == 1 else "are"
    return f"<p>{found.off:,} of {found.judged:,} groups with enough leads {are} off.{more}</p>"


def row(one: GroupInfo) -> list[str]:
    """Renders a group."""
    dash = "\N{EN DASH}"
    observed = dash
    if one.observed is not None:
        low, high = in_percent([one.observed.low])[0], in_percent([one.observed.high])[0]
        observed = f"{in_percent([one.observed.value])[0]}<small>{low} to {high}</small>"
    return [
        f"{name(one.feature)}: {name(one.value)}",
        f"{one.leads:,}",
        dash if one.predicted is None else in_percent([one.predicted])[0],
        observed,
        badge("note", "too few") if one.verdict is None
        else badge("ok" if one.verdict == "as predicted" else "look", one.verdict),
        dash if one.direction is None else badge("look", f"{one.direction} since {one.since}"),
    ]  # fmt: skip
