"""The script really deploys, into a simulated cloud, and then the commands of the operations guide are run against it.

The simulated cloud takes no secret, no policy of a bucket and no metric filter from a template, knows fewer kinds of
machines, and starts no container: what it leaves out is held on the templates.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from infra.aws import names
from infra.environments import FILE
from project import ROOT

KNOWN_MACHINE = "ml.c5.large"
LEFT_OUT = {
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
}
"""What the simulated cloud leaves out of a template without refusing it."""

pytestmark = pytest.mark.timeout(300)


class Deployed(NamedTuple):
    """An account in which the service was deployed."""

    cloud: Any
    folder: Path
    environ: dict[str, str]
    said: str

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """A command as an operator types it."""
        return subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.environ,
                              capture_output=True, text=True, check=False)  # fmt: skip

    def answer(self, command: str) -> Any:
        """What a command that succeeds prints."""
        ran = self.run(command)
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-1000:]}{ran.stderr[-2000:]}"
        return json.loads(ran.stdout)


def project(folder: Path) -> None:
    """A copy of what a deployment needs, with a machine that the simulated cloud knows."""
    for name in ("infra", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("src", "models"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "build").mkdir()
    (folder / "build" / "infra-venv").symlink_to(ROOT / "build" / "infra-venv")
    raw = json.loads(FILE.read_bytes())
    for name in ("dev", "prod"):
        raw[name]["aws"]["model_endpoint"]["instance_type"] = KNOWN_MACHINE
    (folder / "infra" / "config" / "environments.json").write_text(json.dumps(raw))


DOCKER = """#!/bin/sh
case "$1" in
    login) test "$(cat)" ;;
    tag) test "$2" = lead-scoring-api:latest ;;
    push) aws ecr put-image --repository-name lead-scoring-api --image-tag "${2##*:}" --image-manifest "$MANIFEST" ;;
esac
"""
"""A container tool whose one image is always there."""

MANIFEST = json.dumps({
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {"digest": "sha256:0"},
    "layers": [],
})  # fmt: skip


@pytest.fixture(scope="module")
def account(cloud: Any, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """An account with a certificate and a secret of its own, before anything is deployed."""
    folder = tmp_path_factory.mktemp("project")
    project(folder)
    (folder / "bin").mkdir()
    (folder / "bin" / "docker").write_text(DOCKER)
    (folder / "bin" / "docker").chmod(0o755)
    secret = cloud.client("secretsmanager").create_secret(Name="our-keys", SecretString="key-of-the-crm")
    certificate = cloud.client("acm").request_certificate(DomainName="leads.example.com")
    given = {
        "IMAGE_TAG": "1.0.0",
        "CERTIFICATE_ARN": certificate["CertificateArn"],
        "API_KEYS_SECRET_ARN": secret["ARN"],
        "DEPLOY_MODEL": "true",
        "MANIFEST": MANIFEST,
    }
    return Deployed(cloud, folder, cloud.environ(folder / "bin") | given, "")


@pytest.fixture(scope="module")
def deployed(account: Deployed) -> Deployed:
    """The service and its model, deployed by the one command; before it nothing runs there."""
    before = account.run("./scripts/release/deployed.sh aws image")
    assert (before.returncode, before.stdout) == (0, "\n"), before.stderr
    ran = account.run("./scripts/deploy-aws.sh dev")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-3000:]
    with_its_name(account.cloud.client("sagemaker"))
    return account._replace(said=ran.stdout)


def with_its_name(sagemaker: Any) -> None:
    """The endpoint once more: the simulated cloud gives one out of a template a name of its own."""
    (configuration,) = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    sagemaker.create_endpoint(EndpointName=names.ENDPOINT, EndpointConfigName=configuration["EndpointConfigName"])


def test_the_script_says_where_the_service_is(deployed: Deployed) -> None:
    """The name that the certificate's name has to point to."""
    assert "point the domain name of the certificate to" in deployed.said
    assert ".elb.amazonaws.com" in deployed.said


def test_the_image_is_pushed_where_the_service_pulls_it(deployed: Deployed) -> None:
    """Under the tag that the deployment names; a second deployment of it pushes nothing."""
    (image,) = deployed.cloud.client("ecr").describe_images(repositoryName=names.REPOSITORY)["imageDetails"]
    assert image["imageTags"] == ["1.0.0"]


def test_what_is_deployed_can_be_asked(deployed: Deployed) -> None:
    """As a promotion asks, before it puts another image there: which one runs, and a key of it."""
    assert deployed.run("./scripts/release/deployed.sh aws image").stdout == "1.0.0\n"
    assert deployed.run("./scripts/release/deployed.sh aws key").stdout == "key-of-the-crm\n"


def test_every_resource_of_the_templates_comes_into_being(deployed: Deployed) -> None:
    """But for those that the simulated cloud leaves out: an exception that it has learned since is forgotten here."""
    missing = set()
    for stack in (names.REGISTRY_STACK, names.SERVICE_STACK, names.MODEL_STACK):
        template = json.loads((deployed.folder / "build" / "aws" / "dev" / f"{stack}.template.json").read_bytes())
        made = deployed.cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
        absent = set(template["Resources"]) - {resource.get("LogicalResourceId") for resource in made}
        missing |= {template["Resources"][name]["Type"] for name in absent}
    assert missing == LEFT_OUT


