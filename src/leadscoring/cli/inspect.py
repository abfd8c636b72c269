"""``leadscoring inspect``: what training would make of a file, before it trains."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from leadscoring.cli.boosting import import_xgboost
from leadscoring.cli.commands import Command, option
from leadscoring.cli.data_options import FILE, OUTPUT, as_train_options, data_options
from leadscoring.cli.page import Line, show
from leadscoring.cli.summary import section
from leadscoring.cli.working import working
from leadscoring.counted import counted

NAMES = 24
"""The widest name of a column that has its facts beside it; a longer one has them below."""

OTHERS = 4
"""Number of other candidates for the outcome that are named."""


@click.command(
    cls=Command,
    short_help="Show how a file of leads will be read.",
    examples=("leadscoring inspect leads.csv", "leadscoring inspect leads.csv --target converted --time created_at"),
)
@click.argument("data", type=FILE)
@data_options
@option("--json", "as_json", heading=OUTPUT, is_flag=True, help="Print everything as JSON.")
def inspect(data: Path, *, as_json: bool, **given: Any) -> None:
    """Show what training would make of past leads (CSV or Parquet), in seconds; writes nothing.

    Shows what each column is taken for, how it was read, which columns are left out and what that costs, which rows
    are lost, which columns look like leaks, and the command to run next. Of a large file, a sample is read. Without
    --target, the most probable column is taken for the outcome, and the others are named.
    """
    with working() as work:
        import_xgboost()
        from leadscoring.training.inspected import inspect as inspect_file
        from leadscoring.training.options import TrainOptions

        options = as_train_options(given)
        options["target"] = options["target"] or ""
        found = inspect_file(data, TrainOptions(**options), work.progress)
    if as_json:
        click.echo(json.dumps(found, allow_nan=False))
        return
    show(lines_of(found, str(data)))


def lines_of(found: Mapping[str, Any], source: str) -> list[Line]:
    """The result as lines."""
    used, left_out = found["columns"], [one for one in found["excluded"] if not one["role"]]
    return [
        Line(f"{source}: {counted(found['rows'], 'row')}", "heading"),
        *([Line(f"warning: {found['sample']}")] if found["sample"] else []),
        *section("Outcome", outcome_text(found)),
        *section("Rows that are lost", lost_text(found["lost"])),
        *section("Read as", [f"  {words}" for words in found["reading"]]),
        *section(
            f"{counted(len(used), 'column')} to learn from", [HEAD, *(one for each in used for one in used_text(each))]
        ),
        *section(
            f"{counted(len(left_out), 'column')} left out (what each says alone: 0.5 nothing, 1.0 everything)",
            [
                one
                for each in left_out
                for one in row(each["column"], f"{alone(each['roc_auc_alone'])}  {each['why']}", NAMES + 11)
            ],
        ),
        *section("Read as missing", [f"  {name}: {tokens(counts)}" for name, counts in found["missing"].items()]),
        *section("Dates", [one for each in found["dates"] for one in row(each["column"], date_text(each))]),
        Line(""),
        *(Line(f"warning: {words}") for words in found["warnings"]),
        *(Line(f"note: {words}") for words in found["notes"]),
        Line(""),
        Line("Next:", "heading"),
        Line(f"  {found['command']}", "command"),
    ]


HEAD = f"  {'column':<{NAMES}}  {'kind':<8}  unknown  alone  values"


def row(name: str, words: str, hang: int = NAMES + 4) -> list[Line]:
    """A column and what there is to say about it; below its name if that is long."""
    if len(name) > NAMES:
        return [Line(f"  {name}"), Line(f"  {'':<{NAMES}}  {words}", hang=hang)]
    return [Line(f"  {name:<{NAMES}}  {words}", hang=hang)]


def used_text(one: Mapping[str, Any]) -> list[Line]:
    """A column to learn from: its kind, the share of unknown values, what it says alone, and examples or its range."""
    values = one["shown"]
    shown = " to ".join(values) if one["minimum"] is not None or one["kind"] in RANGED else ", ".join(values)
    more = f" (of {len(one['values'])} values)" if len(one.get("values", ())) > len(values) else ""
    words = f"{one['kind']:<8}  {one['unknown']:>7.1%}  {alone(one['roc_auc_alone'])}  {shown}{more}"
    return [*row(one["name"], words.rstrip()), *(line for how in one["read_as"] for line in row("", how))]


RANGED = ("number", "integer", "date", "flag")
"""Kinds whose values have a range."""


def alone(auc: float | None) -> str:
    """What a column says alone; a dash where that was not measured."""
    return "    -" if auc is None else f"{auc:5.2f}"


def outcome_text(found: Mapping[str, Any]) -> list[str]:
    """The target, what converted means, and how many did; which other columns could be it, if it was guessed."""
    target, data = found["target"], found["data"]
    means = ", ".join(map(repr, target["positive"]))
    lines = [
        f"  {target['column']!r}; converted means {means}",
        f"  {counted(data['rows'], 'lead')}, {data['positives']:,} converted ({data['base_rate']:.1%})",
    ]
    if not target["guessed"]:
        return lines
    others = [one["column"] for one in target["candidates"][1 : 1 + OTHERS]]
    also = f"; it could also be {', '.join(map(repr, others))}" if others else ""
    return [f"  a guess, since no --target was given: check it{also}", *lines]


def lost_text(lost: Mapping[str, int]) -> list[str]:
    """The rows that are not trained on, by reason, and rows that are there twice."""
    other = lost["rows"] - lost["open"] - lost["without_outcome"]
    reasons = {
        "whose outcome is still open, or named by no option": lost["open"],
        "without an outcome": lost["without_outcome"],
        "without a time": max(other, 0),
    }
    lines = [f"  {count:,} {why}" for why, count in reasons.items() if count]
    if lost["duplicates"]:
        lines.append(
            f"  none for this: {lost['duplicates']:,} rows are there twice; they stay together in the evaluation"
        )
    return lines or ["  none"]


def date_text(one: Mapping[str, Any]) -> str:
    """The span of a column of dates, how many rows have one, and what it could be."""
    role = f"; {one['role']}" if one["role"] else ""
    return f"{one['from']} to {one['to']}, {1.0 - one['known']:.1%} unknown{role}"


def tokens(counts: Mapping[str, int]) -> str:
    """Texts that were read as missing, with their counts."""
    return ", ".join(f"{token!r} {count:,} times" for token, count in counts.items())
