"""The providers that MODEL_ENDPOINT_PROVIDER can name: a new one is one file and one row here."""

from collections.abc import Callable

from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Provider

PROVIDERS: dict[str, Callable[[LoadedModel], Provider]] = {
    "local": lambda model: Local(model.trees),
}
