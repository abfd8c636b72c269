"""The dashboard *Model*: what it says of leads, how long that takes, what fails, and how a remote one does."""

from board import (
    EVERYWHERE,
    GREEN,
    HERE,
    OURS,
    RED,
    YELLOW,
    Query,
    Row,
    choice_of,
    heat,
    lines,
    mean,
    number,
    page,
    quantile,
    quantiles,
    rate,
    share,
    words_for,
)
from grafana_foundation_sdk.models.dashboard import Dashboard

SHIFTED = [(0.1, YELLOW), (0.2, RED)]
"""From which stability index on leads are not quite, and not at all, what they were in training."""


BY_FEATURE = "{{feature}} ({{model_version}})"


def beyond(bin_: str) -> str:
    """What share of leads has a feature in this bin, less the share that had it in training.

    Of a feature with several columns, the one where the difference is largest.
    """
    share_now = f'job_feature_bin:model_feature_share:ratio${{window}}{{{OURS},bin="{bin_}"}}'
    share_then = f'job_feature_bin:model_feature_reference:share{{{OURS},bin="{bin_}"}}'
    return f"topk(10, max without (column) ({share_now} - {share_then}))"


def why(direction: str) -> str:
    """Which features were reasons in this direction, as shares of all reasons given: the ten most frequent."""
    asked = rate("model_reasons_total", f'direction="{direction}"', "feature, model_version")
    return f"topk(10, {asked} / scalar({rate('model_reasons_total')}))"


LEADS_BY_TIER = rate("model_predictions_total", by="tier")

SCORES = Row(
    "Scores",
    [
        number("Leads scored", "short", "Leads scored per second.", rate("model_predictions_total"), width=6),
        number(
            "Mean score", "percentunit",
            "Mean predicted probability. For a calibrated model this is the expected conversion rate: a step means "
            "that the leads or the model have changed.",
            mean("model_prediction_raw_scores"), decimals=1, width=6,
        ),
        number(
            "Leads per batch", "short", "Mean batch size.", mean("model_batch_size"),
            decimals=1, width=6,
        ),
        number(
            "Without a score", "percentunit",
            f"Share of the valid leads that got no score. {EVERYWHERE}",
            f"max(job_endpoint_provider:model_failures:ratio_rate5m{{{OURS}}})", limits=[(0.01, RED)],
            runbooks=["ModelEndpointFailure"], decimals=2, width=6,
        ),
        lines(
            "Tiers", "percentunit", "Share of each tier among the scored leads; A is best.",
            [Query(f"{LEADS_BY_TIER} / ignoring (tier) group_left () {rate('model_predictions_total')}", "{{tier}}")],
            stacked=True, most=1,
        ),
        heat(
            "Score distribution", "percentunit", "Distribution of the predicted probabilities; darker is more.",
            "model_prediction_raw_scores",
        ),
        lines(
            "Mean score and bucket", "short", "Means over the scored leads; buckets range from 1 to 5, 5 is best.",
            [
                Query(mean("model_prediction_raw_scores", by="endpoint_provider"), "score, {{endpoint_provider}}"),
                Query(mean("model_prediction_buckets", by="endpoint_provider"), "bucket, {{endpoint_provider}}"),
            ],
        ),
        lines(
            "Leads by tier", "short", "Leads scored per second.",
            [Query(LEADS_BY_TIER, "{{tier}}")], stacked=True, width=12,
        ),
        lines("Batch sizes", "short", "Quantiles of the leads per batch.", quantiles("model_batch_size"), width=12),
    ],
)  # fmt: skip

REASONS = Row(
    "Reasons",
    [
        lines(
            f"What {verb} scores", "percentunit",
            f"How often a feature was returned as a reason that {verb} a score, as a share of all reasons; the ten "
            "most frequent. A line that falls to zero often means that a data source has stopped; one that dominates "
            "means that the leads have changed.",
            [Query(why(direction), BY_FEATURE)], runbooks=["ModelDrift"], width=12,
        )
        for verb, direction in (("raises", "increases"), ("lowers", "decreases"))
    ],
)  # fmt: skip

SPEED = Row(
    "Speed",
    [
        lines(
            "Model", "s", "Quantiles of the time to compute margins; for a remote model, network included.",
            quantiles("model_prediction_latency_seconds"), limits=[(0.1, RED)], runbooks=["ModelSlow"],
        ),
        lines(
            "Stages, p95", "s",
            "95th percentile per stage: decode the body, predict the margins, explain them, encode the response; queue "
            "is the waiting time of the requests that were queued.",
            [Query(quantile(0.95, "scoring_stage_seconds", by="stage"), "{{stage}}")], runbooks=["HighLatency"],
        ),
        lines(
            "Stages, mean", "s", "Mean time per request in each stage, stacked.",
            [Query(mean("scoring_stage_seconds", 'stage!="queue"', "stage"), "{{stage}}")], stacked=True,
        ),
    ],
)  # fmt: skip

ERRORS = Row(
    "Errors",
    [
        lines(
            "Errors by type", "short",
            "Leads and calls per second that could not be scored. ValidationError and MalformedJson are client errors; "
            "names that begin with Endpoint are errors of the remote model.",
            [Query(f"{rate('model_prediction_errors_total', by='error_type')} > 0", "{{error_type}}")], stacked=True,
            runbooks=["ModelEndpointFailure"], width=12,
        ),
        lines(
            "Valid leads without a score", "percentunit",
            f"Share of the valid leads that got no score. {EVERYWHERE}",
            [Query(f"job_endpoint_provider:model_failures:ratio_rate5m{{{OURS}}}", "{{endpoint_provider}}")],
            limits=[(0.01, RED)], runbooks=["ModelEndpointFailure"], width=12,
        ),
    ],
)  # fmt: skip

