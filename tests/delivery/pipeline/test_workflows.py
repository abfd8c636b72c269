"""The workflows: in form, pinned, with no right and no secret too many, and running only what anybody can run."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker
from project import ROOT

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS: dict[str, dict[str, Any]] = {
    file.name: yaml.load(file.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506  # it makes strings and nothing else
    for file in FOLDER.glob("*.yml")
}
JOBS = {(name, job): parts for name, workflow in WORKFLOWS.items() for job, parts in workflow["jobs"].items()}
STEPS = [(*where, step) for where, job in JOBS.items() for step in job.get("steps", ())]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
CI_RUN = (ROOT / ".ci" / "run").read_text("utf-8")

every_job = pytest.mark.parametrize("where", JOBS, ids="/".join)


def runs(job: str = "", workflow: str = "") -> list[str]:
    """What steps run, all of them or those of one job or workflow."""
    return [
        step["run"]
        for name, named, step in STEPS
        if "run" in step and workflow in ("", name) and job in ("", named)
    ]  # fmt: skip


def test_their_schemas_take_them_and_nothing_can_trick_them() -> None:
    """As the verb of ``make lint`` checks them: GitHub's schemas, and zizmor without a finding."""
    tools = Path(sys.executable).parent
    commands = re.findall(r"^\t\$\(BIN\)/((?:check-jsonschema|zizmor) .*)$", MAKEFILE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        ran = subprocess.run(
            ["sh", "-c", f"'{tools}'/{command}"], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_action_is_pinned_by_its_commit(name: str) -> None:
    """A tag can be moved; the comment says which version the commit is, and one action has one of them everywhere."""
    used = re.findall(r"^ *(?:- )?uses: (.*)$", (FOLDER / name).read_text("utf-8"), re.MULTILINE)
    outside = [line for line in used if not line.startswith("$/")]
    assert not [line for line in outside if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


def test_one_action_has_one_commit() -> None:
    """In all of them."""
    used = {step["uses"] for *_, step in STEPS if "uses" in step}
    repositories = [re.sub(r"^([^/]+/[^/@]+).*@", r"\1@", action) for action in used]
    assert len({one.split("@")[0] for one in repositories}) == len(set(repositories))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_allowed_that_a_job_does_not_ask_for(name: str) -> None:
    """The rights at the top are none, and each job says its own."""
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {}
    assert not [job for job, parts in workflow["jobs"].items() if "permissions" not in parts]


WRITES = {
    ("ci.yml", "codeql"): {"security-events"},
    ("release.yml", "ci"): {"security-events"},
    ("release.yml", "image"): {"packages", "id-token", "attestations"},
    ("release.yml", "publish"): {"contents", "id-token", "attestations"},
    ("release.yml", "pypi"): {"id-token"},
    ("release.yml", "dev"): {"id-token"},
    ("release.yml", "prod"): {"id-token"},
    ("deploy.yml", "deploy"): {"id-token"},
}
"""The rights to change something, or to say who one is, by job."""


@every_job
def test_a_job_has_the_least_rights(where: tuple[str, str]) -> None:
    """Everyone may read; who may write what is listed, and nobody else may."""
    rights = JOBS[where]["permissions"]
    assert {right for right, kind in rights.items() if kind == "write"} == WRITES.get(where, set())
    assert set(rights.values()) <= {"read", "write"}


@every_job
def test_a_job_ends_in_time_on_a_machine_that_is_named(where: tuple[str, str]) -> None:
    """Neither hangs for six hours nor moves to another system overnight."""
    job = JOBS[where]
    if "uses" in job:
        return
    assert int(str(job["timeout-minutes"])) <= 60
    runners = job["strategy"]["matrix"]["runner"] if "matrix.runner" in job["runs-on"] else [job["runs-on"]]
    assert not [runner for runner in runners if "latest" in runner]


def test_the_only_secret_is_the_token_that_lives_as_long_as_the_job() -> None:
    """Whoever deploys and publishes says by OIDC who they are."""
    for name in WORKFLOWS:
        text = (FOLDER / name).read_text("utf-8")
        assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}
        assert "secrets: inherit" not in text
        assert not re.search(r"aws-access-key-id|client-secret|creds:|password:", text)


def test_the_token_is_left_in_no_checkout() -> None:
    """What a later step runs could send it elsewhere."""
    checkouts = [step for *_, step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert not [step for step in checkouts if step["with"]["persist-credentials"] != "false"]


def test_what_is_run_is_a_verb_or_a_script_that_exists() -> None:
    """Nothing but GitHub's own bookkeeping is written into a workflow, so everything can be run by hand."""
    verbs = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
    known = 0
    for command in runs():
        words = re.sub(r'^TAG="\$GITHUB_REF_NAME" ', "", command).split()
        if words[0] == "make":
            assert words[1] in verbs, command
        elif words[0] in ("exit", "echo"):
            assert command in ("exit 1", 'echo "version=${GITHUB_REF_NAME#v}" >>"$GITHUB_OUTPUT"')
            continue
        else:
            script = ROOT / words[0]
            assert script.parent in (ROOT / "scripts" / "release", ROOT / ".ci"), command
            assert script.stat().st_mode & 0o111, command
        known += 1
    assert known > 10


def sections(command: str) -> list[str]:
    """The sections that a call of ``.ci/run`` names."""
    found = re.findall(r'"([^"]+)"|(\S+)', command.removeprefix(".ci/run"))
    return [quoted or bare for quoted, bare in found]


def test_github_runs_every_section_of_ci() -> None:
    """And none that there is not; and it asks about vulnerabilities, for which the internet is needed."""
    there = re.findall(r'^(?:section|aside|on_request) "([^"]+)"', CI_RUN, re.MULTILINE)
    asked = [name for command in runs(workflow="ci.yml") if command.startswith(".ci/run") for name in sections(command)]
    assert set(asked) == set(there)
    assert "make audit" in runs("dependencies", "ci.yml")


def test_a_section_that_is_not_there_fails_the_run() -> None:
    """A misspelt one would otherwise be green without having run."""
    ran = subprocess.run([ROOT / ".ci" / "run", "tset"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "there is no section of this name: tset" in ran.stderr


@pytest.mark.parametrize(
    ("beside", "after", "code"), [("true", "true", 0), ("false", "true", 1), ("sleep 600", "false", 1)]
)
def test_what_runs_beside_other_sections_fails_the_run_and_ends_with_it(
    tmp_path: Path, beside: str, after: str, code: int
) -> None:
    """With its output in one piece, after the others."""
    (tmp_path / ".ci").mkdir()
    helpers = CI_RUN[: CI_RUN.index('section "system programs"')]
    program = tmp_path / ".ci" / "run"
    program.write_text(f'{helpers}aside "one" sh -c "echo from one; {beside}"\nsection "two" {after}\njoin\n')
    ran = subprocess.run(["bash", program], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == code
    assert ("from one" in ran.stdout) is (after == "true")
    assert ran.stdout.startswith("\n=== two\n")


def test_every_supported_python_is_tested_and_gets_a_wheel() -> None:
    """The matrix, the classifiers, the wheels and what is required say the same."""
    prefix = "Programming Language :: Python :: 3."
    said = [one.removeprefix(prefix) for one in PROJECT["project"]["classifiers"] if one.startswith(prefix)]
    assert JOBS["ci.yml", "test"]["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in said]
    assert PROJECT["tool"]["cibuildwheel"]["build"] == " ".join(f"cp3{minor}-*" for minor in said)
    assert PROJECT["project"]["requires-python"] == f">=3.{said[0]}"
    assert [int(minor) for minor in said] == list(range(int(said[0]), int(said[-1]) + 1))


@pytest.mark.parametrize("lock", ["dev", "serve", "serve-otel", "build", "release"])
def test_every_supported_python_gets_the_same_versions(lock: str) -> None:
    """What is tested on one is what runs on another, and the shipped model is the same from each."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text("utf-8")
    pinned = re.findall(r"^([\w.-]+)(?:\[.*?\])?==(\S+)(?: ; (.*?))? \\$", text, re.MULTILINE)
    versions: dict[str, set[str]] = {}
    for name, version, marker in pinned:
        for python in JOBS["ci.yml", "test"]["strategy"]["matrix"]["python"]:
            where = {"python_version": python, "python_full_version": f"{python}.9"}
            if not marker or Marker(marker).evaluate(where):
                versions.setdefault(name, set()).add(version)
    assert len(versions) > 4
    assert not {name: each for name, each in versions.items() if len(each) > 1}


def test_wheels_are_made_for_every_platform() -> None:
    """On a machine of its own kind each, where they are tested too."""
    assert JOBS["release.yml", "wheels"]["strategy"]["matrix"]["runner"] == [
        "ubuntu-24.04",
        "ubuntu-24.04-arm",
        "macos-15",
        "macos-15-intel",
    ]


def test_what_tests_a_wheel_is_there() -> None:
    """The files that cibuildwheel's commands name, and the locks by hash."""
    wheels = PROJECT["tool"]["cibuildwheel"]
    named = [wheels[name] for name in ("before-build", "before-test", "test-command")]
    files = re.findall(r"\{project\}/(\S+)", " ".join(named))
    assert len(files) == 4
    assert not [file for file in files if not (ROOT / file).is_file()]
    assert all("--require-hashes" in command for command in named if "pip install" in command)


def test_one_check_stands_for_all() -> None:
    """The job that a rule for the branch asks for waits for every other."""
    jobs = WORKFLOWS["ci.yml"]["jobs"]
    assert set(jobs["passed"]["needs"]) == set(jobs) - {"passed"}


def test_nothing_is_published_before_everything_has_passed() -> None:
    """Not the image, and not the release, and not an index."""
    jobs = WORKFLOWS["release.yml"]["jobs"]
    assert {"check", "ci"} <= set(jobs["image"]["needs"])
    assert set(jobs["publish"]["needs"]) == {"check", "ci", "wheels", "sdist", "image"}
    assert jobs["pypi"]["needs"] == "publish"
    assert "PUBLISH_TO_PYPI == 'true'" in jobs["pypi"]["if"]
    assert "dev" in jobs["prod"]["needs"]


def test_an_image_is_tested_listed_and_scanned_before_it_is_published() -> None:
    """The very one: it is built once, and what is deployed later is verified and not built again."""
    steps = [step.get("run") or step["uses"].split("@")[0] for step in JOBS["release.yml", "image"]["steps"]]
    order = [
        "make docker-build",
        '.ci/run "system programs" install image',
        "make sbom IMAGE=lead-scoring-api:latest",
        "anchore/scan-action",
        './scripts/release/publish-image.sh "$VERSION"',
        "actions/attest-build-provenance",
    ]
    assert [step for step in steps if step in order] == order
    assert not [command for command in runs(workflow="deploy.yml") if "docker-build" in command]


def test_a_deployment_is_verified_promoted_and_alone() -> None:
    """In an environment whose rules can ask for approval, one at a time, and never cut off half way."""
    deploy = WORKFLOWS["deploy.yml"]
    assert deploy["concurrency"] == {
        "group": "deploy-${{ inputs.cloud }}-${{ inputs.environment }}",
        "cancel-in-progress": "false",
    }
    assert deploy["jobs"]["deploy"]["environment"]["name"] == "${{ inputs.environment }}"
    assert runs("deploy", "deploy.yml") == [
        './scripts/release/verify-image.sh "$VERSION"',
        "make infra-install",
        './scripts/release/promote.sh "$CLOUD" "$ENVIRONMENT"',
    ]


SECRETS = {"API_KEYS", "AZURE_ML_API_KEY"}
"""Settings of a deployment that only a person gives, by hand: they lie in the cloud's vault from then on."""


@pytest.mark.parametrize("script", [script.name for script in (ROOT / "scripts").glob("deploy-*.sh")])
def test_a_deployment_knows_every_setting_of_its_script(script: str) -> None:
    """What it reads comes from a variable of the environment, or from a step before."""
    (promote,) = [step for *_, step in STEPS if step.get("run", "").startswith("./scripts/release/promote.sh")]
    head = (ROOT / "scripts" / script).read_text("utf-8").split("set -eu")[0]
    needed = set(re.findall(r"[A-Z]+(?:_[A-Z]+)+", head)) - SECRETS
    assert needed
    assert needed <= set(promote["env"])
    assert {"IMAGE", "IMAGE_TAG", "SERVICE_URL"} <= set(promote["env"])
    assert not SECRETS & set(promote["env"])


def test_every_variable_of_a_workflow_is_documented() -> None:
    """In the section that says how to set it up."""
    text = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8")
    section = text.split("## Delivery pipeline\n")[1].split("\n## ")[0]
    read = {name for file in WORKFLOWS for name in re.findall(r"vars\.(\w+)", (FOLDER / file).read_text("utf-8"))}
    assert not [name for name in read if f"`{name}`" not in section]
