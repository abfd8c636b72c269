"""The data: which columns were left out and why, what is unknown, how each column was read, where the model is from."""

from collections.abc import Mapping, Sequence
from typing import Any

from leadscoring.pages.markup import card, folded, name, table, text
from leadscoring.training.report.evidence import HEAD, by_suspicion, evidence_row
from leadscoring.training.report.left_out import SORTS, LeftOut, left_out
from leadscoring.training.report.words import capital, column_text, percent, tokens_text

Data = dict[str, Any]

MANY = 8
"""A list that is longer is folded away, but for leaks."""

EVIDENCE = (
    "A column that is filled in after the outcome gives it away, but is not known when a lead is scored. For each "
    "column: the ROC-AUC (0.5 is random, 1 is perfect) of the column alone; where it needed a second look, that of "
    "quick models with and without it; and the share of leads that have a value, of those that converted and of the "
    "others."
)


def excluded(data: Data) -> str:
    """Renders the columns that were left out, those that matter most first."""
    if "columns" not in data:
        return ""
    every = left_out(data["columns"]["dropped"], data.get("evidence") or [])
    body = ""
    for number, title in enumerate(SORTS):
        some = [one for one in every if one.sort == number]
        if some:
            body += titled(f"{title} ({len(some)})", listed(some), folds=number > 0 and len(some) > MANY)
    if not body:
        body = "<p>No column was left out.</p>"
    return card(
        "What was left out, and why",
        body,
        "Those that matter most first. A column that a new lead does have can be kept with --keep.",
        anchor="left-out",
    )


def titled(title: str, body: str, folds: bool) -> str:
    """Renders a part with its title, which opens it if it is folded."""
    return folded(title, body) if folds else f"<h3>{text(title)}</h3>{body}"


def listed(some: Sequence[LeftOut]) -> str:
    """Renders columns with the reasons."""
    items = "".join(f"<li><b>{name(one.column)}</b>: {name(one.why)}</li>" for one in some)
    return f'<ul class="plain">{items}</ul>'


def unknown(data: Data) -> str:
    """Renders the share of leads of which each feature is unknown."""
    every = data["unknown"]
    if not every:
        return ""
    rows = [[name(one["feature"]), percent(one["share"])] for one in every]
    body = table(["Feature", "Unknown"], rows[:MANY], label="Unknown values", css=["", "n"])
    if rest := rows[MANY:]:
        body += folded(f"{len(rest)} more", table(["Feature", "Unknown"], rest, label="More", css=["", "n"]))
    return card("What is unknown", body, "The share of the leads without a value. The model allows for it.",
                anchor="unknown", flush=True)  # fmt: skip


def evidence(data: Data) -> str:
    """Renders the evidence of the leak guard: the suspects, and the other columns folded away."""
    every = data.get("evidence")
    if not every:
        return ""
    suspects = [one for one in by_suspicion(every) if one["signs"]]
    others = [one for one in by_suspicion(every) if not one["signs"]]
    body = evidence_table(suspects, "Suspects") if suspects else "<p>No column is a suspect.</p>"
    if others:
        count = f"{len(others)} column{'s' * (len(others) > 1)} without a sign of a leak"
        body += folded(count, evidence_table(others, count))
    return card("Was any column written after the outcome?", body, EVIDENCE, anchor="evidence", flush=True)


def evidence_table(rows: Sequence[Mapping[str, Any]], label: str) -> str:
    """Renders evidence as a table."""
    cells = [[name(cell) for cell in evidence_row(one)] for one in rows]
    return table([capital(title) for title in HEAD], cells, label=label, css=["", "say", "n", "n", "n", "n"])


def columns(data: Data) -> str:
    """Renders how each column was interpreted, and the tokens read as missing."""
    if "columns" not in data:
        return ""
    facts = data["columns"]
    used = [[name(column["name"]), name(column_text(column))] for column in facts["features"]]
    count = f"{len(used)} feature{'s' * (len(used) > 1)}"
    body = folded(count, table(["Column", "Kind"], used, label=count, css=["", "say"]))
    lists = (
        ("Read as missing", [[name(one), name(tokens_text(counts))] for one, counts in facts["missing"].items()]),
        ("Leads with rare values", [[name(one), f"{number:,} leads"] for one, number in facts["folded"].items()]),
    )
    for title, rows in lists:
        body += folded(title, table(["Column", title], rows, label=title, css=["", "say"])) if rows else ""
    return card("How each column was read", body, anchor="columns")


def about(data: Data) -> str:
    """Renders the provenance of the model."""
    facts = {
        "Created": data["model"].get("created_at"),
        "Data": data["data"].get("data_hash"),
        "Trees": recipe_text(data["recipe"]) if "recipe" in data else None,
        "Libraries": ", ".join(f"{one} {version}" for one, version in data["model"].get("libraries", {}).items()),
    }
    rows = [[text(key), f"<code>{text(value)}</code>"] for key, value in facts.items() if value]
    return card("About", table(["Fact", "Value"], rows, label="About"), anchor="about", flush=True) if rows else ""


def recipe_text(recipe: Data) -> str:
    """Describes how the trees were trained."""
    size = f"at most {recipe['leaves']} leaves" if recipe.get("leaves") else f"depth {recipe['depth']}"
    return f"{recipe['rounds']} trees of {size}, rate {recipe['rate']:g}"
