"""The tables of docs/performance.md, from the results of `make bench` and `make chaos` in bench/results/."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from local.processes import ROOT
from tools import aws_costs

RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
OURS, PLAIN, TUTORIAL = "as shipped", "the same, by plain sam build", "tutorial handler"


def result(part: str) -> Any:
    """The recorded result of one part of `make bench`."""
    return json.loads((RESULTS / f"{part}.json").read_text())[part]


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|" + "---|" * lines[0].count(" | ") + "---|", *lines[1:]]) + "\n"


def setting() -> str:
    """The dates, the machine and the versions."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))}
    dates = sorted({one["date"] for one in found.values() if "date" in one})
    machine = found["cold"]["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in found["cold"]["versions"].items())
    return f"Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))} on {machine}; {versions}.\n"


def targets() -> str:
    """Each target, with the measured value."""
    cold, warm, size, wires = result("cold"), result("warm"), result("size"), result("connections")
    counts = {name: figures["m_instructions"] for name, figures in cold.items()}
    peaks = warm["created"]["peaks_mb"]
    rows: list[tuple[str, str, float, float]] = [
        (
            "cold start, relative to the same code by plain `sam build`",
            "<=",
            0.35,
            counts[OURS] / counts[PLAIN],
        ),
        ("cold start, relative to the tutorial handler", "<=", 0.85, counts[OURS] / counts[TUTORIAL]),
        ("warm CPU, relative to a lean handler that makes three calls", "<=", 1.5, result("turns")["ratio"]),
        ("warm instructions, relative to the same", "<=", 1.5, result("turns")["ratio_of_instructions"]),
        (f"connections to Clemta in {wires['calls']:,} calls", "<=", 1, wires["connections"]),
        (
            "a call to Clemta, relative to `requests.post` each time",
            "<=",
            0.02,
            wires["m_instructions"] / wires["requests.post each time"],
        ),
        ("MB of the bundle, zipped", "<=", 25, size["zip"]),
        ("MB of memory at most, after 10,000 requests", "<=", 110, peaks["10000"]),
        ("MB of it added after the first 1,000", "<=", 1, peaks["10000"] - peaks["1000"]),
    ]
    peers = result("peers")
    if "skipped" not in peers:
        ours = peers["clemta-intake"]
        red, n8n = _peer(peers, "Node-RED"), _peer(peers, "n8n")
        rows += [
            ("CPU a contact, relative to Node-RED", "<=", 1.5, ours["cpu_ms"] / red["cpu_ms"]),
            ("p99 at one client, relative to Node-RED", "<=", 1.0, ours["p99_ms"] / red["p99_ms"]),
            ("memory under load, relative to Node-RED", "<=", 0.3, ours["loaded_mb"] / red["loaded_mb"]),
            *_queued_targets(peers, red),
            ("requests a second, relative to n8n", ">=", 10, ours["per_second_8"] / n8n["per_second_8"]),
        ]
    return table(
        ("target", "", "measured", ""),
        (
            (
                name,
                f"{'at most' if bound == '<=' else 'at least'} {target:g}",
                f"{value:.3g}",
                _verdict(bound, target, value),
            )
            for name, bound, target, value in rows
        ),
    )


def _queued_targets(
    peers: Mapping[str, Any], red: Mapping[str, float]
) -> list[tuple[str, str, float, float]]:
    """Those of queued answers; none in results that are older than this row."""
    queued = peers.get("clemta-intake, queued answers")
    if not queued:
        return []
    return [
        ("CPU a queued answer, relative to Node-RED", "<=", 1.0, queued["cpu_ms"] / red["cpu_ms"]),
        ("p99 of it at one client, relative to the same", "<=", 0.6, queued["p99_ms"] / red["p99_ms"]),
        ("memory under load, relative to the same", "<=", 0.3, queued["loaded_mb"] / red["loaded_mb"]),
    ]


def _verdict(bound: str, target: float, value: float) -> str:
    met = value <= target if bound == "<=" else value >= target
    return "met" if met else "**missed**"


def _peer(peers: Mapping[str, Any], name: str) -> Any:
    return next(figures for key, figures in peers.items() if key.startswith(name))


def cold() -> str:
    """Cold starts, compared."""
    found = result("cold")
    ours = found[OURS]["m_instructions"]
    return table(
        (
            "from process start to the first contact",
            "M instructions",
            "ours, relative to it",
            "median ms here",
        ),
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
    """The cost of each part of a cold start."""
    found = result("parts")
    whole = sum(found.values())
    return table(
        ("part", "M instructions", "of all"),
        ((name, f"{count:,}", f"{count / whole:.0%}") for name, count in found.items()),
    )


def levers() -> str:
    """The effect of each optimisation on a cold start."""
    found = result("levers")
    shipped = found[OURS]
    return table(
        ("", "M instructions", "relative to what ships"),
        ((name, f"{count:,}", f"{count / shipped:.2f}") for name, count in found.items() if name != OURS),
    )


def settings() -> str:
    """The cost of a call under each botocore setting."""
    return table(("a write to the ledger", "M instructions"), result("settings").items())


def warm() -> str:
    """Warm requests by kind, with a profile of each."""
    return table(
        ("a request", "CPU ms", "M instructions", "peak MB after 100, 1,000, 10,000", "CPU by package"),
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


def windows() -> str:
    """A created contact, by the state of the rate limit's window."""
    return table(("a request", "M instructions"), result("windows").items())


def memory() -> str:
    """Time and price by memory size: Lambda grants CPU in proportion to memory."""
    cpu_ms = result("warm")["created"]["cpu_ms"]
    cold_ms = result("cold")[OURS]["wall_ms"]
    rows = []
    for size_mb in (256, 512, 1024, aws_costs.FULL_CORE_MB, 3008):
        share = aws_costs.cpu_share(size_mb)
        price = 1e6 * aws_costs.invocation(size_mb, cpu_ms / share / 1000)
        rows.append(
            (size_mb, f"{share:.2f}", f"{cold_ms / share:,.0f}", f"{cpu_ms / share:.1f}", f"${price:.2f}")
        )
    return table(("MB", "vCPU", "cold start, ms", "CPU of a contact, ms", "a million contacts' CPU"), rows)


def bundle() -> str:
    """The zip's size, by package."""
    found = result("size")
    return table(("package", "MB zipped"), ((name, f"{size:.2f}") for name, size in found.items()))


def runtime() -> str:
    """Throughput through Lambda's runtime client."""
    return table(
        ("handler", "invocations a second"),
        ((name, one["per_second"]) for name, one in result("runtime").items()),
    )


def peers() -> str:
    """The alternatives, compared."""
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
    """Bursts in virtual time, with their price on AWS."""
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
            f"${aws_costs.burst(one):.2f}",
        )
        for one in result("burst")
    ]
    head = (
        "sign-ups in 10 s",
        "drained after",
        "relative to the ideal",
        "calls in a minute",
        "p99 of waiting, relative to first in, first out",
        "refused",
        "wasted",
        "attempts",
        "ledger writes",
        "on AWS",
    )
    return table(head, rows)


def lists() -> str:
    """A burst with Clemta's list in place of look-ups, in virtual time."""
    found = result("lists")
    head = (
        "`ListSeconds`",
        "contacts a minute",
        "calls a contact",
        "refused",
        "made twice",
        "ledger writes a contact",
    )
    rows = [
        (
            one["list_seconds"],
            one["contacts_a_minute"],
            one["calls_a_contact"],
            one["calls_refused"],
            one["duplicates"],
            one["ledger_writes_a_contact"],
        )
        for one in found["paces"]
    ]
    odds = [
        f"- `ListSeconds` {one['list_seconds']}, contacts visible after {one['lag']} s: "
        f"{one['became_two']} of {one['added']}"
        for one in found["by_hand"]
    ]
    text = (
        "\nSomebody adds people in Clemta by hand while their sign-ups wait; so many became two contacts:\n\n"
    )
    return table(head, rows) + text + "\n".join(odds) + "\n"


def imports() -> str:
    """Imports in virtual time."""
    found = result("imports")
    head = ("rows", "contacts before", "rows a minute", "calls a row", "refused", "made twice")
    rows = [
        (
            f"{one['rows']:,}",
            f"{one['contacts_before']:,}",
            one["rows_a_minute"],
            one["calls_a_row"],
            one["calls_refused"],
            one["duplicates"],
        )
        for one in found["paces"]
    ]
    odds = (
        f"\nOf {found['added_by_hand']} people who were added in Clemta by hand while their row waited (20 in each of "
        f"ten imports of 1,000 rows), {found['became_two']} became two contacts.\n"
    )
    return table(head, rows) + odds


def price() -> str:
    """The AWS price of 1,000 sign-ups while Clemta accepts every call at once."""
    prices = aws_costs.signup()
    rows = [*prices.items(), ("**together**", sum(prices.values()))]
    return table(("1,000 sign-ups", "dollars"), [(name, f"{1000 * each:.4f}") for name, each in rows])


def scale() -> str:
    """What each rate of sign-ups needs, calculated: a sign-up takes two calls, three writes and one reservation."""
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
                "is enough" if shards == 1 else f"{shards:.0f} times the limit, or as many keys",
                f"{a_second * aws_costs.INVOCATION_SECONDS:.2f}",
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


def tables() -> dict[Path, dict[str, str]]:
    """The page's generated parts, by page and mark."""
    made = (
        setting,
        targets,
        cold,
        parts,
        levers,
        warm,
        windows,
        settings,
        memory,
        bundle,
        runtime,
        peers,
        burst,
        lists,
        imports,
        price,
        scale,
    )
    return {PAGE: {one.__name__: one() for one in made}}
