"""The chart stands on what is there already, without a second copy; it is rendered in `tests/delivery/infra/chart`."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from infra.environments import ELSEWHERE, FILE, Environment, read_environments
from infra.kubernetes.values import CHART, SCHEMA, USED, overrides, schema, schema_text
from jsonschema import Draft7Validator
from project import ROOT

from leadscoring.settings import DEMO_KEY, TABLE

VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
TEMPLATES = {path.name: path.read_text("utf-8") for path in (CHART / "templates").iterdir()}


def test_the_schema_of_values_is_fresh() -> None:
    """`python -m infra.kubernetes` writes it, and `make docs` does."""
    assert SCHEMA.read_text("utf-8") == schema_text()


def test_the_schema_is_one_and_takes_the_values() -> None:
    """In the version that every Helm knows; it refuses a word too many."""
    made = schema()
    Draft7Validator.check_schema(made)
    assert made["$schema"] == Draft7Validator.META_SCHEMA["$schema"]
    assert [fault.message for fault in Draft7Validator(made).iter_errors(VALUES)] == []
    assert not Draft7Validator(made).is_valid(VALUES | {"replicas": 3})


def test_the_chart_has_the_version_of_the_project() -> None:
    """Its own, and that of the image which it deploys unless told otherwise."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["version"], chart["appVersion"]) == (project["version"], project["version"])


@pytest.mark.parametrize(("link", "target"), [
    ("files/environments.json", FILE),
    ("files/rules", ROOT / "monitoring" / "prometheus" / "rules"),
])  # fmt: skip
def test_sizes_and_rules_are_linked_and_in_no_second_place(link: str, target: Path) -> None:
    """By a relative link, which works in every clone."""
    path = CHART / link
    assert path.is_symlink()
    assert not path.readlink().is_absolute()
    assert path.resolve() == target.resolve()


def paths_of(values: dict[str, Any], properties: dict[str, Any]) -> tuple[set[str], set[str]]:
    """What the values hold and what the schema allows, one level into each object that the schema closes."""
    held, allowed = set(values), set(properties)
    for name, part in properties.items():
        if part.get("additionalProperties") is False and name != "overrides":
            held |= {f"{name}.{inner}" for inner in values[name]}
            allowed |= {f"{name}.{inner}" for inner in part["properties"]}
    return held, allowed


def test_the_values_name_all_that_the_schema_allows() -> None:
    """So that whoever reads them misses nothing; `global` is Helm's own."""
    held, allowed = paths_of(VALUES, schema()["properties"])
    assert held == allowed - {"global"}


def test_every_value_is_used_by_a_template() -> None:
    """One that changes nothing would be believed."""
    text = "\n".join(TEMPLATES.values())
    assert not [name for name in VALUES if f".Values.{name}" not in text and f"$v.{name}" not in text]


def test_what_may_be_different_is_what_the_templates_use() -> None:
    """And nothing that only other clouds know."""
    text = "\n".join(TEMPLATES.values())
    used = set(re.findall(r"\$e\.(\w+)", text))
    assert used == set(USED)
    assert used <= set(Environment.__struct_fields__)
    assert set(re.findall(r"\$probe\.(\w+)", text)) == set(USED["probe"])
    assert set(re.findall(r"\$(?:e\.settings|s)\.(\w+)", text)) <= {row.name for row in TABLE}
    for name in ("ending", "scaling"):
        assert set(re.findall(rf"\$e\.{name}\.(\w+)", text)) == set(USED[name]), name


def test_every_setting_but_secrets_may_be_different() -> None:
    """A new one is allowed as soon as the service knows it."""
    allowed = set(overrides()["properties"]["settings"]["properties"])
    assert allowed == {row.name for row in TABLE} - set(ELSEWHERE)
    assert not allowed & {row.name for row in TABLE if row.secret}


def test_the_chart_sets_no_setting_that_the_service_does_not_know() -> None:
    """Those that it names itself, beside those of the file of environments."""
    named = set(re.findall(r"- name: ([A-Z][A-Z_]+)$", TEMPLATES["deployment.yaml"], re.MULTILINE))
    of_ledger = {"LEDGER", "LEDGER_KEY_FILE", "LEDGER_TAPE_PATH", "LEDGER_TAPE_BYTES"}
    assert named == {"LOG_LEVEL", "API_KEYS", "API_KEYS_FILE", "AZURE_ML_API_KEY", "MODEL_PATH"} | of_ledger
    assert named <= {row.name for row in TABLE}


def test_the_demo_key_that_is_refused_is_the_one_that_the_service_knows() -> None:
    """And it stands in no value."""
    assert f'contains "{DEMO_KEY}"' in TEMPLATES["_helpers.tpl"]
    assert DEMO_KEY not in (CHART / "values.yaml").read_text("utf-8")


def test_every_environment_has_a_chart() -> None:
    """The one that is taken unless told otherwise is there, and is not the one for trying."""
    assert VALUES["environment"] in read_environments()
    assert VALUES["environment"] != "dev"
