"""What a run is asked for, and the columns of the files that it needs for that."""

from collections.abc import Collection, Sequence

import msgspec

from leadscoring.contract.features import Feature, nearest
from leadscoring.contract.moment import AS_OF_ALLOWED, moment_of
from leadscoring.errors import ScoringFileError
from leadscoring.model.loaded import LoadedModel
from leadscoring.model.reading import IDS
from leadscoring.training.reading.header import clean

ALL = "all"
NOW = "now"

SHOWN = 5


class Choice(msgspec.Struct, frozen=True):
    """The options of a run.

    ``lead_id`` names the column of ids, ``as_of`` a moment, the column of moments or ``now`` (without it, the column by
    which training saw its leads, if the file has it), and ``keep`` the columns of the input that the output repeats, or
    ``all``. With ``record`` each scored lead is kept for the ledger.
    """

    reasons: int = 5
    details: bool = False
    as_of: str | None = None
    lead_id: str | None = None
    keep: tuple[str, ...] = ()
    threads: int = 1
    record: bool = False


class Needed(msgspec.Struct, frozen=True):
    """The columns of one file: those of the features, of ids, of moments and to repeat; and a moment for all leads.

    ``numbers`` are columns whose cells may be read as numbers at once, and ``single`` those without line breaks.
    """

    features: tuple[str, ...]
    numbers: tuple[str, ...]
    lead_id: str | None = None
    as_of: str | None = None
    moment: int | None = None
    keep: tuple[str, ...] = ()
    single: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """All columns that are read."""
        others = (name for name in (self.lead_id, self.as_of) if name is not None)
        return tuple(dict.fromkeys((*self.features, *others, *self.keep)))


def needed(choice: Choice, model: LoadedModel, names: Sequence[str], file: str) -> Needed:
    """Finds the columns of a file that a run needs.

    Raises ``ScoringFileError`` if it lacks one that was named or that the model requires, or has none of the model's.
    """
    contract, reading = model.card.contract, model.card.read_as
    sources = {feature.name: reading.presence.get(feature.name, feature.name) for feature in contract.features}
    known = set(names)
    features = tuple(dict.fromkeys(source for source in sources.values() if source in known))
    absent = [name for name, source in sources.items() if source not in known]
    required = [feature.name for feature in contract.features if feature.required and feature.name in absent]
    if required or not features:
        lacking = required or absent
        more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
        some = ", ".join(map(repr, lacking[:SHOWN]))
        raise ScoringFileError(f"{file} lacks {some}{more}, which the model needs{hint(lacking[0], names)}")
    lead_id = named(choice.lead_id, "--id", names, file)
    if choice.lead_id is None:
        ids = [column_of(name, known) for name in (reading.id, *IDS) if name]
        lead_id = next((name for name in ids if name is not None and name not in features), None)
    moment, as_of = moment_or_column(choice.as_of, names, file)
    if choice.as_of is None and contract.is_timed:
        as_of = column_of(reading.dated.as_of, names)
    keep = repeated(choice.keep, names, file)
    textual = {lead_id, as_of, *keep, *reading.numbers}
    plain = ("number", "integer", "flag")
    numbers = (one.name for one in contract.features if one.kind in plain and not one.codes)
    marked = any(is_number(token) for token in reading.missing)
    typed = () if marked else tuple(name for name in numbers if name in features and name not in textual)
    single = [sources[one.name] for one in contract.features if one.name not in reading.presence and is_single(one)]
    single += [name for name in (lead_id, as_of) if name is not None]
    return Needed(features, typed, lead_id, as_of, moment, keep, tuple(dict.fromkeys(single)))


def absent_words(model: LoadedModel, names: Sequence[str], file: str) -> str | None:
    """What a file lacks of the model's columns, whose values are unknown then; ``None`` if it has all of them."""
    contract, presence = model.card.contract, model.card.read_as.presence
    sources = tuple(dict.fromkeys(presence.get(name, name) for name in contract.names))
    absent = [name for name in sources if name not in names]
    if not absent:
        return None
    others = [name for name in names if name not in sources]
    guesses = [(name, nearest(name, others)) for name in absent[:SHOWN]]
    some = ", ".join(f"{name!r} (did you mean {guess!r}?)" if guess else repr(name) for name, guess in guesses)
    more = f" and {len(absent) - SHOWN} more" if len(absent) > SHOWN else ""
    return f"{file} lacks {some}{more}, which the model knows: unknown for all leads"


def is_single(feature: Feature) -> bool:
    """Whether no value of a feature has a line break: those of texts and sets may, and of categories if one has."""
    return not feature.form.has_lines and not any("\n" in value for value in feature.values)


def repeated(keep: Sequence[str], names: Sequence[str], file: str) -> tuple[str, ...]:
    """The columns that the output repeats: ``all`` stands for every column, also beside others."""
    found = [named(one, "--columns", names, file) for one in keep if one != ALL]
    chosen = [*(names if ALL in keep else ()), *(name for name in found if name is not None)]
    return tuple(dict.fromkeys(chosen))


def moment_or_column(as_of: str | None, names: Sequence[str], file: str) -> tuple[int | None, str | None]:
    """The moment that ``--as-of`` states, or the column that it names; neither for the start of the run."""
    if as_of is None:
        return None, None
    if (name := column_of(as_of, names)) is not None:
        return None, name
    if as_of.casefold() == NOW:
        return None, None
    try:
        return moment_of(as_of), None
    except ValueError:
        raise ScoringFileError(
            f"--as-of must be {AS_OF_ALLOWED}, now, or a column of {file}, not {as_of!r}{hint(as_of, names)}"
        ) from None


def named(name: str | None, option: str, names: Sequence[str], file: str) -> str | None:
    """The column that an option names. Raises ``ScoringFileError`` if the file has none of that name."""
    if name is None:
        return None
    found = column_of(name, names)
    if found is None:
        raise ScoringFileError(f"{option} names {name!r}, but {file} has no such column{hint(name, names)}")
    return found


def column_of(name: str, names: Collection[str]) -> str | None:
    """The column of this name, as it stands in the file or as it is called here."""
    return next((one for one in (name, clean(name)) if one in names), None)


def hint(name: str, names: Sequence[str]) -> str:
    """A suggestion for a misspelled name, as the end of a sentence."""
    guess = nearest(name, list(names))
    return f"; did you mean {guess!r}?" if guess else ""


def is_number(token: str) -> bool:
    """Whether a missing token is a number, so that reading numbers at once would miss it."""
    try:
        float(token.rpartition("=")[2])
    except ValueError:
        return False
    return True
