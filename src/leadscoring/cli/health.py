"""``leadscoring health``: checks whether the local service responds, for the health checks of containers."""

import http.client
import os

import click

from leadscoring.cli.commands import Command
from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.settings import Settings, read_settings

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
"""The loopback address for a service that listens on all addresses."""


@click.command(cls=Command, examples=("leadscoring health", "leadscoring health --ready"))
@click.option("--ready", is_flag=True, help="Check that the service is ready to score, not only that it is alive.")
@click.option("--timeout", default=3.0, show_default=True, type=click.FloatRange(0.1, 60), help="Timeout in seconds.")
def health(ready: bool, timeout: float) -> None:
    """Check the health of the service at HOST and PORT.

    The exit code is 0 when the check passes, else 1. Do not use --ready in a check that restarts the container: a
    service that drains is not ready, but still answers requests.
    """
    try:
        settings = read_settings(os.environ)
    except (SettingError, SettingsConflict) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None
    path = "/health/ready" if ready else "/health/live"
    status, body = asked(settings, path, timeout)
    if status != 200:
        raise click.ClickException(f"{path} returned {status}: {body}")
    click.echo(body)


def asked(settings: Settings, path: str, timeout: float) -> tuple[int, str]:
    """Requests a path of the service with these settings; returns the status and body.

    Raises ``ClickException`` if the service does not respond within ``timeout`` seconds.
    """
    if not settings.port:
        raise click.ClickException("PORT must be the port that the service listens on, not 0")
    host = EVERYWHERE.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as failure:
        why = str(failure) or type(failure).__name__
        raise click.ClickException(f"no response from {host} port {settings.port}: {why}") from None
    finally:
        connection.close()
