"""A stand-in for the Clemta contacts API: real HTTP on 127.0.0.1, a switch for each way a call can go wrong.

In a test: `with StandIn() as clemta: clemta.fault("timeout_after", on="create", seconds=5)`.
On a laptop: `python -m local.clemta --port 8788`; `GET /_stand-in/faults` lists the switches.
"""

import argparse
import itertools
import json
import math
import operator
import random
import re
import secrets
import signal
import socket
import ssl
import struct
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlencode

DEFAULT_API_KEY = "clemta_local_key"
DEFAULT_COMPANY_ID = "64b8f1a2e4b0c8d9f0123456"
CONTROL = "/_stand-in/"
MAX_BODY = 1024 * 1024
HTML = b"<!doctype html><title>Maintenance</title><p>Back in a moment.</p>\n"


class Kind(NamedTuple):
    """A fault: whether the request takes effect first, what it does to the answer, and its defaults."""

    done: bool
    answer: str
    seconds: float | None = None
    status: int | None = None

    @property
    def meaning(self) -> str:
        return f"{'done' if self.done else 'nothing done'}; {self.answer}"


FAULTS = {
    "status": Kind(False, "answers `status`, with Retry-After where `seconds` is given"),
    "rate_limited": Kind(False, "429 with Retry-After = `seconds`", seconds=60, status=429),
    "error_before": Kind(False, "500", status=500),
    "error_after": Kind(True, "500", status=500),
    "timeout_before": Kind(False, "silent for `seconds`, then closes", seconds=30),
    "timeout_after": Kind(True, "silent for `seconds`, then closes", seconds=30),
    "reset_before": Kind(False, "TCP reset"),
    "reset_after": Kind(True, "TCP reset"),
    "html": Kind(False, "200 with an HTML page"),
    "html_after": Kind(True, "200 with an HTML page"),
    "truncated": Kind(True, "half of the announced body, then closes"),
    "slow": Kind(True, "the body comes byte by byte over `seconds`", seconds=30),
    "slow_headers": Kind(True, "status line and headers come byte by byte over `seconds`", seconds=30),
    "redirect": Kind(False, "302 to another path"),
    "empty": Kind(True, "200 with an empty body"),
}
OPERATIONS = {
    ("POST", False): "create",
    ("GET", False): "search",
    ("GET", True): "get",
    ("PATCH", True): "update",
    ("DELETE", True): "delete",
}
CODES = {401: "INVALID_API_KEY", 403: "ACCESS_DENIED", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}

REQUIRED = ("type", "full_name", "email", "company_id")
TEXTS = (*REQUIRED, "status", "description")
BILLING = (
    "email phone phone_code iso_code country address_1 address_2 postal_code district state province tax_id"
)
QUERY = "company_id search skip limit sort order created_at created_at_value end_date"
PATTERNS = ("text", "regex", "like")
SORTABLE = ("created_at", "updated_at", "type", "status", "full_name", "email")
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

type Json = dict[str, Any]


