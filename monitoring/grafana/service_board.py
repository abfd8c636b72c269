"""The dashboard *Service*: what clients feel, what protects the service, and what is left of its objectives."""

from board import (
    EVERYWHERE,
    GREEN,
    HERE,
    OURS,
    RED,
    SCORING,
    YELLOW,
    Query,
    Row,
    heat,
    lines,
    listing,
    number,
    page,
    quantile,
    quantiles,
    rate,
    share,
    words_for,
)
from grafana_foundation_sdk.models.dashboard import Dashboard, DashboardRangeMapOptions, RangeMap, ValueMappingResult

API = 'endpoint=~"/api/v1/.+"'
FAILED = 'status=~"5.."'
WINDOWS = ("1h", "6h", "1d", "3d")
NEVER = 10 * 365 * 86400
"""Seconds from which on a key is told to expire never."""

NOW = Row(
    "Now",
    [
        number(
            "Instances up", "short", "How many of the chosen instances Prometheus can read.",
            f"sum(up{{{HERE}}})", limits=[(None, RED), (1, GREEN)], runbooks=["ServiceDown"],
        ),
        number(
            "Workers ready", "percentunit", "Workers that are ready to score, of those that should be.",
            f"sum(service_ready_workers{{{HERE}}}) / sum(service_workers{{{HERE}}})",
            limits=[(None, RED), (0.01, YELLOW), (1, GREEN)], runbooks=["NotReady", "WorkersNotReady"],
        ),
        number("Requests", "reqps", "Requests of all kinds answered in a second.", rate("http_requests_total")),
        number(
            "Failed", "percentunit", f"Share of API requests that ended with a status of 500 or more. {EVERYWHERE}",
            f"job:api_failures:ratio_rate5m{{{OURS}}}", limits=[(0.01, YELLOW), (0.05, RED)],
            runbooks=["HighErrorRate"], decimals=2,
        ),
        number(
            "One lead, p95", "s", "19 of 20 requests for one lead are answered in this time.",
            quantile(0.95, "http_request_duration_seconds", 'endpoint="/api/v1/score"'),
            limits=[(0.25, YELLOW), (1, RED)], runbooks=["HighLatency"],
        ),
        number(
            "Alerts firing", "short", "Alerts about the service that fire now; the list is below.",
            f'count(ALERTS{{{OURS},alertstate="firing"}}) or vector(0)', limits=[(1, RED)],
        ),
    ],
)  # fmt: skip

REQUESTS = Row(
    "Rate, errors, duration",
    [
        lines(
            "Requests by route", "reqps", "Answered requests in a second. A path that is no route is `unknown`.",
            [Query(rate("http_requests_total", by="method, endpoint"), "{{method}} {{endpoint}}")], stacked=True,
            runbooks=["NoTraffic"],
        ),
        lines(
            "Requests by status", "reqps",
            "Answered requests in a second. 499: the client hung up. 503: refused, since there was more to do than "
            "could be done in time.",
            [Query(rate("http_requests_total", by="status"), "{{status}}")], stacked=True,
        ),
        lines(
            "Share of failures", "percentunit",
            "Requests that ended with a status of 500 or more, of all requests to a route of the API.",
            [Query(share("http_requests_total", FAILED, API, "endpoint"), "{{endpoint}}")],
            limits=[(0.05, RED)], runbooks=["HighErrorRate", "AvailabilityBurnRate"],
        ),
        lines(
            "Time for one lead", "s", "Quantiles of the time to answer a request for one lead.",
            quantiles("http_request_duration_seconds", 'endpoint="/api/v1/score"'),
            limits=[(0.25, YELLOW), (1, RED)], runbooks=["HighLatency", "LatencyBurnRate"],
        ),
        lines(
            "Time for a batch", "s", "Quantiles of the time to answer a batch, of any size.",
            quantiles("http_request_duration_seconds", 'endpoint="/api/v1/score/batch"'),
            limits=[(1, RED)], runbooks=["HighLatency", "LatencyBurnRate"],
        ),
        heat(
            "Spread of scoring times", "s", "How many scoring requests took how long; darker is more.",
            "http_request_duration_seconds", SCORING,
        ),
        lines(
            "Slowest routes, p95", "s", f"The time in which 19 of 20 requests to a route are answered. {EVERYWHERE}",
            [Query(f"job_endpoint:http_request_duration_seconds:p95_rate5m{{{OURS}}}", "{{endpoint}}")],
            limits=[(1, RED)], runbooks=["HighLatency"], width=12,
        ),
        listing(
            "Alerts that fire", "What fires about the service now; the runbooks have an entry by each name.",
            f'ALERTS{{{OURS},alertstate="firing"}}', ["alertname", "severity", "instance"], width=12,
        ),
    ],
)  # fmt: skip

