"""The contract of leads that do not fit in memory: all that it takes to encode them, chosen by a sample of them."""

import msgspec

from leadscoring.model.reading import Reading
from leadscoring.training.calendar_proxies import without_calendar
from leadscoring.training.encode import encode_table
from leadscoring.training.infer import Inferred
from leadscoring.training.leads import Leads
from leadscoring.training.learned import learn
from leadscoring.training.level_weights import weigh
from leadscoring.training.options import TrainOptions
from leadscoring.training.read_as import reading_of
from leadscoring.training.reading.series import Matrix
from leadscoring.training.split import Indices

FOLDS = 5
"""The weights of tokens and levels that a lead gets come from the other folds."""


class Settled(msgspec.Struct, frozen=True):
    """A contract whose columns are all chosen, and how a file is read by it.

    ``x`` are the leads of the sample, which are at ``places`` among all, where their own outcomes would be in their
    columns as they are served; ``None`` where they are not.
    """

    inferred: Inferred
    reading: Reading
    places: Indices
    x: Matrix | None = None


def settled(options: TrainOptions, leads: Leads, inferred: Inferred, places: Indices) -> Settled:
    """Chooses the columns of the features by a sample of leads, which are at ``places`` among all."""
    x = encode_table(inferred.contract, inferred.frame, leads.as_of)
    if leads.time is not None:
        inferred, x = without_calendar(inferred, x, leads.time)
    folds = leads.folds(FOLDS, options.seed, inferred.alike)
    learned = weigh(learn(inferred, x, leads.y, leads.as_of, folds), leads.y, folds)
    honest = None if learned.x is learned.served else learned.x
    return Settled(learned.inferred, reading_of(options, leads, learned.inferred), places, honest)
