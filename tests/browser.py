"""Chromium without a window, for what only a browser can say of a page."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
)  # fmt: skip


def chromium() -> str:
    """The browser; without one a test is skipped, and in CI it fails."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    reason = "pages are tried in Chromium, which is not installed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def browse(folder: Path, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """A visit of a page with these options; what the page logs is on the second output."""
    command = [
        chromium(),
        *QUIET,
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=20000",
        *options,
        url,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def dom_of(url: str, folder: Path) -> str:
    """A page's elements once its scripts are done."""
    visited = browse(folder, url, "--dump-dom")
    assert visited.returncode == 0, visited.stderr[-2000:]
    return visited.stdout


class Silent(SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def pages(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are served, for as long as the context is open."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
