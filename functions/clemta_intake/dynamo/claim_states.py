"""The states of a claim and the transitions between them, as data.

One item stands for one contact. claims.py has a method for each transition, claim_items.py makes a conditional write of
it, the fake in tests/support/fakes.py applies it to a dict, and docs/architecture.md gets its tables from here.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

LEASE_SECONDS = 60  # longer than any invocation lives: no owner works on after its lease has lapsed
FORGET_SECONDS = 30 * 86_400  # after this long without a contact, DynamoDB deletes the item
MAX_DELIVERIES = 100  # that one item remembers; the next one replaces them all

type State = Literal["absent", "free", "claimed", "unknown", "created"]
type Value = str | float | list[str] | None

STATES: Mapping[State, str] = {
    "absent": "no item: nobody asked for this contact, or the item has expired",
    "free": "no delivery has created the contact, or it is gone; anybody may claim it",
    "claimed": "one owner may call Clemta; when its lease has lapsed, the outcome is unknown",
    "unknown": "an earlier create may have taken effect; anybody may claim it from `lease_until` on",
    "created": "the contact was in Clemta at `checked_at`; an owner with a lease holds it for an update",
}
ATTRIBUTES: Mapping[str, str] = {
    "state": "the state; a missing item is `absent`",
    "owner": "the id of the claim that holds the lease, or held it last",
    "lease_until": "when the lease lapses; in state `unknown`, when the next claim may begin",
    "claimed_at": "when the first call began that may have created the contact",
    "unseen_at": "when a lookup after the last ambiguous call returned nothing; missing if there was none",
    "counted": "this contact has taken a number of its source's `max_per_day`",
    "contact_id": "Clemta's id of the contact; in any state but `created`, of the contact that was deleted",
    "checked_at": "a call that began at this time showed the contact",
    "applied_at": "the time of the newest event that the contact in Clemta reflects",
    "deliveries": "keyed hashes of the deliveries that were acknowledged with the contact",
    "listed_at": "when a reading of Clemta's list showed such a contact; missing if none did",
    "expires_at": "when DynamoDB deletes the item; missing in state `created`",
}
VALUES: Mapping[str, str] = {
    "now": "now",
    "claim_lease_end": f"now + {LEASE_SECONDS} s",
    "update_lease_end": f"now + {LEASE_SECONDS} s + `SearchLagSeconds`",
    "search_lag_end": "now + `SearchLagSeconds`",
    "forget_at": f"now + {FORGET_SECONDS // 86_400} days",
    "claim_id": "the claim's id",
    "holder_id": "the id of the caller's own update claim, if it has one",
    "contact_id": "Clemta's id",
    "seen_at": "when the call began that showed the contact, if there was one",
    "happened_at": "the event's time, if it is reflected",
    "empty_lookup_at": "now, if `lookup_was_empty`",
    "counted": "1, if the claim is `counted`",
    "delivery": "this delivery is added",
    "only_delivery": f"this delivery replaces them, once they are {MAX_DELIVERIES}",
    "claim_key": "the claim's key",
    "free": "`free`, if it has no state",
}


class Condition(NamedTuple):
    """A test of one attribute: it is missing, equals a value, or is at most that value."""

    attribute: str
    operator: Literal["absent", "=", "<="]
    value: str = ""


class Guard(NamedTuple):
    """Holds if any of its conditions does."""

    words: str
    any_of: tuple[Condition, ...]


LAPSED = Guard("the lease has lapsed", (Condition("lease_until", "<=", "now"),))
OWNED = Guard("the claim is the owner", (Condition("owner", "=", "claim_id"),))
SAME_CONTACT = Guard("it is the same `contact_id`", (Condition("contact_id", "=", "contact_id"),))
NO_UPDATE = Guard(
    "no update holds a lease", (Condition("owner", "absent"), Condition("lease_until", "<=", "now"))
)
NO_OTHER_UPDATE = Guard(
    "no update of another caller holds a lease",
    (*NO_UPDATE.any_of, Condition("owner", "=", "holder_id")),
)
IN_ORDER = Guard(
    "nothing newer was applied",
    (Condition("applied_at", "absent"), Condition("applied_at", "<=", "happened_at")),
)
SAME_CLAIM = Guard("it is reserved for the same claim", (Condition("owner", "=", "claim_key"),))


class Transition(NamedTuple):
    """One conditional write to an item.

    `sets`, `sets_once` (only where the attribute is missing) and `adds` (to a set) map an attribute to the name of its
    value; an attribute whose value is None stays as it is.
    """

    event: str
    """The method in claims.py."""
    when: str
    """What has happened."""
    allowed: Mapping[State | Literal["any"], tuple[Guard, ...]]
    """The states that it starts from, each with the guards that must hold."""
    to: State | None
    """The state that it leads to; None if the state stays."""
    sets: Mapping[str, str]
    then: str
    """What the caller may do next."""
    sets_once: Mapping[str, str] = MappingProxyType({})
    adds: Mapping[str, str] = MappingProxyType({})
    removes: tuple[str, ...] = ()


_CLAIMED = {"owner": "claim_id", "lease_until": "claim_lease_end", "expires_at": "forget_at"}

CLAIM = Transition(
    event="claim",
    when="a submission asks for the contact",
    allowed={"absent": (), "free": (), "claimed": (LAPSED,), "unknown": (LAPSED,)},
    to="claimed",
    sets=_CLAIMED,
    sets_once={"claimed_at": "now"},
    removes=("unseen_at",),
    then="look up the contact; if nothing is found, create it when the claim is `fresh` or `lookup_was_empty`",
)
RECORD_CREATED = Transition(
    event="record_created",
    when="Clemta created the contact, or a lookup found it",
    allowed={"any": ()},
    to="created",
    sets={
        "contact_id": "contact_id",
        "applied_at": "happened_at",
        "checked_at": "seen_at",
        "deliveries": "only_delivery",
    },
    adds={"deliveries": "delivery"},
    removes=("owner", "lease_until", "expires_at", "claimed_at"),
    then="answer `created` or `duplicate`",
)
ADOPT_FOR_UPDATE = Transition(
    event="adopt_for_update",
    when='a lookup found the contact, with `on_existing = "update"`',
    allowed={"any": ()},
    to="created",
    sets={"contact_id": "contact_id", "lease_until": "update_lease_end"},
    removes=("expires_at", "claimed_at"),
    then="update the contact in Clemta",
)
RELEASE = Transition(
    event="release",
    when="no call took effect, and the claim is `fresh`",
    allowed={"claimed": (OWNED,)},
    to="free",
    sets={"counted": "counted"},
    removes=("claimed_at",),
    then="requeue or park the submission",
)
RESTORE = Transition(
    event="restore",
    when="no call took effect, and the claim is not `fresh`",
    allowed={"claimed": (OWNED,)},
    to="unknown",
    sets={"lease_until": "now", "unseen_at": "empty_lookup_at"},
    then="requeue or park the submission",
)
MARK_UNKNOWN = Transition(
    event="mark_unknown",
    when="the create may have taken effect (timeout, reset, 5xx, unreadable answer)",
    allowed={"claimed": (OWNED,)},
    to="unknown",
    sets={"lease_until": "now"},
    then="requeue the submission; the next claim is not `fresh`",
)
MARK_NOT_FOUND = Transition(
    event="mark_not_found",
    when="a lookup found nothing, but an earlier create may show up later",
    allowed={"claimed": (OWNED,)},
    to="unknown",
    sets={"lease_until": "search_lag_end", "unseen_at": "now"},
    then="requeue the submission; the next claim has `lookup_was_empty`",
)
RECORD_SEEN = Transition(
    event="record_seen",
    when="a delivery is a duplicate; Clemta may have shown the contact",
    allowed={"created": (SAME_CONTACT,)},
    to=None,
    sets={"checked_at": "seen_at", "deliveries": "only_delivery"},
    adds={"deliveries": "delivery"},
    then="answer `duplicate`",
)
CLAIM_UPDATE = Transition(
    event="claim_update",
    when='a submission meets a created contact, with `on_existing = "update"`',
    allowed={"created": (SAME_CONTACT, NO_UPDATE, IN_ORDER)},
    to=None,
    sets={"owner": "claim_id", "lease_until": "update_lease_end"},
    then="update the contact in Clemta",
)
FINISH_UPDATE = Transition(
    event="finish_update",
    when="the contact in Clemta reflects the event",
    allowed={"created": (OWNED,)},
    to=None,
    sets={"applied_at": "happened_at", "checked_at": "seen_at", "deliveries": "only_delivery"},
    adds={"deliveries": "delivery"},
    removes=("owner", "lease_until"),
    then="answer `updated` or `duplicate`",
)
RELEASE_UPDATE = Transition(
    event="release_update",
    when="the update did not take effect",
    allowed={"created": (OWNED,)},
    to=None,
    sets={},
    removes=("owner", "lease_until"),
    then="requeue or park the submission",
)
MARK_UPDATE_UNKNOWN = Transition(
    event="mark_update_unknown",
    when="the update may take effect later",
    allowed={"created": (OWNED,)},
    to=None,
    sets={"lease_until": "search_lag_end"},
    then="requeue the submission; the next update waits until the lease has lapsed",
)
RECLAIM = Transition(
    event="reclaim",
    when="the contact was deleted in Clemta, and its person signed up again",
    allowed={"created": (SAME_CONTACT, NO_OTHER_UPDATE)},
    to="claimed",
    sets=_CLAIMED,
    sets_once={"claimed_at": "now"},
    removes=("unseen_at", "counted"),
    then="look up the contact; if nothing but the deleted one is found, create it",
)
RECORD_LISTED = Transition(
    event="record_listed",
    when="a reading of Clemta's list shows such a contact",
    allowed={"absent": (), "free": (), "claimed": (), "unknown": ()},
    to=None,
    sets={"listed_at": "now", "expires_at": "forget_at"},
    sets_once={"state": "free"},
    then="the next claim looks the contact up",
)
TRANSITIONS = (
    *(CLAIM, RECORD_CREATED, ADOPT_FOR_UPDATE, RELEASE, RESTORE, MARK_UNKNOWN, MARK_NOT_FOUND),
    *(RECORD_SEEN, CLAIM_UPDATE, FINISH_UPDATE, RELEASE_UPDATE, MARK_UPDATE_UNKNOWN, RECLAIM),
    RECORD_LISTED,
)

RESERVE = Transition(  # of an item of its own, which has no state
    event="reserve_contact",
    when='with `on_existing = "create"`, a contact was created or found',
    allowed={"absent": (), "any": (SAME_CLAIM,)},
    to=None,
    sets={"owner": "claim_key", "expires_at": "forget_at"},
    then="record the contact as created",
)


def times(now: float, search_lag: float) -> dict[str, Value]:
    """The values that follow from the clock; the other values are the caller's."""
    return {
        "now": now,
        "claim_lease_end": now + LEASE_SECONDS,
        "update_lease_end": now + LEASE_SECONDS + search_lag,
        "search_lag_end": now + search_lag,
        "forget_at": int(now) + FORGET_SECONDS,
    }


def is_full(deliveries: Collection[str]) -> bool:
    """Whether the next delivery replaces those that the item remembers."""
    return len(deliveries) >= MAX_DELIVERIES
