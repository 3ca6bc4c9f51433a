"""The console page of the local stack: send submissions, break and fix Clemta, and see each submission's history."""

import argparse
import hmac
import json
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property, partial
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from urllib.request import Request

from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake.errors import IntakeError
from clemta_intake.outcomes import FAILURE_CLASSES, FailureClass
from clemta_intake.queue_message import NewerVersion, decode_envelope
from clemta_intake.sources.config import Form
from local.clients import DIRECT
from local.processes import HOST, ROOT
from local.stack import Deployed
from ops import dead_letters, logs, people, posts
from ops.environments import Environment, StackLocation
from ops.errors import OpsError

FILES = {"/": "console.html", "/console.css": "console.css", "/console.js": "console.js"}
TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript"}
# Clemta's simulated states -> the stand-in's fault for each; a state lasts until another one is chosen.
SIMULATED_STATES: dict[str, dict[str, Any] | None] = {
    "up": None,
    "down": {"fault": "error_before"},
    "slow": {"fault": "slow_headers", "seconds": 20},
    "limited": {"fault": "rate_limited", "seconds": 20},
    "refuses": {"fault": "status", "status": 401},
    "lossy": {"fault": "reset_after", "on": "create"},
}
SHOWN = 20  # submissions
POLL_SECONDS = 0.4  # between two reads of the stack's state, while a page is open
PING_SECONDS = 15.0  # between two pings, which detect that a page was closed
MAX_BODY = 1000
STACK_ERRORS = (
    OSError,
    ValueError,
    KeyError,
    HTTPException,
    BotoCoreError,
    ClientError,
    OpsError,
    IntakeError,
)

type Json = dict[str, Any]


class Console:
    """The page's data and actions, for the stack that stack.json names."""

    def __init__(self, stack_file: Path) -> None:
        self._stack_file = stack_file
        self._lock = threading.Lock()
        self._known: Stack | None = None

    @property
    def stack(self) -> "Stack":
        """The running stack; a new object after each deployment."""
        deployed = Deployed(**json.loads(self._stack_file.read_text()))
        with self._lock:
            if self._known is None or self._known.deployed != deployed:
                self._known = Stack(deployed, self._stack_file.with_name("sources.toml"))
            return self._known

    def api_origin(self) -> str:
        """The origin that the page may send the sign-up to; "" while no stack is deployed."""
        with suppress(OSError, ValueError):
            address = urlsplit(self.stack.deployed.api_url)
            return f"{address.scheme}://{address.netloc}"
        return ""

    def act(self, action: str, given: Json) -> Json:
        """Does a button's action; raises KeyError for an unknown one."""
        actions: dict[str, Callable[[], Json]] = {
            "/fault": lambda: self.stack.simulate(given["simulated_state"]),
            "/send": lambda: self.stack.send(given["source"], fresh=bool(given.get("fresh"))),
            "/replay": lambda: self.stack.replay(given["id"]),
            "/discard": lambda: self.stack.discard(given["id"]),
        }
        return actions[action]()


