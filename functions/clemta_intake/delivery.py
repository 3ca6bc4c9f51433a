"""The one business rule: deliver a contact exactly once, or make sure that the submission is not lost."""

import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .contacts import Billing, ContactRequest
from .deadlines import Deadline
from .errors import (
    ClaimHeld,
    ContactGone,
    Deferred,
    LookupInconclusive,
    OutcomeUnknown,
    Permanent,
    Retryable,
    TakenForSpam,
)
from .model import Claim, Created, Envelope, Failure, Outcome, Place, Policy, Submission
from .queues import MAX_DELAY

if TYPE_CHECKING:
    from .model import MappedSubmission


_MAX_MESSAGE = 500  # characters of a failure's message
_CLOCK_SKEW = 120  # seconds that Clemta's clock may be behind ours
_LONGEST_WAIT = 14 * 86_400  # seconds; whatever a submission waits for, it has an end

_NEWCOMER = Place("open")


class ContactsApi(Protocol):
    """What delivery needs of Clemta; see clemta.client.Clemta."""

    def set_place(self, place: Place) -> None: ...
    def create(self, contact: ContactRequest, deadline: Deadline) -> str: ...
    def find(self, contact: ContactRequest, deadline: Deadline) -> Iterable[dict[str, Any]]: ...
    def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]: ...
    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None: ...


class Claims(Protocol):
    """What delivery needs of the ledger; see dynamo.claims.Ledger, which says what each method records."""

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created: ...
    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim: ...
    def claim_update(self, known: Created, happened_at: float) -> Claim | None: ...
    def record_created(
        self, claim: Claim, contact_id: str, seen_at: float, happened_at: float | None = None
    ) -> None: ...
    def adopt_for_update(self, claim: Claim, contact_id: str) -> None: ...
    def record_seen(self, known: Created, seen_at: float | None = None) -> None: ...
    def finish_update(self, claim: Claim, seen_at: float, happened_at: float) -> None: ...
    def release_update(self, claim: Claim) -> None: ...
    def mark_update_unknown(self, claim: Claim) -> None: ...
    def reserve_contact(self, claim: Claim, contact_id: str) -> bool: ...
    def mark_unknown(self, claim: Claim) -> None: ...
    def mark_not_found(self, claim: Claim) -> None: ...
    def restore(self, claim: Claim) -> None: ...
    def release(self, claim: Claim) -> None: ...


class SubmissionQueue(Protocol):
    """What delivery needs of the queues; see queues.Queues."""

    def retry(self, envelope: Envelope, delay: float) -> None: ...
    def park(self, envelope: Envelope) -> None: ...
    def hold(self, envelope: Envelope) -> None: ...


