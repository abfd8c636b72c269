"""What is in it, what is wrong with it, and what should not be there: bills of materials, vulnerabilities, secrets."""

import json
import os
import random
import re
import shutil
import string
import subprocess
from pathlib import Path
from typing import Any

import pytest
from programs import missing
from project import ROOT

from leadscoring.settings import DEMO_KEY

TOOLS = ROOT / "build" / "release" / "env"
LOCKS = sorted(file.stem for file in (ROOT / "requirements").glob("serve*.txt"))

STATUS = """Package: libc6
Status: install ok installed
Version: 2.36-9
Architecture: amd64
Maintainer: somebody
Description: the C library

"""


@pytest.fixture(scope="module")
def tools() -> Path:
    """The environment of releases; without it a test is skipped, and in CI it fails."""
    if not (TOOLS / "bin" / "python").exists():
        missing("make release-install makes build/release, whose programs this runs")
    return TOOLS


def checkout(folder: Path) -> Path:
    """A project with the real scripts, locks and programs, and a build folder of its own."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "build" / "release").mkdir(parents=True)
    (folder / "build" / "release" / "env").symlink_to(TOOLS)
    return folder


def run(folder: Path, script: str, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A script of a project."""
    command = [str(folder / "scripts" / script), *words]
    return subprocess.run(command, env=os.environ | environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def written(tools: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bills of materials of the locks, and of a small image."""
    project = checkout(tmp_path_factory.mktemp("project"))
    image = project / "image"
    packages = image / "opt" / "leadscoring" / "lib" / "python3.12" / "site-packages" / "click-8.5.1.dist-info"
    for folder in (packages, image / "etc", image / "var" / "lib" / "dpkg"):
        folder.mkdir(parents=True)
    (image / "var" / "lib" / "dpkg" / "status").write_text(STATUS)
    (image / "etc" / "os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (packages / "METADATA").write_text("Metadata-Version: 2.1\nName: click\nVersion: 8.5.1\n")
    ran = run(project, "release/sbom.sh", "image")
    assert ran.returncode == 0, ran.stderr
    return project / "build" / "sbom"


def components(file: Path) -> dict[str, dict[str, Any]]:
    """What a bill of materials lists, by name."""
    read = json.loads(file.read_bytes())
    assert (read["bomFormat"], read["specVersion"]) == ("CycloneDX", "1.6")
    return {part["name"]: part for part in read["components"]}


def locked(name: str) -> dict[str, tuple[str, set[str]]]:
    """What a lock pins: versions and hashes by name."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    entries = re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+)(.*(?:\n .*)*)", text, re.MULTILINE)
    return {name: (version, set(re.findall(r"sha256:([0-9a-f]{64})", rest))) for name, version, rest in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_listed(written: Path, lock: str) -> None:
    """With its version and every one of its hashes, and nothing else is."""
    listed = components(written / f"{lock}.cdx.json")
    hashes = {
        name: {each["content"] for reference in part["externalReferences"] for each in reference["hashes"]}
        for name, part in listed.items()
    }
    assert {name: (part["version"], hashes[name]) for name, part in listed.items()} == locked(lock)
    assert all(part["purl"] == f"pkg:pypi/{name}@{part['version']}" for name, part in listed.items())


def test_a_bill_of_materials_says_of_what_it_is(written: Path) -> None:
    """Of the service in this version, under its licence; two writings are the same to the byte."""
    about = json.loads((written / "serve.cdx.json").read_bytes())["metadata"]["component"]
    assert (about["name"], about["licenses"][0]["license"]["id"]) == ("leadscoring", "Apache-2.0")
    assert f'version = "{about["version"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    before = (written / "serve.cdx.json").read_bytes()
    assert run(written.parents[1], "release/sbom.sh", "image").returncode == 0
    assert (written / "serve.cdx.json").read_bytes() == before


def test_an_image_is_listed_with_its_debian(written: Path) -> None:
    """What is really in it: the packages of the base too, by which scanners look up vulnerabilities."""
    listed = components(written / "image.cdx.json")
    assert listed["libc6"]["purl"].startswith("pkg:deb/debian/libc6@2.36-9")
    assert listed["click"]["purl"] == "pkg:pypi/click@8.5.1"


@pytest.mark.parametrize("name", ["serve", "image"])
def test_a_bill_of_materials_keeps_to_its_schema(written: Path, tools: Path, name: str) -> None:
    """That of CycloneDX, as its own library has it."""
    check = (
        "import sys; from cyclonedx.schema import SchemaVersion; from cyclonedx.validation.json import JsonStrictValidator;"
        "print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read()))"
    )
    text = (written / f"{name}.cdx.json").read_text("utf-8")
    ran = subprocess.run(
        [tools / "bin" / "python", "-c", check], input=text, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "None\n"), ran.stdout[:2000] + ran.stderr


AUDIT = """#!/bin/sh
echo "$*" >>"$NOTES"
[ -z "${UNREACHABLE:-}" ] || exit 1
while [ "$1" != --output ]; do shift; done
printf '%s' "$ANSWER" >"$2"
case "$* $ANSWER" in
    *"--ignore-vuln PYSEC-2026-1"*) exit 0 ;;
    *PYSEC*) exit 1 ;;
esac
"""
SOUND = json.dumps({"dependencies": [{"name": "click", "version": "8.5.1", "vulns": []}]})
UNSOUND = json.dumps(
    {
        "dependencies": [
            {"name": "click", "version": "8.5.1", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["8.5.2"]}]}
        ]
    }
)


