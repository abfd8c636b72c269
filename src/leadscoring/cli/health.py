"""``leadscoring health``: checks whether the local service responds, for the health checks of containers."""

import http.client
import os

import click

from leadscoring.errors import SettingError, SettingsConflict
from leadscoring.settings import Settings, read_settings

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
"""The loopback address for a service that listens on all addresses."""


@click.command()
@click.option("--ready", is_flag=True, help="Whether leads can be scored, not only whether the process answers.")
@click.option("--timeout", default=3.0, show_default=True, type=click.FloatRange(0.1, 60), help="Seconds to wait.")
def health(ready: bool, timeout: float) -> None:
    """Say whether the service at HOST and PORT answers.

    The exit code is 0 when it does and 1 when it does not or cannot be asked. What restarts a container should ask
    without --ready: a service that drains is not ready, and answers on.
    """
    try:
        settings = read_settings(os.environ)
    except (SettingError, SettingsConflict) as failure:
        raise click.ClickException(f"{type(failure).__name__}: {failure}") from None
    path = "/health/ready" if ready else "/health/live"
    status, body = asked(settings, path, timeout)
    if status != 200:
        raise click.ClickException(f"{path} answers {status}: {body}")
    click.echo(body)


def asked(settings: Settings, path: str, timeout: float) -> tuple[int, str]:
    """Requests a path of the service with these settings; returns the status and body.

    Raises ``ClickException`` if the service does not respond within ``timeout`` seconds.
    """
    if not settings.port:
        raise click.ClickException("PORT must be the number that the service listens on, not 0")
    host = EVERYWHERE.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(4096).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as failure:
        why = str(failure) or type(failure).__name__
        raise click.ClickException(f"no answer from {host} port {settings.port}: {why}") from None
    finally:
        connection.close()
