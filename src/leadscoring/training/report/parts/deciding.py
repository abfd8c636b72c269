"""What a team decides by: the verdict, the cut-off, the comparison with the served model, the next commands."""

from typing import Any

from leadscoring.pages import charts
from leadscoring.pages.markup import badge, card, folded, icon, name, points, table, text
from leadscoring.training.report.left_out import probable_leaks
from leadscoring.training.report.words import capital, percent, span_text

Data = dict[str, Any]

TIMES = "\N{MULTIPLICATION SIGN}"
SIGNS = {"good": "ok", "weak": "look", "unusable": "bad"}
SEEN = 4
"""Warnings in sight."""

ABOUT_LEAKS = "left out as known, or changed, only after the outcome"
COMPARED = {"better": "ok", "same": "note", "worse": "bad", "cannot tell": "note"}


def heading(data: Data, title: str) -> str:
    """Renders the title, the facts about the data, and links to the parts."""
    facts = data["data"]
    verb = "Trained on" if data["kind"] == "train" else "Evaluated on"
    period = f", {text(facts['period'][0])} to {text(facts['period'][1])}" if facts.get("period") else ""
    source = f" of {name(facts['source'])}" if facts.get("source") else ""
    return (
        f'<div class="head"><h1>{name(title)}</h1><p>{verb} {facts["rows"]:,} leads{source}{period}; '
        f"{facts['positives']:,} of them converted ({percent(facts['base_rate'])}; "
        f"{name(facts['target'])} = {name(facts['positive'])}).</p></div>"
    )


def verdict(data: Data) -> str:
    """Renders the verdict, the key figures and the points with their evidence."""
    said = data["verdict"]
    sign = sign_of(said)
    checks = "".join(map(check, said["checks"]))
    return (
        f'<section class="card" id="verdict"><div class="verdict {sign}">{icon(sign)}<div>'
        f"<h2>{name(said['headline'])}.</h2><p>Verdict: <b>{said['level']}</b>, on {data['held_out']['rows']:,} "
        f"{'held-out leads' if data['kind'] == 'train' else 'leads'}.</p></div></div>"
        f'{kpis(data)}<ul class="checks">{checks}</ul></section>'
    )


def check(one: Data) -> str:
    """Renders one point of the verdict, with a link to its evidence."""
    link = f' <a href="#{text(one["part"])}">Evidence</a>' if one.get("part") else ""
    words = name(capital(one["text"]))
    return f'<li class="check">{icon(one["sign"])}<h3>{name(one["title"])}</h3><p>{words}.{link}</p></li>'


def sign_of(said: Data) -> str:
    """Returns the sign of a verdict; of a usable model, by whether there is anything to look at."""
    if said["level"] == "usable":
        return "look" if any(check["sign"] in {"look", "bad"} for check in said["checks"]) else "ok"
    return SIGNS[said["level"]]


def kpis(data: Data) -> str:
    """Renders the key figures, each with its interval or what it is compared with."""
    quality = data["held_out"]
    lift, error = quality["tenths"][0]["lift"], quality["calibration_error"]
    fifth = next(row for row in data["cutoffs"] if row["worked"] == 0.2)
    spans = span_text(lift, "{:.1f}"), span_text(fifth["recall"], "{:.0%}"), span_text(quality["roc_auc"], "{:.3f}")
    shown = (
        (f"{lift['value']:.1f}{TIMES}", f"as many conversions in the best tenth as on average ({spans[0]})"),
        (percent(fifth["recall"]["value"], 0), f"of all conversions are in the best fifth ({spans[1]})"),
        (f"{quality['roc_auc']['value']:.3f}", f"ROC-AUC ({spans[2]}); 0.5 is chance, 1 is perfect"),
        (
            f"{error['value'] * 100:.1f} points",
            "average gap between predicted and observed; "
            f"{quality['perfect_calibration_error']['value'] * 100:.1f} by chance alone",
        ),
    )  # fmt: skip
    boxes = "".join(f'<div class="kpi"><b>{text(big)}</b><p>{text(words)}</p></div>' for big, words in shown)
    return f'<div class="kpis">{boxes}</div>'


def warnings(data: Data) -> str:
    """Renders the warnings that are not among the points of the verdict; those beyond ``SEEN`` are folded away.

    Probable leaks that were left out are a point, and stand with their evidence where columns are.
    """
    points = " ".join(data["verdict"]["points"])
    dropped = data.get("columns", {}).get("dropped", {})
    leaks = tuple(f"{column!r} was left out: " for column in probable_leaks(dropped))
    rest = [words for words in data["warnings"] if words not in points and not words.startswith(leaks or ("\0",))]
    rest = [words for words in rest if not (leaks and ABOUT_LEAKS in words)]
    if not rest:
        return ""
    more = rest[SEEN:]
    body = listed(rest[:SEEN]) + (folded(f"{len(more)} more", listed(more)) if more else "")
    return card("Look at this too", body, anchor="warnings")


def listed(items: list[str]) -> str:
    """Renders warnings."""
    rows = "".join(f"<li>{icon('look')}<span>{name(capital(words))}</span></li>" for words in items)
    return f'<ul class="looks">{rows}</ul>'


