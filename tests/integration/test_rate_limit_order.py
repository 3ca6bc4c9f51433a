"""Clemta's limit and the order of those who wait, for random arrivals: the real rate limit, DynamoDB as a library.

Sign-ups of both lanes come, wait and come again, some of them late, through three functions that each know only what
they last saw. The seeded bugs at the end show that these tests detect a wrong order.
"""

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.in_process_dynamodb import InProcessDynamoDB
from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.rate_limit import RateLimit, _Item
from clemta_intake.dynamo.table import Table
from clemta_intake.errors import RateLimited
from clemta_intake.lanes import Lanes
from clemta_intake.model import Lane, Place
from tests.support.fakes import Clock

LIMIT = 10
SLOT = 2 * 62 / LIMIT  # seconds from one sign-up's slot to the next one's
LATE = 200.0

type Arrival = tuple[float, Lane, bool]  # seconds after the one before, lane, whether its message comes late


@dataclass
class SignUp:
    number: int
    lane: Lane
    came: float
    late: bool
    slot: str = ""
    due: float = 0
    waits: bool = False
    back_at: float = 0  # when it came after it had lost its slot
    served_at: float = 0


@dataclass
class Line:
    """Everybody who comes, and when each was served."""

    rate_limit_class: type[RateLimit] = RateLimit
    clock: Clock = field(default_factory=Clock)
    calls: list[float] = field(default_factory=list)
    served: list[SignUp] = field(default_factory=list)

    def __post_init__(self) -> None:
        client = InProcessDynamoDB()
        table = Table(lambda: cast(Any, client), "ledger")
        self._rate_limits = itertools.cycle(
            [self.rate_limit_class(table, LIMIT, self.clock) for _ in range(3)]
        )
        self._events: list[tuple[float, int, SignUp]] = []
        self._order = itertools.count()
        self.present: list[SignUp] = []  # who came and was not served yet

    def run(self, arrivals: list[Arrival]) -> None:
        at = self.clock.now
        for number, (gap, lane, late) in enumerate(arrivals):
            at += gap
            self._at(at, SignUp(number, lane, at, late))
        for _ in range(50 * len(arrivals)):
            if not self._events:
                return
            self.clock.now, _, sign_up = heapq.heappop(self._events)
            self._come(sign_up)
        raise AssertionError("it does not end")

    def _come(self, sign_up: SignUp) -> None:
        if sign_up not in self.present:
            self.present.append(sign_up)
        rate_limit = next(self._rate_limits)
        rate_limit.set_place(Place(sign_up.lane, sign_up.slot, sign_up.due))
        try:
            rate_limit.acquire(Deadline.after(60), reserve_next=1)
            rate_limit.acquire(Deadline.after(60))
        except RateLimited as refusal:
            sign_up.waits = True
            sign_up.slot, sign_up.due = refusal.slot, self.clock.now + refusal.retry_after
            back = sign_up.due
            if sign_up.late and not sign_up.back_at:
                back = sign_up.back_at = back + LATE
            self._at(back, sign_up)
            return
        self.calls += [self.clock.now] * 2
        sign_up.served_at = self.clock.now
        self.present.remove(sign_up)
        self.served.append(sign_up)
        self.check_newcomer(sign_up)

    def _at(self, moment: float, sign_up: SignUp) -> None:
        heapq.heappush(self._events, (moment, next(self._order), sign_up))

    def check_newcomer(self, sign_up: SignUp) -> None:
        """A newcomer that is served at once overtakes only those of its lane whose message is late."""
        if not sign_up.waits:
            overtaken = [one for one in self.present if one.lane == sign_up.lane and not one.back_at]
            assert not overtaken, "a newcomer overtakes"

    def check(self) -> None:
        window = deque[float]()
        for call in self.calls:
            window.append(call)
            while window[0] <= call - 60:
                window.popleft()
            assert len(window) <= LIMIT, "over the limit"
        for lane in ("proven", "open"):
            on_time = [one for one in self.served if one.lane == lane and not one.back_at]
            assert on_time == sorted(on_time, key=lambda one: one.number), "not first come, first served"
        for one in self.served:
            if one.back_at:
                before = [
                    other
                    for other in self.served
                    if other.lane == one.lane
                    and not other.back_at
                    and one.back_at < other.served_at < one.served_at
                ]
                assert len(before) <= 2, "a lost slot is replaced by a later one than the next"
        for six in zip(*(self.served[nth:] for nth in range(6)), strict=False):
            if self._both_wait(six[0].served_at - SLOT, six[-1].served_at):
                proven = sum(one.lane == "proven" for one in six)
                assert 1 <= proven <= 3, "a lane starves"

    def _both_wait(self, begin: float, end: float) -> bool:
        """Whether in each lane somebody was waiting all the time, and nobody came late."""
        if any(one.back_at and one.came < end and one.served_at > begin for one in self.served):
            return False
        return all(
            sum(
                one.waits and one.lane == lane and one.came < begin and one.served_at > end
                for one in self.served
            )
            for lane in ("proven", "open")
        )


