"""The ledger: who may work on which contact, and what is known of it. One DynamoDB item for each contact.

    absent, free ── claim ──> claimed ── record_created, adopt_for_update ──> created
          ^                    │   ^                                            │
          └───── release ──────┤   └──────────────── reclaim ───────────────────┘
                               │   ^
        mark_unknown, restore, │   │ claim
              mark_not_found   v   │
                              unknown

A claim is a lease: it lapses, and then the outcome counts as unknown, because the owner may have called Clemta. Each
method is one conditional write; claim_states.py says for each from which states it starts, what it sets and what the
caller may do next. Items hold keyed hashes, times and Clemta's contact id, no personal data.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from ..contacts import ContactRequest
from ..errors import ClaimHeld, Retryable
from ..model import Claim, Created, Person
from .claim_states import (
    ADOPT_FOR_UPDATE,
    CLAIM,
    CLAIM_UPDATE,
    FINISH_UPDATE,
    MARK_NOT_FOUND,
    MARK_UNKNOWN,
    MARK_UPDATE_UNKNOWN,
    RECLAIM,
    RECORD_CREATED,
    RECORD_LISTED,
    RECORD_SEEN,
    RELEASE,
    RELEASE_UPDATE,
    RESERVE,
    RESTORE,
    Transition,
    Value,
    is_full,
    times,
)
from .keys import contact_key, delivery_hash, reservation_key
from .table import ConditionFailed

type Values = dict[str, Value]

_BUSY_SECONDS = 5  # an owner usually finishes within this time, long before its lease lapses


class Items(Protocol):
    """Where the items are; see claim_items.ClaimItems."""

    def apply(
        self, key: str, transition: Transition, values: Mapping[str, Value], *, return_old: bool = False
    ) -> dict[str, Any]: ...


class Ledger:
    """Claims on contacts. `pepper` keys the hashes, `search_lag` is in seconds, `clock` gives unix seconds.

    While the table is out of reach, methods raise Retryable. Some ignore that, and a lost lease, as no harm is done:
    record_seen, release, restore, mark_unknown, mark_not_found, release_update, mark_update_unknown.
    """

    def __init__(
        self, items: Items, pepper: Callable[[], str], search_lag: float, clock: Callable[[], float]
    ) -> None:
        self._items = items
        self._pepper = pepper
        self._search_lag = search_lag
        self._clock = clock

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        """absent, free, unknown or a lapsed claim -> claimed. Returns what is known of a created contact instead.

        Raises ClaimHeld while another owner holds the lease. `delivery_id` is "" if one e-mail address is one contact,
        and the sender's id if each delivery makes a contact of its own. `resent_as` is the same each time a sender
        repeats the delivery; "" for a person's own post.
        """
        now, claim_id, pepper = self._clock(), secrets.token_hex(8), self._pepper()
        key = contact_key(pepper, contact.company_id, contact.type, contact.email, delivery_id)
        delivery = delivery_hash(pepper, key, resent_as)
        try:
            old = self._apply(key, CLAIM, {"claim_id": claim_id}, now=now, return_old=True)
        except ConditionFailed as failed:
            item = failed.item
            if item.get("state") == "created":
                return Created(
                    key=key,
                    contact_id=item["contact_id"],
                    checked_at=float(item.get("checked_at", 0)),
                    delivery=delivery,
                    deliveries=frozenset(item.get("deliveries", ())),
                )
            if item.get("owner") == claim_id:  # the SDK repeated our own write, whose answer was lost
                return _claim_from(item, key, claim_id, delivery, now)
            raise _claim_held(item, now) from None
        return _claim_from(old, key, claim_id, delivery, now)

    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        """created -> claimed: the contact was deleted in Clemta. `holder` is the caller's own claim for an update.

        Raises ClaimHeld if another caller holds it for an update, or has claimed it.
        """
        now, claim_id = self._clock(), secrets.token_hex(8)
        holder_id = holder.id if holder else "-"  # no claim has this id
        values = {"claim_id": claim_id, "contact_id": known.contact_id, "holder_id": holder_id}
        try:
            self._apply(known.key, RECLAIM, values, now=now)
        except ConditionFailed:
            raise ClaimHeld("claimed", retry_after=1) from None
        return Claim(
            key=known.key,
            id=claim_id,
            fresh=True,
            since=now,
            delivery=known.delivery,
            gone=known.contact_id,
            full=is_full(known.deliveries),
        )

    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        """created -> created, with a lease for the update; None if something newer than `happened_at` was applied.

        Raises ClaimHeld if another caller holds it for an update, or has claimed it.
        """
        now, claim_id = self._clock(), secrets.token_hex(8)
        values: Values = {"claim_id": claim_id, "contact_id": known.contact_id, "happened_at": happened_at}
        try:
            self._apply(known.key, CLAIM_UPDATE, values, now=now)
        except ConditionFailed as failed:
            item = failed.item
            same = (item.get("state"), item.get("contact_id")) == ("created", known.contact_id)
            if same and float(item.get("applied_at", 0)) > happened_at:
                return None
            raise _claim_held(item, now) from None
        return Claim(
            key=known.key,
            id=claim_id,
            fresh=False,
            since=now,
            delivery=known.delivery,
            full=is_full(known.deliveries),
        )

    def record_created(
        self, claim: Claim, contact_id: str, seen_at: float, happened_at: float | None = None
    ) -> None:
        """any state -> created. A call that began at `seen_at` showed the contact; it reflects `happened_at`.

        Without `happened_at` the contact was there before, and need not reflect the submission.
        """
        values: Values = {"contact_id": contact_id, "seen_at": seen_at, "happened_at": happened_at}
        values |= _delivery(claim.delivery, claim.full)
        self._apply(claim.key, RECORD_CREATED, values)

    def adopt_for_update(self, claim: Claim, contact_id: str) -> None:
        """any state -> created, with the claim as the lease for the update."""
        self._apply(claim.key, ADOPT_FOR_UPDATE, {"contact_id": contact_id})

    def record_seen(self, known: Created, seen_at: float | None = None) -> None:
        """created -> created, with this delivery acknowledged; a call that began at `seen_at` showed the contact."""
        delivery = "" if known.delivered else known.delivery
        if seen_at is None and not delivery:
            return
        values: Values = {"contact_id": known.contact_id, "seen_at": seen_at}
        values |= _delivery(delivery, is_full(known.deliveries))
        with suppress(ConditionFailed, Retryable):
            self._apply(known.key, RECORD_SEEN, values)

    def record_listed(self, company_id: str, person: Person) -> None:
        """absent -> free, or the state stays: Clemta has a contact of this person, so the next claim is `listed`.

        Raises NotApplied if the table is out of reach: then the person is not known to be listed.
        """
        key = contact_key(self._pepper(), company_id, *person)
        with suppress(ConditionFailed):  # created or unknown: the next delivery asks Clemta where it must
            self._apply(key, RECORD_LISTED, {})

    def finish_update(self, claim: Claim, seen_at: float, happened_at: float) -> None:
        """created -> created, without the lease. Times as in `record_created`.

        Raises ClaimHeld if the lease has gone to another caller.
        """
        values: Values = {"claim_id": claim.id, "seen_at": seen_at, "happened_at": happened_at}
        values |= _delivery(claim.delivery, claim.full)
        try:
            self._apply(claim.key, FINISH_UPDATE, values)
        except ConditionFailed:
            raise ClaimHeld("claim_lost", retry_after=1) from None

    def release_update(self, claim: Claim) -> None:
        """created -> created, without the lease: the update did not take effect."""
        self._settle(claim, RELEASE_UPDATE)

    def mark_update_unknown(self, claim: Claim) -> None:
        """created -> created, with a lease as long as the search lag: the update may take effect until then."""
        self._settle(claim, MARK_UPDATE_UNKNOWN)

    def mark_unknown(self, claim: Claim) -> None:
        """claimed -> unknown: the create may have taken effect."""
        self._settle(claim, MARK_UNKNOWN)

    def mark_not_found(self, claim: Claim) -> None:
        """claimed -> unknown: a lookup found nothing. The next claim waits for the search lag."""
        self._settle(claim, MARK_NOT_FOUND)

    def restore(self, claim: Claim) -> None:
        """claimed -> unknown, as before this claim: no call took effect."""
        self._settle(claim, RESTORE)

    def release(self, claim: Claim) -> None:
        """claimed -> free: no call took effect, and none did before."""
        self._settle(claim, RELEASE)

    def reserve_contact(self, claim: Claim, contact_id: str) -> bool:
        """Reserves this contact in Clemta for the claim; False if another claim has it."""
        try:
            self._apply(reservation_key(self._pepper(), contact_id), RESERVE, {"claim_key": claim.key})
        except ConditionFailed:
            return False
        return True

    def _settle(self, claim: Claim, transition: Transition) -> None:
        """Writes what became of the claim. If that fails, the lease lapses, and the next claim begins with a lookup."""
        now = self._clock()
        values: Values = {
            "claim_id": claim.id,
            "counted": 1 if claim.counted else None,
            "empty_lookup_at": now if claim.lookup_was_empty else None,
        }
        with suppress(ConditionFailed, Retryable):
            self._apply(claim.key, transition, values, now=now)

    def _apply(
        self,
        key: str,
        transition: Transition,
        values: Mapping[str, Value],
        *,
        now: float | None = None,
        return_old: bool = False,
    ) -> dict[str, Any]:
        now = self._clock() if now is None else now
        all_values = {**times(now, self._search_lag), **values}
        return self._items.apply(key, transition, all_values, return_old=return_old)


def _claim_from(item: Mapping[str, Any], key: str, claim_id: str, delivery: str, now: float) -> Claim:
    """The claim, by what the item was before it; fresh if no earlier attempt can have created the contact."""
    fresh = item.get("state") in (None, "free")
    return Claim(
        key=key,
        id=claim_id,
        fresh=fresh,
        since=now if fresh else float(item.get("claimed_at", now)),
        lookup_was_empty="unseen_at" in item,
        counted="counted" in item,
        delivery=delivery,
        gone=item.get("contact_id", ""),
        full=is_full(item.get("deliveries", ())),
        listed="listed_at" in item,
    )


def _claim_held(item: Mapping[str, Any], now: float) -> ClaimHeld:
    """When to try again: after the search lag if a lookup found nothing, else soon: the owner needs seconds only."""
    left = float(item.get("lease_until", now)) - now
    return ClaimHeld(
        "claimed", retry_after=max(1.0, left if item.get("state") == "unknown" else min(left, _BUSY_SECONDS))
    )


def _delivery(delivery: str, full: bool) -> Values:
    """The values by which the item remembers this delivery."""
    remembered: Value = [delivery] if delivery else None
    return {"only_delivery": remembered if full else None, "delivery": None if full else remembered}
