"""The senders: a website's form and two webhooks, which repeat a sign-up until it is acknowledged."""

import hmac
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import requests

from bench.chaos.clemta import direct

SENDERS = 6
MAX_TRIES = 30  # of one sign-up: after a 503, and when no answer comes
PAUSE_SECONDS = 0.2  # before the next try: all tries at once would end while a function starts
WEBHOOK_SECRET = "local-crm-secret"  # noqa: S105 - the local stack's
PROFILE_SOURCE = """
[sources.profile]
kind = "webhook"
auth = { scheme = "hmac", header = "x-signature", encoding = "hex", prefix = "sha256=", secret = "crm" }
on_existing = "update"
allow_overwrite = true
delivery_id = "body.id"
event_time = "body.at"
[sources.profile.contact]
full_name = "body.name"
email = "body.email"
[sources.profile.defaults]
description = "Signed up through {source}"
"""
"""The project's own sources have none that updates contacts from a webhook."""

type Source = Literal["website", "crm", "profile"]


@dataclass(frozen=True)
class SignUp:
    """One report of a person; `version` counts the events of source `profile`."""

    email: str
    source: Source
    version: int = 0

    @property
    def full_name(self) -> str:
        """A profile's name says which version it is."""
        return f"Ada Version {self.version}" if self.source == "profile" else "Ada Example"


@dataclass
class Answers:
    """Every answer that the senders received, with its latency."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)  # e-mail addresses, in lower case
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: str, seconds: float) -> None:
        """Counts one answer."""
        with self._lock:
            self.statuses[status] += 1
            self.seconds.append(seconds)

    def acknowledge(self, email: str) -> None:
        """A sender will not send this person's sign-up again."""
        with self._lock:
            self.acknowledged.add(email.lower())

    def summary(self) -> dict[str, Any]:
        """The statuses, and the percentiles of latency in seconds."""
        return {
            "answers": dict(self.statuses.most_common()),
            "p50": round(statistics.median(self.seconds), 2),
            "p99": round(percentile(self.seconds, 0.99), 2),
        }


class Senders:
    """Posts sign-ups to the deployed stack."""

    def __init__(self, api_url: str) -> None:
        self._api_url = api_url
        self._first_event = int(time.time()) - 1_000  # every event is older than its request

    def post(self, sign_up: SignUp) -> requests.Response:
        """One request, signed where the source needs it."""
        body, headers = self._form(sign_up) if sign_up.source == "website" else self._webhook(sign_up)
        return direct("POST", f"{self._api_url}/signups/{sign_up.source}", data=body, headers=headers)

    def deliver(self, sign_up: SignUp, answers: Answers) -> None:
        """Repeats the request until it is acknowledged, as a sender does."""
        for number in range(MAX_TRIES):
            time.sleep(PAUSE_SECONDS if number else 0)
            began = time.monotonic()
            try:
                answer = self.post(sign_up)
            except requests.RequestException as error:
                answers.add(type(error).__name__, time.monotonic() - began)
                continue
            answers.add(status_of(answer), time.monotonic() - began)
            if answer.status_code == 200:
                answers.acknowledge(sign_up.email)
                return

    def deliver_all(
        self, sign_ups: Iterable[SignUp], answers: Answers, on_delivered: Callable[[], None]
    ) -> None:
        """Delivers in the given order, several at a time."""

        def deliver(sign_up: SignUp) -> None:
            self.deliver(sign_up, answers)
            on_delivered()

        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(deliver, sign_ups))

    def _form(self, sign_up: SignUp) -> tuple[bytes, dict[str, str]]:
        return urlencode(_person(sign_up)).encode(), {"Content-Type": "application/x-www-form-urlencoded"}

    def _webhook(self, sign_up: SignUp) -> tuple[bytes, dict[str, str]]:
        event: dict[str, Any] = {"event": "lead.created", **_person(sign_up)}
        if sign_up.source == "profile":
            event = {
                "id": f"{sign_up.email}/{sign_up.version}",
                "at": self._first_event + sign_up.version,
                "name": sign_up.full_name,
                "email": sign_up.email,
            }
        body = json.dumps(event).encode()
        signature = "sha256=" + hmac.digest(WEBHOOK_SECRET.encode(), body, "sha256").hex()
        headers = {"Content-Type": "application/json", "X-Signature": signature, "X-Delivery": sign_up.email}
        return body, headers


def _person(sign_up: SignUp) -> dict[str, str]:
    first, _, last = sign_up.full_name.partition(" ")
    return {"first": first, "last": last, "full_name": sign_up.full_name, "email": sign_up.email}


def status_of(answer: requests.Response) -> str:
    """What became of the sign-up, or the HTTP status of a refusal."""
    return str(answer.json()["status"] if answer.status_code == 200 else answer.status_code)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at most this share of the values exceeds."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
