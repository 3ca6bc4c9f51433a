"""Invocations a second through Lambda's own runtime client (`awslambdaric`), against a small runtime API.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.bundles import BENCH, installed
from bench.events import events
from bench.probe import outcome
from bench.runner import PYTHON, Handler, MeasurementError
from local.processes import HOST

RIC = "awslambdaric==4.2.2"
SETTLING = 20
_NEXT = "/2018-06-01/runtime/invocation/next"


class RuntimeApi:
    """Hands out events one after the other, and counts the outcomes of the answers."""

    def __init__(self, given: list[dict[str, Any]]) -> None:
        self._given = iter(given)
        self._left = len(given)
        self.outcomes: Counter[str] = Counter()
        self.began = self.ended = 0.0
        self.over = threading.Event()

    def next(self) -> dict[str, Any] | None:
        """The next event; None after the last."""
        event = next(self._given, None)
        if event is not None:
            event["requestContext"]["requestTimeEpoch"] = int(time.time() * 1000)
        return event

    def count(self, answer: dict[str, Any]) -> None:
        """Counts the outcome of one answer."""
        self.outcomes[outcome(answer)] += 1
        self._left -= 1
        if sum(self.outcomes.values()) == SETTLING:
            self.began = time.monotonic()
        if not self._left:
            self.ended = time.monotonic()
            self.over.set()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """The client is killed while it waits for an event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: RuntimeApi

    def do_GET(self) -> None:
        event = self.api.next() if self.path == _NEXT else None
        if event is None:
            self.api.over.wait()
            self.close_connection = True
            return
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", str(time.monotonic_ns()))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 10_000))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:0:function:bench")
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-0-0;Sampled=0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.api.count(body)

    def log_message(self, *_: Any) -> None:
        pass


def invocations(environment: Mapping[str, str], handler: Handler, count: int, first: int) -> dict[str, Any]:
    """Invocations a second, one after the other, as Lambda invokes one execution environment."""
    ric = installed(BENCH / "awslambdaric", RIC)
    api = RuntimeApi(events("created", first, count + SETTLING))
    _Handler.api = api
    with _Server((HOST, 0), _Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            **environment,
            **handler.variables,
            "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{server.server_port}",
            "LAMBDA_TASK_ROOT": str(handler.folder),
            "_HANDLER": f"{handler.module}.handler",
            "PYTHONPATH": os.pathsep.join([str(handler.folder), str(ric)]),
            "PYDANTIC_DISABLE_PLUGINS": "__all__",
        }
        with _running([*PYTHON, "-m", "awslambdaric", f"{handler.module}.handler"], variables) as client:
            while not api.over.wait(0.5):
                if client.poll() is not None:
                    raise MeasurementError(f"the runtime client ended with {client.returncode}")
        server.shutdown()
    if api.outcomes["created"] < count:
        raise MeasurementError(f"expected {count} created contacts, got {dict(api.outcomes)}")
    return {"invocations": count, "per_second": round(count / (api.ended - api.began), 1)}


@contextmanager
def _running(command: list[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
