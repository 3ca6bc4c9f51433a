"""The rate limit in DynamoDB: who may call, who waits for which slot, and what Clemta's answers change."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import ConditionFailed, Table
from clemta_intake.errors import RateLimited, Retryable
from clemta_intake.model import Place
from tests.integration.conftest import Aws
from tests.support.fakes import Clock

OPEN = Place("open")


def table(aws: Aws) -> Table:
    client = boto3.client("dynamodb")
    return Table(lambda: client, aws.settings.ledger_table)


def item(aws: Aws) -> dict[str, Any]:
    """The rate limit's item."""
    found: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=aws.settings.ledger_table)["Items"]
    [item] = found
    return item


def soon() -> Deadline:
    """Time enough."""
    return Deadline.after(30)


def wait(rate_limit: RateLimit) -> float:
    """Seconds until a call that may not be made now."""
    with pytest.raises(RateLimited) as refusal:
        rate_limit.acquire(soon())
    return refusal.value.retry_after


def queued(wait: float, slot: str) -> tuple[float, str]:
    return round(wait, 2), slot


def queue(rate_limit: RateLimit, place: Place, reserve_next: int = 0) -> tuple[float, str]:
    """Seconds until the slot of a submission that must wait, to the hundredth, and the slot."""
    rate_limit.set_place(place)
    with pytest.raises(RateLimited) as refusal:
        rate_limit.acquire(soon(), reserve_next=reserve_next)
    return queued(refusal.value.retry_after, refusal.value.slot)


@pytest.mark.parametrize("per_minute", [1, 2, 7, 30])
def test_p6_no_window_of_a_minute_holds_more_calls(aws: Aws, per_minute: int) -> None:
    clock = Clock()
    limits = [RateLimit(table(aws), per_minute, clock) for _ in range(3)]  # as many functions
    taken: list[float] = []
    for step in range(400):
        try:
            limits[step % 3].acquire(soon())
        except RateLimited:
            clock.advance(0.73)
        else:
            taken.append(clock.now)
    for first in taken:
        assert sum(first <= call < first + 60 for call in taken) <= per_minute
    assert len(taken) >= 0.9 * per_minute * (clock.now - taken[0]) / 61, "the limit is used"


def test_p6_the_whole_limit_may_be_used_at_once(aws: Aws) -> None:
    rate_limit = RateLimit(table(aws), 20, Clock())
    for _ in range(20):
        rate_limit.acquire(soon())
    with pytest.raises(RateLimited):
        rate_limit.acquire(soon())


def test_p6_the_calls_that_release_0_1_0_counted_count_after_the_upgrade(aws: Aws) -> None:
    clock = Clock()
    now = int(clock.now)
    calls = f'{{"{now - 63}": 7, "{now - 20}": 2, "{now - 1}": 1}}'
    old = {"pk": {"S": "budget"}, "revision": {"S": "1"}, "calls": {"S": calls}}
    old |= {"next_turn": {"N": str(now + 30)}}
    aws.client("dynamodb").put_item(TableName=aws.settings.ledger_table, Item=old)
    rate_limit = RateLimit(table(aws), 4, clock)
    rate_limit.acquire(soon())
    assert wait(rate_limit) == pytest.approx(42)
    clock.advance(42)
    rate_limit.acquire(soon())
    rate_limit.acquire(soon())
    assert wait(rate_limit) == pytest.approx(19)


def test_p6_without_capacity_the_caller_is_told_when_there_is_some(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 1, clock)
    rate_limit.acquire(soon())
    clock.advance(20)
    assert wait(rate_limit) == 42
    clock.advance(42)
    rate_limit.acquire(soon())


def test_p6_slots_start_at_the_pace_of_the_limit(aws: Aws) -> None:
    clock = Clock()
    limits = [RateLimit(table(aws), 60, clock) for _ in range(3)]
    for number in range(60):
        limits[number % 3].acquire(soon())
    waits = [queue(limits[number % 3], OPEN) for number in range(5)]
    assert [wait for wait, _ in waits] == [round(62 + number * 62 / 60, 2) for number in range(5)]
    assert [slot for _, slot in waits] == [f"open:{number}" for number in range(5)]


def test_p6_slots_that_nobody_used_delay_no_newcomer(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 1, clock)
    rate_limit.set_place(OPEN)
    rate_limit.acquire(soon())
    queue(rate_limit, OPEN)
    clock.advance(1_000)
    rate_limit.set_place(OPEN)
    rate_limit.acquire(soon())
    assert queue(rate_limit, OPEN)[0] == 62


