"""The ledger: one DynamoDB item for each contact that was ever asked for, claimed before Clemta is called.

    free -> claimed -> created
             |  ^
             v  |
           unknown          a claim whose lease ran out counts as unknown too: its holder may have called Clemta

A claim is one conditional write. From unknown the only way on is a look-up; from created it is an update under a claim
of its own, or Clemta's word that the contact is gone; see docs/architecture.md. Items hold keyed hashes, times and
Clemta's contact id, no personal data. The same table keeps the request budget, which all functions share.
"""

import hmac
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..contacts import ContactRequest
from ..errors import ClaimHeld, Retryable
from ..model import Claim, Created
from .table import ConditionFailed, Table

if TYPE_CHECKING:
    pass

LEASE_SECONDS = 60  # longer than any invocation lives: nobody works on under a claim that has lapsed
_BUSY_SECONDS = 5


_DAY_SECONDS = 86_400
_FORGET_SECONDS = 30 * _DAY_SECONDS  # items that led to no contact; created ones stay
_MOST_DELIVERIES = 100  # that one contact's item remembers; the next one begins anew


_CLAIM = (
    "SET #state = :claimed, #owner = :owner, lease_until = :lease_until, expires_at = :expires_at,"
    " claimed_at = if_not_exists(claimed_at, :now) REMOVE unseen_at"
)
_CLAIMABLE = (
    "attribute_not_exists(pk) OR #state = :free OR (#state IN (:claimed, :unknown) AND lease_until <= :now)"
)


