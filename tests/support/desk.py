"""An operator's folder with a running service, and the commands of a guide."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from programs import program
from project import ROOT
from serving import KEY, Server, serving

BLOCK = re.compile(r"^( *)```bash\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

DEMO_KEY = "demo-api-key-123"


def commands_of(text: str) -> dict[str, list[str]]:
    """Every command by the section that it stands in, with continued lines joined and comments left out."""
    found: dict[str, list[str]] = {}
    for match in BLOCK.finditer(text):
        heading = re.findall(r"^#{2,4} (.*)$", text[: match.start()], re.MULTILINE)[-1]
        lines = [line.strip() for line in match[2].replace("\\\n", " ").splitlines()]
        found.setdefault(heading, []).extend(line for line in lines if line and not line.startswith("#"))
    return found


class Desk(NamedTuple):
    """An operator's folder and a running service; ``places`` says where the guide's other addresses are."""

    folder: Path
    server: Server
    places: Mapping[str, str] = {}

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Runs commands as an operator would."""
        script = script.replace("localhost:8000", f"127.0.0.1:{self.server.port}")
        for name, place in self.places.items():
            script = script.replace(name, place)
        environ = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "BASE_URL": self.server.url,  # what quick_test.sh takes where the guide names none
        }
        command = ["bash", "-euo", "pipefail", "-c", script]
        return subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, text=True, check=False)


@contextmanager
def at_desk(folder: Path) -> Iterator[Desk]:
    """Such a folder, with its service running."""
    for name in ("bash", "curl", "jq", "pgrep"):
        program(name)
    for name in (
        "docs",
        "models",
        "Makefile",
        "pyproject.toml",
        "requirements",
        "engine",
        "CMakeLists.txt",
    ):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "monitoring", folder / "monitoring")  # the guide changes a copy of it
    shutil.copytree(ROOT / "scripts", folder / "scripts")  # a copy, since a script goes to the folder above its own
    new = [
        str(Path(sys.executable).parent / "leadscoring"),
        "keys",
        "new",
        "--label",
        "crm-2026",
        "--file",
        "keys.json",
    ]
    made = subprocess.run(new, cwd=folder, capture_output=True, text=True, check=True)
    with serving(
        folder, ROOT / "models" / "model.json", API_KEYS=f"{DEMO_KEY},{KEY}", API_KEYS_FILE=str(folder / "keys.json")
    ) as server:
        (folder / "service.log").symlink_to(server.log)
        lead = json.loads((ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes())
        server.http.post("/api/v1/score", json=lead, headers={"X-API-Key": made.stdout.strip()})
        server.http.post("/api/v1/score", json=lead | {"more": 1}, headers={"X-Request-ID": "crm-42"})
        yield Desk(folder, server)
