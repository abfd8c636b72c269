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
    """What share of leads has a feature in this bin, less the share that had it in training."""
    share_now = f'job_feature_bin:model_feature_share:ratio${{window}}{{{OURS},bin="{bin_}"}}'
    return f'topk(10, {share_now} - job_feature_bin:model_feature_reference:share{{{OURS},bin="{bin_}"}})'


def why(direction: str) -> str:
    """Which features were reasons in this direction, as shares of all reasons given: the ten most frequent."""
    asked = rate("model_reasons_total", f'direction="{direction}"', "feature, model_version")
    return f"topk(10, {asked} / scalar({rate('model_reasons_total')}))"


LEADS_BY_TIER = rate("model_predictions_total", by="tier")

SCORES = Row(
    "Scores",
    [
        number("Leads scored", "short", "Leads scored in a second.", rate("model_predictions_total"), width=6),
        number(
            "Mean score", "percentunit",
            "The mean of the probabilities given. Calibrated as the model is, this is the share of leads it expects to "
            "convert: a step tells of other leads, or of another model.",
            mean("model_prediction_raw_scores"), decimals=1, width=6,
        ),
        number(
            "Leads in a batch", "short", "The mean size of the batches that were answered.", mean("model_batch_size"),
            decimals=1, width=6,
        ),
        number(
            "Without a score", "percentunit",
            f"Leads that got no score for no fault of theirs, of all leads. {EVERYWHERE}",
            f"max(job_endpoint_provider:model_failures:ratio_rate5m{{{OURS}}})", limits=[(0.01, RED)],
            runbooks=["ModelEndpointFailure"], decimals=2, width=6,
        ),
        lines(
            "Tiers", "percentunit", "Share of each tier among the leads scored: A is best.",
            [Query(f"{LEADS_BY_TIER} / ignoring (tier) group_left () {rate('model_predictions_total')}", "{{tier}}")],
            stacked=True, most=1,
        ),
        heat(
            "Spread of scores", "percentunit", "How many leads got which probability; darker is more.",
            "model_prediction_raw_scores",
        ),
        lines(
            "Mean score and bucket", "short", "Means over the leads scored; buckets go from 1 to 5, and 5 is best.",
            [
                Query(mean("model_prediction_raw_scores", by="endpoint_provider"), "score, {{endpoint_provider}}"),
                Query(mean("model_prediction_buckets", by="endpoint_provider"), "bucket, {{endpoint_provider}}"),
            ],
        ),
        lines(
            "Leads by tier", "short", "Leads scored in a second.",
            [Query(LEADS_BY_TIER, "{{tier}}")], stacked=True, width=12,
        ),
        lines("Batch sizes", "short", "Quantiles of the leads in a batch.", quantiles("model_batch_size"), width=12),
    ],
)  # fmt: skip

REASONS = Row(
    "Reasons",
    [
        lines(
            f"What {verb} scores", "percentunit",
            f"How often a feature was given as a reason that {verb} a score, among all reasons given; the ten most "
            "frequent. A line that falls to nothing is often a source that sends no more; one that takes over tells of "
            "other leads.",
            [Query(why(direction), BY_FEATURE)], runbooks=["ModelDrift"], width=12,
        )
        for verb, direction in (("raises", "increases"), ("lowers", "decreases"))
    ],
)  # fmt: skip

SPEED = Row(
    "Speed",
    [
        lines(
            "Model", "s", "Quantiles of the time to get a request's margins; a remote model's has the way there.",
            quantiles("model_prediction_latency_seconds"), limits=[(0.1, RED)], runbooks=["ModelSlow"],
        ),
        lines(
            "Stages, p95", "s",
            "In this time 19 of 20 requests pass a stage: decode the body, predict the margins, explain them, encode "
            "the answer; queue is the wait before, of those that had to.",
            [Query(quantile(0.95, "scoring_stage_seconds", by="stage"), "{{stage}}")], runbooks=["HighLatency"],
        ),
        lines(
            "Stages, mean", "s", "Where the time of a request goes, on average: stages one upon the other.",
            [Query(mean("scoring_stage_seconds", 'stage!="queue"', "stage"), "{{stage}}")], stacked=True,
        ),
    ],
)  # fmt: skip

ERRORS = Row(
    "Errors",
    [
        lines(
            "Errors by type", "short",
            "Leads and calls in a second that were not scored. ValidationError and MalformedJson are what clients "
            "sent; the names with Endpoint are the remote model's.",
            [Query(f"{rate('model_prediction_errors_total', by='error_type')} > 0", "{{error_type}}")], stacked=True,
            runbooks=["ModelEndpointFailure"], width=12,
        ),
        lines(
            "Leads owed a score", "percentunit",
            f"Leads that got no score for no fault of theirs, of all leads. {EVERYWHERE}",
            [Query(f"job_endpoint_provider:model_failures:ratio_rate5m{{{OURS}}}", "{{endpoint_provider}}")],
            limits=[(0.01, RED)], runbooks=["ModelEndpointFailure"], width=12,
        ),
    ],
)  # fmt: skip

