"""The ledger: one DynamoDB item for each contact that was ever asked for, claimed before Clemta is called.

    free -> claimed -> created
             |  ^
             v  |
           unknown          a claim whose lease ran out counts as unknown too: its holder may have called Clemta

A claim is one conditional write. From unknown the only way on is a look-up; from created it is an update under a claim
of its own, or Clemta's word that the contact is gone; see docs/architecture.md. Items hold keyed hashes, times and
Clemta's contact id, no personal data. The same table keeps the request budget, which all functions share.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from . import telemetry
from .contacts import ContactRequest
from .delivery import Claim, Created
from .errors import Busy, ConfigError, RateLimited, TakenForSpam, Temporary
from .lanes import QUEUES, Lanes, Place
from .submissions import Submission

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from .deadlines import Deadline

LEASE_SECONDS = 60  # longer than any invocation lives: nobody works on under a claim that has lapsed
_BUSY_SECONDS = 5
_WINDOW_SECONDS = 60
_TRAVEL_SECONDS = 1  # what a call may take from its booking here to being counted at Clemta
_TRIES = 8  # writes for one call, where many functions call at once
_MOMENT = 3  # seconds that a slot is kept for whoever finds no call left at its turn
_DAY_SECONDS = 86_400
_FORGET_SECONDS = 30 * _DAY_SECONDS  # items that led to no contact; created ones stay
_MOST_DELIVERIES = 100  # that one contact's item remembers; the next one begins anew

_BATCH_SECONDS = 7 * _DAY_SECONDS  # senders give up sooner

_BUDGET = "budget"
_CLAIM = (
    "SET #state = :claimed, #owner = :owner, lease_until = :lease_until, expires_at = :expires_at,"
    " claimed_at = if_not_exists(claimed_at, :now) REMOVE unseen_at"
)
_CLAIMABLE = (
    "attribute_not_exists(pk) OR #state = :free OR (#state IN (:claimed, :unknown) AND lease_until <= :now)"
)


class Table:
    """The DynamoDB table; its own trouble is Temporary."""

    def __init__(self, client: Callable[[], "DynamoDBClient"], name: str) -> None:
        self._client = client
        self._name = name

    def update(
        self, pk: str, update: str, condition: str | None, values: dict[str, Any], *, wants_old: bool = False
    ) -> dict[str, Any]:
        """One UpdateItem; the item as it was, if it is wanted: every attribute takes its time to be read.

        Raises _NotMet, with the item as it is, if `condition` does not hold.
        """
        names = {"#state": "state", "#owner": "owner"}
        used = {name: word for name, word in names.items() if name in f"{update} {condition}"}
        request: dict[str, Any] = {
            "TableName": self._name,
            "Key": {"pk": {"S": pk}},
            "UpdateExpression": update,
            "ExpressionAttributeValues": {name: _attribute(value) for name, value in values.items()},
            "ReturnValues": "ALL_OLD" if wants_old else "NONE",
        }
        if used:
            request["ExpressionAttributeNames"] = used
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            return _plain(self._client().update_item(**request).get("Attributes", {}))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                raise _NotMet(_plain(error.response.get("Item", {}))) from None
            raise Temporary("ledger_unavailable", str(error.response.get("Error", {}).get("Code"))) from error
        except BotoCoreError as error:
            raise Temporary("ledger_unavailable", type(error).__name__) from error


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
        """The claim on this contact, or what became of it; Busy while somebody else holds it.

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
        except _NotMet as refusal:
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
        raise Busy(
            "claimed",
            retry_after=max(1.0, left if item.get("state") == "unknown" else min(left, _BUSY_SECONDS)),
        )

    def reclaim(self, known: Created, holder: Claim | None = None) -> Claim:
        """The claim on a contact that was deleted in Clemta, as if there never was one; Busy if somebody is at it.

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
        except _NotMet:
            raise Busy("claimed", retry_after=1) from None
        full = _is_full(known.deliveries)
        return Claim(known.key, claim_id, True, now, False, False, known.delivery, known.contact_id, full)

    def hold(self, known: Created, happened_at: float) -> Claim | None:
        """The claim to update the contact; None if something newer was applied, Busy while somebody else holds it."""
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
        except _NotMet as refusal:
            item = refusal.item
            still = (item.get("state"), item.get("contact_id")) == ("created", known.contact_id)
            if still and float(item.get("applied_at", 0)) > happened_at:
                return None
            left = float(item.get("lease_until", now)) - now
            raise Busy("claimed", retry_after=max(1.0, min(left, _BUSY_SECONDS))) from None
        full = _is_full(known.deliveries)
        return Claim(known.key, claim_id, False, now, False, False, known.delivery, "", full)

    def created(
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

    def seen(self, known: Created, seen_at: float | None = None) -> None:
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
            with suppress(_NotMet, Temporary):  # then it is looked at once more than needed
                condition = "#state = :created AND contact_id = :contact_id"
                self._table.update(known.key, update, condition, values)

    def applied(self, claim: Claim, seen_at: float, happened_at: float) -> None:
        """The contact was there after `seen_at`, and holds what was said at `happened_at`.

        Busy if the claim to update it was lost.
        """
        values: dict[str, Any] = {":owner": claim.id, ":happened_at": happened_at, ":seen_at": seen_at}
        anew, added = _remembered(claim.delivery, claim.full, values)
        update = (
            f"SET applied_at = :happened_at, checked_at = :seen_at{anew} REMOVE #owner, lease_until{added}"
        )
        try:
            self._table.update(claim.key, update, "#owner = :owner", values)
        except _NotMet:
            raise Busy("claim_lost", retry_after=1) from None

    def let_go(self, claim: Claim, seconds: float = 0) -> None:
        """The update was not made; one that may still take effect holds the others back for so many `seconds`."""
        values: dict[str, Any] = {":owner": claim.id}
        update = "REMOVE #owner, lease_until"
        if seconds:
            update, values[":until"] = "SET lease_until = :until", self._clock() + seconds
        with suppress(_NotMet, Temporary):  # the lease runs out by itself
            self._table.update(claim.key, update, "#owner = :owner", values)

    def reserve(self, claim: Claim, contact_id: str) -> bool:
        """Whether this contact in Clemta is the claim's: where each submission is one, no two adopt the same."""
        pk = "made#" + _keyed(self._pepper(), contact_id)
        values = {":owner": claim.key, ":expires_at": int(self._clock()) + _FORGET_SECONDS}
        update = "SET #owner = :owner, expires_at = :expires_at"
        try:
            self._table.update(pk, update, "attribute_not_exists(pk) OR #owner = :owner", values)
        except _NotMet:
            return False
        return True

    def unknown(self, claim: Claim) -> None:
        """The contact may exist: whoever comes next begins with a look-up."""
        self._settle(claim, "SET #state = :state, lease_until = :now", {":now": self._clock()})

    def unseen(self, claim: Claim) -> None:
        """A look-up found nothing: the one that decides comes when the search must have caught up."""
        now = self._clock()
        update = "SET #state = :state, unseen_at = :now, lease_until = :until"
        self._settle(claim, update, {":now": now, ":until": now + self._search_lag})

    def unresolved(self, claim: Claim) -> None:
        """No call that could take effect was made under this claim; what was known before it holds."""
        seen = ", unseen_at = :now" if claim.looked else ""
        self._settle(claim, f"SET #state = :state, lease_until = :now{seen}", {":now": self._clock()})

    def release(self, claim: Claim) -> None:
        """Nothing took effect: the next claim starts afresh."""
        values: dict[str, Any] = {":counted": 1} if claim.counted else {}
        counted = ", counted = :counted" if claim.counted else ""
        self._settle(claim, f"SET #state = :state{counted} REMOVE claimed_at", values, state="free")

    def _settle(self, claim: Claim, update: str, values: dict[str, Any], state: str = "unknown") -> None:
        values = {":state": state, ":owner": claim.id, ":claimed": "claimed", **values}
        with suppress(_NotMet, Temporary):  # the lease runs out by itself, and what then comes is a look-up
            self._table.update(claim.key, update, "#owner = :owner AND #state = :claimed", values)


