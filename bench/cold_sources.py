"""What a preset adds to a cold start: `python -m bench.cold_sources`, which needs valgrind.

Instructions from process start to the first source that is read: a form, a webhook whose table sets everything, and a
preset. The bytecode is compiled before, as in the bundle.
"""

import subprocess
import sys

from bench.runner import CALLGRIND, millions_counted, require_valgrind
from local.processes import ROOT

FUNCTIONS = ROOT / "functions"
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
    """Millions of instructions of one cold start with that source."""
    probe = PROBE.format(functions=str(FUNCTIONS), table=table)
    command = [*CALLGRIND, sys.executable, "-c", probe]
    return millions_counted(subprocess.run(command, capture_output=True, text=True, check=True).stderr)


def main() -> None:
    """Prints the three figures, and their ratio to the form's."""
    require_valgrind()
    compile_bytecode = PROBE.format(functions=str(FUNCTIONS), table=SOURCES["preset"])
    subprocess.run([sys.executable, "-c", compile_bytecode], check=True)
    found = {name: instructions(table) for name, table in SOURCES.items()}
    for name, count in found.items():
        print(f"{name:8} {count:6,} M instructions  {count / found['form']:.3f} of the form's")


if __name__ == "__main__":
    main()
