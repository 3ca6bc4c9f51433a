"""What a source by name costs a cold start: `python -m bench.cold_sources`, which needs valgrind.

Instructions from process start to the first source that is read, of a form, of a webhook whose table says everything,
and of a preset; bytecode is at hand, as in the bundle. Instruction counts repeat within 1%, wall times do not.
"""

import subprocess
import sys
from pathlib import Path

from bench.handlers import CALLGRIND, counted, needs_valgrind

FUNCTIONS = Path(__file__).parents[1] / "functions"
WEBHOOK = {
    "kind": "webhook",
    "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
    "contact": {"email": "body.email"},
}
SOURCES = {"form": {"kind": "form"}, "webhook": WEBHOOK, "preset": {"kind": "typeform"}}
PROBE = """
import sys
sys.path.insert(0, {functions!r})
from clemta_intake import receive
from clemta_intake.sources.config import to_source
to_source("x", {table!r}, "0" * 24)
"""


def instructions(table: object) -> int:
    """Millions of instructions of one cold start."""
    probe = PROBE.format(functions=str(FUNCTIONS), table=table)
    command = [*CALLGRIND, sys.executable, "-c", probe]
    return counted(subprocess.run(command, capture_output=True, text=True, check=True).stderr)


def main() -> None:
    """Prints the three, and what they are of the form's."""
    needs_valgrind()
    subprocess.run(
        [sys.executable, "-c", PROBE.format(functions=str(FUNCTIONS), table=SOURCES["preset"])], check=True
    )
    found = {name: instructions(table) for name, table in SOURCES.items()}
    for name, count in found.items():
        print(f"{name:8} {count:6,} M instructions  {count / found['form']:.3f} of a form")


if __name__ == "__main__":
    main()
