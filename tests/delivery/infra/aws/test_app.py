"""Templates are sound for every environment, and cannot be made where they would open the service."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cfnlint.api import ManualArgs, lint
from infra.aws import names
from infra.aws.account import Account
from infra.aws.app import synthesize
from infra.environments import FILE, EnvironmentInvalid, read_environment
from project import ROOT

from leadscoring.settings import DEMO_KEY

GIVEN = {"IMAGE_TAG": "1.0.0", "CERTIFICATE_ARN": "arn:aws:acm:us-east-1:123456789012:certificate/0f1e"}

NOT_HERE = {
    "W3005": "the CDK itself writes a dependency of the service on the target group that a reference holds already",
}
"""Rules of cfn-lint that are not asked, each with its reason."""


def test_templates_are_made_for_each_environment(synthesized: Callable[..., Any], name: str) -> None:
    """With cdk-nag on, which ends the synthesis at its first objection."""
    assert set(synthesized(name)) == {names.REGISTRY_STACK, names.SERVICE_STACK, names.MODEL_STACK}


def test_cfn_lint_finds_nothing(synthesized: Callable[..., Any], name: str) -> None:
    """In any of the stacks, in the region of the operations guide."""
    for stack, template in synthesized(name).items():
        found = lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"], ignore_checks=list(NOT_HERE)))
        assert [f"{stack}: {match.rule.id} {match.message}" for match in found] == []


def test_a_template_is_short_enough_for_a_command(synthesized: Callable[..., Any], name: str) -> None:
    """CloudFormation takes more than 51,200 bytes only out of a bucket."""
    for template in synthesized(name).values():
        assert len(msgspec.json.encode(template)) < 51_200


def test_nothing_has_to_be_prepared_in_an_account(synthesized: Callable[..., Any], name: str) -> None:
    """No template asks for what the CDK's own CLI puts into an account."""
    for template in synthesized(name).values():
        assert "BootstrapVersion" not in template.get("Parameters", {})
        assert "cdk-hnb659fds" not in json.dumps(template)


def test_cdk_nag_is_really_asked(tmp_path: Path, account: Account) -> None:
    """A bucket that is open to plain HTTP ends the synthesis."""
    import aws_cdk as cdk
    from aws_cdk import aws_s3 as s3
    from cdk_nag import AwsSolutionsChecks

    app = cdk.App(outdir=str(tmp_path), analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    s3.Bucket(cdk.Stack(app, "open"), "Open")
    with pytest.raises(RuntimeError, match="AwsSolutions-S10"):
        app.synth()


@pytest.fixture
def account() -> Account:
    """An account."""
    return Account(image_tag="1.0.0", certificate_arn=GIVEN["CERTIFICATE_ARN"])


def test_the_demo_key_is_refused_wherever_it_gets_into_a_template(tmp_path: Path, account: Account) -> None:
    """Even by a way that the file of environments does not know."""
    with pytest.raises(EnvironmentInvalid, match="must not contain the demo key, which is public"):
        synthesize("dev", read_environment("dev"), msgspec.structs.replace(account, image_tag=DEMO_KEY), tmp_path)


def command(folder: Path, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The command that a deployment runs."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables = kept | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} | environ
    return subprocess.run([sys.executable, "-m", "infra.aws", *words], cwd=folder, env=variables,
                          capture_output=True, text=True, check=False)  # fmt: skip


@pytest.mark.parametrize(("change", "said"), [
    ({"API_KEYS": DEMO_KEY}, "the demo key, which is public; API_KEYS does"),
    ({"API_KEYS": "a-key-of-ours"}, "must not contain API_KEYS"),
])  # fmt: skip
def test_a_key_in_the_file_ends_the_synthesis(tmp_path: Path, change: dict[str, str], said: str) -> None:
    """With exit code 2, one line, and no template."""
    raw = json.loads(FILE.read_bytes())
    raw["dev"]["settings"] |= change
    (tmp_path / "environments.json").write_text(json.dumps(raw))
    ran = command(tmp_path, "dev", "out", ENVIRONMENTS_FILE="environments.json", **GIVEN)
    assert ran.returncode == 2
    assert ran.stderr.startswith("EnvironmentInvalid: environment dev: ")
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("environ", "said"), [
    ({"IMAGE_TAG": ""}, "IMAGE_TAG is required: the tag of an image in ECR"),
    ({"CERTIFICATE_ARN": "mine"}, "CERTIFICATE_ARN must be the ARN of a certificate"),
    ({"AWS_REGION": "Frankfurt"}, "AWS_REGION must be a region such as us-east-1, not 'Frankfurt'"),
    ({"VPC_ID": "vpc-1", "VPC_ZONES": "a,b", "VPC_PUBLIC_SUBNETS": "subnet-1"}, "VPC_ZONES must be at least two zones"),
    ({"VPC_PRIVATE_SUBNETS": "subnet-1"}, "VPC_ID is required"),
])  # fmt: skip
def test_a_variable_that_is_missing_or_wrong_is_told_in_one_line(
    tmp_path: Path, environ: dict[str, str], said: str
) -> None:
    """Before anything is made."""
    ran = command(tmp_path, "dev", "out", **GIVEN | environ)
    assert (ran.returncode, ran.stderr.count("\n")) == (2, 1)
    assert said in ran.stderr