def cutoff(data: Data) -> str:
    """Renders the curve of gains and the table of cut-offs."""
    rows = data["cutoffs"]
    tiers, reached = [], 0.0
    for tier in data["held_out"]["tiers"]:
        reached += tier["share"]["value"]
        tiers.append((reached, tier["tier"]))
    said = "; ".join(
        f"the best {percent(row['worked'], 0)} hold {percent(row['recall']['value'], 0)}" for row in rows[1:5]
    )
    curve = [(one["worked"], *(one["recall"][key] for key in ("value", "low", "high"))) for one in data["gains"]]
    drawn = charts.gains(f"Share of all conversions by share of leads worked: {said}", curve, tiers)
    monthly = rows[0]["leads_per_month"] is not None
    unit, leads, won = ("a month", "leads_per_month", "conversions_per_month") if monthly else (
        "of 1,000", "leads_per_1000", "conversions_per_1000"
    )  # fmt: skip
    pace = "; leads a month: as many as in the data" if monthly else ""
    body = table(
        ["Work the best", "Score from", f"Leads {unit}", "Conversions to expect", "Convert", "Of all", "Lift"],
        [
            [
                percent(row["worked"], 0),
                percent(row["threshold"]),
                amount(row[leads]),
                f"{amount(row[won])}<small>{expected(row, leads)}</small>",
                f"{percent(row['conversion']['value'])}<small>{span_text(row['conversion'], '{:.0%}')}</small>",
                f"{percent(row['recall']['value'], 0)}<small>{span_text(row['recall'], '{:.0%}')}</small>",
                f"{row['lift']:.1f}{TIMES}",
            ]
            for row in rows
        ],
        label="Cut-offs", css=["said", "n", "n", "n", "n", "n", "n"], cards=True,
    )  # fmt: skip
    return card(
        "How many leads are worth working?",
        f'<div class="cutoff"><div>{drawn}</div>{body}</div>',
        "Work leads from the best down until your time is used up, and read off what to expect, and how many of all "
        f"conversions you reach. Intervals and the band are 95%; letters are tiers{pace}.",
        anchor="cutoff", flush=True,
    )  # fmt: skip


def amount(count: float) -> str:
    """Formats a number of leads; small ones with a decimal."""
    return f"{count:,.0f}" if count >= 20 else f"{count:.1f}"


def expected(row: Data, leads: str) -> str:
    """Formats the interval of the conversions to expect."""
    low, high = (amount(row[leads] * row["conversion"][key]) for key in ("low", "high"))
    return f"{low} to {high}"


def comparison(data: Data) -> str:
    """Renders the figures of the served model beside those of this one."""
    said = data.get("comparison")
    if not said:
        return ""
    served = f"{said['model']['name']} {said['model']['version']}".strip()
    rows = [
        [
            text(row["name"]),
            f"{row['served']:.4f}",
            f"{row['candidate']:.4f}",
            f"{row['difference']['value']:+.4f}<small>{span_text(row['difference'], '{:+.4f}')}</small>",
            to_the_right(row),
            badge(COMPARED[row["verdict"]], row["verdict"]),
        ]
        for row in said["figures"]
    ]
    body = table(
        ["Figure", "Served", "This one", "Difference", "Better to the right", "This one is"],
        [[row[0], *(cell.replace("-", "\N{MINUS SIGN}") for cell in row[1:4]), *row[4:]] for row in rows],
        label="Comparison", css=["", "n", "n", "n", "wide", ""], cards=True,
    )  # fmt: skip
    fair = "fair to both" in said["overlap"]
    overlap = f"{said['overlap'][0].upper()}{said['overlap'][1:]}."
    sign, title = icon("ok" if fair else "look"), "Which leads the served model knows"
    note = f'<div class="finding">{sign}<h3>{title}</h3><p>{name(overlap)}</p></div>'
    return card(
        "Is it better than the served model?",
        note + body,
        f"{served} on the same {said['leads']:,} held-out leads, with 95% intervals of the differences. Better "
        "and worse are beyond chance; same is a difference that changes no decision.",
        anchor="comparison", flush=True,
    )  # fmt: skip


def to_the_right(row: Data) -> str:
    """Renders a difference with its interval, better to the right, around zero on a scale of its own."""
    difference, sign = row["difference"], 1.0 if row["better"] == "more" else -1.0
    value, low, high = (sign * difference[key] for key in ("value", "low", "high"))
    most = 1.1 * max(abs(low), abs(high)) or 1.0
    return charts.difference(f"{row['name']}: {row['verdict']}", value, min(low, high), max(low, high), most)


def following(data: Data) -> str:
    """Renders the commands to run next."""
    steps = "".join(
        f'<li><p>{name(capital(step["why"]))}:</p><pre tabindex="0"><code>{text(step["command"])}</code></pre></li>'
        for step in data["next"]
    )
    return card("What to run next", f'<ol class="next">{steps}</ol>', anchor="next") if steps else ""


def file_notes(data: Data) -> str:
    """Renders how the file was read, and what is worth a note."""
    every = [*data["reading"], *data["aside"], *data["notes"]]
    return card("How the file was read", points(every), anchor="reading") if every else ""
