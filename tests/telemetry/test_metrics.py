"""Every metric is declared once, counts what happened, and has no label of what a client sent."""

import math
from time import monotonic

import pytest
from prometheus_client.parser import text_string_to_metric_families

from leadscoring.errors import LeadScoringError
from leadscoring.lead import Score
from leadscoring.telemetry.metrics import (
    ATTEMPTS,
    BEAT,
    BEAT_SECONDS,
    METHODS,
    REJECTIONS,
    STAGES,
    Metrics,
    Spent,
    declared,
    error_types,
    metrics_markdown,
)

SCORE = "/api/v1/score"


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[str]], float]:
    """Every series that is shown, by its name and the values of its labels."""
    families = text_string_to_metric_families(metrics.exposition().decode())
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value for one in families for sample in one.samples
    }


def value(metrics: Metrics, name: str, *labels: str) -> float:
    """One series."""
    return samples(metrics)[name, frozenset(labels)]


def score(raw_score: float = 0.7, bucket: int = 5) -> Score:
    """What a lead got."""
    return Score(raw_score, bucket, "A" if bucket == 5 else "E", None)


def test_an_answered_request_is_counted_timed_and_active_no_more() -> None:
    """By its route."""
    metrics = Metrics((SCORE,), "local")
    metrics.arrived()
    metrics.arrived()
    metrics.answered("POST", SCORE, 200, 0.02)
    assert value(metrics, "http_requests_total", "POST", SCORE, "200") == 1
    assert value(metrics, "http_request_duration_seconds_sum", "POST", SCORE) == pytest.approx(0.02)
    assert value(metrics, "http_requests_active") == 1


def test_no_method_path_or_status_of_a_client_becomes_a_label() -> None:
    """They would be as many series as somebody likes."""
    metrics = Metrics((SCORE,), "local")
    before = len(samples(metrics))
    for number in range(50):
        metrics.answered(f"MADE-UP-{number}", f"/made-up-{number}", 600 + number, 0.1)
    assert value(metrics, "http_requests_total", "other") == 50
    assert len(samples(metrics)) - before < 20
    assert b"ade-up" not in metrics.exposition().lower()


def test_a_request_turned_away_counts_as_answered_and_as_rejected() -> None:
    """In one call, as often as it happens."""
    metrics = Metrics((SCORE,), "local")
    metrics.turned_away(SCORE)
    metrics.turned_away(SCORE)
    assert value(metrics, "http_requests_total", "POST", SCORE, "503") == 2
    assert value(metrics, "http_request_duration_seconds_count", "POST", SCORE) == 2
    assert value(metrics, "requests_rejected_total", "overloaded") == 2


@pytest.mark.parametrize("reason", REJECTIONS)
def test_every_reason_of_a_rejection_is_shown_before_it_happens(reason: str) -> None:
    """A rate over it must see the first."""
    metrics = Metrics((), "local")
    assert value(metrics, "requests_rejected_total", reason) == 0
    metrics.rejected(reason)
    assert value(metrics, "requests_rejected_total", reason) == 1


def test_a_lead_alone_counts_as_one_of_a_batch_does() -> None:
    """One call in place of two: tier, score, bucket and the stages."""
    alone, apart = Metrics((), "local"), Metrics((), "local")
    spent = Spent(decode=1e-5, predict=2e-5, explain=3e-5, encode=4e-5)
    alone.scored_alone(score(), spent)
    apart.scored(score())
    apart.timed(spent)
    assert {key: found for key, found in samples(alone).items() if not key[0].startswith("service_")} == {
        key: found for key, found in samples(apart).items() if not key[0].startswith("service_")
    }
    assert value(alone, "model_predictions_total", "local", "A") == 1
    for stage, seconds in zip(STAGES, spent.stages(), strict=True):
        assert value(alone, "scoring_stage_seconds_sum", stage) == pytest.approx(seconds)


def test_the_tier_that_counts_is_that_of_the_bucket() -> None:
    """5 is A, 1 is E."""
    metrics = Metrics((), "local")
    metrics.scored(score(0.01, 1))
    assert value(metrics, "model_predictions_total", "local", "E") == 1
    assert value(metrics, "model_prediction_buckets_sum", "local") == 1


def test_every_error_has_a_name_that_can_be_counted() -> None:
    """The whole tree, each once; what is no error of ours counts as other."""
    names = error_types()
    assert len(set(names)) == len(names)
    assert LeadScoringError.__name__ in names
    metrics = Metrics((), "local")
    for name in (*names, "KeyError"):
        metrics.failed(name)
    found = samples(metrics)
    assert all(found["model_prediction_errors_total", frozenset(("local", name))] == 1 for name in (*names, "other"))


def test_a_local_model_has_no_metrics_of_an_endpoint() -> None:
    """A breaker that is shown closed would be one that is there."""
    assert not [name for name, _ in samples(Metrics((), "local")) if name.startswith("model_endpoint")]
    remote = Metrics((), "azure")
    for outcome in ATTEMPTS:
        remote.attempted(outcome)
        assert value(remote, "model_endpoint_attempts_total", "azure", outcome) == 1


@pytest.mark.parametrize(("known", "shown"), [(True, 1.0), (False, 0.0), (None, math.nan)])
def test_whether_an_endpoint_matches_may_be_unknown(known: bool | None, shown: float) -> None:
    """That is neither yes nor no."""
    metrics = Metrics((), "azure")
    metrics.matches(known)
    assert value(metrics, "model_endpoint_matches", "azure") == pytest.approx(shown, nan_ok=True)


def test_a_process_serves_for_as_long_as_it_says_so() -> None:
    """One that has gone silent counts no more."""
    metrics = Metrics((), "local")
    assert metrics.serving() == 0
    metrics.beat(monotonic())
    metrics.workers(2)
    assert (value(metrics, "service_ready_workers"), value(metrics, "service_workers")) == (1, 2)
    metrics.beat(monotonic() - BEAT_SECONDS)
    assert metrics.serving() == 0


def test_the_table_names_each_metric_as_it_is_shown() -> None:
    """A counter with its ending; what is hidden, nowhere."""
    families = declared((SCORE,), "azure")
    table = metrics_markdown(families)
    shown = Metrics((SCORE,), "azure").exposition().decode()
    for family in families:
        name = family.name + "_total" * (family.kind == "counter")
        assert (f"| `{name}` |" in table) is (not family.hidden)
    assert BEAT not in table + shown
    assert "method" in table
    assert len(METHODS) == len(set(METHODS))
