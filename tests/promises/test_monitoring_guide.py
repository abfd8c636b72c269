"""Every command of docs/MONITORING.md runs as it stands, against a real service, Prometheus and Alertmanager."""

import re
from collections.abc import Iterator

import pytest
from desk import Desk, at_desk, commands_of
from monitoring import watching
from programs import program
from project import ROOT
from serving import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

COMMANDS = commands_of((ROOT / "docs" / "MONITORING.md").read_text("utf-8"))

NOT_HERE = {
    "prometheus --config.file": "would go on for ever; tests/promises/test_alerts_end_to_end.py starts it so",
    "prometheus-alertmanager --config.file": "the same",
    "make dashboards": "installs first; tests/promises/test_dashboards.py runs what it runs",
    "read -rs -p": "waits for somebody to type a secret",
    "promtool test rules": "takes long; tests/promises/test_alert_rules.py runs it file by file",
}
"""Beginnings of commands that are not run, each with its reason."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk of the operations guide, with Prometheus and Alertmanager beside it."""
    program("promtool")
    program("amtool")
    folder = tmp_path_factory.mktemp("desk")
    with at_desk(folder) as desk, watching(folder / "stack", f"127.0.0.1:{desk.server.port}") as stack:
        for recorded in ("job_endpoint:http_request_duration_seconds:p95_rate5m", "job:scoring_failures:ratio_rate1h"):
            assert eventually(lambda: bool(stack.query(recorded)))  # noqa: B023  # called before the loop goes on
        hosts = {"http://localhost:9090": stack.prometheus, "http://localhost:9093": stack.alertmanager}
        yield Desk(folder, desk.server, hosts)


@pytest.mark.parametrize("section", COMMANDS)
def test_the_commands_of_the_guide_work(desk: Desk, section: str) -> None:
    """Each ends with success, in the order of its section, and what it asks of the service is found."""
    for command in COMMANDS[section]:
        if command.startswith(tuple(NOT_HERE)):
            continue
        ran = desk.run(command)
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"
        assert "CONFIRMED DOWN" not in ran.stdout
        if re.search(r"/metrics \| grep|localhost:8000\S+ \| jq|promtool query", command):
            assert ran.stdout.strip() not in ("", "null"), f"{command} finds nothing"


def test_commands_that_are_not_run_are_in_the_guide() -> None:
    """An exception without its command is forgotten."""
    every = [command for commands in COMMANDS.values() for command in commands]
    assert all(any(command.startswith(start) for command in every) for start in NOT_HERE)
