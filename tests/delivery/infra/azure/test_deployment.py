"""The script deploys in the right order, refuses before it makes anything, and shows no key: against a double of `az`."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from project import ROOT

DOUBLE = Path(__file__).parent / "az.py"
EMPTY: dict[str, Any] = {
    "signed_in": True, "group": "", "vault": "", "may_read": True, "secrets": {}, "images": [], "locked": [], "blue": False,
    "deployed": [], "outputs": {}, "calls": [],
}  # fmt: skip
"""A subscription in which nothing was ever deployed."""

DOCKER = """#!/bin/sh
echo "$@" >>"$DOCKER_CALLS"
case "$1" in
    image) test "$DOCKER_HAS_IMAGE" ;;
    login) test "$(cat)" = a-token ;;
    push) python3 - "${2#*/}" <<'P'
import json, os, pathlib, sys
file = pathlib.Path(os.environ["AZ_STATE"])
state = json.loads(file.read_bytes())
state["images"].append(sys.argv[1])
file.write_text(json.dumps(state))
P
    ;;
esac
"""
"""A container tool that pushes into the double's registry."""


SUBNET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/n/subnets/apps"


class Desk(NamedTuple):
    """The project's folder of somebody who deploys."""

    folder: Path
    environ: dict[str, str]

    def run(self, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """The script, with these words and variables."""
        environ = {name: value for name, value in (self.environ | variables).items() if value != "UNSET"}
        return subprocess.run([str(self.folder / "scripts" / "deploy-azure.sh"), *words], env=environ,
                              capture_output=True, text=True, check=False)  # fmt: skip

    @property
    def state(self) -> dict[str, Any]:
        """What is in the subscription."""
        return dict(json.loads(Path(self.environ["AZ_STATE"]).read_bytes()))

    def with_state(self, **changes: object) -> "Desk":
        """The same with another subscription."""
        Path(self.environ["AZ_STATE"]).write_text(json.dumps(EMPTY | changes))
        return self

    def made(self) -> list[str]:
        """Which deployments there were, in their order."""
        return [name for name, _, _ in self.state["deployed"]]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A copy of what a deployment needs, with the double and a container tool on the path."""
    for name in ("infra", "scripts"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "src").symlink_to(ROOT / "src")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "infra-venv").symlink_to(ROOT / "build" / "infra-venv")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "az").write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{DOUBLE}" "$@"\n')
    (programs / "docker").write_text(DOCKER)
    for program in programs.iterdir():
        program.chmod(0o755)
    environ = {name: value for name, value in os.environ.items() if name not in ("API_KEYS", "RESOURCE_GROUP")}
    environ |= {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "AZ_STATE": str(tmp_path / "state.json"),
        "DOCKER_CALLS": str(tmp_path / "docker-calls"),
        "DOCKER_HAS_IMAGE": "yes",
        "IMAGE_TAG": "1.0.0",
    }
    return Desk(tmp_path, environ).with_state()


def test_one_command_makes_everything_in_its_order(desk: Desk) -> None:
    """The group, what has to be there before the image, the image under a tag that is locked, the service."""
    ran = desk.run("dev")
    assert ran.returncode == 0, ran.stderr
    state = desk.state
    assert state["group"] == "lead-scoring-dev"
    assert desk.made() == ["lead-scoring-foundation", "lead-scoring"]
    assert state["images"] == state["locked"] == ["lead-scoring-api:1.0.0"]
    assert ran.stdout.splitlines()[-1] == (
        "==> deployed: https://lead-scoring-api.nicehill-1.eastus.azurecontainerapps.io"
    )
    _, template, given = state["deployed"][1]
    assert template == "service.bicep"
    assert given == {
        "environmentName": "dev", "location": "eastus", "imageTag": "1.0.0", "infrastructureSubnetId": "",
        "customDomain": "", "certificateId": "", "useModelKey": False, "useLedger": False,
    }  # fmt: skip


def test_the_image_is_pushed_with_a_token_and_no_password(desk: Desk) -> None:
    """As the registry calls whoever brings one, and not on the command line."""
    assert desk.run("dev").returncode == 0
    calls = Path(desk.environ["DOCKER_CALLS"]).read_text()
    assert "login leadscoring1.azurecr.io --username 00000000-0000-0000-0000-000000000000 --password-stdin" in calls
    assert "tag lead-scoring-api:latest leadscoring1.azurecr.io/lead-scoring-api:1.0.0" in calls
    assert "a-token" not in calls


def test_an_image_that_is_there_is_not_pushed_again(desk: Desk) -> None:
    """A tag never changes its meaning."""
    desk.with_state(images=["lead-scoring-api:1.0.0"])
    assert desk.run("dev").returncode == 0
    assert not Path(desk.environ["DOCKER_CALLS"]).exists()


def test_an_image_that_nobody_has_is_built(desk: Desk) -> None:
    """By the script that builds it everywhere else."""
    builder = desk.folder / "scripts" / "container.sh"
    builder.write_text('#!/bin/sh\necho "built $1 $IMAGE" >>"$DOCKER_CALLS"\n')
    assert desk.run("dev", DOCKER_HAS_IMAGE="").returncode == 0
    assert "built build lead-scoring-api:latest" in Path(desk.environ["DOCKER_CALLS"]).read_text()


def test_a_key_that_nobody_has_seen_is_made_once(desk: Desk) -> None:
    """The second deployment leaves it as it is; neither shows it, nor leaves it in a file or on a command line."""
    first = desk.run("dev")
    key = desk.state["secrets"]["api-keys"]
    assert len(key) >= 40
    second = desk.run("dev")
    assert second.returncode == 0, second.stderr
    assert desk.state["secrets"] == {"api-keys": key}
    shown = first.stdout + first.stderr + second.stdout + second.stderr + json.dumps(desk.state["calls"])
    assert key not in shown
    files = [file for file in (desk.folder / "build" / "azure").rglob("*") if file.is_file()]
    assert len(files) == 3
    assert not [file for file in files if key in file.read_text()]


def test_the_secrets_of_the_ledger_are_made_once(desk: Desk) -> None:
    """Another one would hide every lead from its id; those of the caller's own service do not get there."""
    first = desk.run("dev", DEPLOY_LEDGER="true", LEDGER_KEY="mine", LEDGER_PASSWORD="mine")
    assert first.returncode == 0, first.stderr
    made = desk.state["secrets"]
    assert re.fullmatch(r"[0-9a-f]{64}", made["ledger-key"])
    assert len(made["ledger-password"]) >= 40
    assert desk.state["deployed"][1][2]["useLedger"] is True
    second = desk.run("dev", DEPLOY_LEDGER="true")
    assert second.returncode == 0, second.stderr
    assert desk.state["secrets"] == made
    shown = first.stdout + first.stderr + second.stdout + second.stderr + json.dumps(desk.state["calls"])
    files = [file.read_text() for file in (desk.folder / "build" / "azure").rglob("*") if file.is_file()]
    for secret in (made["ledger-key"], made["ledger-password"]):
        assert secret not in shown
        assert not [text for text in files if secret in text]
    assert desk.run("dev", DEPLOY_LEDGER="yes").returncode == 2
    assert desk.run("dev", DEPLOY_LEDGER="true", SUBNET_ID=SUBNET).returncode == 2


def test_keys_of_ones_own_go_into_the_vault(desk: Desk) -> None:
    """In place of those that were there."""
    desk.with_state(group="lead-scoring-dev", vault="kv-leads-1", secrets={"api-keys": "old"})
    ran = desk.run("dev", API_KEYS="key-of-the-crm,key-of-the-web")
    assert ran.returncode == 0, ran.stderr
    assert desk.state["secrets"] == {"api-keys": "key-of-the-crm,key-of-the-web"}


def test_a_plan_changes_nothing(desk: Desk) -> None:
    """It only asks what would change, and makes no key."""
    desk.run("prod")
    before = desk.state
    ran = desk.run("prod", "--plan", DEPLOY_MODEL="true")
    assert ran.returncode == 0, ran.stderr
    after = desk.state
    new = [" ".join(call[:3]) for call in after.pop("calls")[len(before.pop("calls")) :]]
    assert after == before
    assert new.count("deployment group what-if") == 3
    assert not [call for call in new if call.startswith(("deployment group create", "group create"))]
    assert "Resource changes" in ran.stdout


@pytest.mark.parametrize(("state", "said"), [
    ({}, "the resource group lead-scoring-dev does not exist"),
    ({"group": "lead-scoring-dev"}, "the foundation is not deployed to lead-scoring-dev yet"),
    ({"group": "lead-scoring-dev", "vault": "kv-leads-1", "outputs": {"lead-scoring-foundation": {
        "registryName": "r", "registryServer": "r.azurecr.io"}}}, "the registry has no image 1.0.0"),
])  # fmt: skip
def test_a_plan_without_anything_to_plan_with_says_so(desk: Desk, state: dict[str, Any], said: str) -> None:
    """With exit code 2."""
    ran = desk.with_state(**state).run("dev", "--plan")
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr
    assert desk.made() == []


def test_the_model_gets_calls_after_it_is_deployed(desk: Desk) -> None:
    """The first time in two steps, then in one; and before the service."""
    assert desk.run("dev", DEPLOY_MODEL="true").returncode == 0
    steps = [(name, given.get("deployed")) for name, _, given in desk.state["deployed"]]
    assert steps == [("lead-scoring-foundation", None), ("lead-scoring-model", "false"), ("lead-scoring-model", "true"),
                     ("lead-scoring", None)]  # fmt: skip
    ran = desk.run("dev", DEPLOY_MODEL="true")
    url = "https://lead-scoring-endpoint.eastus.inference.ml.azure.com/invocations"
    assert f"the model is deployed at {url}" in ran.stdout
    assert [given.get("deployed") for name, _, given in desk.state["deployed"][4:] if "model" in name] == ["true"]


def test_a_key_of_the_model_is_given_to_the_service(desk: Desk) -> None:
    """And is remembered by the vault."""
    assert desk.run("dev", AZURE_ML_API_KEY="key-of-the-endpoint").returncode == 0
    assert desk.state["secrets"]["azure-ml-api-key"] == "key-of-the-endpoint"
    assert desk.run("dev").returncode == 0
    services = [given["useModelKey"] for name, _, given in desk.state["deployed"] if name == "lead-scoring"]
    assert services == [True, True]


def test_facts_of_the_subscription_reach_the_templates(desk: Desk) -> None:
    """Another group, another region, somebody to tell."""
    ran = desk.run("prod", RESOURCE_GROUP="leads", AZURE_LOCATION="westeurope", ALARM_EMAIL="ops@example.com")
    assert ran.returncode == 0, ran.stderr
    assert desk.state["group"] == "leads"
    _, _, given = desk.state["deployed"][0]
    assert (given["location"], given["alarmEmail"]) == ("westeurope", "ops@example.com")


@pytest.mark.parametrize("refuses", ["lead-scoring-foundation", "lead-scoring"])
def test_what_azure_refuses_ends_with_1(desk: Desk, refuses: str) -> None:
    """With what Azure says, nothing after it, and no secret left behind."""
    ran = desk.with_state(refuses=refuses).run("dev")
    assert ran.returncode == 1
    assert "InvalidTemplateDeployment" in ran.stderr
    assert refuses not in desk.made()
    assert "deployed:" not in ran.stdout
    assert not (desk.folder / "build" / "azure" / "dev" / "secrets.parameters.json").exists()


DEPLOYED = {"group": "lead-scoring-dev", "vault": "kv-leads-1"}


@pytest.mark.parametrize(("words", "variables", "state", "said"), [
    (["staging"], {}, {}, "it must be one of dev, prod"),
    (["dev", "--now"], {}, {}, "must be --plan, not '--now'"),
    (["dev"], {"IMAGE_TAG": ""}, {}, "IMAGE_TAG is required"),
    (["dev"], {"DEPLOY_MODEL": "maybe"}, {}, "DEPLOY_MODEL must be true or false, not 'maybe'"),
    (["dev"], {"API_KEYS": ""}, {}, "API_KEYS is required"),
    (["dev"], {"API_KEYS": "a,demo-api-key-123"}, {}, "API_KEYS must be secret, not 'the demo key'"),
    (["dev"], {}, {"signed_in": False}, "not signed in: run az login"),
    (["dev"], {}, {**DEPLOYED, "may_read": False}, "the role Key Vault Secrets Officer is required"),
    (["dev"], {}, {**DEPLOYED, "secrets": {"api-keys": "a,demo-api-key-123"}}, "contains the demo key, which is public"),
    (["dev"], {}, {**DEPLOYED, "secrets": {"api-keys": " , "}}, "is empty: the service would accept the demo key"),
])  # fmt: skip
def test_a_deployment_that_cannot_begin_says_why(
    desk: Desk, words: list[str], variables: dict[str, str], state: dict[str, Any], said: str
) -> None:
    """With exit code 2, before anything is made, and without showing what a secret holds."""
    ran = desk.with_state(**state).run(*words, **variables)
    assert (ran.returncode, said in ran.stderr) == (2, True), ran.stderr
    assert "a,demo-api-key-123" not in ran.stdout + ran.stderr
    assert not [call for call in desk.state["calls"] if "create" in call]


def test_without_a_container_tool_an_image_that_is_missing_cannot_be_pushed(desk: Desk) -> None:
    """It says which one, and what is needed."""
    (desk.folder / "bin" / "docker").unlink()
    ran = desk.run("dev", CONTAINER_TOOL="no-such-tool", PATH=f"{desk.folder / 'bin'}:/usr/bin:/bin")
    if shutil.which("podman", path="/usr/bin:/bin"):
        pytest.skip("podman is installed here, so that there is a container tool")
    assert ran.returncode == 2
    assert "neither Docker nor Podman" in ran.stderr


def test_without_the_azure_cli_it_says_so(desk: Desk) -> None:
    """Before anything else."""
    (desk.folder / "bin" / "az").unlink()
    ran = desk.run("dev", PATH=f"{desk.folder / 'bin'}:/usr/bin:/bin")
    assert ran.returncode == 2
    assert "the Azure CLI is required" in ran.stderr


def test_the_script_says_what_it_needs() -> None:
    """Without a subscription."""
    ran = subprocess.run([str(ROOT / "scripts" / "deploy-azure.sh"), "--help"], capture_output=True, text=True,
                         check=False)  # fmt: skip
    assert ran.returncode == 0
    for word in ("IMAGE_TAG", "API_KEYS", "RESOURCE_GROUP", "--plan", "Exit code"):
        assert word in ran.stdout
