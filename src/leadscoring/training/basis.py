"""The leads read and encoded once, as the basis of every model that is fitted to some of them."""

import msgspec
import numpy as np
import numpy.typing as npt

from leadscoring.model.reading import Reading
from leadscoring.training.calendar_proxies import without_calendar
from leadscoring.training.encode import encode_table
from leadscoring.training.infer import Inferred, infer
from leadscoring.training.leads import Leads
from leadscoring.training.learned import Learned, learn
from leadscoring.training.level_weights import weigh, wide
from leadscoring.training.prepared import Prepared
from leadscoring.training.read_as import reading_of
from leadscoring.training.reading.series import Matrix, Vector
from leadscoring.training.split import Indices

Mask = npt.NDArray[np.bool_]


class Basis(msgspec.Struct, frozen=True):
    """What inference found in some leads, and their matrix ``x``, shape (leads, columns).

    It is ``complete`` if no column is left to be chosen or left out, as of leads that do not fit into memory; the frame
    of ``inferred`` is then a sample.
    """

    inferred: Inferred
    x: Matrix
    reading: Reading
    complete: bool = False

    def of(self, rows: Mask) -> "Basis":
        """Returns that of some of the leads; its contract stays that of all."""
        if self.complete:
            return msgspec.structs.replace(self, x=self.x[rows])
        inferred = msgspec.structs.replace(self.inferred, frame=self.inferred.frame.filter(rows))
        return Basis(inferred, self.x[rows], self.reading)


def inferred_from(past: Prepared, leads: Leads) -> Basis:
    """Infers the contract of some leads, and encodes them."""
    return encoded(past, leads, infer(leads.frame, leads.y, leads.named, past.asked, past.tokens, leads.as_of))


def basis_of(past: Prepared) -> Basis:
    """Encodes all leads, by the contract that is inferred already, unless the moments of the leads moved since."""
    if past.encoded is not None:
        return Basis(past.encoded.inferred, past.encoded.x, past.encoded.reading, complete=True)
    if past.guarded.dates_moved:
        return inferred_from(past, past.leads)
    return encoded(past, past.leads, past.guarded.inferred)


def encoded(past: Prepared, leads: Leads, inferred: Inferred) -> Basis:
    """Encodes leads by their contract."""
    x = encode_table(inferred.contract, inferred.frame, leads.as_of)
    return Basis(inferred, x, reading_of(past.options, leads, inferred))


def choose(basis: Basis, leads: Leads, part: Indices, rows: Mask) -> Learned:
    """Chooses the columns of a model by the outcomes of some leads, ``rows``, alone.

    The matrices of the result are those of all ``leads``. The weights of levels in ``x`` come from other leads, also
    those of ``rows``, of which ``part`` has the folds.
    """
    if leads.time is not None and not basis.complete:
        basis = in_every_period(basis, leads.time, rows)
    inferred, x = basis.inferred, basis.x
    if basis.complete or settled(inferred):
        return Learned(inferred, x, x, lambda _: (inferred.contract, x))
    some, mine = basis.of(rows), part[rows]
    as_of = None if leads.as_of is None else leads.as_of[rows]
    learned = learn(some.inferred, some.x, leads.y[rows], as_of, mine, ())
    learned = weigh(learned, leads.y[rows], mine, ())
    contract = learned.inferred.contract
    served = encode_table(contract, inferred.frame, leads.as_of)
    x = served.copy()
    x[rows] = learned.x
    return Learned(learned.inferred, x, served, lambda _: (contract, x))


def in_every_period(basis: Basis, time: Vector, rows: Mask) -> Basis:
    """Leaves out numbers that follow the calendar in some of the leads."""
    some = basis.of(rows)
    inferred, _ = without_calendar(some.inferred, some.x, time[rows])
    left = set(inferred.contract.columns.names)
    keep = [place for place, name in enumerate(basis.inferred.contract.columns.names) if name in left]
    frame = basis.inferred.frame.select(inferred.frame.columns)
    return Basis(msgspec.structs.replace(inferred, frame=frame), basis.x[:, keep], basis.reading)


def settled(inferred: Inferred) -> bool:
    """Whether no column depends on the outcomes."""
    return all(one.columns for one in inferred.contract.features) and not wide(inferred.contract, inferred.frame)
