"""`python -m bench.handlers`: what the handler costs, cold and warm, beside the handlers that people write instead.

Instructions are counted by callgrind from process start; they repeat within 1%, wall times on shared machines do not.
CPU a request is the process's own, over thousands of requests. Results go to bench/results/handlers.json.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.setting import events, setting
from local.clemta import StandIn
from local.processes import ROOT
from local.sam import built

RESULTS = ROOT / "bench" / "results" / "handlers.json"
BENCH = ROOT / ".local" / "bench"
OURS = "clemta_intake.receive"
WARM = 2_000  # requests for each warm figure
COUNTED = 40  # requests between two instruction counts


class Bench:
    """The folders that are measured, and how."""

    def __init__(self, clemta: StandIn, environment: Mapping[str, str], bundle: Path) -> None:
        self.clemta = clemta
        self.environment = dict(environment)
        self.bundle = bundle
        self._people = 0

    def instructions(self, folder: Path, module: str, kind: str, count: int, **more: str) -> int:
        """Millions of instructions, from process start to the last of so many answers."""
        tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        found = re.search(
            r"Collected : (\d+)", self._run(folder, module, self._events(kind, count), tool, **more)
        )
        if not found:
            raise RuntimeError("callgrind counted nothing")
        return int(found[1]) // 1_000_000

    def report(self, folder: Path, module: str, kind: str, count: int, **more: str) -> dict[str, Any]:
        """CPU and wall milliseconds a request, and the peak of memory."""
        lines = self._run(folder, module, self._events(kind, count), [], **more).strip().splitlines()
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def _events(self, kind: str, count: int) -> list[dict[str, Any]]:
        first, self._people = self._people, self._people + count
        return events(kind, first, count)

    def _run(
        self, folder: Path, module: str, given: list[dict[str, Any]], tool: list[str], **more: str
    ) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(given, file)
            file.flush()
            python = str(Path(sys.executable).resolve())
            probe = str(ROOT / "bench" / "probe.py")
            command = [*tool, python, "-I", "-S", "-B", probe, str(folder), module, file.name]
            done = subprocess.run(
                command, env=self.environment | more, capture_output=True, text=True, check=False
            )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        return done.stderr


def reference(name: str, extra: str = "") -> Path:
    """A folder with the reference handler and the packages it needs, with bytecode."""
    folder = BENCH / name
    if not (folder / f"{name}.py").exists():
        shutil.rmtree(folder, ignore_errors=True)
        pins = (ROOT / "functions" / "requirements.txt").read_text().splitlines()
        wanted = [
            pin
            for pin in pins
            if pin.split("==")[0] in ("aws-lambda-powertools", "boto3", "botocore", "pydantic", "requests")
        ]
        wanted += ["aws-xray-sdk"] if extra else []
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *wanted]
        subprocess.run(pip, check=True)
    shutil.copyfile(ROOT / "bench" / "reference" / f"{name}.py", folder / f"{name}.py")
    compiled(folder)
    return folder


def compiled(folder: Path) -> None:
    """Bytecode for every module, as the product's own build makes it."""
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)],
        check=True,
    )


def as_plain_sam_builds(bundle: Path) -> Path:
    """The same code without the build's own steps: no bytecode, every AWS service described."""
    folder = BENCH / "plain"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bundle, folder, ignore=shutil.ignore_patterns("__pycache__"))
    whole = reference("lean") / "botocore" / "data"
    shutil.rmtree(folder / "botocore" / "data")
    shutil.copytree(whole, folder / "botocore" / "data")
    return folder


def cold(bench: Bench) -> dict[str, Any]:
    """From process start to the first created contact."""
    python = str(Path(sys.executable).resolve())
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    nothing = subprocess.run(
        [*tool, python, "-I", "-S", "-c", "pass"], capture_output=True, text=True, check=True
    )
    counted = re.search(r"Collected : (\d+)", nothing.stderr)
    return {
        "python -c pass": int(counted[1]) // 1_000_000 if counted else None,
        "as shipped": bench.instructions(bench.bundle, OURS, "created", 1),
        "plain sam build": bench.instructions(as_plain_sam_builds(bench.bundle), OURS, "created", 1),
        "tutorial handler": bench.instructions(
            reference("tutorial", "tracer"), "tutorial", "created", 1, AWS_XRAY_CONTEXT_MISSING="IGNORE_ERROR"
        ),
        "lean handler": bench.instructions(reference("lean"), "lean", "created", 1),
    }


