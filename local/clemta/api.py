"""Clemta's contacts API as state and rules, without HTTP."""

import itertools
import json
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from local.clemta.answers import Json, Refusal, invalid, success
from local.clemta.faults import Fault
from local.clemta.rate_limit import RateLimit
from local.clemta.search import SearchQuery, StoredContact, search
from local.clemta.settings import Settings
from local.clemta.validation import REQUIRED, validate_contact


@dataclass
class Request:
    """A request; `status` is None until it is answered, `ms` until its handler ends."""

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


class ClemtaApi:
    """The simulated state: contacts, rate limit, faults, settings, requests. Safe to share between threads."""

    def __init__(self, **settings: Any) -> None:
        self.settings = self._initial_settings = Settings(**settings)
        self._lock = threading.RLock()
        self._faults: list[Fault] = []
        self.reset()

    def reset(self) -> None:
        """Forget contacts, requests, faults and counts, and restore the initial settings."""
        with self._lock:
            self.clear_faults()
            self.settings = self._initial_settings
            self._rate_limit = RateLimit()
            self._request_numbers = itertools.count(1)
            self._requests: deque[Request] = deque(maxlen=1000)
            self._contacts: dict[str, StoredContact] = {}

    def configure(self, **changes: Any) -> None:
        """Change some of the `Settings`, from the next request on."""
        with self._lock:
            self.settings = replace(self.settings, **changes)

    @property
    def peak(self) -> int:
        """The most requests that a key made in any window of the rate limit, refused ones included."""
        return self._rate_limit.peak

    @property
    def requests(self) -> list[Request]:
        """The last 1,000 requests to the API, control endpoints excluded; each is listed before its answer is sent."""
        with self._lock:
            return list(self._requests)

    # Contacts, past key, faults and rate limit: as a person edits them in Clemta

    def contacts(self) -> list[Json]:
        """Every contact in the order of creation, with its company_id."""
        with self._lock:
            return [stored.contact | {"company_id": stored.company_id} for stored in self._contacts.values()]

    def create_contact(self, *, age: float = 0.0, **body: Any) -> Json:
        """Create a contact as if `age` seconds ago; fields that are not given have defaults."""
        defaults = {"type": "customer", "full_name": "Sam Example", "email": "sam@example.com"}
        return self._create(defaults | {"company_id": next(iter(self.settings.companies))} | body, age)

    def edit_contact(self, contact_id: str, **fields: Any) -> Json:
        """Change fields of a contact; Refusal if there is none or a field is wrong."""
        with self._lock:
            stored = self._stored(contact_id)
            unchanged = {name: stored.contact[name] for name in REQUIRED if name != "company_id"}
            return self._update(contact_id, unchanged | {"company_id": stored.company_id} | fields)

    def delete_contact(self, contact_id: str) -> None:
        """Delete a contact; Refusal if there is none."""
        with self._lock:
            del self._contacts[self._stored(contact_id).contact["id"]]

    # Faults

    def fault(self, fault: str, **options: Any) -> Fault:
        """Switch on a fault of the table FAULTS; the keywords are the fields of `Fault`."""
        switched_on = Fault(fault, **options)
        with self._lock:
            self._faults.append(switched_on)
        return switched_on

    def faults(self) -> list[Json]:
        """A report on every fault that is switched on."""
        with self._lock:
            return [fault.report() for fault in self._faults]

    def clear_faults(self) -> None:
        """Switch every fault off and end all waits of requests that they hit."""
        with self._lock:
            for fault in self._faults:
                fault.cleared.set()
            self._faults = []

    # One request, in the order of its steps

    def record_request(self, connection: int, method: str, path: str, query: str, operation: str) -> Request:
        """Add a request to the list, without its search term."""
        pairs = [(name, "" if name == "search" else value) for name, value in parse_qsl(query, True)]
        path = f"{path}?{urlencode(pairs)}" if pairs else path
        with self._lock:
            number = next(self._request_numbers)
            request = Request(number, time.time(), connection, method, path, operation)
            self._requests.append(request)
            return request

    def admit(self, key: str | None, operation: str) -> Fault | None:
        """Check the key and the rate limit; return the fault that hits the request, if any."""
        with self._lock:
            if not key:
                raise Refusal(401, "API_KEY_REQUIRED")
            if key not in self.settings.api_keys:
                raise Refusal(401, "INVALID_API_KEY")
            self._rate_limit.check(key, self.settings)
            fault = next((fault for fault in self._faults if fault.applies_to(operation)), None)
            if fault is None or fault.status != 429:
                self._rate_limit.count(key)
            return fault

    def perform(self, operation: str, contact_id: str, query: str, body: bytes, content_type: str) -> Json:
        """Perform the operation and return Clemta's envelope, or raise a Refusal."""
        data: Json | None = None
        with self._lock:
            match operation:
                case "create":
                    data = self._create(read_json(body, content_type))
                case "search":
                    parsed = SearchQuery.parse(dict(parse_qsl(query, True)))
                    self._check_company(parsed.company_id)
                    data = search(parsed, self._contacts.values(), self.settings, time.monotonic())
                case "get":
                    data = self._stored(contact_id).contact
                case "update":
                    data = self._update(contact_id, read_json(body, content_type))
                case "delete":
                    self.delete_contact(contact_id)
                case _:
                    raise Refusal(404, "NOT_FOUND")
        return success(operation, data)

    def rate_headers(self, key: str | None, refusal: Refusal | None) -> dict[str, str]:
        """The rate limit's headers of an answer."""
        with self._lock:
            return self._rate_limit.headers(key, refusal, self.settings)

    def _check_company(self, company_id: str) -> None:
        if company_id in self.settings.forbidden:
            raise Refusal(403, "ACCESS_DENIED")
        if company_id not in self.settings.companies:
            raise Refusal(404, "COMPANY_NOT_FOUND")

    def _stored(self, contact_id: str) -> StoredContact:
        if contact_id not in self._contacts:
            raise Refusal(404, "NOT_FOUND")
        self._check_company(self._contacts[contact_id].company_id)
        return self._contacts[contact_id]

    def _create(self, body: Json, age: float = 0.0) -> Json:
        validate_contact(body)
        now, company_id = int(time.time() - age), body["company_id"]
        contact: Json = {
            "id": secrets.token_hex(12),
            "created_at": now,
            "updated_at": now,
            "status": "active",
            "description": "",
            "cc_emails": [],
            "bcc_emails": [],
            "billing": {},
        } | self._with_tidy_name(body)
        del contact["company_id"]
        with self._lock:
            self._check_company(company_id)
            existing = ((other.company_id, other.contact["email"]) for other in self._contacts.values())
            if self.settings.reject_duplicates and (company_id, body["email"]) in existing:
                raise invalid("email", "is that of another contact")
            self._contacts[contact["id"]] = StoredContact.of(company_id, time.monotonic() - age, contact)
        return contact

    def _update(self, contact_id: str, body: Json) -> Json:
        validate_contact(body)
        self._check_company(body["company_id"])
        stored = self._stored(contact_id)
        if stored.company_id != body.pop("company_id"):
            raise Refusal(404, "NOT_FOUND")
        contact = stored.contact | self._with_tidy_name(body) | {"updated_at": int(time.time())}
        self._contacts[contact_id] = StoredContact.of(stored.company_id, stored.created, contact)
        return contact

    def _with_tidy_name(self, body: Json) -> Json:
        if not self.settings.tidy_names:
            return body
        return body | {"full_name": " ".join(word.capitalize() for word in body["full_name"].split())}


def read_json(body: bytes, content_type: str = "application/json") -> Json:
    """The JSON object in a body, or a Refusal."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "INVALID_REQUEST", "Content-Type must be application/json")
    try:
        value = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refusal(400, "INVALID_REQUEST", "the body must be JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "INVALID_REQUEST", "the body must be a JSON object")
    return value
