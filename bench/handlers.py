"""What the handler costs, cold and warm, beside the handlers that people write instead.

Instructions are counted by callgrind from process start; they repeat within 1%, wall times on shared machines do not.
CPU a request is the process's own, over thousands of requests. Clemta's stand-in speaks TLS, as Clemta does.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import bundles
from bench.bundles import OURS
from bench.setting import events
from local.clemta import StandIn
from local.processes import ROOT

CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
PYTHON = [str(Path(sys.executable).resolve()), "-S", "-P", "-B"]
COUNTED = 40  # requests between two instruction counts
COLD_STARTS = 11  # timed by the clock
KINDS = ("created", "duplicate", "refused", "queued")
OUTCOMES = {
    "refused": "401",
    "duplicate": "created",
}  # a form's answer does not tell who is known; else it is the kind


class Wrong(Exception):
    """What was measured is not what was to be measured."""


class Bench:
    """Runs handlers and counts."""

    def __init__(self, clemta: StandIn, environment: Mapping[str, str], certificate: Path) -> None:
        self.clemta = clemta
        self.environment = dict(environment)
        self._people = 0
        self._certificate = certificate
        self.ours = self.trusting(bundles.shipped())
        self.lean = self.trusting(bundles.reference("lean"))

    def trusting(self, folder: Path) -> Path:
        """A copy of the folder that trusts the stand-in."""
        return bundles.trusting(folder, self._certificate)

    def instructions(self, folder: Path, module: str, kind: str, count: int, **more: str) -> int:
        """Millions of instructions, from process start to the last of so many answers."""
        return counted(self._run(folder, module, kind, count, "count", CALLGRIND, **more))

    def warm_instructions(self, folder: Path, module: str, kind: str, **more: str) -> float:
        """Millions of instructions a request, once everything is there."""
        few = self.instructions(folder, module, kind, 2, **more)
        many = self.instructions(folder, module, kind, 2 + COUNTED, **more)
        return round((many - few) / COUNTED, 2)

    def report(
        self, folder: Path, module: str, kind: str, count: int, how: str = "", **more: str
    ) -> dict[str, Any]:
        """What bench/probe.py says of so many requests."""
        found: dict[str, Any] = json.loads(
            self._run(folder, module, kind, count, how, [], **more).splitlines()[-1]
        )
        return found

    def _run(
        self, folder: Path, module: str, kind: str, count: int, how: str, tool: list[str], **more: str
    ) -> str:
        first, self._people = self._people, self._people + count
        ours = {"PYDANTIC_DISABLE_PLUGINS": "__all__"} if module == OURS else {}  # as the template sets it
        environment = self.environment | ours | more
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(events(kind, first, count), file)
            file.flush()
            probe = [str(ROOT / "bench" / "probe.py"), str(folder), module, file.name]
            command = [*tool, *PYTHON, *probe, *([how] if how else [])]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Wrong(done.stderr[-3000:])
        report = next(line for line in done.stderr.splitlines() if line.startswith("{"))
        outcomes = json.loads(report)["outcomes"]
        wanted = OUTCOMES.get(kind, kind)
        if outcomes.get(wanted, 0) < 0.99 * count - 1:  # the first of the duplicates is a contact
            raise Wrong(f"{kind} was to be measured, and this came out: {outcomes}")
        return done.stderr


def counted(text: str) -> int:
    """Millions of instructions, of what callgrind prints."""
    found = re.search(r"Collected : (\d+)", text)
    if not found:
        raise Wrong("callgrind counted nothing")
    return int(found[1]) // 1_000_000


def cold(bench: Bench) -> dict[str, Any]:
    """From process start to the first created contact: M instructions, and the median of wall milliseconds."""
    nothing = subprocess.run([*CALLGRIND, *PYTHON, "-c", "pass"], capture_output=True, text=True, check=True)
    plain = bench.trusting(bundles.plain())
    tutorial = bench.trusting(bundles.reference("tutorial", "aws-xray-sdk"))
    found: dict[str, Any] = {"python -c pass": {"m_instructions": counted(nothing.stderr)}}
    subjects = {
        "as shipped": (bench.ours, OURS),
        "the same, by plain sam build": (plain, OURS),
        "tutorial handler": (tutorial, "tutorial"),
        "lean handler": (bench.lean, "lean"),
    }
    walls: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(COLD_STARTS):  # in turns, so that a busy machine is unfair to nobody
        for name, (folder, module) in subjects.items():
            walls[name].append(bench.report(folder, module, "created", 1)["since_start_ms"])
    for name, (folder, module) in subjects.items():
        found[name] = {
            "m_instructions": bench.instructions(folder, module, "created", 1),
            "wall_ms": round(statistics.median(walls[name])),
        }
    return found


def warm(bench: Bench, count: int) -> dict[str, Any]:
    """A request, once everything is there: CPU and wall milliseconds, M instructions, memory, where the time goes."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        bench.clemta.reset()
        if kind == "queued":
            bench.clemta.fault("error_before", on="any", times=None)
        found[kind] = _warm(bench, bench.ours, OURS, kind, count)
        bench.clemta.clear_faults()
    bench.clemta.reset()
    found["lean handler, the same three calls"] = _warm(
        bench, bench.lean, "lean", "created", count, LEAN_LEDGER="1"
    )
    return found


