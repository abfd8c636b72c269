"""What a deployment is told about its subscription is checked before anything is made, and secrets stay secret."""

import json
import stat
from pathlib import Path

import pytest
from infra.azure import __main__ as azure
from infra.azure.subscription import (
    INPUTS,
    SECRETS,
    SubscriptionInvalid,
    read_secrets,
    read_subscription,
)
from project import ROOT

from leadscoring.settings import DEMO_KEY

NEEDED = {"IMAGE_TAG": "1.0.0"}


def test_an_image_is_all_that_is_needed() -> None:
    """Everything else is made, or has a default."""
    found = read_subscription(NEEDED)
    assert (found.location, found.image_tag, found.endpoint_name) == ("eastus", "1.0.0", "lead-scoring-endpoint")
    assert not found.model_key


@pytest.mark.parametrize(("variables", "said"), [
    ({"IMAGE_TAG": ""}, "IMAGE_TAG is required"),
    ({"IMAGE_TAG": "a:b"}, "IMAGE_TAG must be the tag of an image"),
    ({"AZURE_LOCATION": "East US"}, "AZURE_LOCATION must be a region such as eastus"),
    ({"ALARM_EMAIL": "ops"}, "ALARM_EMAIL must be an email address"),
    ({"SUBNET_ID": "apps"}, "SUBNET_ID must be the id of an existing subnet"),
    ({"ENDPOINT_NAME": "a_b"}, "ENDPOINT_NAME must be 3 to 32"),
    ({"MODEL_KEY": "yes"}, "MODEL_KEY must be true or false"),
    ({"CUSTOM_DOMAIN": "leads.example.com"}, "CERTIFICATE_ID is required: CUSTOM_DOMAIN and CERTIFICATE_ID"),
    ({"CERTIFICATE_ID": "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/managedEnvironments/e/certificates/c"},
     "CUSTOM_DOMAIN is required"),
])  # fmt: skip
def test_what_azure_would_refuse_is_refused_before(variables: dict[str, str], said: str) -> None:
    """With the variable, its value and what is allowed."""
    with pytest.raises(SubscriptionInvalid, match=said):
        read_subscription(NEEDED | variables)


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("value", ["", " , ", "k\u00e9y", "a\nb", f"ours,{DEMO_KEY}"])
def test_a_secret_that_opens_the_service_to_everyone_is_refused(name: str, value: str) -> None:
    """Without showing what it holds."""
    with pytest.raises(SubscriptionInvalid, match=f"{name} (must be secret|is required)") as refused:
        read_secrets({name: value})
    assert not value.strip() or value not in str(refused.value)


def test_the_deployment_guide_has_every_variable() -> None:
    """But for those that the script sets itself."""
    page = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8")
    section = page.partition("\n## Azure\n")[2].partition("\n## ")[0]
    for name in {row.name for row in INPUTS} - {"MODEL_KEY"} | set(SECRETS) - {"LEDGER_PASSWORD", "LEDGER_KEY"}:
        assert f"`{name}`" in section, name


def test_parameters_are_written_and_secrets_apart_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For their owner alone, so that the file can be deleted and the others be kept."""
    for name, value in {**NEEDED, "API_KEYS": "key-of-the-crm"}.items():
        monkeypatch.setenv(name, value)
    assert azure.main(["dev", str(tmp_path)]) == 0
    secrets = tmp_path / "secrets.parameters.json"
    assert json.loads(secrets.read_bytes())["parameters"] == {"apiKeys": {"value": "key-of-the-crm"}}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    others = [file.read_text() for file in tmp_path.iterdir() if file != secrets]
    assert len(others) == 3
    assert "key-of-the-crm" not in "".join(others) + capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "variables", "said"), [
    (["staging"], {}, "it must be one of dev, prod"),
    (["dev"], {"IMAGE_TAG": ""}, "IMAGE_TAG is required"),
    (["dev"], {"API_KEYS": DEMO_KEY}, "API_KEYS must be secret"),
    ([], {}, "usage"),
])  # fmt: skip
def test_what_cannot_be_deployed_ends_with_2_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], variables: dict[str, str], said: str,
) -> None:  # fmt: skip
    """And nothing is written."""
    for name, value in {**NEEDED, **variables}.items():
        monkeypatch.setenv(name, value)
    assert azure.main([*arguments, str(tmp_path / "out")][: len(arguments) + bool(arguments)]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_template_that_azure_would_refuse_is_not_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody may have changed one since the tests."""
    import shutil

    shutil.copytree(azure.TEMPLATES.parent, tmp_path / "infra")
    file = tmp_path / "infra" / "azure" / "service.bicep"
    file.write_text(file.read_text().replace("allowInsecure:", "alowInsecure:"))
    monkeypatch.setattr(azure, "TEMPLATES", tmp_path / "infra" / "azure")
    monkeypatch.setenv("IMAGE_TAG", "1.0.0")
    assert azure.main(["dev", str(tmp_path / "out")]) == 2
    assert "ingress.alowInsecure is unknown; did you mean allowInsecure" in capsys.readouterr().err
