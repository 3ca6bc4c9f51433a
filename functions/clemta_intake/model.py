"""The values that travel: frozen, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .contacts import ContactRequest


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's payload. `headers` have lower-case names; `query` the last value of each name; times in unix s."""

    submission_id: str
    source: str
    received_at: float
    body: bytes = field(repr=False)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    delivery_id: str = field(default="", repr=False)
    """The sender's own id of this delivery; "" where it is not known yet."""

    def known_as(self, delivery_id: str) -> "Submission":
        """The same with its delivery's id; dataclasses.replace would take ten times as long."""
        rest = self.body, self.content_type, self.headers, self.query
        return Submission(self.submission_id, self.source, self.received_at, *rest, delivery_id)


type FailureClass = Literal["data", "config", "outage", "poison", "spam"]
type Lane = Literal["proven", "open"]
type Policy = Literal["skip", "update", "create"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a submission stands: its lane; the slot that it was given and when that is due, if it was here before."""

    lane: Lane
    slot: str = ""
    due: float = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a submission is in a queue; `message` may quote the payload and stays beside it."""

    failure_class: FailureClass
    status: int | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A submission that waits, `waiting_since` it was first queued; times in unix seconds.

    It is not to be tried before `not_before`; `slot` is its turn at Clemta, see lanes.py.
    """

    submission: Submission
    attempt: int
    first_failure_at: float
    failure: Failure
    not_before: float = 0
    slot: str = ""
    waiting_since: float = 0

    def place(self, lane: Lane) -> Place:
        """Where it stands among those who wait for Clemta; what failed had its turn and is no newcomer."""
        return Place(lane, self.slot or ("tried" if self.attempt else ""), self.not_before)


@dataclass(frozen=True, slots=True)
class MappedSubmission:
    """What a submission asks for: the contact, and the id by which the sender's repetitions are known.

    `happened_at` is the event's own time where the source names it, never later than `received_at`. `resent`: the
    same id is the same event, sent again; a form's post is a person's each time. `weak` fields of the contact are
    defaults and stand-ins, not what the sender said.
    """

    contact: ContactRequest
    delivery_id: str
    received_at: float
    happened_at: float
    resent: bool = True
    weak: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claim:
    """The lease on one contact's item in the ledger: its owner alone may create or update the contact."""

    key: str
    """The item's key."""
    id: str
    """The owner that the item names while the lease is held."""
    fresh: bool
    """No earlier attempt can have created the contact."""
    since: float
    """When the first attempt began that can have created the contact."""
    lookup_was_empty: bool = False
    """A lookup after the last ambiguous call returned nothing, and the search lag has passed."""
    counted: bool = False
    """The contact has taken a number of its source's `max_per_day`."""
    delivery: str = ""
    """The keyed hash of the sender's delivery; "" if the sender does not repeat it."""
    gone: str = ""
    """The id of the contact that was deleted in Clemta; "" if none was."""
    full: bool = False
    """The item remembers no more deliveries: this one replaces them."""


@dataclass(frozen=True, slots=True)
class Created:
    """What the ledger knows of a contact that is created."""

    key: str
    """The item's key."""
    contact_id: str
    """Clemta's id."""
    checked_at: float
    """A call that began at this time showed the contact; 0 if that is not known."""
    delivery: str = ""
    """The keyed hash of the sender's delivery; "" if the sender does not repeat it."""
    deliveries: frozenset[str] = frozenset()
    """The deliveries that were acknowledged with the contact."""

    @property
    def delivered(self) -> bool:
        """Whether this delivery was acknowledged before."""
        return self.delivery in self.deliveries


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a contact in Clemta."""

    status: Literal["created", "updated", "duplicate"]
    contact_id: str
