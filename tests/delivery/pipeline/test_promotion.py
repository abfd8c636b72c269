"""Promotion: an image goes into an environment, and what ran before comes back when it is not sound there.

The service, its validation and the repository are real; what deploys is a double that notes what it was told.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ROOT
from serving import DEADLINE, KEY, Server, eventually, free_port, serving

import leadscoring

pytestmark = [pytest.mark.integration, pytest.mark.programs("curl", "jq")]

VERSION = leadscoring.__version__
BEFORE = f"{VERSION}-aaaaaaaaaaaa"
SAME_VERSION = f"{VERSION}-bbbbbbbbbbbb"
NEWER = "99.0.0-cccccccccccc"

DEPLOYED = """#!/bin/sh
case "$2" in
    image) cat before ;;
    key) echo test-key ;;
esac
"""

DEPLOY = """#!/bin/sh
cd "$(dirname "$0")/.."
printf '%s %s %s %s %s\\n' "$1" "$IMAGE_TAG" "$IMAGE" "$(cat templates)" "$METRICS_URL" >>"$NOTES"
[ -z "${WAIT_FOR:-}" ] || cat "$WAIT_FOR"
case "$IMAGE_TAG" in "${FAILS:-}") exit "$CODE" ;; esac
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service whose metrics are where only its own network reaches them, as in the environments."""
    settings = {"OPERATIONS_ACCESS": "port", "OPERATIONS_PORT": str(free_port())}
    with serving(tmp_path_factory.mktemp("service"), ROOT / "models" / "model.json", **settings) as running:
        yield running


class Project:
    """A checkout with the real script and doubles of what touches a cloud."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        self.environ = {"IMAGE_TAG": SAME_VERSION, "IMAGE": "lead-scoring-api:new", "SERVICE_URL": url}
        self.environ |= {"NOTES": str(self.notes), "VALID_SECONDS": "1"}
        (folder / "scripts" / "release").mkdir(parents=True)
        for name in ("common.sh", "release/promote.sh", "validate-deployment.sh"):
            shutil.copy(ROOT / "scripts" / name, folder / "scripts" / name)
        self.program("scripts/release/deployed.sh", DEPLOYED)
        self.program("scripts/deploy-aws.sh", DEPLOY)
        (folder / "before").write_text(f"{BEFORE}\n")
        (folder / ".gitignore").write_text("build/\nnotes\n")

    def program(self, path: str, text: str) -> None:
        """Puts a double there."""
        (self.folder / path).write_text(text)
        (self.folder / path).chmod(0o755)

    def commit(self, templates: str, tag: str = "") -> None:
        """A commit in which the templates say this, with a tag or without."""
        (self.folder / "templates").write_text(templates)
        if not (self.folder / ".git").exists():
            self.git("init", "--quiet")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", templates)
        if tag:
            self.git("tag", tag)

    def git(self, *words: str) -> str:
        """What git says."""
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
        return subprocess.run(["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def command(self, *words: str) -> list[str]:
        """The script as the workflow runs it."""
        return [str(self.folder / "scripts" / "release" / "promote.sh"), *words]

    def promote(self, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Runs it to its end."""
        given = os.environ | self.environ | environ
        command = self.command(*(words or ("aws", "dev")))
        return subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=DEADLINE)

    def deployed(self) -> list[list[str]]:
        """What was deployed, in order: environment, tag, image, templates and the metrics' address."""
        return [line.split() for line in self.notes.read_text().splitlines()] if self.notes.exists() else []


@pytest.fixture
def project(tmp_path: Path, server: Server) -> Project:
    """A repository in which the version before has its tag, and the templates have changed since."""
    made = Project(tmp_path / "project", server.url)
    made.commit("earlier", f"v{VERSION}")
    made.commit("present")
    return made


NEW = ["dev", SAME_VERSION, "lead-scoring-api:new", "present", "closed"]
BACK = ["dev", BEFORE, f"nothing-may-be-pushed-as:{BEFORE}", "earlier", "closed"]


def test_a_sound_image_stays(project: Project, tmp_path: Path) -> None:
    """It is deployed once, validated with the service's own key, and the page of the run says so."""
    page = tmp_path / "page.md"
    said = project.promote(GITHUB_STEP_SUMMARY=str(page))
    assert said.returncode == 0, said.stdout + said.stderr
    assert project.deployed() == [NEW]
    assert "metrics closed             ok" in said.stdout
    assert f"{SAME_VERSION} runs in dev and works" in page.read_text()


def test_its_key_is_masked_and_shown_nowhere_else(project: Project) -> None:
    """GitHub blots out what it was told to."""
    said = project.promote(GITHUB_ACTIONS="true")
    assert said.returncode == 0, said.stderr
    assert [line for line in (said.stdout + said.stderr).splitlines() if KEY in line] == [f"::add-mask::{KEY}"]


def test_what_ran_before_comes_back_when_the_new_one_is_not_sound(project: Project) -> None:
    """From its own release, and the run fails loudly all the same: here the service answers as another version."""
    said = project.promote(IMAGE_TAG=NEWER, GITHUB_ACTIONS="true")
    assert said.returncode == 1, said.stdout + said.stderr
    assert project.deployed() == [["dev", NEWER, "lead-scoring-api:new", "present", "closed"], BACK]
    assert "the service does not report version 99.0.0" in said.stderr
    assert f"::error::FAILED: {NEWER} does not work in dev; {BEFORE} runs again in dev and works" in said.stderr


def test_going_back_leaves_nothing_behind(project: Project) -> None:
    """The checkout of the earlier release is gone, and the present one is as it was."""
    assert project.promote(IMAGE_TAG=NEWER).returncode == 1
    assert project.git("worktree", "list").count("\n") == 1
    assert not (project.folder / "build" / "before").exists()
    assert project.git("status", "--porcelain") == ""


def test_going_back_uses_the_programs_that_are_installed(project: Project) -> None:
    """They are lent to the checkout of the earlier release, and outlive it."""
    tool = project.folder / "build" / "infra-venv" / "tool"
    tool.parent.mkdir(parents=True)
    tool.write_text("here")
    project.program("scripts/deploy-aws.sh", DEPLOY + 'test "$(cat build/infra-venv/tool)" = here\n')
    project.git("commit", "--quiet", "--all", "--message", "another way to deploy")
    project.git("tag", "--force", f"v{VERSION}")
    assert project.promote(IMAGE_TAG=NEWER).returncode == 1
    assert tool.read_text() == "here"


def test_what_ran_before_comes_back_when_the_cloud_refuses_the_new_one(project: Project) -> None:
    """A refused deployment may have left anything."""
    said = project.promote(FAILS=SAME_VERSION, CODE="1")
    assert said.returncode == 1, said.stdout + said.stderr
    assert project.deployed() == [NEW, BACK]
    assert f"{SAME_VERSION} could not be deployed to dev; {BEFORE} runs again" in said.stderr


def test_a_deployment_that_could_not_begin_is_not_taken_back(project: Project) -> None:
    """Nothing was changed, so nothing is changed."""
    said = project.promote(FAILS=SAME_VERSION, CODE="2")
    assert said.returncode == 2
    assert project.deployed() == [NEW]
    assert "nothing was changed" in said.stderr


def test_without_a_tag_in_git_the_present_templates_go_back(project: Project) -> None:
    """A release may have been deployed from elsewhere; that is said."""
    project.git("tag", "--delete", f"v{VERSION}")
    said = project.promote(IMAGE_TAG=NEWER)
    assert said.returncode == 1
    assert project.deployed()[-1] == ["dev", BEFORE, f"nothing-may-be-pushed-as:{BEFORE}", "present", "closed"]
    assert f"the tag v{VERSION} does not exist, so the rollback uses the current templates" in said.stderr


def test_somebody_has_to_look_when_going_back_does_not_help(project: Project) -> None:
    """Nothing answers, neither before nor after: the exit code is another one."""
    said = project.promote(SERVICE_URL="http://127.0.0.1:1", VALID_SECONDS="0")
    assert said.returncode == 3
    assert [tag for _, tag, *_ in project.deployed()] == [SAME_VERSION, BEFORE]
    assert f"the rollback to {BEFORE} failed too" in said.stderr
    assert "no service responds at http://127.0.0.1:1" in said.stderr


def test_somebody_has_to_look_when_the_earlier_one_is_refused(project: Project) -> None:
    """The cloud has taken the new one and not the old one."""
    said = project.promote(IMAGE_TAG=NEWER, FAILS=BEFORE, CODE="1")
    assert said.returncode == 3
    assert f"the rollback to {BEFORE} failed too" in said.stderr


@pytest.mark.parametrize(
    ("ran", "why"), [("", "there is no previous version"), (SAME_VERSION, "also the previous version")]
)
def test_there_may_be_nothing_to_go_back_to(project: Project, ran: str, why: str) -> None:
    """The first deployment, and the same one again."""
    (project.folder / "before").write_text(f"{ran}\n")
    said = project.promote(SERVICE_URL="http://127.0.0.1:1", VALID_SECONDS="0")
    assert said.returncode == 3
    assert project.deployed() == [NEW]
    assert why in said.stderr


def test_a_service_has_time_to_become_sound(project: Project) -> None:
    """A load balancer follows a deployment, and is not always there at once."""
    counting = '#!/bin/sh\necho asked >>"$NOTES.asked"\n[ "$(grep -c asked "$NOTES.asked")" -ge 3 ]\n'
    project.program("scripts/validate-deployment.sh", counting)
    said = project.promote(VALID_SECONDS="30")
    assert said.returncode == 0, said.stderr
    assert project.deployed() == [NEW]


@pytest.mark.parametrize("missing", ["IMAGE_TAG", "IMAGE", "SERVICE_URL"])
def test_what_it_needs_is_asked_for_before_anything_is_deployed(project: Project, missing: str) -> None:
    """With the name of what is missing."""
    said = project.promote(**{missing: ""})
    assert (said.returncode, project.deployed()) == (2, [])
    assert f"{missing} must be set" in said.stderr


def test_a_setting_that_the_environment_does_not_have_is_none(project: Project) -> None:
    """A workflow hands over an empty word then, which a deployment may take for an answer."""
    project.program("scripts/deploy-aws.sh", DEPLOY + 'test -z "${VPC_ID+given}"\n')
    project.git("commit", "--quiet", "--all", "--message", "looks at what it is given")
    said = project.promote(VPC_ID="", VALID_SECONDS="")
    assert said.returncode == 0, said.stderr


@pytest.mark.parametrize("words", [["gcp", "dev"], ["aws"], ["aws", "dev", "now"], ["azure", "dev"]])
def test_it_knows_two_clouds_and_one_environment_at_a_time(project: Project, words: list[str]) -> None:
    """One whose deployment is not there is refused too."""
    said = project.promote(*words)
    assert (said.returncode, project.deployed()) == (2, [])


def test_a_cloud_that_cannot_say_what_runs_is_left_alone(project: Project) -> None:
    """Without it there would be no way back."""
    project.program("scripts/release/deployed.sh", "#!/bin/sh\necho 'no credentials' >&2\nexit 2\n")
    said = project.promote()
    assert (said.returncode, project.deployed()) == (2, [])
    assert "no credentials" in said.stderr


def test_a_run_that_is_cancelled_says_that_somebody_has_to_look(project: Project, tmp_path: Path) -> None:
    """It neither goes back, since it may be ended at any moment, nor ends as if all were well."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = subprocess.Popen(project.command("aws", "dev"), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               env=os.environ | project.environ | {"WAIT_FOR": str(gate)}, text=True)  # fmt: skip
    assert eventually(lambda: project.deployed() == [NEW])
    process.send_signal(signal.SIGTERM)
    gate.write_text("")
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == 3
    assert f"cancelled while {SAME_VERSION} was replacing {BEFORE}" in said
    assert project.deployed() == [NEW]
