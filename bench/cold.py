"""Cold starts: beside the handlers that people write instead, and part by part."""

import statistics
import subprocess
from typing import Any

from bench import bundles
from bench.bundles import OURS
from bench.runner import CALLGRIND, PYTHON, Handler, MeasurementError, Runner, millions_counted

COLD_STARTS = 11  # timed by the clock
IMPORTS = {  # in the order of the functions' own imports: each costs what it adds to those before it
    "Python itself": "",
    "Powertools: logger": "aws_lambda_powertools",
    "Powertools: resolver": "aws_lambda_powertools.event_handler.api_gateway",
    "pydantic": "pydantic",
    "boto3": "boto3",
    "requests": "requests",
    "ours, and what it reads the sources with": "clemta_intake.receive",
}


def cold(runner: Runner) -> dict[str, Any]:
    """From process start to the first created contact: M instructions, and the median of wall milliseconds."""
    nothing = subprocess.run([*CALLGRIND, *PYTHON, "-c", "pass"], capture_output=True, text=True, check=True)
    found: dict[str, Any] = {"python -c pass": {"m_instructions": millions_counted(nothing.stderr)}}
    subjects = {
        "as shipped": runner.ours,
        "the same, by plain sam build": Handler(runner.trusting(bundles.plain()), OURS),
        "tutorial handler": runner.tutorial(),
        "lean handler": runner.lean,
    }
    walls: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(COLD_STARTS):  # alternating, so that other load on the machine affects all alike
        for name, handler in subjects.items():
            walls[name].append(runner.report(handler, "created", 1)["since_start_ms"])
    for name, handler in subjects.items():
        found[name] = {
            "m_instructions": runner.instructions(handler, "created", 1),
            "wall_ms": round(statistics.median(walls[name])),
        }
    return found


def parts(runner: Runner) -> dict[str, int]:
    """M instructions that each import adds, then the rest of loading, then the first request."""
    found: dict[str, int] = {}
    spent, imported = 0, ""
    for name, module in IMPORTS.items():
        imported += f"import {module}\n" if module else ""
        probe = f"import sys; sys.path.insert(0, {str(runner.ours.folder)!r})\n{imported}"
        environment = runner.environment | {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
        del environment["LEDGER_TABLE"]  # so that the function prepares nothing
        command = [*CALLGRIND, *PYTHON, "-c", probe]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MeasurementError(done.stderr[-3000:])
        found[name] = millions_counted(done.stderr) - spent
        spent += found[name]
    loaded, whole = (runner.instructions(runner.ours, "created", count) for count in (0, 1))
    found["clients, TLS, three secrets"] = loaded - spent
    found["the first request: its source, the connections to ledger and Clemta"] = whole - loaded
    return found
