"""Leaves suspects of the leak guard out of training, or keeps them for a reason; reports both with the evidence."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from leadscoring.errors import TrainingDataError
from leadscoring.training.infer import Asked, Inferred, unread
from leadscoring.training.leads import Leads
from leadscoring.training.report.left_out import probable_leaks
from leadscoring.training.suspects import Verdict, not_looked_at, verdicts

PLACEHOLDER = "WHY IT IS KNOWN WHEN A LEAD ARRIVES"
"""Stands for the reason in a proposed command; it is no reason, so the command as printed keeps no leak."""

NAMED = 8


class Guarded(msgspec.Struct, frozen=True):
    """The leads and their parsed columns without the suspects, and the verdict on every column.

    ``dates_moved`` says that a date was left out where the latest date of a lead is its moment: then that of some leads
    is another one now, and with it which of the other dates lie after it.
    """

    leads: Leads
    inferred: Inferred
    verdicts: tuple[Verdict, ...]
    dates_moved: bool = False

    @property
    def published(self) -> list[dict[str, Any]]:
        """The evidence on every column, as plain data for the report."""
        return [
            {
                "column": one.column,
                "roc_auc_alone": one.evidence.alone,
                "filled": list(one.evidence.filled),
                "roc_auc_with": number(one.with_it),
                "roc_auc_without": number(one.without),
                "signs": list(one.signs),
                "left_out": bool(one.signs) and not one.because,
                "because": one.because,
            }
            for one in self.verdicts
        ]


def number(value: float) -> float | None:
    """A figure, null where it was not measured."""
    return None if value != value else value  # noqa: PLR0124 - NaN is not itself


def guard(leads: Leads, inferred: Inferred, asked: Asked, because: Sequence[str], seed: int) -> Guarded:
    """Examines the columns of ``inferred``, and leaves out those that are probably known only after the outcome.

    ``because`` has the reasons of the user for the columns that ``asked.keep`` names: one for all of them, or one
    for each. Raises ``TrainingDataError`` if a suspect is kept without a reason, or no column is left.
    """
    refuse_stray_reasons(asked.keep, because)
    judged = verdicts(inferred.frame, leads, seed, inferred.later)
    found = tuple(with_reason(one, asked, because) for one in judged)
    out = {one.column: f"a probable leak: {one.words}" for one in found if one.signs and not one.because}
    if len(out) == len(found):
        raise TrainingDataError(
            "every column is a probable leak: "
            + "; ".join(f"{name!r}: {why}" for name, why in list(out.items())[:NAMED])
            + ". --keep NAME --because TEXT keeps one that is known when a lead is scored"
        )
    kept = [f"{one.column!r} was kept, because {one.because}, although {one.words}" for one in found if one.because]
    leaks = [f"{name!r} was left out: {why}" for name, why in out.items()]
    guarded = msgspec.structs.replace(
        leads,
        named={**leads.named, **out},
        notes=(*leads.notes, *kept, *not_looked_at(len(judged))),
        leaks=tuple(leaks),
        warnings=(*summary(out, inferred.dropped), *leaks, *leads.warnings),
    )
    dates = {feature.name for feature in inferred.contract.features if feature.form.is_timed}
    moved = leads.as_of is None and not dates.isdisjoint(out)
    return Guarded(guarded, unread(inferred, out) if out else inferred, found, moved)


def refuse_stray_reasons(keep: Sequence[str], because: Sequence[str]) -> None:
    """Raises ``TrainingDataError`` if the reasons do not belong to the columns that are kept."""
    if because and len(because) not in {1, len(keep)}:
        raise TrainingDataError(
            f"--because gives the reason for --keep: once for all of them, or once for each; there are {len(keep)} "
            f"columns to keep and {len(because)} reasons"
        )
    if any(not text.strip() for text in because):
        raise TrainingDataError("--because needs a reason: why the column is known when a lead is scored")
    if any(text.strip() == PLACEHOLDER for text in because):
        raise TrainingDataError(f"--because is still {PLACEHOLDER!r}: replace this text by your reason")


def with_reason(verdict: Verdict, asked: Asked, because: Sequence[str]) -> Verdict:
    """A verdict with the user's reason to keep its column. Raises ``TrainingDataError`` if a suspect has none."""
    kept = [place for place, pattern in enumerate(asked.keep) if asked.names(verdict.column, [pattern])]
    if not verdict.signs or not kept:
        return verdict
    if not because:
        raise TrainingDataError(
            f"--keep names {verdict.column!r}, which is a probable leak: {verdict.words}. Add --because with the "
            "reason why it is known when a lead is scored; the reason is kept in the model and in the report"
        )
    reason = because[0] if len(because) == 1 else because[kept[0]]
    return msgspec.structs.replace(verdict, because=reason.strip())


def summary(out: dict[str, str], dropped: Mapping[str, str]) -> list[str]:
    """The warning about columns that were left out, with the way to keep them.

    It counts those that inference had left out already, as the verdict of the report does.
    """
    if not out:
        return []
    every = [*out, *probable_leaks(dropped)]
    some = ", ".join(map(repr, every[:NAMED])) + (f" and {len(every) - NAMED} more" if len(every) > NAMED else "")
    columns = "1 column was" if len(every) == 1 else f"{len(every)} columns were"
    return [
        f"{columns} left out as known, or changed, only after the outcome: {some}. If one is known when a lead is "
        "scored, keep it with --keep NAME --because TEXT"
    ]
