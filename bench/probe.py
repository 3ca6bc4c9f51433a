"""Runs a handler over events in a process of its own, and reports what it cost.

    python probe.py FOLDER MODULE EVENTS [count|lines|profile]

Run it with `-S -P`: the handler then imports from FOLDER only. EVENTS is a JSON file, a list of events. The report goes
to standard error. It counts the answers' outcomes, so that a benchmark of refusals cannot pass for one of contacts.
"""

import collections
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

SETTLING = 50  # requests before the warm figures begin
PEAKS = (100, 1_000, 10_000)  # requests after which the memory is read
SLOWER = 200  # callgrind slows a process down at most so many times


class Context:
    """What handlers read from a Lambda context."""

    function_name = "bench"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


def main() -> None:
    """Imports, handles, and reports."""
    folder, module, file, *how = sys.argv[1:]
    sys.path.insert(0, folder)
    clock = time.monotonic
    if how == ["count"]:  # the handler's clock is slower too, so that no deadline passes
        real, began = time.time, time.time()
        time.monotonic = lambda: clock() / SLOWER
        time.time = lambda: began + (real() - began) / SLOWER
    lines = counted_lines() if how == ["lines"] else collections.Counter[str]()
    with open(file) as given:
        events: list[dict[str, Any]] = json.load(given)
    sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - a log line costs no more on Lambda
    handler = importlib.import_module(module).handler
    modules = sorted(sys.modules)
    profile = None
    if how == ["profile"]:
        import cProfile

        profile = cProfile.Profile(time.process_time)
    outcomes: collections.Counter[str] = collections.Counter()
    peaks: dict[int, float] = {}
    since_start = 0.0
    warm_from, cpu, wall = min(SETTLING, len(events) // 2), 0.0, 0.0
    for number, event in enumerate(events):
        if number == warm_from:
            cpu, wall = time.process_time(), clock()
            if profile:
                profile.enable()
        event["requestContext"]["requestTimeEpoch"] = int(time.time() * 1000)
        answer = handler(event, Context())
        if not number:
            since_start = (time.clock_gettime(time.CLOCK_BOOTTIME) - born()) * 1000
        outcomes[outcome(answer)] += 1
        if number + 1 in PEAKS:
            peaks[number + 1] = peak()
    if profile:
        profile.disable()
    warm = max(1, len(events) - warm_from)
    report = {
        "since_start_ms": since_start,
        "outcomes": dict(outcomes),
        "cpu_ms": (time.process_time() - cpu) * 1000 / warm,
        "wall_ms": (clock() - wall) * 1000 / warm,
        "peak_mb": peak(),
        "peaks_mb": peaks,
        "modules": modules,
        "lines": dict(lines),
        "profile": dict(by_package(profile, folder)) if profile else {},
    }
    print(json.dumps(report), file=sys.stderr)


def outcome(answer: dict[str, Any]) -> str:
    """The submission's outcome in the answer, or the HTTP status."""
    try:
        return str(json.loads(answer["body"])["status"])
    except (ValueError, KeyError):
        return str(answer.get("statusCode"))


def born() -> float:
    """When this process started, in seconds since boot, to the hundredth."""
    with open("/proc/self/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


def peak() -> float:
    """The most memory so far, in MB; `getrusage` would include the parent process's."""
    with open("/proc/self/status") as file:
        return round(next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) / 1024, 1)


def counted_lines() -> "collections.Counter[str]":
    """Counts each line of Python that runs from now on, by file: exact, whatever else the machine does."""
    counted: collections.Counter[str] = collections.Counter()
    monitoring = sys.monitoring
    monitoring.use_tool_id(monitoring.PROFILER_ID, "bench")

    def line(code: Any, _: int) -> None:
        counted[code.co_filename] += 1

    monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.LINE, line)
    monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.LINE)
    return counted


def by_package(profile: Any, folder: str) -> Iterator[tuple[str, float]]:
    """Each package's share of the time, without its callees; a function in C counts for its caller."""
    import pstats

    spent: collections.Counter[str] = collections.Counter()
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file != "~":
            spent[package(file, folder)] += own
            continue
        for (caller, _, _), (_, _, for_it, _) in callers.items():
            spent[package(caller, folder)] += for_it
    total = sum(spent.values())
    for name, seconds in spent.most_common():
        yield name, round(seconds / total, 3)


def package(file: str, folder: str) -> str:
    """The package that a file belongs to."""
    if "/var/task/" in file:  # the path in the bundle's bytecode
        return file.partition("/var/task/")[2].partition("/")[0]
    if file.startswith(folder):
        return file[len(folder) :].strip("/").partition("/")[0]
    return "python"


if __name__ == "__main__":
    main()
