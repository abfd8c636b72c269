"""Writes generated blocks into the documentation, between markers; with --check, lists stale pages.

The service's environment in ``docker-compose.yml`` is written too: it passes every setting on.
"""

import re
import sys
from pathlib import Path

import yaml

from leadscoring.api.routes import routes_markdown
from leadscoring.quality.model_counts import FAMILIES
from leadscoring.settings import TABLE, settings_markdown
from leadscoring.telemetry.events import events_markdown
from leadscoring.telemetry.metrics import declared, metrics_markdown
from leadscoring.transport.failures import errors_markdown, start_errors_markdown

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
COMPOSE = ROOT / "docker-compose.yml"
RULES = ROOT / "monitoring" / "prometheus" / "rules"


def alerts_markdown() -> str:
    """Renders the table of alerts as Markdown, from the rules of Prometheus."""
    lines = ["| Alert | Severity | For | Fires when |", "|---|---|---|---|"]
    for path in sorted(RULES.glob("*.yml")):
        rules = [rule for group in yaml.safe_load(path.read_text("utf-8"))["groups"] for rule in group["rules"]]
        for rule in (rule for rule in rules if "alert" in rule):
            name, when = rule["alert"], " ".join(rule["expr"].split()).replace("|", "\\|")
            lines.append(f"| [`{name}`](#{name.lower()}) | {rule['labels']['severity']} | {rule['for']} | `{when}` |")
    return "\n".join(lines)


BLOCKS = {
    "alerts": alerts_markdown,
    "routes": routes_markdown,
    "routes-sagemaker": lambda: routes_markdown("sagemaker"),
    "routes-v2": lambda: routes_markdown("v2"),
    "settings": settings_markdown,
    "events": events_markdown,
    "metrics": lambda: metrics_markdown((*declared((), "local"), *FAMILIES)),
    "errors": errors_markdown,
    "start-errors": start_errors_markdown,
}


def rendered(text: str) -> str:
    """Returns a page with its marked blocks rendered again."""
    for name, markdown in BLOCKS.items():
        made = f"\n{markdown()}\n\n".replace("\\", r"\\")
        text = re.sub(f"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", made, text, flags=re.DOTALL)
    return text


def passed_on(text: str) -> str:
    """The compose file with every setting that it gives no value below the comment that announces them."""
    before, mark, after = text.partition("      # The other settings, by `make docs`:\n")
    old = re.match(r"(?:      [A-Z_]+:\n)*", after)
    given = set(re.findall(r"^      ([A-Z_]+): ", before, re.MULTILINE))
    names = [row.name for row in TABLE if row.name not in given]
    return before + mark + "".join(f"      {name}:\n" for name in names) + after[old.end() if old else 0 :]


def main() -> int:
    """Renders all pages; with --check, the exit code is 1 if one is stale."""
    stale = []
    for page in (*sorted(DOCS.glob("*.md")), COMPOSE):
        before = page.read_text("utf-8")
        after = passed_on(before) if page == COMPOSE else rendered(before)
        if after != before:
            stale.append(page.name)
            if "--check" not in sys.argv[1:]:
                page.write_text(after, "utf-8")
    if stale:
        sys.stdout.write(" ".join(stale) + "\n")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
