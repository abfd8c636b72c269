"""What ``train`` and ``evaluate`` print: the verdict, what was read and left out, the figures, and the next steps."""

from collections.abc import Iterable, Mapping
from typing import Any

from leadscoring.cli.page import Line
from leadscoring.counted import counted
from leadscoring.training.report.words import (
    FIGURES,
    calibration_text,
    column_text,
    figure_text,
    other_scores,
    tokens_text,
)

LEAK = "a probable leak"
"""How the reason to exclude a column begins that matters most."""


def summary(data: Mapping[str, Any]) -> list[Line]:
    """The lines of a summary, by the data of a report."""
    return [
        *head(data),
        *(Line(f"warning: {words}") for words in data["warnings"] if words not in repeated(data)),
        *(Line(f"excluded column: {words}") for words in data["aside"]),
        *(Line(f"note: {words}") for words in data["notes"]),
        *section("Read as", [f"  {words}" for words in data["reading"]]),
        *(columns_text(data["columns"]) if "columns" in data else []),
        *figures(data),
        *section(*tiers(data)),
        *verdict(data),
    ]


def repeated(data: Mapping[str, Any]) -> set[str]:
    """The warnings that repeat why a column was excluded, which stands in the list of those columns."""
    dropped = data.get("columns", {}).get("dropped", {})
    return {f"{name!r} was left out: {why}" for name, why in dropped.items()}


def head(data: Mapping[str, Any]) -> list[Line]:
    """The model, and the leads that it was trained or evaluated on."""
    facts, model = data["data"], data["model"]
    name = f"{model['name']} {model['version']}".strip()
    share = f"{facts['positives']} converted ({facts['base_rate']:.1%})"
    return [Line(f"{name}: {facts['rows']} leads, {share}", "heading")]


def section(heading: str, lines: Iterable[str | Line]) -> list[Line]:
    """Lines under a heading, if there are any."""
    some = [one if isinstance(one, Line) else Line(one) for one in lines]
    return [Line(""), Line(f"{heading}:", "heading"), *some] if some else []


def columns_text(columns: Mapping[str, Any]) -> list[Line]:
    """What each column was taken for, which were left out and why, and what was read as missing."""
    features = columns["features"]
    dropped = sorted(columns["dropped"].items(), key=lambda one: not one[1].startswith(LEAK))
    missing = columns["missing"].items()
    return [
        *section(counted(len(features), "feature"), [f"  {one['name']}: {column_text(one)}" for one in features]),
        *section(f"Excluded, {counted(len(dropped), 'column')}", [f"  {name}: {why}" for name, why in dropped]),
        *section("Read as missing", [f"  {name}: {tokens_text(counts)}" for name, counts in missing]),
    ]


def figures(data: Mapping[str, Any]) -> list[Line]:
    """The figures on leads that were not trained on, each with its interval."""
    quality = data["held_out"]
    error = figure_text(quality["calibration_error"], percent=True)
    return [
        Line(""),
        Line(f"Evaluated on {quality['rows']} leads ({data['protocol']}):", "heading"),
        *(Line(f"  {label:<18} {figure_text(quality[key])}") for key, label, _ in FIGURES[:-1]),
        Line(f"  {FIGURES[-1][1]:<18} {error}; {calibration_text(quality)}"),
        Line(f"  {'lift, top decile':<18} {figure_text(quality['tenths'][0]['lift'])}"),
        *comparison(data.get("comparison")),
    ]


def tiers(data: Mapping[str, Any]) -> tuple[str, list[str]]:
    """The tiers and how many of the leads converted in each: those of training, or those that were evaluated."""
    if data["kind"] == "train":
        lines = [f"  {tier}  {words}" for tier, words in data["tiers"]["definitions"].items()]
        why = other_scores(data.get("measured_thresholds", ()), data["tiers"].get("thresholds", ()), "of the report")
        return "Tiers", [*lines, *([f"  {why}"] if why else [])]
    lines = [
        f"  {one['tier']}  {one['positives']:,} of {counted(one['leads'], 'lead')} converted{rate(one)}"
        for one in data["held_out"]["tiers"]
    ]
    return "Tiers of these leads", lines


def rate(one: Mapping[str, Any]) -> str:
    """The observed rate of a tier, if it has leads."""
    return f" ({one['positives'] / one['leads']:.1%})" if one["leads"] else ""


def comparison(found: Mapping[str, Any] | None) -> list[Line]:
    """The figures of the served model beside those of the new one, if there is one."""
    if not found:
        return []
    name = f"{found['model'].get('name', '')} {found['model'].get('version', '')}".strip()
    lines = [
        f"  {one['name']:<18} {number(one['served'])} to {number(one['candidate'])}: {in_doubt(one, found)}"
        for one in found["figures"]
    ]
    return section(
        f"Compared with {name} on the same leads",
        [*filter(None, [found.get("overlap") and f"  {found['overlap']}"]), *lines],
    )


def in_doubt(one: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The verdict of a comparison; with a reservation if it may be due to leads that the served model knows."""
    doubtful = one["verdict"] == "worse" and "flatters" in (found.get("overlap") or "")
    return "worse, as far as leads can say that the served model may know" if doubtful else str(one["verdict"])


def number(value: float | Mapping[str, Any] | None) -> str:
    """A figure, with or without an interval, with three decimals."""
    plain = value["value"] if isinstance(value, Mapping) else value
    return "-" if plain is None else f"{plain:.3f}"


def verdict(data: Mapping[str, Any]) -> list[Line]:
    """Whether the model can be used, and the points that say why."""
    found = data.get("verdict")
    if not found:
        return []
    return [
        Line(""),
        Line(f"Verdict: {found['level']}. {found['headline']}", found["level"]),
        *(Line(f"  - {point}") for point in found["points"]),
    ]


def next_steps(data: Mapping[str, Any]) -> list[Line]:
    """The commands to run next, each on one line so that it can be copied, with the reason."""
    steps = data.get("next") or []
    lines = [line for step in steps for line in (Line(f"  {step['command']}", "command"), Line(f"      {step['why']}"))]
    return [Line(""), Line("Next:", "heading"), *lines] if steps else []
