"""Renders the report as one self-contained HTML page with inline styles and plots, without scripts."""

from html import escape
from typing import Any

from leadscoring.model.card import in_percent
from leadscoring.training.report.plots import Plot, percents, round_top
from leadscoring.training.report.words import FIGURES, PERFECT, calibration_text, column_text, figure_text, tokens_text

STYLE = """
:root{--ink:#1d2733;--soft:#5b6876;--line:#e3e8ee;--card:#fff;--back:#f5f7fa;--main:#2463c5;--good:#1f8f6b;
--bad:#c2cad4;--warn:#fff4dc;--warnline:#e0a93b}@media (prefers-color-scheme:dark){:root{--ink:#e6ebf1;
--soft:#a3b0be;--line:#2d3947;--card:#18222d;--back:#0f161e;--main:#6ea3f5;--good:#4cc39b;--bad:#4a5868;
--warn:#3a2f16;--warnline:#b98a2c}}*{box-sizing:border-box}body{margin:0;background:var(--back);
color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}main{max-width:1120px;
margin:0 auto;padding:32px 20px 64px}h1{font-size:28px;margin:0 0 4px}h2{font-size:19px;margin:0 0 6px}
p{margin:0 0 10px}.soft{color:var(--soft)}.grid2{display:grid;
grid-template-columns:repeat(auto-fit,minmax(min(440px,100%),1fr));gap:18px}section{background:var(--card);
border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin-top:18px;overflow-x:auto}
.grid2 section{margin-top:0}.grid2{margin-top:18px}.tiles{display:grid;
grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:12px;margin-top:18px}.tile{background:var(--card);
border:1px solid var(--line);border-radius:10px;padding:14px 16px}.tile b{display:block;font-size:25px;
line-height:1.2}.tile small{color:var(--soft)}table{border-collapse:collapse;width:100%;
font-variant-numeric:tabular-nums}th,td{text-align:left;padding:6px 10px 6px 0;
border-bottom:1px solid var(--line);vertical-align:top}th{font-weight:600;color:var(--soft);font-size:13px}
td.n,th.n{text-align:right}svg{width:100%;height:auto;display:block}svg text{fill:var(--soft);font-size:12px}
svg .label{font-size:12.5px}svg .grid{stroke:var(--line)}svg .axis{stroke:var(--soft)}svg .main{fill:none;
stroke:var(--main);stroke-width:2.5}svg .ideal{fill:none;stroke:var(--soft);stroke-dasharray:5 5}
svg .fill{fill:var(--main)}svg .won{fill:var(--good);opacity:.85}svg .lost{fill:var(--bad);opacity:.85}
svg .whisker{stroke:var(--ink);stroke-width:1.3;opacity:.6}svg .dot{fill:var(--main)}
.warn{background:var(--warn);border-left:4px solid var(--warnline);padding:9px 14px;margin:8px 0;
border-radius:4px}.bar{height:9px;background:var(--main);border-radius:3px;min-width:2px}
.key{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 12px}code{font-size:13px}
details summary{cursor:pointer;font-weight:600}
"""


def page(data: dict[str, Any]) -> str:
    """Renders the page from the data of a report."""
    title = f"{data['model']['name']} {data['model']['version']}".strip()
    quality = data["held_out"]
    parts = [
        heading(data, title),
        cautions(data),
        tiles(data),
        '<div class="grid2">',
        section("How accurate are the percentages?", reliability(quality), RELIABILITY),
        section("Score distribution", scores(data["histogram"]), SCORES),
        section("How much better than random selection?", lifts(quality["tenths"]), LIFT),
        section("How many conversions are among the best leads?", gains(quality["tenths"]), GAINS),
        "</div>",
        section("What drives the score", drivers(data["drivers"]), DRIVERS),
        section("Tiers", tiers(data), TIERS_WORDS),
        section("All figures", figures(data), data["protocol"]),
        section(
            "Results by decile", tenths(quality["tenths"]), "The evaluated leads, sorted by score, in ten equal groups."
        ),
        reading(data),
        columns(data) if "columns" in data else "",
        about(data),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Lead scoring report: {escape(title)}</title><style>{STYLE}</style></head><body><main>"
        + "".join(parts)
        + "</main></body></html>\n"
    )


