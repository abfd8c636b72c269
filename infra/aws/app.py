"""Synthesizes the CloudFormation templates for an environment and an account."""

from pathlib import Path

import aws_cdk as cdk
import msgspec
from cdk_nag import AwsSolutionsChecks

from infra.aws.account import Account
from infra.aws.model import ModelStack
from infra.aws.registry import RegistryStack
from infra.aws.service import ServiceStack
from infra.environments import Environment, EnvironmentInvalid, holds_demo_key

FLAGS = {
    "@aws-cdk/aws-ecs:removeDefaultDesiredCount": True,
    "@aws-cdk/aws-ecs:removeDefaultDeploymentAlarm": True,
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-ec2:restrictDefaultSecurityGroup": False,
    "aws:cdk:enable-path-metadata": False,
    "aws:cdk:disable-metadata-resource": True,
}
"""Feature flags that replace legacy defaults of the CDK."""


def synthesize(name: str, environment: Environment, account: Account, out: Path) -> list[Path]:
    """Writes the templates of all stacks to ``out``, checked by cdk-nag, and returns their paths.

    Raises ``EnvironmentInvalid`` if a template contains the demo key.
    """
    app = cdk.App(outdir=str(out), context=FLAGS, analytics_reporting=False)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    RegistryStack(app, account)
    ServiceStack(app, environment, account)
    if account.model_data_key:
        ModelStack(app, environment, account)
    templates = [Path(stack.template_full_path) for stack in app.synth().stacks]
    for template in templates:
        if holds_demo_key(template.read_text("utf-8")):
            raise EnvironmentInvalid(name, [f"{template.name} must not contain the demo key, which is public"])
        # CloudFormation accepts 51,200 bytes directly; a larger template requires a bucket.
        template.write_bytes(msgspec.json.format(template.read_bytes(), indent=-1))
    return templates
