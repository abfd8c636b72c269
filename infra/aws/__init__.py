"""The service on AWS, written with the CDK: ``python -m infra.aws dev`` makes the CloudFormation templates."""
