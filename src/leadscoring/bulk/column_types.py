"""Which types of columns a run can use for what: those of Parquet are refused before a row is read."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from leadscoring.bulk.choice import Choice, Needed
from leadscoring.errors import ScoringFileError

WORDS: dict[Any, str] = {
    pl.Binary: "bytes",
    pl.Object: "objects",
    pl.Duration: "durations",
    pl.List: "lists",
    pl.Array: "lists",
    pl.Struct: "structs",
    **({pl.Map: "maps"} if hasattr(pl, "Map") else {}),
}
"""What columns of the types hold that are not for every use."""

UNREAD = (pl.Binary, pl.Object, pl.Duration)
"""Types that no feature has; columns of any type are repeated."""

DIGITS = 38
"""The most digits of decimals that Polars reads; it knows the types of others, and fails at their values."""


def refuse_types(choice: Choice, need: Needed, types: Mapping[str, pl.DataType], file: str) -> None:
    """Raises ``ScoringFileError``, with column and type, if a column cannot be used for what it is needed for."""
    refuse_wide(need, types, file)
    uses = (
        ((need.lead_id,), "--id" if choice.lead_id is not None else "", tuple(WORDS), "texts or whole numbers"),
        ((need.as_of,), "--as-of" if choice.as_of is not None else "", tuple(WORDS), "times or texts"),
        (need.features, "", UNREAD, "texts, numbers, flags and times"),
    )
    for names, option, refused, allowed in uses:
        for name in names:
            kind = types.get(name or "")
            held = None if kind is None else held_by(kind, refused)
            if held is not None:
                which = f"{option} names {name!r}" if option else f"the column {name!r} is needed"
                raise ScoringFileError(f"{file}: {which}, which holds {held} ({kind}); allowed: {allowed}")


def refuse_wide(need: Needed, types: Mapping[str, pl.DataType], file: str) -> None:
    """Raises ``ScoringFileError``, with column and type, if a column that is read has decimals of too many digits."""
    for name in need.every:
        kind = types.get(name)
        if isinstance(kind, pl.Decimal) and (kind.precision or 0) > DIGITS:
            raise ScoringFileError(
                f"{file}: the column {name!r} holds decimals of {kind.precision} digits ({kind}); "
                f"allowed: at most {DIGITS}, or write it as text"
            )


def held_by(kind: pl.DataType, refused: Sequence[Any]) -> str | None:
    """What a column of a type holds that is refused, in words; ``None`` if there is nothing."""
    found: str | None = next((words for one, words in WORDS.items() if one in refused and kind == one), None)
    if found is not None:
        return found
    fields = [field.dtype for field in kind.fields] if isinstance(kind, pl.Struct) else []
    inner: list[Any] = [*fields, *(getattr(kind, part, None) for part in ("inner", "key", "value"))]
    parts = (held_by(one, refused) for one in inner if one is not None)
    return next((words for words in parts if words is not None), None)
