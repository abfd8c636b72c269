"""Leaves out the leads of a batch whose persons objected to scoring; the others are scored as if alone."""

from collections.abc import Callable

from leadscoring._engine import Rows, Split
from leadscoring.errors import LeadObjected, RequestError
from leadscoring.lead import Lead
from leadscoring.model.loaded import LoadedModel
from leadscoring.stretches import Stretches

SPLIT_STRETCH = 1 << 20
"""Bytes scanned between two pauses."""

Places = tuple[list[Lead | RequestError], Rows | None]


def without_objected(
    model: LoadedModel, body: bytes, limit: int, now: int | None, objected: Callable[[str], bool]
) -> Stretches[Places]:
    """Decodes a batch, as of ``now``; leads with an objection have an error in their place.

    Yields as the decoder does. The body is decoded again without them, so that nothing of them is scored, counted or
    recorded.
    """
    found = yield from model.decoder.reading(body, limit, now)
    places, _ = found
    out = {at: one.lead_id for at, one in enumerate(places) if isinstance(one, Lead) and objected(one.lead_id)}
    if not out:
        return found
    split = Split(body, len(places))
    while not split.step(SPLIT_STRETCH):
        yield
    elements = (split.element(place)[:2] for place in range(len(places)) if place not in out)
    rest = b"[%b]" % b",".join(body[begin:end] for begin, end in elements)
    kept, rows = yield from model.decoder.reading(rest, len(places), now)
    each = iter(kept)
    return [LeadObjected(out[place]) if place in out else next(each) for place in range(len(places))], rows
