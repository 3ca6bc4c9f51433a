"""The Clemta client: create, find, get and update a contact; every answer sorted by what the caller may do.

Facts of the API: https://docs.clemta.com (contacts). There is no idempotency key, so a create whose answer never came
is OutcomeUnknown, and `find` is the only way to learn what became of it.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import requests
import urllib3.exceptions

from .. import telemetry, transport
from ..contacts import ContactRequest
from ..deadlines import Deadline
from ..errors import NotApplied, OutcomeUnknown, Throttled
from ..model import Place
from .protocol import _payload, _refusal, _until_reset, is_contact, number, search_term

_CONNECT_SECONDS = 1.0
_PAGE = 100
_PAGES = 5  # of one search; more only come where strangers' names hold the address


class RateLimit(Protocol):
    """Who may call when; see ledger.RateLimit."""

    def serve(self, place: Place) -> None: ...
    def take(self, deadline: Deadline, ahead: int = 0) -> None: ...
    def heard(self, remaining: int, reset: float, deadline: Deadline) -> None: ...
    def refused(self, seconds: float, deadline: Deadline) -> tuple[float, str]: ...


class Clemta:
    """One kept-alive session. `api_key(stale)` gives the key; with a stale one, a key read afresh."""

    def __init__(self, base_url: str, api_key: Callable[[str | None], str], budget: RateLimit) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._budget = budget
        self._session = transport.session()

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

        Raises Retryable `search_flooded` where five pages do not hold all that the search finds: whether the contact
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
                raise NotApplied("unreadable_answer", status=200)
            yield from (entry for entry in page if isinstance(entry, dict) and is_contact(entry, contact))
            skip += len(page)
            if not page or (isinstance(total, int) and skip >= total):
                return
        raise NotApplied("search_flooded", f"more than {_PAGES} pages of contacts match the search")

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
        remaining = number(answer, "X-RateLimit-Remaining", digits=9)
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
            if method != "GET" or not transport.closed_meanwhile(error):
                raise NotApplied("no_answer", type(error).__name__) from None
        finally:
            telemetry.measured("ClemtaLatency", (time.monotonic() - began) * 1000)
        # Once: the connection is a new one now. Clemta may have counted the first, so this is a call of its own.
        return self._send(method, path, deadline, key, query, body, unrepeatable, ahead)


def _nothing_sent(error: requests.RequestException) -> bool:
    """True only if the connection never came about."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
