"""Capacity is worked out from the benchmark, and the page says what comes out."""

import pytest
from infra.capacity import BENCHMARK, LOADS, PAGE, plan, rate, rates, rendered
from infra.environments import read_environment


def test_the_tables_of_the_page_are_fresh() -> None:
    """`make docs` writes them, after `make bench` and after a change of the environments."""
    assert PAGE.read_text("utf-8") == rendered(PAGE.read_text("utf-8"))


def test_a_virtual_processor_is_planned_with_a_quarter_of_a_measured_core() -> None:
    """Half of a core, half busy, with two digits."""
    assert rate(13_896).planned == 3_400
    assert rate(89_286).planned == 22_000


def test_a_benchmark_without_the_figures_is_refused() -> None:
    """A table of nothing would be believed."""
    with pytest.raises(ValueError, match="must have the rate of one lead"):
        rates("| another figure | 1/s |")


@pytest.mark.parametrize("load", LOADS)
def test_replicas_suffice_for_the_load_and_are_never_fewer_than_the_least(load: int) -> None:
    """And one less would not suffice."""
    single, _ = rates(BENCHMARK.read_text("utf-8"))
    environment = read_environment("prod")
    each = single.planned * environment.cpu_millicores / 1000
    replicas = plan(load, single.planned, environment).replicas
    assert replicas * each >= load
    assert replicas == environment.min_replicas or (replicas - 1) * each < load


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_replicas_come_before_the_planned_ones_are_used_up(name: str) -> None:
    """Scaling by requests asks for no more of a replica than is planned for its processors."""
    single, _ = rates(BENCHMARK.read_text("utf-8"))
    environment = read_environment(name)
    assert environment.scaling.requests_per_second <= single.planned * environment.cpu_millicores / 1000