class Stack:
    """One deployed stack, as the page shows it."""

    def __init__(self, deployed: Deployed, sources_file: Path) -> None:
        self.deployed = deployed
        location = StackLocation(
            deployed.stack_name, deployed.region, deployed.aws_endpoint_url, deployed.api_url
        )
        self.env = Environment(location, sources_file)
        self._journal = Journal(self.env)

    def state(self) -> Json:
        """All data of the page."""
        deployed = self.deployed
        found: Json = {
            "api_url": deployed.api_url,
            "clemta_url": deployed.clemta_url,
            "stand_in": self._stand_in,
            "clemta": "",
            "contacts": [],
            "senders": self.senders,
            "submissions": self._journal.histories(),
            "retry": [waiting(self.env, text, due) for text, due in self._messages(deployed.retry_queue_url)],
            "dead": [
                waiting(self.env, text, due) for text, due in self._messages(deployed.dead_letter_queue_url)
            ],
        }
        if self._stand_in:
            found["contacts"] = call(f"{deployed.clemta_url}/_stand-in/contacts")["contacts"]
            active = call(f"{deployed.clemta_url}/_stand-in/faults")["faults"]
            found["clemta"] = simulated_state([fault for fault in active if fault["remaining"] != 0])
        return found

    def simulate(self, wanted: str) -> Json:
        """Puts the stand-in into a simulated state."""
        fault = SIMULATED_STATES[wanted]
        if not self._stand_in:
            raise KeyError("no stand-in")
        call(f"{self.deployed.clemta_url}/_stand-in/faults", "DELETE")
        if fault is not None:
            switched = {"on": "any", "times": None, **fault}
            call(f"{self.deployed.clemta_url}/_stand-in/faults", "POST", switched)
        return {"clemta": wanted}

    def send(self, name: str, *, fresh: bool) -> Json:
        """Sends the sender's signed sample to its source; `fresh` replaces its e-mail address by a new one."""
        source, file = self.env.source(name), self._samples[name]
        post = posts.Post.read(str(file), [])
        given = json.loads(file.read_text())
        email = given["contact"]["email"] if "contact" in given else json.loads(post.body)["email"]
        if fresh:
            other = f"{secrets.token_hex(3)}@example.com"
            body = post.body.replace(email.encode(), other.encode())
            post = replace(post, body=body.replace(quote(email).encode(), quote(other).encode()))
            email = other
        status, text = posts.send(self.env, source, post, None)
        return {"status": status, "answer": json.loads(text), "email": email}

    def replay(self, submission_id: str) -> Json:
        """Replays a dead letter with the current mapping."""
        [result] = dead_letters.replay(self.env, dead_letters.Selection([submission_id]))
        return {"error": result.why} if result.outcome == "kept" else {"outcome": result.outcome}

    def discard(self, submission_id: str) -> Json:
        """Deletes a dead letter."""
        dead_letters.discard(self.env, submission_id, "in the console")
        return {"outcome": "discarded"}

    @property
    def senders(self) -> list[str]:
        """The sources that have a sample to send."""
        return sorted(self._samples)

    @cached_property
    def _samples(self) -> dict[str, Path]:
        events = ROOT / "events"
        kinds = {name: table["kind"] for name, table in self.env.tables.items()}
        found = {name: events / "sources" / f"{kind}.json" for name, kind in kinds.items()}
        if kinds.get("crm") == "webhook":
            found["crm"] = events / "webhook-hmac.json"
        return {name: file for name, file in found.items() if file.exists()}

    @cached_property
    def _stand_in(self) -> bool:
        """Whether Clemta is the stand-in: only then the page can list contacts and switch faults."""
        try:
            return "contacts" in call(f"{self.deployed.clemta_url}/_stand-in/health")
        except (OSError, ValueError, HTTPException):
            return False

    def _messages(self, queue_url: str) -> list[tuple[str, float]]:
        """Each message's text and due time, from the emulator's API: SQS would count a receive."""
        asked = f"{self.deployed.aws_endpoint_url}/_ministack/sqs/messages?QueueUrl={quote(queue_url)}"
        accounts = call(asked)["messages"]
        found = [
            message
            for regions in accounts.values()
            for queues in regions.values()
            for messages in queues.values()
            for message in messages
        ]
        return [(message["Body"], float(message["VisibleAt"])) for message in found]


