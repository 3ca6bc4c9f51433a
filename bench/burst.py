"""A burst against Clemta's limit in virtual time: the product's own delivery, ledger, budget and client.

Nothing waits: a clock jumps from one event to the next, and only DynamoDB is asked for real. A call reaches Clemta up
to a second after it was booked, as a call does.
"""

import heapq
import itertools
import json
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests

from clemta_intake.clemta.client import Clemta
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings
from clemta_intake.dynamo.ledger import Ledger
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import Table
from clemta_intake.errors import Permanent, Retryable
from clemta_intake.model import Envelope, Lane, MappedSubmission, Place, Submission
from clemta_intake.retry import MAX_DELAY, RetryPolicy

COMPANY = "64b8f1a2e4b0c8d9f0123456"
FUNCTIONS = 8  # concurrent Lambdas, each with what it last saw of the budget
WINDOW = 60.0


class VirtualClemta:
    """Clemta's contacts and its limit, by a virtual clock; in the place of a `requests` session."""

    def __init__(self, clock: Callable[[], float], limit: int, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self.limit = limit
        self.contacts: dict[str, list[dict[str, Any]]] = {}  # by e-mail address
        self.arrivals: list[float] = []
        self.refusals = 0
        self._counted: deque[float] = deque()

    def request(self, method: str, url: str, **given: Any) -> requests.Response:
        """One call; refused with 429 over the limit."""
        at = self._clock() + self._chance.uniform(0, 0.9)
        self.arrivals.append(at)
        if not self._count(at):
            self.refusals += 1
            return self._answer(429, None, at)
        if method == "POST" and urlsplit(url).path == "/contacts":
            body = json.loads(given["data"])
            contact = {**body, "id": f"{len(self.arrivals):024x}", "created_at": int(at)}
            self.contacts.setdefault(contact["email"], []).append(contact)
            return self._answer(200, contact, at)
        found = self.contacts.get(given["params"]["search"], [])
        return self._answer(200, {"contacts": found, "total": len(found)}, at)

    def foreign(self) -> bool:
        """A call of somebody else's with the same key; False if it was refused."""
        return self._count(self._clock())

    def _count(self, at: float) -> bool:
        while self._counted and self._counted[0] <= at - WINDOW:
            self._counted.popleft()
        if len(self._counted) >= self.limit:
            return False
        self._counted.append(at)
        return True

    def _answer(self, status: int, data: dict[str, Any] | None, at: float) -> requests.Response:
        answer = requests.Response()
        answer.status_code = status
        answer._content = json.dumps({"success": data is not None, "data": data}).encode()
        answer.headers["X-RateLimit-Remaining"] = str(self.limit - len(self._counted))
        # Clemta's is of the wall clock; the product asks that clock how far away it is.
        answer.headers["X-RateLimit-Reset"] = str(round(time.time() + self._counted[0] + WINDOW - at))
        if status == 429:
            answer.headers["Retry-After"] = str(max(1, round(self._counted[0] + WINDOW - at)))
        return answer


@dataclass(frozen=True)
class Stream:
    """Sign-ups that come beside the burst, evenly from `start` on, in seconds after its begin."""

    lane: Lane
    signups: int
    start: float
    seconds: float


@dataclass
class Burst:
    """`signups` of forms in `seconds` against `limit` calls a minute, and `beside` them others.

    Another client makes `foreign` calls a minute; a message comes up to `jitter` seconds after its time, and in the
    seconds of `standstill` nobody takes any from the queue.
    """

    table: Table
    signups: int = 1_000
    seconds: float = 10.0
    limit: int = 100
    foreign: int = 0
    beside: Sequence[Stream] = ()
    jitter: float = 0.0
    standstill: tuple[float, float] = (0.0, 0.0)
    seed: int = 1
    now: float = 1_800_000_000.0
    parked: list[Envelope] = field(default_factory=list)
    visits: int = 0  # deliveries that were tried
    postponed: int = 0  # messages that came before their time and went back
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        chance = random.Random(self.seed)
        self.began = self.now
        self.served: dict[Lane, dict[float, float]] = {"proven": {}, "open": {}}  # from when to when it took
        self._chance = random.Random(self.seed)
        self._order = itertools.count()
        self._open = 0
        self.clemta = VirtualClemta(self._clock, self.limit, chance)
        self._functions = itertools.cycle([self._function(chance) for _ in range(FUNCTIONS)])
        for stream in (Stream("open", self.signups, 0, self.seconds), *self.beside):
            for number in range(stream.signups):
                at = self.now + stream.start + number * stream.seconds / stream.signups
                submission = Submission(f"s{self._open}", stream.lane, at, b"")
                self._open += 1
                self._at(at, partial(self._deliver, submission, None))
        if self.foreign:
            self._at(self.now, self._call_of_another)

    def run(self) -> "Burst":
        """Until every sign-up is a contact or parked."""
        while self._open:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self

    def retry(self, envelope: Envelope, delay: float) -> None:
        """The retry queue: whole seconds, as SQS has them."""
        at = self.now + min(MAX_DELAY, max(0, -(-delay // 1))) + self._chance.uniform(0, self.jitter)
        stands, goes_on = (self.began + moment for moment in self.standstill)
        if stands <= at < goes_on:
            at = goes_on + self._chance.uniform(0, self.jitter)
        self._at(at, partial(self._redeliver, envelope))

    def park(self, envelope: Envelope) -> None:
        """The dead-letter queue."""
        self.parked.append(envelope)
        self._open -= 1

    def hold(self, envelope: Envelope) -> None:
        """The held queue, of which a webhook's submission knows nothing."""
        raise AssertionError(envelope.failure.code)

    @property
    def peak(self) -> int:
        """The most calls of ours in any 60 s."""
        most, window = 0, deque[float]()
        for at in sorted(self.clemta.arrivals):
            window.append(at)
            while window[0] <= at - WINDOW:
                window.popleft()
            most = max(most, len(window))
        return most

    @property
    def pace(self) -> float:
        """How fast it was done, of what the limit allows: two calls a sign-up."""
        signups = sum(map(len, self.served.values()))
        return 2 * signups / self.limit * 60 / (self.now - self.began)

    def waits(self, lane: Lane) -> list[float]:
        """Seconds from each sign-up to its contact, as they came."""
        return [done - came for came, done in sorted(self.served[lane].items())]

    def over_fifo(self, lane: Lane) -> float:
        """The p99 of waiting, by that of the same calls first in, first out."""
        came, done = sorted(self.served[lane]), sorted(self.served[lane].values())
        in_order = [end - begin for begin, end in zip(came, done, strict=True)]
        return p99(self.waits(lane)) / p99(in_order)

    def _function(self, chance: random.Random) -> Delivery:
        client = Clemta("http://clemta", lambda _: "key", RateLimit(self.table, self.limit, self._clock))
        client._session = self.clemta  # type: ignore[assignment]
        return Delivery(
            client,
            Ledger(self.table, lambda: "pepper", 30, self._clock),
            self,
            DeliverySettings(search_lag=30, recheck=300, retry=RetryPolicy(jitter=chance.uniform)),
            self._clock,
        )

    def _clock(self) -> float:
        return self.now

    def _at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def _deliver(self, submission: Submission, earlier: Envelope | None) -> None:
        self.visits += 1
        function = next(self._functions)
        email = f"{submission.submission_id}@example.com"
        contact = ContactRequest(type="customer", full_name="Ada Example", email=email, company_id=COMPANY)
        try:
            lane: Lane = "proven" if submission.source == "proven" else "open"
            place = earlier.place(lane) if earlier else Place(lane)
            received_at = submission.received_at
            reading = MappedSubmission(contact, submission.submission_id, received_at, received_at)
            function.deliver(reading, "skip", Deadline.after(60), place)
            self.served[lane][received_at] = self.now
            self._open -= 1
        except (Retryable, Permanent) as error:
            function.requeue_or_park(submission, error, earlier)

    def _redeliver(self, envelope: Envelope) -> None:
        if next(self._functions).postpone(envelope):
            self.postponed += 1
        else:
            self._deliver(envelope.submission, envelope)

    def _call_of_another(self) -> None:
        self.clemta.foreign()
        self._at(self.now + 60 / self.foreign, self._call_of_another)


def p99(waits: Sequence[float]) -> float:
    """What 99 of 100 waited at most."""
    return sorted(waits)[len(waits) * 99 // 100]
