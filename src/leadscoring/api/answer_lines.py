"""Writes answers one per line: as JSON Lines, or as CSV for spreadsheets."""

import csv
import io
from collections.abc import Sequence
from typing import Protocol

import msgspec

from leadscoring.contract.features import Contract
from leadscoring.lead import Reason, Scored
from leadscoring.transport.exchange import Exchange
from leadscoring.transport.failures import Refused

Place = Scored | Refused

COLUMNS = ("lead_id", "raw_score", "bucket", "tier", "percentile", "warnings", "error_code", "error")
"""The columns of a CSV before the reasons."""

encode_lines = msgspec.json.Encoder().encode_lines


class Form(Protocol):
    """An output format of answers."""

    media_type: bytes
    head: bytes
    """The bytes before the first answer."""

    def encode(self, places: Sequence[Place]) -> bytes:
        """The next answers, in order."""
        ...


class InLines:
    """JSON Lines, with the same objects as in the JSON array of a batch."""

    head = b""

    def __init__(self, asked_in: bytes) -> None:
        self.media_type = asked_in if b"json" in asked_in else b"application/x-ndjson"

    def encode(self, places: Sequence[Place]) -> bytes:
        """The next answers, in order."""
        return encode_lines(places)


class InCsv:
    """CSV with a header and one row per lead, with feature and contribution of up to ``reasons`` reasons.

    By a contract with dates it also has ``as_of``, by one with aspects the aspect of each reason.
    """

    media_type = b"text/csv; charset=utf-8; header=present"

    def __init__(self, reasons: int, contract: Contract) -> None:
        self._timed, self._aspects = contract.is_timed, contract.has_aspects
        parts = ("reason", "contribution", "aspect") if self._aspects else ("reason", "contribution")
        self._width = len(parts) * reasons
        reasons_of = [f"{part}_{place}" for place in range(1, reasons + 1) for part in parts]
        self.head = rows([[*COLUMNS, *(["as_of"] if self._timed else []), *reasons_of]])

    def encode(self, places: Sequence[Place]) -> bytes:
        """The next answers, in order."""
        return rows(map(self._row, places))

    def _row(self, place: Place) -> list[object]:
        if isinstance(place, Refused):
            rest = [""] * (self._width + self._timed)
            return [place.lead_id, *[""] * 5, place.error.code, place.error.detail, *rest]
        score, reasons = place.score, place.reasons or []
        warnings = "; ".join(": ".join(filter(None, (warned.feature, warned.message))) for warned in place.warnings)
        moment = [place.as_of or ""] if self._timed else []
        parts: list[object] = [part for reason in reasons for part in self._parts(reason)]
        parts += [""] * (self._width - len(parts))
        about = [place.lead_id, score.raw_score, score.bucket, score.tier, score.percentile, warnings, "", ""]
        return [*about, *moment, *parts]

    def _parts(self, reason: Reason) -> tuple[object, ...]:
        if not self._aspects:
            return reason.feature, reason.contribution
        return reason.feature, reason.contribution, reason.aspect or ""


def rows(of: "Sequence[list[object]] | map[list[object]]") -> bytes:
    """Formats CSV rows by RFC 4180; numbers have the same digits as in JSON."""
    text = io.StringIO()
    csv.writer(text).writerows(of)
    return text.getvalue().encode()


def wants_csv(exchange: Exchange) -> bool:
    """Whether the Accept header names CSV explicitly; ``*/*`` gets JSON Lines."""
    accepts = exchange.header(b"accept") or b""
    named = [entry.strip().lower().replace(b" ", b"") for entry in accepts.split(b",")]
    return any(entry.split(b";")[0] == b"text/csv" and not entry.endswith(b";q=0") for entry in named)
