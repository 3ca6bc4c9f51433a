"""The time that a request may take."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import NotApplied

ANSWER_SECONDS = 4.0  # P7: a sender waits at most so long; a source may set less (`answer_seconds`)
RESERVE_SECONDS = 1.4  # part of ANSWER_SECONDS: to send the submission to a queue, in two tries if needed
_RETURN_SECONDS = 0.1  # part of ANSWER_SECONDS: to return the answer
RESERVE_SECONDS_EACH = 0.02  # in addition to RESERVE_SECONDS, for each further submission of the same request
WORTHWHILE_SECONDS = 0.3  # no slow call starts with less time left
NO_TIME_LEFT = "no_time_left"  # the code of the error
_GATEWAY_SECONDS = 29  # API Gateway's timeout: a request that seems older is a replayed event


def reserve(answer_seconds: float) -> float:
    """The part of `answer_seconds` that is kept for the queue: the same share as RESERVE_SECONDS of ANSWER_SECONDS."""
    return RESERVE_SECONDS * answer_seconds / ANSWER_SECONDS


class Deadline(NamedTuple):
    """A moment on the monotonic clock."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def of_request(
        cls, event: Mapping[str, Any], answer_seconds: float = ANSWER_SECONDS, *, sam_local: bool = False
    ) -> "Deadline":
        """The deadline for the sender's answer. It counts from API Gateway's receipt, so it includes a cold start.

        `sam local start-api` gives each request the time at which samcli started (samcli, api_event.py): ignored.
        """
        if sam_local:
            return cls.after(answer_seconds - _RETURN_SECONDS)
        started = (event.get("requestContext") or {}).get("requestTimeEpoch")
        elapsed = time.time() - started / 1000 if isinstance(started, int | float) else 0.0
        return cls.after(
            answer_seconds - _RETURN_SECONDS - (elapsed if 0 < elapsed < _GATEWAY_SECONDS else 0.0)
        )

    def earlier(self, seconds: float) -> "Deadline":
        """The deadline that many seconds before this one."""
        return Deadline(self.at - seconds)

    def check(self) -> float:
        """Seconds left; raises NotApplied if too few are left to start a call."""
        remaining = self.remaining()
        if remaining < WORTHWHILE_SECONDS:
            raise NotApplied(NO_TIME_LEFT)
        return remaining

    def remaining(self) -> float:
        """Seconds left; negative after the deadline."""
        return self.at - time.monotonic()
