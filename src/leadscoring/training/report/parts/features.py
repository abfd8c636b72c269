"""What the model looks at, whether it is as good for every group of leads, and whether it lasts."""

from datetime import date
from typing import Any

from leadscoring.pages import charts
from leadscoring.pages.markup import badge, card, folded, name, table, text
from leadscoring.pages.plot import Scale
from leadscoring.training.report.words import percent

Data = dict[str, Any]

SHOWN = 15
"""Features in sight; the others are folded away."""

DRAWN = 10
"""Features, the strongest first, whose effect is drawn in full."""

WEEK = 7
"""Days of a period that is named by its first day."""

CURVE = "Log-odds by value. Line: mean; band: four of five leads; below: where a band of values begins, and its leads."

NO_NUMBER = "\N{EN DASH}"


def effects(data: Data) -> str:
    """Renders the features by strength, with their effects."""
    by_name = {one["feature"]: one for one in data["effects"]}
    ranked = data["drivers"]
    most = max([abs(level["effect"]) for one in data["effects"] for level in one["levels"]], default=1.0) or 1.0
    unknown = {one["feature"]: one["share"] for one in data["unknown"]}
    longest = ranked[0]["share"] or 1.0
    rows = [
        [
            name(one["feature"]),
            f'<span class="pair">{charts.bar(one["share"] / longest)}<span>{percent(one["share"])}</span></span>',
            small(by_name.get(one["feature"]), most),
            span(by_name.get(one["feature"])),
            name(one["direction"]),
            percent(unknown.get(one["feature"], 0.0), 0),
        ]
        for one in ranked
    ]
    heads, css = (
        ["Feature", "Share of the score", "Effect", "Log-odds", "Direction", "Unknown"],
        ["", "", "", "n", "say", "n"],
    )
    body = table(heads, rows[:SHOWN], label="Features", css=css, cards=True)
    if rest := rows[SHOWN:]:
        more = f"{len(rest)} weaker feature{'s' * (len(rest) > 1)}"
        body += folded(more, table(heads, rest, label=more, css=css, cards=True))
    every = "".join(folded_effect(one, place < DRAWN) for place, one in enumerate(data["effects"]))
    body += folded("Effects value by value", every) if every else ""
    return card(
        "What the score looks at",
        body,
        "The effect is what a feature adds to the log-odds of a lead, from its low to its high values; all curves have "
        "one scale. It shows what the model uses, not what causes conversions. "
        f"By {data['effects_leads']:,} leads; open a feature for its values.",
        anchor="effects", flush=True,
    )  # fmt: skip


def ordered(one: Data) -> list[charts.Level]:
    """Returns the levels of a feature, bands of a number in their order."""
    levels = [level for level in one["levels"] if level["at"] is not None] or one["levels"]
    return [charts.Level(*(level[key] for key in ("value", "effect", "low", "high", "leads"))) for level in levels]


def small(one: Data | None, most: float) -> str:
    """Renders the effect in a table's cell; of categories, as bars would claim an order, only the numbers."""
    levels = ordered(one) if one and any(level["at"] is not None for level in one["levels"]) else []
    if len(levels) < 2:
        return ""
    change = levels[-1].effect - levels[0].effect
    return charts.small_effect(f"from low to high values {change:+.2f} log-odds", levels, most)


def span(one: Data | None) -> str:
    """Formats the smallest and largest effect."""
    if not one or not one["levels"]:
        return NO_NUMBER
    every = [level["effect"] for level in one["levels"]]
    return f"{signed(min(every))} to {signed(max(every))}"


def signed(number: float) -> str:
    """Formats log-odds with their sign."""
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


def folded_effect(one: Data, drawn: bool) -> str:
    """Renders the levels of one feature, folded away: a curve if they are in order, and a table."""
    if not one["levels"]:
        return ""
    levels = ordered(one)
    in_order = one["levels"][0]["at"] is not None and len(levels) > 2
    starts = [level._replace(name=level.name.partition(" to ")[0]) for level in levels]
    curve = ""
    if in_order and drawn:
        says = f"Effect of {one['feature']}: from {signed(levels[0].effect)} to {signed(levels[-1].effect)} log-odds"
        curve = charts.effect(says, starts)
        curve += f'<p class="small soft">{CURVE}</p>'
    return f"<details><summary>{name(one['feature'])}</summary>{curve}{level_table(one)}</details>"


