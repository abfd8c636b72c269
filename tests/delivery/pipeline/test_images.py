"""Publishing an image and fetching it again: by its digest, signed, verified, and never another one.

The container tool, cosign and GitHub's own command are doubles that note what they were told: what they do needs the
internet, and a workflow that GitHub vouches for.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT

pytestmark = pytest.mark.programs("jq")

DIGEST = "sha256:" + "4f1c0d9a7b3e" + "0" * 52
NAME = "ghcr.io/some-team/lead-scoring-api"

DOUBLE = """#!/bin/sh
case "$*" in *--password-stdin*) read -r given; set -- "$@" "($given)" ;; esac
echo "${0##*/} $*" >>"$NOTES"
case "${0##*/} $*" in
    "docker manifest inspect "*) [ -n "${PUBLISHED:-}" ]; exit ;;
    "docker buildx imagetools inspect "*) printf '{"digest":"%s"}' "$DIGEST" ;;
    "docker push "*) echo "1.2.0: digest: $DIGEST size: 1234" ;;
esac
for refused in ${REFUSES:-}; do
    case "${0##*/}-$1" in "$refused") echo "$refused: no" >&2; exit 1 ;; esac
done
"""


class Machine:
    """A machine with doubles of what reaches the internet, and a checkout of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.notes = folder / "notes"
        (folder / "bin").mkdir()
        for name in ("docker", "cosign", "gh"):
            (folder / "bin" / name).write_text(DOUBLE)
            (folder / "bin" / name).chmod(0o755)
        (folder / "project" / "build" / "sbom").mkdir(parents=True)
        (folder / "project" / "build" / "sbom" / "image.cdx.json").write_text("{}")
        shutil.copytree(ROOT / "scripts", folder / "project" / "scripts")

    def run(self, script: str, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """A script as the workflow runs it."""
        given = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "NOTES": str(self.notes), "DIGEST": DIGEST}
        given |= {"GITHUB_OUTPUT": str(self.output), "GITHUB_REPOSITORY": "Some-Team/Lead-Scoring"}
        given |= {"GITHUB_ACTOR": "somebody", "GITHUB_TOKEN": "token-of-the-job"}
        python = [sys.executable] if script.endswith(".py") else []
        command = [*python, str(self.folder / "project" / "scripts" / "release" / script), *words]
        return subprocess.run(command, env=given | environ, capture_output=True, text=True, check=False, timeout=60)

    def said(self) -> list[str]:
        """What the doubles were told, in order."""
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    def outputs(self) -> dict[str, str]:
        """What later steps are handed."""
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A new one."""
    return Machine(tmp_path)


def test_an_image_is_published_and_signed_by_its_digest(machine: Machine) -> None:
    """With its bill of materials; the token goes in by standard input, since arguments are seen by others."""
    ran = machine.run("publish-image.sh", "1.2.0")
    assert ran.returncode == 0, ran.stderr
    assert machine.said() == [
        "docker login ghcr.io --username somebody --password-stdin (token-of-the-job)",
        f"docker manifest inspect {NAME}:1.2.0",
        f"docker tag lead-scoring-api:latest {NAME}:1.2.0",
        f"docker push {NAME}:1.2.0",
        f"cosign sign --yes {NAME}@{DIGEST}",
        f"cosign attest --yes --type cyclonedx --predicate build/sbom/image.cdx.json {NAME}@{DIGEST}",
    ]
    assert machine.outputs() == {"name": NAME, "digest": DIGEST}


def test_what_was_released_is_never_replaced(machine: Machine) -> None:
    """Tags of that registry could be moved."""
    ran = machine.run("publish-image.sh", "1.2.0", PUBLISHED="yes")
    assert ran.returncode == 1
    assert "is already published" in ran.stderr
    assert not [line for line in machine.said() if line.startswith(("docker push", "cosign"))]


@pytest.mark.parametrize("refused", ["docker-login", "docker-push", "cosign-sign", "cosign-attest"])
def test_what_is_refused_ends_the_publication(machine: Machine, refused: str) -> None:
    """With nothing handed on."""
    ran = machine.run("publish-image.sh", "1.2.0", REFUSES=refused)
    assert ran.returncode == 1
    assert not machine.output.exists()


def test_an_engine_that_tells_no_digest_signs_nothing(machine: Machine) -> None:
    """A tag is nothing to sign."""
    ran = machine.run("publish-image.sh", "1.2.0", DIGEST="sha256:short")
    assert ran.returncode == 1
    assert "printed no digest" in ran.stderr
    assert not [line for line in machine.said() if line.startswith("cosign")]


def test_an_image_without_its_bill_of_materials_is_not_published(machine: Machine) -> None:
    """It comes with the verb that writes one."""
    (machine.folder / "project" / "build" / "sbom" / "image.cdx.json").unlink()
    ran = machine.run("publish-image.sh", "1.2.0")
    assert (ran.returncode, machine.said()) == (2, [])
    assert "make sbom" in ran.stderr


def test_an_image_is_fetched_when_its_release_has_made_it(machine: Machine) -> None:
    """By this repository's release workflow at the tag of the version: signature, then provenance, then by the digest."""
    ran = machine.run("verify-image.sh", "1.2.0")
    assert ran.returncode == 0, ran.stderr
    workflow = "Some-Team/Lead-Scoring/.github/workflows/release.yml"
    assert machine.said()[1:] == [
        f"docker buildx imagetools inspect {NAME}:1.2.0 --format {{{{json .Manifest}}}}",
        f"cosign verify {NAME}@{DIGEST} --certificate-oidc-issuer https://token.actions.githubusercontent.com"
        f" --certificate-identity https://github.com/{workflow}@refs/tags/v1.2.0",
        f"gh attestation verify oci://{NAME}@{DIGEST} --repo Some-Team/Lead-Scoring --signer-workflow {workflow}"
        " --source-ref refs/tags/v1.2.0",
        f"docker pull --quiet {NAME}@{DIGEST}",
        f"docker tag {NAME}@{DIGEST} lead-scoring-api:1.2.0-4f1c0d9a7b3e",
    ]
    assert machine.outputs() == {"image": "lead-scoring-api:1.2.0-4f1c0d9a7b3e", "tag": "1.2.0-4f1c0d9a7b3e"}


