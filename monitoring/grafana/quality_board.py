"""The dashboard *Live quality*: whether leads convert as their scores say."""

from board import OURS, RED, YELLOW, Query, Row, lines, number, page
from grafana_foundation_sdk.models.dashboard import Dashboard

RUNBOOKS = ["FewerConversionsThanExpected"]
REPORT = "From the latest daily report of the ledger; 0 without one."

NOW = Row(
    "Now",
    [
        number(
            "Evidence", "short", f"About 1 while nothing is wrong, an alarm from 100. {REPORT}",
            f"max(live_quality_evidence{{{OURS}}})", limits=[(10, YELLOW), (100, RED)], runbooks=RUNBOOKS, decimals=2,
        ),
        number(
            "Fewer than expected", "short", f"1 while an alarm stands: a lower rate or slower sales. {REPORT}",
            f'max(live_quality_alarm{{{OURS},direction="fewer"}})', limits=[(1, RED)], runbooks=RUNBOOKS,
        ),
        number(
            "More than expected", "short", f"1 while an alarm stands: a higher rate or faster sales. {REPORT}",
            f'max(live_quality_alarm{{{OURS},direction="more"}})', limits=[(1, YELLOW)], runbooks=RUNBOOKS,
        ),
        number(
            "Groups that are off", "short",
            "Groups of leads, such as those of one source, among which fewer or more convert than their scores say; "
            "the page of live quality names them.",
            f"max(live_quality_groups_off{{{OURS}}})", limits=[(1, YELLOW)], runbooks=RUNBOOKS,
        ),
        number(
            "Mature leads", "short", f"Leads whose OUTCOME_DAYS have passed; 500 are needed for a verdict. {REPORT}",
            f"max(live_quality_mature_leads{{{OURS}}})",
        ),
        number(
            "Observed, beside predicted", "short",
            f"Conversions of mature leads, divided by those that their scores predict. {REPORT}",
            f"max(live_quality_observed_ratio{{{OURS}}}) / max(live_quality_predicted_ratio{{{OURS}}} > 0)",
            runbooks=RUNBOOKS, decimals=2,
        ),
    ],
)  # fmt: skip

COURSE = Row(
    "Course",
    [
        lines(
            "Conversions expected and observed", "short",
            "Conversions in the current period of 100 days: expected from the scores of open leads, and observed.",
            [
                Query(f"max(live_quality_expected_conversions{{{OURS}}})", "expected"),
                Query(f"max(live_quality_observed_conversions{{{OURS}}})", "observed"),
            ],
            runbooks=RUNBOOKS, width=12,
        ),
        lines(
            "Evidence against the scores", "short",
            "About 1 while nothing is wrong; from 100 on, fewer or more leads convert than their scores say.",
            [Query(f"max(live_quality_evidence{{{OURS}}})", "evidence")], limits=[(100, RED)],
            runbooks=RUNBOOKS, width=12,
        ),
        lines(
            "Mature leads, predicted and observed", "percentunit",
            "Share of mature leads that were predicted to convert, and that did.",
            [
                Query(f"max(live_quality_predicted_ratio{{{OURS}}})", "predicted"),
                Query(f"max(live_quality_observed_ratio{{{OURS}}})", "observed"),
            ],
            runbooks=RUNBOOKS, width=12,
        ),
        lines(
            "Alarm and groups that are off", "short",
            "1 while the evidence says that fewer, or more, leads convert than their scores say; the number of groups.",
            [
                Query(f"max by (direction) (live_quality_alarm{{{OURS}}})", "{{direction}}"),
                Query(f"max(live_quality_groups_off{{{OURS}}})", "groups off"),
            ],
            runbooks=RUNBOOKS, width=12,
        ),
    ],
)  # fmt: skip


def quality() -> Dashboard:
    """The page for whoever works with the scores."""
    said = "Whether leads convert as their scores say: daily evidence, mature leads, and groups that are off."
    return page("lead-scoring-quality", "Live quality", said, [NOW, COURSE])