class Ledger:
    """Claims and their fates; `pepper` keys the hashes, `search_lag` in seconds, `clock` gives unix seconds."""

    def __init__(
        self, table: Table, pepper: Callable[[], str], search_lag: float, clock: Callable[[], float]
    ) -> None:
        self._table = table
        self._pepper = pepper
        self._search_lag = search_lag
        self._clock = clock

    def claim(self, contact: ContactRequest, delivery_id: str, resent_as: str = "") -> Claim | Created:
        """The claim on this contact, or what became of it; ClaimHeld while somebody else holds it.

        `delivery_id` is "" where one e-mail is one contact, the sender's id where each submission is one. `resent_as`
        is the id under which the sender may send the same delivery again, "" if it is a person's own post.
        """
        now = self._clock()
        claim_id = secrets.token_hex(8)
        pk = contact_key(self._pepper(), contact.company_id, contact.type, contact.email, delivery_id)
        delivery = _keyed(self._pepper(), f"{pk}\n{resent_as}")[:32] if resent_as else ""
        try:
            old = self._table.update(
                pk,
                _CLAIM,
                _CLAIMABLE,
                {":free": "free", ":unknown": "unknown", **_claimed(claim_id, now)},
                wants_old=True,
            )
        except ConditionFailed as refusal:
            return self._held(pk, claim_id, delivery, refusal.item, now)
        fresh = old.get("state") in (None, "free")
        since = now if fresh else float(old.get("claimed_at", now))
        gone = old.get("contact_id", "")  # an item that is not created names the contact that was deleted
        full = _is_full(old.get("deliveries", ()))
        return Claim(pk, claim_id, fresh, since, "unseen_at" in old, "counted" in old, delivery, gone, full)

    def _held(
        self, pk: str, claim_id: str, delivery: str, item: dict[str, Any], now: float
    ) -> Claim | Created:
        if item.get("state") == "created":
            checked_at = float(item.get("checked_at", 0))
            return Created(
                pk, item["contact_id"], checked_at, delivery, frozenset(item.get("deliveries", ()))
            )
        if item.get("owner") == claim_id:  # our own write, whose answer was lost and which the SDK repeated
            since = float(item.get("claimed_at", now))
            counted, gone = "counted" in item, item.get("contact_id", "")
            full = _is_full(item.get("deliveries", ()))
            return Claim(pk, claim_id, False, since, False, counted, delivery, gone, full)
        left = float(item.get("lease_until", now)) - now
        # Its holder is done within seconds, as a rule; what a look-up did not find is not looked for before its time.
        raise ClaimHeld(
            "claimed",
            retry_after=max(1.0, left if item.get("state") == "unknown" else min(left, _BUSY_SECONDS)),
        )

    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        """The claim on a contact that was deleted in Clemta, as if there never was one; ClaimHeld if somebody is at it.

        `holder` is this caller's own claim for an update.
        """
        now, claim_id = self._clock(), secrets.token_hex(8)
        condition = (
            "#state = :created AND contact_id = :contact_id"
            " AND (attribute_not_exists(#owner) OR lease_until <= :now OR #owner = :holder)"
        )
        values = {
            ":created": "created",
            ":contact_id": known.contact_id,
            ":holder": holder.id if holder else "-",
            **_claimed(claim_id, now),
        }
        try:
            self._table.update(known.key, f"{_CLAIM}, counted", condition, values)
        except ConditionFailed:
            raise ClaimHeld("claimed", retry_after=1) from None
        full = _is_full(known.deliveries)
        return Claim(known.key, claim_id, True, now, False, False, known.delivery, known.contact_id, full)

    def claim_update(self, known: Created, happened_at: float) -> Claim | None:
        """The claim to update the contact; None if something newer was applied. ClaimHeld if another holds it."""
        now, claim_id = self._clock(), secrets.token_hex(8)
        condition = (
            "#state = :created AND contact_id = :contact_id"
            " AND (attribute_not_exists(#owner) OR lease_until <= :now)"
            " AND (attribute_not_exists(applied_at) OR applied_at <= :happened_at)"
        )
        values = {
            ":created": "created",
            ":contact_id": known.contact_id,
            ":owner": claim_id,
            ":now": now,
            ":until": now + LEASE_SECONDS + self._search_lag,
            ":happened_at": happened_at,
        }
        try:
            self._table.update(known.key, "SET #owner = :owner, lease_until = :until", condition, values)
        except ConditionFailed as refusal:
            item = refusal.item
            still = (item.get("state"), item.get("contact_id")) == ("created", known.contact_id)
            if still and float(item.get("applied_at", 0)) > happened_at:
                return None
            left = float(item.get("lease_until", now)) - now
            raise ClaimHeld("claimed", retry_after=max(1.0, min(left, _BUSY_SECONDS))) from None
        full = _is_full(known.deliveries)
        return Claim(known.key, claim_id, False, now, False, False, known.delivery, "", full)

    def record_created(
        self,
        claim: Claim,
        contact_id: str,
        seen_at: float,
        happened_at: float | None = None,
        *,
        held: bool = False,
    ) -> None:
        """The contact was there after `seen_at`, and holds what was said at `happened_at`.

        `held`: the claim goes on, for an update, and that says whether the contact is there.
        """
        values: dict[str, Any] = {":created": "created", ":contact_id": contact_id}
        update = "SET #state = :created, contact_id = :contact_id"
        if happened_at is not None:
            update += ", applied_at = :happened_at"
            values[":happened_at"] = happened_at
        if held:
            values[":until"] = self._clock() + LEASE_SECONDS + self._search_lag
            update += ", lease_until = :until REMOVE expires_at, claimed_at"
        else:
            values[":seen_at"] = seen_at
            anew, added = _remembered(claim.delivery, claim.full, values)
            update += (
                f", checked_at = :seen_at{anew} REMOVE #owner, lease_until, expires_at, claimed_at{added}"
            )
        self._table.update(claim.key, update, None, values)

    def record_seen(self, known: Created, seen_at: float | None = None) -> None:
        """This delivery is done with; the contact was there after `seen_at`, if Clemta was asked."""
        values: dict[str, Any] = {":created": "created", ":contact_id": known.contact_id}
        looked = ""
        if seen_at is not None:
            looked = ", checked_at = :seen_at"
            values[":seen_at"] = seen_at
        delivery = "" if known.delivered else known.delivery
        anew, added = _remembered(delivery, _is_full(known.deliveries), values)
        sets = f"{looked}{anew}".removeprefix(", ")
        update = (f"SET {sets}" if sets else "") + added
        if update:
            with suppress(ConditionFailed, Retryable):  # then it is looked at once more than needed
                condition = "#state = :created AND contact_id = :contact_id"
                self._table.update(known.key, update, condition, values)

    def finish_update(self, claim: Claim, seen_at: float, happened_at: float) -> None:
        """The contact was there after `seen_at`, and holds what was said at `happened_at`.

        ClaimHeld if the claim to update it was lost.
        """
        values: dict[str, Any] = {":owner": claim.id, ":happened_at": happened_at, ":seen_at": seen_at}
        anew, added = _remembered(claim.delivery, claim.full, values)
        update = (
            f"SET applied_at = :happened_at, checked_at = :seen_at{anew} REMOVE #owner, lease_until{added}"
        )
        try:
            self._table.update(claim.key, update, "#owner = :owner", values)
        except ConditionFailed:
            raise ClaimHeld("claim_lost", retry_after=1) from None

    def release_update(self, claim: Claim, seconds: float = 0) -> None:
        """The update was not made; one that may still take effect holds the others back for so many `seconds`."""
        values: dict[str, Any] = {":owner": claim.id}
        update = "REMOVE #owner, lease_until"
        if seconds:
            update, values[":until"] = "SET lease_until = :until", self._clock() + seconds
        with suppress(ConditionFailed, Retryable):  # the lease runs out by itself
            self._table.update(claim.key, update, "#owner = :owner", values)

    def reserve_contact(self, claim: Claim, contact_id: str) -> bool:
        """Whether this contact in Clemta is the claim's: where each submission is one, no two adopt the same."""
        pk = "made#" + _keyed(self._pepper(), contact_id)
        values = {":owner": claim.key, ":expires_at": int(self._clock()) + _FORGET_SECONDS}
        update = "SET #owner = :owner, expires_at = :expires_at"
        try:
            self._table.update(pk, update, "attribute_not_exists(pk) OR #owner = :owner", values)
        except ConditionFailed:
            return False
        return True

    def mark_unknown(self, claim: Claim) -> None:
        """The contact may exist: whoever comes next begins with a look-up."""
        self._settle(claim, "SET #state = :state, lease_until = :now", {":now": self._clock()})

    def mark_not_found(self, claim: Claim) -> None:
        """A look-up found nothing: the one that decides comes when the search must have caught up."""
        now = self._clock()
        update = "SET #state = :state, unseen_at = :now, lease_until = :until"
        self._settle(claim, update, {":now": now, ":until": now + self._search_lag})

    def restore(self, claim: Claim) -> None:
        """No call that could take effect was made under this claim; what was known before it holds."""
        seen = ", unseen_at = :now" if claim.lookup_was_empty else ""
        self._settle(claim, f"SET #state = :state, lease_until = :now{seen}", {":now": self._clock()})

    def release(self, claim: Claim) -> None:
        """Nothing took effect: the next claim starts afresh."""
        values: dict[str, Any] = {":counted": 1} if claim.counted else {}
        counted = ", counted = :counted" if claim.counted else ""
        self._settle(claim, f"SET #state = :state{counted} REMOVE claimed_at", values, state="free")

    def _settle(self, claim: Claim, update: str, values: dict[str, Any], state: str = "unknown") -> None:
        values = {":state": state, ":owner": claim.id, ":claimed": "claimed", **values}
        with suppress(
            ConditionFailed, Retryable
        ):  # the lease runs out by itself, and what then comes is a look-up
            self._table.update(claim.key, update, "#owner = :owner AND #state = :claimed", values)


def contact_key(pepper: str, company_id: str, contact_type: str, email: str, delivery_id: str = "") -> str:
    """The item's key: a keyed hash, so that an e-mail address cannot be tested against a table that leaked."""
    parts = (company_id, contact_type, email.casefold(), delivery_id)
    return "contact#" + _keyed(pepper, "\n".join(parts))


def _claimed(claim_id: str, now: float) -> dict[str, Any]:
    """The values of _CLAIM."""
    return {
        ":claimed": "claimed",
        ":owner": claim_id,
        ":now": now,
        ":lease_until": now + LEASE_SECONDS,
        ":expires_at": int(now) + _FORGET_SECONDS,
    }


def _is_full(deliveries: Collection[str]) -> bool:
    return len(deliveries) >= _MOST_DELIVERIES


def _remembered(delivery: str, full: bool, values: dict[str, Any]) -> tuple[str, str]:
    """What an update that goes on sets, and what it adds, so that the item knows this delivery."""
    if not delivery:
        return "", ""
    values[":delivery"] = [delivery]
    return (", deliveries = :delivery", "") if full else ("", " ADD deliveries :delivery")


def _keyed(pepper: str, text: str) -> str:
    return hmac.new(pepper.encode(), text.encode(), "sha256").hexdigest()
