"""Clemta in virtual time."""

import json
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from clemta_intake.http_values import HttpRequest, HttpResponse

WINDOW = 60.0  # seconds of the rate limit


class VirtualClemta:
    """Clemta's contacts and its rate limit on a virtual clock; it replaces the transport."""

    def __init__(self, clock: Callable[[], float], limit: int, random: Random) -> None:
        self._clock = clock
        self._random = random
        self.limit = limit
        self.lag = 0.0  # seconds until a search and the list show a new contact
        self.contacts: dict[str, list[dict[str, Any]]] = {}  # by e-mail address
        self.arrivals: list[float] = []
        self.refusals = 0
        self._made = 0
        self._counted: deque[float] = deque()

    def send(self, request: HttpRequest, *_: float) -> HttpResponse:
        """One call; over the limit, it is refused with 429."""
        at = self._clock() + self._random.uniform(0, 0.9)
        self.arrivals.append(at)
        if not self._count(at):
            self.refusals += 1
            return self._answer(429, None, at)
        if request.method == "POST":
            body = json.loads(request.body or b"")
            return self._answer(200, self._add(body, at), at)
        if "search" in request.query:
            found = self._visible(self.contacts.get(request.query["search"], []), at)
            return self._answer(200, {"contacts": found, "total": len(found)}, at)
        skip, limit = int(request.query["skip"]), int(request.query["limit"])
        every = [contact for of_one in self.contacts.values() for contact in self._visible(of_one, at)]
        every.sort(key=lambda contact: contact["created_at"], reverse=True)
        return self._answer(200, {"contacts": every[skip : skip + limit], "total": len(every)}, at)

    def add(self, email: str, created_at: float) -> None:
        """A contact that somebody made by hand."""
        self._add({"type": "customer", "full_name": "Ada Example", "email": email}, created_at)

    def _visible(self, contacts: list[dict[str, Any]], at: float) -> list[dict[str, Any]]:
        return [contact for contact in contacts if contact["created_at"] + self.lag <= at]

    def _add(self, body: dict[str, Any], created_at: float) -> dict[str, Any]:
        self._made += 1
        contact = {**body, "id": f"{self._made:024x}", "created_at": int(created_at)}
        self.contacts.setdefault(contact["email"], []).append(contact)
        return contact

    def call_by_other_client(self) -> bool:
        """A call by another client with the same key; False if it was refused."""
        return self._count(self._clock())

    def _count(self, at: float) -> bool:
        while self._counted and self._counted[0] <= at - WINDOW:
            self._counted.popleft()
        if len(self._counted) >= self.limit:
            return False
        self._counted.append(at)
        return True

    def _answer(self, status: int, data: dict[str, Any] | None, at: float) -> HttpResponse:
        headers = {
            "X-RateLimit-Remaining": str(self.limit - len(self._counted)),
            # Clemta sends a time of the wall clock, and the product compares it with the wall clock.
            "X-RateLimit-Reset": str(round(time.time() + self._counted[0] + WINDOW - at)),
        }
        if status == 429:
            headers["Retry-After"] = str(max(1, round(self._counted[0] + WINDOW - at)))
        return HttpResponse(status, headers, json.dumps({"success": data is not None, "data": data}).encode())
