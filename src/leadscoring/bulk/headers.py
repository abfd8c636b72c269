"""The columns of all files of a run, which make one output: looked at before the first lead is scored."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import msgspec
import polars as pl

from leadscoring.bulk.batches import Opened, look_into
from leadscoring.bulk.choice import Choice, Needed, needed
from leadscoring.bulk.column_types import refuse_types
from leadscoring.bulk.sources import TOGETHER_LOOKED_AT, Source
from leadscoring.errors import ScoringFileError
from leadscoring.model.loaded import LoadedModel


class Alike:
    """Takes one file after the other, and refuses one of which the scores would not fit to those of the first.

    With ``is_typed``, as in Parquet, columns that are repeated must also have the same types.
    """

    def __init__(self, model: LoadedModel, choice: Choice, is_typed: bool) -> None:
        self._model, self._choice, self._is_typed = model, choice, is_typed
        self._first: tuple[str, Needed, dict[str, pl.DataType]] | None = None

    def take(self, file: Opened) -> Needed:
        """The columns of a file that the run needs; those that are repeated in the order of the first file.

        Raises ``ScoringFileError``, with the file, if it cannot be scored, or not into one output with the first.
        """
        name = file.source.name
        need = needed(self._choice, self._model, file.names, name)
        refuse_types(self._choice, need, file.types, name)
        types = {one: file.types.get(one, pl.String()) for one in need.keep}
        if self._first is None:
            self._first = name, need, types
            return need
        other, first, kept = self._first
        refuse_mixed(name, need, other, first)
        differing = [one for one in need.keep if self._is_typed and types[one] != kept[one]]
        if differing:
            one = differing[0]
            raise ScoringFileError(
                f"{name}: the column {one!r} holds {types[one]}, where {other} has {kept[one]}, and a column of "
                "Parquet has one type: leave it out of --columns, or write CSV"
            )
        return msgspec.structs.replace(need, keep=first.keep)


def refuse_mixed(name: str, need: Needed, other: str, first: Needed) -> None:
    """Raises ``ScoringFileError`` if two files would give columns, ids or moments of two kinds."""
    more, fewer = (set(one.keep) - set(two.keep) for one, two in ((need, first), (first, need)))
    if more or fewer:
        odd = min(more or fewer)
        has, lacks = (name, other) if more else (other, name)
        raise ScoringFileError(
            f"{has} has the column {odd!r}, which {lacks} has not: --columns names those that all files have"
        )
    for own, its, option in ((need.lead_id, first.lead_id, "--id"), (need.as_of, first.as_of, "--as-of")):
        if (own is None) != (its is None):
            has, lacks = (other, name) if own is None else (name, other)
            raise ScoringFileError(
                f"{has} has the column {own or its!r}, which {lacks} has not, so that ids or moments would be of two "
                f"kinds: name a column of all files with {option}" + (", or --as-of now" if option == "--as-of" else "")
            )


def check_headers(model: LoadedModel, choice: Choice, sources: Sequence[Source], is_typed: bool) -> None:
    """Raises the error of the first file that cannot be scored with the others; reads their headers or footers only.

    Pipes are not looked into: they can be read once. Raises ``ScoringFileError`` or ``TrainingDataError``.
    """
    alike, found = Alike(model, choice, is_typed), [one for one in sources if one.identity is not None]
    threads = TOGETHER_LOOKED_AT if any(one.is_cloud for one in found) else choice.threads
    with ThreadPoolExecutor(threads) as pool:
        for file in pool.map(header_of, found):
            alike.take(file)


def header_of(source: Source) -> Opened:
    """A file that was looked into, and is closed; without its first bytes."""
    with closing(look_into(source)) as file:
        file.head = b""
        return file
