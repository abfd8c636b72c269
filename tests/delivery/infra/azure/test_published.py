"""Every property of every template is one that Azure publishes, of the type and among the values that it publishes.

The mutations are of the real files: a check that finds nothing in them would be worth nothing.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from infra.azure import __main__ as azure
from infra.azure.bicep import Making, Template, properties_of
from infra.azure.published import BY_HAND, MODELS, faults, versions
from infra.azure.syntax import BicepError
from infra.azure.values import Later, Resource
from pycep import BicepParser

FOLDER = azure.TEMPLATES
FILES = sorted(FOLDER.glob("*.bicep"))
Changed = Callable[[Callable[[dict[str, Any]], object]], Path]

EVERYTHING: dict[str, list[dict[str, Any]]] = {
    "foundation": [
        {"apiKeys": "a", "modelKey": "b", "ledgerPassword": "c", "ledgerKey": "d", "alarmEmail": "ops@example.com"},
        {},
    ],
    "service": [
        {"imageTag": "1.0.0"},
        {"imageTag": "1.0.0", "infrastructureSubnetId": "/subscriptions/s", "useModelKey": True},
        {"imageTag": "1.0.0", "useLedger": True},
        {"imageTag": "1.0.0", "customDomain": "leads.example.com", "certificateId": "/subscriptions/s"},
    ],
    "model": [{"imageTag": "1.0.0"}, {"imageTag": "1.0.0", "deployed": True}],
}
"""Parameters with which every branch of the templates is taken by one of them."""


def remote(environment: dict[str, Any]) -> None:
    """Lets an Azure ML endpoint score."""
    environment["settings"] |= {
        "MODEL_ENDPOINT_PROVIDER": "azure",
        "AZURE_ML_ENDPOINT_URL": "https://a.example.com/score",
    }


def makings(folder: Path, name: str) -> list[Making]:
    """Every template and module with all of these parameters, in one environment."""
    found: list[Making] = []
    for template, several in EVERYTHING.items():
        for given in several:
            making = Template(folder / f"{template}.bicep").made({"environmentName": name, **given})
            found += [making, *making.modules().values()]
    return found


@pytest.fixture(params=["local", "remote"])
def folder(request: pytest.FixtureRequest, changed: Changed) -> Path:
    """The templates as they are, and with a remote model."""
    return FOLDER if request.param == "local" else changed(remote)


def test_azure_knows_every_property_and_every_value(folder: Path, name: str) -> None:
    """By the models of its SDK: names, types, enumerations, and what only Azure may say."""
    assert [fault for making in makings(folder, name) for made in making.resources() for fault in faults(made)] == []


def test_nothing_that_is_written_down_goes_unchecked(changed: Changed) -> None:
    """Each property of each file is worked out by at least one of the parameters above."""
    places = {name: properties_of(Template(FOLDER / f"{name}.bicep")) for name in (file.stem for file in FILES)}
    seen: dict[str, set[int]] = {name: set() for name in places}
    for folder in (FOLDER, changed(remote)):
        for making in makings(folder, "prod"):
            making.resources()
            making.outputs()
            seen[making.template.file.stem] |= making.seen
    left = [text for name, found in places.items() for place, text in found.items() if place not in seen[name]]
    assert left == []


def test_every_type_is_in_a_version_that_the_sdk_speaks() -> None:
    """One version of each type, and none that is a preview but where there is no other."""
    found = {tuple(declared.kind.split("@")) for file in FILES for declared in Template(file).resources.values()}
    assert len({kind for kind, _ in found}) == len(found)
    for kind, version in found:
        if kind in BY_HAND:
            assert version.endswith("-preview")
        else:
            assert not version.endswith("-preview")
            assert f'"{version}"' in versions(kind), kind


def test_every_model_is_of_a_type_that_is_used() -> None:
    """A row that is left over would be believed to be checked."""
    used = {declared.kind.partition("@")[0] for file in FILES for declared in Template(file).resources.values()}
    assert used == set(MODELS) | set(BY_HAND)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_another_parser_reads_the_same(file: Path) -> None:
    """Two that know nothing of each other: the one that works values out, and pycep."""
    ours = Template(file)
    theirs: dict[str, Any] = dict(BicepParser().parse(text=file.read_text("utf-8")))
    for group, found in {
        "parameters": set(ours.parameters),
        "variables": set(ours.variables),
        "outputs": set(ours.outputs),
        "modules": set(ours.modules),
        "functions": set(ours.functions),
    }.items():
        assert set(theirs.get(group, {})) == found, group
    types = {symbol: f"{about['type']}@{about['api_version']}" for symbol, about in theirs.get("resources", {}).items()}
    assert types == {symbol: declared.kind for symbol, declared in ours.resources.items()}


MUTATIONS = [
    ("service", "targetPort: port", "targetPrt: port", "ingress.targetPrt is unknown; did you mean targetPort"),
    ("service", "external: true", "external: 'true'", "external must be of bool"),
    ("service", "activeRevisionsMode: 'Single'", "activeRevisionsMode: 'One'", "must be one of Multiple, Single"),
    ("service", "cpu: json(processors)", "cpu: processors", "cpu must be of float"),
    ("service", "transport: 'http'", "transport: 'https'", "transport must be one of auto, http, http2, tcp"),
    ("service", "type: 'Readiness'", "type: 'Ready'", "type must be one of Liveness, Readiness, Startup"),
    ("service", "cooldownPeriod:", "coolDownPeriod:", "scale.coolDownPeriod is unknown; did you mean cooldownPeriod"),
    ("service", "concurrentRequests: string(size.scaling.concurrent_requests)",
     "concurrentRequests: size.scaling.concurrent_requests", "concurrentRequests must be of str, not"),
    ("service", "properties: {\n    environmentId:", "properties: {\n    latestRevisionName: 'a'\n    environmentId:",
     "latestRevisionName is read-only"),
    ("foundation", "enablePurgeProtection: true", "purgeProtection: true", "purgeProtection is unknown"),
    ("foundation", "adminUserEnabled: false", "adminUserEnabled: 0", "adminUserEnabled must be of bool"),
    ("foundation", "name: 'standard'", "name: 'Standard'", "must be one of standard, premium"),
    ("foundation", "principalType: 'ServicePrincipal'", "principalType: 'Identity'", "must be one of User, Group"),
    ("foundation", "    principalId: operatorId\n", "", "mayRotateKeys.properties.principalId is required"),
    ("foundation", "categoryGroup: 'audit'", "categoryGroups: 'audit'", "categoryGroups is unknown"),
    ("network", "serviceName:", "servicename:", "servicename is unknown; did you mean serviceName"),
    ("alerts", "operator: 'LessThan'", "operator: 'Below'", "operator must be one of Equals, GreaterThan"),
    ("alerts", "criterionType: 'Static", "criterionType: 'Dynamic", "criterionType must be StaticThresholdCriterion"),
    ("alerts", "severity: 0", "severity: '0'", "severity must be one of 0, 1, 2, 3, 4"),
    ("alerts", "skipQueryValidation: true", "skipQueryValidation: 'yes'", "skipQueryValidation must be of bool"),
    ("alerts", "Monitor.SingleResource", "Monitor.OneResource", "odata.type must be one of"),
    ("model", "authMode: 'AADToken'", "authMode: 'Token'", "authMode must be one of AMLToken, Key, AADToken"),
    ("model", "endpointComputeType: 'Managed'", "endpointComputeType: 'Own'", "endpointComputeType must be one of"),
    ("model", "instanceType:", "instanceTypes:", "instanceTypes is unknown; did you mean instanceType"),
    ("model", "capacity: machines.min_instances", "capacity: '1'", "capacity must be of int"),
    ("model", "osType: 'Linux'", "osType: 'linux'", "osType must be one of Linux, Windows"),
]  # fmt: skip
"""A file, something in it, what stands there instead, and what is said about it."""


@pytest.mark.parametrize(("file", "right", "wrong", "said"), MUTATIONS, ids=[wrong for _, _, wrong, _ in MUTATIONS])
def test_what_azure_does_not_know_is_found(file: str, right: str, wrong: str, said: str) -> None:
    """A property with a typing error, a value of another type, a value that is not among those allowed."""
    text = (FOLDER / f"{file}.bicep").read_text("utf-8")
    assert right in text
    template = Template(FOLDER / f"{file}.bicep", text.replace(right, wrong))
    given = {"environmentName": "dev", "imageTag": "1.0.0", "location": "eastus", "tags": {}, "appId": "a",
             "workspaceId": "b"}  # fmt: skip
    making = template.made({name: value for name, value in given.items() if name in template.parameters})
    found = [fault for made in making.resources() for fault in faults(made)]
    assert any(said in fault for fault in found), found


def test_a_type_that_nothing_is_published_of_is_found() -> None:
    """It would pass unchecked otherwise."""
    assert faults(Resource("x", "Microsoft.App/apps", "2026-07-01", {})) == [
        "x: the type Microsoft.App/apps is not in MODELS"
    ]


def test_what_only_azure_knows_is_of_any_type_but_has_to_have_a_name() -> None:
    """An id is taken everywhere; a property that holds one is still looked up."""
    body = {"location": "eastus", "properties": {"environmentId": Later("environment.id"), "environmentID": Later("x")}}
    assert faults(Resource("app", "Microsoft.App/containerApps", "2026-07-01", body)) == [
        "app.properties.environmentID is unknown; did you mean environmentId?"
    ]


@pytest.mark.parametrize(("text", "said"), [
    ("param x string = ", "is not valid Bicep"),
    ("var x = [\n", "is not valid Bicep"),
    ("var a = b\noutput o string = a\n", "b is not defined"),
    ("var a = { b: 1 }\noutput o int = a.c\n", "KeyError"),
    ("var a = unheardOf(1)\noutput o int = a\n", "unheardOf"),
    ("param a string\noutput o string = a\n", "a is required"),
])  # fmt: skip
def test_a_template_that_cannot_be_read_says_where(text: str, said: str) -> None:
    """With its file and line."""
    with pytest.raises(BicepError, match=rf"^x\.bicep:\d+: .*{said}"):
        Template(Path("x.bicep"), text).made({}).outputs()


def test_a_parameter_that_a_template_does_not_have_is_refused() -> None:
    """Modules among them."""
    with pytest.raises(BicepError, match="has no parameter size"):
        Template(Path("x.bicep"), "param a string\n").made({"size": 1})


def test_operations_bind_as_azure_binds_them() -> None:
    """What follows the last part of an operation belongs to that part alone."""
    text = "var a = { n: 3, t: true }\noutput x int = 2 * a.n\noutput y string = false ? '' : a.t ? 'p' : 'q'\n"
    assert Template(Path("x.bicep"), text.replace(": a.t ?", ": (a.t ?").replace("'q'", "'q')")).made({}).outputs() == {
        "x": 6,
        "y": "p",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_parameter_is_described_and_no_secret_is_told(file: Path) -> None:
    """A secret is marked as one, has no default but nothing, and is no output."""
    template = Template(file)
    for symbol, parameter in template.parameters.items():
        assert parameter.marks.get("description", [""])[0], symbol
        if re.search(r"(?i)keys?$|secret|password", symbol) and parameter.kind == "string":
            assert "secure" in parameter.marks, symbol
            assert parameter.value is not None, symbol
            assert (parameter.value.text or b"") == b"''", symbol
    secrets = [symbol for symbol, parameter in template.parameters.items() if "secure" in parameter.marks]
    for output in template.outputs.values():
        told = (output.node.text or b"").decode()
        assert not re.search(r"list\w*\(|sharedKey|" + "|".join(secrets or ["password"]), told), told
