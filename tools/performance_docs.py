"""The tables of docs/performance.md, made of what `make bench` and `make chaos` left in bench/results/."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.processes import ROOT

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
OURS, PLAIN, TUTORIAL, LEAN = "as shipped", "the same, by plain sam build", "tutorial handler", "lean handler"
FULL_CORE_MB = (
    1769  # of memory bring one vCPU: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
)
LOOK_SECONDS = 0.01  # of one that comes before its time and goes back, a guess as well
PRICES = {  # us-east-1, dollars, as this was written; Lambda for arm64
    "gateway": 3.50e-6,  # a request
    "invocation": 0.20e-6,
    "gb_second": 0.0000133334,
    "write": 0.625e-6,  # of up to 1 KB
    "sqs": 0.40e-6,  # a call
    "log_gb": 0.50,
}
SECONDS = 0.15  # an invocation's, a guess until it is measured on AWS
LOG_GB = 1e-6  # an invocation's line


def result(part: str) -> Any:
    """What was measured of that part."""
    return json.loads((RESULTS / f"{part}.json").read_text())[part]


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * lines[0].count(" | ") + "---|", *lines[1:]]) + "\n"


def setting() -> str:
    """When and where."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    dates = sorted({one["date"] for one in found.values() if "date" in one})
    machine = found["cold"]["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in found["cold"]["versions"].items())
    return f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))} on {machine}; {versions}.\n"


def targets() -> str:
    """What was to be reached, and what came out."""
    cold, warm, size, wires = result("cold"), result("warm"), result("size"), result("connections")
    counts = {name: figures["m_instructions"] for name, figures in cold.items()}
    peaks = warm["created"]["peaks_mb"]
    rows: list[tuple[str, str, float, float]] = [
        ("cold start, of the same code by plain `sam build`", "<=", 0.35, counts[OURS] / counts[PLAIN]),
        ("cold start, of the tutorial handler's", "<=", 0.85, counts[OURS] / counts[TUTORIAL]),
        ("warm CPU, of a lean handler that makes three calls", "<=", 1.5, result("turns")["ratio"]),
        ("warm instructions, of the same", "<=", 1.5, result("turns")["ratio_of_instructions"]),
        (f"connections to Clemta in {wires['calls']:,} calls", "<=", 1, wires["connections"]),
        (
            "a call to Clemta, of `requests.post` each time",
            "<=",
            0.02,
            wires["m_instructions"] / wires["requests.post each time"],
        ),
        ("MB of the bundle, zipped", "<=", 25, size["zip"]),
        ("MB of memory at the most, after 10,000 requests", "<=", 110, peaks["10000"]),
        ("MB of it that came after the first 1,000", "<=", 1, peaks["10000"] - peaks["1000"]),
    ]
    peers = result("peers")
    if "skipped" not in peers:
        ours = peers["clemta-intake"]
        red, n8n = _peer(peers, "Node-RED"), _peer(peers, "n8n")
        rows += [
            ("CPU a contact, of Node-RED's", "<=", 1.5, ours["cpu_ms"] / red["cpu_ms"]),
            ("p99 at one client, of Node-RED's", "<=", 1.0, ours["p99_ms"] / red["p99_ms"]),
            ("memory under load, of Node-RED's", "<=", 0.3, ours["loaded_mb"] / red["loaded_mb"]),
            ("requests a second, times n8n's", ">=", 10, ours["per_second_8"] / n8n["per_second_8"]),
        ]
    return table(
        ("target", "", "measured", ""),
        (
            (
                name,
                f"{'at most' if which == '<=' else 'at least'} {goal:g}",
                f"{value:.3g}",
                _met(which, goal, value),
            )
            for name, which, goal, value in rows
        ),
    )


def _met(which: str, goal: float, value: float) -> str:
    return "met" if (value <= goal if which == "<=" else value >= goal) else "**missed**"


def _peer(peers: Mapping[str, Any], name: str) -> Any:
    return next(figures for key, figures in peers.items() if key.startswith(name))


def cold() -> str:
    """Cold starts side by side."""
    found = result("cold")
    ours = found[OURS]["m_instructions"]
    return table(
        ("from process start to the first contact", "M instructions", "ours is", "ms here, median"),
        (
            (
                name,
                f"{one['m_instructions']:,}",
                f"{ours / one['m_instructions']:.2f}",
                one.get("wall_ms", ""),
            )
            for name, one in found.items()
        ),
    )


def parts() -> str:
    """Where a cold start goes."""
    found = result("parts")
    whole = sum(found.values())
    return table(
        ("part", "M instructions", "of all"),
        ((name, f"{count:,}", f"{count / whole:.0%}") for name, count in found.items()),
    )


def levers() -> str:
    """What each lever does."""
    found = result("levers")
    shipped = found[OURS]
    return table(
        ("", "M instructions", "of what ships"),
        ((name, f"{count:,}", f"{count / shipped:.2f}") for name, count in found.items() if name != OURS),
    )


def settings() -> str:
    """What a call costs by botocore's settings."""
    return table(("a write to the ledger", "M instructions"), result("settings").items())


def warm() -> str:
    """Warm requests by kind, and where the time goes."""
    return table(
        ("a request", "CPU ms", "M instructions", "peak MB after 100, 1,000, 10,000", "where the time goes"),
        (
            (
                name,
                f"{one['cpu_ms']:.2f}",
                one["m_instructions"],
                ", ".join(f"{peak:g}" for peak in one["peaks_mb"].values()),
                ", ".join(f"{package} {share:.0%}" for package, share in one["profile"].items()),
            )
            for name, one in result("warm").items()
        ),
    )


