"""The command that trains on an inspected file, with everything filled in, quoted for the shell; it works as it is."""

from pathlib import Path
from shlex import quote

import msgspec

from leadscoring.errors import TrainingDataError
from leadscoring.training.infer import Inferred
from leadscoring.training.leads import hold_out
from leadscoring.training.options import TrainOptions
from leadscoring.training.order import order_of
from leadscoring.training.outcome_dates import FILLED
from leadscoring.training.prepared import Prepared, read_leads
from leadscoring.training.reading.source import source_name

OPTION = "--time "
IDENTIFIER = "an identifier"


def command(source: Path, past: Prepared, folder: Path | None = None) -> str:
    """The command, with the options that were given and those that were found: positive values, time, identifier.

    Its files do not exist yet in ``folder``, by default the current one.
    """
    options = past.options
    found = msgspec.structs.replace(
        options,
        positive=positive_of(past),
        time=options.time or time_of(past),
        id=options.id or identifier_of(past.guarded.inferred),
    )
    data = str(source) if source_name(source) else "FILE"
    words = ["leadscoring", "train", quote(f"./{data}" if data.startswith("-") else data), *written(found)]
    return " ".join([*words, *places(folder or Path())])


def written(options: TrainOptions) -> list[str]:
    """The options as words for the shell, each with its value."""
    named = {
        "--target": options.target,
        "--positive": options.positive,
        "--negative": options.negative,
        "--time": options.time,
        "--id": options.id,
        "--won-date": options.won_date,
        "--lost-date": options.lost_date,
        "--as-of": options.as_of,
        "--within": options.within,
    }
    several = {
        "--ignore": options.ignore,
        "--keep": options.keep,
        "--because": options.because,
        "--read": options.read,
        "--missing": options.missing,
    }
    if options.target == options.won_date:
        del named["--target"], named["--positive"]
    pairs = [(name, value) for name, value in named.items() if value]
    pairs += [(name, value) for name, values in several.items() for value in values]
    return [f"{name}={quote(value)}" if value.startswith("-") else f"{name} {quote(value)}" for name, value in pairs]


def positive_of(past: Prepared) -> str | None:
    """The values that mean converted, as the option takes them; ``None`` if it cannot, or needs none."""
    given, found = past.options.positive, past.leads.outcome.positive
    if given or found == (FILLED,) or (len(found) > 1 and any("," in value for value in found)):
        return given
    return ",".join(found)


def time_of(past: Prepared) -> str | None:
    """A column of dates that could be the time of the leads, if training takes it."""
    order = order_of(past.leads, past.tokens)
    if order is None or not order.option.startswith(OPTION):
        return None
    name = next((one for one in past.table.frame.columns if order.option == f"{OPTION}{one!r}"), None)
    if name is None:
        return None
    options = msgspec.structs.replace(past.options, time=name)
    try:
        leads, _, _ = read_leads(past.table, options)
        hold_out(leads, leads.frame, options.seed)
    except TrainingDataError:
        return None
    return name


def identifier_of(inferred: Inferred) -> str | None:
    """The first column that is left out as an identifier."""
    return next((name for name, why in inferred.dropped.items() if why.startswith(IDENTIFIER)), None)


def places(folder: Path) -> list[str]:
    """Options for the model and the report, with names that are free in a folder."""
    number = next(
        count
        for count in range(1, 10_000)
        if not any((folder / name).exists() for name in (f"model{suffix(count)}.json", f"report{suffix(count)}"))
    )
    return [f"--out model{suffix(number)}.json", f"--report report{suffix(number)}"]


def suffix(number: int) -> str:
    """What is added to a name to make it another one; nothing for the first."""
    return "" if number == 1 else f"-{number}"
