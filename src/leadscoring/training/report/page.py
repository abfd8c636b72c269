"""Renders the report as one self-contained HTML page with inline styles and charts, without scripts."""

from typing import Any

from leadscoring.pages.look import stylesheet
from leadscoring.pages.markup import document, text
from leadscoring.training.report.parts import columns, deciding, features, quality

JUMPS = (
    ("cutoff", "How many to work"),
    ("calibration", "Percentages"),
    ("tiers", "Tiers"),
    ("effects", "What it looks at"),
    ("segments", "Groups"),
    ("time", "Over time"),
    ("left-out", "Left out"),
    ("comparison", "Served model"),
    ("next", "What to run next"),
)
"""The links at the top, to parts that the page has."""


def page(data: dict[str, Any]) -> str:
    """Renders the page from the data of a report: what decides first, then the evidence, then the details."""
    title = f"{data['model']['name']} {data['model']['version']}".strip()
    parts = [
        deciding.verdict(data),
        deciding.warnings(data),
        deciding.cutoff(data),
        pair(quality.calibration(data), quality.scores(data)),
        quality.tiers(data) if data["held_out"]["tiers"] else "",
        features.effects(data),
        features.segments(data),
        features.over_time(data),
        pair(columns.excluded(data), columns.unknown(data)),
        columns.evidence(data),
        deciding.comparison(data),
        deciding.following(data),
        quality.figures(data),
        deciding.file_notes(data),
        columns.columns(data),
        columns.about(data),
    ]
    body = "".join(parts)
    head = deciding.heading(data, title)
    return document(
        f"Lead scoring report: {title}", stylesheet(), f'{head}{jumps(body)}<div class="stack">{body}</div>'
    )


def pair(one: str, other: str) -> str:
    """Renders two cards side by side; one alone as it is."""
    return f'<div class="g2">{one}{other}</div>' if one and other else one + other


def jumps(body: str) -> str:
    """Renders links to the parts that are there."""
    links = [f'<a href="#{anchor}">{text(words)}</a>' for anchor, words in JUMPS if f'id="{anchor}"' in body]
    return f'<nav class="jumps" aria-label="Parts of the report">{"".join(links)}</nav><br>'
