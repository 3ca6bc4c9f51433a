"""The page's data and actions, on the deployed stack."""

import json
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import Request

from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake.errors import IntakeError
from local.clients import DIRECT
from local.processes import ROOT
from local.stack import Deployed
from ops import dead_letters, posts
from ops.environments import Environment, StackLocation
from ops.errors import OpsError

from .history import Journal, Json, waiting

# Clemta's simulated states -> the stand-in's fault for each; a state lasts until another one is chosen.
SIMULATED_STATES: dict[str, dict[str, Any] | None] = {
    "up": None,
    "down": {"fault": "error_before"},
    "slow": {"fault": "slow_headers", "seconds": 20},
    "limited": {"fault": "rate_limited", "seconds": 20},
    "refuses": {"fault": "status", "status": 401},
    "lossy": {"fault": "reset_after", "on": "create"},
}
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

    def forget_stack(self) -> None:
        """Reads stack and sources file again for the next request."""
        with self._lock:
            self._known = None

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
