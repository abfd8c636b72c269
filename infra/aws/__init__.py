"""The service on AWS, defined with the CDK: ``python -m infra.aws dev`` generates the CloudFormation templates."""