RELIABILITY = (
    "Leads in ten equal groups by score. On the dashed line, the observed rate equals the predicted one: of leads "
    "scored at 30 %, 30 % converted. The bars are 95 % confidence intervals."
)
SCORES = "The less the two colours overlap, the better the model separates the leads."
LIFT = "The conversion rate of each decile divided by the overall rate, the highest-scored decile first."
GAINS = "The share of all conversions reached when leads are worked from the highest score down."
DRIVERS = (
    "The mean absolute contribution of each feature to the score, in log-odds, over the evaluated leads. "
    "It shows what the model uses, not what causes conversions."
)
TIERS_WORDS = (
    "If every lead of a tier and the tiers above is worked: precision is the share of these leads that converts, "
    "recall the share of all conversions that are among them."
)


def section(title: str, body: str, words: str = "") -> str:
    """Renders a section with a title and an introduction."""
    soft = f'<p class="soft">{escape(words)}</p>' if words else ""
    return f"<section><h2>{escape(title)}</h2>{soft}{body}</section>"


def heading(data: dict[str, Any], title: str) -> str:
    """Renders the title and the facts about the data."""
    facts = data["data"]
    verb = "trained on" if data["kind"] == "train" else "evaluated on"
    period = f", {facts['period'][0]} to {facts['period'][1]}" if facts.get("period") else ""
    source = f" of {facts['source']}" if facts.get("source") else ""
    return (
        f"<h1>{escape(title)}</h1><p class='soft'>{verb} {facts['rows']:,} leads{escape(source)}{escape(period)}; "
        f"{facts['positives']:,} of them converted ({facts['base_rate']:.1%}; "
        f"{escape(facts['target'])} = {escape(facts['positive'])}).</p>"
    )


def cautions(data: dict[str, Any]) -> str:
    """Renders the warnings."""
    return "".join(f'<div class="warn"><b>Warning:</b> {escape(words)}</div>' for words in data["warnings"])


def tiles(data: dict[str, Any]) -> str:
    """Renders the key metrics with short explanations."""
    quality = data["held_out"]
    top, auc, error = quality["tenths"][0], quality["roc_auc"], quality["calibration_error"]
    first_three = quality["tenths"][2]["gain"]
    key_figures = [
        (
            f"{auc['value']:.3f}",
            f"ROC-AUC: in {auc['value']:.0%} of pairs, the lead that converted has the higher score",
            auc,
            "{:.3f}",
        ),
        (
            f"{top['lift']['value']:.1f}&times;",
            "as many conversions in the top decile as in a random sample",
            top["lift"],
            "{:.1f}",
        ),
        (f"{first_three['value']:.0%}", "of all conversions are in the top 30 % of leads", first_three, "{:.0%}"),
        (
            f"{error['value']:.1%}",
            f"average gap between predicted and observed rate; {calibration_text(quality)}",
            error,
            "{:.1%}",
        ),
    ]
    boxes = "".join(
        f'<div class="tile"><b>{big}</b>{escape(words)}<br><small>95 % confidence interval '
        f"{form.format(figure['low'])} to {form.format(figure['high'])}</small></div>"
        for big, words, figure, form in key_figures
    )
    return f'<div class="tiles">{boxes}</div><p class="soft">Evaluated on {quality["rows"]:,} leads.</p>'


def reliability(quality: dict[str, Any]) -> str:
    """Plots observed against predicted rates."""
    bins = [one for one in quality["bins"] if one["observed"]["value"] is not None]
    plot = Plot("calibration", (0, 1), (0, 1), "predicted rate", "observed rate").axes(percents(0.2), percents(0.2))
    plot.line([(0, 0), (1, 1)], "ideal").line([(one["predicted"], one["observed"]["value"]) for one in bins], "main")
    for one in bins:
        observed = one["observed"]
        plot.whisker(one["predicted"], observed["low"], observed["high"])
        plot.dot(
            one["predicted"], observed["value"], f"predicted {one['predicted']:.1%}, observed {observed['value']:.1%}"
        )
    return plot.svg()


