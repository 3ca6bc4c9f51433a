"""How long there is."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import NotApplied

ANSWER_SECONDS = 4.0  # P7: what a sender waits at most; less where its source says so (`answer_seconds`)
RESERVE_SECONDS = 1.4  # of it kept for putting the submission on a queue, in two tries if need be
_RETURN_SECONDS = 0.1  # and for the answer's way back
RESERVE_SECONDS_EACH = 0.02  # and for each further one of the same request
WORTHWHILE_SECONDS = 0.3  # with less left nothing is begun that may take its time
_GATEWAY_SECONDS = 29  # API Gateway gives up then: a request that claims to be older is a replayed event


def reserve(answer_seconds: float) -> float:
    """The same share of a shorter time."""
    return RESERVE_SECONDS * answer_seconds / ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """So many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_request(
        cls, event: Mapping[str, Any], answer_seconds: float = ANSWER_SECONDS, *, sam_local: bool = False
    ) -> "Deadline":
        """When the request's sender must have its answer; the clock started at API Gateway, before any cold start.

        `sam local start-api` gives every request the time of its own start (samcli, api_event.py): it is ignored.
        """
        if sam_local:
            return cls.after(answer_seconds - _RETURN_SECONDS)
        started = (event.get("requestContext") or {}).get("requestTimeEpoch")
        elapsed = time.time() - started / 1000 if isinstance(started, int | float) else 0.0
        return cls.after(
            answer_seconds - _RETURN_SECONDS - (elapsed if 0 < elapsed < _GATEWAY_SECONDS else 0.0)
        )

    def earlier(self, seconds: float) -> "Deadline":
        """So many seconds before this one."""
        return Deadline(self.at - seconds)

    def check(self) -> float:
        """Seconds left; Retryable where they are too few to begin anything."""
        remaining = self.remaining()
        if remaining < WORTHWHILE_SECONDS:
            raise NotApplied("no_time_left")
        return remaining

    def remaining(self) -> float:
        """Seconds left; negative when it is past."""
        return self.at - time.monotonic()
