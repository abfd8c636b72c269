"""The documentation site: built without a warning, with every page, and with nothing that is fetched from elsewhere."""

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from programs import missing
from project import ROOT

SPHINX = ROOT / "build" / "docs" / "env" / "bin" / "sphinx-build"
PAGES = sorted(
    page.relative_to(ROOT)
    for page in (
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/decisions/*.md"),
        *ROOT.glob("benchmarks/*.md"),
        *ROOT.glob("infra/**/*.md"),
    )
)
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}
"""What a browser fetches without being asked, and the attribute with its address."""
CSS = re.compile(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)")
ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)

pytestmark = pytest.mark.timeout(300)


def sphinx(source: Path, out: Path) -> "subprocess.CompletedProcess[str]":
    """Builds a site as ``make docs`` does; skips where its environment is not made, and fails there in CI."""
    if not SPHINX.exists():
        missing("what builds the site is not there: make docs")
    options = ["--quiet", "--fail-on-warning", "--nitpicky", "--fresh-env", "--conf-dir", str(ROOT / "docs" / "site")]
    command = [str(SPHINX), *options, "--doctree-dir", str(out.parent / "trees"), str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site that this tree makes."""
    out = tmp_path_factory.mktemp("docs") / "site"
    built = sphinx(ROOT, out)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


class Reader(HTMLParser):
    """The addresses in a page: of what is fetched with it, and of what its links lead to."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.styles = ""
        self.in_style = False
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps the addresses of an element."""
        told = dict(attrs)
        self.in_style = tag == "style"
        self.styles += told.get("style") or ""
        if address := told.get(FETCHED.get(tag, "")):
            self.fetched.append(address)
        if tag == "a" and (link := told.get("href")):
            self.links.append(link)

    def handle_data(self, data: str) -> None:
        """Keeps what styles say."""
        if self.in_style:
            self.styles += data


def test_the_site_has_every_page(site: Path) -> None:
    """Under its own name, and the first one also under the name that a web server looks for."""
    assert not [page for page in PAGES if not (site / page.with_suffix(".html")).exists()]
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_every_page_is_reached_by_the_navigation_of_the_front_page(site: Path) -> None:
    """Nobody has to know that a page is there."""
    links = {link.partition("#")[0] for link in Reader(site / "index.html").links}
    assert {str(page.with_suffix(".html")) for page in PAGES if page.name != "README.md" or page.parent.name} <= links


def test_nothing_on_the_site_is_fetched_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture: it reads without the internet, and tells nobody who reads it."""
    for page in site.rglob("*.html"):
        reader = Reader(page)
        fetched = [*reader.fetched, *("".join(pair) for pair in CSS.findall(reader.styles))]
        assert not [address for address in fetched if ELSEWHERE.match(address)], page
    for style in site.rglob("*.css"):
        found = ["".join(pair) for pair in CSS.findall(style.read_text("utf-8"))]
        assert not [address for address in found if ELSEWHERE.match(address)], style


def test_what_a_page_fetches_is_there(site: Path) -> None:
    """Pictures, styles and scripts, the index of the search among them."""
    for page in site.rglob("*.html"):
        for address in Reader(page).fetched:
            if not address.startswith(("data:", "#")):
                assert (page.parent / re.sub(r"[?#].*", "", address)).exists(), f"{page.name}: {address}"
    assert "NotReady" in (site / "searchindex.js").read_text("utf-8")


@pytest.mark.parametrize("link", ["NOWHERE.md", "API.md#nowhere", "#nowhere"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, link: str) -> None:
    """It is named, with the page."""
    source = tmp_path / "source"
    (source / "docs").mkdir(parents=True)
    (source / "README.md").write_text("# Title\n\n[a page](docs/API.md)\n", "utf-8")
    (source / "docs" / "API.md").write_text(f"# API\n\n[a link]({link})\n", "utf-8")
    built = sphinx(source, tmp_path / "site")
    assert built.returncode == 1
    assert re.search(rf"API\.md:3: WARNING: .*{re.escape(link.rpartition('#')[2])}", built.stderr)
