"""In-memory neighbours of the business rule: they behave as the real ones do, and remember what was asked of them."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from clemta_intake.captcha import Verdict
from clemta_intake.clemta.protocol import is_contact, search_term
from clemta_intake.contact_events import ContactEvents
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings, Neighbours
from clemta_intake.dynamo.claim_states import STATES, Guard, Transition, Value
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.dynamo.table import ConditionFailed
from clemta_intake.errors import ContactGone, RateLimited, TakenForSpam, Unavailable, UnknownSource
from clemta_intake.model import Claim, Envelope, ListState, MappedSubmission, Place, Submission
from clemta_intake.queue_message import NewerVersion, decode_envelope, encode_envelope
from clemta_intake.retry import RetryPolicy
from clemta_intake.sources.config import Form, Webhook, to_source
from local.clemta.search import search_matcher

COMPANY = "64b8f1a2e4b0c8d9f0123456"


@dataclass
class Clock:
    """Unix seconds that pass when told to."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True)
class Search:
    """What Clemta takes `search` for. Its documentation does not say, so each way is tried."""

    pattern: str = "text"
    case_sensitive: bool = False
    names: bool = True

    def finds(self, term: str, entry: Mapping[str, Any]) -> bool:
        holds = search_matcher(term, self.pattern, self.case_sensitive)
        texts = [entry["email"], entry["full_name"]] if self.names else [entry["email"]]
        return any(holds(text if self.case_sensitive else text.casefold()) for text in texts)


SEARCHES = {
    "text, any case, names too": Search(),
    "e-mails only": Search(names=False),
    "case-sensitive": Search(case_sensitive=True),
    "a regular expression": Search("regex"),
    "a LIKE pattern": Search("like"),
    "all at once": Search("regex", case_sensitive=True),
}


@dataclass
class FakeClemta:
    """Clemta's contacts, and the calls in order; `fail` lets the next call of a name fail, maybe after its effect."""

    clock: Clock
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    search: Search = field(default_factory=Search)
    served: list[Place] = field(default_factory=list)
    _failures: dict[str, tuple[Exception, bool]] = field(default_factory=dict)
    made: int = 0
    page_size: int = 100
    ordered: bool = True

    def set_place(self, place: Place) -> None:
        self.served.append(place)

    def fail(self, call: str, error: Exception, *, after: bool = False) -> None:
        self._failures[call] = (error, after)

    def create(self, contact: ContactRequest, deadline: Deadline) -> str:
        with self._call("create"):
            self.made += 1
            contact_id = f"{self.made:024x}"
            self.stored[contact_id] = {**contact.body(), "id": contact_id, "created_at": int(self.clock.now)}
            return contact_id

    def find(self, contact: ContactRequest, deadline: Deadline) -> list[dict[str, Any]]:
        with self._call("find"):
            term, company = self.term(contact), contact.company_id
            theirs = [entry for entry in self.stored.values() if entry["company_id"] == company]
            found = [entry for entry in theirs if self.search.finds(term, entry)]
            return [entry for entry in found if self.matches(entry, contact)]

    def newest(self, company_id: str, skip: int, deadline: Deadline) -> tuple[list[Any], int | None]:
        with self._call("newest"):
            theirs = [dict(entry) for entry in self.stored.values() if entry["company_id"] == company_id]
            theirs.sort(key=lambda entry: entry["created_at"], reverse=self.ordered)
            return theirs[skip : skip + self.page_size], len(theirs)

    def term(self, contact: ContactRequest) -> str:
        return search_term(contact.email)

    def matches(self, entry: Mapping[str, Any], contact: ContactRequest) -> bool:
        return is_contact(entry, contact)

    def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]:
        with self._call("get"):
            return dict(self._stored(contact_id))

    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None:
        with self._call("update"):
            self._stored(contact_id).update(body)

    def _stored(self, contact_id: str) -> dict[str, Any]:
        if contact_id not in self.stored:
            raise ContactGone("NOT_FOUND", status=404)
        return self.stored[contact_id]

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        self.calls.append(name)
        error, after = self._failures.pop(name, (None, False))
        if error and not after:
            raise error
        yield
        if error:
            raise error


