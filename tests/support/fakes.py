"""In-memory neighbours of the business rule: they behave as the real ones do, and remember what was asked of them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from clemta_intake.captcha import Verdict
from clemta_intake.clemta.protocol import is_contact, search_term
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.delivery import Delivery, DeliverySettings
from clemta_intake.dynamo.ledger import _MOST_DELIVERIES, LEASE_SECONDS
from clemta_intake.errors import ClaimHeld, ContactGone, RateLimited, TakenForSpam, Unavailable, UnknownSource
from clemta_intake.model import Claim, Created, Envelope, MappedSubmission, Place, Submission
from clemta_intake.queue_message import NewerVersion, decode_envelope, encode_envelope
from clemta_intake.retry import RetryPolicy
from clemta_intake.sources.config import Form, Webhook, to_source
from local.clemta import reading as reading_of_search

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
        holds = reading_of_search(term, self.pattern, self.case_sensitive)
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

    def serve(self, place: Place) -> None:
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

    def term(self, contact: ContactRequest) -> str:
        return search_term(contact.email)

    def matches(self, entry: Mapping[str, Any], contact: ContactRequest) -> bool:
        return is_contact(entry, contact)

    def get(self, contact_id: str, deadline: Deadline, ahead: int = 0) -> dict[str, Any]:
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
class FakeLedger:
    """The ledger's contract in memory; tests/ledger_contract.py holds it and the real one to the same."""

    clock: Clock
    search_lag: float = 30
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    reserved: dict[str, str] = field(default_factory=dict)
    failures: list[Exception] = field(default_factory=list)

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        key = "|".join((contact.company_id, contact.type, contact.email.casefold(), delivery_id))
        item = self.items.setdefault(key, {"state": "free", "claims": 0, "deliveries": set()})
        if item["state"] == "created":
            checked_at = item.get("checked_at", 0)
            return Created(key, item["contact_id"], checked_at, resent_as, frozenset(item["deliveries"]))
        if item["state"] != "free" and item["until"] > self.clock.now:
            left = item["until"] - self.clock.now
            raise ClaimHeld("claimed", retry_after=left if item["state"] == "unknown" else min(left, 5))
        fresh = item["state"] == "free"
        since = self.clock.now if fresh else item["since"]
        lookup_was_empty = item.get("lookup_was_empty", False)
        owner = self._claimed(item, since)
        gone = item.get("contact_id", "")
        return Claim(key, owner, fresh, since, lookup_was_empty, item.get("counted", False), resent_as, gone)

    def _claimed(self, item: dict[str, Any], since: float) -> str:
        item["claims"] += 1
        until = self.clock.now + LEASE_SECONDS
        item.update(
            state="claimed", owner=str(item["claims"]), since=since, until=until, lookup_was_empty=False
        )
        return str(item["owner"])

    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        item = self.items[known.key]
        if not self._is_still(item, known) or self._is_held(item, holder):
            raise ClaimHeld("claimed", retry_after=1)
        owner = self._claimed(item, self.clock.now)
        item.pop("counted", None)
        return Claim(known.key, owner, True, self.clock.now, False, False, known.delivery, known.contact_id)

    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        item = self.items[known.key]
        if self._is_still(item, known) and item.get("applied_at", 0) > happened_at:
            return None
        if not self._is_still(item, known) or self._is_held(item):
            raise ClaimHeld("claimed", retry_after=5)
        item["claims"] += 1
        item.update(owner=str(item["claims"]), until=self.clock.now + LEASE_SECONDS + self.search_lag)
        return Claim(known.key, item["owner"], False, self.clock.now, False, False, known.delivery)

    def _remember(self, item: dict[str, Any], delivery: str) -> None:
        known: set[str] = item["deliveries"]
        if delivery and delivery not in known:
            item["deliveries"] = {delivery} | (known if len(known) < _MOST_DELIVERIES else set())

    def _is_still(self, item: dict[str, Any], known: Created) -> bool:
        return item["state"] == "created" and bool(item["contact_id"] == known.contact_id)

    def _is_held(self, item: dict[str, Any], by: Claim | None = None) -> bool:
        held = item["owner"] is not None and item["until"] > self.clock.now
        return held and not (by and item["owner"] == by.id)

    def record_created(
        self,
        claim: Claim,
        contact_id: str,
        seen_at: float,
        happened_at: float | None = None,
        *,
        held: bool = False,
    ) -> None:
        if self.failures:
            raise self.failures.pop(0)
        item = self.items[claim.key]
        item.update(state="created", contact_id=contact_id)
        if happened_at is not None:
            item.update(applied_at=happened_at)
        if held:
            item.update(until=self.clock.now + LEASE_SECONDS + self.search_lag)
        else:
            item.update(checked_at=seen_at, owner=None)
            self._remember(item, claim.delivery)

    def record_seen(self, known: Created, seen_at: float | None = None) -> None:
        item = self.items[known.key]
        if self._is_still(item, known):
            self._remember(item, known.delivery)
            if seen_at is not None:
                item.update(checked_at=seen_at)

    def finish_update(self, claim: Claim, seen_at: float, happened_at: float) -> None:
        item = self.items[claim.key]
        if item["owner"] != claim.id:
            raise ClaimHeld("claim_lost", retry_after=1)
        item.update(applied_at=happened_at, checked_at=seen_at, owner=None)
        self._remember(item, claim.delivery)

    def release_update(self, claim: Claim, seconds: float = 0) -> None:
        item = self.items[claim.key]
        if item["owner"] == claim.id:
            item.update({"until": self.clock.now + seconds} if seconds else {"owner": None})

    def reserve_contact(self, claim: Claim, contact_id: str) -> bool:
        return self.reserved.setdefault(contact_id, claim.key) == claim.key

    def mark_unknown(self, claim: Claim) -> None:
        self._settle(claim, state="unknown", until=self.clock.now)

    def mark_not_found(self, claim: Claim) -> None:
        self._settle(claim, state="unknown", until=self.clock.now + self.search_lag, lookup_was_empty=True)

    def restore(self, claim: Claim) -> None:
        self._settle(claim, state="unknown", until=self.clock.now, lookup_was_empty=claim.lookup_was_empty)

    def release(self, claim: Claim) -> None:
        self._settle(claim, state="free", counted=claim.counted)

    def _settle(self, claim: Claim, **change: Any) -> None:
        item = self.items[claim.key]
        if item.get("owner") == claim.id and item["state"] != "created":
            item.update(change)


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
) -> MappedSubmission:
    """What a submission asks for."""
    happened_at = received_at if happened_at is None else happened_at
    return MappedSubmission(
        wanted or contact(), delivery_id, received_at, happened_at, resent, frozenset(weak)
    )


