"""Holds resources against what Azure publishes: the models of its SDK, with their names, types and values.

Two generations of generated classes are read: those with ``_attribute_map``, and those whose fields are ``rest_field``.
The values of enumerations stand in the types of their constructors, and in those of their fields.
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
    "Microsoft.Network/virtualNetworks": ("network.models", "VirtualNetwork"),
    "Microsoft.OperationalInsights/workspaces": ("loganalytics.models", "Workspace"),
    "Microsoft.Storage/storageAccounts": ("storage.models", "StorageAccountCreateParameters"),
}
"""The class of each type of resource, below ``azure.mgmt``."""

OURS = frozenset({"name", "parent", "scope", "dependsOn"})
"""What Bicep itself takes of a resource, beside its body."""

TEXTS = (str, datetime, timedelta, time)
"""What is written as a text."""


class Field(NamedTuple):
    """One property, as it may be written."""

    kind: Any
    """A type: a class of the SDK's, an enumeration, ``list[...]`` and the like."""
    needed: bool = False
    fixed: bool = False
    """Azure says it, and takes it from nobody."""


Fields = dict[str, "Field | Fields"]
"""Properties by the name that Azure reads; a dictionary is an object without a class of its own."""

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
"""What the SDK no longer has: settings of what is kept, whose only version in use is a preview."""


def faults(made: Resource) -> list[str]:
    """Everything about a resource that Azure does not know: nothing, when it may be sent."""
    body = {name: value for name, value in made.body.items() if name not in OURS}
    if made.kind in BY_HAND:
        return list(of_fields(body, BY_HAND[made.kind], made.symbol))
    if made.kind not in MODELS:
        return [f"{made.symbol}: nothing is published of {made.kind}"]
    module, name = MODELS[made.kind]
    kind = getattr(sdk(module), name)
    return list(of_fields(body, fields(kind), made.symbol))


@cache
def sdk(models: str) -> Any:
    """A package of models. The clients around it would take ten times as long to load, and are left out."""
    *around, last = f"azure.mgmt.{models}".split(".")
    for count in range(3, len(around) + 1):
        name = ".".join(around[:count])
        spec = find_spec(name)
        if spec is None or name in sys.modules:
            continue
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = spec.submodule_search_locations or []
    with warnings.catch_warnings():
        # Python warns of a backslash in a generated comment, the first time that it compiles it.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(".".join([*around, last]))


def versions(kind: str) -> str:
    """The versions of the API that the SDK of a type speaks, as its source names them."""
    package = Path(sdk(MODELS[kind][0]).__path__[0]).parent
    return "".join(file.read_text("utf-8") for file in [*package.glob("*.py"), *package.glob("operations/*.py")])


def of_fields(value: object, known: Fields, where: str) -> Iterator[str]:
    """The faults of an object whose properties are known."""
    if isinstance(value, Later):
        return
    if not isinstance(value, dict):
        yield f"{where} must be an object, not {value!r}"
        return
    for name, part in value.items():
        if name not in known:
            close = get_close_matches(name, known, 1)
            yield f"{where}.{name} is not known" + (f"; {close[0]} is" if close else "")
        else:
            yield from of_field(part, known[name], f"{where}.{name}")
    for name, field in known.items():
        if name not in value and isinstance(field, Field) and field.needed and not field.fixed:
            yield f"{where}.{name} is needed"


def of_field(value: object, field: "Field | Fields", where: str) -> Iterator[str]:
    """The faults of one property."""
    if isinstance(field, dict):
        yield from of_fields(value, field, where)
    elif field.fixed:
        yield f"{where} is Azure's to say"
    else:
        yield from of_kind(value, field.kind, where)


def of_kind(value: object, kind: Any, where: str) -> Iterator[str]:
    """The faults of a value that should be of a type."""
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
    """The faults of an object of the SDK's; of a family of classes the one counts that a property names."""
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
    """The fault of an object that is taken for one class of a family, and names none or another."""
    for owner in kind.__mro__[1:] if isinstance(value, dict) else ():
        for attribute, names in vars(owner).get("_subtype_map", {}).items():
            told = owner._attribute_map[attribute]["key"].replace("\\.", ".")
            allowed = [name for name, which in names.items() if which == kind.__name__]
            name = typing.cast("dict[str, Any]", value).get(told)
            if allowed and name not in allowed:
                yield f"{where}.{told} must be {', '.join(allowed)}, not {name!r}"


def of_union(value: object, kinds: tuple[Any, ...], where: str) -> Iterator[str]:
    """One of several types. ``str`` beside an enumeration only says that the latter may grow."""
    wanted = [kind for kind in kinds if kind is not type(None)]
    closed = [kind for kind in wanted if isinstance(kind, type) and issubclass(kind, Enum)] or wanted
    found = [list(of_kind(value, kind, where)) for kind in closed]
    if all(found):
        yield from min(found, key=len)


def of_list(value: object, kind: Any, where: str) -> Iterator[str]:
    """The faults of what should be a list."""
    if not isinstance(value, list):
        yield f"{where} must be a list, not {value!r}"
        return
    for index, part in enumerate(value):
        yield from of_kind(part, kind, f"{where}[{index}]")


def of_map(value: object, kind: Any, where: str) -> Iterator[str]:
    """The faults of what should be values by names of any kind."""
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
    raise TypeError(f"{kind} is not understood")


def is_model(kind: Any) -> bool:
    """Whether a class of the SDK's describes an object."""
    return isinstance(kind, type) and (hasattr(kind, "_attribute_map") or hasattr(kind, "_is_model"))


@cache
def fields(kind: type) -> Fields:
    """The properties of a class."""
    return dict(mapped(kind)) if hasattr(kind, "_attribute_map") else dict(declared(kind))


def mapped(kind: Any) -> Mapping[str, "Field | Fields"]:
    """Of the older generation: names with dots are objects inside of objects."""
    hints = hints_of(kind.__init__)
    made: Fields = {}
    for attribute, about in kind._attribute_map.items():
        if not about["key"]:  # what a class lets pass without a name is not published
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
    """The type of a property that no constructor takes: those that Azure says, and those that tell classes apart."""
    return {"bool": bool, "int": int, "float": float}.get(name, str)


def declared(kind: Any) -> Mapping[str, "Field | Fields"]:
    """Of the newer generation, whose fields are attributes."""
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
    """The types that a class or a constructor names. Its own module has most of them, the package of models all."""
    owners = described.__mro__ if isinstance(described, type) else [described]
    known: dict[str, Any] = {"datetime": importlib.import_module("datetime")}
    for owner in owners:
        package = owner.__module__.rpartition(".")[0]
        if "azure.mgmt" in package and package.endswith("models"):
            models = importlib.import_module(package)
            known |= vars(models) | {"_models": models, "JSON": Any}
    return typing.get_type_hints(described, localns=known)
