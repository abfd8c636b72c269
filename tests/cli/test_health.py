"""The command that container health checks run: its exit code is what they read."""

import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from factories import model_file
from serving import eventually, free_port, serving

from leadscoring.cli.main import main

ANYWHERE = "0.0.0.0"


def run(*words: str, **environ: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["health", *words], env=environ)


@pytest.mark.integration
def test_a_service_that_answers_is_healthy(tmp_path: Path) -> None:
    """Asked on the address that it listens on, or on the loopback when it listens on all; with --ready too."""
    with serving(tmp_path, model_file(tmp_path)) as server:
        for host in ("127.0.0.1", ANYWHERE):
            assert run(HOST=host, PORT=str(server.port)).exit_code == 0
            assert run("--ready", HOST=host, PORT=str(server.port)).exit_code == 0


@pytest.mark.integration
def test_a_service_that_drains_lives_but_is_not_ready(tmp_path: Path) -> None:
    """So what restarts containers asks for life, and what routes to them for readiness."""
    with serving(tmp_path, model_file(tmp_path), DRAIN_SECONDS="60") as server:
        server.process.send_signal(signal.SIGTERM)
        assert eventually(lambda: run("--ready", PORT=str(server.port)).exit_code == 1)
        refused = run("--ready", PORT=str(server.port))
        assert "/health/ready returned 503" in refused.output
        assert "draining" in refused.output
        assert run(PORT=str(server.port)).exit_code == 0
        server.process.send_signal(signal.SIGINT)  # a second signal ends the wait


def test_no_answer_is_unhealthy() -> None:
    """In one line, with where it was asked and why there was none."""
    port = free_port()
    nobody = run(PORT=str(port))
    assert nobody.exit_code == 1
    assert nobody.output == f"Error: no response from 127.0.0.1 port {port}: [Errno 111] Connection refused\n"


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"PORT": "0"}, "PORT must be the port that the service listens on, not 0"),
        ({"PORT": "many"}, "SettingError: PORT must be a whole number from 0 to 65535, not 'many'"),
    ],
)
def test_settings_that_cannot_be_asked_with_are_unhealthy(environ: dict[str, str], says: str) -> None:
    """With 1, since container runtimes reserve the other codes."""
    asked = run(**environ)
    assert asked.exit_code == 1
    assert says in asked.output
