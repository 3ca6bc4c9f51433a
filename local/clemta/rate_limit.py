"""The rate limit: at most `rate_limit` requests of a key in any `rate_window` seconds."""

import math
import time
from collections import defaultdict, deque

from local.clemta.answers import Refusal
from local.clemta.settings import Settings


class RateLimit:
    """A sliding window of requests for each key. Its caller holds a lock."""

    def __init__(self) -> None:
        self.peak = 0  # the most requests that a key made in any window, refused ones included
        self._attempts: defaultdict[str, deque[float]] = defaultdict(deque)
        self._counted: defaultdict[str, deque[float]] = defaultdict(deque)

    def check(self, key: str, settings: Settings) -> None:
        """Note an attempt; Refusal if the key has no request left in this window."""
        now = time.monotonic()
        attempts = _slide(self._attempts[key], settings)
        attempts.append(now)
        self.peak = max(self.peak, len(attempts))
        counted = _slide(self._counted[key], settings)
        if len(counted) >= settings.rate_limit:
            wait = max(1, counted[0] + settings.rate_window - now)
            raise Refusal(429, "RATE_LIMIT_EXCEEDED", retry_after=wait)

    def count(self, key: str) -> None:
        """Count a request; its caller does not count a refused one, or a client that keeps asking stays refused."""
        self._counted[key].append(time.monotonic())

    def headers(self, key: str | None, refusal: Refusal | None, settings: Settings) -> dict[str, str]:
        """The headers of every answer: what the key has left, and when to try again."""
        limit, window = settings.rate_limit, settings.rate_window
        counted = _slide(self._counted.get(key or "", deque()), settings)
        remaining = max(0, limit - len(counted))
        free_in = counted[0] + window - time.monotonic() if counted else window
        retry: dict[str, str] = {}
        if refusal is not None and refusal.retry_after is not None:
            free_in = math.ceil(refusal.retry_after)
            retry = {"Retry-After": str(free_in)}
        return retry | {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": "0" if refusal and refusal.status == 429 else str(remaining),
            "X-RateLimit-Reset": str(math.ceil(time.time() + free_in)),
            "X-RateLimit-API": f"{limit} requests per {'minute' if window == 60 else f'{window:g} seconds'}",
            "X-RateLimit-Type": "api_key",
        }


def _slide(times: deque[float], settings: Settings) -> deque[float]:
    start = time.monotonic() - settings.rate_window
    while times and times[0] <= start:
        times.popleft()
    return times