SATURATION = Row(
    "Saturation",
    [
        lines(
            "Requests inside", "short", "Requests that are being answered, and those of them that wait for their turn.",
            [
                Query(f"sum(http_requests_active{{{HERE}}})", "being answered"),
                Query(f"sum(scoring_queue_requests{{{HERE}}})", "in the queue"),
            ],
            runbooks=["Overloaded"],
        ),
        lines(
            "Wait for a turn", "s",
            "Quantiles of how long requests that had to wait did wait; from MAX_QUEUE_SECONDS on new ones are refused.",
            quantiles("scoring_stage_seconds", 'stage="queue"'), runbooks=["Overloaded"],
        ),
        lines(
            "Rejections by reason", "reqps",
            "Requests and connections that were refused to protect the service. overloaded, deadline and connections "
            "come from load, rate_limit from one client's, the others from clients that send too slowly or wrongly.",
            [Query(rate("requests_rejected_total", by="reason"), "{{reason}}")], stacked=True, runbooks=["Overloaded"],
        ),
        lines(
            "Share refused for load", "percentunit",
            f"Requests refused for load, of those that want leads scored. {EVERYWHERE}",
            [Query(f"job:requests_shed:rate5m{{{OURS}}} / job:scoring_requests:rate5m{{{OURS}}}", "refused")],
            limits=[(0.01, RED)], runbooks=["Overloaded"],
        ),
        lines(
            "Processor", "percentunit", "Processor time in use, of what the instance may use.",
            [Query(f"instance:system_cpu_usage:ratio_rate5m{{{HERE}}}", "{{instance}}")],
            limits=[(0.8, YELLOW)], most=1, runbooks=["HighCPU"],
        ),
        lines(
            "Log lines dropped", "short",
            "Lines of the log that could not be written in a second: a full disk, or a reader that does not read.",
            [Query(rate("log_lines_dropped_total", by="instance"), "{{instance}}")], limits=[(0.001, RED)],
            runbooks=["LowDisk"],
        ),
    ],
)  # fmt: skip

OBJECTIVES = Row(
    "Objectives: how fast the error budgets burn",
    [
        lines(
            "Availability", "short",
            "99.9 % of scoring requests end with a status below 500. At a rate of 1 the budget of 30 days lasts 30 "
            f"days, at 14.4 two. {EVERYWHERE}",
            [Query(f"job:scoring_failures:ratio_rate{window}{{{OURS}}} / 0.001", window) for window in WINDOWS],
            limits=[(1, YELLOW), (6, RED)], runbooks=["AvailabilityBurnRate"], width=12,
        ),
        lines(
            "Latency", "short",
            "99 % of scoring requests are answered within 250 ms. At a rate of 1 the budget of 30 days lasts 30 days, "
            f"at 14.4 two. {EVERYWHERE}",
            [Query(f"job:scoring_slow:ratio_rate{window}{{{OURS}}} / 0.01", window) for window in WINDOWS],
            limits=[(1, YELLOW), (6, RED)], runbooks=["LatencyBurnRate"], width=12,
        ),
    ],
)  # fmt: skip

KEYS = Row(
    "Keys",
    [
        number(
            "Demo key", "short", "Whether the key that everyone knows opens one of the instances.",
            f"max(api_demo_key_active{{{HERE}}})", limits=[(1, RED)], runbooks=["DemoKeyInProduction"], width=6,
            meanings=words_for(no=("refused", GREEN), yes=("accepted", RED)),
        ),
        number(
            "Next key expires in", "s", "When the next of the working keys expires; its client gets 401 from then on.",
            f"clamp_max(min(api_key_expiry_timestamp_seconds{{{HERE}}}) - time(), {NEVER})",
            limits=[(None, RED), (2 * 86400, YELLOW), (14 * 86400, GREEN)], runbooks=["ApiKeyExpiresSoon"], width=6,
            meanings=[
                RangeMap(DashboardRangeMapOptions(NEVER, None, ValueMappingResult(text="never", color=GREEN)))
            ],
        ),
    ],
)  # fmt: skip


def service() -> Dashboard:
    """The page that is looked at first."""
    said = "What clients feel, what protects the service, and what is left of its objectives."
    return page("lead-scoring-service", "Service", said, [NOW, REQUESTS, SATURATION, OBJECTIVES, KEYS])
