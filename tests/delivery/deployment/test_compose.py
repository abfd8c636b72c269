"""The compose file: what its schema allows, with paths that exist and ports that agree with what listens on them."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from project import ROOT

from leadscoring.ledger.database import ledger_url
from leadscoring.serving.keeper_process import PATIENCE_SECONDS
from leadscoring.settings import DEMO_KEY, TABLE, read_settings

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PORTS = {"api": 8000, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
GIVEN = re.compile(r"\$\{(\w+):-(.*?)\}")

service = pytest.mark.parametrize("name", SERVICES)
published = pytest.mark.parametrize("name", PORTS)

KEEPER_SECONDS = 2 + PATIENCE_SECONDS
"""What the end takes beside draining and answering: workers that do not stop are killed, and the keeper moves the tape."""

NOT_PUBLISHED = {"postgres"}
"""Services that only others of the file reach."""


def test_the_schema_of_compose_files_takes_it() -> None:
    """As its own project publishes it."""
    schema = [str(Path(sys.executable).parent / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*schema, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_names_are_those_that_the_commands_of_the_guide_use() -> None:
    """The service and what watches it, and a container that `docker logs` can name."""
    assert set(SERVICES) - NOT_PUBLISHED == set(PORTS)
    assert SERVICES["api"]["container_name"] == "lead-scoring-api"
    assert GIVEN.sub(r"\2", SERVICES["api"]["image"]) == "lead-scoring-api:latest"


@published
def test_a_port_inside_is_the_one_that_listens(name: str) -> None:
    """It is published under the same number, asked by the health check, and told to the service and the image."""
    (published,) = SERVICES[name]["ports"]
    *_, outside, inside = GIVEN.sub(r"\2", published).split(":")
    assert int(outside) == int(inside) == PORTS[name]
    check = " ".join(SERVICES[name]["healthcheck"]["test"])
    if name == "api":
        assert SERVICES[name]["environment"]["PORT"] == inside
        assert f"EXPOSE {inside}" in DOCKERFILE
        assert read_settings({}).port == int(inside)
    else:
        assert f"http://127.0.0.1:{inside}/" in check


@published
def test_monitoring_is_for_this_machine_alone_unless_told_otherwise(name: str) -> None:
    """Prometheus and Alertmanager have no password, and Grafana a known one; the service has its keys."""
    (published,) = SERVICES[name]["ports"]
    assert GIVEN.sub(r"\2", published).startswith("127.0.0.1:") == (name != "api")


@service
def test_what_is_mounted_exists(name: str) -> None:
    """A path of the project, which the container cannot change, or a volume that is declared."""
    for mount in SERVICES[name].get("volumes", []):
        source, target, *mode = mount.split(":")
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), f"{name} mounts {source}, which is not there"
            assert mode == ["ro"]
        else:
            assert source in COMPOSE["volumes"]


def configured(name: str) -> list[str]:
    """The paths in a container that its arguments name."""
    return [word.split("=", 1)[1] for word in SERVICES[name].get("command", []) if "=/" in word]


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_what_a_program_is_told_to_read_and_write_is_mounted(name: str) -> None:
    """Its configuration is a file of the project, its storage a volume."""
    mounts = {mount.split(":")[1]: mount.split(":")[0] for mount in SERVICES[name]["volumes"]}
    config, storage, *_ = configured(name)
    folder, _, file = config.rpartition("/")
    assert (ROOT / mounts[folder] / file).is_file()
    assert mounts[storage] in COMPOSE["volumes"]


def test_links_in_messages_lead_to_what_is_published() -> None:
    """Each program says of itself how it is reached; runbooks are a page that Prometheus is given to show."""
    for name in ("prometheus", "alertmanager"):
        told = dict(word.removeprefix("--").split("=", 1) for word in SERVICES[name]["command"])
        assert GIVEN.sub(r"\2", told["web.external-url"]) == f"http://localhost:{PORTS[name]}"
        assert told["web.route-prefix"] == "/"  # the health check asks there, whatever the address
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    mounts = {mount.split(":")[1]: mount.split(":")[0] for mount in SERVICES["prometheus"]["volumes"]}
    assets = next(word.split("=")[1] for word in SERVICES["prometheus"]["command"] if "user-assets" in word)
    folder, _, pages = assets.rpartition("/")
    page = config["global"]["external_labels"]["runbooks"].removeprefix(f"http://localhost:{PORTS['prometheus']}/user/")
    assert (ROOT / mounts[folder] / pages / page).is_file()


def test_grafana_finds_its_data_and_dashboards() -> None:
    """The datasource is the service of that name and port, the dashboards' folder the one that is mounted."""
    provisioning = ROOT / "monitoring" / "grafana" / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text("utf-8"))["datasources"]
    for source in sources:
        assert source["url"] == f"http://{source['uid']}:{PORTS[source['uid']]}"
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "leadscoring.yml").read_text("utf-8"))["providers"]
    targets = [mount.split(":")[1] for mount in SERVICES["grafana"]["volumes"]]
    assert provider["options"]["path"] in targets


