"""The console of the local stack: the operator's page, and switches for Clemta's faults, a form and signed samples."""

import json
import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import Request

from local.clients import DIRECT
from local.processes import ROOT
from local.stack import Deployed
from ops import posts
from ops.console.desk import Action, Desk
from ops.console.history import Json
from ops.environments import Environment, StackLocation

# Clemta's simulated states -> the stand-in's fault for each; a state lasts until another one is chosen.
SIMULATED_STATES: dict[str, dict[str, Any] | None] = {
    "up": None,
    "down": {"fault": "error_before"},
    "slow": {"fault": "slow_headers", "seconds": 20},
    "limited": {"fault": "rate_limited", "seconds": 20},
    "refuses": {"fault": "status", "status": 401},
    "lossy": {"fault": "reset_after", "on": "create"},
}


class Console:
    """The stack that stack.json names."""

    def __init__(self, stack_file: Path) -> None:
        self._stack_file = stack_file
        self._lock = threading.Lock()
        self._known: LocalDesk | None = None

    @property
    def stack(self) -> "LocalDesk":
        """The running stack; a new object after each deployment."""
        deployed = Deployed(**json.loads(self._stack_file.read_text()))
        with self._lock:
            if self._known is None or self._known.deployed != deployed:
                self._known = LocalDesk(deployed, self._stack_file.with_name("sources.toml"))
            return self._known


class LocalDesk(Desk):
    """The operator's page of a local stack, with its switches."""

    def __init__(self, deployed: Deployed, sources_file: Path) -> None:
        location = StackLocation(
            deployed.stack_name, deployed.region, deployed.aws_endpoint_url, deployed.api_url
        )
        super().__init__(Environment(location, sources_file))
        self.deployed = deployed

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        return {
            **super().actions,
            "/fault": lambda given: self.simulate(given["simulated_state"]),
            "/send": lambda given: self.send(given["source"], fresh=bool(given.get("fresh"))),
        }

    def origins(self) -> list[str]:
        """The API's: the page posts its form there, as a website does."""
        address = urlsplit(self.deployed.api_url)
        return [f"{address.scheme}://{address.netloc}"]

    def state(self) -> Json:
        """The operator's data, Clemta's simulated state and its contacts."""
        found: Json = {
            "clemta_url": self.deployed.clemta_url,
            "stand_in": self._stand_in,
            "clemta": "",
            "contacts": [],
            "senders": self.senders,
            **super().state(),
        }
        if self._stand_in:
            found["contacts"] = call(f"{self.deployed.clemta_url}/_stand-in/contacts")["contacts"]
            active = call(f"{self.deployed.clemta_url}/_stand-in/faults")["faults"]
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

    @property
    def senders(self) -> list[str]:
        """The sources that have a sample to send."""
        return sorted(self._samples)

    @property
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
