"""The shipped monitoring: its files, its programs, and a running Prometheus and Alertmanager made of both."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml
from listener import Asked, Listener
from programs import program
from project import ROOT
from serving import DEADLINE, eventually, free_port

PROMETHEUS = ROOT / "monitoring" / "prometheus"
ALERTMANAGER = ROOT / "monitoring" / "alertmanager"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yml"))
RULE_TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
PLACES = {"api:8000", "alertmanager:9093", "localhost:9090", "/etc/alertmanager/"}
"""What of the shipped files belongs to the place where they run."""


def rules_of(path: Path) -> list[dict[str, Any]]:
    """The rules of a file, in order."""
    return [rule for group in yaml.safe_load(path.read_text("utf-8"))["groups"] for rule in group["rules"]]


RULES = [rule for path in RULE_FILES for rule in rules_of(path)]
ALERTS = [rule for rule in RULES if "alert" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})


def run(*command: str, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Runs a program to its end."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=360, check=False)


class Message(NamedTuple):
    """What arrived at a webhook: where, and the title and text of it."""

    receiver: str
    title: str
    text: str


class Inbox(Listener):
    """A webhook that takes Slack's format, and keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        super().__init__(self._take)

    def _take(self, asked: Asked) -> tuple[int, bytes]:
        for part in json.loads(asked.body)["attachments"]:
            self.messages.append(Message(asked.path.strip("/"), part["title"], part["text"]))
        return 200, b"ok"

    def count(self, receiver: str, title: str) -> int:
        """How many such messages have come."""
        return sum((message.receiver, message.title) == (receiver, title) for message in self.messages)

    def has(self, receiver: str, title: str) -> bool:
        """Whether such a message has come."""
        return self.count(receiver, title) > 0


def hastened(text: str) -> str:
    """A configuration whose clocks run fast; expressions, labels, routes and receivers stay as they are.

    A day and a week are added up of whole hours, and here of steps of five seconds: their shares are the same.
    """
    text = re.sub(
        r"\b(scrape_interval|scrape_timeout|evaluation_interval|group_interval|interval): \w+", r"\1: 1s", text
    )
    text = re.sub(r"\bgroup_wait: \w+", "group_wait: 0s", text)
    text = re.sub(r"\[(1d|7d):1h\]", r"[\1:5s]", text)
    return re.sub(r"\n( +)for: \w+", r"\n\1for: 1s", text)


def placed(text: str, places: dict[str, str]) -> str:
    """A configuration for another place."""
    for name, place in places.items():
        text = text.replace(name, place)
    return text


def copied(folder: Path, places: dict[str, str]) -> None:
    """A copy of the shipped monitoring for other places, in which time runs fast."""
    shutil.copytree(ROOT / "monitoring", folder, ignore=shutil.ignore_patterns("tests", "grafana"))
    for path in folder.rglob("*.yml"):
        path.write_text(placed(hastened(path.read_text("utf-8")), places), "utf-8")


class Stack(NamedTuple):
    """A running Prometheus and Alertmanager, and where messages arrive."""

    prometheus: str
    alertmanager: str
    inbox: Inbox
    places: dict[str, str]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus says now."""
        said = httpx.get(f"{self.prometheus}/api/v1/query", params={"query": expression}, timeout=DEADLINE).json()
        found: list[dict[str, Any]] = said["data"]["result"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that Alertmanager knows."""
        found: list[dict[str, Any]] = httpx.get(f"{self.alertmanager}/api/v2/alerts", timeout=DEADLINE).json()
        return found


@contextmanager
def started(log: Path, url: str, *command: str) -> Iterator[None]:
    """A program that is ready to be asked, for as long as the context is open."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=log.parent, stdout=out, stderr=subprocess.STDOUT)

    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/-/ready", timeout=DEADLINE).status_code == 200
        except httpx.TransportError:
            return False

    try:
        assert eventually(ready), log.read_text()
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)


@contextmanager
def alerting(folder: Path) -> Iterator[tuple[str, Inbox]]:
    """Alertmanager by ``folder/alertmanager``, and an inbox that its two secret files name."""
    inbox, port = Inbox(), free_port()
    url = f"http://127.0.0.1:{port}"
    for receiver in ("page", "ticket"):
        (folder / f"alertmanager/secrets/{receiver}_url").write_text(f"{inbox.url}/{receiver}")
    try:
        with started(
            folder / "alertmanager.log", url, program("prometheus-alertmanager", "alertmanager"),
            f"--config.file={folder}/alertmanager/alertmanager.yml", f"--storage.path={folder}/silences",
            f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
        ):  # fmt: skip
            yield url, inbox
    finally:
        inbox.close()


@contextmanager
def watching(folder: Path, service: str) -> Iterator[Stack]:
    """Prometheus and Alertmanager on a hastened copy of the shipped configuration, watching one service."""
    programs = program("prometheus"), program("prometheus-alertmanager", "alertmanager")
    port = free_port()
    places = {
        "api:8000": service,
        "localhost:9090": f"127.0.0.1:{port}",
        "/etc/alertmanager/": f"{folder}/alertmanager/",
    }
    copied(folder, places)
    with alerting(folder) as (alertmanager, inbox):
        places["alertmanager:9093"] = alertmanager.removeprefix("http://")
        config = folder / "prometheus/prometheus.yml"
        config.write_text(placed(config.read_text("utf-8"), places), "utf-8")
        url = f"http://127.0.0.1:{port}"
        with started(
            folder / "prometheus.log", url, programs[0], f"--config.file={config}",
            f"--storage.tsdb.path={folder}/series", f"--web.listen-address=127.0.0.1:{port}",
            f"--web.user-assets={config.parent}/pages",
        ):  # fmt: skip
            yield Stack(url, alertmanager, inbox, places)
