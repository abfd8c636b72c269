"""The providers that MODEL_ENDPOINT_PROVIDER selects; a new provider needs one file and one row here."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from leadscoring.errors import CannotStart
from leadscoring.model.loaded import LoadedModel
from leadscoring.providers.local import Local
from leadscoring.providers.provider import Provider
from leadscoring.settings import Settings
from leadscoring.telemetry.metrics import Metrics

if TYPE_CHECKING:  # it imports the HTTP client
    from leadscoring.providers.wire import Wire


def local(model: LoadedModel, _settings: Settings, _metrics: Metrics) -> Provider:
    """Creates the provider that uses the engine in this process."""
    return Local(model.trees)


def sagemaker(model: LoadedModel, settings: Settings, metrics: Metrics) -> Provider:
    """Creates the provider for an endpoint of Amazon SageMaker."""
    from leadscoring.providers.remote import Remote
    from leadscoring.providers.sagemaker import SageMaker

    return Remote(SageMaker(settings, model.card.contract, wire=wire_of(settings)), model, settings, metrics)


def azure(model: LoadedModel, settings: Settings, metrics: Metrics) -> Provider:
    """Creates the provider for a managed online endpoint of Azure Machine Learning."""
    from leadscoring.providers.azure import Azure
    from leadscoring.providers.remote import Remote

    return Remote(Azure(settings, model.card.contract, wire=wire_of(settings)), model, settings, metrics)


def wire_of(settings: Settings) -> "type[Wire]":
    """Returns the HTTP client class: a traced one if tracing is on."""
    if settings.otel_traces:
        from leadscoring.providers.traced_wire import TracedWire

        return TracedWire
    from leadscoring.providers.wire import Wire

    return Wire


class Row(NamedTuple):
    """The factory of a provider and its dependencies."""

    make: Callable[[LoadedModel, Settings, Metrics], Provider]
    extra: str = ""
    """The extra of this package that installs its libraries."""

    modules: tuple[str, ...] = ()
    """The modules that the extra provides."""


PROVIDERS: dict[str, Row] = {
    "local": Row(local),
    "sagemaker": Row(sagemaker, "aws", ("aiohttp", "botocore")),
    "azure": Row(azure, "azure", ("aiohttp", "azure.identity")),
}


def check_installed(name: str) -> None:
    """Raises ``CannotStart`` if the libraries of a provider are not installed; does not import them."""
    row = PROVIDERS[name]
    missing = [module for module in row.modules if not is_installed(module)]
    if missing:
        raise CannotStart(
            f"MODEL_ENDPOINT_PROVIDER={name} needs {' and '.join(missing)}: pip install 'leadscoring[{row.extra}]'"
        )


def is_installed(module: str) -> bool:
    """Whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def provider_of(settings: Settings, model: LoadedModel, metrics: Metrics) -> Provider:
    """Creates the provider that the settings select. Raises ``CannotStart`` if its configuration is not usable."""
    check_installed(settings.model_endpoint_provider)
    return PROVIDERS[settings.model_endpoint_provider].make(model, settings, metrics)
