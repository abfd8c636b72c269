"""The load balancer: HTTPS, a redirect from HTTP, and only ready replicas as targets."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.aws import names
from infra.aws.accepted import accept
from infra.aws.account import Account
from infra.environments import Environment


def balancer(scope: Construct, environment: Environment, vpc: ec2.IVpc) -> elb.ApplicationLoadBalancer:
    """Creates a load balancer that closes idle connections before the service does, and writes access logs."""
    made = elb.ApplicationLoadBalancer(
        scope,
        "Balancer",
        load_balancer_name=names.BALANCER,
        vpc=vpc,
        internet_facing=True,
        idle_timeout=cdk.Duration.seconds(environment.ending.idle_seconds),
        drop_invalid_header_fields=True,
        deletion_protection=environment.aws.deletion_protection,
    )
    accept(made, "AwsSolutions-EC23", "The service is public: it requires a key, and port 80 only redirects")
    made.log_access_logs(access_log(scope, environment))
    return made


def access_log(scope: Construct, environment: Environment) -> s3.Bucket:
    """Creates the bucket of the access logs."""
    bucket = s3.Bucket(
        scope,
        "AccessLog",
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        encryption=s3.BucketEncryption.S3_MANAGED,  # load balancers support no other encryption
        enforce_ssl=True,
        lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(environment.log_retention_days))],
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    accept(bucket, "AwsSolutions-S1", "It is the access log itself, which needs no access log")
    return bucket


def listen(
    made: elb.ApplicationLoadBalancer,
    environment: Environment,
    account: Account,
    target: elb.IApplicationLoadBalancerTarget,
) -> elb.ApplicationTargetGroup:
    """Adds the HTTPS listener with the service as its target, and the redirect from HTTP."""
    probe = environment.probe
    made.add_redirect(source_port=80, target_port=443)
    listener = made.add_listener(
        "Https",
        port=443,
        protocol=elb.ApplicationProtocol.HTTPS,
        certificates=[elb.ListenerCertificate.from_arn(account.certificate_arn)],
        ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
    )
    return listener.add_targets(
        "Replicas",
        port=environment.port,
        protocol=elb.ApplicationProtocol.HTTP,
        targets=[target],
        deregistration_delay=cdk.Duration.seconds(environment.ending.deregistration_seconds),
        load_balancing_algorithm_type=elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
        health_check=elb.HealthCheck(
            path=probe.ready_path,
            healthy_http_codes="200",
            interval=cdk.Duration.seconds(probe.interval_seconds),
            timeout=cdk.Duration.seconds(probe.timeout_seconds),
            healthy_threshold_count=probe.healthy_count,
            unhealthy_threshold_count=probe.unhealthy_count,
        ),
    )