@dataclass
class FakeItems:
    """The ledger's items as dicts, to which it applies the transitions of claim_states.py."""

    stored: dict[str, dict[str, Any]] = field(default_factory=dict)

    def apply(
        self, key: str, transition: Transition, values: Mapping[str, Value], *, return_old: bool = False
    ) -> dict[str, Any]:
        old = dict(self.stored.get(key, {}))
        if not self._is_allowed(transition, old, values):
            raise ConditionFailed(old)
        item = dict(old)
        item |= {name: values[of] for name, of in transition.sets.items() if values[of] is not None}
        once = transition.sets_once.items()
        item |= {name: item.get(name, of if of in STATES else values.get(of)) for name, of in once}
        for name, of in transition.adds.items():
            if added := values[of]:
                assert isinstance(added, list)
                item[name] = sorted({*item.get(name, []), *added})
        if transition.to:
            item["state"] = transition.to
        self.stored[key] = {name: value for name, value in item.items() if name not in transition.removes}
        return old if return_old else {}

    def _is_allowed(
        self, transition: Transition, item: Mapping[str, Any], values: Mapping[str, Value]
    ) -> bool:
        state = item.get("state") if item else "absent"
        return any(
            entry in ("any", state) and all(self._holds(guard, item, values) for guard in guards)
            for entry, guards in transition.allowed.items()
        )

    def _holds(self, guard: Guard, item: Mapping[str, Any], values: Mapping[str, Value]) -> bool:
        for attribute, operator, name in guard.any_of:
            if operator == "absent":
                holds = attribute not in item
            elif attribute not in item:
                holds = False
            elif operator == "=":
                holds = item[attribute] == values[name]
            else:
                holds = item[attribute] <= values[name]
            if holds:
                return True
        return False


