"""Clemta's API for contacts without I/O: each request as a value, and what each answer means for the caller.

https://docs.clemta.com (contacts). A success is `{"success": true, "data": {…}}`. A refusal has `success: false`,
`message` and `error: {"code", "details"}`. There is no idempotency key: whether a create without an answer took effect,
only a search can tell.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..contacts import ContactRequest
from ..errors import (
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Throttled,
)
from ..http_values import HttpRequest, HttpResponse

PAGE_SIZE = 100
_WINDOW_SECONDS = 60.0  # Clemta counts the calls of a minute
_MAX_RETRY_AFTER = 900.0
_CODE = re.compile("[A-Z][A-Z_]{0,63}")
_LITERAL_RUN = re.compile("[a-z0-9@._-]+")
_CONTACT_GONE = ("CONTACT_NOT_FOUND", "NOT_FOUND")  # any other 404, as COMPANY_NOT_FOUND, is a wrong setting


class Request(NamedTuple):
    """One call to Clemta. `idempotent`: to send it twice does no harm."""

    method: str
    path: str
    query: Mapping[str, str] = MappingProxyType({})
    body: Mapping[str, Any] | None = None
    idempotent: bool = True

    def __repr__(self) -> str:
        return f"Request({self.method})"  # the rest holds personal data

    @classmethod
    def create(cls, contact: ContactRequest) -> "Request":
        """POST /contacts: a second one makes a second contact."""
        return cls("POST", "/contacts", body=contact.body(), idempotent=False)

    @classmethod
    def search(cls, contact: ContactRequest, skip: int) -> "Request":
        """GET /contacts: one page of the contacts that may have this company, type and e-mail."""
        query = {
            "company_id": contact.company_id,
            "search": search_term(contact.email),
            "skip": str(skip),
            "limit": str(PAGE_SIZE),
        }
        return cls("GET", "/contacts", query)

    @classmethod
    def newest(cls, company_id: str, skip: int) -> "Request":
        """GET /contacts: one page of the company's contacts, the newest first."""
        query = {"company_id": company_id, "sort": "created_at", "order": "desc"}
        return cls("GET", "/contacts", query | {"skip": str(skip), "limit": str(PAGE_SIZE)})

    @classmethod
    def get(cls, contact_id: str) -> "Request":
        """GET /contacts/{id}."""
        return cls("GET", f"/contacts/{contact_id}")

    @classmethod
    def update(cls, contact_id: str, body: Mapping[str, Any]) -> "Request":
        """PATCH /contacts/{id}: a late one would undo a newer one."""
        return cls("PATCH", f"/contacts/{contact_id}", body=body, idempotent=False)

    def to_http(self, base_url: str, api_key: str) -> HttpRequest:
        """The request as it is sent."""
        body = None if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()
        headers = {"X-API-Key": api_key, "Content-Type": "application/json", "Accept": "application/json"}
        return HttpRequest(self.method, base_url + self.path, headers, self.query, body)


def search_term(email: str) -> str:
    """The longest part of the address, in lower case, that finds it whether Clemta reads `search` as text or a pattern.

    Letters, digits, `@` and `-` match themselves in each. So do `.` (any one character in a regular expression) and
    `_` (the same in LIKE). All else is left out: `+` and `*` do not match themselves, and `%` matches too much.
    """
    runs: list[str] = _LITERAL_RUN.findall(email.lower())
    return max(runs, key=len)


def is_contact(entry: Mapping[str, Any], contact: ContactRequest) -> bool:
    """Whether an entry that a search found has the contact's e-mail, in any case, and its type."""
    email = entry.get("email")
    return (
        isinstance(email, str)
        and email.casefold() == contact.email.casefold()
        and entry.get("type") == contact.type
    )


