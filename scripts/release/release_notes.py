"""Says whether a tag may be released, and prints what the changelog says of it.

``make release-notes TAG=v1.2.0`` calls it, and so does the release: the tag has to be that of the version in
``pyproject.toml``, and ``CHANGELOG.md`` has to have a section of it, with a date and something in it. Exit code: 0 when
it may, and the notes on standard output; 1 when not, and every reason.
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?P<date> - \d{4}-\d{2}-\d{2})?$", re.MULTILINE)
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


def main() -> None:
    """Prints the notes, or says why there are none."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tag", help="v and the version, as in v1.2.0")
    tag = parser.parse_args().tag
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    notes = section((ROOT / "CHANGELOG.md").read_text("utf-8"), version)
    if faults := reasons(tag, version, notes):
        sys.exit("\n".join(f"release_notes: {fault}" for fault in faults))
    print(notes)


def reasons(tag: str, version: str, notes: str | None) -> list[str]:
    """What speaks against a release of this tag."""
    faults = []
    if tag != f"v{version}":
        faults.append(f"the tag must be v{version}, the version in pyproject.toml, not {tag!r}")
    if not VERSION.fullmatch(version):
        faults.append(f"the version must be three numbers, with a1, b1 or rc1 after them at most, not {version!r}")
    if notes is None:
        faults.append(f"CHANGELOG.md must have a section '## [{version}] - year-month-day'")
    elif not notes:
        faults.append(f"the section of {version} in CHANGELOG.md must say what changes")
    return faults


def section(changelog: str, version: str) -> str | None:
    """What stands under the dated heading of a version; None where there is no such heading."""
    headings = list(HEADING.finditer(changelog))
    ends = [heading.start() for heading in headings[1:]] + [len(changelog)]
    for heading, end in zip(headings, ends, strict=True):
        if heading["version"] == version and heading["date"]:
            return changelog[heading.end() : end].strip()
    return None


if __name__ == "__main__":
    main()
