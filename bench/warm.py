"""Warm requests: CPU, memory, instructions, connections, and one write to the ledger under each botocore setting."""

import json
import shutil
import statistics
from pathlib import Path
from typing import Any

from bench import bundles
from bench.runner import Handler, Runner
from local.processes import ROOT

LEAN = "lean handler, the same three calls"
KINDS = ("created", "duplicate", "refused", "queued")
SHIPPED = {"user_agent": "clemta-intake", "parameter_validation": False}
SETTINGS: dict[str, dict[str, Any]] = {
    "botocore as it comes": {},
    "no user agent built, no parameters checked: as shipped": SHIPPED,
    "and no account id in the host's name": {**SHIPPED, "account_id_endpoint_mode": "disabled"},
    "and no host prefix": {**SHIPPED, "inject_host_prefix": False},
    "and no compression": {**SHIPPED, "disable_request_compression": True},
    "and the standard retry mode": {**SHIPPED, "retries": {"mode": "standard", "total_max_attempts": 1}},
    "and checksums only where required": {
        **SHIPPED,
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    },
}


def warm(runner: Runner, count: int) -> dict[str, Any]:
    """Each kind of request once the process is warm: milliseconds, M instructions, memory, and a profile by package."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        runner.clemta.reset()
        if kind == "queued":
            runner.clemta.fault("error_before", on="any", times=None)
        found[kind] = _warm(runner, runner.ours, kind, count)
        runner.clemta.clear_faults()
    runner.clemta.reset()
    found[LEAN] = _warm(runner, runner.lean_with_ledger, "created", count)
    return found


def turns(runner: Runner, rounds: int = 5, count: int = 1_000) -> dict[str, Any]:
    """CPU ms of a created contact, ours and the lean handler's, alternating: other load affects both alike."""
    ours, lean = list[float](), list[float]()
    for _ in range(rounds):
        for handler, milliseconds in ((runner.ours, ours), (runner.lean_with_ledger, lean)):
            runner.clemta.reset()
            milliseconds.append(runner.report(handler, "created", count)["cpu_ms"])
    instructions = runner.warm_instructions(runner.ours) / runner.warm_instructions(runner.lean_with_ledger)
    return {
        "requests": rounds * count,
        "as shipped": round(statistics.median(ours), 3),
        LEAN: round(statistics.median(lean), 3),
        "ratio": round(statistics.median(mine / other for mine, other in zip(ours, lean, strict=True)), 3),
        "ratio_of_instructions": round(instructions, 3),
    }


def windows(runner: Runner) -> dict[str, float]:
    """M instructions of a created contact, by the calls in the rate limit's window, and the lean handler's."""
    return {
        "created, full window": runner.warm_instructions(runner.ours),
        "created, empty window": runner.warm_instructions(runner.ours, full_window=False),
        LEAN: runner.warm_instructions(runner.lean_with_ledger),
    }


def _warm(runner: Runner, handler: Handler, kind: str, count: int) -> dict[str, Any]:
    report = runner.report(handler, kind, count)
    profile = runner.report(handler, kind, 500, "profile")["profile"]
    return {
        "requests": count,
        "cpu_ms": round(report["cpu_ms"], 3),
        "wall_ms": round(report["wall_ms"], 3),
        "m_instructions": runner.warm_instructions(handler, kind),
        "peaks_mb": report["peaks_mb"],
        "profile": {name: share for name, share in profile.items() if share >= 0.02},
    }


def connections(runner: Runner, count: int = 1_000) -> dict[str, Any]:
    """The Clemta client alone over HTTPS: its connections, and M instructions beside a `requests.post` each time."""
    folder = _bundle_with(runner, "client", "post")
    client, post = Handler(folder, "client"), Handler(folder, "post")
    first = next(runner.clemta.connections)
    runner.report(client, "created", count)
    made = next(runner.clemta.connections) - first - 1
    return {
        "calls": count,
        "connections": made,
        "m_instructions": runner.warm_instructions(client),
        "requests.post each time": runner.warm_instructions(post),
    }


def settings(runner: Runner) -> dict[str, float]:
    """M instructions of one write to the ledger's table, under each botocore setting."""
    folder = _bundle_with(runner, "write")
    return {
        name: runner.warm_instructions(Handler(folder, "write", {"BOTOCORE_CONFIG": json.dumps(setting)}))
        for name, setting in SETTINGS.items()
    }


def _bundle_with(runner: Runner, *names: str) -> Path:
    """The shipped bundle with these handlers of bench/reference/ added."""
    folder = runner.trusting(bundles.shipped())
    for name in names:
        shutil.copyfile(ROOT / "bench" / "reference" / f"{name}.py", folder / f"{name}.py")
    return folder
