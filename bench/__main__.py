"""`python -m bench`, or `make bench`: everything that docs/performance.md says, measured in one run on this machine.

A part of it: `python -m bench cold warm`. Results go to bench/results/; docs/performance.md's tables are made of them.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import bundles, handlers, levers, peers, runtime, scale
from bench.bundles import OURS
from bench.handlers import Bench
from bench.setting import certificate, setting
from local.processes import ROOT

RESULTS = ROOT / "bench" / "results"
PACKAGES = ("aws-lambda-powertools", "boto3", "pydantic", "requests", "ministack")


def through_the_runtime(bench: Bench, environment: dict[str, str]) -> dict[str, Any]:
    """Ours, the lean handler and the tutorial's through Lambda's own runtime client."""
    tutorial = bench.trusting(bundles.reference("tutorial", "aws-xray-sdk"))
    subjects = {
        "as shipped": (bench.ours, OURS, {}),
        "lean handler, the same three calls": (bench.lean, "lean", {"LEAN_LEDGER": "1"}),
        "tutorial handler": (tutorial, "tutorial", {}),
    }
    return {
        name: runtime.invocations(environment | more, folder, module, 500, 10**6 * number)
        for number, (name, (folder, module, more)) in enumerate(subjects.items(), 1)
    }


def beside_peers(bench: Bench, environment: dict[str, str], folder: Path, certfile: Path) -> dict[str, Any]:
    """Ours, Node-RED and n8n; or why they were not measured."""
    if reason := peers.install():
        return {"skipped": reason}
    subjects = [
        *peers.handlers(bench, environment),
        peers.node_red(bench.clemta.url, certfile, folder / "node-red"),
        peers.n8n(bench.clemta.url, certfile, folder / "n8n"),
    ]
    return {"node": peers.NODE, **peers.compare(bench, subjects)}


def main() -> None:
    """Measures what was asked for, part by part; each is written as soon as it is there."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parts = (
        "cold",
        "parts",
        "levers",
        "settings",
        "warm",
        "turns",
        "connections",
        "size",
        "runtime",
        "peers",
        "burst",
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all without any")
    parser.add_argument(
        "--requests", type=int, default=10_000, help="for a warm figure (default: %(default)s)"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(parts):
        parser.error(f"no such part: {', '.join(unknown)}")
    handlers.needs_valgrind()
    console = Console()
    with bundles.work_folder() as name:
        folder = Path(name)
        certfile, keyfile = certificate(folder)
        with setting(certfile, keyfile) as (clemta, environment):
            bench = Bench(clemta, environment, certfile)
            measures: dict[str, Callable[[], Any]] = {
                "cold": lambda: handlers.cold(bench),
                "parts": lambda: levers.parts(bench),
                "levers": lambda: levers.moved(bench),
                "settings": lambda: levers.settings(bench),
                "warm": lambda: handlers.warm(bench, options.requests),
                "turns": lambda: handlers.turns(bench),
                "connections": lambda: handlers.connections(bench),
                "size": lambda: bundles.size(bundles.shipped()),
                "runtime": lambda: through_the_runtime(bench, environment),
                "peers": lambda: beside_peers(bench, environment, folder, certfile),
                "burst": lambda: [scale.burst(signups) for signups in scale.SIGNUPS],
            }
            for part in options.parts or parts:
                with console.status(part):
                    found = measures[part]()
                console.print(f"[bold]{part}[/]", found)
                record(part, found)


def record(part: str, found: Any) -> None:
    """Writes what came out, with when, where and of which versions."""
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {os.uname().machine}, Python {sys.version.split()[0]}",
        "versions": {name: version(name) for name in PACKAGES},
        part: found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{part}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
