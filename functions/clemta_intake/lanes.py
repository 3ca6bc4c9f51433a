"""Who may call Clemta next: two lanes (proven senders, open forms), each first come, first served. Pure.

A submission that must wait reserves slots, one for each call that it needs, behind the last slot of its lane. A slot
starts every `interval` seconds. While both lanes wait, every `proven_every`-th slot that starts is a proven sender's; a
lane in which nobody waits leaves all slots to the other. So the state is a few counters, however many wait.

Each lane has two queues. A submission that lost its slot (it came too late, or found no capacity) reserves slots of the
lane's late queue, which goes first: it gets the next slots of its lane, and all others move back by as many.
"""

from dataclasses import dataclass

from .model import Lane, Place

QUEUES = ("proven_late", "proven", "open_late", "open")
SLOT_VALID_SECONDS = 60  # a slot can be used for so long after its start
_ROUNDING = 0.001  # seconds


@dataclass
class Lanes:
    """The slots of each queue: how many are `issued`, and how many have `started`; the next one starts at `next_at`.

    `open_since_proven` counts the slots of open forms that started since a proven sender's, up to `proven_every` - 1.
    """

    interval: float
    proven_every: int
    next_at: float
    open_since_proven: int
    started: dict[str, int]
    issued: dict[str, int]

    def advance(self, now: float) -> None:
        """Starts the slots that are due."""
        if sum(self.issued.values()) == sum(self.started.values()):
            return
        elapsed = now - self.next_at + _ROUNDING
        due = int(elapsed / self.interval) + 1 if elapsed >= 0 else 0
        waiting = self.waiting("open")
        share = max((due + self.open_since_proven) // self.proven_every, due - waiting)
        proven = min(self.waiting("proven"), share)
        others = min(waiting, due - proven)
        self._start("proven", proven)
        self._start("open", others)
        self.next_at += (proven + others) * self.interval
        since = self.open_since_proven + others - (self.proven_every - 1) * proven
        self.open_since_proven = min(self.proven_every - 1, max(0, since))

    def waiting(self, lane: Lane) -> int:
        """The lane's slots that have not started yet."""
        return sum(self.issued[queue] - self.started[queue] for queue in (f"{lane}_late", lane))

    def must_queue(self, now: float) -> bool:
        """Whether a submission without a slot must wait: others wait, or the next slot has not started."""
        return self.next_at > now or self.waiting("proven") + self.waiting("open") > 0

    def slot_at(self, place: Place, now: float) -> float | None:
        """When the place's slot starts, `now` if it has started; None if the place has no valid slot."""
        queue, _, digits = place.slot.partition(":")
        if queue not in (place.lane, f"{place.lane}_late") or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits)
        if number >= self.issued[queue]:  # issued by a table that was lost since
            return None
        if number >= self.started[queue]:
            return self.starts_at(queue, number)
        return now if now - place.due <= SLOT_VALID_SECONDS else None

    def starts_at(self, queue: str, number: int) -> float:
        """When a slot starts that has not yet: later if more come in the other lane or late, and never earlier."""
        lane, _, late = queue.partition("_")
        nth = number - self.started[queue] + 1
        if not late:
            nth += self.issued[f"{lane}_late"] - self.started[f"{lane}_late"]
        if lane == "proven":
            position = min(nth + self.waiting("open"), self.proven_every * nth - self.open_since_proven)
        else:
            proven_first = (nth - 1 + self.open_since_proven) // (self.proven_every - 1)
            position = nth + min(self.waiting("proven"), proven_first)
        return self.next_at + (position - 1) * self.interval

    def _start(self, lane: Lane, slots: int) -> None:
        late = min(slots, self.issued[f"{lane}_late"] - self.started[f"{lane}_late"])
        self.started[f"{lane}_late"] += late
        self.started[lane] += slots - late
