"""A burst against Clemta's limit in virtual time: the product's own delivery, ledger, rate limit and client.

Nothing waits: the clock jumps from one event to the next, and only DynamoDB is called for real. As in reality, a call
reaches Clemta up to a second after its slot was reserved.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

from bench.virtual_clemta import WINDOW, VirtualClemta
from clemta_intake.clemta.client import Clemta
from clemta_intake.contact_lists import ContactLists, ListSettings
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings, Neighbours
from clemta_intake.dynamo.claim_items import ClaimItems
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.dynamo.list_states import ListStates
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import Table
from clemta_intake.errors import Permanent, Retryable
from clemta_intake.model import Envelope, Lane, MappedSubmission, Place, Submission
from clemta_intake.retry import MAX_DELAY, RetryPolicy

COMPANY = "64b8f1a2e4b0c8d9f0123456"
FUNCTIONS = 8  # concurrent Lambdas, each with its own copy of the rate limit's state


@dataclass(frozen=True)
class Stream:
    """Sign-ups besides the burst, spread evenly over `seconds`; `start` is in seconds after the burst's start."""

    lane: Lane
    signups: int
    start: float
    seconds: float


@dataclass
class Burst:
    """`signups` of forms in `seconds` against `limit` calls a minute, and the other `streams`.

    Another client makes `other_calls` a minute. A message is received up to `jitter` seconds after it is due; between
    the two moments of `paused`, in seconds after the start, no message is received. Somebody adds so many of those who
    wait in Clemta `by_hand`, one each second; search and list show a contact after `lag` seconds.
    """

    table: Table
    signups: int = 1_000
    seconds: float = 10.0
    limit: int = 100
    other_calls: int = 0
    streams: Sequence[Stream] = ()
    jitter: float = 0.0
    list_seconds: float = 0.0
    by_hand: int = 0
    lag: float = 0.0
    paused: tuple[float, float] = (0.0, 0.0)
    seed: int = 1
    now: float = 1_800_000_000.0
    parked: list[Envelope] = field(default_factory=list)
    attempts: int = 0  # to deliver
    postponed: int = 0  # messages received before their slot, and sent back
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.seed)
        self.began = self.now
        # When each sign-up became a contact, by when it arrived.
        self.served: dict[Lane, dict[float, float]] = {"proven": {}, "open": {}}
        self._random = Random(self.seed)
        self._order = itertools.count()
        self._open = 0
        self.clemta = VirtualClemta(self._clock, self.limit, random)
        self._functions = itertools.cycle([self._function(random) for _ in range(FUNCTIONS)])
        for stream in (Stream("open", self.signups, 0, self.seconds), *self.streams):
            for number in range(stream.signups):
                at = self.now + stream.start + number * stream.seconds / stream.signups
                submission = Submission(f"s{self._open}", stream.lane, at, b"")
                self._open += 1
                self._at(at, partial(self._deliver, submission, None))
        if self.other_calls:
            self._at(self.now, self._call_by_other_client)
        self.clemta.lag = self.lag
        self._waiting: set[str] = set()  # e-mail addresses of submissions in the queue
        self.added = 0  # by hand
        if self.by_hand:
            self._at(self.now + self.seconds, self._add_by_hand)

    def run(self) -> "Burst":
        """Runs until every sign-up is a contact or parked."""
        while self._open:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self

    def retry(self, envelope: Envelope, delay: float) -> None:
        """The retry queue; its delays are whole seconds, as in SQS."""
        at = self.now + min(MAX_DELAY, max(0, -(-delay // 1))) + self._random.uniform(0, self.jitter)
        pause, resume = (self.began + moment for moment in self.paused)
        if pause <= at < resume:
            at = resume + self._random.uniform(0, self.jitter)
        self._at(at, partial(self._redeliver, envelope))

    def park(self, envelope: Envelope) -> None:
        """The dead-letter queue."""
        self.parked.append(envelope)
        self._open -= 1

    def hold(self, envelope: Envelope) -> None:
        """The held queue: only a form's spam rules send anything there."""
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
        """The rate of sign-ups, divided by what the limit allows at two calls each."""
        signups = sum(map(len, self.served.values()))
        return 2 * signups / self.limit * 60 / (self.now - self.began)

    def waits(self, lane: Lane) -> list[float]:
        """Seconds from each sign-up to its contact, in order of arrival."""
        return [created - arrived for arrived, created in sorted(self.served[lane].items())]

    def over_fifo(self, lane: Lane) -> float:
        """The p99 of waiting, divided by the p99 if the same calls served first in, first out."""
        arrived, created = sorted(self.served[lane]), sorted(self.served[lane].values())
        in_order = [end - start for start, end in zip(arrived, created, strict=True)]
        return p99(self.waits(lane)) / p99(in_order)

    def _function(self, random: Random) -> Delivery:
        rate_limit = RateLimit(self.table, self.limit, self._clock)
        client = Clemta("http://clemta", lambda _: "key", rate_limit, self.clemta)
        ledger = Ledger(ClaimItems(self.table), lambda: "pepper", 30, self._clock)
        lists = None
        if self.list_seconds:
            states, settings = ListStates(self.table, lambda: "pepper"), ListSettings(self.list_seconds, 30)
            lists = ContactLists(client, ledger, states, settings, self._clock)
        return Delivery(
            Neighbours(client, ledger, self, lists),
            DeliverySettings(search_lag=30, recheck=300, retry=RetryPolicy(jitter=random.uniform)),
            self._clock,
        )

    def _clock(self) -> float:
        return self.now

    def _at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def _deliver(self, submission: Submission, earlier: Envelope | None) -> None:
        self.attempts += 1
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
            self._waiting.discard(email)
            self._open -= 1
        except (Retryable, Permanent) as error:
            self._waiting.add(email)
            function.requeue_or_park(submission, error, earlier)

    def _redeliver(self, envelope: Envelope) -> None:
        if next(self._functions).postpone(envelope):
            self.postponed += 1
        else:
            self._deliver(envelope.submission, envelope)

    def _add_by_hand(self) -> None:
        if self._waiting and self.added < self.by_hand:
            email = self._random.choice(sorted(self._waiting))
            if email not in self.clemta.contacts:
                self.clemta.add(email, self.now)
                self.added += 1
            self._at(self.now + 1, self._add_by_hand)

    def _call_by_other_client(self) -> None:
        self.clemta.call_by_other_client()
        self._at(self.now + 60 / self.other_calls, self._call_by_other_client)


def p99(waits: Sequence[float]) -> float:
    """The wait that 99 of 100 do not exceed."""
    return sorted(waits)[len(waits) * 99 // 100]
