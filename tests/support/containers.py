"""A container made of an unpacked image, as runtimes make one: process 1, a read-only root, no rights."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from serving import DEADLINE, KEY, eventually, free_port

RIGHTS = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]

SET_UP = """
set -eu
mount --bind "$ROOT" "$ROOT"
cd "$ROOT"
mount -t proc proc proc
mount -t tmpfs -o mode=0755,nosuid,noexec,size=64k tmpfs dev
for device in null zero full random urandom; do : >dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/shm
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec,size=64m shm dev/shm
mount -o remount,bind,ro "$ROOT"
exec chroot . "$@"
"""
"""What a runtime mounts: devices and shared memory, nothing else that can be written to."""


class Image:
    """An image as files, and what a runtime is told about it."""

    def __init__(self, folder: Path) -> None:
        self.root = (folder / "root").resolve(strict=True)
        self.config: dict[str, Any] = json.loads((folder / "inspect.json").read_bytes())["Docker"]["config"]

    def command(self, *words: str) -> list[str]:
        """A command with the image's user and folder, and no rights."""
        user, group = self.config["User"].split(":")
        become = ["/usr/bin/setpriv", "--reuid", user, "--regid", group, *RIGHTS]
        return [*become, "env", "--chdir", self.config["WorkingDir"], *words]

    def environ(self, **given: str) -> dict[str, str]:
        """The image's environment, and what is given beside it."""
        return dict(pair.split("=", 1) for pair in self.config["Env"]) | given


class Container:
    """A running one."""

    def __init__(self, image: Image, process: "subprocess.Popen[bytes]", environ: dict[str, str], log: Path) -> None:
        self.image = image
        self.process = process
        self.environ = environ
        self.log = log
        base = f"http://127.0.0.1:{environ['PORT']}"
        self.http = httpx.Client(base_url=base, headers={"X-API-Key": KEY}, timeout=30)

    @property
    def first(self) -> psutil.Process:
        """Its process 1, as this machine sees it."""
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command inside, as ``docker exec`` does."""
        enter = ["nsenter", "--target", str(self.first.pid), "--mount", "--pid", "--root", "--wd"]
        command = [*enter, *self.image.command(*words)]
        return subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False, timeout=DEADLINE)

    def ready(self) -> bool:
        """Whether leads can be scored; fails with the log when it has ended instead."""
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.http.get("/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Asks process 1 to end, as ``docker stop`` does, and gives the exit code."""
        self.first.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


@contextmanager
def running(image: Image, folder: Path, *words: str, **settings: str) -> Iterator[Container]:
    """A container whose entry point is given these words; it is ready, and gone when the context closes."""
    environ = image.environ(API_KEYS=KEY, HOST="127.0.0.1", PORT=str(free_port()), DRAIN_SECONDS="0", **settings)
    apart = ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "sh", "-c", SET_UP, "sh"]
    command = [*apart, *image.command(*image.config["Entrypoint"], *words)]
    log = folder / "container.log"
    with log.open("wb") as out:
        started = environ | {"ROOT": str(image.root)}
        process = subprocess.Popen(command, env=started, stdout=out, stderr=subprocess.STDOUT, cwd="/")
    container = Container(image, process, environ, log)
    try:
        assert eventually(container.ready), log.read_text()
        yield container
    finally:
        container.http.close()
        if process.poll() is None:
            os.kill(container.first.pid, signal.SIGKILL)
            process.wait(DEADLINE)
