"""Answers requests one by one, and marks for callgrind where each begins and ends; see tests/support/work.py.

Each line of standard input is a request: {"source", "body" (base64), "headers"}. Each is answered with a line: its HTTP
status. The counting begins with the first empty line: until then, callgrind lets the process run ten times faster.
"""

import gc
import json
import os
import subprocess
import sys
import time
from base64 import b64decode
from functools import cache
from typing import Any

from clemta_intake import receive, telemetry
from ops.signers import URI
from tests.support.events import Context, request
from tests.support.fakes import FakeDependencies
from tests.support.samples import Sample

mark = (
    os.getppid
)  # callgrind is told to write down its counts whenever libc's function of that name is entered


def main() -> None:
    """Until the input ends. No deadline passes: to the functions, time stands still."""
    gc.disable()  # a collection falls to whichever request it likes, and is not that one's work
    now, began = time.time(), time.monotonic()
    time.time, time.monotonic = lambda: now, lambda: began
    tables: dict[str, Any] = json.loads(sys.argv[1])
    samples = {name: Sample(name) for name, table in tables.items() if table["kind"] != "form"}
    deps = FakeDependencies(tables, **{name: sample.secret for name, sample in samples.items()})
    deps.source = cache(deps.source)  # type: ignore[method-assign]
    app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
    with open(os.devnull, "w") as nowhere:
        for handler in telemetry.log.handlers:
            handler.setStream(nowhere)  # type: ignore[attr-defined]
        for line in sys.stdin:
            if not line.strip():
                count()
                continue
            given = json.loads(line)
            body, source, headers = b64decode(given["body"]), given["source"], given["headers"]
            if source in samples:
                body = samples[source].with_proof(body, samples[source].secret)
                headers = samples[source].signed(deps.clock(), body) | headers
            event = request("POST", f"/signups/{source}", body, headers)
            domain, _, path = URI.removeprefix("https://").partition("/")
            event["requestContext"] |= {"domainName": domain, "path": f"/{path}"}
            deps.clemta.stored.clear()
            deps.ledger.items.clear()
            mark()
            answer = app.resolve(event, Context(3_600))  # type: ignore[arg-type]
            mark()
            print(answer["statusCode"], flush=True)


def count() -> None:
    """Lets callgrind begin; it takes the order while this process runs, so nothing here may wait."""
    order = subprocess.Popen(
        ["vgdb", f"--pid={os.getpid()}", "instrumentation", "on"],  # noqa: S607 - it comes with valgrind
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while order.poll() is None:
        pass
    print(order.returncode, flush=True)


if __name__ == "__main__":
    main()
