"""The console page: sends a sign-up, shows what became of it, and breaks Clemta's stand-in on demand."""

import argparse
import hmac
import json
import secrets
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request

from botocore.exceptions import BotoCoreError, ClientError

from local.processes import HOST
from local.stack import DIRECT, Deployed

PAGE = Path(__file__).with_suffix(".html")
# What Clemta can be like: the stand-in's fault for it, until another is chosen.
MOODS: dict[str, dict[str, Any] | None] = {
    "up": None,
    "down": {"fault": "error_before"},
    "slow": {"fault": "slow_headers", "seconds": 20},
    "limited": {"fault": "rate_limited", "seconds": 20},
    "refuses": {"fault": "status", "status": 401},
}
SHOWN_LETTERS = 10
MOST_BODY = 1000

type Json = dict[str, Any]


class Console:
    """What the page shows and does, asked from the stack afresh each time."""

    def __init__(self, stack_file: Path) -> None:
        self._stack_file = stack_file
        self._lock = threading.Lock()
        self._known: tuple[Deployed, Any] | None = None

    def state(self) -> Json:
        """Clemta's contacts and mood, what waits in the queues, and the dead letters without what they carry."""
        stack, sqs = self._stack()
        state: Json = {"api_url": stack.api_url, "clemta_url": stack.clemta_url, "stand_in": stand_in(stack)}
        if stand_in(stack):
            state["contacts"] = call(f"{stack.clemta_url}/_stand-in/contacts")["contacts"]
            active = call(f"{stack.clemta_url}/_stand-in/faults")["faults"]
            state["clemta"] = mood([fault for fault in active if fault["remaining"] != 0])
        dead = waiting(sqs, stack.dead_letter_queue_url)
        state["retry"] = waiting(sqs, stack.retry_queue_url)
        state["dead"] = dead
        state["letters"] = letters(sqs, stack.dead_letter_queue_url) if dead else []
        return state

    def change(self, wanted: str) -> Json:
        """Makes the stand-in behave so; KeyError where there is no such mood."""
        fault = MOODS[wanted]
        stack, _ = self._stack()
        if not stand_in(stack):
            raise KeyError("no stand-in")
        call(f"{stack.clemta_url}/_stand-in/faults", "DELETE")
        if fault is not None:
            call(f"{stack.clemta_url}/_stand-in/faults", "POST", {"on": "any", "times": None, **fault})
        return {"clemta": wanted}

    def api_origin(self) -> str:
        """Where the page may send the sign-up; empty while nothing is deployed."""
        with suppress(OSError, ValueError):
            address = urlsplit(self._stack()[0].api_url)
            return f"{address.scheme}://{address.netloc}"
        return ""

    def _stack(self) -> tuple[Deployed, Any]:
        deployed = Deployed(**json.loads(self._stack_file.read_text()))
        with self._lock:
            if self._known is None or self._known[0] != deployed:
                self._known = deployed, deployed.client("sqs")
            return self._known


class Handler(BaseHTTPRequestHandler):
    """One request of the page. A page of another origin can neither read nor change anything here."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, console: Console, token: str) -> None:
        self.console, self.token = console, token
        super().__init__(*arguments)

    def do_GET(self) -> None:
        match self._path():
            case "/":
                self._page()
            case "/health":
                self._send(200, b"ok", "text/plain")
            case "/state":
                self._json(self.console.state)
            case _:
                self._send(404, b"not found", "text/plain")

    def do_POST(self) -> None:
        given = self.headers.get("X-Token", "").encode()
        length = self.headers.get("Content-Length", "")
        if self._path() != "/fault" or not hmac.compare_digest(given, self.token.encode()):
            self._refuse(403)
        elif not length.isdecimal() or int(length) > MOST_BODY:
            self._refuse(400)
        else:
            wanted = self.rfile.read(int(length)).decode(errors="replace")
            if wanted in MOODS:
                self._json(partial(self.console.change, wanted))
            else:
                self._refuse(400)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing: the page asks every other second."""

    def _path(self) -> str:
        """The path, and none under a name of this machine that somebody else gave it (DNS rebinding)."""
        own = [f"{name}:{self.connection.getsockname()[1]}" for name in (HOST, "localhost")]
        return urlsplit(self.path).path if self.headers.get("Host") in own else ""

    def _page(self) -> None:
        nonce = secrets.token_urlsafe(16)
        page = PAGE.read_text().replace("{{nonce}}", nonce).replace("{{token}}", self.token)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            f"connect-src 'self' {self.console.api_origin()}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._send(200, page.encode(), "text/html; charset=utf-8", policy)

    def _json(self, make: Callable[[], Json]) -> None:
        try:
            self._send(200, json.dumps(make()).encode(), "application/json")
        except (OSError, ValueError, KeyError, HTTPException, BotoCoreError, ClientError) as error:
            self._send(503, json.dumps({"error": type(error).__name__}).encode(), "application/json")

    def _refuse(self, status: int) -> None:
        self.close_connection = True  # a body that was not read is no next request
        self._send(status, b"refused", "text/plain")

    def _send(self, status: int, body: bytes, content_type: str, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def stand_in(stack: Deployed) -> bool:
    """Whether Clemta is the stand-in, whose contacts can be shown and whose faults can be switched."""
    try:
        return "contacts" in call(f"{stack.clemta_url}/_stand-in/health")
    except (OSError, ValueError, HTTPException):
        return False


def mood(faults: list[Json]) -> str:
    """The mood that these faults are; `other` where somebody else switched some."""
    for name, fault in MOODS.items():
        if fault is None:
            if not faults:
                return name
        elif len(faults) == 1 and fault.items() <= faults[0].items():
            return name
    return "other"


def waiting(sqs: Any, queue_url: str) -> int:
    """Messages in the queue, delayed ones and those in work among them."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    attributes = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)["Attributes"]
    return sum(int(attributes.get(name, 0)) for name in names)


def letters(sqs: Any, queue_url: str) -> list[dict[str, str]]:
    """Some dead letters' attributes, which say what to do; left where they are."""
    received = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=SHOWN_LETTERS,
        VisibilityTimeout=0,
        MessageAttributeNames=["All"],
    )
    return [
        {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
        for message in received.get("Messages", [])
    ]


def call(url: str, method: str = "GET", body: Json | None = None) -> Json:
    """What the stand-in answers."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - from stack.json
    with DIRECT.open(request, timeout=5) as answer:
        found: Json = json.load(answer)
    return found


def main() -> None:
    """Serves until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=__doc__)
    parser.add_argument("--port", type=int, default=8789)
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="default: %(default)s")
    options = parser.parse_args()
    handler = partial(Handler, console=Console(options.stack), token=secrets.token_urlsafe(32))
    with ThreadingHTTPServer((HOST, options.port), handler) as server:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended.wait()
        server.shutdown()


if __name__ == "__main__":
    main()
