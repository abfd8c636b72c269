"""The dashboard *Resources*: what the processes use, what the machine or container has left, and what runs there."""

from board import HERE, RED, YELLOW, Query, Row, lines, listing, number, page, rate
from grafana_foundation_sdk.models.dashboard import Dashboard

NOW = Row(
    "Now, of the instance that has least left",
    [
        number(
            "Processor", "percentunit", "Processor time in use, of what the instance may use.",
            f"max(instance:system_cpu_usage:ratio_rate5m{{{HERE}}})", limits=[(0.8, YELLOW)], runbooks=["HighCPU"],
        ),
        number(
            "Memory", "percentunit", "Memory in use, of the container's limit or the machine's.",
            f"max(system_memory_usage_ratio{{{HERE}}})", limits=[(0.8, YELLOW), (0.95, RED)], runbooks=["HighMemory"],
        ),
        number(
            "Disk", "percentunit", "Disk in use, of the root file system.",
            f"max(system_disk_usage_ratio{{{HERE}}})", limits=[(0.85, YELLOW), (0.95, RED)], runbooks=["LowDisk"],
        ),
        number(
            "Workers missing", "short", "Workers that should be ready to score and are not.",
            f"sum(service_workers{{{HERE}}}) - sum(service_ready_workers{{{HERE}}})", limits=[(1, RED)],
            runbooks=["WorkersNotReady"],
        ),
        number(
            "Youngest instance", "s", "How long the instance that started last has been up.",
            f"min(time() - process_start_time_seconds{{{HERE}}})", runbooks=["ServiceDown"],
        ),
        number("Versions", "short", "How many versions run side by side; more than one while a new one is rolled out.",
               f"count(count by (version) (service_info{{{HERE}}}))", limits=[(2, YELLOW)]),
    ],
)  # fmt: skip

MACHINE = Row(
    "Machine or container",
    [
        lines(
            "Processor", "percentunit", "Processor time in use, of what the instance may use.",
            [Query(f"instance:system_cpu_usage:ratio_rate5m{{{HERE}}}", "{{instance}}")], limits=[(0.8, YELLOW)],
            most=1, runbooks=["HighCPU"],
        ),
        lines(
            "Memory", "percentunit", "Memory in use, of the container's limit or the machine's.",
            [Query(f"system_memory_usage_ratio{{{HERE}}}", "{{instance}}")], limits=[(0.8, YELLOW), (0.95, RED)],
            most=1, runbooks=["HighMemory"],
        ),
        lines(
            "Disk", "percentunit", "Disk in use, of the root file system.",
            [Query(f"system_disk_usage_ratio{{{HERE}}}", "{{instance}}")], limits=[(0.85, YELLOW), (0.95, RED)],
            most=1, runbooks=["LowDisk"],
        ),
    ],
)  # fmt: skip

PROCESSES = Row(
    "Processes of the service",
    [
        lines(
            "Processor of the workers", "short",
            "Processors that the workers keep busy, and how many the instance may use.",
            [
                Query(rate("process_cpu_seconds_total", by="instance"), "{{instance}} uses"),
                Query(f"system_cpu_cores{{{HERE}}}", "{{instance}} may use"),
            ],
            runbooks=["HighCPU"],
        ),
        lines(
            "Memory of the workers", "bytes", "Resident memory of all workers; what they share is counted in each.",
            [Query(f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}")], runbooks=["HighMemory"],
        ),
        lines(
            "Open files and connections", "short", "Descriptors of all workers: a number that only grows is a leak.",
            [Query(f"process_open_fds{{{HERE}}}", "{{instance}}")],
        ),
        lines(
            "Longest stall", "s",
            "Longest that an event loop kept everybody waiting, in the last minute: probes, and all that scores.",
            [Query(f"event_loop_longest_stall_seconds{{{HERE}}}", "{{instance}}")], limits=[(0.5, YELLOW)],
            runbooks=["EventLoopStalls"],
        ),
        lines(
            "Workers", "short", "Workers that are ready to score, and how many there should be.",
            [
                Query(f"service_ready_workers{{{HERE}}}", "{{instance}} ready"),
                Query(f"service_workers{{{HERE}}}", "{{instance}} wanted"),
            ],
            runbooks=["NotReady", "WorkersNotReady"],
        ),
        lines(
            "Up for", "s", "How long each instance has been up: a fall to nothing is a start.",
            [Query(f"time() - process_start_time_seconds{{{HERE}}}", "{{instance}}")], runbooks=["ServiceDown"],
        ),
        listing(
            "What runs", "Environment and version of each instance.", f"service_info{{{HERE}}}",
            ["instance", "env", "version"],
        ),
    ],
)  # fmt: skip


def resources() -> Dashboard:
    """The page for whoever looks after the machines."""
    said = "What the processes use, what the machine or container has left, and what runs there."
    return page("lead-scoring-resources", "Resources", said, [NOW, MACHINE, PROCESSES])
