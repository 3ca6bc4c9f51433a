"""The faults: a table of the failures that can be switched on, and one switch."""

import random
import threading
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

from local.clemta.answers import Json, Refusal
from local.clemta.settings import is_number, require

OPERATIONS = ("create", "search", "get", "update", "delete")
CODES = {401: "INVALID_API_KEY", 403: "ACCESS_DENIED", 404: "NOT_FOUND", 429: "RATE_LIMIT_EXCEEDED"}


class FaultKind(NamedTuple):
    """A row of FAULTS: whether the request takes effect, what the client sees, and the defaults."""

    takes_effect: bool
    answer: str
    seconds: float | None = None
    status: int | None = None

    @property
    def meaning(self) -> str:
        return f"{'done' if self.takes_effect else 'nothing done'}; {self.answer}"


FAULTS = {
    "status": FaultKind(False, "answers `status`, with Retry-After if `seconds` is given"),
    "rate_limited": FaultKind(False, "429 with Retry-After = `seconds`", seconds=60, status=429),
    "error_before": FaultKind(False, "500", status=500),
    "error_after": FaultKind(True, "500", status=500),
    "timeout_before": FaultKind(False, "silent for `seconds`, then closes", seconds=30),
    "timeout_after": FaultKind(True, "silent for `seconds`, then closes", seconds=30),
    "reset_before": FaultKind(False, "TCP reset"),
    "reset_after": FaultKind(True, "TCP reset"),
    "html": FaultKind(False, "200 with an HTML page"),
    "html_after": FaultKind(True, "200 with an HTML page"),
    "truncated": FaultKind(True, "half of the announced body, then closes"),
    "slow": FaultKind(True, "the body comes byte by byte over `seconds`", seconds=30),
    "slow_headers": FaultKind(True, "status line and headers come byte by byte over `seconds`", seconds=30),
    "redirect": FaultKind(False, "302 to another path"),
    "empty": FaultKind(True, "200 with an empty body"),
}


@dataclass
class Fault:
    """A fault switched on for the next `times` requests (None: until cleared), each with `probability`."""

    fault: str
    on: str = "any"
    times: int | None = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    status: int | None = None
    applied: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        require(isinstance(self.fault, str) and self.fault in FAULTS, f"fault: one of {', '.join(FAULTS)}")
        require(self.on in ("any", *OPERATIONS), f"on: any, {', '.join(OPERATIONS)}")
        require(self.times is None or is_number(self.times, int, 1), "times: a count from 1, or null")
        require(is_number(self.probability) and self.probability <= 1, "probability: from 0 to 1")
        require(is_number(self.seed, int), "seed: a whole number from 0")
        require(self.seconds is None or is_number(self.seconds), "seconds: a number from 0")
        if self.fault == "status":
            require(is_number(self.status, int) and self.status in range(400, 600), "status: 400 to 599")
        else:
            require(self.status is None, "status: only with the fault `status`")
        self.seconds = self.kind.seconds if self.seconds is None else self.seconds
        self.status = self.status or self.kind.status
        self.cleared, self._random = threading.Event(), random.Random(self.seed)

    @property
    def kind(self) -> FaultKind:
        return FAULTS[self.fault]

    def applies_to(self, operation: str) -> bool:
        """Decide whether this request is hit, and count it if so."""
        if self.on not in ("any", operation) or self.applied == self.times:
            return False
        hit = self._random.random() < self.probability
        self.applied += hit
        return hit

    def refusal(self, operation: str) -> Refusal | None:
        """The refusal that this fault answers with, under Clemta's code for the status; None if it has no status."""
        if self.status is None:
            return None
        code = "INTERNAL_ERROR" if self.status >= 500 else CODES.get(self.status, "INVALID_REQUEST")
        if self.status == 404 and operation in ("create", "search"):
            code = "COMPANY_NOT_FOUND"
        return Refusal(self.status, code, retry_after=self.seconds)

    def wait(self, seconds: float) -> None:
        """Wait this long, or until the fault is cleared."""
        self.cleared.wait(seconds)

    def report(self) -> Json:
        """The switch, the number of requests it hit, and the number it will still hit (None: no end)."""
        return asdict(self) | {"remaining": None if self.times is None else self.times - self.applied}
