"""The prerequisites of the service: the repository of its image, and the bucket of its models."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.aws.account import Account


class RegistryStack(cdk.Stack):
    """The repository of images and the bucket of model archives; both are kept when the stack is deleted."""

    def __init__(self, scope: Construct, account: Account):
        super().__init__(scope, names.REGISTRY_STACK, synthesizer=plain(), env=cdk.Environment(region=account.region))
        repository = ecr.Repository(
            self,
            "Images",
            repository_name=names.REPOSITORY,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            encryption=ecr.RepositoryEncryption.AES_256,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        repository.add_lifecycle_rule(description="Untagged images", max_image_age=cdk.Duration.days(7),
                                      tag_status=ecr.TagStatus.UNTAGGED)  # fmt: skip
        models = s3.Bucket(
            self,
            "Models",
            bucket_name=f"{names.MODELS}-{self.account}-{self.region}",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            versioned=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        accept(
            models, "AwsSolutions-S1", "Contains model files that a deployment writes; CloudTrail records the access"
        )


def plain() -> cdk.DefaultStackSynthesizer:
    """Returns a synthesizer of self-contained templates, which need neither ``cdk bootstrap`` nor the CDK's CLI."""
    return cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
