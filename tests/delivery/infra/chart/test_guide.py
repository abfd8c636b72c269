"""The deployment guide's commands, as they stand: Helm's engine installs the chart into a simulated cluster.

Only the program `helm` is a stand-in, which hands on to that engine what the guide's command says.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import helm_python as helm
import pytest
import yaml
from infra.kubernetes.values import CHART
from project import ROOT

from .cluster import Cluster, Resource
from .cluster_api import LINES, OPERATOR, RESOURCES, Groups, simulated
from .conftest import KEYS, NAMESPACE, RELEASE, Chart

GUIDE = (ROOT / "docs" / "DEPLOYMENT.md").read_text("utf-8").partition("\n## Kubernetes\n")[2].partition("\n## ")[0]

HELM = f"""#!{sys.executable}
import argparse, os, pathlib
import helm_python as helm

words = argparse.ArgumentParser()
verbs = words.add_subparsers(dest="verb", required=True)
upgrade = verbs.add_parser("upgrade")
upgrade.add_argument("name")
upgrade.add_argument("chart")
upgrade.add_argument("--install", action="store_true", required=True)
upgrade.add_argument("--namespace", required=True)
upgrade.add_argument("--values", required=True)
upgrade.add_argument("--wait", action="store_true")
upgrade.add_argument("--dry-run")
rollback = verbs.add_parser("rollback")
rollback.add_argument("name")
said = words.parse_args()
with helm.Config(kubeconfig_path=os.environ["KUBECONFIG"], namespace="leads") as cluster:
    if said.verb == "rollback":
        cluster.rollback(said.name)
    else:
        values = helm.values_from_yaml(pathlib.Path(said.values).read_text())
        try:
            cluster.status(said.name)
            deploy = cluster.upgrade
        except helm.HelmNotFoundError:
            deploy = cluster.install
        print(deploy(said.chart, said.name, values, dry_run=said.dry_run)["status"])
"""


def section(heading: str) -> str:
    """A part of the guide."""
    found = GUIDE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    assert found, heading
    return found


def blocks(heading: str, language: str) -> list[str]:
    """The blocks of code of a section."""
    return re.findall(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)


def commands(heading: str) -> list[str]:
    """The commands of the first block of a section."""
    return [line for line in blocks(heading, "bash")[0].splitlines() if line and not line.startswith("#")]


class Place(NamedTuple):
    """Where an operator sits: a folder with a clone's files, and a cluster."""

    cluster: Cluster
    folder: Path
    environ: dict[str, str]

    def run(self, command: str) -> str:
        """What a command that succeeds prints."""
        ran = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.environ,
                             capture_output=True, text=True, check=False, timeout=60)  # fmt: skip
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-1000:]}{ran.stderr[-2000:]}"
        return ran.stdout

    def held(self, plural: str, name: str = RELEASE) -> Resource:
        """What the cluster holds under a name."""
        return self.cluster.held[plural, NAMESPACE, name]

    @property
    def template(self) -> Resource:
        """What replicas are made from."""
        found: Resource = self.held("deployments")["spec"]["template"]
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A cluster with the Prometheus Operator, and a clone; nothing is installed yet."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "infra").symlink_to(ROOT / "infra")
    (folder / "values.yaml").write_text(blocks("Install the chart", "yaml")[0])
    (folder / "bin").mkdir()
    (folder / "bin" / "helm").write_text(HELM)
    (folder / "bin" / "helm").chmod(0o755)
    with simulated(folder, "default") as (cluster, config):
        programs = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield Place(cluster, folder, os.environ | {"PATH": programs, "KUBECONFIG": str(config), "HOME": str(folder)})


@pytest.fixture(scope="module")
def installed(place: Place) -> Place:
    """The service, installed by the guide's commands."""
    for command in commands("Install the chart"):
        place.run(command)
    return place


def test_the_guide_installs_what_the_chart_makes(installed: Place, chart: Chart) -> None:
    """With the Secret that it makes before; what is for the Prometheus Operator too, since it is installed."""
    values = yaml.safe_load(blocks("Install the chart", "yaml")[0])
    for manifest in chart.render(
        **values, serviceMonitor={"enabled": True}, prometheusRule={"enabled": True}
    ).manifests:
        (plural,) = (
            plural
            for kinds in installed.cluster.groups.values()
            for plural, kind in kinds.items()
            if kind == manifest["kind"]
        )
        assert installed.held(plural, manifest["metadata"]["name"])["kind"] == manifest["kind"]
    assert {kind for kind, *_ in installed.cluster.held} >= {"servicemonitors", "prometheusrules", "secrets"}
    assert installed.held("horizontalpodautoscalers")["spec"]["maxReplicas"] == values["overrides"]["max_replicas"]


