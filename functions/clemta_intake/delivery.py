"""The one business rule: one contact in Clemta for each person, or the submission is safe in a queue.

What `deliver` does, by the state of the contact in the ledger and the source's policy (`on_existing`):

    ledger says        policy          what is done
    ------------------ --------------- ----------------------------------------------------------------------------
    created, and knows any             nothing: duplicate
    this delivery
    created            create          a webhook's repetition: duplicate; a form's post: as skip
    created            skip            duplicate; one GET if Clemta was not asked for `recheck` seconds. Gone: see below
    created            update          older than what was applied: as skip; else GET, and PATCH what differs.
                                       Gone: see below
    free               create          create
    free               skip, update    look up, unless it is known to be new (contact_lists.py). Found: adopt (update:
                                       and PATCH what differs). Else create
    unknown            any             look up. Found: adopt (update: and PATCH what differs). Not found: wait for
                                       the search lag, look up again; create only if that finds nothing either
    claimed            any             ClaimHeld: try again later

    Gone (deleted in Clemta): create it again, unless the submission was received before the contact was last seen.

A call that fails settles the claim by what it may have done: NotApplied and Permanent release it (or restore what was
known before), OutcomeUnknown makes it unknown. Any other exception leaves the claim: its lease lapses, and then the
outcome is unknown.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Literal, NamedTuple, Protocol

from .contact_changes import contact_changes, same_name
from .contacts import ContactRequest
from .deadlines import Deadline
from .errors import (
    ClaimHeld,
    ContactGone,
    LookupInconclusive,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    Retryable,
    TakenForSpam,
)
from .model import (
    Claim,
    Created,
    Envelope,
    Failure,
    ListState,
    MappedSubmission,
    Outcome,
    Place,
    Policy,
    Submission,
)
from .retry import Park, RetryPolicy, decide

_CLOCK_SKEW = 120  # seconds that Clemta's clock may be behind ours
_NEWCOMER = Place("open")

type CountContacts = Callable[[int], None]
"""Adds so many to the source's new contacts of the day; TakenForSpam if the day's maximum is reached."""


class GetsContacts(Protocol):
    """Clemta's contacts by id; clemta.client has it."""

    def get(self, contact_id: str, deadline: Deadline, reserve_next: int = 0) -> dict[str, Any]: ...


class ContactsApi(GetsContacts, Protocol):
    """What delivery needs of Clemta; clemta.client has it.

    Contacts are dicts with `id`, `created_at` (unix seconds) and the fields of contacts.py. Each call raises NotApplied
    if nothing took effect, OutcomeUnknown if it may have, and Permanent if repeating it is useless. `get` and `update`
    raise ContactGone for a contact that was deleted. `reserve_next` calls to the rate limit follow this one.
    """

    def set_place(self, place: Place) -> None: ...
    def create(self, contact: ContactRequest, deadline: Deadline) -> str: ...
    def find(self, contact: ContactRequest, deadline: Deadline) -> Iterable[dict[str, Any]]: ...
    def update(self, contact_id: str, body: Mapping[str, Any], deadline: Deadline) -> None: ...


class Claims(Protocol):
    """What delivery needs of the ledger; dynamo.claims has it, and says what each method records."""

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


class Lists(Protocol):
    """What delivery needs of Clemta's lists; contact_lists has it, and says what each method does."""

    def current(self, company_id: str) -> ListState: ...
    def is_new(self, contact: ContactRequest, known: ListState, deadline: Deadline) -> bool: ...
    def mark(self, contact: ContactRequest) -> None: ...
    def record_posted(self, company_id: str, contact_id: str, at: float) -> None: ...


class SubmissionQueue(Protocol):
    """What delivery needs of the queues; queues.Queues has it."""

    def retry(self, envelope: Envelope, delay: float) -> None: ...
    def park(self, envelope: Envelope) -> None: ...
    def hold(self, envelope: Envelope) -> None: ...


class Neighbours(NamedTuple):
    """What delivery works with; without `lists`, each new contact is looked up."""

    clemta: ContactsApi
    ledger: Claims
    queues: SubmissionQueue
    lists: Lists | None = None


class DeliverySettings(NamedTuple):
    """Times in seconds."""

    search_lag: float  # until Clemta's search shows a new contact
    recheck: float  # age at which a record is checked against Clemta before it makes a duplicate
    retry: RetryPolicy


