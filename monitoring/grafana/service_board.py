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
            "Instances up", "short", "Selected instances that Prometheus can scrape.",
            f"sum(up{{{HERE}}})", limits=[(None, RED), (1, GREEN)], runbooks=["ServiceDown"],
        ),
        number(
            "Workers ready", "percentunit", "Share of the configured workers that are ready to score.",
            f"sum(service_ready_workers{{{HERE}}}) / sum(service_workers{{{HERE}}})",
            limits=[(None, RED), (0.01, YELLOW), (1, GREEN)], runbooks=["NotReady", "WorkersNotReady"],
        ),
        number("Requests", "reqps", "Requests of all routes per second.", rate("http_requests_total")),
        number(
            "Failed", "percentunit", f"Share of API requests that ended with a status of 500 or more. {EVERYWHERE}",
            f"job:api_failures:ratio_rate5m{{{OURS}}}", limits=[(0.01, YELLOW), (0.05, RED)],
            runbooks=["HighErrorRate"], decimals=2,
        ),
        number(
            "Single lead, p95", "s", "95th percentile of the latency of requests for one lead.",
            quantile(0.95, "http_request_duration_seconds", 'endpoint="/api/v1/score"'),
            limits=[(0.25, YELLOW), (1, RED)], runbooks=["HighLatency"],
        ),
        number(
            "Alerts firing", "short", "Number of alerts of the service that fire now; listed below.",
            f'count(ALERTS{{{OURS},alertstate="firing"}}) or vector(0)', limits=[(1, RED)],
        ),
    ],
)  # fmt: skip

REQUESTS = Row(
    "Rate, errors, duration",
    [
        lines(
            "Requests by route", "reqps", "Requests per second. A path that matches no route counts as `unknown`.",
            [Query(rate("http_requests_total", by="method, endpoint"), "{{method}} {{endpoint}}")], stacked=True,
            runbooks=["NoTraffic"],
        ),
        lines(
            "Requests by status", "reqps",
            "Requests per second. 499: the client closed the connection. 503: rejected, because of overload or because "
            "the service or its model is unavailable.",
            [Query(rate("http_requests_total", by="status"), "{{status}}")], stacked=True,
        ),
        lines(
            "Error rate", "percentunit",
            "Share of the requests of each API route that ended with a status of 500 or more.",
            [Query(share("http_requests_total", FAILED, API, "endpoint"), "{{endpoint}}")],
            limits=[(0.05, RED)], runbooks=["HighErrorRate", "AvailabilityBurnRate"],
        ),
        lines(
            "Latency, single lead", "s", "Quantiles of the latency of requests for one lead.",
            quantiles("http_request_duration_seconds", 'endpoint="/api/v1/score"'),
            limits=[(0.25, YELLOW), (1, RED)], runbooks=["HighLatency", "LatencyBurnRate"],
        ),
        lines(
            "Latency, batch", "s", "Quantiles of the latency of batches of any size.",
            quantiles("http_request_duration_seconds", 'endpoint="/api/v1/score/batch"'),
            limits=[(1, RED)], runbooks=["HighLatency", "LatencyBurnRate"],
        ),
        heat(
            "Scoring latency", "s", "Distribution of the latency of scoring requests; darker is more.",
            "http_request_duration_seconds", SCORING,
        ),
        lines(
            "Slowest routes, p95", "s", f"95th percentile of the latency of each route. {EVERYWHERE}",
            [Query(f"job_endpoint:http_request_duration_seconds:p95_rate5m{{{OURS}}}", "{{endpoint}}")],
            limits=[(1, RED)], runbooks=["HighLatency"], width=12,
        ),
        listing(
            "Firing alerts", "Alerts of the service that fire now; each has a runbook of the same name.",
            f'ALERTS{{{OURS},alertstate="firing"}}', ["alertname", "severity", "instance"], width=12,
        ),
    ],
)  # fmt: skip

SATURATION = Row(
    "Saturation",
    [
        lines(
            "Requests in progress", "short", "Requests in progress, and those of them in the scoring queue.",
            [
                Query(f"sum(http_requests_active{{{HERE}}})", "in progress"),
                Query(f"sum(scoring_queue_requests{{{HERE}}})", "in the queue"),
            ],
            runbooks=["Overloaded"],
        ),
        lines(
            "Queueing time", "s",
            "Quantiles of the time that queued requests waited; above MAX_QUEUE_SECONDS new ones are rejected.",
            quantiles("scoring_stage_seconds", 'stage="queue"'), runbooks=["Overloaded"],
        ),
        lines(
            "Rejections by reason", "reqps",
            "Requests and connections rejected to protect the service. overloaded, deadline and connections "
            "are caused by load, rate_limit by one client, the others by clients that are slow or send bad requests.",
            [Query(rate("requests_rejected_total", by="reason"), "{{reason}}")], stacked=True, runbooks=["Overloaded"],
        ),
        lines(
            "Share rejected for overload", "percentunit",
            f"Share of the scoring requests rejected because of overload. {EVERYWHERE}",
            [Query(f"job:requests_shed:rate5m{{{OURS}}} / job:scoring_requests:rate5m{{{OURS}}}", "rejected")],
            limits=[(0.01, RED)], runbooks=["Overloaded"],
        ),
        lines(
            "CPU", "percentunit", "CPU usage, as a share of what the instance may use.",
            [Query(f"instance:system_cpu_usage:ratio_rate5m{{{HERE}}}", "{{instance}}")],
            limits=[(0.8, YELLOW)], most=1, runbooks=["HighCPU"],
        ),
        lines(
            "Log lines dropped", "short",
            "Log lines per second that could not be written: the disk is full, or the reader of the log has stalled.",
            [Query(rate("log_lines_dropped_total", by="instance"), "{{instance}}")], limits=[(0.001, RED)],
            runbooks=["LowDisk"],
        ),
    ],
)  # fmt: skip

OBJECTIVES = Row(
    "Objectives: burn rates of the error budgets",
    [
        lines(
            "Availability", "short",
            "99.9 % of scoring requests end with a status below 500. At a burn rate of 1 the budget of 30 days lasts "
            f"30 days, at 14.4 two. {EVERYWHERE}",
            [Query(f"job:scoring_failures:ratio_rate{window}{{{OURS}}} / 0.001", window) for window in WINDOWS],
            limits=[(1, YELLOW), (6, RED)], runbooks=["AvailabilityBurnRate"], width=12,
        ),
        lines(
            "Latency", "short",
            "99 % of scoring requests are answered within 250 ms. At a burn rate of 1 the budget of 30 days lasts 30 "
            f"days, at 14.4 two. {EVERYWHERE}",
            [Query(f"job:scoring_slow:ratio_rate{window}{{{OURS}}} / 0.01", window) for window in WINDOWS],
            limits=[(1, YELLOW), (6, RED)], runbooks=["LatencyBurnRate"], width=12,
        ),
    ],
)  # fmt: skip

KEYS = Row(
    "Keys",
    [
        number(
            "Demo key", "short", "Whether an instance accepts the public demo key.",
            f"max(api_demo_key_active{{{HERE}}})", limits=[(1, RED)], runbooks=["DemoKeyInProduction"], width=6,
            meanings=words_for(no=("rejected", GREEN), yes=("accepted", RED)),
        ),
        number(
            "Next key expires in", "s", "Time until the next valid key expires; from then on its client gets 401.",
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
    said = "Requests, errors, latency, saturation, objectives and keys of the service."
    return page("lead-scoring-service", "Service", said, [NOW, REQUESTS, SATURATION, OBJECTIVES, KEYS])