def warm(bench: Bench, count: int) -> dict[str, Any]:
    """A request, once everything is there: CPU, instructions."""
    found: dict[str, Any] = {}
    for kind in ("created", "duplicate", "refused", "queued"):
        if kind == "queued":
            bench.clemta.fault("error_before", on="any", times=None)
        report = bench.report(bench.bundle, OURS, kind, count)
        few = bench.instructions(bench.bundle, OURS, kind, 2)
        many = bench.instructions(bench.bundle, OURS, kind, 2 + COUNTED)
        bench.clemta.clear_faults()
        found[kind] = {
            "cpu_ms": round(report["cpu_ms"], 3),
            "wall_ms": round(report["wall_ms"], 3),
            "m_instructions": round((many - few) / COUNTED, 2),
            "peak_mb": round(report["peak_mb"], 1),
            "answer": outcome(report["answer"]),
        }
    report = bench.report(reference("lean"), "lean", "created", count, LEAN_LEDGER="1")
    few = bench.instructions(reference("lean"), "lean", "created", 2, LEAN_LEDGER="1")
    many = bench.instructions(reference("lean"), "lean", "created", 2 + COUNTED, LEAN_LEDGER="1")
    found["lean handler, three calls"] = {
        "cpu_ms": round(report["cpu_ms"], 3),
        "wall_ms": round(report["wall_ms"], 3),
        "m_instructions": round((many - few) / COUNTED, 2),
        "peak_mb": round(report["peak_mb"], 1),
        "answer": outcome(report["answer"]),
    }
    return found


def outcome(answer: Mapping[str, Any]) -> str:
    """The answer's status, so that the figures are those of what they say."""
    with suppress(ValueError, KeyError):
        return str(json.loads(answer["body"])["status"])
    return str(answer.get("statusCode"))


def memory(bench: Bench) -> dict[str, float]:
    """Peak MB after a few and after many requests: flat, or it grows."""
    return {
        str(count): round(bench.report(bench.bundle, OURS, "created", count)["peak_mb"], 1)
        for count in (100, 1_000, 10_000)
    }


def size(bundle: Path) -> dict[str, float]:
    """Zipped MB of the bundle, and of its largest packages."""
    sizes: dict[str, int] = {}
    with tempfile.TemporaryFile() as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(bundle))
        for entry in archive.infolist():
            package = entry.filename.split("/")[0]
            sizes[package] = sizes.get(package, 0) + entry.compress_size
        total = file.tell()
    largest = sorted(sizes.items(), key=lambda one: -one[1])[:8]
    return {"zip": round(total / 1e6, 2)} | {name: round(count / 1e6, 2) for name, count in largest}


def main() -> None:
    """Measures all, and writes what came out."""
    parser = argparse.ArgumentParser(prog="python -m bench.handlers", description=__doc__)
    parser.add_argument("--requests", type=int, default=WARM, help="for a warm figure (default: %(default)s)")
    parser.add_argument("--only", choices=["cold", "warm", "memory", "size"])
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed: apt-get install valgrind")
    BENCH.mkdir(parents=True, exist_ok=True)
    bundle = built(None, BENCH / "build.log") / "ReceiveFunction"
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {os.uname().machine}, Python {sys.version.split()[0]}",
    }
    with setting() as (clemta, environment):
        bench = Bench(clemta, environment, bundle)
        parts: dict[str, Callable[[], Any]] = {
            "cold": lambda: cold(bench),
            "warm": lambda: warm(bench, options.requests),
            "memory": lambda: memory(bench),
            "size": lambda: size(bundle),
        }
        for name, measure in parts.items():
            if options.only in (None, name):
                found[name] = measure()
                print(json.dumps({name: found[name]}, indent=2), flush=True)
    if not options.only:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