def level_table(one: Data) -> str:
    """Renders the levels of one feature."""
    rows = [
        [
            name(level["value"]),
            f"{level['leads']:,}",
            signed(level["effect"]),
            f"{signed(level['low'])} to {signed(level['high'])}",
            percent(level["observed"]),
        ]
        for level in one["levels"]
    ]
    heads = ["Value", "Leads", "Effect", "Of four in five leads", "Converted"]
    return table(heads, rows, label=f"Effect of {one['feature']}", css=["", "n", "n", "n", "n"])


def segments(data: Data) -> str:
    """Renders the groups of leads: predicted, observed, and whether they differ beyond chance."""
    every = data["segments"]
    if not every:
        return ""
    top = max(bound for one in every for bound in (one["observed"]["high"], one["predicted"])) or 1.0
    scale = Scale(0.0, top)
    rows = [
        [
            f"{name(one['feature'])}: <b>{name(one['value'])}</b>",
            f"{one['leads']:,}",
            NO_NUMBER if one["roc_auc"] is None else f"{one['roc_auc']:.2f}",
            percent(one["predicted"]),
            percent(one["observed"]["value"]),
            charts.dots(group(one), scale),
            badge("look" if one["verdict"] != "as predicted" else "ok", one["verdict"]),
        ]
        for one in sorted(every, key=lambda one: one["verdict"] == "as predicted")
    ]  # fmt: skip
    heads = ["Group", "Leads", "ROC-AUC", "Predicted", "Observed", f"0 to {percent(top, 0)}", "Verdict"]
    css = ["", "n", "n", "n", "n", "wide", ""]
    body = table(heads, rows[:SHOWN], label="Groups", css=css, cards=True)
    if rest := rows[SHOWN:]:
        more = f"{len(rest)} more group{'s' * (len(rest) > 1)}"
        body += folded(more, table(heads, rest, label=more, css=css, cards=True))
    return card(
        "Is it as good for everybody?",
        charts.LEGEND + body,
        "Groups of at least 100 leads by the strongest features. A group is off if the difference is beyond chance (if "
        "all percentages are right, no group is off in 19 of 20 reports) and matters: at least a tenth of the "
        "predicted rate, and two points or half of that rate.",
        anchor="segments", flush=True,
    )  # fmt: skip


def group(one: Data, title: str = "") -> charts.Group:
    """Returns predicted and observed of a segment or a period, for a chart."""
    observed = one["observed"]
    return charts.Group(title, observed["value"], observed["low"], observed["high"], one["predicted"])


def period(one: Data) -> str:
    """Formats when a period begins: its month, or the day if it is shorter."""
    first, last = (date.fromisoformat(one[key]) for key in ("from", "to"))
    return f"{first:%b %Y}" if (last - first).days > WEEK else f"{first.day} {first:%b %Y}"


def over_time(data: Data) -> str:
    """Renders the conversions by period."""
    every = data["over_time"]
    if len(every) < 2:
        return ""
    groups = [group(one, period(one)) for one in every]
    judged = [one for one in every if one["verdict"] is not None]
    off = sum(one["verdict"] != "as predicted" for one in judged)
    says = f"{off} of {len(judged)} periods are off by more than chance" if judged else "No period has enough leads"
    rows = [
        [
            f"{text(one['from'])} to {text(one['to'])}",
            f"{one['leads']:,}",
            NO_NUMBER if one["predicted"] is None else percent(one["predicted"]),
            percent(one["observed"]["value"]),
            text(one["verdict"] or ("trained on" if one["predicted"] is None else "too few leads")),
        ]
        for one in every
    ]
    heads = ["Period", "Leads", "Predicted", "Observed", "Verdict"]
    return card(
        "Does it last?",
        charts.over_time(says, groups) + charts.TIME_LEGEND
        + folded("As a table", table(heads, rows, label="Conversions by period", css=["nowrap", "n", "n", "n", ""])),
        f"The share of leads that converts, by when they arrived. {says}.",
        anchor="time",
    )  # fmt: skip
