"""What has to be there before the service: where its image lies, and where its models lie."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.aws.account import Account


class RegistryStack(cdk.Stack):
    """The repository of images and the bucket of packed models; both outlive the stack."""

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
        repository.add_lifecycle_rule(description="Layers that no tag names", max_image_age=cdk.Duration.days(7),
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
        accept(models, "AwsSolutions-S1", "Holds model files that a deployment writes; CloudTrail tells who did")


def plain() -> cdk.DefaultStackSynthesizer:
    """Templates that stand alone: nothing has to be prepared in an account, and no CLI of the CDK's is needed."""
    return cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