REMOTE = Row(
    "Remote model: empty while the model is local",
    [
        number(
            "Breaker", "short", "The worst state of any worker: while it is open, the endpoint is left alone.",
            f"max(model_endpoint_breaker_state{{{HERE}}})", limits=[(1, YELLOW), (2, RED)],
            runbooks=["ModelBreakerOpen"],
            meanings=words_for(closed=("closed", GREEN), half=("half-open", YELLOW), open=("open", RED)), width=6,
        ),
        number(
            "Scores as certified", "short",
            "Whether the endpoint gives the golden rows the scores that the card certifies.",
            f"min(model_endpoint_matches{{{HERE}}})", limits=[(None, RED), (1, GREEN)],
            runbooks=["ModelEndpointDiffers"],
            meanings=words_for(no=("no", RED), yes=("yes", GREEN)), width=6,
        ),
        number(
            "Calls that failed", "percentunit", "Share of the calls of the endpoint that did not end well.",
            share("model_endpoint_attempts_total", 'outcome!="ok"'),
            limits=[(0.01, YELLOW), (0.05, RED)], runbooks=["ModelEndpointFailure"], decimals=2, width=6,
        ),
        number(
            "Scored by the fallback", "percentunit", "Share of leads that the local model scored instead.",
            f"{rate('model_fallback_answers_total')} / {rate('model_predictions_total')}",
            limits=[(0.0001, YELLOW)], runbooks=["ModelFallbackInUse"], decimals=2, width=6,
        ),
        lines(
            "Calls by outcome", "reqps", "Calls of the endpoint in a second, a second attempt counted as one more.",
            [Query(rate("model_endpoint_attempts_total", by="outcome"), "{{outcome}}")], stacked=True,
            runbooks=["ModelEndpointFailure"],
        ),
        lines(
            "Breaker by instance", "short", "0 closed, 1 half-open (one call tries), 2 open.",
            [Query(f"model_endpoint_breaker_state{{{HERE}}}", "{{instance}}")], most=2, limits=[(2, RED)],
            runbooks=["ModelBreakerOpen"],
        ),
        lines(
            "Leads scored by the fallback", "short", "Leads in a second that the local model scored for the endpoint.",
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
            f"The highest stability index of a feature: up to 0.1 is nothing, over 0.2 is drift. {EVERYWHERE}",
            f"max(job_feature:model_feature_drift:psi${{window}}{{{OURS}}})", limits=SHIFTED, runbooks=["ModelDrift"],
            decimals=2, width=8,
        ),
        number(
            "Drift of scores", "short", f"The stability index of the scores given, against training. {EVERYWHERE}",
            f"max(job:model_score_drift:psi${{window}}{{{OURS}}})", limits=SHIFTED,
            runbooks=["ScoreDistributionShift"], decimals=2, width=8,
        ),
        number(
            "Leads that count", "short", f"Leads in the window; from 500 on there is a verdict. {EVERYWHERE}",
            f"sum(job_bin:model_score_bins:increase${{window}}{{{OURS}}})", limits=[(None, YELLOW), (500, GREEN)],
            width=8,
        ),
        lines(
            "Drift by feature", "short",
            f"The ten features with the highest stability index: up to 0.1 is nothing, over 0.2 is drift. {EVERYWHERE}",
            [Query(f"topk(10, job_feature:model_feature_drift:psi${{window}}{{{OURS}}})", BY_FEATURE)],
            limits=SHIFTED, runbooks=["ModelDrift"], width=12,
        ),
        lines(
            "Scores by bin", "percentunit",
            f"Share of the leads in each bin of the score: where it wanders, the leads or the model do. {EVERYWHERE}",
            [Query(f"job_bin:model_score_share:ratio${{window}}{{{OURS}}}", "{{bin}} ({{model_version}})")],
            runbooks=["ScoreDistributionShift"], width=12,
        ),
        lines(
            "Missing values, beyond training", "percentunit",
            f"Leads that lack a feature, less the share that lacked it in training; the ten highest. {EVERYWHERE}",
            [Query(beyond("missing"), BY_FEATURE)], runbooks=["ModelDrift"], width=12,
        ),
        lines(
            "Unseen categories, beyond training", "percentunit",
            "Leads with a text that training never saw, less the share that texts too rare to be learnt had in it; the "
            f"ten highest. {EVERYWHERE}",
            [Query(beyond("unseen"), BY_FEATURE)], limits=[(0.05, YELLOW)],
            runbooks=["UnseenCategories"], width=12,
        ),
    ],
)  # fmt: skip


def model() -> Dashboard:
    """The page of whoever answers for the model."""
    said = "What the model says of leads, how long that takes, what fails, and how a remote model does."
    window = choice_of("window", "Drift over", "The window whose leads are compared", ("1h", "1d", "7d"), "1d")
    return page("lead-scoring-model", "Model", said, [SCORES, REASONS, SPEED, ERRORS, REMOTE, DRIFT], [window])
