"""How well leads are ranked and percentages hold: calibration, scores, tiers, all figures."""

from typing import Any

from leadscoring.model.card import in_percent
from leadscoring.pages import charts
from leadscoring.pages.markup import card, folded, name, table, text, tier
from leadscoring.pages.plot import Scale
from leadscoring.training.report.words import (
    FIGURES,
    PERFECT,
    calibration_text,
    capital,
    figure_text,
    other_scores,
    percent,
    span_text,
)

Data = dict[str, Any]


def calibration(data: Data) -> str:
    """Renders observed against predicted rates."""
    quality = data["held_out"]
    bins = [one for one in quality["bins"] if one["observed"]["value"] is not None]
    groups = [charts.Group("", *bounds(one["observed"]), one["predicted"]) for one in bins]
    inside = sum(one.low <= (one.predicted or 0.0) <= one.high for one in groups)
    drawn = charts.calibration(
        f"In {inside} of {len(groups)} equal groups, the predicted rate is in the interval of the observed one",
        groups,
    )
    chance, shown = calibration_text(quality), figure_text(quality["calibration_error"], percent=True)
    words = f'<p class="small soft">{text(capital(chance))}; this one shows {shown}.</p>'
    return card(
        "Can the percentages be believed?",
        drawn + charts.OBSERVED_LEGEND + words,
        f"{len(groups)} equal groups of leads by score. On the dashed line, as many convert as predicted. Both axes in "
        "log-odds, so that small percentages can be distinguished.",
        anchor="calibration",
    )


def bounds(figure: Data) -> tuple[float, float, float]:
    """Returns a figure as value, low, high."""
    return figure["value"], figure["low"], figure["high"]


def scores(data: Data) -> str:
    """Renders the distributions of the scores of leads that converted and of those that did not."""
    spread = data["histogram"]
    shares = [
        (css, words, [count / (sum(counts) or 1) for count in counts])
        for css, words, counts in (
            ("c-soft", "did not convert", spread["not_converted"]),
            ("c-bar", "converted", spread["converted"]),
        )
    ]
    drawn = charts.histogram("Scores of leads that converted and of leads that did not", spread["edges"], shares)
    return card(
        "How far are the leads apart?",
        drawn + charts.SCORE_LEGEND,
        "Shares of the leads of each outcome by score. The less the two overlap, the better the model separates them.",
        anchor="scores",
    )


def of_file(data: Data) -> str:
    """Renders why the tiers of the model file differ from those that were measured, if they do."""
    words = other_scores(data["measured_thresholds"], data["tiers"]["thresholds"], "above")
    return f"<p>{words}</p>" if words else ""


def tiers(data: Data) -> str:
    """Renders the tiers: what they mean, and what came of their leads."""
    rows = data["held_out"]["tiers"]
    spans = in_percent([*data["measured_thresholds"], 0.0])
    every = [one["conversion"] for one in rows if one["conversion"]["value"] is not None]
    scale = Scale(0.0, max([one["high"] for one in every], default=1.0) or 1.0)
    body = table(
        ["Tier", "Score from", "Leads", "Converted", "Rate", "Observed", "Worked to here: convert", "Of all"],
        [
            [
                tier(row["tier"]),
                span,
                f"{row['leads']:,}",
                f"{row['positives']:,}",
                rate(row["conversion"]),
                dot(row["conversion"], scale),
                rate(row["precision"]),
                rate(row["recall"], 0),
            ]
            for row, span in zip(rows, spans, strict=True)
        ],
        label="Tiers", css=["said", "n", "n", "n", "n", "wide", "n", "n"], cards=True,
    )  # fmt: skip
    meanings = [[tier(letter), name(words)] for letter, words in data["tiers"]["definitions"].items()]
    defined = table(["Tier", "Definition"], meanings, label="Definitions", css=["", "say"]) + of_file(data)
    return card(
        "What a tier means",
        body + folded("As the model file defines them", defined),
        "The circle is the share that converted, the line its 95% interval. Last columns: if this tier and those above "
        "it are worked, how many of these leads convert, and how many of all conversions are among them.",
        anchor="tiers", flush=True,
    )  # fmt: skip


def rate(figure: Data, digits: int = 1) -> str:
    """Renders a share with its interval below."""
    if figure["value"] is None:
        return "no leads"
    return f"{percent(figure['value'], digits)}<small>{span_text(figure, '{:.0%}')}</small>"


def dot(figure: Data, scale: Scale) -> str:
    """Renders a share as a circle on the scale of its table."""
    return "" if figure["value"] is None else charts.dots(charts.Group("", *bounds(figure)), scale)


def figures(data: Data) -> str:
    """Renders all metrics with their intervals, and the tenths of the leads, folded away."""
    head, sets = ["Figure", "Held out"], [data["held_out"]]
    if "out_of_fold" in data:
        head, sets = [*head, "Out of fold"], [*sets, data["out_of_fold"]]
    elif data["kind"] == "evaluate":
        head[1] = "Evaluated"
    rows = [[label, *(two_lines(one[key]) for one in sets), text(words)] for key, label, words in (*FIGURES, PERFECT)]
    every = table([*head, "Meaning"], rows, label="All figures", css=["", *["n"] * len(sets), "say"], cards=True)
    return card(
        "All figures",
        every + folded("Results by tenth", tenths(data["held_out"]["tenths"])),
        data["protocol"],
        anchor="figures", flush=True,
    )  # fmt: skip


def two_lines(figure: Data) -> str:
    """Renders a figure with its interval below."""
    return f"{figure['value']:.3f}<small>{span_text(figure, '{:.3f}')}</small>"


def tenths(rows: list[Data]) -> str:
    """Renders lift and gains as a table."""
    cells = [
        [
            str(row["tenth"]),
            f"{row['leads']:,}",
            f"{row['positives']:,}",
            "\N{EN DASH}" if row["mean_probability"] is None else percent(row["mean_probability"]),
            figure_text(row["conversion"], percent=True),
            figure_text(row["lift"]),
            figure_text(row["gain"], percent=True),
        ]
        for row in rows
    ]
    heads = ["Tenth", "Leads", "Converted", "Mean score", "Rate", "Lift", "Conversions from the top"]
    return table(heads, cells, label="Results by tenth", css=["", "n", "n", "n", "n", "n", "n"])