def test_p6_a_newcomer_queues_behind_the_last_of_its_lane(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 4, clock), RateLimit(table(aws), 4, clock)
    for _ in range(4):
        one.set_place(OPEN)
        one.acquire(soon())
    first = queue(one, OPEN, reserve_next=1)
    assert first == (62, "open:0")
    clock.advance(61.9)
    second = queue(other, OPEN, reserve_next=1)
    assert second == (round(0.1 + 31, 2), "open:2")
    clock.advance(0.1)
    assert queue(one, OPEN, reserve_next=1)[1] == "open:4", "though two calls are left"
    one.set_place(Place("open", first[1], clock.now))
    one.acquire(soon(), reserve_next=1)
    one.acquire(soon())


def test_p6_while_forms_wait_a_proven_sender_waits_for_five_slots_at_most(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 10, clock), RateLimit(table(aws), 10, clock)
    for _ in range(10):
        one.acquire(soon())
    for _ in range(20):
        queue(one, OPEN, reserve_next=1)
    assert queue(other, Place("proven"), reserve_next=1) == (round(62 + 4 * 6.2, 2), "proven:0")
    assert queue(other, Place("proven"), reserve_next=1)[0] == 148.8


def test_p6_a_submission_that_comes_before_its_slot_keeps_it(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 1, clock), RateLimit(table(aws), 1, clock)
    one.acquire(soon())
    queue(one, OPEN)
    _, slot = queue(one, OPEN)
    clock.advance(30)
    assert queue(other, Place("open", slot, clock.now)) == ((32 + 62), slot)


def test_p6_a_submission_that_comes_too_late_gets_the_next_slot_and_not_the_last(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 1, clock)
    rate_limit.acquire(soon())
    slots = [queue(rate_limit, OPEN)[1] for _ in range(6)]
    due = clock.now + 62
    clock.advance(62 + 62 + 30)
    assert queue(rate_limit, Place("open", slots[0], due)) == (32, "open_late:0")
    assert queue(rate_limit, Place("open", slots[2], clock.now + 32))[0] == (32 + 62), "one slot later"
    assert queue(rate_limit, OPEN)[0] == (32 + 5 * 62)


@pytest.mark.parametrize(("late", "told"), [(60, (2, "open:0")), (10, (52, "open_late:0"))])
def test_p6_a_slot_without_capacity_is_kept_for_three_seconds(
    aws: Aws, late: int, told: tuple[float, str]
) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 2, clock)
    rate_limit.acquire(soon(), reserve_next=1)
    _, slot = queue(rate_limit, OPEN, reserve_next=1)
    clock.advance(62)
    thief = RateLimit(table(aws), 2, clock)
    thief.acquire(soon())
    due = clock.now
    clock.advance(late)  # the other's call counts for 62 seconds
    assert queue(rate_limit, Place("open", slot, due), reserve_next=1) == told


def test_p6_a_submission_that_needs_more_calls_than_it_reserved_goes_first(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 2, clock), RateLimit(table(aws), 2, clock)
    one.set_place(OPEN)
    one.acquire(soon(), reserve_next=1)
    first, _ = queue(other, OPEN)
    with pytest.raises(RateLimited) as refusal:  # a second page, and the create after it
        one.acquire(soon(), reserve_next=1)
    assert queued(refusal.value.retry_after, refusal.value.slot) == (first, "open_late:0")


def test_the_rate_limits_item_stays_small_however_many_wait(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 99 * 61, clock)
    for _ in range(61):
        rate_limit.acquire(soon(), reserve_next=98)
        rate_limit._reserved.clear()  # the next second takes as many of its own
        clock.advance(1)
    queue(rate_limit, OPEN)
    rate_limit._table.update(
        "budget",
        "SET revision = :r ADD open_taken :n, proven_taken :n, open_late_taken :n, proven_late_taken :n",
        None,
        {":n": 10**8, ":r": "another"},
    )
    queue(rate_limit, OPEN)
    assert sum(len(name) + len(str(value)) for name, value in item(aws).items()) < 1_000, "one write unit"