def test_the_replicas_read_the_secret_that_the_guide_makes(installed: Place) -> None:
    """Under its name and key, with a key in it that nobody has seen."""
    (container,) = installed.template["spec"]["containers"]
    (reference,) = (each["valueFrom"]["secretKeyRef"] for each in container["env"] if "valueFrom" in each)
    assert len(installed.held("secrets", reference["name"])["data"][reference["key"]]) > 40
    (read,) = re.findall(r"`(kubectl get secret .*?)`", section("Install the chart"))
    assert re.fullmatch(r"[0-9a-f]{64}", installed.run(read))


def test_a_dry_run_changes_nothing(installed: Place) -> None:
    """The command for before the first deployment."""
    before = dict(installed.cluster.held)
    (command,) = commands("What only a cluster can prove")
    installed.run(command)
    assert installed.cluster.held == before


OFF = {"serviceMonitor": {"enabled": False}, "prometheusRule": {"enabled": False}}


@pytest.mark.parametrize(
    ("groups", "values"), [(RESOURCES, KEYS), (RESOURCES | OPERATOR, KEYS | OFF)], ids=["absent", "unwanted"]
)
def test_where_the_operator_is_absent_or_unwanted_nothing_is_made_for_it(
    tmp_path: Path, groups: Groups, values: dict[str, Any]
) -> None:
    """A cluster without it would refuse that, and with it everything else."""
    with simulated(tmp_path, NAMESPACE, groups) as (cluster, config), helm.Config(
        kubeconfig_path=config, namespace=NAMESPACE
    ) as connected:  # fmt: skip
        connected.install(CHART, RELEASE, values)
    kinds = {kind for kind, *_ in cluster.held}
    assert "deployments" in kinds
    assert not kinds & {"servicemonitors", "prometheusrules"}


@pytest.mark.parametrize("command", commands("Look after it on Kubernetes"))
def test_the_commands_of_the_guide_work(installed: Place, command: str) -> None:
    """As they stand, but for one that would follow the log for ever."""
    installed.run(command.replace(" --follow", ""))


def command(part: str) -> str:
    """The one command of the runbooks that has this in it."""
    (found,) = (each for each in commands("Look after it on Kubernetes") if part in each)
    return found.replace(" --follow", "")


def test_the_log_is_read(installed: Place) -> None:
    """Of every replica with its name, and its errors alone."""
    pods = len(installed.cluster.all("pods"))
    lines = installed.run(command("--prefix")).splitlines()
    assert len(lines) == pods * len(LINES)
    assert all(line.startswith("[pod/lead-scoring-") for line in lines)
    assert set(installed.run(command("ERROR")).splitlines()) == {LINES[1]}


def test_replicas_are_added_by_hand(installed: Place) -> None:
    """At once, or to stay."""
    installed.run(command("kubectl scale"))
    assert installed.run(command("jsonpath")) == "5"
    installed.run(command("kubectl patch"))
    assert installed.held("horizontalpodautoscalers")["spec"]["minReplicas"] == 5


def test_replicas_are_made_anew_by_a_restart(installed: Place) -> None:
    """Of the same image, with the time of it as the only change."""
    before = image(installed)
    installed.run(command("restart"))
    assert "kubectl.kubernetes.io/restartedAt" in installed.template["metadata"]["annotations"]
    assert image(installed) == before


def test_a_version_is_deployed_and_taken_back(installed: Place) -> None:
    """By the command that installs, and by both ways back."""
    before, values = image(installed), installed.folder / "values.yaml"
    values.write_text(values.read_text().replace("image:", "image:\n  tag: newer"))
    (deploy,) = (each for each in commands("Install the chart") if each.startswith("helm"))
    (back,) = re.findall(r"`(helm rollback \S+)`", GUIDE)
    for way_back in (back, command("undo")):
        installed.run(deploy)
        assert image(installed).endswith(":newer")
        installed.run(way_back)
        assert image(installed) == before
    assert installed.run(command("history")).count("<none>") >= 3


def image(place: Place) -> str:
    """What replicas run."""
    (container,) = place.template["spec"]["containers"]
    return str(container["image"])


def test_the_forwarded_port_is_the_one_of_operations(installed: Place) -> None:
    """Forwarding needs a kubelet, so that its command is held against the container."""
    (forwarding,) = re.findall(
        r"^kubectl port-forward (\S+) (\d+):(\d+)$", section("Look after it on Kubernetes"), re.MULTILINE
    )
    (container,) = installed.template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert forwarding == (f"deployment/{RELEASE}", str(ports["operations"]), str(ports["operations"]))
    assert f"localhost:{forwarding[1]}/status" in GUIDE


def test_every_value_of_the_guide_is_one_of_the_chart(chart: Chart) -> None:
    """By its whole path; one that begins with a dot goes on from the one before."""
    names = [
        name
        for row in re.findall(r"^\| (`.*?) \|", section("Install the chart"), re.MULTILINE)
        for name in re.findall(r"`([\w.]+)`", row)
    ]
    assert len(names) > 10
    values, last = chart.loaded.values, ""
    for name in names:
        path = f"{last.partition('.')[0]}{name}" if name.startswith(".") else name
        place: Any = values
        for word in path.split("."):
            assert word in place, path
            place = place[word]
        last = path
