"""The container image, built and run: what is in it, as whom it runs, and how it starts and ends.

``make image-test`` builds it and runs these. They run the image's files in namespaces of their own, as process 1, with
the image's user, no rights, and a root that is mounted read-only; its network is the machine's.
"""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from containers import Container, Image, running
from project import ROOT
from serving import children, eventually

MEGABYTE = 1 << 20
AT_MOST_MEGABYTES = 150

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif("IMAGE_FOLDER" not in os.environ, reason="make image-test builds the image and runs this"),
]


@pytest.fixture(scope="module")
def image() -> Image:
    """What ``scripts/test/image.sh`` has built."""
    return Image(Path(os.environ["IMAGE_FOLDER"]))


@pytest.fixture(scope="module")
def container(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A container that runs as the image says, with two workers."""
    with running(image, tmp_path_factory.mktemp("container"), *image.config["Cmd"], WORKERS="2") as it:
        yield it


def test_a_lead_is_scored_in_it(container: Container) -> None:
    """By the shipped model, with the answer of the documentation."""
    lead = (ROOT / "docs" / "examples" / "sample_request_1.json").read_bytes()
    answer = container.http.post("/api/v1/score", content=lead, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["score"]["tier"] == "A"


def test_its_processes_have_a_fixed_user_and_no_rights(container: Container) -> None:
    """Not root, no group beside its own, no capability, and no way to any."""
    for pid in (container.first.pid, *children(container.first.pid)):
        status = dict(re.findall(r"^(\w+):[ \t]*(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
        assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
        assert (status["Groups"], status["NoNewPrivs"]) == ("", "1")
        assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}


EVERYONES = ["/tmp", "/var/tmp"]  # noqa: S108  # they are meant to refuse


@pytest.mark.parametrize("place", ["/", "/app", "/app/models", "/opt/leadscoring", *EVERYONES])
def test_its_root_cannot_be_written_to(container: Container, place: str) -> None:
    """Not even where its user could by the rights of files: the mount is read-only."""
    tried = container.run("python3", "-c", f"open({place!r} + '/written', 'w')")
    assert tried.returncode == 1
    assert "Read-only file system" in tried.stderr
    flags = [line.split()[3].split(",") for line in container.run("cat", "/proc/mounts").stdout.splitlines()
             if line.split()[1] == "/"]  # fmt: skip
    assert "ro" in flags[-1]


def test_nothing_in_it_belongs_to_its_user(image: Image) -> None:
    """Who takes over the process cannot change the program, wherever it runs with a writable root.

    An empty folder is its own, from which a volume gets its owner.
    """
    theirs = []
    for path in (image.root / "app", image.root / "opt"):
        for entry in (path, *path.rglob("*")):
            about = entry.lstat()
            if about.st_uid or (about.st_mode & 0o022 and not entry.is_symlink()):
                theirs.append(entry)
    data = image.root / "app" / "data"
    assert theirs == [data]
    assert not list(data.iterdir())
    assert (data.stat().st_uid, data.stat().st_gid, data.stat().st_mode & 0o777) == (10001, 10001, 0o700)


def test_its_workers_count_together_on_a_read_only_root(container: Container) -> None:
    """What they share lies in memory."""
    lead = json.loads((ROOT / "docs" / "examples" / "sample_request_2.json").read_bytes())
    before = scored(container)
    for _ in range(20):
        assert container.http.post("/api/v1/score", json=lead).status_code == 200
    assert scored(container) == before + 20


def scored(container: Container) -> float:
    """How many leads it says it has scored."""
    found = re.findall(r"^model_predictions_total\{.*\} (\S+)$", container.http.get("/metrics").text, re.MULTILINE)
    return sum(map(float, found))


def test_its_health_check_says_whether_it_answers(image: Image, container: Container) -> None:
    """With the command that the image declares, whose exit code a runtime reads: 0, or 1 and nothing else."""
    kind, *command = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    assert container.run(*command).returncode == 0
    nobody = container.run("env", "PORT=1", *command)
    assert nobody.returncode == 1
    assert "no response from 127.0.0.1 port 1" in nobody.stderr


def test_a_worker_that_dies_is_reaped_and_replaced_by_process_1(container: Container) -> None:
    """No zombie stays, though there is no other init in the container."""
    first = container.first
    victim = children(first.pid)[0]
    os.kill(victim, signal.SIGKILL)
    assert eventually(lambda: victim not in [child.pid for child in first.children()])
    assert eventually(lambda: len(children(first.pid)) == 2)
    assert eventually(container.ready)
    assert not [child for child in first.children(recursive=True) if child.status() == psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_ends_as_process_1_when_it_is_told_to(image: Image, tmp_path: Path, workers: str) -> None:
    """SIGTERM drains it, and its exit code is 0; the word that SageMaker starts it with is the default."""
    with running(image, tmp_path, "serve", WORKERS=workers, SHUTDOWN_SECONDS="20") as container:
        assert container.first.cmdline()[-2:] == ["/opt/leadscoring/bin/leadscoring", "serve"]
        assert container.stop() == 0
        assert '"draining"' in container.log.read_text()


def test_what_it_is_started_with_is_what_a_runtime_expects(image: Image) -> None:
    """Exec form, `serve` as the default that can be replaced, the port and the labels."""
    config = image.config
    assert (config["Entrypoint"], config["Cmd"]) == (["leadscoring"], ["serve"])
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert list(config["ExposedPorts"]) == ["8000/tcp"]
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    assert {"title", "description", "licenses", "version", "revision"} <= labels


def test_what_serves_is_in_it_and_nothing_else(image: Image, container: Container) -> None:
    """The packages of the lock and ours; no library of training, no pip."""
    listed = "import importlib.metadata as m; print(*(d.name for d in m.distributions(path=[p])))"
    packages = next((image.root / "opt/leadscoring/lib").glob("python3*")) / "site-packages"
    inside = "/" + str(packages.relative_to(image.root))
    ran = container.run("python3", "-c", f"p = {inside!r}; {listed}")
    lock = (ROOT / "requirements" / "serve-postgres.txt").read_text()
    lines = re.findall(r"^([\w.-]+)(?:\[\w+\])?==(.*)$", lock, re.MULTILINE)
    locked = {name for name, rest in lines if "sys_platform == 'win32'" not in rest}
    assert {name.replace("_", "-").lower() for name in ran.stdout.split()} == {"leadscoring", *locked}, ran.stderr


def test_no_compiler_is_in_it(image: Image) -> None:
    """Nor what one needs beside it: whoever gets in cannot build tools."""
    compilers = re.compile(
        r"^(.*-)?(cc|c\+\+|gcc|g\+\+|clang|clang\+\+|cc1|cc1plus|ld|as|make|cmake|ninja|zig)(-\d+)?$"
    )
    folders = [image.root / name for name in ("usr/bin", "usr/local/bin", "usr/sbin", "opt")]
    found = [entry for folder in folders for entry in folder.rglob("*") if compilers.match(entry.name)]
    assert not found
    assert not list((image.root / "usr/lib/gcc").rglob("cc1*"))


def test_nothing_of_the_work_folder_and_of_its_building_is_left(image: Image) -> None:
    """The model is the only file of ours beside the program; how pip reached its packages is no one's business."""
    app = image.root / "app"
    assert [str(file.relative_to(app)) for file in app.rglob("*") if file.is_file()] == ["models/model.json"]
    assert (app / "models/model.json").read_bytes() == (ROOT / "models" / "model.json").read_bytes()
    assert not (image.root / "source").exists()
    assert not (image.root / "etc/pip.conf").exists()
    assert not list((image.root / "run").rglob("ca.pem"))


def test_it_is_small(image: Image) -> None:
    """What it adds to its base, in megabytes."""
    ours = [entry for name in ("app", "opt") for entry in (image.root / name).rglob("*")]
    size = sum(entry.lstat().st_size for entry in ours) / MEGABYTE
    assert size < AT_MOST_MEGABYTES


def test_it_says_where_workers_lack_a_folder(container: Container) -> None:
    """Where nothing can be written its start ends with one line that says what to set."""
    tried = container.run("env", "TMPDIR=/app", "PORT=0", *container.image.config["Entrypoint"], "serve")
    assert tried.returncode == 2
    assert "CannotStart: no folder for what workers share" in tried.stderr
    assert "set TMPDIR to one that can be written to" in tried.stderr
    assert "Traceback" not in tried.stderr
