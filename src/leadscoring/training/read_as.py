"""What a card keeps of how its leads were read, so that later files are read alike."""

import msgspec
import polars as pl

from leadscoring.model.reading import IDS, Dated, DayOrder, Reading
from leadscoring.training.infer import Inferred
from leadscoring.training.leads import Leads
from leadscoring.training.options import TrainOptions
from leadscoring.training.reading.moments import moments


def reading_of(options: TrainOptions, leads: Leads, inferred: Inferred) -> Reading:
    """The notations, missing tokens, outcomes and dates by which the columns of some leads were read."""
    times = dated(options, leads)
    return Reading(
        numbers=inferred.numbers,
        missing=(*options.missing, *inferred.tokens),
        positive=leads.outcome.positive if len(leads.outcome.positive) > 1 else (),
        negative=leads.outcome.negative,
        dates=inferred.dates | orders(leads.frame, times),
        presence=inferred.presence,
        dated=times,
        id=options.id if options.id and options.id not in IDS else "",
    )


def dated(options: TrainOptions, leads: Leads) -> Dated:
    """The dates by which later files are read: the moment of their leads is that of training, by ``--time`` too."""
    moment = options.as_of or (options.time if leads.as_of is not None else None)
    return msgspec.structs.replace(options.dated, as_of=moment or "")


def orders(frame: pl.DataFrame, times: Dated) -> dict[str, DayOrder]:
    """The order of day and month in the columns that ``times`` names, where both are numbers."""
    texts = [frame[name] for name in times.columns if frame.schema.get(name) == pl.String]
    return {text.name: first for text in texts if (first := moments(text).first) is not None}