class _Job(NamedTuple):
    """What one call of `deliver` was given."""

    mapped: MappedSubmission
    policy: Policy
    deadline: Deadline
    count_contacts: CountContacts | None
    list_state: ListState | None
    """What was known of Clemta's list before the claim."""


class Delivery:
    """`deliver`, and `requeue_or_park` for what could not be delivered. `clock` gives unix seconds."""

    def __init__(
        self, neighbours: Neighbours, settings: DeliverySettings, clock: Callable[[], float]
    ) -> None:
        self._clemta, self._ledger, self._queues, self._lists = neighbours
        self._settings = settings
        self._clock = clock

    def deliver(
        self,
        mapped: MappedSubmission,
        policy: Policy,
        deadline: Deadline,
        place: Place = _NEWCOMER,
        count_contacts: CountContacts | None = None,
    ) -> Outcome:
        """One contact in Clemta, however many deliveries run at once (P3).

        Raises Retryable or Permanent, for `requeue_or_park`. `count_contacts` is called once: with 1 before the contact
        is created or the submission queued, with 0 if another delivery holds the claim and counts the contact. It may
        raise TakenForSpam, which ends the delivery.
        """
        try:
            deadline.check()
            self._clemta.set_place(place)
            job = _Job(mapped, policy, deadline, count_contacts, self._list_state(mapped, policy))
            claim = self._claim(mapped, policy)
        except NotApplied as error:
            if count_contacts:
                count_contacts(0 if isinstance(error, ClaimHeld) else 1)
            raise
        if isinstance(claim, Created):
            result = self._deliver_known(job, claim)
            if isinstance(result, Outcome):
                return result
            claim = result
        return self._create_or_adopt(job, claim)

    def _list_state(self, mapped: MappedSubmission, policy: Policy) -> ListState | None:
        """What is known of the list; None where it is not used."""
        if not self._lists or policy == "create":  # which looks nothing up
            return None
        return self._lists.current(mapped.contact.company_id)

    def is_delivered(self, mapped: MappedSubmission, policy: Policy) -> bool:
        """Whether the ledger knows that nothing is left to do; does not call Clemta. Raises Retryable or Permanent."""
        if policy == "update":  # the contact may exist without the changes of this submission
            return False
        claim = self._claim(mapped, policy)
        if isinstance(claim, Created):  # a later submission may have to create it again
            return claim.delivered or mapped.received_at <= claim.checked_at
        self._give_back(claim)
        return False

    def _claim(self, mapped: MappedSubmission, policy: Policy) -> Claim | Created:
        delivery_id = mapped.delivery_id if policy == "create" else ""
        return self._ledger.claim(mapped.contact, delivery_id, _resent_as(mapped, policy))

    def _give_back(self, claim: Claim) -> None:
        """Nothing took effect under this claim: sets the ledger back to what it knew before."""
        if claim.fresh:
            self._ledger.release(claim)
        else:
            self._ledger.restore(claim)

    # The ledger has a record of the contact.

    def _deliver_known(self, job: _Job, known: Created) -> Outcome | Claim:
        """The outcome; or the claim to create the contact again, if it was deleted in Clemta."""
        mapped = job.mapped
        if not (known.delivered or (job.policy == "create" and mapped.resent)):
            if job.policy == "update" and (claim := self._ledger.claim_update(known, mapped.happened_at)):
                return self._update_known(job, known, claim)
            stale = self._clock() - known.checked_at >= self._settings.recheck
            if stale and mapped.received_at > known.checked_at:
                return self._recheck(job, known)
            self._ledger.record_seen(known)
        return Outcome("duplicate", known.contact_id)

    def _update_known(self, job: _Job, known: Created, claim: Claim) -> Outcome | Claim:
        try:
            return self._update(job, claim, known.contact_id, self._clock())
        except ContactGone:
            if job.mapped.received_at > known.checked_at:
                return self._reclaim(job, known, claim)
            # A submission from before the contact was last seen does not bring it back.
            self._ledger.release_update(claim)
            self._ledger.record_seen(known)
            return Outcome("duplicate", known.contact_id)

    def _recheck(self, job: _Job, known: Created) -> Outcome | Claim:
        """Asks Clemta whether the contact still exists."""
        now = self._clock()
        try:
            self._clemta.get(known.contact_id, job.deadline)
        except ContactGone:
            return self._reclaim(job, known)
        self._ledger.record_seen(known, now)
        return Outcome("duplicate", known.contact_id)

    def _reclaim(self, job: _Job, known: Created, holder: Claim | None = None) -> Claim:
        job.deadline.check()  # too late to create: this write and its release would take the queue's time
        return self._ledger.reclaim(known, holder)

    # This delivery holds the claim to create the contact.

    def _create_or_adopt(self, job: _Job, claim: Claim) -> Outcome:
        """Creates the contact, unless a lookup finds one to adopt."""
        began = self._clock()
        try:
            try:
                existing = self._find_existing(job, claim)
            except NotApplied:
                claim = _counted(job, claim)  # now: what comes back from the queue is not counted
                raise
            if existing is None:
                claim = _counted(job, claim)
                contact_id = self._create(job, claim)
        except OutcomeUnknown:
            self._ledger.mark_unknown(claim)
            raise
        except LookupInconclusive:
            self._ledger.mark_not_found(claim)
            raise
        except (NotApplied, Permanent, TakenForSpam):
            self._give_back(claim)
            raise
        if existing is not None:
            return self._adopt(job, claim, existing, began)
        try:
            self._ledger.record_created(claim, contact_id, began, job.mapped.happened_at)
        except NotApplied:
            # The contact exists, and without this record the next claim finds it by a lookup. But without the time of
            # what was applied an older update could overwrite it.
            if job.policy == "update":
                raise
        return Outcome("created", contact_id)

    def _adopt(self, job: _Job, claim: Claim, existing: Mapping[str, Any], began: float) -> Outcome:
        """Records the contact that the lookup found, and brings it up to date if the policy says so."""
        contact_id = existing["id"]
        # "created" if an earlier attempt created it, and its answer was lost.
        found = Outcome("created" if _created_by(claim, existing) else "duplicate", contact_id)
        if job.policy != "update":
            with suppress(NotApplied):  # without this record the next claim finds the contact by a lookup
                self._ledger.record_created(claim, contact_id, began)
            return found
        self._ledger.adopt_for_update(claim, contact_id)
        try:
            updated = self._update(job, claim, contact_id, began, existing)
        except ContactGone:  # the search still showed it
            self._ledger.release_update(claim)
            raise ClaimHeld("contact_gone", retry_after=1) from None
        return found if updated.status == "duplicate" else updated

    def _find_existing(self, job: _Job, claim: Claim) -> dict[str, Any] | None:
        """An existing contact that must prevent a create: any of that e-mail, or with `create` an earlier attempt's.

        LookupInconclusive if there is none, but an earlier attempt may have created one that is not searchable yet.
        """
        policy, contact = job.policy, job.mapped.contact
        if claim.fresh and (policy == "create" or self._is_new(job, claim)):
            return None
        found = self._clemta.find(contact, job.deadline)  # lazy: pages after the contact's are not read
        for entry in (entry for entry in found if isinstance(entry.get("id"), str)):
            if entry["id"] == claim.gone and is_gone(self._clemta, claim.gone, job.deadline):
                continue  # the search still shows what was deleted
            if policy != "create" or (
                _created_since(claim, entry)
                and same_name(entry.get("full_name"), contact.full_name)
                and self._ledger.reserve_contact(claim, entry["id"])
            ):
                return entry
        if claim.fresh or claim.lookup_was_empty:
            return None
        raise LookupInconclusive("not_found_yet", retry_after=self._settings.search_lag)

    def _is_new(self, job: _Job, claim: Claim) -> bool:
        """Whether Clemta is known to have no contact of this person, which no look-up has to find."""
        if claim.listed or claim.gone:
            return False
        if job.mapped.is_new:
            return True
        if not self._lists or not job.list_state:
            return False
        return self._lists.is_new(job.mapped.contact, job.list_state, job.deadline)

    def _create(self, job: _Job, claim: Claim) -> str:
        """The new contact's id; with `create` no other submission of that person can adopt the contact."""
        contact, began = job.mapped.contact, self._clock()
        if self._lists and job.policy == "create":
            self._lists.mark(contact)
        contact_id = self._clemta.create(contact, job.deadline)
        if self._lists:
            self._lists.record_posted(contact.company_id, contact_id, began)
        if job.policy == "create":
            try:
                reserved = self._ledger.reserve_contact(claim, contact_id)
            except (Retryable, Permanent) as error:
                # Whatever the ledger's trouble: the contact exists, and releasing the claim could create a duplicate.
                raise OutcomeUnknown(error.code, str(error)) from error
            if not reserved:
                raise OutcomeUnknown("adopted_by_another")
        return contact_id

    # This delivery holds the claim to update the contact.

    def _update(
        self,
        job: _Job,
        claim: Claim,
        contact_id: str,
        began: float,
        existing: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Sends what differs from `existing`, the contact as a call after `began` showed it; gets it if not given.

        The lease ends with it, unless it raises ContactGone.
        """
        mapped = job.mapped
        try:
            if existing is None:
                existing = self._clemta.get(contact_id, job.deadline, reserve_next=1)
            body = contact_changes(mapped, existing)
            if body:
                self._clemta.update(contact_id, body, job.deadline)
        except ContactGone:
            raise
        except OutcomeUnknown:
            # It may take effect late: until then no other update may follow.
            self._ledger.mark_update_unknown(claim)
            raise
        except (NotApplied, Permanent):
            self._ledger.release_update(claim)
            raise
        self._ledger.finish_update(claim, began, mapped.happened_at)
        return Outcome("updated" if body else "duplicate", contact_id)

    # The queues.

    def queue(self, submission: Submission) -> None:
        """Puts a submission that was not tried yet into the retry queue, for delivery at once. Raises Unavailable."""
        now = self._clock()
        failure = Failure("outage", None, "not_tried_yet", "")
        self._queues.retry(Envelope(submission, 0, now, failure, waiting_since=now), 0)

    def requeue_or_park(
        self, submission: Submission, error: Retryable | Permanent, earlier: Envelope | None = None
    ) -> Literal["queued", "parked"]:
        """Puts the submission into the retry queue, or the dead-letter queue (P1, P4). Raises Unavailable."""
        decision = decide(self._settings.retry, submission, earlier, error, self._clock())
        if isinstance(decision, Park):
            self._queues.park(decision.envelope)
            return "parked"
        self._queues.retry(decision.envelope, decision.delay)
        return "queued"

    def hold(self, submission: Submission, rule: str) -> None:
        """Puts what a rule took for spam into the held queue, where an operator can release it. Raises Unavailable."""
        self._queues.hold(Envelope(submission, 0, self._clock(), Failure("spam", None, rule, "")))

    def postpone(self, envelope: Envelope) -> bool:
        """Puts a message that came before its time back into the retry queue; False if its time has come."""
        wait = envelope.not_before - self._clock()
        if wait <= 0:
            return False
        self._queues.retry(envelope, wait)
        return True

    def park_poison(self, envelope: Envelope, code: str) -> None:
        """Parks a message that cannot be processed."""
        failure = Failure("poison", envelope.failure.status, code, envelope.failure.message)
        self._queues.park(Envelope(envelope.submission, envelope.attempt, envelope.first_failure_at, failure))


def is_gone(clemta: GetsContacts, contact_id: str, deadline: Deadline) -> bool:
    """Whether Clemta says that it has no such contact, with one call reserved to follow. Searches and lists may lag."""
    try:
        clemta.get(contact_id, deadline, reserve_next=1)
    except ContactGone:
        return True
    return False


def _resent_as(mapped: MappedSubmission, policy: Policy) -> str:
    """The id under which the sender may send the same event again; "" for a person's own post.

    All updates of a customer may have one id: two are the same event only if content and time are the same.
    """
    if not mapped.resent:
        return ""
    if policy != "update":
        return mapped.delivery_id
    fields = mapped.contact.body()
    fields |= {f"billing.{key}": value for key, value in fields.pop("billing", {}).items()}
    described = "\n".join(mapped.lines) if "description" in mapped.weak else fields.get("description", "")
    fields["description"] = described.replace(mapped.consent, "")  # without the time of receipt
    happened_at = "" if mapped.happened_at == mapped.received_at else mapped.happened_at
    weak = mapped.weak - {"description"}
    strong = sorted((key, value) for key, value in fields.items() if value and key not in weak)
    return repr((mapped.delivery_id, happened_at, strong))


def _counted(job: _Job, claim: Claim) -> Claim:
    """The claim, with its new contact counted if the source counts them."""
    if not job.count_contacts or not claim.fresh or claim.counted:
        return claim
    job.count_contacts(1)
    return claim._replace(counted=True)


def _created_since(claim: Claim, existing: Mapping[str, Any]) -> bool:
    """Whether the contact was created after the first attempt began, as far as the two clocks can tell."""
    created_at = existing.get("created_at")
    return isinstance(created_at, int | float) and created_at >= claim.since - _CLOCK_SKEW


def _created_by(claim: Claim, existing: Mapping[str, Any]) -> bool:
    """Whether an earlier attempt may have created the contact, though its answer was lost."""
    return not claim.fresh and _created_since(claim, existing)