REMOTE = Row(
    "Remote model: empty while the model is local",
    [
        number(
            "Breaker", "short", "The worst state of any worker. While it is open, the endpoint is not called.",
            f"max(model_endpoint_breaker_state{{{HERE}}})", limits=[(1, YELLOW), (2, RED)],
            runbooks=["ModelBreakerOpen"],
            meanings=words_for(closed=("closed", GREEN), half=("half-open", YELLOW), open=("open", RED)), width=6,
        ),
        number(
            "Matches the certified scores", "short",
            "Whether the endpoint reproduces the golden-row scores that the card certifies.",
            f"min(model_endpoint_matches{{{HERE}}})", limits=[(None, RED), (1, GREEN)],
            runbooks=["ModelEndpointDiffers"],
            meanings=words_for(no=("no", RED), yes=("yes", GREEN)), width=6,
        ),
        number(
            "Failed calls", "percentunit", "Share of the calls to the endpoint that failed.",
            share("model_endpoint_attempts_total", 'outcome!="ok"'),
            limits=[(0.01, YELLOW), (0.05, RED)], runbooks=["ModelEndpointFailure"], decimals=2, width=6,
        ),
        number(
            "Scored by the fallback", "percentunit", "Share of the leads scored by the local fallback.",
            f"{rate('model_fallback_answers_total')} / {rate('model_predictions_total')}",
            limits=[(0.0001, YELLOW)], runbooks=["ModelFallbackInUse"], decimals=2, width=6,
        ),
        lines(
            "Calls by outcome", "reqps", "Calls to the endpoint per second; a retry counts as a call.",
            [Query(rate("model_endpoint_attempts_total", by="outcome"), "{{outcome}}")], stacked=True,
            runbooks=["ModelEndpointFailure"],
        ),
        lines(
            "Breaker by instance", "short", "0 closed, 1 half-open (one trial call), 2 open.",
            [Query(f"model_endpoint_breaker_state{{{HERE}}}", "{{instance}}")], most=2, limits=[(2, RED)],
            runbooks=["ModelBreakerOpen"],
        ),
        lines(
            "Leads scored by the fallback", "short", "Leads per second scored by the local fallback.",
            [Query(rate("model_fallback_answers_total", by="instance"), "{{instance}}")],
            runbooks=["ModelFallbackInUse"],
        ),
    ],
)  # fmt: skip

DRIFT = Row(
    "Drift: leads against the training data",
    [
        number(
            "Most drifted feature", "short",
            f"The highest stability index (PSI) of a feature: below 0.1 is no change, above 0.2 is drift. {EVERYWHERE}",
            f"max(job_feature:model_feature_drift:psi${{window}}{{{OURS}}})", limits=SHIFTED, runbooks=["ModelDrift"],
            decimals=2, width=8,
        ),
        number(
            "Drift of scores", "short", f"The stability index (PSI) of the scores against training. {EVERYWHERE}",
            f"max(job:model_score_drift:psi${{window}}{{{OURS}}})", limits=SHIFTED,
            runbooks=["ScoreDistributionShift"], decimals=2, width=8,
        ),
        number(
            "Leads in the window", "short", f"The index needs at least 500 leads. {EVERYWHERE}",
            f"sum(job_bin:model_score_bins:increase${{window}}{{{OURS}}})", limits=[(None, YELLOW), (500, GREEN)],
            width=8,
        ),
        lines(
            "Drift by feature", "short",
            "The ten highest stability indexes (PSI), each of the column that drifted most: below 0.1 is no change, "
            f"above 0.2 is drift. {EVERYWHERE}",
            [Query(f"topk(10, job_feature:model_feature_drift:psi${{window}}{{{OURS}}})", BY_FEATURE)],
            limits=SHIFTED, runbooks=["ModelDrift"], width=12,
        ),
        lines(
            "Scores by bin", "percentunit",
            f"Share of the leads in each bin of the score: a shift means that leads or model changed. {EVERYWHERE}",
            [Query(f"job_bin:model_score_share:ratio${{window}}{{{OURS}}}", "{{bin}} ({{model_version}})")],
            runbooks=["ScoreDistributionShift"], width=12,
        ),
        lines(
            "Missing values, above training", "percentunit",
            f"Share of leads without a feature, minus that share in training; the ten highest. {EVERYWHERE}",
            [Query(beyond("missing"), BY_FEATURE)], runbooks=["ModelDrift"], width=12,
        ),
        lines(
            "Unseen categories, above training", "percentunit",
            "Share of leads with a category that is not in the card, minus the share of rare categories in training; "
            f"the ten highest. {EVERYWHERE}",
            [Query(beyond("unseen"), BY_FEATURE)], limits=[(0.05, YELLOW)],
            runbooks=["UnseenCategories"], width=12,
        ),
    ],
)  # fmt: skip


def model() -> Dashboard:
    """The page of whoever answers for the model."""
    said = "Scores, reasons, speed, errors, the remote model and drift."
    window = choice_of("window", "Drift over", "Window of leads to compare with training", ("1h", "1d", "7d"), "1d")
    return page("lead-scoring-model", "Model", said, [SCORES, REASONS, SPEED, ERRORS, REMOTE, DRIFT], [window])
