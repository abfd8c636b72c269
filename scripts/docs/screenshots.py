"""Takes the pictures of the documentation again, with Chromium: ``make screenshots``.

What they show is the shipped model and demo leads, never anybody's data.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from render_examples import EXAMPLES, PROGRAM, ROOT, service

IMAGES = ROOT / "docs" / "images"
DEMO_KEY = "demo-api-key-123"
"""What a reader sends, and sees filled in. This environment does not have the package that defines it."""

LARGEST = 200_000
"""Bytes that a picture may have: pages with several of them should still be light."""


def chromium() -> str:
    """The browser of this machine; ends the program when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    sys.exit("screenshots: Chromium is needed (Debian, Ubuntu: apt-get install chromium)")


@contextmanager
def page_of(width: int, height: int) -> Iterator[Page]:
    """A page of the browser, in light colours."""
    with sync_playwright() as playwright:
        # Without its sandbox, since containers and root have none; it sees nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        finally:
            browser.close()


def save(page: Page, name: str) -> None:
    """Writes what the page shows, and refuses what is too large."""
    taken = page.screenshot(animations="disabled")
    if len(taken) > LARGEST:
        sys.exit(f"screenshots: {name} has {len(taken)} bytes, more than {LARGEST}")
    (IMAGES / name).write_bytes(taken)
    sys.stdout.write(f"docs/images/{name}: {len(taken)} bytes\n")


def scored_lead() -> None:
    """The service's own documentation page with a lead of the examples, scored."""
    with service(DEMO_KEY) as url, page_of(1100, 820) as page:
        page.goto(f"{url}/docs")
        page.fill("#lead", (EXAMPLES / "sample_request_3.json").read_text("utf-8"))
        page.click("#form button")
        page.wait_for_selector("#answer:not(.soft)")
        page.locator("#lead").evaluate("lead => lead.scrollTo(0, 0)")
        save(page, "scored-lead.png")


def training_report(folder: Path) -> None:
    """The report of a model that was trained on demo leads."""
    leads, report = folder / "leads.csv", folder / "report"
    made = ["demo-data", "--rows", "20000", "--seed", "1", "--out", str(leads)]
    trained = ["train", str(leads), "--target", "converted", "--time", "created_at", "--id", "lead_id"]
    subprocess.run([PROGRAM, *made], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([PROGRAM, *trained, "--out", str(folder / "model.json"), "--report", str(report)], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    with page_of(1100, 760) as page:
        page.goto((report / "report.html").as_uri())
        save(page, "training-report.png")


def main() -> None:
    """Takes every picture."""
    scored_lead()
    with tempfile.TemporaryDirectory() as folder:
        training_report(Path(folder))


if __name__ == "__main__":
    main()