def test_the_status_of_the_service_is_described(deployed: Deployed) -> None:
    """The runbook's command for a service that is down."""
    said = deployed.answer("aws ecs describe-services --cluster lead-scoring --services lead-scoring-service")
    (service,) = said["services"]
    assert said["failures"] == []
    assert (service["serviceName"], service["status"]) == ("lead-scoring-service", "ACTIVE")
    (definition,) = deployed.answer(f"aws ecs describe-task-definition --task-definition {service['taskDefinition']}")[
        "taskDefinition"
    ]["containerDefinitions"]
    assert definition["name"] == "api"


def test_the_service_is_scaled_by_hand(deployed: Deployed) -> None:
    """The guide's command, with the cluster and the service named."""
    said = deployed.answer(
        "aws ecs update-service --cluster lead-scoring --service lead-scoring-service --desired-count 5"
    )
    assert said["service"]["desiredCount"] == 5


def test_the_service_is_restarted(deployed: Deployed) -> None:
    """The runbook's command."""
    said = deployed.answer(
        "aws ecs update-service --cluster lead-scoring --service lead-scoring-service --force-new-deployment"
    )
    assert said["service"]["serviceName"] == "lead-scoring-service"


def test_the_log_is_read(deployed: Deployed) -> None:
    """Lines that a replica has written, all of them and the errors alone."""
    logs = deployed.cloud.client("logs")
    stream = {"logGroupName": names.LOG_GROUP, "logStreamName": "api/api/1"}
    logs.create_log_stream(**stream)
    now = int(Path("/proc/self").stat().st_ctime * 1000)
    lines = ['{"level":"INFO","event":"listening"}', '{"level":"ERROR","event":"request failed"}']
    logs.put_log_events(**stream, logEvents=[{"timestamp": now + n, "message": line} for n, line in enumerate(lines)])
    said = deployed.answer("aws logs filter-log-events --log-group-name /ecs/lead-scoring")
    assert [event["message"] for event in said["events"]] == lines
    tail = deployed.run("aws logs tail /ecs/lead-scoring --since 1h")
    assert tail.returncode == 0, tail.stderr
    assert all(line in tail.stdout for line in lines)


def test_the_endpoint_of_the_model_is_described(deployed: Deployed) -> None:
    """The runbook's command for a model endpoint that fails."""
    said = deployed.answer("aws sagemaker describe-endpoint --endpoint-name lead-scoring-endpoint")
    assert said["EndpointName"] == "lead-scoring-endpoint"


def test_the_packed_model_lies_where_the_endpoint_looks(deployed: Deployed) -> None:
    """With the model at the top of the archive, as SageMaker unpacks it."""
    (model,) = deployed.cloud.client("sagemaker").list_models()["Models"]
    found = deployed.cloud.client("sagemaker").describe_model(ModelName=model["ModelName"])
    url = found["PrimaryContainer"]["ModelDataUrl"]
    listed = deployed.run(f"aws s3 cp --only-show-errors {url} - | tar -tzf -")
    assert (listed.returncode, listed.stdout.split()) == (0, ["model.json"])


def commands(heading: str) -> list[str]:
    """The commands of a section of the deployment guide."""
    text = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8")
    (block,) = re.findall(r"```bash\n(.*?)```", text.partition(f"### {heading}\n")[2].partition("\n### ")[0], re.DOTALL)
    return [line for line in block.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("command", commands("Look after it"))
def test_the_commands_of_the_deployment_guide_work(deployed: Deployed, command: str) -> None:
    """As they stand, but for one that would follow the log for ever."""
    ran = deployed.run(command.replace(" --follow", ""))
    assert ran.returncode == 0, f"{command}\n{ran.stderr[-2000:]}"


@pytest.mark.parametrize(("keys", "said"), [
    ("ours,demo-api-key-123", "contains the demo key, which is public"),
    (" , ", "is empty: the service would accept the demo key"),
])  # fmt: skip
def test_a_secret_that_opens_the_service_to_everyone_is_refused(account: Deployed, keys: str, said: str) -> None:
    """Before anything is deployed, and without showing what it holds."""
    secret = account.cloud.client("secretsmanager").create_secret(Name=f"secret-{len(keys)}", SecretString=keys)
    ran = account.run(f"API_KEYS_SECRET_ARN={secret['ARN']} ./scripts/deploy-aws.sh dev")
    assert ran.returncode == 2
    assert said in ran.stderr
    assert keys not in ran.stdout + ran.stderr
    assert "==>" not in ran.stdout


@pytest.mark.parametrize(("command", "said"), [
    ("./scripts/deploy-aws.sh staging", "it must be one of dev, prod"),
    ("IMAGE_TAG= ./scripts/deploy-aws.sh dev", "IMAGE_TAG is required"),
    ("DEPLOY_MODEL=maybe ./scripts/deploy-aws.sh dev", "DEPLOY_MODEL must be true or false, not 'maybe'"),
    ("./scripts/deploy-aws.sh dev --now", "must be --plan, not '--now'"),
])  # fmt: skip
def test_a_deployment_that_cannot_begin_says_why(account: Deployed, command: str, said: str) -> None:
    """With exit code 2."""
    ran = account.run(command)
    assert ran.returncode == 2
    assert said in ran.stderr


def test_the_script_says_what_it_needs(account: Deployed) -> None:
    """Without an account."""
    ran = subprocess.run([str(ROOT / "scripts" / "deploy-aws.sh"), "--help"], env=os.environ, capture_output=True,
                         text=True, check=False)  # fmt: skip
    assert ran.returncode == 0
    assert "CERTIFICATE_ARN" in ran.stdout
