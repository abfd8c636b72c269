"""Writes the dashboards that Grafana reads, one file each; with --check, says which are stale."""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from ledger_board import ledger
from model_board import model
from quality_board import quality
from resources_board import resources
from service_board import service

FOLDER = Path(__file__).parent / "dashboards"


def rendered() -> dict[str, str]:
    """The text of each file, by its name."""
    return {
        f"{made.__name__}.json": json.dumps(made(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for made in (service, model, resources, ledger, quality)
    }


def main() -> int:
    """Renders them all; the exit code tells whether a checked one is stale, or one is there that nobody makes."""
    files = rendered()
    there = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    stale = sorted(name for name in files | there if files.get(name) != there.get(name))
    if "--check" not in sys.argv[1:]:
        for name in stale:
            if name in files:
                (FOLDER / name).write_text(files[name], "utf-8")
            else:
                (FOLDER / name).unlink()
    if stale:
        sys.stdout.write(" ".join(stale) + "\n")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