def scores(spread: dict[str, list[float]]) -> str:
    """Plots the score distributions of leads that converted and of those that did not."""
    edges = spread["edges"]
    kinds = [("lost", spread["not_converted"], "did not convert"), ("won", spread["converted"], "converted")]
    shares = {css: [count / (sum(counts) or 1) for count in counts] for css, counts, _ in kinds}
    top, step = round_top(max(max(values) for values in shares.values()))
    plot = Plot("score histogram", (0, 1), (0, top), "score (probability)", "share of the leads of each group")
    plot.axes(percents(0.2), percents(step, top))
    for place, (css, counts, words) in enumerate(kinds):
        for k, share in enumerate(shares[css]):
            width = (edges[k + 1] - edges[k]) * 0.46
            left = edges[k] + (edges[k + 1] - edges[k]) * 0.03 + place * width
            plot.bar(
                left, left + width, 0, share, css, f"{edges[k]:.0%} to {edges[k + 1]:.0%}: {counts[k]:.0f} {words}"
            )
    colours = "".join(
        f'<span class="key" style="background:var(--{colour})"></span>{words}'
        for colour, words in (("good", "converted"), ("bad", "did not convert"))
    )
    return plot.svg() + f'<p class="soft">{colours}</p>'


def lifts(rows: list[dict[str, Any]]) -> str:
    """Plots the lift of each tenth, with intervals."""
    top, step = round_top(max(row["lift"]["high"] or 0 for row in rows) or 1)
    ticks = [(k * step, f"{k * step:g} x") for k in range(round(top / step) + 1)]
    plot = Plot("lift by decile", (0.4, 10.6), (0, top), "decile, highest scores first", "times the average")
    plot.axes([(k, str(k)) for k in range(1, 11)], ticks)
    for row in rows:
        lift = row["lift"]
        plot.bar(row["tenth"] - 0.36, row["tenth"] + 0.36, 0, lift["value"], "fill", f"{lift['value']:.2f} times")
        plot.whisker(row["tenth"], lift["low"], lift["high"])
    return plot.line([(0.4, 1), (10.6, 1)], "ideal").svg()


def gains(rows: list[dict[str, Any]]) -> str:
    """Plots the cumulative share of conversions in the best leads."""
    plot = Plot("gains", (0, 1), (0, 1), "share of the leads, highest scores first", "share of all conversions")
    plot.axes(percents(0.2), percents(0.2)).line([(0, 0), (1, 1)], "ideal")
    plot.line([(0.0, 0.0), *((row["tenth"] / 10, row["gain"]["value"]) for row in rows)], "main")
    for row in rows:
        gain = row["gain"]
        plot.whisker(row["tenth"] / 10, gain["low"], gain["high"])
        plot.dot(row["tenth"] / 10, gain["value"], f"top {row['tenth'] * 10} %: {gain['value']:.1%} of all conversions")
    return plot.svg()


def table(head: list[str], rows: list[list[str]], numeric: int = 0) -> str:
    """Renders a table from HTML cells; the columns from ``numeric`` on are right-aligned (0: none)."""

    def cell(tag: str, place: int, text: str) -> str:
        css = ' class="n"' if numeric and place >= numeric else ""
        return f"<{tag}{css}>{text}</{tag}>"

    lines = [head, *rows]
    tags = ["th", *["td"] * len(rows)]
    return (
        "<table>"
        + "".join(
            "<tr>" + "".join(cell(tag, place, text) for place, text in enumerate(line)) + "</tr>"
            for tag, line in zip(tags, lines, strict=True)
        )
        + "</table>"
    )


def drivers(ranked: list[dict[str, Any]]) -> str:
    """Renders the drivers with bars of their strength, the strongest first."""
    most = max((driver["strength"] for driver in ranked), default=0) or 1
    return table(
        ["feature", "strength", "share", "direction"],
        [
            [
                escape(driver["feature"]),
                f'<div class="bar" style="width:{max(1, round(220 * driver["strength"] / most))}px"></div>',
                f"{driver['share']:.1%}",
                escape(driver["direction"]),
            ]
            for driver in ranked[:25]
        ],
    )


