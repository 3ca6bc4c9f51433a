"""What is measured, in a process of its own: a handler takes so many events. `python probe.py FOLDER MODULE EVENTS`.

Run with `-I -S`: what the handler imports is in FOLDER, or it fails. EVENTS is a JSON file, a list of events; the last
answer goes to standard error, so that a benchmark of refusals cannot pass for one of contacts.
"""

import importlib
import json
import resource
import sys
import time
from typing import Any


class Context:
    """What handlers ask of a Lambda context."""

    function_name = "bench"
    function_version = "1"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    aws_request_id = "r"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


def main() -> None:
    """Imports, handles, and reports CPU seconds and peak memory in MB."""
    folder, module, file = sys.argv[1:]
    sys.path.insert(0, folder)
    with open(file) as given:
        events: list[dict[str, Any]] = json.load(given)
    sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - Lambda's log costs what a pipe costs
    handler = importlib.import_module(module).handler
    answer: dict[str, Any] = {}
    warm_from, cpu, wall = min(50, len(events) // 2), 0.0, 0.0
    for number, event in enumerate(events):
        if number == warm_from:
            cpu, wall = time.process_time(), time.monotonic()
        event["requestContext"]["requestTimeEpoch"] = int(time.time() * 1000)
        answer = handler(event, Context())
    warm = max(1, len(events) - warm_from)
    report = {
        "answer": answer,
        "cpu_ms": (time.process_time() - cpu) * 1000 / warm,
        "wall_ms": (time.monotonic() - wall) * 1000 / warm,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "modules": len(sys.modules),
    }
    print(json.dumps(report), file=sys.stderr)


if __name__ == "__main__":
    main()