@pytest.mark.parametrize("refused", ["docker-buildx", "cosign-verify", "gh-attestation", "docker-pull"])
def test_an_image_that_is_not_genuine_is_not_there_afterwards(machine: Machine, refused: str) -> None:
    """Whatever speaks against it."""
    ran = machine.run("verify-image.sh", "1.2.0", REFUSES=refused)
    assert ran.returncode == 1
    assert "verify-image:" in ran.stderr
    assert not machine.output.exists()
    assert not [line for line in machine.said() if line.startswith("docker tag")]


def test_an_image_without_a_whole_digest_is_refused(machine: Machine) -> None:
    """Nothing could be said of it."""
    ran = machine.run("verify-image.sh", "1.2.0", DIGEST="sha256:short")
    assert ran.returncode == 1
    assert "must report a digest" in ran.stderr
    assert not [line for line in machine.said() if line.startswith(("cosign", "docker pull"))]


@pytest.mark.parametrize("version", ["latest:1", "1.2.0@sha256:0", "../1", "v1 --insecure", "1.2.0-rc1"])
def test_a_version_is_a_version(machine: Machine, version: str) -> None:
    """Nothing else goes into an address or a command."""
    ran = machine.run("verify-image.sh", version)
    assert (ran.returncode, machine.said()) == (2, [])
    assert "VERSION must be a version such as 1.2.0" in ran.stderr


def release(machine: Machine, version: str, changelog: str) -> None:
    """Puts a version with its changelog, and what was built of it, into the checkout."""
    project = machine.folder / "project"
    (project / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    (project / "CHANGELOG.md").write_text(changelog)
    (project / "dist").mkdir(exist_ok=True)
    for name in ("leadscoring-1-cp311.whl", "leadscoring-1.tar.gz"):
        (project / "dist" / name).write_text("")


CHANGELOG = """# Changelog

## [Unreleased]

### Added

- Something that is not out yet.

## [1.2.0] - 2026-11-25

### Added

- Something new.

## [1.1.0] - 2026-10-01

- Something old.
"""


@pytest.mark.parametrize(("version", "marked"), [("1.2.0", False), ("1.2.0rc1", True)])
def test_a_release_holds_what_was_built_and_its_notes(machine: Machine, version: str, marked: bool) -> None:
    """And says how to verify it; one that is not ready for everyone is marked."""
    release(machine, version, CHANGELOG.replace("1.2.0", version))
    ran = machine.run("publish-release.sh", f"v{version}", IMAGE_NAME=NAME, IMAGE_DIGEST=DIGEST)
    assert ran.returncode == 0, ran.stderr
    (command,) = machine.said()
    assert command.startswith(f"gh release create v{version} --verify-tag")
    assert command.endswith("dist/leadscoring-1-cp311.whl dist/leadscoring-1.tar.gz build/sbom/image.cdx.json")
    assert ("--prerelease" in command) == marked
    notes = (machine.folder / "project" / "build" / "release" / "notes.md").read_text()
    assert notes.startswith("### Added\n\n- Something new.\n")
    assert "Something old" not in notes
    assert f"gh attestation verify oci://{NAME}@{DIGEST} --repo Some-Team/Lead-Scoring" in notes


def test_a_release_without_everything_is_not_made(machine: Machine) -> None:
    """Files are there before it is."""
    release(machine, "1.2.0", CHANGELOG)
    next((machine.folder / "project" / "dist").glob("*.whl")).unlink()
    ran = machine.run("publish-release.sh", "v1.2.0", IMAGE_NAME=NAME, IMAGE_DIGEST=DIGEST)
    assert (ran.returncode, machine.said()) == (2, [])
    assert "dist/*.whl is missing" in ran.stderr


@pytest.mark.parametrize(
    ("tag", "version", "changelog", "why"),
    [
        ("v1.3.0", "1.2.0", CHANGELOG, "the tag must be v1.2.0, the version in pyproject.toml, not 'v1.3.0'"),
        ("1.2.0", "1.2.0", CHANGELOG, "the tag must be v1.2.0"),
        ("v1.4.0", "1.4.0", CHANGELOG, "CHANGELOG.md must have a section '## [1.4.0] - year-month-day'"),
        ("v1.2.0", "1.2.0", CHANGELOG.replace(" - 2026-11-25", ""), "must have a section"),
        ("v1.2.0", "1.2.0", "## [1.2.0] - 2026-11-25\n\n## [1.1.0] - 2026-10-01\n", "must say what changes"),
        ("v1.2", "1.2", CHANGELOG.replace("1.2.0", "1.2"), "the version must be three numbers"),
    ],
)
def test_a_tag_that_does_not_fit_is_not_released(
    machine: Machine, tag: str, version: str, changelog: str, why: str
) -> None:
    """With what has to be mended."""
    release(machine, version, changelog)
    ran = machine.run("release_notes.py", tag)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert re.search(re.escape(why), ran.stderr), ran.stderr
