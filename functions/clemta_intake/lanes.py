"""Whose turn it is to call Clemta: two lanes, proven senders and open forms, each first come, first served. Pure.

It works as numbers at a counter do. A submission that must wait takes a number for each call it needs, behind the last
one of its lane. Time calls the numbers, one in `pace` seconds: while both lanes wait, every `every`-th is a proven
sender's; a lane in which nobody waits gives all to the other. So the state is a few counters, however many wait.

Each lane has two queues. A submission that had its turn and lost it (it came too late, or no call was left) takes a
number of the lane's late queue, which goes first: it gets the lane's next turn, and those who wait move by one.
"""

from .model import Lane, Place

QUEUES = ("proven_late", "proven", "open_late", "open")
LATE_SECONDS = 60  # so long after it was called a number is good
_ROUNDING = 0.001  # seconds


class Lanes:
    """The counters: `taken` and `called` count the numbers of each queue; the next one is called at `next_at`.

    `since_proven` counts the open forms' numbers that were called since the last proven sender's, up to `every` - 1.
    """

    def __init__(
        self,
        pace: float,
        every: int,
        next_at: float,
        since_proven: int,
        called: dict[str, int],
        taken: dict[str, int],
    ) -> None:
        self.pace = pace
        self.every = every
        self.next_at = next_at
        self.since_proven = since_proven
        self.called = called
        self.taken = taken

    def advance(self, now: float) -> None:
        """Calls the numbers that are due."""
        passed = now - self.next_at + _ROUNDING
        due = int(passed / self.pace) + 1 if passed >= 0 else 0
        waiting = self.waiting("open")
        proven = min(self.waiting("proven"), max((due + self.since_proven) // self.every, due - waiting))
        others = min(waiting, due - proven)
        self._call("proven", proven)
        self._call("open", others)
        self.next_at += (proven + others) * self.pace
        since = self.since_proven + others - (self.every - 1) * proven
        self.since_proven = min(self.every - 1, max(0, since))

    def waiting(self, lane: Lane) -> int:
        """The lane's numbers that are not called yet."""
        return sum(self.taken[queue] - self.called[queue] for queue in (f"{lane}_late", lane))

    def busy(self, now: float) -> bool:
        """Whether a newcomer would overtake somebody, or come before the next turn."""
        return self.next_at > now or self.waiting("proven") + self.waiting("open") > 0

    def turn(self, place: Place, now: float) -> float | None:
        """When the place's slot is called, `now` if that has been; None if it has no slot that is good."""
        queue, _, digits = place.slot.partition(":")
        if queue not in (place.lane, f"{place.lane}_late") or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits)
        if number >= self.taken[queue]:  # of a table that was lost since
            return None
        if number >= self.called[queue]:
            return self.called_at(queue, number)
        return now if now - place.due <= LATE_SECONDS else None

    def called_at(self, queue: str, number: int) -> float:
        """When a number that waits is called, unless more come in the other lane or late: never earlier."""
        lane, _, late = queue.partition("_")
        nth = number - self.called[queue] + 1
        if not late:
            nth += self.taken[f"{lane}_late"] - self.called[f"{lane}_late"]
        if lane == "proven":
            place = min(nth + self.waiting("open"), self.every * nth - self.since_proven)
        else:
            place = nth + min(self.waiting("proven"), (nth - 1 + self.since_proven) // (self.every - 1))
        return self.next_at + (place - 1) * self.pace

    def _call(self, lane: Lane, numbers: int) -> None:
        late = min(numbers, self.taken[f"{lane}_late"] - self.called[f"{lane}_late"])
        self.called[f"{lane}_late"] += late
        self.called[lane] += numbers - late
