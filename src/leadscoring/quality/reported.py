"""Live quality of a ledger: computed once a day by its keeper or by a command, kept, and shown from there.

A serving worker reads the report that was kept, and computes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from leadscoring.contract.features import Contract
from leadscoring.errors import ModelError
from leadscoring.ledger import matured
from leadscoring.ledger.database import Ledger
from leadscoring.ledger.judged import Judged
from leadscoring.ledger.matured import DaySums, Registered
from leadscoring.ledger.models import card_in
from leadscoring.quality.cohorts import Silence
from leadscoring.quality.daily import Day
from leadscoring.quality.groups import gathered
from leadscoring.quality.live import Computed, Facts, Live, ModelName, day_at, known_at, latest_model, live
from leadscoring.quality.published import publish
from leadscoring.settings import Settings


def compute(ledger: Ledger, outcome_days: int, silence: Silence, now: datetime) -> Computed:
    """Computes the live quality from all leads of a ledger. Raises ``LedgerUnavailable``."""
    with ledger.reading() as connection:
        judged, known = matured.judged(connection), matured.models(connection)
        files = {number: matured.file_of(connection, number) for number in {one.model for one in judged}}
        today = day_at(now)
        model = latest_model(known_at(judged, today))
        contract = None if model is None else contract_of(files[model])
        groups = None
        if model is not None and contract is not None:
            rows = known_rows(matured.judged_rows(connection, model), today)
            groups = gathered(rows, contract, outcome_days, today, silence)
    training = {number: rehearsal(content) for number, content in files.items()}
    return live(Facts(judged, names_of(known), training, outcome_days, silence, groups), now)


def known_rows(rows: Iterable[tuple[Judged, bytes]], today: int) -> Iterator[tuple[Judged, bytes]]:
    """Yields leads as they were known at the start of a day."""
    for one, row in rows:
        for known in known_at([one], today):
            yield known, row


def contract_of(content: bytes) -> Contract | None:
    """Returns the contract of a model; ``None`` for a file without a card, or one that cannot be read."""
    try:
        card = card_in(content)
    except ModelError:
        return None
    return None if card is None else card.contract


def names_of(known: Mapping[int, Registered]) -> dict[int, ModelName]:
    """Returns the names of models by their number."""
    return {number: ModelName(one.name, one.version, one.sha256) for number, one in known.items()}


def rehearsal(content: bytes) -> dict[str, Any]:
    """Returns the figures of the leads that were held out in training; empty for a file without them."""
    try:
        card = card_in(content)
    except ModelError:
        return {}
    held_out = {} if card is None else card.quality.get("held_out", {})
    names = ("rows", "base_rate", "roc_auc", "log_loss", "calibration_error", "perfect_calibration_error")
    return {name: held_out[name] for name in names if name in held_out}


def keep(ledger: Ledger, computed: Computed, actor: str, now: datetime) -> None:
    """Keeps the report as an act, and the sums of its days, which outlive their leads. Raises ``LedgerUnavailable``."""
    report = msgspec.json.encode(computed.live).decode()
    with ledger.writing() as connection:
        matured.keep_days(connection, [sums_of(one) for one in computed.days if one.expected is not None])
        matured.keep_report(connection, microseconds(now), actor, computed.model, report)


def renew(ledger: Ledger, outcome_days: int, silence: Silence, now: datetime, actor: str = "keeper") -> Live:
    """Returns the report of today: the kept one if it is of this day, else a new one, which is kept.

    For the keeper, which calls it as often as it likes. Raises ``LedgerUnavailable``.
    """
    kept = latest(ledger)
    if kept is not None and kept.at[:10] == now.date().isoformat():
        return kept
    computed = compute(ledger, outcome_days, silence, now)
    keep(ledger, computed, actor, now)
    return computed.live


def tend(ledger: Ledger, settings: Settings, now: datetime) -> None:
    """Renews the report, and publishes its figures for monitoring: the keeper's turn, once a minute or so.

    Raises ``LedgerUnavailable``.
    """
    live = renew(ledger, settings.outcome_days, settings.outcome_silence, now)
    publish(live, Path(settings.ledger_tape_path))


def latest(ledger: Ledger) -> Live | None:
    """Returns the latest report that was kept; ``None`` without one. Raises ``LedgerUnavailable``."""
    with ledger.reading() as connection:
        found = matured.latest_report(connection)
    return None if found is None else msgspec.json.decode(found[1], type=Live)


def sums_of(one: Day) -> DaySums:
    """Returns a day as its table has it."""
    expected, variance = one.expected or 0.0, one.variance or 0.0
    return DaySums(one.day, one.model, one.tier, one.leads, expected, variance, one.won, one.lost)


def microseconds(now: datetime) -> int:
    """Returns a moment in microseconds since 1970."""
    return int(now.timestamp() * 1_000_000)
