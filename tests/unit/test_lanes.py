"""The two lanes, against the rule played number by number."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clemta_intake.lanes import LATE_SECONDS, QUEUES, Lanes
from clemta_intake.model import Place

FEW = st.integers(0, 12)


def lanes(every: int = 5, since: int = 0, **waiting: int) -> Lanes:
    """Lanes in which so many numbers wait, called from 100 on, one a second."""
    called = {queue: 10 * number for number, queue in enumerate(QUEUES)}
    taken = {queue: number + waiting.get(queue, 0) for queue, number in called.items()}
    return Lanes(1.0, every, 100.0, min(since, every - 1), called, taken)


def next_queue(state: Lanes) -> str | None:
    """Whose number the rule calls next: every so many a proven sender's, and the late ones first."""
    proven, others = state.waiting("proven"), state.waiting("open")
    if not proven + others:
        return None
    lane = "proven" if proven and (not others or state.since_proven == state.every - 1) else "open"
    late = f"{lane}_late"
    return late if state.taken[late] > state.called[late] else lane


def play(state: Lanes, now: float) -> list[str]:
    """The queues whose numbers are called until now, one by one."""
    found = []
    while state.next_at <= now and (queue := next_queue(state)):
        state.called[queue] += 1
        state.since_proven = 0 if queue.startswith("proven") else min(state.every - 1, state.since_proven + 1)
        state.next_at += state.pace
        found.append(queue)
    return found


@settings(max_examples=2_000, deadline=None)
@given(st.integers(2, 6), st.integers(0, 5), st.tuples(FEW, FEW, FEW, FEW), st.integers(-1, 60))
def test_p6_all_numbers_that_are_due_are_called_as_one_by_one(
    every: int, since: int, waiting: tuple[int, ...], seconds: int
) -> None:
    numbers = dict(zip(QUEUES, waiting, strict=True))
    at_once, one_by_one = lanes(every, since, **numbers), lanes(every, since, **numbers)
    at_once.advance(100.0 + seconds)
    play(one_by_one, 100.0 + seconds)
    assert vars(at_once) == vars(one_by_one)


@settings(max_examples=1_000, deadline=None)
@given(st.integers(2, 6), st.integers(0, 5), st.tuples(FEW, FEW, FEW, FEW))
def test_p6_a_number_is_called_when_it_was_said_if_nobody_else_comes(
    every: int, since: int, waiting: tuple[int, ...]
) -> None:
    state = lanes(every, since, **dict(zip(QUEUES, waiting, strict=True)))
    said = {
        (queue, number): state.called_at(queue, number)
        for queue in QUEUES
        for number in range(state.called[queue], state.taken[queue])
    }
    first = dict(state.called)
    order = play(state, 1_000.0)
    for nth, queue in enumerate(order):
        assert said.pop((queue, first[queue])) == 100.0 + nth
        first[queue] += 1
    assert not said


def test_p6_while_both_lanes_wait_every_fifth_number_is_a_proven_senders() -> None:
    order = play(lanes(proven=3, open=16), 1_000.0)
    assert [nth for nth, queue in enumerate(order) if queue == "proven"] == [4, 9, 14]


def test_p6_a_lane_in_which_nobody_waits_gives_its_numbers_to_the_other() -> None:
    for queue in ("open", "proven"):
        state = lanes(**{queue: 9})
        state.advance(104.0)
        assert state.taken[queue] - state.called[queue] == 4


def test_p6_who_lost_its_turn_gets_the_lanes_next_one() -> None:
    state = lanes(open=8)
    before = state.called_at("open", 33)
    state.taken["open_late"] += 2
    assert state.called_at("open_late", 20) == 100.0
    assert state.called_at("open", 33) == before + 2


def test_a_call_is_good_for_a_minute_and_for_its_own_lane() -> None:
    state = lanes(open=4)
    state.advance(101.0)
    assert state.turn(Place("open", "open:30", 100.0), 101.0) == 101.0
    assert state.turn(Place("open", "open:32", 101.0), 101.0) == 102.0
    assert state.turn(Place("open", "open:30", 100.0), 101.0 + LATE_SECONDS) is None
    assert state.turn(Place("proven", "open:30", 100.0), 101.0) is None


@pytest.mark.parametrize(
    "slot", ["", "tried", "open", "open:", "open:x", "open:-1", "open:٣", "open:99", "no:1"]
)
def test_a_slot_that_is_none_is_no_turn(slot: str) -> None:
    assert lanes(open=4).turn(Place("open", slot, 100.0), 101.0) is None
