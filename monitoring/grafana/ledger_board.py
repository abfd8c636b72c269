"""The dashboard *Ledger*: whether what is scored is kept, and how far the ledger is behind."""

from board import HERE, RED, YELLOW, Query, Row, lines, number, page, rate
from grafana_foundation_sdk.models.dashboard import Dashboard

NOW = Row(
    "Now, of the worst instance",
    [
        number(
            "Down", "short", "1 while the ledger's database or its keeper does not respond; scores wait on the tape.",
            f"max(ledger_down{{{HERE}}})", limits=[(1, RED)], runbooks=["LedgerDown"],
        ),
        number(
            "Lag", "s", "Age of the earliest score that is not in the ledger yet.",
            f"max(ledger_lag_seconds{{{HERE}}})", limits=[(60, YELLOW), (600, RED)], runbooks=["TapeFilling"],
        ),
        number(
            "Leads not kept", "short", "Leads of the last hour that were scored but not kept.",
            f"sum(increase(ledger_unrecorded_leads_total{{{HERE}}}[1h]))", limits=[(1, RED)],
            runbooks=["LeadsNotRecorded"],
        ),
        number(
            "Segments set aside", "short", "Damaged segments of the tape that were set aside in the last day.",
            f"sum(increase(ledger_damaged_segments_total{{{HERE}}}[1d]))", limits=[(1, YELLOW)],
            runbooks=["TapeDamaged"],
        ),
    ],
)  # fmt: skip

COURSE = Row(
    "Course",
    [
        lines(
            "Leads moved", "short", "Leads per second that the keeper moves from the tape to the ledger.",
            [Query(rate("ledger_moved_leads_total", by="instance"), "{{instance}}")], runbooks=["TapeFilling"],
        ),
        lines(
            "Lag", "s", "Age of the earliest score that is not in the ledger yet.",
            [Query(f"ledger_lag_seconds{{{HERE}}}", "{{instance}}")], limits=[(60, YELLOW), (600, RED)],
            runbooks=["TapeFilling"],
        ),
        lines(
            "Tape", "bytes", "Size of the tape; each worker holds one or two segments of 16 MiB.",
            [Query(f"ledger_tape_bytes{{{HERE}}}", "{{instance}}")], runbooks=["TapeFilling"],
        ),
        lines(
            "Failures", "short", "Attempts per second in which the database did not respond.",
            [Query(rate("ledger_failures_total", by="instance"), "{{instance}}")], runbooks=["LedgerDown"],
        ),
        lines(
            "Leads not kept", "short", "Leads per second that were scored but not kept: the tape or its disk is full.",
            [Query(rate("ledger_unrecorded_leads_total", by="instance"), "{{instance}}")], limits=[(0.001, RED)],
            runbooks=["LeadsNotRecorded"],
        ),
    ],
)  # fmt: skip


def ledger() -> Dashboard:
    """The page for whoever relies on the outcomes."""
    said = "Whether every scored lead comes into the ledger, and how far the ledger is behind."
    return page("lead-scoring-ledger", "Ledger", said, [NOW, COURSE])
