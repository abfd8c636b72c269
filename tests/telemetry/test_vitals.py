"""What is told of the machine and the process is true, and within the limits of a container."""

import ctypes
import math
import os
import threading
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from leadscoring.telemetry.vitals import MB, Group, Measured, Memory, Usage, Vitals, give_back_memory, started_at


def container(root: Path, place: str = "/", **files: str) -> Path:
    """A system's root whose control group has these files."""
    folder = root / "sys/fs/cgroup" / place.strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".", 1)).write_text(content)
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/cgroup").write_text(f"0::{place}\n")
    return root


def test_the_fields_are_those_that_dashboards_and_runbooks_read(tmp_path: Path) -> None:
    """Each a number within its bounds."""
    said = msgspec.to_builtins(Vitals(tmp_path).measure())
    assert set(said) == {"cpu", "memory", "disk", "process", "network", "alerts"}
    assert set(said["cpu"]) == {"usage_percent", "count", "per_cpu"}
    assert len(said["cpu"]["per_cpu"]) == said["cpu"]["count"] == len(os.sched_getaffinity(0))
    assert set(said["memory"]) == {"total_mb", "available_mb", "used_mb", "usage_percent"}
    assert set(said["disk"]) == {"total_gb", "used_gb", "free_gb", "usage_percent"}
    assert set(said["process"]) >= {"memory_mb", "cpu_percent", "threads", "open_files"}
    assert set(said["network"]) >= {"bytes_sent_mb", "bytes_recv_mb"}
    for group in ("cpu", "memory", "disk"):
        assert 0 <= said[group]["usage_percent"] <= 100
    assert all(0 <= each <= 100 for each in said["cpu"]["per_cpu"])


def test_the_process_is_this_one(tmp_path: Path) -> None:
    """Its memory is what the system says of it."""
    said = Vitals(tmp_path).measure().process
    assert said.pid == os.getpid()
    assert said.memory_mb == pytest.approx(psutil.Process().memory_info().rss / MB, rel=0.2)
    assert said.threads >= 1
    assert said.open_files >= 3


def test_processor_time_is_that_between_two_looks(tmp_path: Path) -> None:
    """A process that computed since the last look is told so."""
    vitals = Vitals(tmp_path)
    vitals.measure()
    began = time.process_time()
    deadline = time.monotonic() + 30
    while vitals.recent() is not None or time.process_time() - began < 0.5:
        assert time.monotonic() < deadline
    said = vitals.measure()
    assert said.process.cpu_percent > 5
    assert said.cpu.usage_percent > 0


def test_a_measurement_counts_for_a_moment(tmp_path: Path) -> None:
    """However many ask for it."""
    vitals = Vitals(tmp_path)
    assert vitals.recent() is None
    said = vitals.measure()
    assert vitals.recent() is said
    assert vitals.measure() is said


