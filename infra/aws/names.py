"""The names of resources on AWS. Operators type them, so they are the same in every environment.

Two environments therefore cannot share an account and region.
"""

CLUSTER = "lead-scoring"
SERVICE = "lead-scoring-service"
LOG_GROUP = "/ecs/lead-scoring"
REPOSITORY = "lead-scoring-api"
CONTAINER = "api"
API_KEYS = "lead-scoring/api-keys"
LEDGER_PASSWORD = "lead-scoring/ledger-password"  # noqa: S105  # the name of the secret
LEDGER_KEY = "lead-scoring/ledger-key"
ENDPOINT = "lead-scoring-endpoint"
VARIANT = "blue"
BALANCER = "lead-scoring"
MODELS = "lead-scoring-models"
"""Prefix of the bucket's name; account and region follow, since names of buckets are global."""

METRICS = "LeadScoring"
DASHBOARD = "lead-scoring"

REGISTRY_STACK = "lead-scoring-registry"
SERVICE_STACK = "lead-scoring"
MODEL_STACK = "lead-scoring-model"


def alarm_name(symptom: str) -> str:
    """Returns the name of an alarm."""
    return f"lead-scoring-{symptom}"