def tiers(data: dict[str, Any]) -> str:
    """Renders the definitions of the tiers, and the measured confusion matrix at each."""
    bounds = in_percent([*data["measured_thresholds"], 0.0])
    measured = table(
        ["tier", "score from", "leads", "converted", "rate", "precision", "recall", "false pos.", "false neg."],
        [
            [
                f"<b>{row['tier']}</b>",
                bound,
                f"{row['leads']:,}",
                f"{row['positives']:,}",
                figure_text(row["conversion"], percent=True),
                figure_text(row["precision"], percent=True),
                figure_text(row["recall"], percent=True),
                f"{row['false_positives']:,}",
                f"{row['false_negatives']:,}",
            ]
            for row, bound in zip(data["held_out"]["tiers"], bounds, strict=True)
        ],
        numeric=1,
    )
    meanings = [[f"<b>{tier}</b>", escape(words)] for tier, words in data["tiers"]["definitions"].items()]
    return table(["tier", "definition in the model file"], meanings) + "<br>" + measured


def figures(data: dict[str, Any]) -> str:
    """Renders all metrics with their intervals."""
    head, sets = ["figure", "held out"], [data["held_out"]]
    if "out_of_fold" in data:
        head, sets = [*head, "out of fold"], [*sets, data["out_of_fold"]]
    elif data["kind"] == "evaluate":
        head[1] = "evaluated"
    rows = [
        [f"<b>{label}</b>", *(figure_text(one[key]) for one in sets), escape(words)]
        for key, label, words in (*FIGURES, PERFECT)
    ]
    return table([*head, "meaning"], rows)


def tenths(rows: list[dict[str, Any]]) -> str:
    """Renders lift and gains as a table."""
    return table(
        ["decile", "leads", "converted", "mean score", "rate", "lift", "cumulative conversions"],
        [
            [
                str(row["tenth"]),
                f"{row['leads']:,}",
                f"{row['positives']:,}",
                "&ndash;" if row["mean_probability"] is None else f"{row['mean_probability']:.1%}",
                figure_text(row["conversion"], percent=True),
                figure_text(row["lift"]),
                figure_text(row["gain"], percent=True),
            ]
            for row in rows
        ],
        numeric=1,
    )


def reading(data: dict[str, Any]) -> str:
    """Renders how the file was read, and warnings about dropped columns."""
    if not data["reading"] and not data["aside"]:
        return ""
    notes = "".join(f"<li>{escape(words)}</li>" for words in data["reading"])
    aside = "".join(f"<li>{escape(words)}</li>" for words in data["aside"])
    out = f'<p class="soft">About excluded columns:</p><ul>{aside}</ul>' if aside else ""
    return section("How the file was read", f"<ul>{notes}</ul>{out}")


def columns(data: dict[str, Any]) -> str:
    """Renders how each column was interpreted, the dropped columns, and the tokens parsed as missing."""
    facts = data["columns"]
    used = [[escape(column["name"]), escape(column_text(column))] for column in facts["features"]]
    out = [[escape(name), escape(why)] for name, why in facts["dropped"].items()]
    unknown = [[escape(name), escape(tokens_text(counts))] for name, counts in facts["missing"].items()]
    folded = [[escape(name), f"{count:,} leads"] for name, count in facts["folded"].items()]
    body = table(["column", "kind"], used)
    for title, rows in (("excluded because", out), ("read as missing", unknown), ("leads with rare values", folded)):
        body += "<br>" + table(["column", title], rows) if rows else ""
    return section("Columns", body)


def about(data: dict[str, Any]) -> str:
    """Renders the provenance of the model."""
    facts = {
        "created": data["model"].get("created_at"),
        "data": data["data"].get("data_hash"),
        "trees": recipe_text(data["recipe"]) if "recipe" in data else None,
        "libraries": ", ".join(f"{name} {version}" for name, version in data["model"].get("libraries", {}).items()),
        "notes": "; ".join(data["notes"]),
    }
    return section(
        "About", table(["", ""], [[key, f"<code>{escape(str(value))}</code>"] for key, value in facts.items() if value])
    )


def recipe_text(recipe: dict[str, Any]) -> str:
    """Describes how the trees were trained."""
    return f"{recipe['rounds']} trees of depth {recipe['depth']}, rate {recipe['rate']:g}"
