"""The template of the model's endpoint starts the service's own image on one packed model, and takes a bad one back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from infra.aws import names
from infra.environments import read_environment

MODEL = "lead-scoring/1.0.0/model.tar.gz"


@pytest.fixture
def template(synthesized: Callable[..., Any], name: str) -> dict[str, Any]:
    """The model's stack."""
    return dict(synthesized(name)[names.MODEL_STACK])


def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
    """The properties of the one resource of a kind."""
    (properties,) = [made["Properties"] for made in template["Resources"].values() if made["Type"] == kind]
    return dict(properties)


def test_the_endpoint_has_the_name_that_the_guide_asks_for(template: dict[str, Any]) -> None:
    """`aws sagemaker describe-endpoint` finds it."""
    assert only(template, "AWS::SageMaker::Endpoint")["EndpointName"] == "lead-scoring-endpoint"


def test_the_container_is_the_service_speaking_sagemaker(template: dict[str, Any], name: str) -> None:
    """With nothing set that would keep it from SageMaker's port or model."""
    container = only(template, "AWS::SageMaker::Model")["PrimaryContainer"]
    workers = str(read_environment(name).aws.model_endpoint.workers)
    assert container["Environment"] == {"ENDPOINT_PROTOCOLS": "sagemaker", "WORKERS": workers}
    assert container["Image"]["Fn::Join"][1][-1].endswith("/lead-scoring-api:1.0.0")
    assert container["ModelDataUrl"]["Fn::Join"][1][-1].endswith(f"/{MODEL}")


def test_the_endpoint_has_the_machines_of_the_file(template: dict[str, Any], name: str) -> None:
    """From its first instance on to the limits of scaling."""
    sizes = read_environment(name).aws.model_endpoint
    (variant,) = only(template, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    assert (variant["InstanceType"], variant["InitialInstanceCount"]) == (sizes.instance_type, sizes.min_instances)
    limits = only(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (limits["MinCapacity"], limits["MaxCapacity"]) == (sizes.min_instances, sizes.max_instances)
    assert limits["ResourceId"] == f"endpoint/lead-scoring-endpoint/variant/{variant['VariantName']}"


def test_a_new_model_gets_all_calls_only_when_no_alarm_went_off(template: dict[str, Any]) -> None:
    """One instance tries it first."""
    deployment = only(template, "AWS::SageMaker::Endpoint")["DeploymentConfig"]
    routing = deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert (routing["Type"], routing["CanarySize"]) == ("CANARY", {"Type": "INSTANCE_COUNT", "Value": 1})
    alarms = {made["Properties"]["AlarmName"] for made in template["Resources"].values()
              if made["Type"] == "AWS::CloudWatch::Alarm"}  # fmt: skip
    assert alarms == {"lead-scoring-ModelEndpointFailing", "lead-scoring-ModelSlow"}
    assert len(deployment["AutoRollbackConfiguration"]["Alarms"]) == len(alarms)


def test_the_role_reads_one_model_and_pulls_one_image(template: dict[str, Any]) -> None:
    """What it may do with everything is asking for a token, and counting under SageMaker's name."""
    statements = only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    by_action = {json.dumps(statement["Action"]): statement for statement in statements}
    assert MODEL in json.dumps(by_action['"s3:GetObject"']["Resource"])
    everything = [statement for statement in statements if statement["Resource"] == "*"]
    assert [statement["Action"] for statement in everything] == [
        "ecr:GetAuthorizationToken",
        "cloudwatch:PutMetricData",
    ]
    assert everything[1]["Condition"] == {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}}
