"""What things are called on AWS. Operators type these names, so they are the same in every environment.

Two environments therefore never share an account and region.
"""

CLUSTER = "lead-scoring"
SERVICE = "lead-scoring-service"
LOG_GROUP = "/ecs/lead-scoring"
REPOSITORY = "lead-scoring-api"
CONTAINER = "api"
API_KEYS = "lead-scoring/api-keys"
ENDPOINT = "lead-scoring-endpoint"
VARIANT = "blue"
BALANCER = "lead-scoring"
MODELS = "lead-scoring-models"
"""Of the bucket; account and region follow, since names of buckets are shared by everyone."""

METRICS = "LeadScoring"
DASHBOARD = "lead-scoring"

REGISTRY_STACK = "lead-scoring-registry"
SERVICE_STACK = "lead-scoring"
MODEL_STACK = "lead-scoring-model"


def alarm_name(symptom: str) -> str:
    """What an alarm is called."""
    return f"lead-scoring-{symptom}"
