"""Validates resources against the models of Azure's SDK: names, types and values of properties.

It reads both generations of generated classes: those with ``_attribute_map``, and those whose fields are
``rest_field``. The values of enumerations are in the types of constructors and fields.
"""

import importlib
import inspect
import sys
import types
import typing
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from enum import Enum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from infra.azure.values import Later, Resource

ML = "Microsoft.MachineLearningServices/workspaces"
MODELS = {
    "Microsoft.App/containerApps": ("appcontainers.models", "ContainerApp"),
    "Microsoft.App/managedEnvironments": ("appcontainers.models", "ManagedEnvironment"),
    "Microsoft.Authorization/roleAssignments": ("authorization.v2022_04_01.models", "RoleAssignmentCreateParameters"),
    "Microsoft.Authorization/roleDefinitions": ("authorization.v2022_04_01.models", "RoleDefinition"),
    "Microsoft.ContainerRegistry/registries": ("containerregistry.models", "Registry"),
    "Microsoft.DBforPostgreSQL/flexibleServers": ("postgresqlflexibleservers.models", "Server"),
    "Microsoft.DBforPostgreSQL/flexibleServers/databases": ("postgresqlflexibleservers.models", "Database"),
    "Microsoft.Insights/actionGroups": ("monitor.models", "ActionGroupResource"),
    "Microsoft.Insights/autoscaleSettings": ("monitor.models", "AutoscaleSettingResource"),
    "Microsoft.Insights/components": ("applicationinsights.v2020_02_02.models", "ApplicationInsightsComponent"),
    "Microsoft.Insights/metricAlerts": ("monitor.models", "MetricAlertResource"),
    "Microsoft.Insights/scheduledQueryRules": ("monitor.models", "ScheduledQueryRuleResource"),
    "Microsoft.KeyVault/vaults": ("keyvault.models", "VaultCreateOrUpdateParameters"),
    "Microsoft.KeyVault/vaults/secrets": ("keyvault.models", "SecretCreateOrUpdateParameters"),
    ML: ("machinelearningservices.models", "Workspace"),
    f"{ML}/environments": ("machinelearningservices.models", "EnvironmentContainer"),
    f"{ML}/environments/versions": ("machinelearningservices.models", "EnvironmentVersion"),
    f"{ML}/onlineEndpoints": ("machinelearningservices.models", "OnlineEndpoint"),
    f"{ML}/onlineEndpoints/deployments": ("machinelearningservices.models", "OnlineDeployment"),
    "Microsoft.ManagedIdentity/userAssignedIdentities": ("msi.v2024_11_30.models", "Identity"),
    "Microsoft.Network/privateDnsZones": ("privatedns.models", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns.models", "VirtualNetworkLink"),
    "Microsoft.Network/virtualNetworks": ("network.models", "VirtualNetwork"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics.models", "Workspace"),
    "Microsoft.Storage/storageAccounts": ("storage.models", "StorageAccountCreateParameters"),
}
"""The class of each type of resource, below ``azure.mgmt``."""

OURS = frozenset({"name", "parent", "scope", "dependsOn"})
"""Properties of a resource that Bicep itself uses, which are not part of the body."""

TEXTS = (str, datetime, timedelta, time)
"""Types whose values are written as text."""


class Field(NamedTuple):
    """The type and constraints of one property."""

    kind: Any
    """A type: a class of the SDK, an enumeration, ``list[...]`` and the like."""
    needed: bool = False
    fixed: bool = False
    """The property is read-only."""


Fields = dict[str, "Field | Fields"]
"""Properties by their name in requests to Azure; a dictionary is an object without a class."""

LOG: Fields = {"category": Field(str), "categoryGroup": Field(str), "enabled": Field(bool, needed=True)}
BY_HAND: dict[str, Fields] = {
    "Microsoft.Insights/diagnosticSettings": {
        "properties": {
            "workspaceId": Field(str),
            "logs": Field(list[typing.Annotated[object, LOG]]),
            "metrics": Field(list[typing.Annotated[object, {"category": Field(str), "enabled": Field(bool, True)}]]),
        }
    }
}
"""Types that the SDK no longer has: diagnostic settings, whose only version in use is a preview."""


def faults(made: Resource) -> list[str]:
    """Returns the faults of a resource; none if Azure accepts it."""
    body = {name: value for name, value in made.body.items() if name not in OURS}
    if made.kind in BY_HAND:
        return list(of_fields(body, BY_HAND[made.kind], made.symbol))
    if made.kind not in MODELS:
        return [f"{made.symbol}: the type {made.kind} is not in MODELS"]
    module, name = MODELS[made.kind]
    kind = getattr(sdk(module), name)
    return list(of_fields(body, fields(kind), made.symbol))


@cache
def sdk(models: str) -> Any:
    """Imports a package of models without the clients around it, which would take ten times as long."""
    *around, last = f"azure.mgmt.{models}".split(".")
    for count in range(3, len(around) + 1):
        name = ".".join(around[:count])
        spec = find_spec(name)
        if spec is None or name in sys.modules:
            continue
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = spec.submodule_search_locations or []
    with warnings.catch_warnings():
        # Python warns about a backslash in a generated comment when it first compiles it.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(".".join([*around, last]))


def versions(kind: str) -> str:
    """Returns the source of the SDK of a type, which names the API versions that it supports."""
    package = Path(sdk(MODELS[kind][0]).__path__[0]).parent
    return "".join(file.read_text("utf-8") for file in [*package.glob("*.py"), *package.glob("operations/*.py")])


def of_fields(value: object, known: Fields, where: str) -> Iterator[str]:
    """Yields the faults of an object with these properties."""
    if isinstance(value, Later):
        return
    if not isinstance(value, dict):
        yield f"{where} must be an object, not {value!r}"
        return
    for name, part in value.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            yield f"{where}.{name} is unknown" + (f"; did you mean {close[0]}?" if close else "")
        else:
            yield from of_field(part, known[name], f"{where}.{name}")
    for name, field in known.items():
        if name not in value and isinstance(field, Field) and field.needed and not field.fixed:
            yield f"{where}.{name} is required"


def of_field(value: object, field: "Field | Fields", where: str) -> Iterator[str]:
    """Yields the faults of one property."""
    if isinstance(field, dict):
        yield from of_fields(value, field, where)
    elif field.fixed:
        yield f"{where} is read-only"
    else:
        yield from of_kind(value, field.kind, where)


def of_kind(value: object, kind: Any, where: str) -> Iterator[str]:
    """Yields the faults of a value for a type."""
    if isinstance(value, Later):
        return
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        yield from of_fields(value, arguments[1], where)
    elif origin in (typing.Union, types.UnionType):
        yield from of_union(value, arguments, where)
    elif origin is list:
        yield from of_list(value, arguments[0], where)
    elif origin is dict:
        yield from of_map(value, arguments[1], where)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        allowed = [member.value for member in kind]
        if value not in allowed:
            yield f"{where} must be one of {', '.join(map(str, allowed))}, not {value!r}"
    elif is_model(kind):
        yield from of_model(value, kind, where)
    elif not is_simple(value, kind):
        yield f"{where} must be of {getattr(kind, '__name__', kind)}, not {value!r}"


def of_model(value: object, kind: Any, where: str) -> Iterator[str]:
    """Yields the faults of an object for a class of the SDK; a discriminator property selects the subclass."""
    family = vars(kind).get("_subtype_map", {}) if isinstance(value, dict) else {}
    for attribute, names in family.items():
        told = kind._attribute_map[attribute]["key"].replace("\\.", ".")
        name = typing.cast("dict[str, Any]", value).get(told)
        if name not in names:
            yield f"{where}.{told} must be one of {', '.join(names)}, not {name!r}"
        else:
            yield from of_model(value, getattr(inspect.getmodule(kind), names[name]), where)
        return
    yield from of_name(value, kind, where)
    yield from of_fields(value, fields(kind), where)


def of_name(value: object, kind: Any, where: str) -> Iterator[str]:
    """Yields the fault of an object whose discriminator property is missing or selects another class."""
    for owner in kind.__mro__[1:] if isinstance(value, dict) else ():
        for attribute, names in vars(owner).get("_subtype_map", {}).items():
            told = owner._attribute_map[attribute]["key"].replace("\\.", ".")
            allowed = [name for name, which in names.items() if which == kind.__name__]
            name = typing.cast("dict[str, Any]", value).get(told)
            if allowed and name not in allowed:
                yield f"{where}.{told} must be {', '.join(allowed)}, not {name!r}"


def of_union(value: object, kinds: tuple[Any, ...], where: str) -> Iterator[str]:
    """Yields the faults for a union. ``str`` in a union with an enumeration only means that the latter may grow."""
    wanted = [kind for kind in kinds if kind is not type(None)]
    closed = [kind for kind in wanted if isinstance(kind, type) and issubclass(kind, Enum)] or wanted
    found = [list(of_kind(value, kind, where)) for kind in closed]
    if all(found):
        yield from min(found, key=len)


def of_list(value: object, kind: Any, where: str) -> Iterator[str]:
    """Yields the faults of a value for a list type."""
    if not isinstance(value, list):
        yield f"{where} must be a list, not {value!r}"
        return
    for index, part in enumerate(value):
        yield from of_kind(part, kind, f"{where}[{index}]")


def of_map(value: object, kind: Any, where: str) -> Iterator[str]:
    """Yields the faults of a value for a dictionary with arbitrary keys."""
    if not isinstance(value, dict):
        yield f"{where} must be an object, not {value!r}"
        return
    for name, part in value.items():
        yield from of_kind(part, kind, f"{where}.{name}")


def is_simple(value: object, kind: Any) -> bool:
    """Whether a literal is of a simple type."""
    if kind in (Any, object):
        return True
    if kind in TEXTS:
        return isinstance(value, str)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is bool:
        return isinstance(value, bool)
    if typing.get_origin(kind) is typing.Literal:
        return value in typing.get_args(kind)
    raise TypeError(f"{kind} is not supported")


def is_model(kind: Any) -> bool:
    """Whether a type is a model class of the SDK."""
    return isinstance(kind, type) and (hasattr(kind, "_attribute_map") or hasattr(kind, "_is_model"))


@cache
def fields(kind: type) -> Fields:
    """Returns the properties of a class."""
    return dict(mapped(kind)) if hasattr(kind, "_attribute_map") else dict(declared(kind))


def mapped(kind: Any) -> Mapping[str, "Field | Fields"]:
    """Returns the properties of a class of the older generation, in which names with dots are nested objects."""
    hints = hints_of(kind.__init__)
    made: Fields = {}
    for attribute, about in kind._attribute_map.items():
        if not about["key"]:  # additional properties without a name are not part of the model
            continue
        rules = kind._validation.get(attribute, {})
        path = about["key"].replace("\\.", "\0").split(".")
        inner = made
        for part in path[:-1]:
            inner = typing.cast("Fields", inner.setdefault(part.replace("\0", "."), {}))
        field = Field(
            hints.get(attribute) or simple(about["type"]), bool(rules.get("required")), bool(rules.get("readonly"))
        )
        inner[path[-1].replace("\0", ".")] = field
    return made


def simple(name: str) -> Any:
    """Returns the type of a property that is not a constructor argument: read-only ones, and discriminators."""
    return {"bool": bool, "int": int, "float": float}.get(name, str)


def declared(kind: Any) -> Mapping[str, "Field | Fields"]:
    """Returns the properties of a class of the newer generation, whose fields are attributes."""
    hints = hints_of(kind)
    made: Fields = {}
    for owner in reversed(kind.__mro__):
        for attribute, about in vars(owner).items():
            if type(about).__name__ != "_RestField":
                continue
            hint = hints[attribute]
            needed = type(None) not in typing.get_args(hint)
            made[about._rest_name_input or attribute] = Field(hint, needed, about._visibility == ["read"])
    return made


def hints_of(described: Any) -> dict[str, Any]:
    """Returns the type hints of a class or constructor, resolved in its module and in the package of models."""
    owners = described.__mro__ if isinstance(described, type) else [described]
    known: dict[str, Any] = {"datetime": importlib.import_module("datetime")}
    for owner in owners:
        package = owner.__module__.rpartition(".")[0]
        if "azure.mgmt" in package and package.endswith("models"):
            models = importlib.import_module(package)
            known |= vars(models) | {"_models": models, "JSON": Any}
    return typing.get_type_hints(described, localns=known)