@service
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    """A root that is read-only, no capabilities, no way to get any, and logs that end."""
    said = SERVICES[name]
    assert said["read_only"] is True
    assert said["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in said["security_opt"]
    assert said["logging"]["driver"] == "json-file"
    assert {"max-size", "max-file"} <= set(said["logging"]["options"])
    assert {"test", "interval", "timeout", "retries"} <= set(said["healthcheck"])


@service
def test_an_image_is_pinned_by_its_version(name: str) -> None:
    """So that two machines run the same; ours is the one that was built."""
    if name != "api":
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


def test_every_setting_reaches_the_service() -> None:
    """Those with a value have the default of the table, and the ledger is on; the others are taken over when they are set."""
    environment = SERVICES["api"]["environment"]
    assert not [row.name for row in TABLE if row.name not in environment]
    for row in TABLE:
        if environment[row.name] is not None:
            given = GIVEN.sub(r"\2", environment[row.name])
            assert given == ("on" if row.name == "LEDGER" else row.default), row.name
    assert DEMO_KEY not in (ROOT / "docker-compose.yml").read_text("utf-8")


def test_the_end_is_waited_for() -> None:
    """A runtime that kills before the service has drained loses requests that it accepted."""
    settings = read_settings({})
    patience = int(SERVICES["api"]["stop_grace_period"].removesuffix("s"))
    assert patience > settings.drain_seconds + settings.shutdown_seconds + KEEPER_SECONDS


def test_the_ledger_has_a_volume_whose_owner_is_the_user_of_the_image() -> None:
    """Its database, the secret of its keys and the tape are in the one folder that can be written to."""
    (mount,) = SERVICES["api"]["volumes"]
    volume, target = mount.split(":")
    assert volume in COMPOSE["volumes"]
    (owner, group, folder) = re.findall(
        r"install --directory --owner (\d+) --group (\d+) --mode 0700 (\S+)", DOCKERFILE
    )[0]
    assert f"USER {owner}:{group}" in DOCKERFILE
    assert folder == target
    (working,) = re.findall(r"^WORKDIR (/app)$", DOCKERFILE, re.MULTILINE)
    settings = read_settings({"LEDGER": "on"})
    for path in (
        (ledger_url(settings) or "").removeprefix("sqlite:///"),
        settings.ledger_key_file,
        settings.ledger_tape_path,
    ):
        assert f"{working}/{path}".startswith(f"{target}/")


def test_the_database_of_a_fleet_is_started_only_when_it_is_asked_for() -> None:
    """Its password is a secret in a file that Git does not take, and nobody outside reaches it."""
    database = SERVICES["postgres"]
    assert database["profiles"] == ["postgres"]
    assert "ports" not in database
    assert [name for name, one in SERVICES.items() if "profiles" in one] == ["postgres"]
    (secret,) = database["secrets"]
    assert database["environment"]["POSTGRES_PASSWORD_FILE"] == f"/run/secrets/{secret}"
    assert "POSTGRES_PASSWORD" not in database["environment"]
    file = GIVEN.sub(r"\2", COMPOSE["secrets"][secret]["file"])
    ignored = subprocess.run(["git", "check-ignore", file, ".env", "data/ledger.db", "data/ledger.key", "data/tape/x"],
                             cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert len(ignored.stdout.splitlines()) == 5
    (mount,) = database["volumes"]
    assert database["environment"]["PGDATA"].startswith(mount.split(":")[1] + "/")


def test_health_is_asked_for_as_in_the_image() -> None:
    """The Dockerfile says the same, for those who run without compose."""
    assert SERVICES["api"]["healthcheck"]["test"] == ["CMD", "leadscoring", "health"]
    assert 'CMD ["leadscoring", "health"]' in DOCKERFILE


def test_the_base_of_the_image_is_the_one_of_the_dockerfile() -> None:
    """Compose hands on a default of its own."""
    args = SERVICES["api"]["build"]["args"]
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", DOCKERFILE, re.MULTILINE))
    for name, value in args.items():
        assert GIVEN.sub(r"\2", value) == defaults[name]
    assert (ROOT / "requirements" / defaults["REQUIREMENTS"]).is_file()