def test_p6_the_call_that_follows_a_look_up_is_reserved_with_it(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 4, clock), RateLimit(table(aws), 4, clock)
    one.acquire(soon(), reserve_next=1)
    other.acquire(soon(), reserve_next=1)
    assert wait(RateLimit(table(aws), 4, clock)) > 0
    clock.advance(3)
    one.acquire(soon())
    other.acquire(soon())
    assert wait(one) > 0


def test_p6_a_reserved_call_counts_from_when_it_is_made(aws: Aws) -> None:
    clock = Clock()
    rate_limit, other = RateLimit(table(aws), 3, clock), RateLimit(table(aws), 3, clock)
    rate_limit.acquire(soon(), reserve_next=1)
    clock.advance(30)
    rate_limit.acquire(soon())
    other.acquire(soon())  # a reserved call that was made is counted once
    assert wait(other) == 32
    clock.advance(32)  # the first one is free again, those of half a minute ago are not
    other.acquire(soon())
    assert wait(other) == 30


def test_p6_a_reserved_call_that_has_expired_is_booked_anew(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 2, clock)
    rate_limit.acquire(soon(), reserve_next=1)
    clock.advance(62)
    for _ in range(2):
        rate_limit.acquire(soon())
    assert wait(rate_limit) == 62


def test_p6_two_calls_have_capacity_when_the_second_of_them_has(aws: Aws) -> None:
    clock = Clock()
    rate_limit = RateLimit(table(aws), 3, clock)
    rate_limit.acquire(soon())
    clock.advance(10)
    for _ in range(2):
        rate_limit.acquire(soon())
    assert wait(rate_limit) == 52
    with pytest.raises(RateLimited) as refusal:
        rate_limit.acquire(soon(), reserve_next=1)
    assert refusal.value.retry_after == 62


@pytest.mark.parametrize(
    ("limit", "foreign", "counts"), [(100, 4, False), (100, 5, True), (20, 1, False), (20, 2, True)]
)
def test_p6_foreign_calls_count_where_they_are_more_than_the_order_of_answers_explains(
    aws: Aws, limit: int, foreign: int, counts: bool
) -> None:
    rate_limit = RateLimit(table(aws), limit, Clock())
    rate_limit.acquire(soon())
    rate_limit.record_remaining(limit - 1 - foreign, 0, soon())
    _, *calls = json.loads(item(aws)["recent_calls"]["S"])
    assert sum(calls) == 1 + (foreign if counts else 0)


def test_a_reserved_call_that_was_not_made_serves_the_next_submission(aws: Aws) -> None:
    rate_limit = RateLimit(table(aws), 3, Clock())
    rate_limit.acquire(soon(), reserve_next=1)  # found: no create follows
    rate_limit.acquire(soon(), reserve_next=1)
    rate_limit.acquire(soon())
    assert wait(rate_limit) > 0


def test_a_limit_of_one_still_lets_a_look_up_through(aws: Aws) -> None:
    RateLimit(table(aws), 1, Clock()).acquire(soon(), reserve_next=1)