def turns(bench: Bench, rounds: int = 5, count: int = 1_000) -> dict[str, Any]:
    """CPU ms of a created contact, ours and the lean handler's, in turns: a busy machine is unfair to neither."""
    subjects: dict[str, tuple[Path, str, dict[str, str]]] = {
        OURS: (bench.ours, OURS, {}),
        "lean": (bench.lean, "lean", {"LEAN_LEDGER": "1"}),
    }
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, (folder, module, more) in subjects.items():
            bench.clemta.reset()
            found[name].append(bench.report(folder, module, "created", count, **more)["cpu_ms"])
    counts = [
        bench.warm_instructions(folder, module, "created", **more)
        for folder, module, more in subjects.values()
    ]
    ratios = [ours / lean for ours, lean in zip(found[OURS], found["lean"], strict=True)]
    return {
        "requests": rounds * count,
        "as shipped": round(statistics.median(found[OURS]), 3),
        "lean handler, the same three calls": round(statistics.median(found["lean"]), 3),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_of_instructions": round(counts[0] / counts[1], 3),
    }


def _warm(bench: Bench, folder: Path, module: str, kind: str, count: int, **more: str) -> dict[str, Any]:
    report = bench.report(folder, module, kind, count, **more)
    profile = bench.report(folder, module, kind, 500, "profile", **more)["profile"]
    return {
        "requests": count,
        "cpu_ms": round(report["cpu_ms"], 3),
        "wall_ms": round(report["wall_ms"], 3),
        "m_instructions": bench.warm_instructions(folder, module, kind, **more),
        "peaks_mb": report["peaks_mb"],
        "profile": {name: share for name, share in profile.items() if share >= 0.02},
    }


def connections(bench: Bench, count: int = 1_000) -> dict[str, Any]:
    """The Clemta client alone over HTTPS: its connections, and M instructions beside a `requests.post` each time."""
    client = bench.trusting(bundles.shipped())
    for name in ("client", "post"):
        shutil.copyfile(ROOT / "bench" / "reference" / f"{name}.py", client / f"{name}.py")
    first = next(bench.clemta.connections)
    bench.report(client, "client", "created", count)
    made = next(bench.clemta.connections) - first - 1
    return {
        "calls": count,
        "connections": made,
        "m_instructions": bench.warm_instructions(client, "client", "created"),
        "requests.post each time": bench.warm_instructions(client, "post", "created"),
    }


def needs_valgrind() -> None:
    """Exits with what to do where callgrind is not there."""
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed: apt-get install valgrind")