class Delivery:
    """`deliver`, and `keep` for what could not be delivered; `give_up` is in hours, the other times in seconds."""

    def __init__(
        self,
        clemta: ContactsApi,
        ledger: Claims,
        queues: SubmissionQueue,
        *,
        retry_base: float,
        give_up: float,
        search_lag: float,
        recheck: float,
        clock: Callable[[], float],
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clemta = clemta
        self._ledger = ledger
        self._queues = queues
        self._retry_base = retry_base
        self._give_up = give_up * 3600
        self._search_lag = search_lag
        self._recheck = recheck
        self._clock = clock
        self._jitter = jitter

    def deliver(
        self,
        reading: "MappedSubmission",
        policy: Policy,
        deadline: Deadline,
        place: Place = _NEWCOMER,
        count: Callable[[int], None] | None = None,
    ) -> Outcome:
        """One contact in Clemta, whoever else is at it (P3). Raises Retryable or Permanent, to be given to `keep`.

        `count` is called with 1, once, for a contact that is about to be made, or may be made once the submission comes
        again, and with 0 where another delivery is at it, which takes the number; what it raises (TakenForSpam) ends
        the delivery.
        """
        try:
            deadline.check()
            self._clemta.set_place(place)
            claim = self._claim(reading, policy)
        except Retryable as error:
            if count:
                count(0 if isinstance(error, ClaimHeld) else 1)
            raise
        if isinstance(claim, Created):
            met = self._met(reading, policy, claim, deadline)
            if isinstance(met, Outcome):
                return met
            claim = met
        return self._make(reading, policy, claim, deadline, count)

    def _claim(self, reading: "MappedSubmission", policy: Policy) -> Claim | Created:
        return self._ledger.claim(
            reading.contact,
            reading.delivery_id if policy == "create" else "",
            _resent_as(reading, policy),
        )

    def _met(
        self, reading: "MappedSubmission", policy: Policy, known: Created, deadline: Deadline
    ) -> Outcome | Claim:
        """What to do about a contact that was made before; the claim to make it again if it is gone from Clemta.

        Who repeats a delivery, or signed up before the contact was last seen, does not bring back what was deleted.
        """
        duplicate = Outcome("duplicate", known.contact_id)
        if known.delivered or (policy == "create" and reading.resent):
            return duplicate
        before = reading.received_at <= known.checked_at
        held: Claim | None = None
        try:
            if policy == "update":
                held = self._ledger.claim_update(known, reading.happened_at)
                if held:
                    return self._update(reading, known.contact_id, held, self._clock(), deadline)
            if not before and (now := self._clock()) - known.checked_at >= self._recheck:
                self._clemta.get(known.contact_id, deadline)
                self._ledger.record_seen(known, now)
                return duplicate
        except ContactGone:
            if not (before and held):
                deadline.check()  # else this and the release after it would take the time to queue
                return self._ledger.reclaim(known, held)
            self._ledger.release_update(held)
        self._ledger.record_seen(known)
        return duplicate

    def _make(
        self,
        reading: "MappedSubmission",
        policy: Policy,
        claim: Claim,
        deadline: Deadline,
        count: Callable[[int], None] | None,
    ) -> Outcome:
        contact, began = reading.contact, self._clock()
        try:
            try:
                existing = self._look_up(contact, policy, claim, deadline)
            except Retryable:
                claim = _counted(claim, count)  # nobody counts what comes from the queue
                raise
            if existing is None:
                claim = _counted(claim, count)
            contact_id = existing["id"] if existing else self._create(contact, policy, claim, deadline)
        except OutcomeUnknown:
            self._ledger.mark_unknown(claim)
            raise
        except LookupInconclusive:
            self._ledger.mark_not_found(claim)
            raise
        except (Retryable, Permanent, TakenForSpam):
            if claim.fresh:
                self._ledger.release(claim)
            else:
                self._ledger.restore(claim)
            raise
        if policy == "update":  # its time must be known, or an older one comes after it
            return self._made_or_updated(reading, contact_id, existing, claim, began, deadline)
        with suppress(Retryable):  # the contact exists: without this, a later claim finds it by a look-up
            self._ledger.record_created(claim, contact_id, began, None if existing else reading.happened_at)
        return Outcome("created" if _ours(existing, claim) else "duplicate", contact_id)

    def _made_or_updated(
        self,
        reading: "MappedSubmission",
        contact_id: str,
        existing: Mapping[str, Any] | None,
        claim: Claim,
        began: float,
        deadline: Deadline,
    ) -> Outcome:
        if existing is None:
            self._ledger.record_created(claim, contact_id, began, reading.happened_at)
            return Outcome("created", contact_id)
        self._ledger.adopt_for_update(claim, contact_id)
        try:
            outcome = self._update(reading, contact_id, claim, began, deadline, existing)
        except ContactGone:
            self._ledger.release_update(claim)
            raise ClaimHeld("contact_gone", retry_after=1) from None
        return (
            Outcome("created", contact_id)
            if outcome.status == "duplicate" and _ours(existing, claim)
            else outcome
        )

    def _update(
        self,
        reading: "MappedSubmission",
        contact_id: str,
        held: Claim,
        began: float,
        deadline: Deadline,
        existing: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Brings the contact up to date, alone; `held` ends with it, but for ContactGone.

        `existing` is the contact as a call showed it after `began`.
        """
        try:
            if existing is None:
                existing = self._clemta.get(contact_id, deadline, reserve_next=1)
            body = _changes(reading.contact, existing, reading.weak)
            if body:
                self._clemta.update(contact_id, body, deadline)
        except ContactGone:
            raise
        except OutcomeUnknown:
            self._ledger.mark_update_unknown(held)  # it may take effect after another's
            raise
        except (Retryable, Permanent):
            self._ledger.release_update(held)
            raise
        self._ledger.finish_update(held, began, reading.happened_at)
        return Outcome("updated" if body else "duplicate", contact_id)

    def is_delivered(self, reading: "MappedSubmission", policy: Policy) -> bool:
        """Whether the ledger knows that nothing is left to do; does not call Clemta. Raises Retryable or Permanent."""
        if policy == "update":  # the contact exists, and what this submission changes may still be missing
            return False
        claim = self._claim(reading, policy)
        if isinstance(claim, Created):  # what was received later may mean that the contact was deleted since
            return claim.delivered or reading.received_at <= claim.checked_at
        if claim.fresh:
            self._ledger.release(claim)
        else:
            self._ledger.restore(claim)
        return False

    def _look_up(
        self, contact: ContactRequest, policy: Policy, claim: Claim, deadline: Deadline
    ) -> dict[str, Any] | None:
        """An existing contact that must prevent a create: any of that e-mail, or with `create` an earlier attempt's.

        LookupInconclusive if there is none, but an earlier attempt may have made one that cannot be searched for yet.
        """
        if policy == "create" and claim.fresh:
            return None
        found = self._clemta.find(contact, deadline)  # page by page: what comes after the contact is not read
        for entry in (entry for entry in found if isinstance(entry.get("id"), str)):
            if entry["id"] == claim.gone and self._is_gone(claim.gone, deadline):
                continue  # the search has not caught up with its end
            if policy != "create" or (
                _made_since(entry, claim)
                and _same_name(entry.get("full_name"), contact.full_name)
                and self._ledger.reserve_contact(claim, entry["id"])
            ):
                return entry
        if claim.fresh or claim.lookup_was_empty:
            return None
        raise LookupInconclusive("not_found_yet", retry_after=self._search_lag)

    def _is_gone(self, contact_id: str, deadline: Deadline) -> bool:
        """Asked once more where the search shows the contact: Clemta may have denied everything for a while."""
        try:
            self._clemta.get(contact_id, deadline, reserve_next=1)
        except ContactGone:
            return True
        return False

    def _create(self, contact: ContactRequest, policy: Policy, claim: Claim, deadline: Deadline) -> str:
        """The new contact's id; with `create` no other submission of that person can take it for its own."""
        contact_id = self._clemta.create(contact, deadline)
        if policy == "create":
            try:
                ours = self._ledger.reserve_contact(claim, contact_id)
            except (
                Retryable,
                Permanent,
            ) as error:  # the contact exists: releasing the claim could create a duplicate
                raise OutcomeUnknown(error.code, str(error)) from error
            if not ours:
                raise OutcomeUnknown("adopted_by_another")
        return contact_id

    def requeue_or_park(
        self, submission: Submission, error: Retryable | Permanent, earlier: Envelope | None = None
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
        if not isinstance(error, Deferred):
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


def _resent_as(reading: "MappedSubmission", policy: Policy) -> str:
    """By what the same event is known when it is sent again; "" for a person's own post.

    An update may come under the customer's id: it is the same event only if it says the same, of the same time.
    """
    if policy != "update" or not reading.resent:
        return reading.delivery_id if reading.resent else ""
    said = reading.contact.body()
    said |= {f"billing.{key}": value for key, value in said.pop("billing", {}).items()}
    happened_at = "" if reading.happened_at == reading.received_at else reading.happened_at
    strong = sorted((key, value) for key, value in said.items() if key not in reading.weak)
    return repr((reading.delivery_id, happened_at, strong))


def _counted(claim: Claim, count: Callable[[int], None] | None) -> Claim:
    """The claim, after its contact has taken a number where it needs one."""
    if not count or not claim.fresh or claim.counted:
        return claim
    count(1)
    return replace(claim, counted=True)


def _made_since(entry: Mapping[str, Any], claim: Claim) -> bool:
    created_at = entry.get("created_at")
    return isinstance(created_at, int | float) and created_at >= claim.since - _CLOCK_SKEW


def _ours(existing: Mapping[str, Any] | None, claim: Claim) -> bool:
    """Whether the contact was made under this claim, maybe by an earlier attempt whose answer was lost."""
    return existing is None or (not claim.fresh and _made_since(existing, claim))


def _same_name(theirs: object, ours: str) -> bool:
    """Whether it is one name: Clemta may trim, capitalise and compose what it was given."""
    return isinstance(theirs, str) and _plain(theirs) == _plain(ours)


def _plain(name: str) -> str:
    import unicodedata  # only where an answer was lost

    letters = unicodedata.normalize("NFKD", name.replace("ı", "i").casefold())
    return "".join(letter for letter in letters if letter.isalnum()) or name.strip()


_PAIRS = {"country": "iso_code", "iso_code": "country", "phone": "phone_code", "phone_code": "phone"}


def _changes(contact: ContactRequest, existing: Mapping[str, Any], weak: frozenset[str]) -> dict[str, Any]:
    """The body of an update that keeps what the submission does not say; empty if nothing would change.

    `weak` fields, defaults and stand-ins, fill what is empty. Type and e-mail stay as Clemta has them: there the
    operator may have changed them, and here they only say who it is.
    """
    wanted = contact.body()
    was = existing.get("billing")
    known = {
        key: value
        for key, value in (was if isinstance(was, dict) else {}).items()
        if key in Billing.model_fields and isinstance(value, str) and value
    }
    billing = known | {
        key: value
        for key, value in wanted.pop("billing", {}).items()
        if f"billing.{key}" not in weak or not (known.get(key) or known.get(_PAIRS.get(key, "")))
    }
    body = {key: existing.get(key) or wanted[key] for key in ("type", "email", "full_name")}
    changed = {
        key: value
        for key, value in wanted.items()
        if key not in ("type", "email", "company_id")
        and value != existing.get(key)
        and not (key in weak and existing.get(key))
    }
    if billing != known:
        changed["billing"] = billing
    return {**body, "company_id": contact.company_id, **changed} if changed else {}
