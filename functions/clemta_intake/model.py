"""The values that travel: frozen, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .contacts import ContactRequest
from .outcomes import FailureClass


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's payload, as it was received."""

    submission_id: str
    source: str
    received_at: float  # unix seconds
    body: bytes = field(repr=False)
    content_type: str = ""
    headers: Mapping[str, str] = field(
        default_factory=dict, repr=False
    )  # lower-case names, an allow-list of them
    query: Mapping[str, str] = field(default_factory=dict, repr=False)  # the last value of each name
    delivery_id: str = field(
        default="", repr=False
    )  # the sender's own id of this delivery; "" if not known yet

    def known_as(self, delivery_id: str) -> "Submission":
        """A copy with this delivery id; dataclasses.replace takes ten times as long."""
        rest = self.body, self.content_type, self.headers, self.query
        return Submission(self.submission_id, self.source, self.received_at, *rest, delivery_id)


type Lane = Literal["proven", "open"]  # the rate limit's: senders that prove their origin, and open forms
type Policy = Literal["skip", "update", "create"]  # a source's `on_existing`


@dataclass(frozen=True, slots=True)
class Place:
    """A submission's place in the rate limit's lanes."""

    lane: Lane
    slot: str = (
        ""  # that the rate limit reserved for it; "tried" if it used one and failed; "" for a newcomer
    )
    due: float = 0  # unix seconds of the slot


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a submission is in a queue."""

    failure_class: FailureClass
    status: int | None  # of Clemta's answer, if there was one
    code: str  # a stable word for the case, without personal data
    message: str  # may quote the payload: never logged


@dataclass(frozen=True, slots=True)
class Envelope:
    """A submission in a queue; times in unix seconds."""

    submission: Submission
    attempt: int  # failed ones; 0 if it was only deferred so far
    first_failure_at: float
    failure: Failure  # the last one
    not_before: float = 0  # no try before this time
    slot: str = ""  # that the rate limit reserved for it, see lanes.py
    waiting_since: float = 0  # when it was first queued

    def place(self, lane: Lane) -> Place:
        """Its place in this lane; a submission that failed used its slot and is no newcomer."""
        return Place(lane, self.slot or ("tried" if self.attempt else ""), self.not_before)


@dataclass(frozen=True, slots=True)
class MappedSubmission:
    """What a submission asks for; times in unix seconds."""

    contact: ContactRequest
    delivery_id: str  # the sender's own id, the same for a redelivery
    received_at: float
    happened_at: float  # the event's own time if the source names it; never after received_at
    resent: bool = (
        True  # one delivery id is one event (a webhook); False: each post is a person's own (a form)
    )
    weak: frozenset[str] = (
        frozenset()
    )  # fields of the contact that are defaults or stand-ins: nobody said them


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one contact. Not `fresh`: an earlier attempt, since `since`, may have created it.

    `lookup_was_empty`: a lookup after the last ambiguous call returned nothing, and the search lag has passed.
    `counted`: this contact has taken a number of its source's day.
    `delivery` is the keyed hash of the sender's delivery; `gone` the id of a contact that was deleted in Clemta.
    `full`: the item remembers no more deliveries, and begins anew with this one.
    """

    key: str
    id: str
    fresh: bool
    since: float
    lookup_was_empty: bool = False
    counted: bool = False
    delivery: str = ""
    gone: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Created:
    """The ledger's record of a contact that was created."""

    key: str  # the ledger item's
    contact_id: str  # Clemta's
    checked_at: float  # unix seconds: the contact was in Clemta after this time
    delivery: str = ""  # the keyed hash of the delivery that asks
    deliveries: frozenset[str] = frozenset()  # those that were acknowledged with this contact

    @property
    def delivered(self) -> bool:
        """Whether this delivery was acknowledged before."""
        return self.delivery in self.deliveries


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a contact in Clemta."""

    status: Literal["created", "updated", "duplicate"]
    contact_id: str
