"""Clemta's rate limit, which all functions share through one item."""

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

from .. import telemetry
from ..deadlines import Deadline
from ..errors import RateLimited, Retryable
from ..lanes import QUEUES, Lanes
from ..model import Place
from .table import ConditionFailed, Table

_WINDOW_SECONDS = 60
_TRAVEL_SECONDS = 1  # what a call may take from its booking here to being counted at Clemta
_MAX_ATTEMPTS = 8  # for one call, where many functions write at once
_SLOT_GRACE_SECONDS = 3  # a slot is kept for so long if there is no capacity when it starts
_ITEM = "budget"


class RateLimit:
    """At most `per_minute` calls to Clemta in any 60 s, by all functions together, in the order of lanes.py.

    One item counts the calls of each second in the window, and the slots of each queue. Each write is conditional: it
    fails if another function wrote meanwhile, and then brings the newer item along. The whole limit may be used at
    once; afterwards a submission waits for its slot, and so does a newcomer while others wait.
    """

    def __init__(
        self, table: Table, per_minute: float, clock: Callable[[], float], proven_every: float = 5
    ) -> None:
        self._limit = int(per_minute)
        self._interval = _expires_at(0) / self._limit
        self._proven_every = int(proven_every)
        self._table = table
        self._clock = clock
        self._item: _Item | None = None  # as last seen; None: not seen, or a write's outcome is unknown
        self._reserved: list[int] = []  # the seconds of calls that were booked here and not made yet
        self._place: Place | None = None
        self._is_admitted = False  # the submission at this place has begun to call

    def set_place(self, place: Place) -> None:
        """The calls that follow are for the submission at this place. Without a place, only the limit counts."""
        self._place, self._is_admitted = place, False

    def acquire(self, deadline: Deadline, reserve_next: int = 0) -> None:
        """Returns if a call may be made now; RateLimited says when the submission's slot starts.

        `reserve_next` calls are booked along, so that no look-up is wasted for want of the create after it.
        """
        wanted = min(1 + reserve_next, self._limit)
        is_current = False  # whether the cached item was compared with the table
        for _ in range(_MAX_ATTEMPTS):
            deadline.check()
            demand = self._demand(wanted)
            if self._use_reserved(demand):
                return
            if self._may_call(demand):
                if self._book(demand):
                    return
            elif self._place is None:
                raise RateLimited("budget_used_up", retry_after=demand.capacity_at - demand.now)
            elif is_current or not self._place.slot:
                refusal = self._same_slot(demand, self._place) or self._new_slot(demand, self._place)
                if refusal:
                    raise refusal
            else:
                self._compare(demand)
            is_current = True
        deadline.check()
        if self._place is None or demand.slot_at is not None:
            slot = self._place.slot if self._place else ""
            raise RateLimited("budget_contended", retry_after=_SLOT_GRACE_SECONDS, slot=slot)
        raise self._append("budget_contended", self._place, wanted)

    def record_remaining(self, remaining: int, reset_seconds: float, deadline: Deadline) -> None:
        """Clemta says that so many calls are left, and if it is 0, that its window ends in `reset_seconds`.

        Fewer than we count means that another client uses our key, or that the limit is lower: it counts too.
        """
        with suppress(Retryable):  # Clemta has answered, and that must not be lost
            for _ in range(_MAX_ATTEMPTS):
                now = self._clock()
                item = self._item_at(now)
                foreign = self._limit - item.calls.total - remaining
                if remaining == 0 and reset_seconds and foreign > 0:
                    self._block(reset_seconds)
                    return
                if foreign < max(2, self._limit // 20):  # the order in which answers arrive explains so many
                    return
                deadline.check()
                item.calls.add(int(now), foreign)
                if self._write(item):
                    return

    def on_rate_limited(self, seconds: float, deadline: Deadline) -> tuple[float, str]:
        """Clemta answered 429: nobody calls for so many seconds. The seconds until this caller's slot, and the slot."""
        self._block(seconds)
        if self._place is None:
            return seconds, ""
        try:
            deadline.check()
            refusal = self._append("clemta_limit", self._place, 2)
        except Retryable:  # without a slot it reserves one when it comes again
            return seconds, ""
        return max(seconds, refusal.retry_after), refusal.slot

    def _demand(self, wanted: int) -> "_Demand":
        """What the caller needs, and when it can have it."""
        now = self._clock()
        item = self._item_at(now)
        reserved = [second for second in self._reserved if item.calls.holds(second)]
        missing = max(0, wanted - len(reserved))
        slot_at = item.lanes.slot_at(self._place, now) if self._place else None
        return _Demand(now, item, wanted, reserved, missing, self._capacity_at(now, item, missing), slot_at)

    def _use_reserved(self, demand: "_Demand") -> bool:
        """Uses a call that was booked in this second: nothing has to be written."""
        reserved = demand.reserved
        if not self._is_admitted or demand.missing or demand.capacity_at > demand.now:
            return False
        if reserved[0] != int(demand.now):
            return False
        self._reserved = reserved[1:]
        return True

    def _may_call(self, demand: "_Demand") -> bool:
        """Whether there is capacity, and nobody goes first."""
        if demand.capacity_at > demand.now:
            return False
        if self._is_admitted or self._place is None or demand.slot_at == demand.now:
            return True
        return demand.slot_at is None and not demand.item.lanes.must_queue(demand.now)

    def _book(self, demand: "_Demand") -> bool:
        """Books all calls of this caller in the present second; False if another function wrote meanwhile."""
        calls, second = demand.item.calls, int(demand.now)
        count = len(demand.reserved) + demand.missing
        for earlier in demand.reserved:  # they are made now, not when they were reserved
            calls.add(earlier, -1)
        calls.add(second, count)
        if not self._write(demand.item):
            return False
        self._is_admitted = True
        self._reserved = [second] * (count - 1)
        telemetry.record("BudgetLeft", self._limit - calls.total)
        return True

    def _compare(self, demand: "_Demand") -> None:
        """Writes the item as it is remembered: afterwards it is current. A slot without capacity starts later."""
        if demand.slot_at == demand.now:
            demand.item.lanes.next_at += self._interval  # and so do all slots after it
        self._write(demand.item)

    def _same_slot(self, demand: "_Demand", place: Place) -> RateLimited | None:
        """The slot that the place has, if it has not started, or capacity comes within the grace time."""
        if demand.slot_at is None:
            return None
        if demand.slot_at <= demand.now and demand.capacity_at >= demand.now + _SLOT_GRACE_SECONDS:
            return None
        wait = max(demand.slot_at, demand.capacity_at) - demand.now
        return RateLimited("budget_used_up", retry_after=wait, slot=place.slot)

    def _new_slot(self, demand: "_Demand", place: Place) -> RateLimited | None:
        """The next free slots of the place's queue; None if another function wrote meanwhile."""
        lanes = demand.item.lanes
        if demand.capacity_at <= lanes.next_at and lanes.must_queue(demand.now):
            return self._append("budget_used_up", place, demand.wanted)
        lanes.next_at = max(lanes.next_at, demand.capacity_at)  # no slot starts before there is capacity
        queue = self._queue(place)
        lanes.issued[queue] += demand.wanted
        if not self._write(demand.item, queue):
            return None
        return self._refusal("budget_used_up", queue, demand.wanted)

    def _append(self, code: str, place: Place, slots: int) -> RateLimited:
        """Reserves the next free slots of the place's queue, also while other functions write."""
        queue, revision = self._queue(place), secrets.token_hex(8)
        values = {":slots": slots, ":revision": revision}
        update = f"SET revision = :revision ADD {queue}_taken :slots"
        old = self._table.update(_ITEM, update, None, values, return_old=True)
        issued = int(old.get(f"{queue}_taken", 0)) + slots
        self._item = self._parsed(old | {f"{queue}_taken": issued, "revision": revision})
        return self._refusal(code, queue, slots)

    def _refusal(self, code: str, queue: str, slots: int) -> RateLimited:
        """The first of the slots that were reserved last, and the seconds until it starts."""
        now = self._clock()
        lanes = self._item_at(now).lanes
        number = lanes.issued[queue] - slots
        wait = max(0.0, lanes.starts_at(queue, number) - now)
        return RateLimited(code, retry_after=wait, slot=f"{queue}:{number}")

    def _queue(self, place: Place) -> str:
        """The queue of the place's lane: the late one for a submission that had a slot or has begun."""
        return f"{place.lane}_late" if self._is_admitted or place.slot else place.lane

    def _capacity_at(self, now: float, item: "_Item", missing: int) -> float:
        """When so many more calls are within the limit, and Clemta does not refuse."""
        capacity_at = max(now, item.blocked_until)
        over = item.calls.total + missing - self._limit
        if missing and over > 0:
            capacity_at = max(capacity_at, item.calls.expired_at(over))
        return capacity_at

    def _item_at(self, now: float) -> "_Item":
        """The item as last seen, at the present time. No slot starts while Clemta refuses."""
        if self._item is None:
            self._item = self._parsed({})
        item = self._item
        item.calls.expire(now)
        item.lanes.next_at = max(item.lanes.next_at, item.blocked_until)
        item.lanes.advance(now)
        return item

    def _parsed(self, stored: dict[str, Any]) -> "_Item":
        next_at, since, *counts = json.loads(stored.get("next_calls", "[0, 0, 0, 0, 0, 0]"))
        started = dict(zip(QUEUES, counts, strict=True))
        issued = {queue: int(stored.get(f"{queue}_taken", 0)) for queue in QUEUES}
        lanes = Lanes(self._interval, self._proven_every, next_at, since, started, issued)
        revision, blocked_until = stored.get("revision"), float(stored.get("blocked_until", 0))
        return _Item(revision, blocked_until, _parsed_calls(stored), lanes)

    def _write(self, item: "_Item", queue: str = "") -> bool:
        """Stores the item, with the slots issued by `queue`; False if it was written meanwhile: now that is seen."""
        self._item = None
        revision = secrets.token_hex(8)
        changed = item.attributes() | {"revision": revision}
        if queue:
            changed[f"{queue}_taken"] = item.lanes.issued[queue]
        values = {f":{name}": value for name, value in changed.items()}
        update = "SET " + ", ".join([f"{name} = :{name}" for name in changed])
        condition = "attribute_not_exists(revision)"
        if item.revision is not None:
            values[":seen"], condition = item.revision, "revision = :seen"
        try:
            self._table.update(_ITEM, update, condition, values)
        except ConditionFailed as newer:
            self._item = self._parsed(newer.item)
            return False
        item.revision = revision
        self._item = item
        return True

    def _block(self, seconds: float) -> None:
        """Nobody calls for so many seconds."""
        self._reserved = []  # so that the next call is written, and that write finds the block
        values = {":until": self._clock() + seconds, ":revision": secrets.token_hex(8)}
        later = "attribute_not_exists(blocked_until) OR blocked_until < :until"
        with suppress(ConditionFailed, Retryable):  # it is later already, or the next call is refused again
            self._table.update(_ITEM, "SET blocked_until = :until, revision = :revision", later, values)


@dataclass(slots=True)
class _Calls:
    """The calls of each second that may still count, from the second `first` on, and how many they are together."""

    first: int = 0
    counts: list[int] = field(default_factory=list)
    total: int = 0

    def add(self, second: int, count: int) -> None:
        """Adds calls of that second; a negative `count` takes some away."""
        if not self.counts:
            self.first = second
        if second < self.first:  # another function's clock is ahead
            self.counts[:0] = [0] * (self.first - second)
            self.first = second
        self.counts += [0] * (second - self.first - len(self.counts) + 1)
        self.counts[second - self.first] += count
        self.total += count

    def holds(self, second: int) -> bool:
        """Whether calls of that second are in the window."""
        return 0 <= second - self.first < len(self.counts) and self.counts[second - self.first] > 0

    def expire(self, now: float) -> None:
        """Takes out the calls that no longer count."""
        while self.counts and now >= _expires_at(self.first):
            self.total -= self.counts.pop(0)
            self.first += 1

    def expired_at(self, count: int) -> int:
        """When so many of the calls no longer count."""
        expired = enumerate(accumulate(self.counts), self.first)
        return _expires_at(next(second for second, calls in expired if calls >= count))


@dataclass(slots=True)
class _Item:
    """What is stored: the calls by second, the queues' slots, and until when Clemta refuses."""

    revision: str | None
    blocked_until: float
    calls: _Calls
    lanes: Lanes

    def attributes(self) -> dict[str, Any]:
        """`recent_calls`: a second, and the counts from it on. `next_calls`: the counters of Lanes."""
        lanes = self.lanes
        counters = [round(lanes.next_at, 6), lanes.open_since_proven, *lanes.started.values()]
        return {
            "recent_calls": _dense([self.calls.first, *self.calls.counts]),
            "next_calls": _dense(counters),
        }


class _Demand(NamedTuple):
    """What a caller needs: `wanted` calls, of which some are `reserved` (their seconds) and the others `missing`.

    The missing ones have capacity at `capacity_at`; the caller's slot starts at `slot_at`, None without a valid one.
    """

    now: float
    item: _Item
    wanted: int
    reserved: list[int]
    missing: int
    capacity_at: float
    slot_at: float | None


def _parsed_calls(stored: dict[str, Any]) -> _Calls:
    if "recent_calls" in stored:
        first, *counts = json.loads(stored["recent_calls"])
        return _Calls(first, counts, sum(counts))
    calls = _Calls()
    for second, count in json.loads(stored.get("calls", "{}")).items():  # of release 0.1.0, or of a new table
        calls.add(int(second), count)
    return calls


def _expires_at(second: int) -> int:
    """When the calls of that second no longer count: a call at its end is a minute old, and has travelled."""
    return second + 1 + _WINDOW_SECONDS + _TRAVEL_SECONDS


def _dense(numbers: list[float]) -> str:
    return str(numbers).replace(" ", "")  # as JSON; json.dumps takes ten times as long