def audited(folder: Path, accepted: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    """The script with a double of what asks; what it was asked is in ``notes``."""
    for name in ("scripts", "requirements"):
        shutil.copytree(ROOT / name, folder / name)
    program = folder / "build" / "release" / "env" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(AUDIT)
    program.chmod(0o755)
    with (folder / "requirements" / "vulnerabilities.accepted").open("a") as file:
        file.write(accepted)
    return run(folder, "release/audit.sh", NOTES=str(folder / "notes"), **environ)


@pytest.mark.programs("jq")
def test_every_lock_is_asked_about(tmp_path: Path) -> None:
    """By hash, and without installing anything."""
    ran = audited(tmp_path, ANSWER=SOUND)
    assert ran.returncode == 0, ran.stderr
    asked = (tmp_path / "notes").read_text().splitlines()
    assert all("--disable-pip --require-hashes" in line for line in asked)
    assert {re.findall(r"--requirement (\S+)", line)[0] for line in asked} == {
        f"requirements/{lock.name}" for lock in (ROOT / "requirements").glob("*.txt")
    }


@pytest.mark.programs("jq")
def test_a_vulnerability_fails_the_audit(tmp_path: Path) -> None:
    """With the package, and the version in which it is mended."""
    ran = audited(tmp_path, ANSWER=UNSOUND)
    assert ran.returncode == 1
    assert "click 8.5.1 PYSEC-2026-1, fixed in 8.5.2" in ran.stderr


@pytest.mark.programs("jq")
def test_no_answer_is_no_audit(tmp_path: Path) -> None:
    """Where there is no internet, nothing is known, and that is said."""
    ran = audited(tmp_path, ANSWER="", UNREACHABLE="yes")
    assert ran.returncode == 2
    assert "could not be asked" in ran.stderr
    assert "ok" not in ran.stdout


@pytest.mark.programs("jq")
@pytest.mark.parametrize(
    ("accepted", "code", "said"),
    [
        ("PYSEC-2026-1 2999-01-01 we do not call that function\n", 0, "ok: no known"),
        ("PYSEC-2026-1 2020-01-01 we do not call that function\n", 1, "no longer accepted since 2020-01-01"),
        ("PYSEC-2026-1 2999-01-01\n", 2, "must give PYSEC-2026-1 a reason"),
        ("PYSEC-2026-1 we do not call that function\n", 2, "must give PYSEC-2026-1 an end date"),
    ],
)
def test_what_is_accepted_is_accepted_for_a_time(tmp_path: Path, accepted: str, code: int, said: str) -> None:
    """With a reason, and then it counts again."""
    ran = audited(tmp_path, accepted, ANSWER=UNSOUND)
    assert ran.returncode == code, ran.stderr
    assert said in ran.stdout + ran.stderr


def made_up(alphabet: str, length: int) -> str:
    """Letters as a key has them; put together here, so that none stands in this file."""
    dice = random.Random(7)
    return "".join(dice.choice(alphabet) for _ in range(length))


PLANTED = {
    "an access key of AWS": "aws_access_key_id = AKIA"
    + made_up(string.ascii_uppercase + "234567", 16)
    + "\naws_secret_access_key = "
    + made_up(string.ascii_letters + string.digits, 40),
    "a token of GitHub": 'TOKEN = "ghp_' + made_up(string.ascii_letters + string.digits, 36) + '"',
}


@pytest.fixture
def repository(tools: Path, tmp_path: Path) -> Path:
    """A repository with a file that has the demo key in it, and no secret."""
    folder = tmp_path / "repository"
    folder.mkdir()
    commit(folder, "example.sh", f'curl -H "X-API-Key: {DEMO_KEY}" http://localhost:8000/api/v1/model/info')
    return folder


def commit(folder: Path, name: str, text: str | None) -> None:
    """Writes a file, or takes it away, and commits that."""
    git = ["git", "-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "--quiet"], cwd=folder, check=True)
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text + "\n")
    subprocess.run([*git, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", name], cwd=folder, check=True)


def test_the_demo_key_is_no_finding(repository: Path) -> None:
    """Everyone knows it, and production refuses it."""
    ran = run(ROOT, "release/secrets.sh", str(repository))
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("kind", PLANTED)
def test_a_secret_is_found_and_not_shown(repository: Path, kind: str) -> None:
    """In a file, and where it has only been in the past: by then others have it."""
    commit(repository, "settings", PLANTED[kind])
    found = run(ROOT, "release/secrets.sh", str(repository))
    assert found.returncode == 1
    assert "settings" in found.stdout
    commit(repository, "settings", None)
    past = run(ROOT, "release/secrets.sh", str(repository))
    assert past.returncode == 1
    said = found.stdout + found.stderr + past.stdout + past.stderr
    assert not [value for value in re.findall(r"[A-Za-z0-9]{20,}|ghp_\w+", PLANTED[kind]) if value in said]


def test_another_key_beside_the_demo_key_is_found(repository: Path) -> None:
    """What is allowed is that one word, and not the line or the header."""
    key = made_up(string.ascii_letters + string.digits, 40)
    commit(repository, "other.sh", f'curl -H "X-API-Key: {key}" http://localhost:8000/api/v1/model/info')
    ran = run(ROOT, "release/secrets.sh", str(repository))
    assert ran.returncode == 1
    assert "other.sh" in ran.stdout


def test_a_folder_without_a_history_is_refused(tools: Path, tmp_path: Path) -> None:
    """It would be a search of half of it."""
    ran = run(ROOT, "release/secrets.sh", str(tmp_path))
    assert ran.returncode == 2
    assert "is not a git repository" in ran.stderr


@pytest.mark.parametrize("lock", ["serve.txt", "train.txt", "build.txt"])
def test_what_one_environment_is_made_of_step_by_step_is_locked_to_the_same_versions(lock: str) -> None:
    """A later step of ``scripts/install/venv.sh`` never replaces what an earlier one has installed."""
    of_all, of_step = (
        set(re.findall(r"^[a-z][^ ]*==[^ ]+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("dev.txt", lock)
    )
    names = {pin.partition("==")[0].partition("[")[0] for pin in of_step}
    assert of_step == {pin for pin in of_all if pin.partition("==")[0].partition("[")[0] in names}
