"""The retry rule: when a submission is tried again, and when it is given up. Pure."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from .errors import Deferred, Permanent, Retryable
from .model import Envelope, Failure, Submission

MAX_DELAY = 900  # seconds; SQS delays a message no longer
_MAX_MESSAGE = 500  # characters of a failure's message
_MAX_DOUBLINGS = 20  # 2**20 is beyond every MAX_DELAY, and a large attempt makes no huge number


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Times in seconds. `jitter(low, high)` returns a random number between the two."""

    base_delay: float = 30
    give_up_after: float = 72 * 3600  # since the first failure
    max_delay: float = MAX_DELAY
    max_wait: float = 14 * 86_400  # in queues altogether, deferrals included
    jitter: Callable[[float, float], float] = random.uniform

    def backoff(self, attempt: int) -> float:
        """The longest delay after this attempt: doubles each time."""
        return min(self.max_delay, self.base_delay * 2.0 ** min(max(attempt, 1) - 1, _MAX_DOUBLINGS))


@dataclass(frozen=True, slots=True)
class Requeue:
    """Try again after `delay` seconds."""

    envelope: Envelope
    delay: float


@dataclass(frozen=True, slots=True)
class Park:
    """Park the submission: it needs a person."""

    envelope: Envelope


def decide(
    policy: RetryPolicy,
    submission: Submission,
    earlier: Envelope | None,
    error: Retryable | Permanent,
    now: float,
) -> Requeue | Park:
    """What becomes of a submission that could not be delivered; `earlier` is its envelope if it was queued before."""
    attempt = earlier.attempt if earlier else 0
    # A submission that was only deferred so far fails for the first time now.
    first_failure_at = earlier.first_failure_at if earlier and attempt else now
    waiting_since = (earlier.waiting_since if earlier else 0) or now
    failure = Failure(error.failure_class, error.status, error.code, str(error)[:_MAX_MESSAGE])
    if not isinstance(error, Deferred):  # a deferral is no failure
        attempt += 1
    if isinstance(error, Permanent) or _is_over(policy, error, now - first_failure_at, now - waiting_since):
        return Park(Envelope(submission, attempt, first_failure_at, failure))
    # Slots are unique and need no jitter; every other delay gets jitter.
    jitter = 0 if error.slot else policy.jitter(0, policy.backoff(attempt))
    return Requeue(
        Envelope(
            submission,
            attempt,
            first_failure_at,
            failure,
            not_before=min(now + error.retry_after, waiting_since + policy.max_wait),
            slot=error.slot or (earlier.slot if earlier else ""),
            waiting_since=waiting_since,
        ),
        error.retry_after + jitter,
    )


def _is_over(policy: RetryPolicy, error: Retryable, failing: float, waiting: float) -> bool:
    """Whether it failed, or waited, for too many seconds."""
    if waiting >= policy.max_wait:
        return True
    return not isinstance(error, Deferred) and failing >= policy.give_up_after
