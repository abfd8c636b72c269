"""What the API answers for the leads of a table, as the oracle of bulk scoring: one lead after the other."""

import json
import math
from typing import Any

from leadscoring.bulk.chunk import Chunk
from leadscoring.contract.moment import written
from leadscoring.errors import Fault, RequestError, ValidationError
from leadscoring.lead import Lead
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.answer import answers
from leadscoring.scoring.remarks import remarks_on

NOW = 1_790_000_000_000_000
"""The moment as of which the leads of tests are scored."""


def asked(model: LoadedModel, lead: dict[str, Any], reasons: int, now: int | None = NOW) -> Any:
    """The answer of the API for a lead without its request, or its faults."""
    timed = model.card.contract.is_timed
    try:
        decoded, rows = model.decoder.one(json.dumps(lead).encode(), now if timed else None)
    except ValidationError as error:
        return error.faults
    except RequestError as error:
        return (Fault("", str(error)),)
    margins = model.trees.predict(rows)
    strongest = model.finding()(rows, reasons)
    scored = answers(model, "", [decoded], margins, strongest, remarks_on(model, rows))[0]
    return margins[0], scored


def answered(model: LoadedModel, chunk: Chunk, leads: list[dict[str, Any]]) -> list[Any]:
    """The same of each row of a chunk, from its arrays; ``leads`` are what its rows stand for."""
    found: list[Any] = [None] * (len(chunk) + len(chunk.rejected))
    for rejected in chunk.rejected:
        found[rejected.position] = rejected.faults
    warnings = dict(chunk.warnings)
    for index, position in enumerate(chunk.kept.tolist()):
        features = leads[position]["features"]
        as_of = None if chunk.as_of is None else int(chunk.as_of[index])
        lead = Lead("lead", tuple(features.get(name) for name in model.names), as_of)
        scored = answers(model, "", [lead], [float(chunk.margins[index])], [strongest(model, chunk, index)], [])[0]
        score = scored.score
        score.raw_score = float(chunk.probability[index])
        score.bucket = int(chunk.bucket[index])
        score.tier = chunk.tier[index]
        percentile = float(chunk.percentile[index])
        score.percentile = None if math.isnan(percentile) else percentile
        scored.warnings.extend(warnings.get(index, ()))
        scored.lead_id = leads[position]["lead_id"]
        if as_of is not None:
            scored.as_of = written(as_of)
        found[position] = float(chunk.margins[index]), scored
    return found


def strongest(model: LoadedModel, chunk: Chunk, index: int) -> list[Any]:
    """The reasons of one lead as the engine has them for the API."""
    if chunk.reasons is None:
        return []
    with_aspects = model.card.contract.has_aspects
    arrays = (chunk.reasons.features, chunk.reasons.contributions, chunk.reasons.columns, chunk.reasons.encoded)
    rows = zip(*(array[index].tolist() for array in arrays), strict=True)
    return [
        (feature, share, column, None if math.isnan(value) else value) if with_aspects else (feature, share)
        for feature, share, column, value in rows
        if feature >= 0
    ]
