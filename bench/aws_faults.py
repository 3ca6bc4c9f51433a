"""A proxy between the functions and AWS on this machine that makes DynamoDB, SQS and Secrets Manager fail on demand."""

import random
import re
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SERVICES = ("dynamodb", "sqs", "secretsmanager")
KINDS = {
    "throttled": "refused as too many requests, nothing done",
    "error": "500, nothing done",
    "lost": "done, but not answered",
    "sluggish": "done, and answered just before the caller's timeout",
    "slow": "done, but answered after the caller's timeout",
}
_SECONDS = {"sluggish": 0.35, "slow": 1.5}
_THROTTLED = b'{"__type":"com.amazonaws#ThrottlingException","message":"Rate exceeded"}'


class AwsFaults:
    """Forwards to `aws_url`; `rates` holds the probability of a fault by (service, kind)."""

    def __init__(self, seed: int) -> None:
        self.host, self.port = "", 0
        self.rates: dict[tuple[str, str], float] = {}
        self.injected: Counter[tuple[str, str]] = Counter()
        self.calls = 0
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forward_to(self, aws_url: str) -> None:
        """Sets where calls go."""
        self.host, _, port = aws_url.removeprefix("http://").partition(":")
        self.port = int(port)

    def draw(self, service: str) -> str:
        """The fault for one call of that service; "" for none."""
        with self._lock:
            self.calls += 1
            for (name, kind), rate in self.rates.items():
                if name == service and self._random.random() < rate:
                    self.injected[name, kind] += 1
                    return kind
        return ""


def _handler(faults: AwsFaults) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            scope = re.search(r"Credential=[^/]+/[^/]+/[^/]+/([^/]+)/", self.headers.get("Authorization", ""))
            match faults.draw(scope[1] if scope else ""):
                case "throttled":
                    self._answer(400, {"Content-Type": "application/x-amz-json-1.0"}, _THROTTLED)
                case "error":
                    self._answer(500, {}, b"{}")
                case "lost":
                    self._forward(body)
                    self._hang_up()
                case "sluggish" | "slow" as kind:
                    answer = self._forward(body)
                    threading.Event().wait(_SECONDS[kind])
                    self._answer(*answer)
                case _:
                    self._answer(*self._forward(body))

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = HTTPConnection(faults.host, faults.port, timeout=30)
            try:
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                content = answer.read()
                kept = {
                    name: value
                    for name, value in answer.getheaders()
                    if name.lower() not in ("content-length", "transfer-encoding", "connection")
                }
                return answer.status, kept, content
            except (OSError, HTTPException):
                return 503, {}, b"{}"
            finally:
                connection.close()

        def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            with suppress(OSError):  # the caller has given up, or was killed
                self.send_response_only(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        def _hang_up(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def handle(self) -> None:
            with suppress(OSError):
                super().handle()

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    return Handler
