"""The Clemta client: create, find, get and update a contact; every answer sorted by what the caller may do.

Facts of the API: https://docs.clemta.com (contacts). There is no idempotency key, so a create whose answer never came
is OutcomeUnknown, and `find` is the only way to learn what became of it.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import requests
import urllib3.exceptions

from . import bounded, telemetry
from .contacts import ContactRequest
from .deadlines import Deadline
from .errors import (
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    OutcomeUnknown,
    Permanent,
    Temporary,
    Throttled,
)
from .lanes import Place

_CONNECT_SECONDS = 1.0
_PAGE = 100
_PAGES = 5  # of one search; more only come where strangers' names hold the address
_WINDOW_SECONDS = 60.0  # what a 429 says as a rule, and means where it says nothing
_LONGEST_PAUSE = 900.0
_CODE = re.compile("[A-Z][A-Z_]{0,63}")
_SAFE_RUN = re.compile("[a-z0-9@._-]+")
_NO_CONTACT = (
    "CONTACT_NOT_FOUND",
    "NOT_FOUND",
)  # another 404, as COMPANY_NOT_FOUND, is not about the contact


class Budget(Protocol):
    """Who may call when; see ledger.Budget."""

    def serve(self, place: Place) -> None: ...
    def take(self, deadline: Deadline, ahead: int = 0) -> None: ...
    def heard(self, remaining: int, reset: float, deadline: Deadline) -> None: ...
    def refused(self, seconds: float, deadline: Deadline) -> tuple[float, str]: ...


class Clemta:
    """One kept-alive session. `api_key(stale)` gives the key; with a stale one, a key read afresh."""

    def __init__(self, base_url: str, api_key: Callable[[str | None], str], budget: Budget) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._budget = budget
        self._session = bounded.session()

    def serve(self, place: Place) -> None:
        """The calls that follow are made for the submission at this place."""
        self._budget.serve(place)

    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        """The new contact's id. Raises OutcomeUnknown where Clemta may have made it without saying so."""
        data = self._call("POST", "/contacts", deadline, body=contact.body(), unrepeatable=True)
        contact_id = data.get("id")
        if not isinstance(contact_id, str) or not contact_id:
            raise OutcomeUnknown("no_contact_id", status=200)
        return contact_id

    def find(self, contact: ContactRequest, deadline: Deadline) -> Iterator[dict[str, Any]]:
        """The contacts of that company, type and e-mail, case apart; each page is read when it is needed.

        Raises Temporary `search_flooded` where five pages do not hold all that the search finds: whether the contact
        exists is then not known.
        """
        skip = 0
        for _ in range(_PAGES):
            query = {
                "company_id": contact.company_id,
                "search": search_term(contact.email),
                "skip": str(skip),
                "limit": str(_PAGE),
            }
            data = self._call("GET", "/contacts", deadline, query=query, ahead=1)
            page, total = data.get("contacts"), data.get("total")
            if not isinstance(page, list):
                raise Temporary("unreadable_answer", status=200)
            yield from (entry for entry in page if isinstance(entry, dict) and is_contact(entry, contact))
            skip += len(page)
            if not page or (isinstance(total, int) and skip >= total):
                return
        raise Temporary("search_flooded", f"more than {_PAGES} pages of contacts match the search")

    def get(self, contact_id: str, deadline: Deadline, ahead: int = 0) -> dict[str, Any]:
        """One contact; ContactGone if it was deleted in Clemta. `ahead` calls will follow if it was not."""
        return self._call("GET", f"/contacts/{contact_id}", deadline, ahead=ahead)

    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        """Sets these fields. Raises OutcomeUnknown where Clemta may do so later, and ContactGone."""
        self._call("PATCH", f"/contacts/{contact_id}", deadline, body=body, unrepeatable=True)

    def _call(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        unrepeatable: bool = False,
        ahead: int = 0,
    ) -> dict[str, Any]:
        """The answer's `data`; `ahead` calls will follow. A 401 reads the key afresh once: a rotation loses nothing."""
        key = self._api_key(None)
        answer = self._send(method, path, deadline, key, query, body, unrepeatable, ahead)
        if answer.status_code == 401 and (fresh := self._api_key(key)) != key:
            answer = self._send(method, path, deadline, fresh, query, body, unrepeatable, ahead)
        remaining = _number(answer, "X-RateLimit-Remaining", digits=9)
        if answer.status_code != 429 and remaining is not None:
            self._budget.heard(int(remaining), _until_reset(answer), deadline)
        payload = _payload(answer)
        data = payload.get("data")
        if answer.status_code // 100 != 2 or payload.get("success") is not True or not isinstance(data, dict):
            refusal = _refusal(answer, payload, unrepeatable)
            if isinstance(refusal, Throttled):
                refusal.retry_after, refusal.slot = self._budget.refused(refusal.retry_after, deadline)
            raise refusal
        return data

    def _send(
        self,
        method: str,
        path: str,
        deadline: Deadline,
        key: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        unrepeatable: bool,
        ahead: int,
    ) -> requests.Response:
        """The answer. Only a GET is sent a second time, and only where its kept-alive connection was closed."""
        deadline.check()
        self._budget.take(deadline, ahead)
        remaining = deadline.check()
        connect = min(_CONNECT_SECONDS, remaining / 3)
        began = time.monotonic()
        try:
            return self._session.request(
                method,
                self._base_url + path,
                params=query,
                data=None if body is None else json.dumps(body, ensure_ascii=False).encode(),
                headers={"X-API-Key": key, "Content-Type": "application/json", "Accept": "application/json"},
                timeout=(connect, remaining - connect),
                allow_redirects=False,  # a POST that follows a redirect becomes a GET, and its 200 a lie
            )
        except requests.RequestException as error:
            # Only the exception's name is kept: its text quotes the address, and that the e-mail searched for.
            if unrepeatable and not _nothing_sent(error):
                raise OutcomeUnknown("no_answer", type(error).__name__) from None
            if method != "GET" or not bounded.closed_meanwhile(error):
                raise Temporary("no_answer", type(error).__name__) from None
        finally:
            telemetry.measured("ClemtaLatency", (time.monotonic() - began) * 1000)
        # Once: the connection is a new one now. Clemta may have counted the first, so this is a call of its own.
        return self._send(method, path, deadline, key, query, body, unrepeatable, ahead)


