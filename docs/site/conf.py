"""How Sphinx makes the documentation site: the same pages that a repository shows, with navigation and search.

Pages are taken from where they lie, so a link between two of them works in both places. Nothing on the site is fetched
from elsewhere, so that it reads without the internet and straight from a folder.

Sphinx with MyST and Furo, because MkDocs has no maintainer, Material for MkDocs ends in 2027, and the successor of both
has no stable release yet. Sphinx also checks anchors, takes pages from several folders, and brings a search of its own.
"""

import shutil
from pathlib import Path

from sphinx.application import Sphinx

project = "Lead Scoring Service"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/*.md",
    "docs/decisions/*.md",
    "infra/**/README.md",
    "benchmarks/*.md",
]

myst_heading_anchors = 4  # named as a repository's page names them
myst_linkify_fuzzy_links = False

highlight_language = "none"  # a block that names no language is a drawing or an output, not Python

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False  # the licence has it
html_static_path = ["static"]
html_css_files = ["site.css"]

# Titles in the navigation, where the page's own is too long; sections in the order in which a newcomer needs them.
NAVIGATION = {
    "Use it": ["docs/FROM_EXPORT_TO_SCORES.md", "docs/LEADS.md", "docs/API.md", "docs/BULK.md", "docs/GLOSSARY.md"],
    "Run it": [
        "docs/OPERATIONS.md",
        "docs/MONITORING.md",
        "docs/SCRIPTS.md",
        "docs/DEPLOYMENT.md",
        "docs/PRIVACY.md",
        "SageMaker <infra/endpoints/sagemaker/README.md>",
        "Azure ML <infra/endpoints/azure_ml/README.md>",
    ],
    "How good, how fast": [
        "docs/QUALITY.md",
        "docs/TRUST.md",
        "Speed <benchmarks/README.md>",
        "Stress <benchmarks/STRESS.md>",
        "Cost of the ledger <benchmarks/LEDGER.md>",
    ],
    "How it is built": [
        "docs/ARCHITECTURE.md",
        "docs/decisions/README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ],
}


def navigation(root: Path) -> str:
    """The tables of contents, of the pages that are there."""
    lines = []
    for caption, entries in NAVIGATION.items():
        there = [entry for entry in entries if (root / entry.rpartition("<")[2].rstrip(">")).exists()]
        lines += ["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *there, "```"]
    return "\n".join(lines) + "\n"


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Adds to a page what only the site needs, so that the page reads well without it."""
    if docname == root_doc:
        source[0] += navigation(Path(app.srcdir))
    if docname == "docs/decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"


def add_front_page(app: Sphinx, failure: Exception | None) -> None:
    """The front page also under the name that a web server looks for."""
    if failure is None:
        shutil.copyfile(Path(app.outdir) / "README.html", Path(app.outdir) / "index.html")


def setup(app: Sphinx) -> None:
    """What Sphinx calls."""
    app.connect("source-read", add_navigation)
    app.connect("build-finished", add_front_page)
