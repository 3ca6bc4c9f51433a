"""The page over HTTP: its files, the actions, and an event after each change."""

import hmac
import json
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.processes import HOST
from ops.errors import OpsError

from .history import Json
from .stack import STACK_ERRORS, Console

FILES = {"/": "console.html", "/console.css": "console.css", "/console.js": "console.js"}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
POLL_SECONDS = 0.4  # between two reads of the stack's state, while a page is open
PING_SECONDS = 15.0  # between two pings, which detect that a page was closed
MAX_BODY = 1000


class Watch:
    """Polls the stack while a page is open, and notifies the listeners of changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._changed = threading.Condition()
        self._listeners = 0
        self._version = 0
        self._event = ("message", "")

    @contextmanager
    def listening(self) -> Any:
        """Keeps the polling active inside the block."""
        with self._changed:
            self._listeners += 1
            if self._listeners == 1:
                threading.Thread(target=self._poll, daemon=True).start()
        try:
            yield
        finally:
            with self._changed:
                self._listeners -= 1

    def newer(self, version: int) -> tuple[int, tuple[str, str]] | None:
        """Waits for an event after that version; None if there is none within PING_SECONDS."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > version, PING_SECONDS)
            return (self._version, self._event) if self._version > version else None

    def _poll(self) -> None:
        while True:
            try:
                event = ("message", json.dumps(self._console.stack.state()))
            except STACK_ERRORS as error:
                event = (
                    "trouble",
                    json.dumps(
                        f"The stack does not answer ({type(error).__name__}): make up brings it back."
                    ),
                )
            with self._changed:
                if not self._listeners:
                    return
                if event != self._event:
                    self._event = event
                    self._version += 1
                    self._changed.notify_all()
            time.sleep(POLL_SECONDS)


class Handler(BaseHTTPRequestHandler):
    """One request of the page; pages of other origins can neither read nor change anything."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: Any, console: Console, watch: Watch, token: str) -> None:
        self.console, self.watch, self.token = console, watch, token
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self._path()
        if path in FILES:
            self._file(Path(__file__).with_name(FILES[path]))
        elif path == "/health":
            self._send(200, b"ok", "text/plain")
        elif path == "/events" and self._is_token(parse_qs(urlsplit(self.path).query).get("token", [""])[0]):
            self._events()  # an EventSource cannot set headers, so the token is in the URL, which is not logged
        elif path == "/events":
            self._refuse(403)
        else:
            self._send(404, b"not found", "text/plain")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._path() or not self._is_token(self.headers.get("X-Token", "")):
            self._refuse(403)
        elif not length.isdecimal() or int(length) > MAX_BODY:
            self._refuse(400)
        else:
            try:
                given = json.loads(self.rfile.read(int(length)))
                self._json(200, self.console.act(self._path(), given))
            except OpsError as error:
                self._json(409, {"error": str(error)})
            except (KeyError, ValueError, TypeError):
                self._json(400, {"error": "unknown action or wrong input"})
            except STACK_ERRORS as error:
                self._json(503, {"error": type(error).__name__})

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing: URLs hold the token."""

    def _path(self) -> str:
        """The path; "" if the Host header is not a local name, which prevents DNS rebinding."""
        own = [f"{name}:{self.connection.getsockname()[1]}" for name in (HOST, "localhost")]
        return urlsplit(self.path).path if self.headers.get("Host") in own else ""

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self.token.encode())

    def _file(self, file: Path) -> None:
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
            f"connect-src 'self' {self.console.api_origin()}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        body = file.read_text().replace("{{token}}", self.token).encode()
        self._send(200, body, TYPES[file.suffix], policy)

    def _events(self) -> None:
        """Server-sent events: the whole state after each change."""
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        version = 0
        with self.watch.listening(), suppress(OSError):  # the page was closed
            while True:
                newer = self.watch.newer(version)
                if newer is None:
                    self.wfile.write(b": still here\n\n")
                else:
                    version, (kind, data) = newer
                    self.wfile.write(f"event: {kind}\ndata: {data}\n\n".encode())
                self.wfile.flush()

    def _json(self, status: int, found: Json) -> None:
        self._send(status, json.dumps(found).encode(), "application/json")

    def _refuse(self, status: int) -> None:
        self.close_connection = True  # an unread body must not be parsed as the next request
        self._send(status, b'{"error": "refused"}', "application/json")

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