class Budget:
    """At most `per_minute` calls to Clemta in any 60 s, by whichever function, and in order: see lanes.py.

    One item counts the calls of each second that is still in the window, and the numbers of those who wait. Each write
    is conditional: it fails if somebody else wrote meanwhile, and then brings the newer state along. All of the limit
    may be used at once; afterwards a submission waits for its turn, and so does whoever comes while others wait.
    """

    def __init__(
        self, table: Table, per_minute: float, clock: Callable[[], float], proven_every: float = 5
    ) -> None:
        self._limit = int(per_minute)
        self._pace = _free_at(0) / self._limit
        self._every = int(proven_every)
        self._table = table
        self._clock = clock
        self._state: dict[str, Any] = {}  # the item as last seen
        self._read: tuple[dict[int, int], Lanes] | None = None  # what it says, read once
        self._booked: list[int] = []  # the seconds of calls that were booked here and not made yet
        self._place: Place | None = None
        self._served = False  # the calls that follow belong to a submission whose turn it is

    def serve(self, place: Place) -> None:
        """The calls that follow are for the submission at this place. Without any, only the limit counts."""
        self._place, self._served = place, False

    def take(self, deadline: "Deadline", ahead: int = 0) -> None:
        """Returns if a call may be made now, with `ahead` more to follow; RateLimited says when the turn comes.

        Those ahead are booked along, so that no look-up is wasted for want of the create after it.
        """
        wanted = min(1 + ahead, self._limit)
        place, fresh = self._place, False
        slot = place.slot if place else ""
        for _ in range(_TRIES):
            deadline.check()
            now = self._clock()
            second = int(now)
            calls, lanes = self._at(now)
            booked = [earlier for earlier in self._booked if earlier in calls]
            missing = max(0, wanted - len(booked))
            room_at = self._room_at(now, calls, missing)
            if self._served and not missing and booked[0] == second and room_at <= now:
                self._booked = booked[1:]
                return
            turn = lanes.turn(place, now) if place else None
            may_go = self._served or turn == now or place is None or (turn is None and not lanes.busy(now))
            if may_go and room_at <= now:
                for earlier in booked:  # they are made now, not when they were booked
                    calls[earlier] -= 1
                calls[second] = calls.get(second, 0) + len(booked) + missing
                if self._write(calls, lanes):
                    self._served = True
                    self._booked = [second] * (len(booked) + missing - 1)
                    telemetry.measured("BudgetLeft", self._limit - sum(calls.values()))
                    return
                fresh = True
            elif place is None:
                raise RateLimited("budget_used_up", retry_after=room_at - now)
            elif slot and not fresh:  # what is remembered here may be old
                if turn == now:
                    lanes.next_at += self._pace  # its call comes later, and so does everybody's after it
                self._write(calls, lanes)
                fresh = True
            elif turn is not None and (turn > now or room_at < now + _MOMENT):
                raise RateLimited("budget_used_up", retry_after=max(turn, room_at) - now, slot=slot)
            elif room_at <= lanes.next_at and lanes.busy(now):
                raise self._wait("budget_used_up", place, wanted)
            else:  # the line begins, or is held up
                lanes.next_at = max(lanes.next_at, room_at)
                queue = self._queue(place)
                if self._write(calls, lanes, {f"{queue}_taken": lanes.taken[queue] + wanted}):
                    raise self._queued("budget_used_up", queue, wanted)
        deadline.check()
        if place is None or turn is not None:
            raise RateLimited("budget_contended", retry_after=_MOMENT, slot=slot)
        raise self._wait("budget_contended", place, wanted)

    def heard(self, remaining: int, reset: float, deadline: "Deadline") -> None:
        """Clemta says that so many calls are left, and for how many seconds none is if it is 0.

        Where that is fewer than we thought, somebody else calls with our key, or the limit is lower: it counts too.
        """
        with suppress(Temporary):  # Clemta did answer, whatever becomes of this
            for _ in range(_TRIES):
                now = self._clock()
                second = int(now)
                calls, lanes = self._at(now)
                foreign = self._limit - sum(calls.values()) - remaining
                if remaining == 0 and reset and foreign > 0:
                    self._block(reset)
                    return
                if foreign < max(2, self._limit // 20):  # less is only the order in which answers come in
                    return
                deadline.check()
                calls[second] = calls.get(second, 0) + foreign
                if self._write(calls, lanes):
                    return

    def refused(self, seconds: float, deadline: "Deadline") -> tuple[float, str]:
        """Clemta answered 429: nobody calls for so many seconds. The seconds until this caller's slot, and the slot."""
        self._block(seconds)
        if self._place is None:
            return seconds, ""
        try:
            deadline.check()
            queued = self._wait("clemta_limit", self._place, 2)
        except Temporary:  # then it comes with others, and waits once more
            return seconds, ""
        return max(seconds, queued.retry_after), queued.slot

    def _at(self, now: float) -> tuple[dict[int, int], Lanes]:
        """The window and the line as they are now. Whoever changes them writes them, or they are read again.

        The calls by second: a second counts until its last instant, and what then was under way, is a minute old.
        While Clemta refuses, the line stands still.
        """
        if self._read is None:
            self._read = self._calls(), self._lanes()
        calls, lanes = self._read
        for second in [second for second in calls if now >= _free_at(second)]:
            del calls[second]
        lanes.next_at = max(lanes.next_at, float(self._state.get("blocked_until", 0)))
        lanes.advance(now)
        return calls, lanes

    def _calls(self) -> dict[int, int]:
        known: Iterable[tuple[int, int]]
        if "recent_calls" in self._state:
            first, *counts = json.loads(self._state["recent_calls"])
            known = enumerate(counts, first)
        else:  # of release 0.1.0, or of a new table
            old: dict[str, int] = json.loads(self._state.get("calls", "{}"))
            known = ((int(second), count) for second, count in old.items())
        return {second: count for second, count in known if count}

    def _lanes(self) -> Lanes:
        next_at, since_proven, *called = json.loads(self._state.get("next_calls", "[0, 0, 0, 0, 0, 0]"))
        taken = {queue: int(self._state.get(f"{queue}_taken", 0)) for queue in QUEUES}
        called = dict(zip(QUEUES, called, strict=True))
        return Lanes(self._pace, self._every, next_at, since_proven, called, taken)

    def _room_at(self, now: float, calls: dict[int, int], missing: int) -> float:
        """When so many calls are left, and Clemta does not refuse."""
        room_at = max(now, float(self._state.get("blocked_until", 0)))
        over = sum(calls.values()) + missing - self._limit
        if missing and over > 0:
            seconds = sorted(calls)
            freed = accumulate(calls[second] for second in seconds)
            enough = next(second for second, count in zip(seconds, freed, strict=True) if count >= over)
            room_at = max(room_at, _free_at(enough))
        return room_at

    def _queue(self, place: Place) -> str:
        """Where the submission waits: who had a turn before waits for the lane's next one."""
        return f"{place.lane}_late" if self._served or place.slot else place.lane

    def _wait(self, code: str, place: Place, calls: int) -> RateLimited:
        """Takes the next numbers of a queue, whoever else writes meanwhile."""
        queue, revision = self._queue(place), secrets.token_hex(8)
        values = {":calls": calls, ":revision": revision}
        update = f"SET revision = :revision ADD {queue}_taken :calls"
        self._state = self._table.update(_BUDGET, update, None, values, wants_old=True)
        taken = int(self._state.get(f"{queue}_taken", 0)) + calls
        self._state |= {f"{queue}_taken": taken, "revision": revision}
        self._read = None
        return self._queued(code, queue, calls)

    def _queued(self, code: str, queue: str, calls: int) -> RateLimited:
        """The slot of the numbers that were taken last, and the seconds until it is called."""
        now = self._clock()
        _, lanes = self._at(now)
        number = lanes.taken[queue] - calls
        waits = max(0.0, lanes.called_at(queue, number) - now)
        return RateLimited(code, retry_after=waits, slot=f"{queue}:{number}")

    def _write(
        self, calls: dict[int, int], lanes: Lanes, taken: Mapping[str, int] = MappingProxyType({})
    ) -> bool:
        """Whether nobody else wrote since the item was last seen; if somebody did, it is seen now."""
        revision = secrets.token_hex(8)
        first, last = min(calls, default=0), max(calls, default=0)
        counts = [calls.get(second, 0) for second in range(first, last + 1)]
        line = [round(lanes.next_at, 6), lanes.since_proven, *lanes.called.values()]
        seen: dict[str, Any] = {"recent_calls": _dense([first, *counts]), "next_calls": _dense(line)}
        seen |= {"revision": revision, **taken}
        values = {f":{name}": value for name, value in seen.items()}
        update = "SET " + ", ".join([f"{name} = :{name}" for name in seen])
        condition = "attribute_not_exists(revision)"
        if "revision" in self._state:
            values[":seen"], condition = self._state["revision"], "revision = :seen"
        read, self._read = self._read, None
        try:
            self._table.update(_BUDGET, update, condition, values)
        except _NotMet as newer:
            self._state = newer.item
            return False
        self._state |= seen
        self._read = read
        for name, number in taken.items():
            lanes.taken[name.removesuffix("_taken")] = number
        return True

    def _block(self, seconds: float) -> None:
        """Nobody calls for so many seconds."""
        self._booked = []  # so that the next call is written down, and meets what is written here
        values = {":until": self._clock() + seconds, ":revision": secrets.token_hex(8)}
        later = "attribute_not_exists(blocked_until) OR blocked_until < :until"
        with suppress(_NotMet, Temporary):  # it is later already, or the next call is refused again
            self._table.update(_BUDGET, "SET blocked_until = :until, revision = :revision", later, values)


class DailyCap:
    """How many new contacts a source makes in a day, by UTC; while the table is out of reach there is no bound."""

    def __init__(self, table: Table, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def take(self, source: str, most: int, numbers: int) -> None:
        """So many more, 1 or 0; TakenForSpam if the day has had its `most`."""
        day = self._clock() // _DAY_SECONDS
        values = {":numbers": numbers, ":most": most, ":expires_at": int((day + 2) * _DAY_SECONDS)}
        update = "SET expires_at = :expires_at ADD taken :numbers"
        condition = "attribute_not_exists(taken) OR taken < :most"
        with suppress(Temporary):
            try:
                self._table.update(f"cap#{source}#{int(day)}", update, condition, values)
            except _NotMet:
                raise TakenForSpam("max_per_day") from None


class Batches:
    """What became of a batch that was cut off: its sender sends the whole again, and only the rest is worked on.

    An item holds the results of the batch's first entries, under a keyed hash of its body. While the table is out of
    reach the whole batch is worked on again: that makes no second contact.
    """

    def __init__(self, table: Table, pepper: Callable[[], str], clock: Callable[[], float]) -> None:
        self._table = table
        self._pepper = pepper
        self._clock = clock

    def settled(self, whole: Submission) -> list[dict[str, str]]:
        """The results of the batch's first entries, which are safe already; empty if it comes for the first time."""
        with suppress(_NotMet, Temporary, ConfigError):
            old = self._update(whole, "SET expires_at = :expires_at", "attribute_exists(pk)", {})
            return list(json.loads(old["settled"]))
        return []

    def settle(self, whole: Submission, results: list[dict[str, str]]) -> None:
        """The first entries are safe, with these results."""
        update = "SET expires_at = :expires_at, settled = :settled"
        with suppress(Temporary, ConfigError):
            self._update(whole, update, None, {":settled": json.dumps(results)})

    def _update(
        self, whole: Submission, update: str, condition: str | None, values: dict[str, Any]
    ) -> dict[str, Any]:
        digest = hashlib.sha256(whole.body).hexdigest()
        pk = "batch#" + _keyed(self._pepper(), f"{whole.source}\n{digest}")
        values = {":expires_at": int(self._clock()) + _BATCH_SECONDS, **values}
        return self._table.update(pk, update, condition, values, wants_old=True)


class _NotMet(Exception):
    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("condition not met")
        self.item = item


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


def _free_at(second: int) -> int:
    """When the calls of that second no longer count."""
    return second + 1 + _WINDOW_SECONDS + _TRAVEL_SECONDS


def _dense(numbers: list[float]) -> str:
    return "[" + ",".join(map(str, numbers)) + "]"  # as JSON is; json.dumps takes five times as long


def _attribute(value: str | float | list[str]) -> Any:
    if isinstance(value, list):
        return {"SS": value}
    return {"S": value} if isinstance(value, str) else {"N": format(value, "f")}


def _plain(item: Any) -> dict[str, Any]:
    return {name: next(iter(value.values())) for name, value in item.items()}
