"""The state of the machine and this process, as ``/resources`` reports it.

In a container, the container's limits apply, not the host's. They are read where Linux exposes them (control groups,
version 2).
"""

import ctypes
import math
import os
import shutil
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    import psutil

MB = 1 << 20
GB = 1 << 30
KEPT_SECONDS = 1.0
"""How long a measurement is cached, in seconds."""

BASE_SECONDS = 0.1
LONGEST_SECONDS = 60.0
"""Processor usage is measured since a baseline; one older than this is replaced by a new one, ``BASE_SECONDS`` old."""

HIGH_CPU, HIGH_MEMORY, LOW_DISK = 80.0, 80.0, 85.0


Percent = Annotated[float, Meta(ge=0)]
Amount = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]


class Cpu(msgspec.Struct, frozen=True):
    """Processor usage since the last measurement, relative to the available processors or quota."""

    usage_percent: Percent
    count: Count
    per_cpu: list[Percent]


class Memory(msgspec.Struct, frozen=True):
    """The memory of the host, or of the container if its limit is lower."""

    total_mb: Amount
    available_mb: Amount
    used_mb: Amount
    usage_percent: Percent


class Disk(msgspec.Struct, frozen=True):
    """The root file system, as far as the service may use it."""

    total_gb: Amount
    used_gb: Amount
    free_gb: Amount
    usage_percent: Percent


class Process(msgspec.Struct, frozen=True):
    """The process that responds; 100 % is one processor, and every open descriptor counts as a file."""

    pid: Count
    memory_mb: Amount
    cpu_percent: Percent
    threads: Count
    open_files: Count


class Network(msgspec.Struct, frozen=True):
    """Network traffic since the machine started."""

    bytes_sent_mb: Amount
    bytes_recv_mb: Amount
    packets_sent: Count
    packets_recv: Count


class Alerts(msgspec.Struct, frozen=True):
    """Exceeded limits: 80 % of processor time or memory, or 85 % of the disk."""

    high_cpu: bool
    high_memory: bool
    low_disk: bool


class Measured(msgspec.Struct, frozen=True):
    """Usage of the machine and of the process that responds."""

    cpu: Cpu
    memory: Memory
    disk: Disk
    process: Process
    network: Network
    alerts: Alerts


class Spent(NamedTuple):
    """Cumulative processor time in seconds at a moment.

    ``processors`` has (busy, total) of each processor, ``group`` is the control group's and ``process`` this
    process's.
    """

    at: float
    processors: tuple[tuple[float, float], ...]
    group: float
    process: float


class Machine(NamedTuple):
    """Usage of the container, or else of the machine: ratios from 0 to 1, and processor time as a monotonic total."""

    cpu_seconds: float
    cpu_cores: float
    memory_ratio: float
    disk_ratio: float


