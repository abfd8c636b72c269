"""The subscription of a deployment, read from environment variables; it contains no sizes."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from infra.environments import holds_demo_key

LOCATION = "eastus"


class SubscriptionInvalid(Exception):
    """A required variable is missing, or a variable is invalid; the message never contains a secret."""

    def __init__(self, name: str, value: str, allowed: str):
        super().__init__(f"{name} must be {allowed}, not {value!r}" if value else f"{name} is required: {allowed}")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of one subscription; an empty text means that the resource is created, or does not exist."""

    location: str = LOCATION
    image_tag: str
    alarm_email: str = ""
    subnet_id: str = ""
    custom_domain: str = ""
    certificate_id: str = ""
    endpoint_name: str = ""
    model_key: bool = False
    """Whether the vault contains a key of the Azure ML endpoint."""
    deploy_ledger: bool = False
    """Whether scores and outcomes are kept, in a database of the deployment."""

    def parameters(self, environment: str) -> dict[str, dict[str, Any]]:
        """Returns the parameters of each template."""
        where = {"environmentName": environment, "location": self.location}
        return {
            "foundation": where | {"alarmEmail": self.alarm_email},
            "service": where
            | {
                "imageTag": self.image_tag,
                "infrastructureSubnetId": self.subnet_id,
                "customDomain": self.custom_domain,
                "certificateId": self.certificate_id,
                "useModelKey": self.model_key,
                "useLedger": self.deploy_ledger,
            },
            "model": where | {"imageTag": self.image_tag, "endpointName": self.endpoint_name},
        }


class Input(NamedTuple):
    """One variable."""

    name: str
    field: str
    pattern: str
    allowed: str
    default: str | None = ""
    """None if a value is required."""


INPUTS = (
    Input("AZURE_LOCATION", "location", r"[a-z0-9]+", "a region such as eastus", LOCATION),
    Input("IMAGE_TAG", "image_tag", r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", "the tag of an image in the registry", None),
    Input("ALARM_EMAIL", "alarm_email", r"[^@\s]+@[^@\s]+", "an email address for alarms"),
    Input("SUBNET_ID", "subnet_id", r"/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Network/"
          r"virtualNetworks/[^/\s]+/subnets/[^/\s]+", "the id of an existing subnet, instead of a new network"),
    Input("CUSTOM_DOMAIN", "custom_domain", r"[a-z0-9-]+(\.[a-z0-9-]+)+", "the domain name of the service"),
    Input("CERTIFICATE_ID", "certificate_id", r"/subscriptions/\S+/providers/Microsoft\.App/managedEnvironments/\S+",
          "the id of a certificate of the Container Apps environment for CUSTOM_DOMAIN"),
    Input("ENDPOINT_NAME", "endpoint_name", r"[A-Za-z][A-Za-z0-9-]{1,30}[A-Za-z0-9]",
          "3 to 32 letters, digits and hyphens", "lead-scoring-endpoint"),
    Input("MODEL_KEY", "model_key", r"true|false", "true or false", "false"),
    Input("DEPLOY_LEDGER", "deploy_ledger", r"true|false", "true or false", "false"),
)  # fmt: skip
"""All variables that are not secrets; docs/DEPLOYMENT.md lists those that operators set."""

SECRETS = {
    "API_KEYS": "apiKeys",
    "AZURE_ML_API_KEY": "modelKey",
    "LEDGER_PASSWORD": "ledgerPassword",
    "LEDGER_KEY": "ledgerKey",
}
"""The secret variables, and the parameters that pass them to the vault."""


def read_subscription(environ: Mapping[str, str]) -> Subscription:
    """Returns the subscription that these variables describe; raises ``SubscriptionInvalid`` for an invalid one."""
    found = msgspec.convert(
        {row.field: read_input(row, environ.get(row.name, "").strip()) for row in INPUTS}, Subscription, strict=False
    )
    if bool(found.custom_domain) != bool(found.certificate_id):
        missing = "CERTIFICATE_ID" if found.custom_domain else "CUSTOM_DOMAIN"
        raise SubscriptionInvalid(missing, "", "CUSTOM_DOMAIN and CERTIFICATE_ID must be set together")
    if found.deploy_ledger and found.subnet_id:
        raise SubscriptionInvalid(
            "DEPLOY_LEDGER", "true", "false with SUBNET_ID: the database needs a network of its own"
        )
    return found


def read_input(row: Input, text: str) -> str:
    """Returns the value of one variable."""
    text = text or row.default or ""
    if (text or row.default is None) and not re.fullmatch(row.pattern, text):
        raise SubscriptionInvalid(row.name, text, row.allowed)
    return text


def read_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns the secrets that are set, by parameter; raises ``SubscriptionInvalid`` for an invalid one."""
    given = {name: environ[name] for name in SECRETS if name in environ}
    for name, text in given.items():
        if holds_demo_key(text):
            raise SubscriptionInvalid(name, "the demo key", "secret")
        if not text.replace(",", "").strip() or not text.isascii() or not text.isprintable():
            raise SubscriptionInvalid(name, "", "keys of printable ASCII, separated by commas")
    return {SECRETS[name]: text for name, text in given.items()}
