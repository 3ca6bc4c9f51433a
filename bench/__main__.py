"""`python -m bench`, or `make bench`: measures every figure of docs/performance.md in one run on this machine.

Parts of it: `python -m bench cold warm`. The results go to bench/results/; `make docs` makes the tables from them.
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

from bench import bundles, cold, levers, runtime, scale, warm
from bench.certificate import make_certificate
from bench.imports import imports
from bench.peers import node
from bench.peers.comparison import compare
from bench.peers.n8n import n8n
from bench.peers.node_red import node_red
from bench.peers.peer import handlers
from bench.runner import Runner, require_valgrind
from bench.setting import setting
from local.processes import ROOT

RESULTS = ROOT / "bench" / "results"
PACKAGES = ("aws-lambda-powertools", "boto3", "pydantic", "requests", "ministack")


def through_the_runtime(runner: Runner, environment: dict[str, str]) -> dict[str, Any]:
    """Our handler, the lean one and the tutorial's through Lambda's own runtime client."""
    subjects = {
        "as shipped": runner.ours,
        warm.LEAN: runner.lean_with_ledger,
        "tutorial handler": runner.tutorial(),
    }
    return {
        name: runtime.invocations(environment, handler, 500, first=10**6 * number)
        for number, (name, handler) in enumerate(subjects.items(), 1)
    }


def beside_peers(runner: Runner, environment: dict[str, str], folder: Path, certfile: Path) -> dict[str, Any]:
    """Our handler, Node-RED and n8n; or why they could not be measured."""
    if reason := node.install():
        return {"skipped": reason}
    url = runner.clemta.url
    subjects = [
        *handlers(runner, environment),
        node_red(url, certfile, folder / "node-red"),
        n8n(url, certfile, folder / "n8n"),
    ]
    return {"node": node.VERSION, **compare(runner, subjects)}


PARTS = (
    "cold",
    "parts",
    "levers",
    "settings",
    "warm",
    "windows",
    "turns",
    "connections",
    "size",
    "runtime",
    "peers",
    "burst",
    "lists",
    "imports",
)


def main() -> None:
    """Measures the parts that were asked for; writes each as soon as it is measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument(
        "--requests", type=int, default=10_000, help="for a warm figure (default: %(default)s)"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    require_valgrind()
    console = Console()
    with bundles.work_folder() as name:
        folder = Path(name)
        certfile, keyfile = make_certificate(folder)
        with setting(certfile, keyfile) as (clemta, environment):
            runner = Runner(clemta, environment, certfile)
            measures: dict[str, Callable[[], Any]] = {
                "cold": lambda: cold.cold(runner),
                "parts": lambda: cold.parts(runner),
                "levers": lambda: levers.levers(runner),
                "settings": lambda: warm.settings(runner),
                "warm": lambda: warm.warm(runner, options.requests),
                "windows": lambda: warm.windows(runner),
                "turns": lambda: warm.turns(runner),
                "connections": lambda: warm.connections(runner),
                "size": lambda: bundles.size(bundles.shipped()),
                "runtime": lambda: through_the_runtime(runner, environment),
                "peers": lambda: beside_peers(runner, environment, folder, certfile),
                "burst": lambda: [scale.burst(signups) for signups in scale.SIGNUPS],
                "lists": scale.lists,
                "imports": imports,
            }
            for part in options.parts or PARTS:
                with console.status(part):
                    found = measures[part]()
                console.print(f"[bold]{part}[/]", found)
                record(part, found)


def record(part: str, found: Any) -> None:
    """Writes a result with its date, machine and versions."""
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
