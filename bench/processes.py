"""What Linux's /proc says of processes: children, state, CPU time and memory."""

import os
from contextlib import suppress
from pathlib import Path


def kernel_file(pid: int, name: str) -> str:
    """The text of /proc/PID/NAME; empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid: int) -> list[int]:
    """The processes that this one started."""
    return [int(child) for child in kernel_file(pid, f"task/{pid}/children").split()]


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        found += children(parent)
    return found


def is_running(pid: int) -> bool:
    """Whether the process runs: a zombie does not."""
    state = kernel_file(pid, "stat").rpartition(")")[2].split()
    return bool(state) and state[0] not in "ZX"


def cpu_seconds(pid: int) -> float:
    """CPU seconds of the process and its descendants."""
    ticks = 0
    for one in tree(pid):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of the process and its descendants, in MB."""
    kilobytes = 0
    for one in tree(pid):
        lines = Path(f"/proc/{one}/status").read_text().splitlines()
        kilobytes += int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))
    return kilobytes / 1024


def kill_tree(pid: int) -> None:
    """Kills the process and its descendants."""
    for one in tree(pid):
        with suppress(ProcessLookupError):
            os.kill(one, 9)
