"""Takes the screenshots of the documentation with Chromium: ``make screenshots``.

They show the shipped model and demo leads, never real data.
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
"""The demo key, repeated here because this environment does not have the package that defines it."""

LARGEST = 200_000
"""Maximum bytes of a screenshot, so that pages with several of them stay small."""


def chromium() -> str:
    """Returns the path of Chromium; exits if it is not installed."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    sys.exit("screenshots: Chromium is needed (Debian, Ubuntu: apt-get install chromium)")


@contextmanager
def page_of(width: int, height: int) -> Iterator[Page]:
    """Opens a browser page in the light colour scheme."""
    with sync_playwright() as playwright:
        # The sandbox does not work in containers and as root; only our own pages are loaded.
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
        finally:
            browser.close()


def save(page: Page, name: str) -> None:
    """Saves a screenshot of the page; exits if it is too large."""
    taken = page.screenshot(animations="disabled")
    if len(taken) > LARGEST:
        sys.exit(f"screenshots: {name} has {len(taken)} bytes, more than {LARGEST}")
    (IMAGES / name).write_bytes(taken)
    sys.stdout.write(f"docs/images/{name}: {len(taken)} bytes\n")


def scored_lead() -> None:
    """Takes a screenshot of the service's documentation page with a scored example lead."""
    with service(DEMO_KEY) as url, page_of(1100, 820) as page:
        page.goto(f"{url}/docs")
        page.fill("#lead", (EXAMPLES / "sample_request_3.json").read_text("utf-8"))
        page.click("#form button")
        page.wait_for_selector("#answer:not(.soft)")
        page.locator("#lead").evaluate("lead => lead.scrollTo(0, 0)")
        save(page, "scored-lead.png")


def training_report(folder: Path) -> None:
    """Takes a screenshot of the report of a model that is trained on demo leads."""
    leads, report = folder / "leads.csv", folder / "report"
    made = ["demo-data", "--rows", "20000", "--seed", "1", "--out", str(leads)]
    trained = ["train", str(leads), "--target", "converted", "--time", "created_at", "--id", "lead_id"]
    subprocess.run([PROGRAM, *made], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([PROGRAM, *trained, "--out", str(folder / "model.json"), "--report", str(report)], check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    with page_of(1240, 1040) as page:
        page.goto((report / "report.html").as_uri())
        save(page, "training-report.png")


def main() -> None:
    """Takes all screenshots."""
    scored_lead()
    with tempfile.TemporaryDirectory() as folder:
        training_report(Path(folder))


if __name__ == "__main__":
    main()
