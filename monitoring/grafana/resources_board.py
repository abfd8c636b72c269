"""The dashboard *Resources*: what the processes use, what the machine or container has left, and what runs there."""

from board import HERE, RED, YELLOW, Query, Row, lines, listing, number, page, rate
from grafana_foundation_sdk.models.dashboard import Dashboard

NOW = Row(
    "Now, of the most loaded instance",
    [
        number(
            "CPU", "percentunit", "CPU usage, as a share of what the instance may use.",
            f"max(instance:system_cpu_usage:ratio_rate5m{{{HERE}}})", limits=[(0.8, YELLOW)], runbooks=["HighCPU"],
        ),
        number(
            "Memory", "percentunit", "Memory usage, as a share of the limit of the container or machine.",
            f"max(system_memory_usage_ratio{{{HERE}}})", limits=[(0.8, YELLOW), (0.95, RED)], runbooks=["HighMemory"],
        ),
        number(
            "Disk", "percentunit", "Usage of the root file system.",
            f"max(system_disk_usage_ratio{{{HERE}}})", limits=[(0.85, YELLOW), (0.95, RED)], runbooks=["LowDisk"],
        ),
        number(
            "Workers missing", "short", "Configured workers that are not ready to score.",
            f"sum(service_workers{{{HERE}}}) - sum(service_ready_workers{{{HERE}}})", limits=[(1, RED)],
            runbooks=["WorkersNotReady"],
        ),
        number(
            "Shortest uptime", "s", "Uptime of the instance that started last.",
            f"min(time() - process_start_time_seconds{{{HERE}}})", runbooks=["ServiceDown"],
        ),
        number("Versions", "short", "Number of versions that run; more than one during a rollout.",
               f"count(count by (version) (service_info{{{HERE}}}))", limits=[(2, YELLOW)]),
    ],
)  # fmt: skip

MACHINE = Row(
    "Machine or container",
    [
        lines(
            "CPU", "percentunit", "CPU usage, as a share of what the instance may use.",
            [Query(f"instance:system_cpu_usage:ratio_rate5m{{{HERE}}}", "{{instance}}")], limits=[(0.8, YELLOW)],
            most=1, runbooks=["HighCPU"],
        ),
        lines(
            "Memory", "percentunit", "Memory usage, as a share of the limit of the container or machine.",
            [Query(f"system_memory_usage_ratio{{{HERE}}}", "{{instance}}")], limits=[(0.8, YELLOW), (0.95, RED)],
            most=1, runbooks=["HighMemory"],
        ),
        lines(
            "Disk", "percentunit", "Usage of the root file system.",
            [Query(f"system_disk_usage_ratio{{{HERE}}}", "{{instance}}")], limits=[(0.85, YELLOW), (0.95, RED)],
            most=1, runbooks=["LowDisk"],
        ),
    ],
)  # fmt: skip

PROCESSES = Row(
    "Processes of the service",
    [
        lines(
            "CPU of the workers", "short",
            "CPUs that the workers use, and those that the instance may use.",
            [
                Query(rate("process_cpu_seconds_total", by="instance"), "{{instance}} uses"),
                Query(f"system_cpu_cores{{{HERE}}}", "{{instance}} may use"),
            ],
            runbooks=["HighCPU"],
        ),
        lines(
            "Memory of the workers", "bytes", "Resident memory of all workers; shared pages count once per worker.",
            [Query(f"process_resident_memory_bytes{{{HERE}}}", "{{instance}}")], runbooks=["HighMemory"],
        ),
        lines(
            "Open files and connections", "short", "File descriptors of all workers; steady growth means a leak.",
            [Query(f"process_open_fds{{{HERE}}}", "{{instance}}")],
        ),
        lines(
            "Longest stall", "s",
            "Longest time in the last minute that an event loop was blocked; its worker answers nothing meanwhile.",
            [Query(f"event_loop_longest_stall_seconds{{{HERE}}}", "{{instance}}")], limits=[(0.5, YELLOW)],
            runbooks=["EventLoopStalls"],
        ),
        lines(
            "Workers", "short", "Workers that are ready to score, and the configured number.",
            [
                Query(f"service_ready_workers{{{HERE}}}", "{{instance}} ready"),
                Query(f"service_workers{{{HERE}}}", "{{instance}} configured"),
            ],
            runbooks=["NotReady", "WorkersNotReady"],
        ),
        lines(
            "Uptime", "s", "Uptime of each instance; a fall to zero is a restart.",
            [Query(f"time() - process_start_time_seconds{{{HERE}}}", "{{instance}}")], runbooks=["ServiceDown"],
        ),
        listing(
            "Versions by instance", "Environment and version of each instance.", f"service_info{{{HERE}}}",
            ["instance", "env", "version"],
        ),
    ],
)  # fmt: skip

TAPE = Row(
    "Scores on their way to the ledger",
    [
        lines(
            "Size of the tape", "bytes",
            "Scores that are not yet in the ledger; a size that keeps growing means that nothing moves them there.",
            [Query(f"ledger_tape_bytes{{{HERE}}}", "{{instance}}")],
        ),
        lines(
            "Leads not kept", "short", "Leads per second that were scored but could not be kept: the tape is full.",
            [Query(rate("ledger_unrecorded_leads_total", by="instance"), "{{instance}}")], limits=[(0.001, RED)],
        ),
    ],
)  # fmt: skip


def resources() -> Dashboard:
    """The page for whoever looks after the machines."""
    said = "CPU, memory and disk of the machine or container, and what the processes use."
    return page("lead-scoring-resources", "Resources", said, [NOW, MACHINE, PROCESSES, TAPE])
