"""What the image is built from: files that exist, and no others."""

import re

from project import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def allowed() -> set[str]:
    """What .dockerignore lets in."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in lines if line and not line.startswith(("#", "!"))) == "*"
    return {line[1:] for line in lines if line.startswith("!")}


def test_every_file_that_is_copied_is_let_in_and_exists() -> None:
    """And nothing is let in that is not copied."""
    copied = set()
    defaults = re.sub(
        r"\$\{REQUIREMENTS\}", re.findall(r"^ARG REQUIREMENTS=(\S+)$", DOCKERFILE, re.MULTILINE)[0], DOCKERFILE
    )
    for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", defaults, re.MULTILINE):
        copied |= {source.rstrip("/") for source in sources.split()}
    needed = {source for source in copied if not source.startswith("requirements/")} | {"requirements"}
    assert needed == allowed()
    assert not [source for source in copied if not (ROOT / source).exists()]


def test_no_package_index_is_named() -> None:
    """Each machine has its own."""
    assert not re.search(r"https?://|index-url|trusted-host", DOCKERFILE)


def test_packages_are_taken_by_their_hash() -> None:
    """What was not locked is not installed: pip's every call either checks hashes or has no index."""
    calls = re.findall(r"\bpip\b[^&|\n]*?\b(?:install|wheel)\b[^&\n]*", DOCKERFILE)
    assert len(calls) == 4
    assert not [call for call in calls if "--require-hashes" not in call and "--no-index" not in call]