def search_term(email: str) -> str:
    """The longest part of the address, in lower case, that finds it, be `search` text or a pattern to Clemta.

    Letters, digits, `@` and `-` match themselves in each. So do `.`, any one character to a regular expression, and
    `_`, the same to LIKE. All else is left out: `+` and `*` do not match themselves, and `%` matches too much.
    """
    runs: list[str] = _SAFE_RUN.findall(email.lower())
    return max(runs, key=len)


def is_contact(entry: Mapping[str, Any], contact: ContactRequest) -> bool:
    """Whether what a search found has the contact's e-mail, case apart, and its type."""
    email = entry.get("email")
    return (
        isinstance(email, str)
        and email.casefold() == contact.email.casefold()
        and entry.get("type") == contact.type
    )


def _payload(answer: requests.Response) -> dict[str, Any]:
    try:
        payload = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _refusal(
    answer: requests.Response, payload: Mapping[str, Any], unrepeatable: bool
) -> Temporary | Permanent:
    """What the caller may do about an answer that is no success."""
    status, error = answer.status_code, payload.get("error")
    details = error if isinstance(error, dict) else {}
    code = details.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):  # it is logged: a word of theirs, never a text
        code = f"HTTP_{status}"
    message = f"{payload.get('message', '')} {details.get('details', '')}".strip()
    if status == 401:
        return KeyRefused(code, message, status=status)
    if status == 404 and code in _NO_CONTACT and payload.get("success") is False:
        return ContactGone(code, message, status=status)
    if 300 <= status < 400 or status in (402, 403, 404, 405):
        return ConfigError(code, message, status=status)
    if status == 429:
        wait = _retry_after(answer) or _until_reset(answer) or _WINDOW_SECONDS
        return Throttled(code, message, status=status, retry_after=wait)
    if 400 <= status < 500 and status not in (408, 425):
        return DataError(code, message, status=status)
    kind = OutcomeUnknown if unrepeatable else Temporary
    return kind(code, message, status=status, retry_after=_retry_after(answer))


def _retry_after(answer: requests.Response) -> float:
    """Seconds, believed up to a quarter of an hour: some servers say milliseconds. A date counts as nothing said."""
    return min(_LONGEST_PAUSE, _number(answer, "Retry-After", digits=9) or 0.0)


def _until_reset(answer: requests.Response) -> float:
    """Seconds to X-RateLimit-Reset, which is unix seconds; at most a minute, should Clemta's clock be another one."""
    reset = _number(answer, "X-RateLimit-Reset", digits=11) or 0.0
    return min(_WINDOW_SECONDS, max(0.0, reset - time.time()))


def _number(answer: requests.Response, header: str, digits: int) -> float | None:
    """The header's whole number; None if it is absent or anything else."""
    text = answer.headers.get(header, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def _nothing_sent(error: requests.RequestException) -> bool:
    """True only if the connection never came about."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
