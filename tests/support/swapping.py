"""A service that swaps models as fast as it can while it answers: ``python swapping.py TIMES MODEL MODEL``.

Settings come from the environment, as for ``leadscoring serve``. It prints when it has swapped so many times; on
SIGUSR1 it stops swapping, waits until nothing but the last is in use, and prints how often it has swapped.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from itertools import cycle

import uvicorn

from leadscoring.api.app import App
from leadscoring.api.routes import PATHS
from leadscoring.model.file import open_model
from leadscoring.model.loaded import LoadedModel
from leadscoring.scoring.succession import Succession
from leadscoring.serving.drain import Server
from leadscoring.serving.server import arguments, listening
from leadscoring.serving.wiring import assembled, open_service
from leadscoring.settings import Settings, read_settings


@asynccontextmanager
async def swapping(succession: Succession, models: list[LoadedModel], times: int) -> AsyncIterator[None]:
    """Swaps in a task of its own, until it is told to stop."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)

    async def swap() -> None:
        for number, model in enumerate(cycle(models), 1):
            await succession.serve(model)
            if number == times:
                print("enough", flush=True)
            await asyncio.sleep(0)
            if told.is_set():
                break
        while succession.in_use > 1:
            await asyncio.sleep(0.01)
        print(f"swapped {number} times", flush=True)

    task = asyncio.create_task(swap())
    yield
    task.cancel()


def create(settings: Settings, times: str, *paths: str) -> App:
    """The application."""
    closing = ExitStack()
    service = closing.enter_context(open_service(settings, PATHS))
    models = [open_model(path) for path in paths]
    return assembled(service, closing, None, swapping(service.succession, models, int(times)))


def main() -> None:
    """Serves until a signal ends it."""
    settings = read_settings(os.environ)
    with listening(settings) as listener:
        config = uvicorn.Config(**arguments(settings) | {"app": partial(create, settings, *sys.argv[1:])})
        Server(config, settings.drain_seconds, on_ready=lambda: None).run([listener])


if __name__ == "__main__":
    main()