ARRIVALS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.5, 3.0, 20.0]),
        st.sampled_from(["open", "open", "proven"]),
        st.sampled_from([False] * 9 + [True]),
    ),
    min_size=12,
    max_size=40,
)
QUICK = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def play(line: Line, arrivals: list[Arrival]) -> None:
    line.run(arrivals)
    line.check()


@QUICK
@given(ARRIVALS)
def test_p6_the_limit_and_the_order_hold_for_random_arrivals(arrivals: list[Arrival]) -> None:
    play(Line(), arrivals)


def test_p6_a_burst_of_both_lanes_is_drained_at_the_limits_pace() -> None:
    line = Line()
    line.run([(0.0, "proven" if number % 3 == 0 else "open", False) for number in range(60)])
    line.check()
    ideal = (60 - LIMIT / 2) * SLOT
    assert line.served[-1].served_at - line.served[0].came <= 1.05 * ideal + 62


class Overtaken(Lanes):
    """Never sees that others wait."""

    def must_queue(self, now: float) -> bool:
        return False


class AfterTheLast(RateLimit):
    """Sends a submission that lost its slot behind the last one."""

    def _queue(self, place: Place) -> str:
        return place.lane


class NoProven(Lanes):
    """Gives slots to proven senders only where no form waits."""

    def advance(self, now: float) -> None:
        self.proven_every = 10**9
        super().advance(now)


class NoForms(Lanes):
    """Gives slots to forms only where no proven sender waits."""

    def advance(self, now: float) -> None:
        self.open_since_proven, every, self.proven_every = 0, self.proven_every, 1
        super().advance(now)
        self.proven_every = every


class Unlimited(RateLimit):
    """Sees capacity where there is none."""

    def _capacity_at(self, now: float, item: _Item, missing: int) -> float:
        return now


@pytest.mark.parametrize(
    ("bug", "noticed"),
    [
        (Overtaken, "a newcomer overtakes"),
        (AfterTheLast, "a lost slot"),
        (NoProven, "a lane starves"),
        (NoForms, "a lane starves|not first come"),
        (Unlimited, "over the limit"),
    ],
)
def test_the_tests_of_the_order_detect_a_seeded_bug(
    bug: type[Any], noticed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate_limit_class: type[RateLimit] = bug if issubclass(bug, RateLimit) else RateLimit
    if issubclass(bug, Lanes):
        monkeypatch.setattr("clemta_intake.dynamo.rate_limit.Lanes", bug)

    @settings(QUICK, max_examples=400, phases=[Phase.generate])
    @given(ARRIVALS)
    def buggy(arrivals: list[Arrival]) -> None:
        play(Line(rate_limit_class), arrivals)

    with pytest.raises(AssertionError, match=noticed):
        buggy()