def memory() -> str:
    """What memory size means for time and money, by the CPU that Lambda gives with it."""
    cpu = result("warm")["created"]["cpu_ms"]
    first = result("cold")[OURS]["wall_ms"]
    rows = []
    for size in (256, 512, 1024, FULL_CORE_MB, 3008):
        share = min(1.0, size / FULL_CORE_MB)
        milliseconds = cpu / share
        price = 1e6 * (PRICES["invocation"] + PRICES["gb_second"] * size / 1024 * milliseconds / 1000)
        rows.append((size, f"{share:.2f}", f"{first / share:,.0f}", f"{milliseconds:.1f}", f"${price:.2f}"))
    return table(("MB", "vCPU", "cold start, ms", "CPU of a contact, ms", "a million contacts' CPU"), rows)


def bundle() -> str:
    """The zip by package."""
    found = result("size")
    return table(("package", "MB zipped"), ((name, f"{size:.2f}") for name, size in found.items()))


def runtime() -> str:
    """Through Lambda's runtime client."""
    return table(
        ("handler", "invocations a second"),
        ((name, one["per_second"]) for name, one in result("runtime").items()),
    )


def peers() -> str:
    """Beside what people would use instead."""
    found = result("peers")
    if "skipped" in found:
        return f"Not measured: {found['skipped']}.\n"
    node = found.pop("node")
    head = ("", "start, s", "MB idle, loaded", "p50, p99 ms", "requests/s by 1, 8", "p99 ms by 8", "CPU ms")
    rows = (
        (
            name,
            f"{one['start_s']:.1f}",
            f"{one['idle_mb']:.0f}, {one['loaded_mb']:.0f}",
            f"{one['p50_ms']:.1f}, {one['p99_ms']:.1f}",
            f"{one['per_second_1']:.0f}, {one['per_second_8']:.0f}",
            f"{one['p99_ms_8']:.0f}",
            f"{one['cpu_ms']:.1f}",
        )
        for name, one in found.items()
    )
    return table(head, rows) + f"\nNode {node}.\n"


def burst() -> str:
    """Bursts in virtual time, and what they cost on AWS."""
    rows = [
        (
            f"{one['signups']:,}",
            f"{one['hours']:g} h",
            f"{one['drained_over_ideal']:.3f}",
            one["most_calls_in_a_minute"],
            f"{one['p99_over_fifo']:.2f}",
            one["calls_refused"],
            one["calls_wasted"],
            f"{one['invocations'] + one['looks_before_time']:,}",
            f"{one['ledger_writes']:,}",
            f"${cost(one):.2f}",
        )
        for one in result("burst")
    ]
    head = (
        "sign-ups in 10 s",
        "drained after",
        "over the ideal",
        "calls in a minute",
        "p99 of waiting over first in, first out",
        "refused",
        "wasted",
        "tries",
        "ledger writes",
        "on AWS",
    )
    return table(head, rows)


def cost(one: Mapping[str, Any]) -> float:
    """Dollars of a burst: each try is an invocation, and each but the last one a message sent, taken and deleted."""
    tries = one["invocations"] + one["looks_before_time"]
    seconds = one["invocations"] * SECONDS + one["looks_before_time"] * LOOK_SECONDS
    messages = 3 * (tries - one["signups"])
    return float(
        one["signups"] * PRICES["gateway"]
        + tries * (PRICES["invocation"] + PRICES["log_gb"] * LOG_GB)
        + seconds * PRICES["gb_second"]
        + one["ledger_writes"] * PRICES["write"]
        + messages * PRICES["sqs"]
    )


def price() -> str:
    """A thousand sign-ups that meet a Clemta with calls to spare."""
    writes = 3  # claim, budget, created
    rows = [
        ("API Gateway, REST", PRICES["gateway"]),
        ("Lambda, arm64, 1 GB", PRICES["invocation"] + PRICES["gb_second"] * SECONDS),
        (f"DynamoDB, {writes} write units", writes * PRICES["write"]),
        ("SQS, 1 in 10, 3 calls", 0.3 * PRICES["sqs"]),
        ("CloudWatch Logs, 1 KB", PRICES["log_gb"] * LOG_GB),
    ]
    together = sum(each for _, each in rows)
    return table(
        ("1,000 sign-ups", "dollars"),
        [(name, f"{1000 * each:.4f}") for name, each in [*rows, ("**together**", together)]],
    )


def scale() -> str:
    """What each rate of sign-ups needs, by arithmetic: two calls and three writes each, one booking for both calls."""
    rows = []
    for name, a_minute in (
        ("1 a minute", 1),
        ("50 a minute", 50),
        ("1,000,000 a day", 10**6 / 1440),
        ("1,000 a minute", 1000),
    ):
        calls, a_second = 2 * a_minute, a_minute / 60
        shards = max(1, -(-calls // 100))
        rows.append(
            (
                name,
                f"{calls:,.0f}",
                "as it is" if shards == 1 else f"{shards:.0f} times the limit, or as many keys",
                f"{a_second * SECONDS:.2f}",
                f"{3 * a_second:.1f}",
                f"{a_second:.1f}",
            )
        )
    head = (
        "sign-ups",
        "calls to Clemta a minute",
        "at 100 calls a minute a key",
        "concurrent Lambdas",
        "writes a second",
        "of them on the budget's item",
    )
    return table(head, rows)


def pages() -> dict[Path, dict[str, str]]:
    """The page's parts by their marks."""
    made = (
        setting,
        targets,
        cold,
        parts,
        levers,
        warm,
        settings,
        memory,
        bundle,
        runtime,
        peers,
        burst,
        price,
        scale,
    )
    return {PAGE: {one.__name__: one() for one in made}}