class Refusal(Exception):
    """An answer of Clemta's other than 200."""

    def __init__(self, status: int, code: str, details: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{code}: {details}")
        self.status, self.retry_after = status, retry_after
        message, error = code.replace("_", " ").capitalize(), {"code": code, "details": details}
        self.envelope: Json = {"success": False, "message": message, "data": None, "error": error}


@dataclass
class Fault:
    """A fault switched on for the next `times` requests (None: until cleared), each with `probability`."""

    fault: str
    on: str = "any"
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    status: int | None = None
    applied: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        _require(isinstance(self.fault, str) and self.fault in FAULTS, f"fault: one of {', '.join(FAULTS)}")
        _require(self.on in ("any", *OPERATIONS.values()), f"on: any, {', '.join(OPERATIONS.values())}")
        _require(self.times is None or _is_number(self.times, int, 1), "times: a count from 1, or null")
        _require(_is_number(self.probability) and self.probability <= 1, "probability: from 0 to 1")
        _require(_is_number(self.seed, int), "seed: a whole number from 0")
        _require(self.seconds is None or _is_number(self.seconds), "seconds: a number from 0")
        if self.fault == "status":
            _require(_is_number(self.status, int) and self.status in range(400, 600), "status: 400 to 599")
        else:
            _require(self.status is None, "status: only with the fault `status`")
        kind = FAULTS[self.fault]
        self.seconds = kind.seconds if self.seconds is None else self.seconds
        self.status = self.status or kind.status
        self.over, self._dice = threading.Event(), random.Random(self.seed)

    def strikes(self, operation: str) -> bool:
        """Decide whether this request is hit, and count it if so."""
        if self.on not in ("any", operation) or self.applied == self.times:
            return False
        hit = self._dice.random() < self.probability
        self.applied += hit
        return hit

    def refusal(self, operation: str) -> Refusal | None:
        """The refusal this fault answers with, if it does, under Clemta's code for the status."""
        if self.status is None:
            return None
        code = "INTERNAL_ERROR" if self.status >= 500 else CODES.get(self.status, "INVALID_REQUEST")
        if self.status == 404 and operation in ("create", "search"):
            code = "COMPANY_NOT_FOUND"
        return Refusal(self.status, code, retry_after=self.seconds)

    def report(self) -> Json:
        """The switch, how often it struck and how often it still will (None: no end)."""
        return asdict(self) | {"remaining": None if self.times is None else self.times - self.applied}


@dataclass(frozen=True)
class Settings:
    """How the stand-in behaves while nothing is wrong; `search_lag` and `rate_window` are seconds.

    `search_pattern` is what `search` is taken for, one of PATTERNS; with `search_names` it is looked for in names too.
    """

    search_lag: float = 0.0
    search_pattern: str = "text"
    search_case_sensitive: bool = False
    search_names: bool = True
    rate_limit: int = 100
    rate_window: float = 60.0
    api_keys: Collection[str] = (DEFAULT_API_KEY,)
    companies: Collection[str] = (DEFAULT_COMPANY_ID,)
    forbidden: Collection[str] = ()
    reject_duplicates: bool = False
    tidy_names: bool = False  # keeps a name with single spaces and a capital at the head of each word

    def __post_init__(self) -> None:
        _require(_is_number(self.search_lag), "search_lag: seconds from 0")
        _require(_is_number(self.rate_limit, int, 1), "rate_limit: a count from 1")
        _require(_is_number(self.rate_window) and self.rate_window > 0, "rate_window: seconds above 0")
        _require(self.search_pattern in PATTERNS, f"search_pattern: one of {', '.join(PATTERNS)}")
        for name in ("search_case_sensitive", "search_names", "reject_duplicates", "tidy_names"):
            _require(isinstance(getattr(self, name), bool), f"{name}: true or false")
        for name in ("api_keys", "companies", "forbidden"):
            values = getattr(self, name)
            listed = isinstance(values, list | tuple | set | frozenset)
            _require(listed and all(isinstance(value, str) for value in values), f"{name}: a list of strings")
            object.__setattr__(self, name, tuple(values))


@dataclass
class Request:
    """One request: `status` is None until, and unless, it is answered; `ms` until its handler is through."""

    number: int
    time: float
    connection: int
    method: str
    path: str
    operation: str
    status: int | None = None
    fault: str | None = None
    contact_id: str | None = None
    ms: int | None = None


class _Stored(NamedTuple):
    company_id: str
    born: float  # monotonic; `created_at` has whole seconds only
    contact: Json
    words: dict[
        tuple[bool, bool], str
    ]  # what `search` looks through, by whether case and whether names count

    @classmethod
    def of(cls, company_id: str, born: float, contact: Json) -> Self:
        email, both = contact["email"], f"{contact['full_name']}\n{contact['email']}"
        words = {(True, True): both, (True, False): email}
        words |= {(False, names): text.casefold() for (_, names), text in words.items()}
        return cls(company_id, born, contact, words)


class StandIn:
    """A Clemta on 127.0.0.1 between `start` and `stop`; contacts, requests and settings outlive both."""

    def __init__(
        self, port: int = 0, *, certfile: str = "", keyfile: str = "", log: bool = False, **settings: Any
    ) -> None:
        self.port, self.log = port, log
        self.tls: ssl.SSLContext | None = None
        if certfile:
            self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self.tls.load_cert_chain(certfile, keyfile or None)
        self.settings = self._initial = Settings(**settings)
        self.connections = itertools.count(1)
        self._lock = threading.RLock()
        self._server: _Server | None = None
        self._faults: list[Fault] = []
        self.reset()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; from the second time on, at the same port as before."""
        self._server = _Server(self)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, end what hangs, close every connection, and return when the handlers are gone."""
        if self._server is not None:
            self._server.shutdown()
            self.clear_faults()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """The last 1,000 requests but for the control endpoints'; each is here before it is answered."""
        with self._lock:
            return list(self._requests)

    def contacts(self) -> list[Json]:
        """Every contact in the order of creation, with its company_id."""
        with self._lock:
            return [stored.contact | {"company_id": stored.company_id} for stored in self._contacts.values()]

    def create_contact(self, *, age: float = 0.0, **body: Any) -> Json:
        """Put a contact there as if created `age` seconds ago, past key, faults and rate limit."""
        defaults = {"type": "customer", "full_name": "Sam Example", "email": "sam@example.com"}
        return self._create(defaults | {"company_id": next(iter(self.settings.companies))} | body, age)

    def delete_contact(self, contact_id: str) -> None:
        """Delete a contact as a person does in Clemta, past key, faults and rate limit; Refusal if there is none."""
        with self._lock:
            del self._contacts[self._stored(contact_id).contact["id"]]

    def edit_contact(self, contact_id: str, **fields: Any) -> Json:
        """Change fields of a contact as a person does in Clemta, past key, faults and rate limit."""
        with self._lock:
            stored = self._stored(contact_id)
            kept = {name: stored.contact[name] for name in REQUIRED if name != "company_id"}
            return self._update(contact_id, kept | {"company_id": stored.company_id} | fields)

    def fault(self, fault: str, **how: Any) -> Fault:
        """Switch on a fault of the table FAULTS; the keywords are the fields of `Fault`."""
        switched = Fault(fault, **how)
        with self._lock:
            self._faults.append(switched)
        return switched

    def clear_faults(self) -> None:
        """Switch every fault off and end at once what hangs in one."""
        with self._lock:
            for fault in self._faults:
                fault.over.set()
            self._faults = []

    def configure(self, **changes: Any) -> None:
        """Change some of the `Settings`, from the next request on."""
        with self._lock:
            self.settings = replace(self.settings, **changes)

    def reset(self) -> None:
        """Forget contacts, requests, faults and counts, and return to the settings of the start."""
        with self._lock:
            self.clear_faults()
            self.settings = self._initial
            self.peak = 0  # the most requests a key made in any window, those refused with 429 among them
            self._numbers = itertools.count(1)
            self._requests: deque[Request] = deque(maxlen=1000)
            self._contacts: dict[str, _Stored] = {}
            self._seen: defaultdict[str, deque[float]] = defaultdict(deque)
            self._counted: defaultdict[str, deque[float]] = defaultdict(deque)

    def control(self, method: str, name: str, given: Json) -> tuple[int, Json]:
        """Do what a control endpoint is asked; TypeError or ValueError where the input is wrong."""
        part, _, contact_id = name.partition("/")
        match method, name:
            case "DELETE", _ if part == "contacts" and contact_id:
                self.delete_contact(contact_id)
            case "PATCH", _ if part == "contacts" and contact_id:
                return 200, self.edit_contact(contact_id, **given)
            case "GET", "health":
                return 200, {"url": self.url, "contacts": len(self.contacts()), "peak": self.peak}
            case "GET", "contacts":
                return 200, {"contacts": self.contacts()}
            case "GET", "requests":
                return 200, {"requests": [asdict(request) for request in self.requests]}
            case "GET", "faults":
                known = {fault: kind.meaning for fault, kind in FAULTS.items()}
                with self._lock:
                    return 200, {"faults": [fault.report() for fault in self._faults], "known": known}
            case "POST", "faults":
                return 200, self.fault(**given).report()
            case "DELETE", "faults":
                self.clear_faults()
            case "POST", "settings":
                self.configure(**given)
            case "POST", "reset":
                self.reset()
            case "GET", "settings":
                pass
            case _:
                return 404, {"error": "no such control endpoint"}
        return 200, asdict(self.settings)

    def note(self, connection: int, method: str, path: str, query: str, operation: str) -> Request:
        """Remember a request, without what it searches for."""
        pairs = [(name, "" if name == "search" else value) for name, value in parse_qsl(query, True)]
        with self._lock:
            path = f"{path}?{urlencode(pairs)}" if pairs else path
            self._requests.append(
                Request(next(self._numbers), time.time(), connection, method, path, operation)
            )
            return self._requests[-1]

    def admit(self, key: str | None, operation: str) -> Fault | None:
        """Check the key and the rate limit, and draw the fault that hits the request, if one does."""
        with self._lock:
            if not key:
                raise Refusal(401, "API_KEY_REQUIRED")
            if key not in self.settings.api_keys:
                raise Refusal(401, "INVALID_API_KEY")
            now, counted = time.monotonic(), self._slide(self._counted[key])
            self._seen[key].append(now)
            self.peak = max(self.peak, len(self._slide(self._seen[key])))
            if len(counted) >= self.settings.rate_limit:
                wait = max(1, counted[0] + self.settings.rate_window - now)
                raise Refusal(429, "RATE_LIMIT_EXCEEDED", retry_after=wait)
            fault = next((fault for fault in self._faults if fault.strikes(operation)), None)
            if fault is None or fault.status != 429:
                counted.append(now)
            return fault

    def rate_headers(self, key: str | None, refusal: Refusal | None) -> dict[str, str]:
        """Where the key stands, as every answer says it."""
        with self._lock:
            limit, width = self.settings.rate_limit, self.settings.rate_window
            counted = self._slide(self._counted.get(key or "", deque()))
            left = max(0, limit - len(counted))
            free = counted[0] + width - time.monotonic() if counted else width
        retry: dict[str, str] = {}
        if refusal is not None and refusal.retry_after is not None:
            free = math.ceil(refusal.retry_after)
            retry = {"Retry-After": str(free)}
        return retry | {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0" if refusal and refusal.status == 429 else str(left),
            "X-RateLimit-Reset": str(math.ceil(time.time() + free)),
            "X-RateLimit-API": f"{limit} requests per {'minute' if width == 60 else f'{width:g} seconds'}",
            "X-RateLimit-Type": "api_key",
        }

    def perform(self, operation: str, contact_id: str, query: str, body: bytes, content_type: str) -> Json:
        """Do what is asked and answer in Clemta's envelope, or raise a Refusal."""
        data: Json | None = None
        with self._lock:
            match operation:
                case "create":
                    data = self._create(_read_json(body, content_type))
                case "search":
                    data = self._search(dict(parse_qsl(query, True)))
                case "get":
                    data = self._stored(contact_id).contact
                case "update":
                    data = self._update(contact_id, _read_json(body, content_type))
                case "delete":
                    self.delete_contact(contact_id)
                case _:
                    raise Refusal(404, "NOT_FOUND")
        return {"success": True, "message": f"Done: {operation}", "data": data}

    def _slide(self, times: deque[float]) -> deque[float]:
        start = time.monotonic() - self.settings.rate_window
        while times and times[0] <= start:
            times.popleft()
        return times

    def _allow(self, company_id: str) -> None:
        if company_id in self.settings.forbidden:
            raise Refusal(403, "ACCESS_DENIED")
        if company_id not in self.settings.companies:
            raise Refusal(404, "COMPANY_NOT_FOUND")

    def _stored(self, contact_id: str) -> _Stored:
        if contact_id not in self._contacts:
            raise Refusal(404, "NOT_FOUND")
        self._allow(self._contacts[contact_id].company_id)
        return self._contacts[contact_id]

    def _create(self, body: Json, age: float = 0.0) -> Json:
        _validate(body)
        now, company_id = int(time.time() - age), body["company_id"]
        contact: Json = {
            "id": secrets.token_hex(12),
            "created_at": now,
            "updated_at": now,
            "status": "active",
        }
        contact |= {"description": "", "cc_emails": [], "bcc_emails": [], "billing": {}} | self._tidied(body)
        del contact["company_id"]
        with self._lock:
            self._allow(company_id)
            taken = ((other.company_id, other.contact["email"]) for other in self._contacts.values())
            if self.settings.reject_duplicates and (company_id, body["email"]) in taken:
                raise _invalid("email", "is that of another contact")
            self._contacts[contact["id"]] = _Stored.of(company_id, time.monotonic() - age, contact)
        return contact

    def _update(self, contact_id: str, body: Json) -> Json:
        _validate(body)
        self._allow(body["company_id"])
        stored = self._stored(contact_id)
        if stored.company_id != body.pop("company_id"):
            raise Refusal(404, "NOT_FOUND")
        contact = stored.contact | self._tidied(body) | {"updated_at": int(time.time())}
        self._contacts[contact_id] = _Stored.of(stored.company_id, stored.born, contact)
        return contact

    def _tidied(self, body: Json) -> Json:
        if not self.settings.tidy_names:
            return body
        return body | {"full_name": " ".join(word.capitalize() for word in body["full_name"].split())}

    def _search(self, asked: dict[str, str]) -> Json:
        for name in asked.keys() - QUERY.split():
            raise _invalid(name, "is not known")
        if not asked.get("company_id"):
            raise _invalid("company_id", "is required")
        asked = {"sort": "created_at", "order": "asc"} | asked
        choices = {"sort": SORTABLE, "order": ("asc", "desc"), "created_at": ("gt", "lt", "eq")}
        for name, choice in choices.items():
            if name in asked and asked[name] not in choice:
                raise _invalid(name, f"must be one of {', '.join(choice)}")
        skip, limit = _whole(asked, "skip", 0), min(_whole(asked, "limit", 10, least=1), 100)
        end = _whole(asked, "end_date", sys.maxsize)
        self._allow(asked["company_id"])

        term = asked.get("search", "")
        found = [stored for stored in self._contacts.values() if stored.company_id == asked["company_id"]]
        if term:
            settings = self.settings
            which = (settings.search_case_sensitive, settings.search_names)
            try:
                holds = reading(term, settings.search_pattern, settings.search_case_sensitive)
            except re.error:
                raise Refusal(500, "INTERNAL_ERROR") from None
            found = [stored for stored in found if holds(stored.words[which])]
            found = [stored for stored in found if time.monotonic() - stored.born >= settings.search_lag]
        contacts = [stored.contact for stored in found if stored.contact["created_at"] <= end]
        if "created_at" in asked:
            holds, moment = getattr(operator, asked["created_at"]), _whole(asked, "created_at_value")
            contacts = [contact for contact in contacts if holds(contact["created_at"], moment)]
        contacts.sort(key=operator.itemgetter(asked["sort"]))
        if asked["order"] == "desc":
            contacts.reverse()
        return {"contacts": contacts[skip : skip + limit], "total": len(contacts)}


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, stand_in: StandIn) -> None:
        self.stand_in = stand_in
        self.open: dict[threading.Thread, socket.socket] = {}
        super().__init__(("127.0.0.1", stand_in.port), _Handler)
        if stand_in.tls:  # the handshake is left to the handler's thread: a stalled one must hold nobody up
            wrap = stand_in.tls.wrap_socket
            self.socket = wrap(self.socket, server_side=True, do_handshake_on_connect=False)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's own asks DNS for the host's name, which can take seconds

    def process_request(self, request: Any, client_address: Any) -> None:
        work = self.process_request_thread
        thread = threading.Thread(target=work, args=(request, client_address), daemon=True)
        self.open[thread] = request
        thread.start()

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.open.pop(threading.current_thread(), None)

    def server_close(self) -> None:
        super().server_close()
        for thread, connection in list(self.open.items()):
            with suppress(OSError):  # not SSLSocket's shutdown: it takes the TLS state from under the handler
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join(5)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that goes away is no error here
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.connection_number = next(self.server.stand_in.connections)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the base class would quote the request line, and with it what is searched for."""

    def do_GET(self) -> None:
        began = time.monotonic()
        self.path, _, query = self.path.partition("?")
        self.status: int | None = None
        self.seen: Request | None = None
        try:
            if self.path.startswith(CONTROL):
                self.control()
            else:
                self.api(query)
        finally:
            ms = round((time.monotonic() - began) * 1000)
            if self.seen is not None:
                self.seen.ms = ms
            if self.server.stand_in.log:
                path = "".join(char if char.isprintable() else "?" for char in self.path)
                fault = self.seen.fault if self.seen else None
                print(self.command, path, self.status or "-", fault or "-", f"{ms} ms", file=sys.stderr)

    do_POST = do_PATCH = do_DELETE = do_GET

    def control(self) -> None:
        """Answer a control endpoint, but no web page: a page sends Origin, or a Host of its own."""
        try:
            body = self.read_body()
            host = self.headers.get("Host", "").partition(":")[0]
            if "Origin" in self.headers or host not in ("127.0.0.1", "localhost"):
                status, answer = 403, {"error": "not for web pages"}
            else:
                given, name = _read_json(body) if body else {}, self.path.removeprefix(CONTROL)
                status, answer = self.server.stand_in.control(self.command, name, given)
        except Refusal as refusal:
            status, answer = refusal.status, {"error": str(refusal)}
        except (TypeError, ValueError) as wrong:
            status, answer = 400, {"error": str(wrong)}
        self.send(status, json.dumps(answer).encode(), {})

    def api(self, query: str) -> None:
        """Answer one call of Clemta's API."""
        clemta, key = self.server.stand_in, self.headers.get("X-API-Key")
        route = re.fullmatch("/contacts(?:/([^/]+))?", self.path)
        contact_id = (route and route[1]) or ""
        operation = OPERATIONS.get((self.command, bool(contact_id)), "unknown") if route else "unknown"
        self.seen = clemta.note(self.connection_number, self.command, self.path, query, operation)
        self.seen.contact_id = contact_id or None
        fault: Fault | None = None
        refusal: Refusal | None = None
        answer: Json = {}
        try:
            body = self.read_body()
            fault = clemta.admit(key, operation)
            self.seen.fault = fault.fault if fault else None
            if fault is None or FAULTS[fault.fault].done:
                content_type = self.headers.get("Content-Type", "")
                answer = clemta.perform(operation, contact_id, query, body, content_type)
                if operation == "create":
                    self.seen.contact_id = answer["data"]["id"]
        except Refusal as refused:
            refusal = refused
        if fault is not None:
            refusal = fault.refusal(operation) or refusal
        headers = clemta.rate_headers(key, refusal)
        status, answer = (refusal.status, refusal.envelope) if refusal else (200, answer)
        self.deliver(status, json.dumps(answer).encode(), headers, fault)

    def read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        readable = re.fullmatch("[0-9]{1,9}", length) and int(length) <= MAX_BODY
        if "Transfer-Encoding" in self.headers or not readable:
            self.close_connection = True  # where the next request begins is not known
            raise Refusal(400, "INVALID_REQUEST", f"Content-Length must be given, and be at most {MAX_BODY}")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise ConnectionResetError("the client left in the middle of its request")
        return body

    def deliver(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None) -> None:
        """Send the answer, or what the fault makes of it."""
        match fault.fault if fault else "":
            case "timeout_before" | "timeout_after" if fault:
                self.close_connection = True
                fault.over.wait(fault.seconds)
                return
            case "reset_before" | "reset_after":
                self.close_connection = True
                # A linger of 0 s makes the close a reset; rfile, too, holds the connection open.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.rfile.close()
                self.connection.close()
                return
            case "html" | "html_after":
                status, body, headers["Content-Type"] = 200, HTML, "text/html; charset=utf-8"
            case "redirect":
                status, body, headers["Location"] = 302, b"", f"/elsewhere{self.path}"
            case "empty":
                status, body = 200, b""
        self.send(status, body, headers, fault)

    def send(self, status: int, body: bytes, headers: dict[str, str], fault: Fault | None = None) -> None:
        self.status = status
        if self.seen is not None:
            self.seen.status = status  # before the first byte: whoever has the answer may look here
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | headers
        if fault and fault.fault == "truncated":
            body, self.close_connection = body[: len(body) // 2], True
        if self.close_connection:
            headers["Connection"] = "close"
        reason = self.responses.get(status, ("", ""))[0]
        lines = [f"HTTP/1.1 {status} {reason}", f"Date: {self.date_time_string()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        at_once, slowly, rest = head + body, b"", b""
        if fault and fault.fault == "slow":
            at_once, slowly = head, body
        elif fault and fault.fault == "slow_headers":
            at_once, slowly, rest = b"", head, body
        self.wfile.write(at_once)
        for position in range(len(slowly)):
            if fault:
                fault.over.wait((fault.seconds or 0) / len(slowly))
            self.wfile.write(slowly[position : position + 1])
        self.wfile.write(rest)


def _read_json(body: bytes, content_type: str = "application/json") -> Json:
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "INVALID_REQUEST", "Content-Type must be application/json")
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refusal(400, "INVALID_REQUEST", "the body must be JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "INVALID_REQUEST", "the body must be a JSON object")
    return value


def _validate(body: Json) -> None:
    for name in REQUIRED:
        if name not in body:
            raise _invalid(name, "is required")
    for name, value in body.items():
        match name, value:
            case "billing", dict():
                for key, item in value.items():
                    if key not in BILLING.split():
                        raise _invalid(f"billing.{key}", "is not known")
                    _validate_text(f"billing.{key}", item)
            case "cc_emails" | "bcc_emails", list():
                for position, item in enumerate(value):
                    _validate_text(f"{name}[{position}]", item, email=True)
            case "billing" | "cc_emails" | "bcc_emails", _:
                raise _invalid(name, "must be an object" if name == "billing" else "must be an array")
            case _ if name in TEXTS:
                _validate_text(name, value, email=name == "email")
            case _:
                raise _invalid(name, "is not known")
    if body["type"] not in ("customer", "vendor"):
        raise _invalid("type", "must be customer or vendor")


def _validate_text(name: str, value: object, email: bool = False) -> None:
    if not isinstance(value, str):
        raise _invalid(name, "must be a string")
    if not value.strip():
        raise _invalid(name, "must not be empty")
    if email and not EMAIL.fullmatch(value):
        raise _invalid(name, "must be an e-mail address")


def _invalid(name: str, problem: str) -> Refusal:
    return Refusal(400, "VALIDATION_FAILED", f"{name} {problem}")


def reading(term: str, pattern: str = "text", case_sensitive: bool = False) -> Callable[[str], bool]:
    """Whether a line of a text, casefolded where case does not count, holds the term; re.error if it is no pattern."""
    if pattern == "text":
        word = term if case_sensitive else term.casefold()
        return lambda text: word in text
    if pattern == "like":
        term = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in term)
    found = re.compile(term, re.MULTILINE if case_sensitive else re.MULTILINE | re.IGNORECASE)
    return lambda text: found.search(text) is not None


def _whole(asked: dict[str, str], name: str, default: int | None = None, least: int = 0) -> int:
    value = asked.get(name, "" if default is None else str(default))
    if not re.fullmatch("[0-9]{1,19}", value) or int(value) < least:
        raise _invalid(name, f"must be a whole number from {least}")
    return int(value)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _is_number(value: object, kind: type = float, least: float = 0) -> bool:
    kinds = (int,) if kind is int else (int, float)
    return isinstance(value, kinds) and not isinstance(value, bool) and least <= value < 1e9


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    table = "\n".join(f"  {name:<16}{kind.meaning}" for name, kind in FAULTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m local.clemta",
        description="A stand-in for the Clemta contacts API on 127.0.0.1.",
        epilog=f"faults, switched on with POST {CONTROL}faults:\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=8788, help="0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--api-key", default=DEFAULT_API_KEY, help="the key it accepts (default: %(default)s)"
    )
    options = parser.parse_args(argv)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        with StandIn(options.port, log=True, api_keys=[options.api_key]) as clemta:
            print(f"Clemta's stand-in is at {clemta.url}", flush=True)
            ended.wait()
    except (OSError, OverflowError) as problem:
        parser.exit(1, f"port {options.port}: {problem}\n")


if __name__ == "__main__":
    main()