class Journal:
    """The history of each submission, from the functions' log lines."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._lines: dict[str, Json] = {}  # by their text, as the same line is read several times
        self._since = time.time() - 3600

    def histories(self) -> list[Json]:
        """The newest submissions, with the steps of each."""
        self._lines |= {
            json.dumps(line): line for line in logs.lines(self._env, "submission_id", self._since)
        }
        grouped: dict[str, list[Json]] = {}
        for line in sorted(self._lines.values(), key=lambda line: float(line["at"])):
            grouped.setdefault(line["submission_id"], []).append(line)
        newest = [lines for lines in reversed(grouped.values()) if lines[0]["source"] != "unknown"][:SHOWN]
        return [
            {
                "id": lines[0]["submission_id"],
                "source": lines[0]["source"],
                "at": lines[0]["at"],
                "steps": history(lines, form=isinstance(self._env.sources.get(lines[0]["source"]), Form)),
            }
            for lines in newest
        ]


def history(lines: Iterable[Json], *, form: bool) -> list[dict[str, str]]:
    """The steps of one submission, such as received, authenticated, mapped, queued, created.

    A step's `state` is good, note, wait or bad.
    """
    steps: list[dict[str, str]] = []

    def step(name: str, state: str = "good", note: str = "") -> None:
        made = {"name": name, "state": state, "note": note}
        if not steps or steps[-1] != made:
            steps.append(made)

    for number, line in enumerate(lines):
        outcome, code = line["outcome"], line.get("code", "")
        unmapped = line.get("failure") == "DataError" and "clemta_status" not in line
        if number == 0:
            step("received")
            if form:
                step("open form", *(("bad", code) if code == "foreign_origin" else ("note",)))
            else:
                step("authenticated", *(("bad", code) if outcome == "unauthentic" else ()))
            if code == "foreign_origin":
                continue
            if outcome == "refused" or unmapped:
                step("mapped", "bad", code)
            elif outcome not in ("unauthentic", "ignored", "handshake", "unavailable"):
                step("mapped")
        if outcome in ("queued", "requeued"):
            step("queued", "wait", code)
        elif outcome == "parked":
            step("parked", "bad", code)
        elif outcome == "held":
            step("held", "note", code)
        elif outcome == "discarded":
            step("discarded", "note", line.get("reason", ""))
        elif outcome == "unavailable":
            step("not accepted", "bad", code)
        elif outcome not in ("unauthentic", "refused", "postponed", "captcha_unavailable"):
            step(outcome)
    last = steps[-1]
    if last["name"] in ("queued", "parked"):
        return steps
    settled = "note" if last["name"] == "discarded" else "good"  # the state of steps whose wait is over
    return [{**step, "state": settled} if step["name"] in ("queued", "parked") else step for step in steps]


def waiting(env: Environment, text: str, due: float) -> Json:
    """The page's data of a queue message."""
    try:
        envelope = decode_envelope(text)
    except NewerVersion as newer:
        found = {"id": newer.submission_id, "source": newer.source or "unknown", "email": ""}
        return {**found, "class": "outage", "why": "newer_version", "advice": advice("outage")}
    except ValueError:
        found = {"id": "", "source": "unknown", "email": ""}
        return {**found, "class": "poison", "why": "not a submission", "advice": advice("poison")}
    failure, submission = envelope.failure, envelope.submission
    mapped = people.mapped(env, envelope)
    return {
        "id": submission.submission_id,
        "source": submission.source,
        "email": mapped.contact.email if mapped else "",
        "class": failure.failure_class,
        "why": f"{failure.code}{f' ({failure.status})' if failure.status else ''}",
        "advice": advice(failure.failure_class),
        "attempt": envelope.attempt,
        "due": max(due, envelope.not_before),
    }


def advice(failure_class: FailureClass) -> str:
    """The operator's action for a submission of that class."""
    return FAILURE_CLASSES[failure_class].action


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


def simulated_state(faults: list[Json]) -> str:
    """The simulated state that these faults make; `other` for any other faults."""
    for name, fault in SIMULATED_STATES.items():
        if fault is None:
            if not faults:
                return name
        elif len(faults) == 1 and fault.items() <= faults[0].items():
            return name
    return "other"


def call(url: str, method: str = "GET", body: Json | None = None) -> Json:
    """The JSON answer of the stand-in's or the emulator's control API."""
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - from stack.json
    with DIRECT.open(request, timeout=5) as answer:
        found: Json = json.load(answer)
    return found


def main() -> None:
    """Serves the page until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=__doc__)
    parser.add_argument("--port", type=int, default=8789)
    parser.add_argument("--stack", type=Path, default=Path(".local/stack.json"), help="default: %(default)s")
    options = parser.parse_args()
    console = Console(options.stack)
    handler = partial(Handler, console=console, watch=Watch(console), token=secrets.token_urlsafe(32))
    with ThreadingHTTPServer((HOST, options.port), handler) as server:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ended.wait()
        server.shutdown()


if __name__ == "__main__":
    main()