@dataclass
class FakeBudget:
    """So many calls are left."""

    left: int = 1_000
    taken: int = 0
    said_left: list[tuple[int, float]] = field(default_factory=list)
    refused_for: list[float] = field(default_factory=list)
    served: list[Place] = field(default_factory=list)

    def serve(self, place: Place) -> None:
        self.served.append(place)

    def take(self, deadline: Deadline, ahead: int = 0) -> None:
        if self.taken >= self.left:
            raise RateLimited("budget_used_up", retry_after=1)
        self.taken += 1

    def heard(self, remaining: int, reset: float, deadline: Deadline) -> None:
        self.said_left.append((remaining, reset))

    def refused(self, seconds: float, deadline: Deadline) -> tuple[float, str]:
        self.refused_for.append(seconds)
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

    sam_local: bool = False


@dataclass
class FakeBatches:
    """What became of each batch's first entries."""

    known: dict[bytes, list[dict[str, str]]] = field(default_factory=dict)

    def settled(self, whole: Submission) -> list[dict[str, str]]:
        return self.known.get(whole.body, [])

    def settle(self, whole: Submission, results: list[dict[str, str]]) -> None:
        self.known[whole.body] = [*results]


class FakeParts:
    """What the two entry points are given, on the fakes above; `tables` are those of a sources.toml.

    `newer_secrets` is what is found where the secrets are force_refresh, and read afresh.
    """

    def __init__(self, tables: Mapping[str, Any], **secrets: str | list[str]) -> None:
        self.clock = Clock(time.time())
        self.settings = FakeSettings()
        self.clemta = FakeClemta(self.clock)
        self.ledger = FakeLedger(self.clock)
        self.queues = FakeQueues()
        self.captcha = FakeCaptcha()
        self.daily_cap = FakeCap()
        self.batches = FakeBatches()
        self.secrets = secrets
        self.newer_secrets: dict[str, str | list[str]] = {}
        self.secrets_unavailable = False
        self.tables = dict(tables)
        self.delivery = Delivery(
            self.clemta,
            self.ledger,
            self.queues,
            DeliverySettings(search_lag=30, recheck=300, retry=RetryPolicy()),
            self.clock,
        )

    def answer_by(self, deadline: Deadline, reserve: float) -> None:
        self.answer_at = deadline

    def source(self, name: str) -> Form | Webhook:
        if name not in self.tables:
            raise UnknownSource("unknown_source")
        return to_source(name, self.tables[name], COMPANY)

    def signing_secrets(self, name: str, *, force_refresh: bool = False) -> tuple[str, ...]:
        if self.secrets_unavailable:
            raise Unavailable("secret_unavailable")
        known = {**self.secrets, **(self.newer_secrets if force_refresh else {})}.get(name, [])
        return (known,) if isinstance(known, str) else tuple(known)
