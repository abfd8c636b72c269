"""What a table says about its own columns: the contract, and why some columns stay out of it."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec
import numpy as np
import polars as pl

from leadscoring.errors import TrainingDataError
from leadscoring.features import FLOAT32_MAX, Contract, Feature, Kind
from leadscoring.training.encode import Vector, numbers
from leadscoring.training.missing import SPELLINGS, MissingTokens, as_text, blank
from leadscoring.training.quality import roc_auc

FEWEST = 20
"""A category level with fewer rows than this says nothing; nor does the sum of such levels."""

RARE_SHARE = 0.005
"""A level of a smaller share than this folds into *other*."""

NEARLY = 0.5
"""Text with more distinct values than this share of its rows names leads, not kinds of lead."""

STRAY_SHARE = 0.01
"""Up to this share of text in a column of numbers is read as missing."""

LEAK_AUC = 0.98
"""A single feature that ranks better than this is suspicious."""

ID_NAME = re.compile(r"(^|[^a-z])(id|uuid|guid|key|number|nr|no)$", re.IGNORECASE)
DATE_TEXT = re.compile(r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ].*)?$")


class Inferred(msgspec.Struct, frozen=True):
    """What became of every column of a table.

    ``frame`` holds the columns of the contract with missing tokens as null; ``dropped`` says why the
    others are out; ``missing`` counts the tokens read as unknown, by column; ``folded`` counts the rare
    levels, by column; ``notes`` are remarks and ``warnings`` are what somebody should look at.
    """

    contract: Contract
    frame: pl.DataFrame
    dropped: dict[str, str]
    missing: dict[str, dict[str, int]]
    folded: dict[str, int]
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def infer(
    frame: pl.DataFrame, y: Vector, named: dict[str, str], ignore: Sequence[str], tokens: MissingTokens
) -> Inferred:
    """The contract of a table whose outcomes are ``y`` (0 or 1, shape (rows,)).

    ``named`` are columns with another role and what that is; ``ignore`` are names or glob patterns.
    Raises ``TrainingDataError`` when no column is left.
    """
    features: list[Feature] = []
    kept: list[pl.Series] = []
    dropped = dict(named)
    missing: dict[str, dict[str, int]] = {}
    folded: dict[str, int] = {}
    notes: list[str] = []
    warnings: list[str] = []
    for column in frame.iter_columns():
        if column.name in named:
            continue
        if any(fnmatchcase(column.name, pattern) or column.name == pattern for pattern in ignore):
            dropped[column.name] = "ignored, as asked"
            continue
        read = read_column(column, tokens, y)
        notes += read.notes
        warnings += read.warnings
        if read.missing:
            missing[column.name] = read.missing
        if read.feature is None:
            dropped[column.name] = read.dropped
            continue
        if read.folded:
            folded[column.name] = read.folded
        features.append(read.feature)
        kept.append(read.column)
    if not features:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(dropped.items())[:8])
        raise TrainingDataError(f"no column is left to train on ({reasons})")
    return Inferred(
        Contract(tuple(features)), pl.DataFrame(kept), dropped, missing, folded, tuple(notes), tuple(warnings)
    )


class Read(msgspec.Struct):
    """One column on its way: what is left of it, and the feature or the reason to drop it."""

    column: pl.Series
    feature: Feature | None = None
    dropped: str = ""
    missing: dict[str, int] = {}
    folded: int = 0
    notes: list[str] = []
    warnings: list[str] = []


def read_column(raw: pl.Series, tokens: MissingTokens, y: Vector) -> Read:
    """One column with its missing tokens blanked, and the feature that it is (or why it is none)."""
    if raw.dtype.is_temporal():
        return Read(raw, dropped="a date or time")
    if not (raw.dtype in (pl.String, pl.Boolean, pl.Categorical, pl.Enum) or raw.dtype.is_numeric()):
        return Read(raw, dropped=f"of the type {raw.dtype}, which is neither number nor text")
    column = raw.cast(pl.String) if raw.dtype in (pl.Categorical, pl.Enum) else raw
    column, found = blank(column, tokens.of(raw.name))
    read = Read(column, missing=found)
    if column.null_count() == len(column):
        read.dropped = "all missing"
        return read
    if column.drop_nulls().n_unique() == 1:
        level = f"constant: always {as_text(column).drop_nulls()[0]!r}"
        only_missing = column.null_count() >= FEWEST
        read.dropped = level + (" or missing" if column.null_count() else "")
        if not only_missing:
            return read
        read.dropped = ""
    if not read_number(read, raw):
        read_category(read)
    if read.feature is not None:
        refuse_leak(read, y)
    return read


def read_number(read: Read, raw: pl.Series) -> bool:
    """Fill ``read`` when the column holds numbers; whether it does."""
    column = read.column
    values = numbers(column)
    if column.dtype == pl.String:
        text = column.filter(pl.Series(np.isnan(values))).drop_nulls()
        if len(text) > STRAY_SHARE * (len(column) - column.null_count()):
            return False
        for value, count in text.value_counts(sort=True, name="n").rows():
            read.missing = {**read.missing, value: count}
            read.warnings = [
                *read.warnings,
                f"{raw.name!r} holds numbers, but {value!r} {count} times: read as missing",
            ]
    elif (column.dtype.is_float() and (np.isinf(column.fill_null(0).to_numpy())).any()) or np.isnan(
        values
    ).sum() > column.null_count():
        read.warnings = [*read.warnings, f"{raw.name!r} holds NaN or values beyond {FLOAT32_MAX:.3g}: read as missing"]
    read.column = pl.Series(raw.name, values).fill_nan(None)
    present = values[~np.isnan(values)]
    if len(present) == 0:
        read.dropped = "all missing"
    elif is_identifier(raw.name, values):
        read.dropped = "an identifier: a different whole number in each row"
    else:
        read.feature = number_feature(read, raw, present)
    return True


def is_identifier(name: str, values: Vector) -> bool:
    """Whether whole numbers, all different, are counted up row by row, have no gaps, or are called an id."""
    if np.isnan(values).any() or (values != np.floor(values)).any() or len(np.unique(values)) < len(values):
        return False
    steps = np.diff(values)
    ordered = bool((steps > 0).all() or (steps < 0).all())
    dense = np.ptp(values) + 1 <= 1.2 * len(values)
    return ordered or bool(dense) or ID_NAME.search(name) is not None


def number_feature(read: Read, raw: pl.Series, present: Vector) -> Feature:
    """The contract of a column of numbers: its kind, and the bounds that nothing legitimate crosses."""
    name, whole = raw.name, bool((present == np.floor(present)).all())
    required = len(present) == len(raw)
    if whole and set(np.unique(present)) <= {0.0, 1.0}:
        return Feature(name, "flag", required=required, example=int(present[0]))
    decimal = raw.dtype.is_float() or (raw.dtype == pl.String and raw.drop_nulls().str.contains(r"\d\.\d").any())
    integer = whole and not (decimal and required)
    low, high, words = bounds(read, present)
    median = float(np.median(present))
    example: float | int = int(present[np.abs(present - median).argmin()]) if integer else float(f"{median:.6g}")
    kind: Kind = "integer" if integer else "number"
    return Feature(name, kind, required=required, minimum=low, maximum=high, help=words, example=example)


def bounds(read: Read, present: Vector) -> tuple[float | None, float | None, str]:
    """Minimum, maximum and help text: 0 where nothing is negative, and no bound otherwise.

    A numeric missing token (say 999 for *never*) beyond everything else bounds the feature, so that a
    lead which still sends it is refused rather than scored as a number.
    """
    low: float | None = 0.0 if present.min() >= 0.0 else None
    high: float | None = None
    words = "never negative in the training data" if low == 0.0 else ""
    for token in read.missing:
        try:
            value = float(token)
        except ValueError:
            continue
        if not np.isfinite(value):
            continue
        words = f"{words}; {token} meant unknown in the training data: leave the feature out instead".lstrip("; ")
        if value > present.max():
            high = value - 1.0 if present.max() <= value - 1.0 else float(np.nextafter(value, -np.inf))
        elif value < present.min() and value >= (low if low is not None else -np.inf):
            low = value + 1.0 if present.min() >= value + 1.0 else float(np.nextafter(value, np.inf))
        elif value >= present.min():
            read.warnings = [
                *read.warnings,
                f"{read.column.name!r}: {token} means unknown here, but lies among real values; "
                "leads to score must leave the feature out, not send it",
            ]
    return low, high, words


def read_category(read: Read) -> None:
    """Fill ``read`` for a column of text."""
    column = as_text(read.column)
    present = column.drop_nulls()
    if present.str.contains(DATE_TEXT.pattern).mean() > 0.95:  # type: ignore[operator]
        read.dropped = "a date or time"
        return
    distinct = present.n_unique()
    if distinct == len(present):
        read.dropped = "an identifier: a different text in each row"
        return
    if distinct > NEARLY * len(present):
        read.dropped = f"nearly unique: {distinct} different texts in {len(present)} rows"
        return
    counts = sorted(present.value_counts(name="n").rows(), key=lambda row: (-row[1], row[0]))
    least = max(FEWEST, RARE_SHARE * len(column))
    common = [value for value, count in counts if count >= least]
    rare = sum(count for _, count in counts if count < least)
    other = rare >= FEWEST
    if not common:
        read.dropped = f"{distinct} different texts, none of them in {least:.0f} rows or more"
        return
    if len(common) + other < 2 and column.null_count() + (0 if other else rare) < FEWEST:
        others = len(column) - counts[0][1]
        read.dropped = f"nearly constant: {counts[0][0]!r} in all but {others} row{'s' if others > 1 else ''}"
        return
    read.column, read.folded = column, rare
    read.feature = Feature(
        column.name,
        "category",
        required=column.null_count() == 0,
        values=tuple(common),
        missing=tuple(sorted({*SPELLINGS, *read.missing} - set(common))),
        other=other,
        example=common[0],
    )


def refuse_leak(read: Read, y: Vector) -> None:
    """Drop a column that tells the outcome perfectly, and warn of one that nearly does."""
    name = read.column.name
    missing = np.asarray(read.column.is_null().to_numpy(), dtype=np.float64)
    if 0 < missing.sum() < len(missing) and (np.array_equal(missing, y) or np.array_equal(missing, 1.0 - y)):
        read.feature, read.dropped = None, "leaks the outcome: it is filled in exactly when the outcome is known"
        read.warnings = [*read.warnings, f"{name!r} was dropped: whether it is filled in tells the outcome perfectly"]
        return
    auc = single_auc(read, y)
    if auc >= 1.0 - 1e-12:
        read.feature, read.dropped = None, "leaks the outcome: it tells every row's outcome perfectly"
        read.warnings = [*read.warnings, f"{name!r} was dropped: it alone tells the outcome of every row"]
    elif auc > LEAK_AUC:
        read.warnings = [
            *read.warnings,
            f"{name!r} alone reaches a ROC-AUC of {auc:.3f}: is it known before the outcome? If not, --ignore it",
        ]


def single_auc(read: Read, y: Vector) -> float:
    """How well one column alone ranks the leads, 0.5 to 1; categories rank by their own conversion."""
    if read.feature is not None and read.feature.kind == "category":
        text = read.column.fill_null("\0")
        rates = pl.DataFrame({"level": text, "y": y}).select(pl.col("y").mean().over("level")).to_series()
        score = rates.to_numpy()
        present = np.ones(len(y), dtype=bool)
    else:
        score = numbers(read.column)
        present = ~np.isnan(score)
    outcome = y[present]
    if outcome.min(initial=1.0) == outcome.max(initial=0.0):
        return 0.5
    auc = roc_auc(outcome, score[present])
    return max(auc, 1.0 - auc)


def without(inferred: Inferred, reasons: dict[str, str]) -> Inferred:
    """The same without some features, and why."""
    kept = tuple(feature for feature in inferred.contract.features if feature.name not in reasons)
    return msgspec.structs.replace(
        inferred,
        contract=Contract(kept),
        frame=inferred.frame.drop(list(reasons)),
        dropped=inferred.dropped | reasons,
        folded={name: count for name, count in inferred.folded.items() if name not in reasons},
    )