class FakeLedger(Ledger):
    """The ledger on items in memory. `failures` are raised by the next calls of record_created."""

    def __init__(self, clock: Clock, search_lag: float = 30) -> None:
        self.memory = FakeItems()
        self.clock = clock
        self.failures: list[Exception] = []
        super().__init__(self.memory, lambda: "pepper", search_lag, clock)

    @property
    def items(self) -> dict[str, dict[str, Any]]:
        """The contacts' items."""
        return {key: item for key, item in self.memory.stored.items() if key.startswith("contact#")}

    def record_created(
        self, claim: Claim, contact_id: str, seen_at: float, happened_at: float | None = None
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        super().record_created(claim, contact_id, seen_at, happened_at)


class FakeListStates:
    """The states of lists as values, as dynamo.list_states keeps them."""

    def __init__(self) -> None:
        self.stored: dict[str, ListState] = {}
        self.leases: dict[str, float] = {}

    def read(self, company_id: str) -> ListState:
        return self.of(company_id)

    def of(self, company_id: str) -> ListState:
        return self.stored.get(company_id, ListState())

    def take_lease(self, company_id: str, known: ListState, now: float, until: float) -> bool:
        if self.leases.get(company_id, 0) > now or self.of(company_id).complete_until != known.complete_until:
            return False
        self.leases[company_id] = until
        return True

    def extend_lease(self, company_id: str, until: float) -> None:
        self.leases[company_id] = until

    def record(self, company_id: str, state: ListState) -> bool:
        stored = self.of(company_id)
        if not stored.complete_until < state.complete_until >= stored.off_until:
            return False
        self.stored[company_id] = state._replace(off_until=stored.off_until, trouble=stored.trouble)
        self.leases[company_id] = 0
        return True

    def record_progress(self, company_id: str, state: ListState) -> None:
        stored = self.of(company_id)
        if stored.complete_until == state.complete_until:
            self.stored[company_id] = stored._replace(watermark=state.watermark)

    def record_full(self, company_id: str, full_at: float) -> None:
        stored = self.of(company_id)
        if stored.complete_until and stored.off_until <= full_at:
            self.stored[company_id] = stored._replace(full_at=full_at)

    def switch_off(self, company_id: str, until: float, trouble: str) -> None:
        assert trouble
        self.stored[company_id] = ListState(off_until=until, trouble=trouble)
        self.leases[company_id] = 0


@dataclass
class FakeQueues:
    """The three queues as lists of what was sent; `refuses` makes SQS unavailable."""

    retried: list[tuple[Envelope, float]] = field(default_factory=list)
    parked: list[Envelope] = field(default_factory=list)
    held: list[Envelope] = field(default_factory=list)
    newer: list[str] = field(default_factory=list)
    refuses: bool = False

    def retry(self, envelope: Envelope, delay: float) -> None:
        self._take()
        self.retried.append((decode_envelope(encode_envelope(envelope)), delay))

    def park(self, envelope: Envelope) -> None:
        self._take()
        self.parked.append(decode_envelope(encode_envelope(envelope)))

    def hold(self, envelope: Envelope) -> None:
        self._take()
        self.held.append(decode_envelope(encode_envelope(envelope)))

    def park_newer(self, text: str, newer: NewerVersion) -> None:
        self._take()
        self.newer.append(text)

    def _take(self) -> None:
        if self.refuses:
            raise Unavailable("queue_unavailable")


def contact(email: str = "ada@example.com", name: str = "Ada Example", **fields: Any) -> ContactRequest:
    """A contact to be made."""
    return ContactRequest.model_validate(
        {"type": "customer", "full_name": name, "email": email, "company_id": COMPANY, **fields}
    )


def reading(
    wanted: ContactRequest | None = None,
    delivery_id: str = "d1",
    received_at: float = 1_800_000_000.0,
    happened_at: float | None = None,
    *,
    resent: bool = True,
    weak: tuple[str, ...] = (),
    **more: Any,
) -> MappedSubmission:
    """What a submission asks for."""
    happened_at = received_at if happened_at is None else happened_at
    return MappedSubmission(
        wanted or contact(), delivery_id, received_at, happened_at, resent, frozenset(weak), **more
    )


@dataclass
class FakeRateLimit:
    """So many calls are left."""

    left: int = 1_000
    acquired: int = 0
    remaining: list[tuple[int, float]] = field(default_factory=list)
    rate_limited_for: list[float] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def set_place(self, place: Place) -> None:
        self.places.append(place)

    def acquire(self, deadline: Deadline, reserve_next: int = 0) -> None:
        if self.acquired >= self.left:
            raise RateLimited("budget_used_up", retry_after=1)
        self.acquired += 1

    def record_remaining(self, remaining: int, reset_seconds: float, deadline: Deadline) -> None:
        self.remaining.append((remaining, reset_seconds))

    def on_rate_limited(self, seconds: float, deadline: Deadline) -> tuple[float, str]:
        self.rate_limited_for.append(seconds)
        return seconds + 7, "open_late:7"


@dataclass
class FakeCaptcha:
    """Says what it is told to say, of one secret or of any other."""

    says: Verdict | Exception = field(default_factory=lambda: Verdict(True))
    of_secret: dict[str, Verdict | Exception] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def verify(self, provider: str, secret: str, token: str, deadline: Deadline) -> Verdict:
        self.asked.append((provider, secret, token))
        said = self.of_secret.get(secret, self.says)
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class FakeCap:
    """Counts the day's sign-ups of all sources."""

    taken: int = 0

    def take(self, source: str, most: int, numbers: int) -> None:
        if self.taken >= most:
            raise TakenForSpam("max_per_day")
        self.taken += numbers


@dataclass
class FakeSettings:
    """What the environment says."""

    cognito_source: str = "cognito"
    sam_local: bool = False


@dataclass
class FakeBatches:
    """What became of each batch's first entries."""

    known: dict[bytes, list[dict[str, str]]] = field(default_factory=dict)

    def settled(self, whole: Submission) -> list[dict[str, str]]:
        return self.known.get(whole.body, [])

    def settle(self, whole: Submission, results: list[dict[str, str]]) -> None:
        self.known[whole.body] = [*results]


class FakeSecretStore:
    """The signing secrets by name; a forced refresh also finds those in `newer`."""

    def __init__(self, stored: dict[str, str | list[str]]) -> None:
        self.stored = stored
        self.newer: dict[str, str | list[str]] = {}
        self.unavailable = False

    def signing_secrets(self, name: str, *, force_refresh: bool = False) -> tuple[str, ...]:
        if self.unavailable:
            raise Unavailable("secret_unavailable")
        known = {**self.stored, **(self.newer if force_refresh else {})}.get(name, [])
        return (known,) if isinstance(known, str) else tuple(known)


@dataclass
class FakeEventBridge:
    """A client of EventBridge: keeps the entries of each call, and answers each with `codes` or raises `error`."""

    calls: list[list[dict[str, str]]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    error: Exception | None = None

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:
        self.calls.append(Entries)
        if self.error:
            raise self.error
        return {
            "Entries": [{"ErrorCode": code} for code in self.codes] or [{"EventId": "1"} for _ in Entries]
        }

    @property
    def details(self) -> list[dict[str, str]]:
        """What each event says, in their order."""
        return [json.loads(entry["Detail"]) for entries in self.calls for entry in entries]


class FakeDependencies:
    """The dependencies of both entry points, on the fakes above; `tables` are those of a sources.toml."""

    contact_events: ContactEvents | None = None

    def __init__(self, tables: Mapping[str, Any], **secrets: str | list[str]) -> None:
        self.clock = Clock(time.time())
        self.settings = FakeSettings()
        self.clemta = FakeClemta(self.clock)
        self.ledger = FakeLedger(self.clock)
        self.queues = FakeQueues()
        self.captcha = FakeCaptcha()
        self.daily_cap = FakeCap()
        self.batches = FakeBatches()
        self.secrets = FakeSecretStore(secrets)
        self.tables = dict(tables)
        self.delivery = Delivery(
            Neighbours(self.clemta, self.ledger, self.queues),
            DeliverySettings(search_lag=30, recheck=300, retry=RetryPolicy()),
            self.clock,
        )

    def answer_by(self, deadline: Deadline, reserve: float) -> None:
        self.answer_at = deadline

    def source(self, name: str) -> Form | Webhook:
        if name not in self.tables:
            raise UnknownSource("unknown_source")
        return to_source(name, self.tables[name], COMPANY)
