"""How much time a request has."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import NotApplied

ANSWER_SECONDS = 4.0  # P7: the longest that a sender waits; a source may set less (`answer_seconds`)
RESERVE_SECONDS = 1.4  # of it kept for sending the submission to a queue, in two tries if needed
_RETURN_SECONDS = 0.1  # of it kept for returning the answer
RESERVE_SECONDS_EACH = 0.02  # kept in addition for each further submission of the same request
WORTHWHILE_SECONDS = 0.3  # with less left no slow call is started
_GATEWAY_SECONDS = 29  # API Gateway times out then: a request that seems older is a replayed event


def reserve(answer_seconds: float) -> float:
    """The seconds of `answer_seconds` that are kept for the queue: the same share as of the full time."""
    return RESERVE_SECONDS * answer_seconds / ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The moment that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_request(
        cls, event: Mapping[str, Any], answer_seconds: float = ANSWER_SECONDS, *, sam_local: bool = False
    ) -> "Deadline":
        """When the sender must have its answer, counted from API Gateway, so a cold start is included.

        `sam local start-api` gives each request the time of its own start (samcli, api_event.py): that time is ignored.
        """
        if sam_local:
            return cls.after(answer_seconds - _RETURN_SECONDS)
        started = (event.get("requestContext") or {}).get("requestTimeEpoch")
        elapsed = time.time() - started / 1000 if isinstance(started, int | float) else 0.0
        return cls.after(
            answer_seconds - _RETURN_SECONDS - (elapsed if 0 < elapsed < _GATEWAY_SECONDS else 0.0)
        )

    def earlier(self, seconds: float) -> "Deadline":
        """The moment that many seconds before this one."""
        return Deadline(self.at - seconds)

    def check(self) -> float:
        """Seconds left; raises NotApplied if they are too few to start a call."""
        remaining = self.remaining()
        if remaining < WORTHWHILE_SECONDS:
            raise NotApplied("no_time_left")
        return remaining

    def remaining(self) -> float:
        """Seconds left; negative when it is past."""
        return self.at - time.monotonic()
