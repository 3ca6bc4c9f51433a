"""`python -m bench.chaos`: starts a stack, runs the three scenarios, and writes bench/results/chaos.json."""

import argparse
import json
import os
import platform
import sys
import tempfile
from copy import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench import chaos
from bench.aws_faults import AwsFaults
from bench.chaos import burst, latency, storm
from bench.chaos.rig import Rig
from bench.chaos.senders import PROFILE_SOURCE
from bench.chaos.tables import show
from bench.chaos.verdict import broken_promises
from local.processes import ROOT
from local.sources import SOURCES
from local.stack import Stack

RESULT = ROOT / "bench" / "results" / "chaos.json"
RESULT_WITH_LISTS = RESULT.with_name("chaos_lists.json")
SEARCHES: dict[
    str, dict[str, Any]
] = {  # how the stand-in reads `search`: Clemta's documentation leaves it open
    "text": {},
    "case-sensitive": {"search_case_sensitive": True},
    "regex": {"search_pattern": "regex"},
    "emails-only": {"search_names": False},
    "all": {"search_case_sensitive": True, "search_pattern": "regex", "search_names": True},
}


def main() -> int:
    """0 only if every promise held."""
    options = arguments()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, AwsFaults(options.seed) as aws:
        stack = replace(stack_in(Path(folder), aws, console), list_seconds=options.list_seconds or None)
        try:
            result = details(options) | scenarios(stack, aws, options, console)
        finally:
            stack.down()
    show(result, console)
    problems = result["broken"] = broken_promises(result)
    file = RESULT_WITH_LISTS if options.list_seconds else RESULT
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n")
    for problem in problems:
        console.print(problem, style="bold red")
    return 1 if problems else 0


def arguments() -> argparse.Namespace:
    """The command line's."""
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=chaos.__doc__)
    add = parser.add_argument
    add("-n", type=int, default=500, help="people (default: %(default)s)")
    add("--seed", type=int, default=1)
    add("--search", choices=SEARCHES, default="all", help="how Clemta searches (default: %(default)s)")
    add("--burst", type=int, default=500, help="sign-ups of the burst (default: %(default)s)")
    add("--list-seconds", type=float, default=0, help="ListSeconds of the stack (default: %(default)s)")
    add("--limit", type=int, default=500, help="calls a minute in the burst")
    return parser.parse_args()


def stack_in(folder: Path, aws: AwsFaults, console: Console) -> Stack:
    """A stack of its own on free ports, whose functions reach AWS through the faults."""
    sources = folder / "sources.toml"
    sources.write_text(SOURCES.read_text() + PROFILE_SOURCE)
    return Stack(
        state_dir=folder / "stack",
        sources_file=sources,
        aws_port=0,
        clemta_port=0,
        console_port=0,
        retry_base_seconds=1,
        search_lag_seconds=1,
        recheck_seconds=0,
        clemta_requests_per_minute=100_000,
        redeliver_concurrency=10,  # at a thousand times Clemta's pace, two at a time would drain for an hour
        functions_aws_url=aws.url,
        say=console.print,
    )


def scenarios(stack: Stack, aws: AwsFaults, options: argparse.Namespace, console: Console) -> dict[str, Any]:
    """The figures of each scenario."""
    rig = Rig.deploy(stack, aws, options.seed)
    rig.clemta.call("POST", "settings", {"rate_limit": 1_000_000, "search_lag": 1} | SEARCHES[options.search])
    rig.queues.shorten_visibility(20)
    with Progress(console=console, transient=True) as progress:
        result = {
            "chaos": storm.run(rig, options.n, options.seed, progress),
            "latency": latency.run(rig, progress),
        }
        rig.queues.drain(progress, 300)
        stack.down()  # the burst has an emulator of its own, which no storm has filled
        limited = Rig.deploy(replace(stack, clemta_requests_per_minute=options.limit), aws, options.seed)
        return result | {"burst": burst.run(limited, options.burst, options.limit, progress)}


def details(options: argparse.Namespace) -> dict[str, Any]:
    """When and on what the run was made, and the command that repeats it."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "emulator": f"ministack {version('ministack')}",
        "command": f"python -m bench.chaos -n {options.n} --seed {options.seed} --search {options.search}"
        f" --burst {options.burst} --limit {options.limit} --list-seconds {options.list_seconds:g}",
    }


if __name__ == "__main__":
    sys.exit(main())