class Vitals:
    """Measures on demand, at most once in ``KEPT_SECONDS``. ``root`` is the root of the file system."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._group = Group(root)
        self._lock = threading.Lock()
        self._base: Spent | None = None
        self._made_at = -math.inf
        self._resources: Measured | None = None
        self._process: psutil.Process | None = None

    def recent(self) -> Measured | None:
        """The cached measurement, or ``None`` if it is too old."""
        return self._resources if time.monotonic() - self._made_at < KEPT_SECONDS else None

    def measure(self) -> Measured:
        """Measures the current state.

        Blocks for milliseconds, and for ``BASE_SECONDS`` if there is no baseline yet: call it in a thread.
        """
        with self._lock:
            if (recent := self.recent()) is not None:  # another call measured while this one waited for the lock
                return recent
            if self._base is None or time.monotonic() - self._base.at > LONGEST_SECONDS:
                self._base = self._spent()
                time.sleep(BASE_SECONDS)  # the interval over which use is measured, in a thread of its own
            now = self._spent()
            self._resources = self._measured(self._base, now)
            self._base, self._made_at = now, now.at
            return self._resources

    def machine(self) -> Machine:
        """Usage for metrics: totals, from which the reader computes rates, so no state is kept between calls.

        Blocks for a millisecond, and longer if the disk is slow: call it in a thread.
        """
        spent, quota = self._spent(), self._group.cpu_quota()
        seconds, cores = sum(busy for busy, _ in spent.processors), float(len(spent.processors))
        if quota is not None and quota < cores:
            seconds, cores = spent.group, quota
        memory, disk = self._memory().usage_percent, disk_of("/").usage_percent
        return Machine(seconds, cores, memory / 100, disk / 100)

    def _measured(self, base: Spent, now: Spent) -> Measured:
        cpu, memory, disk = self._cpu(base, now), self._memory(), disk_of("/")
        alerts = Alerts(
            high_cpu=cpu.usage_percent > HIGH_CPU,
            high_memory=memory.usage_percent > HIGH_MEMORY,
            low_disk=disk.usage_percent > LOW_DISK,
        )
        return Measured(cpu, memory, disk, self._of_process(base, now), network(), alerts)

    def _spent(self) -> Spent:
        import psutil  # slow to import, and rarely needed

        self._process = self._process or psutil.Process()
        allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        every = psutil.cpu_times(percpu=True)
        mine = every if allowed is None else [every[place] for place in allowed if place < len(every)]
        own = self._process.cpu_times()
        processors = tuple((busy(times), busy(times) + times.idle + getattr(times, "iowait", 0.0)) for times in mine)
        return Spent(time.monotonic(), processors, self._group.cpu_seconds(), own.user + own.system)

    def _cpu(self, base: Spent, now: Spent) -> Cpu:
        """Usage of the processors available to this process; with a quota, of the quota."""
        pairs = list(zip(base.processors, now.processors, strict=False))
        each = [share(after[0] - before[0], after[1] - before[1]) for before, after in pairs]
        usage = sum(each) / len(each) if each else 0.0
        count = len(each)
        quota = self._group.cpu_quota()
        if quota is not None and quota < count:
            usage = share(now.group - base.group, quota * (now.at - base.at))
            count = max(1, math.ceil(quota))
        return Cpu(round(usage, 1), count, [round(part, 1) for part in each])

    def _memory(self) -> Memory:
        import psutil

        host = psutil.virtual_memory()
        total, available = host.total, host.available
        if (limited := self._group.memory()) is not None and limited[0] < total:
            total, used = limited
            available = min(available, max(0, total - used))
        used = total - available
        return Memory(
            total_mb=round(total / MB, 1),
            available_mb=round(available / MB, 1),
            used_mb=round(used / MB, 1),
            usage_percent=round(share(used, total), 1),
        )

    def _of_process(self, base: Spent, now: Spent) -> Process:
        assert self._process  # noqa: S101  # set by the first call of _spent
        with self._process.oneshot():
            return Process(
                pid=self._process.pid,
                memory_mb=round(self._process.memory_info().rss / MB, 1),
                cpu_percent=round(100 * (now.process - base.process) / max(now.at - base.at, 1e-9), 1),
                threads=self._process.num_threads(),
                open_files=self._process.num_fds(),
            )


class Usage:
    """Resource usage of this process, read from Linux's proc file system: cheap enough to poll every few seconds.

    Without that file system, memory and files are NaN, which cannot be mistaken for low usage.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._folder = root / "proc/self"
        self._spent = 0.0

    def since(self) -> tuple[float, float, float]:
        """Processor time in seconds since the last call, resident memory in bytes, number of open file descriptors."""
        spent = time.process_time()
        before, self._spent = self._spent, spent
        pages = words(self._folder / "statm")
        memory = int(pages[1]) * os.sysconf("SC_PAGE_SIZE") if pages else math.nan
        try:
            files = float(len(os.listdir(self._folder / "fd")))  # noqa: PTH208  # only their number is wanted
        except OSError:
            files = math.nan
        return spent - before, memory, files


def started_at(pid: int, root: Path = Path("/")) -> float:
    """When a process started, in seconds since 1970; NaN if the system does not report it."""
    system = words(root / "proc/stat")
    if "btime" not in system:
        return math.nan
    return int(system[system.index("btime") + 1]) + started_after_boot(pid, root)


