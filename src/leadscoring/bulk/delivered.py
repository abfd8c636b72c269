"""A model where it has arrived, in a worker of a cluster: checked, and opened once."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from leadscoring.bulk.arrow_batches import BatchScorer
from leadscoring.bulk.shipped import Plan
from leadscoring.errors import ModelMisdelivered
from leadscoring.model.file import model_of

SCORERS = 4
"""How many plans a worker holds ready: those of the models that it scores with at the same time."""

_ready: OrderedDict[bytes, BatchScorer] = OrderedDict()


def scorer_of(plan: Plan, fetch: Callable[[], bytes]) -> BatchScorer:
    """Returns the scorer of a plan, opened once in each process; ``fetch`` returns the bytes of the model.

    Raises ``ModelMisdelivered`` unless these are the bytes that were sent.
    """
    key = msgspec.msgpack.encode(plan)
    if key not in _ready:
        _ready[key] = made(plan, fetch())
        if len(_ready) > SCORERS:
            _ready.popitem(last=False)
    _ready.move_to_end(key)
    return _ready[key]


def made(plan: Plan, content: bytes) -> BatchScorer:
    """Opens a model where it has arrived."""
    got = hashlib.sha256(content).hexdigest()
    if got != plan.sha256:
        raise ModelMisdelivered(plan.path, plan.sha256, got, len(content))
    return BatchScorer(model_of(content, plan.path, plan.opening), plan)
