"""The values that the modules exchange: frozen, no I/O."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from .contacts import ContactRequest
from .outcomes import FailureClass

_NOTHING: Mapping[str, str] = MappingProxyType({})
# The age of the last reading of all contacts at which a list is no longer used.
_LIST_TRUSTED_SECONDS = 2 * 86_400


class Submission(NamedTuple):
    """One request's payload, as received."""

    submission_id: str
    source: str
    received_at: float  # unix seconds
    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = _NOTHING
    """By lower-case name; only those on an allow-list."""
    query: Mapping[str, str] = _NOTHING
    """The last value of each name."""
    delivery_id: str = ""
    """The sender's own id of this delivery; "" if not known yet."""

    def __repr__(self) -> str:
        """Without what the sender sent: P8."""
        return f"Submission({self.submission_id!r}, {self.source!r}, {self.received_at!r})"


type Lane = Literal["proven", "open"]  # the rate limit's: senders that prove their origin, and open forms
type Policy = Literal["skip", "update", "create"]  # a source's `on_existing`


class Place(NamedTuple):
    """A submission's place in the rate limit's lanes."""

    lane: Lane
    slot: str = ""
    """That the rate limit reserved for it; "tried" if it used one and failed; "" for a newcomer."""
    due: float = 0
    """The slot's time in unix seconds."""


class Failure(NamedTuple):
    """Why a submission is in a queue."""

    failure_class: FailureClass
    status: int | None  # of Clemta's answer, if there was one
    code: str  # a stable word for the case, without personal data
    message: str  # may quote the payload: never logged


class Envelope(NamedTuple):
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


class MappedSubmission(NamedTuple):
    """What a submission asks for; times in unix seconds."""

    contact: ContactRequest
    delivery_id: str  # the sender's own id, the same for a redelivery
    received_at: float
    happened_at: float  # the event's own time if the source names it; never after received_at
    resent: bool = True
    """Whether the sender may repeat an event under its delivery id (a webhook); False if a person posts it (a form)."""
    weak: frozenset[str] = frozenset()
    """Fields of the contact that the sender did not give: defaults and stand-ins; a description without own words."""
    lines: tuple[str, ...] = ()
    """The description's lines after the sender's own words or the default; one may have further lines of its own."""
    consent: str = ""
    """The one of these lines that holds the time of receipt."""
    is_new: bool = False
    """Clemta is known to have no contact of this company, type and e-mail: no look-up is needed before a create."""


class Claim(NamedTuple):
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
    listed: bool = False
    """A reading of Clemta's list showed a contact of this person."""


class Created(NamedTuple):
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


class Outcome(NamedTuple):
    """What became of a contact in Clemta."""

    status: Literal["created", "updated", "duplicate"]
    contact_id: str


type Person = tuple[str, str]
"""A contact's type, and its e-mail in one case."""


class Watermark(NamedTuple):
    """How far a reading came: how many contacts there were, and the newest ones, which the next reading shows again.

    `created_at` is the newest one's, in unix seconds; `ids` are those of the last five seconds before it.
    """

    created_at: float = 0
    total: int = 0
    ids: tuple[str, ...] = ()


class ListState(NamedTuple):
    """What is known of a company's list; times in unix seconds, 0 for never."""

    complete_until: float = 0
    """The ledger has a mark of each contact that Clemta showed then: the start of the last complete reading."""
    full_at: float = 0
    """The start of the last reading of all contacts."""
    off_until: float = 0
    """Before this time the list is not used: a check failed."""
    watermark: Watermark = Watermark()
    trouble: str = ""
    """Why the list was switched off last."""

    def is_complete(self, now: float) -> bool:
        """Whether a reading of what is newer makes it current."""
        return (
            bool(self.complete_until) and now >= self.off_until and now - self.full_at < _LIST_TRUSTED_SECONDS
        )
