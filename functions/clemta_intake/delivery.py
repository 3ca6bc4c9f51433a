"""The one business rule: deliver a contact exactly once, or make sure that the submission is not lost."""

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from .contacts import Billing, ContactRequest
from .deadlines import Deadline
from .errors import OutcomeUnknown, Permanent, TakenForSpam, Temporary, Unseen, Wait
from .lanes import Place
from .queues import MAX_DELAY, Envelope, Failure
from .submissions import Submission

type Policy = Literal["skip", "update", "create"]
_MAX_MESSAGE = 500  # characters of a failure's message
_CLOCK_SKEW = 120  # seconds that Clemta's clock may be behind ours
_LONGEST_WAIT = 14 * 86_400  # seconds; whatever a submission waits for, it has an end

_NEWCOMER = Place("open")


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one contact. Not `fresh`: an earlier attempt, since `since`, may have created it.

    `looked`: since the last call that may have taken effect a look-up found nothing, and the search could catch up.
    `counted`: this contact has taken a number of its source's day.
    """

    key: str
    id: str
    fresh: bool
    since: float
    looked: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """The contact exists in Clemta already."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a contact in Clemta."""

    status: Literal["created", "updated", "duplicate"]
    contact_id: str


class ContactsApi(Protocol):
    """What delivery needs of Clemta; see clemta.Clemta."""

    def serve(self, place: Place) -> None: ...
    def create(self, contact: ContactRequest, deadline: Deadline) -> str: ...
    def find(self, contact: ContactRequest, deadline: Deadline) -> Iterable[dict[str, Any]]: ...
    def get(self, contact_id: str, deadline: Deadline) -> dict[str, Any] | None: ...
    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None: ...


class Claims(Protocol):
    """What delivery needs of the ledger; see ledger.Ledger."""

    def claim(self, contact: ContactRequest, delivery_id: str) -> Claim | Created: ...
    def created(self, claim: Claim, contact_id: str) -> None: ...
    def reserve(self, claim: Claim, contact_id: str) -> bool: ...
    def unknown(self, claim: Claim) -> None: ...
    def unseen(self, claim: Claim) -> None: ...
    def unresolved(self, claim: Claim) -> None: ...
    def release(self, claim: Claim) -> None: ...


class Waiting(Protocol):
    """What delivery needs of the queues; see queues.Queues."""

    def retry(self, envelope: Envelope, delay: float) -> None: ...
    def park(self, envelope: Envelope) -> None: ...
    def hold(self, envelope: Envelope) -> None: ...


