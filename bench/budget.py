"""The limits for a cold start, a warm request and the bundle: `make budget`, in CI.

3% over the recorded figure fails, and names the modules that grew: the lines of Python that each module runs are
counted exactly, on any machine. `--record` writes today's figures; commit them with the change that causes them.
"""

import argparse
import json
import platform
import sys
from pathlib import Path
from typing import Any

from bench import bundles
from bench.certificate import make_certificate
from bench.runner import Runner, require_valgrind
from bench.setting import setting
from local.processes import ROOT

RECORDED = ROOT / "bench" / "results" / "budget.json"
TOLERANCE = 0.03
UNITS = {
    "cold_m_instructions": "M instructions from process start to the first contact",
    "warm_m_instructions": "M instructions a contact, once warm, with a full window of the rate limit",
    "warm_empty_m_instructions": "M instructions a contact, once warm, with an empty window",
    "zip_mb": "MB of the bundle, zipped",
    "modules": "modules imported before the first request",
}
ANYWHERE = ("zip_mb",)  # the same on every interpreter and processor


def measured() -> dict[str, Any]:
    """Today's figures."""
    with bundles.work_folder() as folder:
        certfile, keyfile = make_certificate(Path(folder))
        with setting(certfile, keyfile) as (clemta, environment):
            runner = Runner(clemta, environment, certfile)
            report = runner.report(runner.ours, "created", 1, "lines")
            return {
                "on": f"Python {platform.python_version()}, {platform.machine()}",
                "cold_m_instructions": runner.instructions(runner.ours, "created", 1),
                "warm_m_instructions": runner.warm_instructions(runner.ours),
                "warm_empty_m_instructions": runner.warm_instructions(runner.ours, full_window=False),
                "zip_mb": bundles.size(bundles.shipped())["zip"],
                "modules": len(report["modules"]),
                "imported": report["modules"],
                "lines": by_module(report["lines"], runner.ours.folder),
            }


def by_module(lines: dict[str, int], bundle: Path) -> dict[str, int]:
    """Lines run by each of our modules and each package of others; what is not in the bundle counts as Python."""
    found: dict[str, int] = {}
    for file, count in lines.items():
        path = file.removeprefix(f"{bundle}/")
        top = path.partition("/")[0] if path != file else "python"
        name = path if top == "clemta_intake" else top
        found[name] = found.get(name, 0) + count
    return dict(sorted(found.items()))


def exceeded(recorded: dict[str, Any], today: dict[str, Any]) -> list[str]:
    """Each figure over its limit, then the modules that grew."""
    comparable = UNITS if today["on"] == recorded["on"] else ANYWHERE
    over = [
        f"{today[key]:g} {unit}: {today[key] / recorded[key] - 1:+.1%} over the recorded {recorded[key]:g}"
        for key, unit in UNITS.items()
        if key in comparable and today[key] > recorded[key] * (1 + TOLERANCE)
    ]
    if not over:
        return []
    new = sorted(set(today["imported"]) - set(recorded["imported"]))
    grown = {
        name: count - recorded["lines"].get(name, 0)
        for name, count in today["lines"].items()
        if count > recorded["lines"].get(name, 0)
    }
    largest = sorted(grown.items(), key=lambda one: -one[1])[:5]
    return [
        *over,
        *(f"newly imported: {name}" for name in new),
        *(f"grew: {name}, {count:+,} lines of Python run" for name, count in largest),
    ]


def main() -> None:
    """Measures and compares, or records."""
    parser = argparse.ArgumentParser(prog="python -m bench.budget", description=__doc__)
    parser.add_argument("--record", action="store_true", help="write today's figures")
    options = parser.parse_args()
    require_valgrind()
    today = measured()
    if options.record:
        RECORDED.write_text(json.dumps(today, indent=1) + "\n")
    else:
        recorded = json.loads(RECORDED.read_text())
        over = exceeded(recorded, today)
        if over:
            sys.exit("\n".join(["over the budget:", *over]))
        if today["on"] != recorded["on"]:
            print(f"recorded on {recorded['on']}, this is {today['on']}: only the bundle's size is compared")
    for key, unit in UNITS.items():
        print(f"{today[key]:>8g} {unit}")


if __name__ == "__main__":
    main()
