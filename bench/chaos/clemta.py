"""Clemta's stand-in, through its control interface."""

from collections import Counter
from typing import Any

import requests

from local.clemta import DEFAULT_API_KEY, DEFAULT_COMPANY_ID

NAMESAKES = "namesake"  # how their e-mail addresses begin


class ClemtaControl:
    """Settings, faults and contacts of the stand-in."""

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control interface; its JSON answer."""
        answer = direct(method, f"{self._url}/_stand-in/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def contacts(self) -> list[dict[str, Any]]:
        """Every contact."""
        found: list[dict[str, Any]] = self.call("GET", "contacts")["contacts"]
        return found

    def contacts_by_email(self) -> Counter[str]:
        """How many contacts each e-mail address has, without the namesakes."""
        emails = (contact["email"] for contact in self.contacts())
        return Counter(email.lower() for email in emails if not email.startswith(NAMESAKES))

    def last_calls(self) -> dict[str, int]:
        """How many of the last 1,000 calls were of which kind."""
        requests = self.call("GET", "requests")["requests"]
        kinds = ("list" if "sort=" in request["path"] else request["operation"] for request in requests)
        return dict(Counter(kinds).most_common())

    def add_namesake(self, number: int, email: str) -> None:
        """Adds a contact whose name is this address: a search that includes names finds it too."""
        contact = {
            "type": "customer",
            "full_name": email,
            "email": f"{NAMESAKES}{number}@example.net",
            "company_id": DEFAULT_COMPANY_ID,
        }
        headers = {"X-API-Key": DEFAULT_API_KEY}
        direct("POST", f"{self._url}/contacts", json=contact, headers=headers).raise_for_status()


def direct(method: str, url: str, **more: Any) -> requests.Response:
    """One request on a connection of its own, never through a proxy."""
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, timeout=30, **more)
