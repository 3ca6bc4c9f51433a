"""The two lanes, against the rule applied slot by slot."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clemta_intake.lanes import QUEUES, SLOT_VALID_SECONDS, Lanes
from clemta_intake.model import Place
from tests.support.examples import examples

FEW = st.integers(0, 12)


def lanes(every: int = 5, since: int = 0, **waiting: int) -> Lanes:
    """Lanes in which so many slots wait, which start from 100 on, one a second."""
    started = {queue: 10 * number for number, queue in enumerate(QUEUES)}
    issued = {queue: number + waiting.get(queue, 0) for queue, number in started.items()}
    return Lanes(1.0, every, 100.0, min(since, every - 1), started, issued)


def next_queue(state: Lanes) -> str | None:
    """The queue whose slot starts next by the rule: every so many a proven sender's, and the late ones first."""
    proven, others = state.waiting("proven"), state.waiting("open")
    if not proven + others:
        return None
    lane = (
        "proven" if proven and (not others or state.open_since_proven == state.proven_every - 1) else "open"
    )
    late = f"{lane}_late"
    return late if state.issued[late] > state.started[late] else lane


def play(state: Lanes, now: float) -> list[str]:
    """The queues whose slots start until now, one by one."""
    found = []
    while state.next_at <= now and (queue := next_queue(state)):
        state.started[queue] += 1
        since = min(state.proven_every - 1, state.open_since_proven + 1)
        state.open_since_proven = 0 if queue.startswith("proven") else since
        state.next_at += state.interval
        found.append(queue)
    return found


@settings(max_examples=examples(2_000), deadline=None)
@given(st.integers(2, 6), st.integers(0, 5), st.tuples(FEW, FEW, FEW, FEW), st.integers(-1, 60))
def test_p6_advancing_the_lanes_at_once_equals_starting_slot_by_slot(
    every: int, since: int, waiting: tuple[int, ...], seconds: int
) -> None:
    numbers = dict(zip(QUEUES, waiting, strict=True))
    at_once, one_by_one = lanes(every, since, **numbers), lanes(every, since, **numbers)
    at_once.advance(100.0 + seconds)
    play(one_by_one, 100.0 + seconds)
    assert at_once == one_by_one


@settings(max_examples=examples(1_000), deadline=None)
@given(st.integers(2, 6), st.integers(0, 5), st.tuples(FEW, FEW, FEW, FEW))
def test_p6_a_slot_starts_when_announced_if_nobody_else_comes(
    every: int, since: int, waiting: tuple[int, ...]
) -> None:
    state = lanes(every, since, **dict(zip(QUEUES, waiting, strict=True)))
    announced = {
        (queue, number): state.starts_at(queue, number)
        for queue in QUEUES
        for number in range(state.started[queue], state.issued[queue])
    }
    first = dict(state.started)
    order = play(state, 1_000.0)
    for nth, queue in enumerate(order):
        assert announced.pop((queue, first[queue])) == 100.0 + nth
        first[queue] += 1
    assert not announced


def test_p6_while_both_lanes_wait_every_fifth_slot_is_a_proven_senders() -> None:
    order = play(lanes(proven=3, open=16), 1_000.0)
    assert [nth for nth, queue in enumerate(order) if queue == "proven"] == [4, 9, 14]


def test_p6_a_lane_in_which_nobody_waits_leaves_its_slots_to_the_other() -> None:
    for queue in ("open", "proven"):
        state = lanes(**{queue: 9})
        state.advance(104.0)
        assert state.issued[queue] - state.started[queue] == 4


def test_p6_a_submission_that_lost_its_slot_gets_the_lanes_next_one() -> None:
    state = lanes(open=8)
    before = state.starts_at("open", 33)
    state.issued["open_late"] += 2
    assert state.starts_at("open_late", 20) == 100.0
    assert state.starts_at("open", 33) == before + 2


def test_a_slot_is_valid_for_a_minute_and_in_its_own_lane() -> None:
    state = lanes(open=4)
    state.advance(101.0)
    assert state.slot_at(Place("open", "open:30", 100.0), 101.0) == 101.0
    assert state.slot_at(Place("open", "open:32", 101.0), 101.0) == 102.0
    assert state.slot_at(Place("open", "open:30", 100.0), 101.0 + SLOT_VALID_SECONDS) is None
    assert state.slot_at(Place("proven", "open:30", 100.0), 101.0) is None


@pytest.mark.parametrize(
    "slot", ["", "tried", "open", "open:", "open:x", "open:-1", "open:٣", "open:99", "no:1"]
)
def test_an_invalid_slot_has_no_time(slot: str) -> None:
    assert lanes(open=4).slot_at(Place("open", slot, 100.0), 101.0) is None
