"""Writes what the source knows best into the documentation, between markers; with --check, says what is stale."""

import re
import sys
from pathlib import Path

from leadscoring.api.failures import errors_markdown, start_errors_markdown
from leadscoring.logs import events_markdown
from leadscoring.metrics import metrics_markdown
from leadscoring.settings import settings_markdown

DOCS = Path(__file__).parents[1] / "docs"
BLOCKS = {
    "settings": settings_markdown,
    "events": events_markdown,
    "metrics": metrics_markdown,
    "errors": errors_markdown,
    "start-errors": start_errors_markdown,
}


def rendered(text: str) -> str:
    """A page with its blocks as they should be; a page has the blocks that it marks."""
    for name, markdown in BLOCKS.items():
        made = f"\n{markdown()}\n\n".replace("\\", r"\\")
        text = re.sub(f"(?<=<!-- {name} -->\n).*?(?=<!-- /{name} -->)", made, text, flags=re.DOTALL)
    return text


def main() -> int:
    """Renders every page; the exit code tells whether a checked one is stale."""
    stale = []
    for page in sorted(DOCS.glob("*.md")):
        before = page.read_text("utf-8")
        after = rendered(before)
        if after != before:
            stale.append(page.name)
            if "--check" not in sys.argv[1:]:
                page.write_text(after, "utf-8")
    if stale:
        sys.stdout.write(" ".join(stale) + "\n")
    return int(bool(stale) and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