def test_many_who_ask_at_once_wait_for_one_measurement(tmp_path: Path) -> None:
    """And all get the same."""
    vitals = Vitals(tmp_path)
    found: list[Measured] = []
    asking = [threading.Thread(target=lambda: found.append(vitals.measure())) for _ in range(5)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join(30)
    assert len(found) == 5
    assert all(said is found[0] for said in found)


def test_the_memory_of_a_container_is_its_limit(tmp_path: Path) -> None:
    """What the kernel would give back at once does not count as used."""
    files = {
        "memory_max": f"{100 * MB}\n",
        "memory_current": f"{95 * MB}\n",
        "memory_stat": f"anon 5\ninactive_file {5 * MB}\n",
    }
    said = Vitals(container(tmp_path, **files)).measure()
    assert said.memory == Memory(total_mb=100.0, available_mb=10.0, used_mb=90.0, usage_percent=90.0)
    assert said.alerts.high_memory is True


def test_a_limit_above_what_the_host_has_is_none(tmp_path: Path) -> None:
    """Nor is one that says so."""
    host = psutil.virtual_memory().total
    for limit in ("max", str(host * 2)):
        root = container(tmp_path, memory_max=limit, memory_current="1")
        assert Vitals(root).measure().memory.total_mb == round(host / MB, 1)


def test_the_strictest_group_above_counts(tmp_path: Path) -> None:
    """A limit may stand on any of them."""
    container(tmp_path, "/", memory_max=str(70 * MB), memory_current="1")
    container(tmp_path, "/pod/app", memory_max=str(90 * MB), memory_current="2")
    found = Group(container(tmp_path, "/pod", cpu_max="150000 100000", memory_max="max"))
    assert found.memory() == (70 * MB, 1)
    assert Group(container(tmp_path, "/pod/app")).cpu_quota() == 1.5


def test_the_processors_of_a_container_are_its_quota(tmp_path: Path) -> None:
    """And their usage is the share of it that the container spent."""
    root = container(tmp_path, cpu_max="10000 100000", cpu_stat="usage_usec 0\n")
    vitals = Vitals(root)
    assert vitals.measure().cpu.count == 1
    container(root, cpu_stat="usage_usec 3600000000\n")
    deadline = time.monotonic() + 30
    while vitals.recent() is not None:
        assert time.monotonic() < deadline
    said = vitals.measure()
    assert said.cpu.usage_percent == 100.0
    assert said.alerts.high_cpu is True


def test_a_system_without_control_groups_is_told_of_as_a_whole(tmp_path: Path) -> None:
    """Nothing is there to read."""
    found = Group(tmp_path)
    assert (found.memory(), found.cpu_quota(), found.cpu_seconds()) == (None, None, 0.0)


def test_what_metrics_tell_of_a_container_is_its_own(tmp_path: Path) -> None:
    """Its processor time as a total, the processors of its quota, its memory."""
    files = {"cpu_max": "50000 100000", "cpu_stat": "usage_usec 3600000000\n"}
    root = container(tmp_path, **files, memory_max=str(100 * MB), memory_current=str(90 * MB))
    told = Vitals(root).machine()
    assert (told.cpu_seconds, told.cpu_cores, told.memory_ratio) == (3600, 0.5, 0.9)
    assert 0 < told.disk_ratio <= 1


def test_what_metrics_tell_without_a_limit_is_the_machines(tmp_path: Path) -> None:
    """A total that does not fall, over the processors that may be used."""
    vitals = Vitals(tmp_path)
    first, second = vitals.machine(), vitals.machine()
    assert first.cpu_cores == len(os.sched_getaffinity(0))
    assert 0 < first.cpu_seconds <= second.cpu_seconds


def test_what_a_process_uses_is_what_the_system_says() -> None:
    """Processor time is what was spent since the last look."""
    usage, before = Usage(), time.process_time()
    first, memory, files = usage.since()
    assert first >= before
    assert memory == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    assert files >= 3
    second, _, _ = usage.since()
    assert first + second <= time.process_time()


def test_a_process_started_when_the_system_says_so(tmp_path: Path) -> None:
    """Whatever its name holds; where nothing is told, that is no number."""
    assert started_at(os.getpid()) == pytest.approx(psutil.Process().create_time(), abs=2)
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/stat").write_text("cpu 1 2\nbtime 1000\n")
    ticks = 500 * os.sysconf("SC_CLK_TCK")
    (tmp_path / "proc/7/stat").write_text("7 (a ) b) S " + "0 " * 18 + f"{ticks} 0 0\n")
    assert started_at(7, tmp_path) == 1500
    assert math.isnan(started_at(8, tmp_path))


def test_a_system_that_tells_nothing_of_a_process_is_not_taken_for_one_that_uses_nothing(tmp_path: Path) -> None:
    """No number is none."""
    _, memory, files = Usage(tmp_path).since()
    assert math.isnan(memory)
    assert math.isnan(files)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this C library has no malloc_trim")
def test_what_was_freed_is_given_back_to_the_system() -> None:
    """Holes between what is kept do not stay with the process."""
    kept, holes = [], []
    for _ in range(400):
        holes.append(bytearray(100_000))  # below what the C library takes from the system one by one
        kept.append(bytearray(100))
    full = psutil.Process().memory_info().rss
    holes.clear()
    give_back_memory()
    assert psutil.Process().memory_info().rss < full - 20_000_000
    assert len(kept) == 400
