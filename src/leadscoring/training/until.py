"""The end of the training data, which live quality begins after: a lead that trained a model cannot judge it."""

from datetime import timedelta

import numpy as np
from msgspec import UNSET, UnsetType

from leadscoring.model.card import EPOCH
from leadscoring.training.leads import Leads
from leadscoring.training.options import TrainOptions
from leadscoring.training.report.periods import PAST


def trained_until(leads: Leads) -> str | UnsetType:
    """Returns the latest moment of a lead, in ISO 8601 with microseconds; unset if no column has dates."""
    known = [values[values > PAST] for values in (leads.time, leads.as_of) if values is not None]
    latest = max((int(values.max()) for values in known if len(values)), default=None)
    if latest is None:
        return UNSET
    moment = EPOCH + timedelta(microseconds=latest)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def as_of_column(leads: Leads, options: TrainOptions) -> str | UnsetType:
    """Returns the column that has the moment of each lead; unset if none of the named ones has dates."""
    if options.as_of:
        return options.as_of
    dated = leads.time is not None and bool(np.any(leads.time > PAST))
    return options.time if options.time and dated else UNSET
