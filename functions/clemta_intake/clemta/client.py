"""The Clemta client: create, find, list, get and update contacts, each call within Clemta's rate limit.

https://docs.clemta.com (contacts); protocol.py has the facts, and what each answer means.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from .. import telemetry
from ..contacts import ContactRequest
from ..deadlines import Deadline
from ..errors import NotApplied, Throttled
from ..http_values import HttpRequest, HttpResponse
from ..model import Place
from ..transport import ConnectionClosed, NothingSent, TransportError
from .protocol import Request, created_id, is_contact, no_answer, read_answer, read_page, read_remaining

_CONNECT_SECONDS = 1.0
_MAX_PAGES = 5  # of one search; only a search that matches many other contacts has more


class RateLimit(Protocol):
    """Who may call when; see dynamo.rate_limit.RateLimit."""

    def set_place(self, place: Place) -> None: ...
    def acquire(self, deadline: Deadline, reserve_next: int = 0) -> None: ...
    def record_remaining(self, remaining: int, reset_seconds: float, deadline: Deadline) -> None: ...
    def on_rate_limited(self, seconds: float, deadline: Deadline) -> tuple[float, str]: ...


class Transport(Protocol):
    """One request, one answer; see transport.Transport."""

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse: ...


class Clemta:
    """Clemta's contacts. `api_key(stale)` gives the key; with a stale one, a key read afresh."""

    def __init__(
        self,
        base_url: str,
        api_key: Callable[[str | None], str],
        rate_limit: RateLimit,
        transport: Transport,
    ) -> None:
        self._base_url = base_url
        self._api_key = api_key
        self._rate_limit = rate_limit
        self._transport = transport

    def set_place(self, place: Place) -> None:
        """The calls that follow are made for the submission at this place."""
        self._rate_limit.set_place(place)

    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        """The new contact's id. Raises OutcomeUnknown where Clemta may have created it without saying so."""
        return created_id(self._call(Request.create(contact), deadline))

    def find(self, contact: ContactRequest, deadline: Deadline) -> Iterator[dict[str, Any]]:
        """The contacts of that company, type and e-mail (in any case); each page is read when it is needed.

        Raises NotApplied `search_flooded` where five pages do not hold all that the search finds: whether the contact
        exists is then unknown.
        """
        skip = 0
        for _ in range(_MAX_PAGES):
            page, total = read_page(self._call(Request.search(contact, skip), deadline, reserve_next=1))
            yield from (entry for entry in page if isinstance(entry, dict) and is_contact(entry, contact))
            skip += len(page)
            if not page or (total is not None and skip >= total):
                return
        raise NotApplied("search_flooded", f"more than {_MAX_PAGES} pages of contacts match the search")

    def newest(self, company_id: str, skip: int, deadline: Deadline) -> tuple[list[Any], int | None]:
        """One page of the company's contacts, the newest first, and how many there are in all, if Clemta says it.

        Clemta documents no maximum of a page: it may be shorter than what was asked for. No call is reserved to follow
        it: if none is left for a create, the page has served the creates of others.
        """
        return read_page(self._call(Request.newest(company_id, skip), deadline))

    def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
        """One contact, with so many calls reserved to follow it. Raises ContactGone if it was deleted in Clemta."""
        return self._call(Request.get(contact_id), deadline, reserve_next)

    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        """Sets these fields. Raises ContactGone, and OutcomeUnknown where Clemta may do it later."""
        self._call(Request.update(contact_id, body), deadline)

    def _call(self, request: Request, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
        """The answer's `data`. A 401 reads the key afresh once, so that a rotated key loses nothing."""
        key = self._api_key(None)
        answer = self._send(request, key, deadline, reserve_next)
        if answer.status == 401 and (fresh := self._api_key(key)) != key:
            answer = self._send(request, fresh, deadline, reserve_next)
        now = time.time()
        if left := read_remaining(answer, now):
            self._rate_limit.record_remaining(*left, deadline)
        try:
            return read_answer(request, answer, now)
        except Throttled as error:
            error.retry_after, error.slot = self._rate_limit.on_rate_limited(error.retry_after, deadline)
            raise

    def _send(self, request: Request, key: str, deadline: Deadline, reserve_next: int) -> HttpResponse:
        """The answer. An idempotent request is sent once more where its kept connection was closed."""
        http_request = request.to_http(self._base_url, key)
        try:
            try:
                return self._send_once(http_request, deadline, reserve_next)
            except ConnectionClosed:
                if not request.idempotent:
                    raise
            return self._send_once(http_request, deadline, reserve_next)
        except TransportError as error:
            raise no_answer(request, str(error), sent=not isinstance(error, NothingSent)) from None

    def _send_once(self, request: HttpRequest, deadline: Deadline, reserve_next: int) -> HttpResponse:
        """One call of the rate limit: Clemta may count a request that it does not answer."""
        deadline.check()
        self._rate_limit.acquire(deadline, reserve_next)
        remaining = deadline.check()
        began = time.monotonic()
        try:
            return self._transport.send(request, min(_CONNECT_SECONDS, remaining / 3), remaining)
        finally:
            telemetry.record("ClemtaLatency", (time.monotonic() - began) * 1000)
