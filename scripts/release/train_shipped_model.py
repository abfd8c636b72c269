"""Trains the shipped model on demo data, as ``leadscoring train`` would, with the default contract.

``make model`` runs it. A trainer infers a contract from the data alone; the shipped model promises more to
its callers (which features are required, what each means), so it carries the contract that is written down.
On one platform, the same lock and seed give the same bytes.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from leadscoring.contract.features import Contract
from leadscoring.demo.contract import CONTRACT
from leadscoring.model.card import ATTRIBUTE, Card

MADE_ON = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment that the card names; a fixed one, so that the file can be made again."""


def check_columns(inferred: Contract) -> None:
    """Ends the program unless the trees' columns are the features of the default contract, in order."""
    if inferred.names == CONTRACT.names:
        return
    absent = sorted(set(CONTRACT.names) - set(inferred.names)) or "none"
    extra = sorted(set(inferred.names) - set(CONTRACT.names)) or "none"
    sys.exit(f"the demo data do not give the default contract: absent {absent}, too many {extra}, or out of order")


def in_format_1(card: Card) -> Card:
    """Returns the card as format 1, which the file of every release so far has: the bytes stay as they are."""
    training = card.training and msgspec.structs.replace(
        card.training, trained_until=msgspec.UNSET, as_of=msgspec.UNSET
    )
    return msgspec.structs.replace(card, training=training, format=1)


@click.command()
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--version", default="1.0.0", show_default=True, help="The version that the card names.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The model file to write.")
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where the report goes."
)
def main(data: Path, version: str, out: Path, report: Path) -> None:
    """Train the shipped model on DATA."""
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(int(MADE_ON.timestamp())))
    from leadscoring.training.fit import train
    from leadscoring.training.options import TrainOptions
    from leadscoring.training.report.facts import write_report

    options = TrainOptions(target="converted", id="lead_id", time="created_at", name="lead-scoring", version=version)
    trained = train(data, options)
    check_columns(trained.card.contract)
    card = in_format_1(msgspec.structs.replace(trained.card, contract=CONTRACT))
    trained.booster.set_attr(**{ATTRIBUTE: card.to_json()})
    msgspec.structs.replace(trained, card=card).save(out)
    write_report(trained.report, report)
    click.echo(f"{out}: {card.name} {card.version}, {len(CONTRACT)} features, report in {report}")


if __name__ == "__main__":
    main()
