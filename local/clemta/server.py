"""The stand-in's HTTP: requests off the wire, answers and faults onto it."""

import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from local.clemta.answers import Json, Refusal
from local.clemta.api import ClemtaApi, Request, read_json
from local.clemta.faults import Fault

HOST = "127.0.0.1"
CONTROL = "/_stand-in/"
MAX_BODY = 1024 * 1024
HTML = b"<!doctype html><title>Maintenance</title><p>Back in a moment.</p>\n"
OPERATIONS = {  # by method, and whether the path names a contact
    ("POST", False): "create",
    ("GET", False): "search",
    ("GET", True): "get",
    ("PATCH", True): "update",
    ("DELETE", True): "delete",
}


class Server(ThreadingHTTPServer):
    """Listens once made; `control` answers the control endpoints, `connections` numbers the connections."""

    request_queue_size = 128

    def __init__(
        self,
        port: int,
        api: ClemtaApi,
        control: Callable[[str, str, Json], tuple[int, Json]],
        connections: Iterator[int],
        *,
        tls: ssl.SSLContext | None = None,
        log: bool = False,
    ) -> None:
        self.api, self.control, self.connections, self.log = api, control, connections, log
        self._open: dict[threading.Thread, socket.socket] = {}
        super().__init__((HOST, port), _Handler)
        if tls:  # the handler's thread does the handshake: a stalled one must not block the others
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks DNS for the host's name, which can take seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        handle = self.process_request_thread
        thread = threading.Thread(target=handle, args=(request, client_address), daemon=True)
        self._open[thread] = request
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self._open.pop(threading.current_thread(), None)

    def server_close(self) -> None:
        """Close every connection and return when the handlers have ended."""
        super().server_close()
        for thread, connection in list(self._open.items()):
            with suppress(
                OSError
            ):  # SSLSocket's own shutdown would drop the TLS state that the handler still uses
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join(5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that disconnects is no error
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.connection_number = next(self.server.connections)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: the base class would log the request line, which holds the search term."""

    def do_GET(self) -> None:
        started = time.monotonic()
        self.path, _, query = self.path.partition("?")
        self.status: int | None = None
        self.recorded: Request | None = None
        try:
            if self.path.startswith(CONTROL):
                self.answer_control()
            else:
                self.answer_api(query)
        finally:
            ms = round((time.monotonic() - started) * 1000)
            if self.recorded is not None:
                self.recorded.ms = ms
            if self.server.log:
                path = "".join(char if char.isprintable() else "?" for char in self.path)
                fault = self.recorded.fault if self.recorded else None
                print(self.command, path, self.status or "-", fault or "-", f"{ms} ms", file=sys.stderr)

    do_POST = do_PATCH = do_DELETE = do_GET

    def answer_control(self) -> None:
        """Answer a control endpoint; refuse web pages, which send Origin or another Host."""
        try:
            body = self.read_body()
            host = self.headers.get("Host", "").partition(":")[0]
            if "Origin" in self.headers or host not in (HOST, "localhost"):
                status, answer = 403, {"error": "not for web pages"}
            else:
                name = self.path.removeprefix(CONTROL)
                status, answer = self.server.control(self.command, name, read_json(body) if body else {})
        except Refusal as refusal:
            status, answer = refusal.status, {"error": str(refusal)}
        except (TypeError, ValueError) as error:
            status, answer = 400, {"error": str(error)}
        self.send(status, json.dumps(answer).encode(), {})

    def answer_api(self, query: str) -> None:
        """Answer a call of Clemta's API."""
        api, key = self.server.api, self.headers.get("X-API-Key")
        route = re.fullmatch("/contacts(?:/([^/]+))?", self.path)
        contact_id = (route and route[1]) or ""
        operation = OPERATIONS.get((self.command, bool(contact_id)), "unknown") if route else "unknown"
        self.recorded = api.record_request(self.connection_number, self.command, self.path, query, operation)
        self.recorded.contact_id = contact_id or None
        fault: Fault | None = None
        refusal: Refusal | None = None
        answer: Json = {}
        try:
            body = self.read_body()
            fault = api.admit(key, operation)
            self.recorded.fault = fault.fault if fault else None
            if fault is None or fault.kind.takes_effect:
                content_type = self.headers.get("Content-Type", "")
                answer = api.perform(operation, contact_id, query, body, content_type)
                if operation == "create":
                    self.recorded.contact_id = answer["data"]["id"]
        except Refusal as raised:
            refusal = raised
        if fault is not None:
            refusal = fault.refusal(operation) or refusal
        headers = api.rate_headers(key, refusal)
        status, answer = (refusal.status, refusal.envelope) if refusal else (200, answer)
        self.deliver(status, json.dumps(answer).encode(), headers, fault)

    def read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        acceptable = re.fullmatch("[0-9]{1,9}", length) and int(length) <= MAX_BODY
        if "Transfer-Encoding" in self.headers or not acceptable:
            self.close_connection = True  # the start of the next request is unknown
            raise Refusal(400, "INVALID_REQUEST", f"Content-Length must be given, and be at most {MAX_BODY}")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError("the client left in the middle of its request")
        return body

    def deliver(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        """Send the answer as the fault changes it."""
        match fault.fault if fault else "":
            case "timeout_before" | "timeout_after" if fault:
                self.close_connection = True
                fault.wait(fault.seconds or 0)
                return
            case "reset_before" | "reset_after":
                self.reset_connection()
                return
            case "html" | "html_after":
                status, body, headers["Content-Type"] = 200, HTML, "text/html; charset=utf-8"
            case "redirect":
                status, body, headers["Location"] = 302, b"", f"/elsewhere{self.path}"
            case "empty":
                status, body = 200, b""
        self.send(status, body, headers, fault)

    def reset_connection(self) -> None:
        self.close_connection = True
        # With a linger of 0 s, close sends a reset; rfile must be closed too, as it holds the connection open.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()

    def send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        self.status = status
        if self.recorded is not None:
            self.recorded.status = status  # before the first byte: a client with the answer may look it up
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        if fault and fault.fault == "truncated":
            body, self.close_connection = body[: len(body) // 2], True
        if self.close_connection:
            headers["Connection"] = "close"
        reason = self.responses.get(status, ("", ""))[0]
        lines = [f"HTTP/1.1 {status} {reason}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        match fault:
            case Fault(fault="slow"):
                self.wfile.write(head)
                self.trickle(body, fault)
            case Fault(fault="slow_headers"):
                self.trickle(head, fault)
                self.wfile.write(body)
            case _:
                self.wfile.write(head + body)

    def trickle(self, data: bytes, fault: Fault) -> None:
        """Send the data byte by byte over the fault's seconds."""
        for position in range(len(data)):
            fault.wait((fault.seconds or 0) / len(data))
            self.wfile.write(data[position : position + 1])