def test_p6_after_a_429_no_function_calls_and_slots_start_later(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
    one.set_place(OPEN)
    one.acquire(soon())
    other.acquire(soon())
    assert other.on_rate_limited(60, soon()) == (60, ""), "a caller without a place gets no slot"
    assert queued(*one.on_rate_limited(60, soon())) == (60, "open_late:0")
    assert queued(*one.on_rate_limited(10, soon())) == (61.24, "open_late:2"), "after the longer wait"
    assert queue(other, OPEN)[0] == round(60 + 4 * 0.62, 2)
    clock.advance(60)
    other.set_place(Place("open", "open_late:0", clock.now))
    other.acquire(soon())


def test_p6_the_calls_that_clemta_says_are_left_bind_all_functions(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
    one.acquire(soon())
    one.record_remaining(98, 0, soon())  # one less than we think: answers cross each other
    one.record_remaining(10, 0, soon())
    for _ in range(10):
        other.acquire(soon())
    assert wait(other) > 0


def test_p6_no_function_calls_until_clemtas_window_ends_if_nothing_is_left(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
    one.acquire(soon())
    one.record_remaining(0, 25, soon())
    assert queue(other, OPEN)[0] == 25
    assert queue(one, OPEN)[0] > 25


def test_p6_no_function_calls_for_a_minute_if_nothing_is_left_and_no_reset_is_given(aws: Aws) -> None:
    clock = Clock()
    one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
    one.acquire(soon())
    one.record_remaining(0, 0, soon())
    assert wait(other) == 62


@pytest.mark.parametrize(
    "refuse",
    [lambda one: one.record_remaining(0, 30, soon()), lambda one: one.on_rate_limited(30, soon())],
    ids=["nothing left", "429"],
)
def test_p6_a_reserved_call_is_not_made_after_clemta_refused(
    aws: Aws, refuse: Callable[[RateLimit], object]
) -> None:
    one = RateLimit(table(aws), 100, Clock())
    one.acquire(soon(), reserve_next=1)
    refuse(one)
    assert wait(one) >= 30


def test_p7_a_contended_rate_limit_takes_no_more_time_than_there_is() -> None:
    """Each write takes a while, and finds that another one was there first."""

    class Contended(Table):
        def update(self, *_: Any, **how: Any) -> Any:
            writes.append(time.monotonic())
            threading.Event().wait(0.2)
            raise ConditionFailed({"revision": "another"})

    writes: list[float] = []
    deadline = Deadline.after(0.8)
    rate_limit = RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock())
    with pytest.raises(Retryable, match="no_time_left"):
        rate_limit.acquire(deadline)
    assert 2 <= len(writes) <= 3
    rate_limit.record_remaining(3, 0, deadline)
    assert len(writes) <= 3


def test_a_429_is_accepted_while_the_table_is_out_of_reach(aws: Aws, closed: str) -> None:
    for endpoint, name in ((closed, aws.settings.ledger_table), (aws.url, "no-such-table")):
        client = boto3.client(
            "dynamodb", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        unreachable = Table(lambda client=client: client, name)  # type: ignore[misc]
        assert RateLimit(unreachable, 100, Clock()).on_rate_limited(60, soon()) == (60, "")


def test_clemtas_answer_counts_as_such_while_the_table_is_out_of_reach(aws: Aws) -> None:
    rate_limit = RateLimit(table(aws), 100, Clock())
    rate_limit.acquire(soon())
    client = boto3.client("dynamodb")
    rate_limit._table = Table(lambda: client, "no-such-table")
    rate_limit.record_remaining(3, 0, soon())
    rate_limit.record_remaining(0, 9, soon())
    rate_limit.set_place(OPEN)
    assert rate_limit.on_rate_limited(60, soon()) == (60, "")


def test_p6_parallel_calls_are_all_counted(aws: Aws) -> None:
    clock = Clock()

    def call(_: int) -> bool:
        try:
            RateLimit(table(aws), 12, clock).acquire(soon())
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(call, range(40))) <= 12


def test_a_caller_that_loses_every_conditional_write_comes_again_later() -> None:
    """Each write finds that another one was there first."""

    class Contended(Table):
        def update(
            self, pk: str, update: str, condition: str | None, values: dict[str, Any], **how: Any
        ) -> Any:
            if condition:
                raise ConditionFailed({"revision": "another", "open_taken": "4"})
            return {"revision": "another", "open_taken": "4"}

    for place, slot in [
        (None, ""),
        (OPEN, "open:4"),
        (Place("open", "open:0", Clock().now), "open:0"),
        (Place("open", "tried"), "open_late:0"),
    ]:
        rate_limit = RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock())
        if place:
            rate_limit.set_place(place)
        with pytest.raises(RateLimited) as refusal:
            rate_limit.acquire(soon())
        assert (refusal.value.code, refusal.value.slot) == ("budget_contended", slot)


def test_recording_what_is_left_gives_up_after_losing_every_conditional_write() -> None:
    class Contended(Table):
        def update(
            self, pk: str, update: str, condition: str | None, values: dict[str, Any], **how: Any
        ) -> Any:
            raise ConditionFailed({"revision": "another"})

    RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock()).record_remaining(3, 0, soon())


def test_p6_a_function_whose_clock_is_behind_counts_all_calls(aws: Aws) -> None:
    ahead, behind = Clock(), Clock()
    behind.advance(-3)
    limits = [RateLimit(table(aws), 4, clock) for clock in (ahead, behind, ahead, behind)]
    for rate_limit in limits:
        rate_limit.acquire(soon())
    calls = json.loads(item(aws)["recent_calls"]["S"])
    assert calls == [int(behind.now), 2, 0, 0, 2]
    assert wait(limits[1]) == pytest.approx(62), "until its own clock's calls no longer count"