class Delivery:
    """`deliver`, and `keep` for what could not be delivered; `retry_base` in seconds, `give_up` in hours."""

    def __init__(
        self,
        clemta: ContactsApi,
        ledger: Claims,
        queues: Waiting,
        *,
        retry_base: float,
        give_up: float,
        search_lag: float,
        clock: Callable[[], float],
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clemta = clemta
        self._ledger = ledger
        self._queues = queues
        self._retry_base = retry_base
        self._give_up = give_up * 3600
        self._search_lag = search_lag
        self._clock = clock
        self._jitter = jitter

    def deliver(
        self,
        contact: ContactRequest,
        policy: Policy,
        delivery_id: str,
        deadline: Deadline,
        place: Place = _NEWCOMER,
        count: Callable[[], None] | None = None,
    ) -> Outcome:
        """One contact in Clemta, whoever else is at it (P3). Raises Temporary or Permanent, to be given to `keep`.

        `count` is called once for a contact that is about to be made; what it raises (TakenForSpam) ends the delivery.
        """
        deadline.check()
        self._clemta.serve(place)
        claim = self._ledger.claim(contact, delivery_id if policy == "create" else "")
        if isinstance(claim, Created):
            existing = self._clemta.get(claim.contact_id, deadline) if policy == "update" else None
            return self._settled(contact, claim.contact_id, existing, deadline)
        try:
            existing = self._look_up(contact, policy, claim, deadline)
            if count and existing is None and claim.fresh and not claim.counted:
                count()
                claim = replace(claim, counted=True)
            contact_id = existing["id"] if existing else self._create(contact, policy, claim, deadline)
        except OutcomeUnknown:
            self._ledger.unknown(claim)
            raise
        except Unseen:
            self._ledger.unseen(claim)
            raise
        except (Temporary, Permanent, TakenForSpam):
            if claim.fresh:
                self._ledger.release(claim)
            else:
                self._ledger.unresolved(claim)
            raise
        with suppress(Temporary):  # the contact exists: without this, a later claim finds it by a look-up
            self._ledger.created(claim, contact_id)
        if existing is None:
            return Outcome("created", contact_id)
        outcome = self._settled(contact, contact_id, existing if policy == "update" else None, deadline)
        ours = not claim.fresh and _made_since(existing, claim)  # an earlier attempt's, whose answer was lost
        return Outcome("created", contact_id) if ours and outcome.status == "duplicate" else outcome

    def is_delivered(self, contact: ContactRequest, policy: Policy, delivery_id: str) -> bool:
        """Whether the ledger knows that nothing is left to do; does not call Clemta. Raises Temporary or Permanent."""
        if policy == "update":  # the contact exists, and what this submission changes may still be missing
            return False
        claim = self._ledger.claim(contact, delivery_id if policy == "create" else "")
        if isinstance(claim, Created):
            return True
        if claim.fresh:
            self._ledger.release(claim)
        else:
            self._ledger.unresolved(claim)
        return False

    def _look_up(
        self, contact: ContactRequest, policy: Policy, claim: Claim, deadline: Deadline
    ) -> dict[str, Any] | None:
        """The contact that makes a POST wrong: any of that e-mail, or with `create` the one of an earlier attempt.

        Unseen if there is none, but an earlier attempt may have made one that cannot be searched for yet.
        """
        if policy == "create" and claim.fresh:
            return None
        found = self._clemta.find(contact, deadline)  # page by page: what comes after the contact is not read
        for entry in (entry for entry in found if isinstance(entry.get("id"), str)):
            if policy != "create" or (
                _made_since(entry, claim)
                and entry.get("full_name") == contact.full_name
                and self._ledger.reserve(claim, entry["id"])
            ):
                return entry
        if claim.fresh or claim.looked:
            return None
        raise Unseen("not_found_yet", retry_after=self._search_lag)

    def _create(self, contact: ContactRequest, policy: Policy, claim: Claim, deadline: Deadline) -> str:
        """The new contact's id; with `create` no other submission of that person can take it for its own."""
        contact_id = self._clemta.create(contact, deadline)
        if policy == "create":
            try:
                ours = self._ledger.reserve(claim, contact_id)
            except (Temporary, Permanent) as error:  # the contact is made, so nothing may free the claim
                raise OutcomeUnknown(error.code, str(error)) from error
            if not ours:
                raise OutcomeUnknown("adopted_by_another")
        return contact_id

    def _settled(
        self, contact: ContactRequest, contact_id: str, existing: Mapping[str, Any] | None, deadline: Deadline
    ) -> Outcome:
        """`existing` is given where it is to be brought up to date."""
        if existing is not None and (body := _changes(contact, existing)):
            self._clemta.update(contact_id, body, deadline)
            return Outcome("updated", contact_id)
        return Outcome("duplicate", contact_id)

    def keep(
        self, submission: Submission, error: Temporary | Permanent, earlier: Envelope | None = None
    ) -> Literal["queued", "parked"]:
        """Puts the submission where it is safe: to come again, or for a person to see (P1, P4). Raises Unavailable."""
        now = self._clock()
        attempt = earlier.attempt if earlier else 0
        first = (
            earlier.first_failure_at if earlier and attempt else now
        )  # what only waited has not failed yet
        if isinstance(error, Permanent):
            failure = Failure(error.failure_class, error.status, error.code, str(error)[:_MAX_MESSAGE])
            self._queues.park(Envelope(submission, attempt + 1, first, failure))
            return "parked"
        failure = Failure("outage", error.status, error.code, str(error)[:_MAX_MESSAGE])
        since = (earlier.waiting_since if earlier else 0) or now
        give_up = now - since >= _LONGEST_WAIT
        if not isinstance(error, Wait):
            attempt += 1
            give_up = give_up or now - first >= self._give_up
        if give_up:
            self._queues.park(Envelope(submission, attempt, first, failure))
            return "parked"
        bound = min(MAX_DELAY, self._retry_base * 2 ** min(max(attempt, 1) - 1, 20))
        # A slot is nobody else's; whoever else waits for the same thing is kept apart by chance.
        delay = error.retry_after + (0 if error.slot else self._jitter(0, bound))
        due = min(now + error.retry_after, since + _LONGEST_WAIT)
        slot = error.slot or (earlier.slot if earlier else "")
        self._queues.retry(Envelope(submission, attempt, first, failure, due, slot, since), delay)
        return "queued"

    def hold(self, submission: Submission, rule: str) -> None:
        """Puts what a rule takes for spam where a person can release it (P1). Raises Unavailable."""
        self._queues.hold(Envelope(submission, 0, self._clock(), Failure("spam", None, rule, "")))

    def postpone(self, envelope: Envelope) -> bool:
        """Puts a message that came before its time back; False if it is time."""
        wait = envelope.not_before - self._clock()
        if wait <= 0:
            return False
        self._queues.retry(envelope, wait)
        return True

    def park_poison(self, envelope: Envelope, code: str) -> None:
        """Takes a message out of the way that nothing could be done with."""
        failure = Failure("poison", envelope.failure.status, code, envelope.failure.message)
        self._queues.park(Envelope(envelope.submission, envelope.attempt, envelope.first_failure_at, failure))


def _made_since(entry: Mapping[str, Any], claim: Claim) -> bool:
    created_at = entry.get("created_at")
    return isinstance(created_at, int | float) and created_at >= claim.since - _CLOCK_SKEW


def _changes(contact: ContactRequest, existing: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an update that keeps what the submission does not say; empty if nothing would change."""
    body = contact.body()
    if contact.full_name == contact.email and existing.get("full_name"):
        body["full_name"] = existing["full_name"]  # the e-mail only stood in for a name
    was = existing.get("billing")
    billing = {
        key: value
        for key, value in (was if isinstance(was, dict) else {}).items()
        if key in Billing.model_fields
    }
    billing = {key: value for key, value in billing.items() if isinstance(value, str) and value}
    merged = {**billing, **body.pop("billing", {})}
    same = all(
        existing.get(key) == value for key, value in body.items() if key not in ("company_id", "email")
    )
    if same and merged == billing:
        return {}
    return {**body, "billing": merged} if merged else body
