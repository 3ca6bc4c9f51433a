"""Clemta's limit."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import accumulate
from types import MappingProxyType
from typing import Any

from .. import telemetry
from ..deadlines import Deadline
from ..errors import RateLimited, Retryable
from ..lanes import QUEUES, Lanes
from ..model import Place
from .table import ConditionFailed, Table

_WINDOW_SECONDS = 60
_TRAVEL_SECONDS = 1  # what a call may take from its booking here to being counted at Clemta
_TRIES = 8  # writes for one call, where many functions call at once
_MOMENT = 3  # seconds that a slot is kept for whoever finds no call left at its turn
_BUDGET = "budget"


class RateLimit:
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

    def set_place(self, place: Place) -> None:
        """The calls that follow are for the submission at this place. Without any, only the limit counts."""
        self._place, self._served = place, False

    def acquire(self, deadline: "Deadline", reserve_next: int = 0) -> None:
        """Returns if a call may be made now, with `ahead` more to follow; RateLimited says when the turn comes.

        Those ahead are booked along, so that no look-up is wasted for want of the create after it.
        """
        wanted = min(1 + reserve_next, self._limit)
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

    def record_remaining(self, remaining: int, reset_seconds: float, deadline: "Deadline") -> None:
        """Clemta says that so many calls are left, and for how many seconds none is if it is 0.

        Where that is fewer than we thought, somebody else calls with our key, or the limit is lower: it counts too.
        """
        with suppress(Retryable):  # Clemta did answer, whatever becomes of this
            for _ in range(_TRIES):
                now = self._clock()
                second = int(now)
                calls, lanes = self._at(now)
                foreign = self._limit - sum(calls.values()) - remaining
                if remaining == 0 and reset_seconds and foreign > 0:
                    self._block(reset_seconds)
                    return
                if foreign < max(2, self._limit // 20):  # less is only the order in which answers come in
                    return
                deadline.check()
                calls[second] = calls.get(second, 0) + foreign
                if self._write(calls, lanes):
                    return

    def on_rate_limited(self, seconds: float, deadline: "Deadline") -> tuple[float, str]:
        """Clemta answered 429: nobody calls for so many seconds. The seconds until this caller's slot, and the slot."""
        self._block(seconds)
        if self._place is None:
            return seconds, ""
        try:
            deadline.check()
            queued = self._wait("clemta_limit", self._place, 2)
        except Retryable:  # then it comes with others, and waits once more
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
        except ConditionFailed as newer:
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
        with suppress(ConditionFailed, Retryable):  # it is later already, or the next call is refused again
            self._table.update(_BUDGET, "SET blocked_until = :until, revision = :revision", later, values)


def _free_at(second: int) -> int:
    """When the calls of that second no longer count."""
    return second + 1 + _WINDOW_SECONDS + _TRAVEL_SECONDS


def _dense(numbers: list[float]) -> str:
    return "[" + ",".join(map(str, numbers)) + "]"  # as JSON is; json.dumps takes five times as long
