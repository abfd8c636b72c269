"""Renders docs/MONITORING.md as one HTML page for Prometheus to serve; with --check, reports whether it is stale.

The runbook of an alert must be available while little else is: Prometheus has just sent the alert, so it can serve the
page, without the internet and without another server.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "MONITORING.md"
PAGE = ROOT / "monitoring" / "prometheus" / "pages" / "runbooks.html"

HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lead Scoring Service: monitoring and runbooks</title>
<style>
:root { color-scheme: light dark; --soft: color-mix(in srgb, currentColor 12%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; margin-top: 2em; }
h1 { margin-top: 0.5em; }
h3:target { background: #ffd33d55; padding: 0.3em; scroll-margin-top: 1rem; }
code { font: 0.875em ui-monospace, monospace; background: var(--soft); padding: 0.1em 0.25em; border-radius: 4px; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; border-radius: 6px; }
pre code { background: none; padding: 0; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
td:last-child code { overflow-wrap: anywhere; }
th, td { border: 1px solid var(--soft); padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
.elsewhere { text-decoration: underline dotted; }
</style>
</head>
<body>
"""


def page() -> str:
    """Renders the page; headings have the same anchors as in a repository."""
    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    text = re.sub(r"<!-- .*? -->\n", "", GUIDE.read_text("utf-8"))
    tokens = markdown.parse(text)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", slug(inline.content))
    for token in tokens:
        token.children = list(led(token.children or []))
    body: Any = markdown.renderer.render(tokens, markdown.options, {})
    return f"{HEAD}{body}</body>\n</html>\n"


def slug(heading: str) -> str:
    """Returns the anchor of a heading."""
    plain = re.sub(r"[`*]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def led(tokens: Iterable[Token]) -> Iterator[Token]:
    """Replaces links to other pages, which Prometheus does not serve, by the name of the file."""
    elsewhere = ""
    for token in tokens:
        target = str(token.attrGet("href") or "")
        if target and not target.startswith(("#", "http")):
            elsewhere = f"docs/{target}"
            yield written(f'<span class="elsewhere" title="{escape(elsewhere)}">')
        elif token.type == "link_close" and elsewhere:
            yield written(f"</span> ({escape(elsewhere.partition('#')[0])})")
            elsewhere = ""
        else:
            yield token


def written(markup: str) -> Token:
    """Returns a token of raw HTML."""
    return Token("html_inline", "", 0, content=markup)


def main() -> int:
    """Renders the page; with --check, the exit code is 1 if it is stale."""
    made = page()
    if PAGE.exists() and PAGE.read_text("utf-8") == made:
        return 0
    sys.stdout.write(f"{PAGE.name}\n")
    if "--check" in sys.argv[1:]:
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
