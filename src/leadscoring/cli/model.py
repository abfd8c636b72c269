"""``leadscoring model``: shows what is in a model file."""

from typing import TYPE_CHECKING

import click

from leadscoring.cli.commands import Command, Group
from leadscoring.cli.model_options import opening_options
from leadscoring.cli.page import show as show_lines
from leadscoring.cli.working import in_words
from leadscoring.errors import LeadScoringError
from leadscoring.model.rounds import Choice

if TYPE_CHECKING:
    from leadscoring.contract.features import Feature
    from leadscoring.model.description import Description

WIDEST_NAME = 30
"""The widest name of a feature that has its kind beside it; a longer one has it below."""


@click.group(cls=Group)
def model() -> None:
    """Look into model files."""


@model.command(
    cls=Command,
    short_help="Check a model file and show its contents.",
    examples=("leadscoring model show models/model.json", "leadscoring model show models/model.json --json"),
)
@click.argument("path", type=click.Path())
@opening_options
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(path: str, rounds: Choice, missing_value: float | None, as_json: bool) -> None:
    """Check a model file as the service does, and show its contents."""
    from leadscoring.model.description import describe
    from leadscoring.model.file import Opening, open_model

    try:
        loaded = open_model(path, Opening(rounds=rounds, missing=missing_value))
    except LeadScoringError as failure:
        raise click.ClickException(in_words(failure)) from None
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(describe(loaded))))
        return
    show_lines([*overview(describe(loaded)), *features_text(loaded.card.contract.features)])


def features_text(features: "tuple[Feature, ...]") -> list[str]:
    """Returns a line for each feature: its name, kind, whether it is required, and what is allowed."""
    wide = min(max(map(len, (feature.name for feature in features)), default=0), WIDEST_NAME)
    lines = []
    for feature in features:
        words = f"{feature.kind:<9} {'required' if feature.required else '':<9} {feature.allowed}".rstrip()
        if len(feature.name) > wide:
            lines += [f"  {feature.name}", f"  {'':<{wide}}  {words}"]
        else:
            lines.append(f"  {feature.name:<{wide}}  {words}")
        lines += [f"    {column.name}" for column in feature.columns if feature.has_aspects]
    return lines


def overview(description: "Description") -> list[str]:
    """Returns the lines of ``model show`` before the list of features."""
    trained, rounds = description.training, description.rounds
    size = f"{description.n_features} features" + (
        f" in {description.n_columns} columns" if description.n_columns else ""
    )
    facts = {
        "trees": f"{description.n_trees} of depth {description.max_depth} over {size}",
        "rounds": f"{rounds.used} of {rounds.of}" + (f", the best is {rounds.best}" if rounds.best else ""),
        "sha256": description.sha256,
        "calibration": f"{description.calibration.method}, {description.calibration.knots} knots",
        "golden rows": f"{description.golden_rows}, all match" if description.certified else "no card: trees only",
    }
    if description.missing_value is not None:
        facts["missing"] = f"{description.missing_value:g}, in addition to null"
    if description.timed:
        facts["dates"] = "scores depend on as_of, the moment as of which a lead is scored"
    if trained:
        facts["trained on"] = f"{trained.rows} leads, {trained.positives} converted ({trained.target})"
    if description.trained_until:
        facts["until"] = f"{description.trained_until}, the latest moment of a lead"
    facts |= {f"tier {tier}": meaning for tier, meaning in description.tiers.definitions.items()}
    lines = [f"{description.name} {description.version}", *(f"{name:<11}  {words}" for name, words in facts.items())]
    return [*lines, *(f"warning: {caution}" for caution in description.cautions), "", "features"]
