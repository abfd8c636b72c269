"""What is deployed is asked of the cloud that runs it; ``tests/delivery/infra/aws`` asks a simulated one."""

import os
import subprocess
from pathlib import Path

import pytest
from project import ROOT

SCRIPT = ROOT / "scripts" / "release" / "deployed.sh"
DEFINITION = "arn:aws:ecs:us-east-1:123456789012:task-definition/lead-scoring:7"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/lead-scoring-api:1.2.0-4f1c0d9a7b3e"

CLOUD = """#!/bin/sh
echo "${0##*/} $*" >>"$NOTES"
[ -z "${WRONG:-}" ] || { echo "An error occurred ($WRONG)" >&2; exit 254; }
case "$*" in
    *describe-services*) printf '%s\\n' "$DEFINITION" ;;
    *describe-task-definition*|*"containerapp show"*) printf '%s\\n' "$IMAGE" ;;
    *get-secret-value*|*"secret show"*) printf '%s\\n' "$KEYS" ;;
    *"keyvault list"*) echo kv-leads-abc ;;
esac
"""


def ask(folder: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The script, with a double of each cloud's command that notes what it was asked."""
    for name in ("aws", "az"):
        (folder / name).write_text(CLOUD)
        (folder / name).chmod(0o755)
    given = {"PATH": f"{folder}:{os.environ['PATH']}", "NOTES": str(folder / "notes"), "IMAGE": IMAGE}
    given |= {"DEFINITION": DEFINITION, "KEYS": "first-key, second-key", "RESOURCE_GROUP": "rg-leads"}
    return subprocess.run([str(SCRIPT), *words], env=given | environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_the_tag_of_what_runs_is_told(tmp_path: Path, cloud: str) -> None:
    """Without the registry, which may have a port."""
    assert ask(tmp_path, cloud, "image").stdout == "1.2.0-4f1c0d9a7b3e\n"
    assert ask(tmp_path, cloud, "image", IMAGE="registry:5000/lead-scoring-api:1.2.0").stdout == "1.2.0\n"


@pytest.mark.parametrize(
    ("cloud", "wrong"),
    [("aws", "ClusterNotFoundException"), ("azure", "ResourceNotFound"), ("azure", "ResourceGroupNotFound")],
)
def test_nothing_runs_before_the_first_deployment(tmp_path: Path, cloud: str, wrong: str) -> None:
    """That is an answer, and no failure."""
    said = ask(tmp_path, cloud, "image", WRONG=wrong)
    assert (said.returncode, said.stdout) == (0, "\n")


def test_a_service_that_was_taken_down_does_not_run(tmp_path: Path) -> None:
    """The cluster may have outlived it."""
    said = ask(tmp_path, "aws", "image", DEFINITION="")
    assert (said.returncode, said.stdout) == (0, "\n")


@pytest.mark.parametrize("cloud", ["aws", "azure"])
@pytest.mark.parametrize("what", ["image", "key"])
def test_a_cloud_that_does_not_answer_is_no_answer(tmp_path: Path, cloud: str, what: str) -> None:
    """Its own words are shown."""
    said = ask(tmp_path, cloud, what, WRONG="ExpiredToken")
    assert (said.returncode, said.stdout) == (2, "")
    assert "ExpiredToken" in said.stderr


@pytest.mark.parametrize("cloud", ["aws", "azure"])
def test_the_first_key_is_told(tmp_path: Path, cloud: str) -> None:
    """Any of them opens the service."""
    assert ask(tmp_path, cloud, "key").stdout == "first-key\n"
    assert ask(tmp_path, cloud, "key", KEYS="").returncode == 2


def test_a_secret_of_ones_own_is_asked_for(tmp_path: Path) -> None:
    """As the deployment was told of it."""
    ask(tmp_path, "aws", "key", API_KEYS_SECRET_ARN="arn:of:our-keys")
    assert "--secret-id arn:of:our-keys" in (tmp_path / "notes").read_text()


def test_azure_is_asked_in_a_group_that_is_named(tmp_path: Path) -> None:
    """Its services are found nowhere else."""
    said = ask(tmp_path, "azure", "image", RESOURCE_GROUP="")
    assert said.returncode == 2
    assert "RESOURCE_GROUP must be" in said.stderr


@pytest.mark.parametrize("words", [[], ["aws"], ["gcp", "image"], ["aws", "everything"]])
def test_it_is_asked_one_thing_of_one_cloud(tmp_path: Path, words: list[str]) -> None:
    """Anything else shows how it is used."""
    said = ask(tmp_path, *words)
    assert said.returncode == 2
    assert "deployed.sh CLOUD image" in said.stderr
