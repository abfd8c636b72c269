"""The account of a deployment, read from environment variables; it contains no sizes and no secrets."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

REGION = "us-east-1"


class AccountInvalid(Exception):
    """A required variable is missing, or a variable is invalid."""

    def __init__(self, name: str, value: str, allowed: str):
        super().__init__(f"{name} must be {allowed}, not {value!r}" if value else f"{name} is required: {allowed}")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of one account; an empty text or tuple means that the deployment creates the resource."""

    region: str = REGION
    image_tag: str
    certificate_arn: str
    vpc_id: str = ""
    public_subnets: tuple[str, ...] = ()
    private_subnets: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    api_keys_secret_arn: str = ""
    alarm_email: str = ""
    model_data_key: str = ""
    deploy_ledger: bool = False
    """Whether scores and outcomes are kept, in a database of the deployment."""


class Input(NamedTuple):
    """One variable."""

    name: str
    field: str
    pattern: str
    allowed: str
    default: str | None = ""
    """None if a value is required."""
    several: bool = False


INPUTS = (
    Input("AWS_REGION", "region", r"[a-z]{2}(-[a-z]+)+-\d{1,2}", "a region such as us-east-1", REGION),
    Input("IMAGE_TAG", "image_tag", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "the tag of an image in ECR", None),
    Input("CERTIFICATE_ARN", "certificate_arn", r"arn:[a-z-]+:acm:[a-z0-9-]+:\d{12}:certificate/[a-z0-9-]+",
          "the ARN of a certificate in ACM, in the same region, for the domain name of the service", None),
    Input("VPC_ID", "vpc_id", r"vpc-[0-9a-f]+", "the id of an existing network, instead of a new one"),
    Input("VPC_PUBLIC_SUBNETS", "public_subnets", r"subnet-[0-9a-f]+", "ids of subnets, separated by commas",
          several=True),
    Input("VPC_PRIVATE_SUBNETS", "private_subnets", r"subnet-[0-9a-f]+", "ids of subnets, separated by commas",
          several=True),
    Input("VPC_ZONES", "zones", r"[a-z0-9-]+", "the zones of these subnets in their order, separated by commas",
          several=True),
    Input("API_KEYS_SECRET_ARN", "api_keys_secret_arn", r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+",
          "the ARN of an existing secret with the keys, separated by commas, instead of a new one"),
    Input("ALARM_EMAIL", "alarm_email", r"[^@\s]+@[^@\s]+", "an email address for alarms"),
    Input("MODEL_DATA_KEY", "model_data_key", r"[A-Za-z0-9/._-]+\.tar\.gz",
          "the key of the model archive in the bucket of models, which only the model's stack uses"),
    Input("DEPLOY_LEDGER", "deploy_ledger", r"true|false", "true or false", "false"),
)  # fmt: skip
"""All variables that synthesis reads; docs/DEPLOYMENT.md has the same list."""

NETWORK = ("VPC_ID", "VPC_PUBLIC_SUBNETS", "VPC_PRIVATE_SUBNETS", "VPC_ZONES")


def read_account(environ: Mapping[str, str]) -> Account:
    """Returns the account that these variables describe; raises ``AccountInvalid`` for the first invalid one."""
    given = {row.field: read_input(row, environ.get(row.name, "").strip()) for row in INPUTS}
    account = msgspec.convert(given, Account, strict=False)
    if account.vpc_id:
        counts = {len(account.zones), len(account.public_subnets), len(account.private_subnets)}
        if counts != {len(account.zones)} or len(account.zones) < 2:
            raise AccountInvalid("VPC_ZONES", ",".join(account.zones),
                                 "at least two zones, each with one public and one private subnet")  # fmt: skip
    elif account.zones or account.public_subnets or account.private_subnets:
        raise AccountInvalid("VPC_ID", "", "the id of the network of the subnets")
    return account


def read_input(row: Input, text: str) -> str | tuple[str, ...]:
    """Returns the value of one variable."""
    text = text or row.default or ""
    if not text and row.default is None:
        raise AccountInvalid(row.name, "", row.allowed)
    parts = tuple(part.strip() for part in text.split(",") if part.strip()) if row.several else (text,) * bool(text)
    if not all(re.fullmatch(row.pattern, part) for part in parts):
        raise AccountInvalid(row.name, text, row.allowed)
    return parts if row.several else text
