"""An import against Clemta's limit in virtual time: the operator's own code, ledger, rate limit and client."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any, cast

from bench.burst import COMPANY
from bench.in_process_dynamodb import InProcessDynamoDB
from bench.virtual_clemta import WINDOW, VirtualClemta
from clemta_intake.clemta.client import Clemta
from clemta_intake.delivery import Delivery, DeliverySettings, Neighbours
from clemta_intake.dynamo.claim_items import ClaimItems
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import Table
from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.model import Envelope, Submission
from clemta_intake.retry import RetryPolicy
from clemta_intake.sources.config import Form, to_source
from ops.row_delivery import RowDelivery

CALL_SECONDS = 0.2  # of one call to Clemta


@dataclass
class Import:
    """`rows` people, into a company that has `known` other contacts; `before_call` may change Clemta meanwhile.

    It has what RowDelivery needs of the dependencies.
    """

    rows: int = 1_000
    known: int = 0
    limit: int = 100
    before_call: Callable[[VirtualClemta, HttpRequest], None] = lambda *_: None
    source: Mapping[str, Any] = field(default_factory=lambda: {"kind": "form"})
    body: Callable[[int], dict[str, str]] = lambda _: {}
    """What a row has besides its name and e-mail."""
    now: float = 1_800_000_000.0
    outcomes: Counter[str] = field(default_factory=Counter)
    created: list[float] = field(default_factory=list)
    queued: list[Envelope] = field(default_factory=list)
    parked: list[Envelope] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.virtual = VirtualClemta(self.clock, self.limit, Random(1))
        for number in range(self.known):
            self.virtual.add(f"known{number}@example.com", self.now - 1_000_000 + number)

    def clock(self) -> float:
        return self.now

    def run(self) -> "Import":
        """Delivers all rows, one after the other."""
        source = cast(Form, to_source("website", self.source, COMPANY))
        delivery = RowDelivery(cast(Any, self), source, self.rows, self._sleep)
        self.began = self.now
        for number in range(self.rows):
            row = {"name": "Ada Example", "email": f"row{number}@example.com", **self.body(number)}
            body = json.dumps(row).encode()
            outcome = delivery.deliver(Submission(f"r{number}", "website", 0, body, "application/json"))
            self.outcomes[outcome] += 1
            if outcome == "created":
                self.created.append(self.now)
        return self

    def send(self, request: HttpRequest, *_: float) -> HttpResponse:
        """The transport: one call."""
        self.before_call(self.virtual, request)
        self.now += CALL_SECONDS
        return self.virtual.send(request)

    @property
    def pace(self) -> float:
        """Contacts created in a minute, after the first minute: it may use the whole limit at once."""
        later = [at for at in self.created if at >= self.began + WINDOW]
        return 60 * len(later) / (later[-1] - self.began - WINDOW)

    @property
    def duplicates(self) -> int:
        """Contacts beyond one for each person."""
        return sum(len(of_one) - 1 for of_one in self.virtual.contacts.values())

    @cached_property
    def clemta(self) -> Clemta:
        return Clemta("http://clemta", lambda _: "key", self.rate_limit, self)

    @cached_property
    def rate_limit(self) -> RateLimit:
        return RateLimit(self._table, self.limit, self.clock)

    @cached_property
    def delivery(self) -> Delivery:
        return Delivery(
            Neighbours(self.clemta, Ledger(ClaimItems(self._table), lambda: "pepper", 30, self.clock), self),
            DeliverySettings(search_lag=30, recheck=300, retry=RetryPolicy()),
            self.clock,
        )

    def retry(self, envelope: Envelope, _: float) -> None:
        """The retry queue."""
        self.queued.append(envelope)

    def park(self, envelope: Envelope) -> None:
        """The dead-letter queue."""
        self.parked.append(envelope)

    hold = cast(Any, None)  # nothing is held here

    @cached_property
    def _table(self) -> Table:
        client = InProcessDynamoDB()
        return Table(lambda: cast(Any, client), "ledger")

    def _sleep(self, seconds: float) -> None:
        self.now += seconds


def by_hand(rows: int, people: int, seed: int) -> tuple[int, int]:
    """So many `people` of the file are also added in Clemta by hand while they wait: how many were, and became two."""
    random = Random(seed)
    calls = sorted(random.sample(range(rows), people))
    added = 0

    def add(clemta: VirtualClemta, _: HttpRequest) -> None:
        nonlocal added
        waiting = [email for email in every if email not in clemta.contacts]
        if waiting and calls and len(clemta.arrivals) >= calls[0]:
            del calls[0]
            clemta.add(random.choice(waiting), run.now)
            added += 1

    every = [f"row{number}@example.com" for number in range(rows)]
    run = Import(rows, before_call=add)
    run.run()
    return added, run.duplicates


def pace(rows: int, known: int) -> dict[str, Any]:
    """The figures of one import."""
    run = Import(rows, known).run()
    return {
        "rows": rows,
        "contacts_before": known,
        "rows_a_minute": round(run.pace, 1),
        "calls_a_row": round(len(run.virtual.arrivals) / rows, 3),
        "calls_refused": run.virtual.refusals,
        "duplicates": run.duplicates,
    }


def imports() -> dict[str, Any]:
    """Imports of several sizes; and how often a contact becomes two if somebody adds it by hand while it waits."""
    added, became_two = map(sum, zip(*[by_hand(1_000, 20, seed) for seed in range(10)], strict=True))
    return {
        "paces": [pace(rows, known) for rows, known in ((1_000, 0), (1_000, 5_000), (10_000, 5_000))],
        "added_by_hand": added,
        "became_two": became_two,
    }