def age(pid: int) -> float:
    """How long a process has run, in seconds; 0 if the system does not report it."""
    started = started_after_boot(pid, Path("/"))
    return 0.0 if math.isnan(started) else max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def give_back_memory() -> None:
    """Returns memory that the C library has freed to the system (``malloc_trim(3)``), where supported."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(ctypes.c_size_t(0))


def started_after_boot(pid: int, root: Path) -> float:
    """When a process started, in seconds since boot; NaN if the system does not report it."""
    _, _, after_name = " ".join(words(root / f"proc/{pid}/stat")).rpartition(
        ")"
    )  # the process name may contain spaces and parentheses
    return int(after_name.split()[19]) / os.sysconf("SC_CLK_TCK") if after_name else math.nan


class Group:
    """The control groups of this process, innermost first; the strictest of their limits applies."""

    def __init__(self, root: Path) -> None:
        top = root / "sys/fs/cgroup"
        try:
            lines = (root / "proc/self/cgroup").read_text().splitlines()
        except OSError:
            lines = []
        place = next((line[3:] for line in lines if line.startswith("0::")), "/").strip("/")
        nearest = top / place
        self._folders = [folder for folder in (nearest, *nearest.parents) if folder == top or top in folder.parents]

    def memory(self) -> tuple[int, int] | None:
        """Limit and usage in bytes, without cached pages that the kernel reclaims first; ``None`` without a limit."""
        limits = []
        for folder in self._folders:
            limit, current = words(folder / "memory.max"), words(folder / "memory.current")
            if limit and current and limit[0].isdigit() and current[0].isdigit():
                cached = pairs_of(folder / "memory.stat").get("inactive_file", 0)
                limits.append((int(limit[0]), max(0, int(current[0]) - cached)))
        return min(limits, default=None)

    def cpu_quota(self) -> float | None:
        """The quota in processors; ``None`` if unlimited."""
        quotas = []
        for folder in self._folders:
            fields = words(folder / "cpu.max")
            if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit() and int(fields[1]):
                quotas.append(int(fields[0]) / int(fields[1]))
        return min((quota for quota in quotas if quota > 0), default=None)

    def cpu_seconds(self) -> float:
        """The processor time of the innermost group in seconds."""
        return pairs_of(self._folders[0] / "cpu.stat").get("usage_usec", 0) / 1e6 if self._folders else 0.0


def words(path: Path) -> list[str]:
    """The words in a kernel file; empty if the file cannot be read."""
    try:
        return path.read_text().split()
    except OSError:
        return []


def pairs_of(path: Path) -> dict[str, int]:
    """The names and integers in a kernel file with one pair per line."""
    entries = words(path)
    return {name: int(value) for name, value in zip(entries[::2], entries[1::2], strict=False) if value.isdigit()}


def busy(times: Any) -> float:
    """Seconds that a processor was busy; guest time is included in user time already."""
    fields = ("user", "nice", "system", "irq", "softirq", "steal")
    return float(sum(getattr(times, name, 0.0) for name in fields))


def share(part: float, whole: float) -> float:
    """A part as a percentage of a whole, limited to 0..100."""
    return min(100.0, max(0.0, 100 * part / whole)) if whole > 0 else 0.0


def disk_of(path: str) -> Disk:
    """Usage of the file system that contains a path."""
    total, used, free = shutil.disk_usage(path)
    return Disk(
        total_gb=round(total / GB, 2),
        used_gb=round(used / GB, 2),
        free_gb=round(free / GB, 2),
        usage_percent=round(share(used, used + free), 1),
    )


def network() -> Network:
    """Network traffic since boot."""
    import psutil

    counters = psutil.net_io_counters()
    if not counters:
        return Network(0.0, 0.0, 0, 0)
    sent, received = round(counters.bytes_sent / MB, 2), round(counters.bytes_recv / MB, 2)
    return Network(sent, received, counters.packets_sent, counters.packets_recv)