def read_answer(request: Request, answer: HttpResponse, now: float) -> dict[str, Any]:
    """The answer's `data`; raises Retryable or Permanent where it is no success. `now` is in unix seconds."""
    payload = _payload(answer)
    data = payload.get("data")
    if answer.status // 100 == 2 and payload.get("success") is True and isinstance(data, dict):
        return data
    raise refusal(request, answer, payload, now)


def no_answer(request: Request, reason: str, *, sent: bool) -> Retryable:
    """What it means that no answer came; `sent`: the request may have arrived."""
    kind = OutcomeUnknown if sent and not request.idempotent else NotApplied
    return kind("no_answer", reason)


def created_id(data: Mapping[str, Any]) -> str:
    """The id of the contact that was created; raises OutcomeUnknown where the answer does not name it."""
    contact_id = data.get("id")
    if not isinstance(contact_id, str) or not contact_id:
        raise OutcomeUnknown("no_contact_id", status=200)
    return contact_id


def read_page(data: Mapping[str, Any]) -> tuple[list[Any], int | None]:
    """The entries of one page of a list or search, and how many there are in all, if Clemta says it."""
    page, total = data.get("contacts"), data.get("total")
    if not isinstance(page, list):
        raise NotApplied("unreadable_answer", status=200)
    return page, total if isinstance(total, int) else None


def read_remaining(answer: HttpResponse, now: float) -> tuple[int, float] | None:
    """How many calls Clemta says are left, and the seconds until its window ends; None where it does not say."""
    remaining = _number(answer, "X-RateLimit-Remaining", digits=9)
    if answer.status == 429 or remaining is None:
        return None
    return int(remaining), _seconds_to_reset(answer, now)


def refusal(
    request: Request, answer: HttpResponse, payload: Mapping[str, Any], now: float
) -> Retryable | Permanent:
    """What an answer that is no success means; the first rule that fits counts."""
    status = answer.status
    code, message = _code_and_message(answer, payload)
    match status:
        case 401:
            return KeyRefused(code, message, status=status)
        case 404 if code in _CONTACT_GONE and payload.get("success") is False:
            return ContactGone(code, message, status=status)
        case 402 | 403 | 404 | 405:
            return ConfigError(code, message, status=status)
        case 429:
            wait = _retry_after(answer) or _seconds_to_reset(answer, now) or _WINDOW_SECONDS
            return Throttled(code, message, status=status, retry_after=wait)
        case _ if 300 <= status < 400:  # the address is wrong
            return ConfigError(code, message, status=status)
        case _ if 400 <= status < 500 and status not in (408, 425):
            return DataError(code, message, status=status)
        case _:  # 408, 425, 5xx, and a success that cannot be read
            kind = NotApplied if request.idempotent else OutcomeUnknown
            return kind(code, message, status=status, retry_after=_retry_after(answer))


def _payload(answer: HttpResponse) -> dict[str, Any]:
    try:
        payload = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _code_and_message(answer: HttpResponse, payload: Mapping[str, Any]) -> tuple[str, str]:
    error = payload.get("error")
    details = error if isinstance(error, dict) else {}
    code = details.get("code")
    # The code is logged, so it must not be free text.
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        code = f"HTTP_{answer.status}"
    return code, f"{payload.get('message', '')} {details.get('details', '')}".strip()


def _retry_after(answer: HttpResponse) -> float:
    """Seconds, at most a quarter of an hour, as some servers send milliseconds. A date counts as none."""
    return min(_MAX_RETRY_AFTER, _number(answer, "Retry-After", digits=9) or 0.0)


def _seconds_to_reset(answer: HttpResponse, now: float) -> float:
    """Seconds to X-RateLimit-Reset, which is in unix seconds; at most a minute, as Clemta's clock may differ."""
    reset = _number(answer, "X-RateLimit-Reset", digits=11) or 0.0
    return min(_WINDOW_SECONDS, max(0.0, reset - now))


def _number(answer: HttpResponse, header: str, digits: int) -> float | None:
    """The header's whole number; None if it is absent or anything else."""
    text = answer.headers.get(header, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
