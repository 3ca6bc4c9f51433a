"""The real ledger keeps the contract, in DynamoDB."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config

from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.batches import Batches
from clemta_intake.dynamo.claim_items import ClaimItems
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.dynamo.daily_cap import DailyCap
from clemta_intake.dynamo.keys import delivery_hash
from clemta_intake.dynamo.rate_limit import RateLimit
from clemta_intake.dynamo.table import ConditionFailed, Table
from clemta_intake.errors import ClaimHeld, ConfigError, RateLimited, Retryable, TakenForSpam
from clemta_intake.model import Claim, Created, Place, Submission
from tests.integration.conftest import Aws
from tests.support.fakes import Clock, contact
from tests.support.ledger_contract import LAG, LedgerContract, TransitionsContract

PEPPER = "pepper"
OPEN = Place("open")


class RealSetting:
    """The ledger in a table of the test's own, and its items."""

    def __init__(self, name: str) -> None:
        self.clock = Clock()
        self._client = boto3.client("dynamodb")
        self._name = name
        self.ledger = Ledger(ClaimItems(Table(lambda: self._client, name)), lambda: PEPPER, LAG, self.clock)

    def put(self, key: str, item: dict[str, Any] | None) -> None:
        if item is None:
            self._client.delete_item(TableName=self._name, Key={"pk": {"S": key}})
        else:
            typed = {name: _typed(value) for name, value in item.items()}
            self._client.put_item(TableName=self._name, Item={"pk": {"S": key}, **typed})

    def get(self, key: str) -> dict[str, Any] | None:
        item = self._client.get_item(TableName=self._name, Key={"pk": {"S": key}}).get("Item")
        return item and {name: _untyped(value) for name, value in item.items() if name != "pk"}


def _typed(value: Any) -> Any:
    if isinstance(value, list):
        return {"SS": value}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def _untyped(value: Any) -> Any:
    [(kind, content)] = value.items()
    return float(content) if kind == "N" else content


@pytest.fixture
def setting(aws: Aws) -> RealSetting:
    return RealSetting(aws.settings.ledger_table)


class TestLedger(LedgerContract):
    pass


class TestTransitionsOfTheLedger(TransitionsContract):
    pass


def table(aws: Aws) -> Table:
    client = boto3.client("dynamodb")
    return Table(lambda: client, aws.settings.ledger_table)


def items(aws: Aws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=aws.settings.ledger_table)["Items"]
    return found


def test_p8_the_ledger_holds_keyed_hashes_and_no_address(aws: Aws) -> None:
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, Clock())
    claim = ledger.claim(contact(), "delivery@example.com", "delivery@example.com")
    assert isinstance(claim, Claim)
    ledger.record_created(claim, "c1", 1.5)
    assert ledger.claim(contact("bo@example.com"), "")
    found = ledger.claim(contact(), "delivery@example.com", "other@example.com")
    assert isinstance(found, Created)
    ledger.record_seen(found, 1.5)
    assert "example.com" not in str(items(aws))


def test_p8_without_the_pepper_no_address_can_be_tested_against_the_ledger(aws: Aws) -> None:
    for pepper in ("one", "other"):
        Ledger(ClaimItems(table(aws)), lambda pepper=pepper: pepper, LAG, Clock()).claim(contact(), "")  # type: ignore[misc]
    assert len(items(aws)) == 2


def test_the_item_of_a_created_contact_never_expires(aws: Aws) -> None:
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, Clock())
    claim = ledger.claim(contact(), "")
    assert isinstance(claim, Claim)
    ledger.record_created(claim, "c1", 1.5)
    assert items(aws)[0].keys() == {"pk", "state", "contact_id", "checked_at"}


def test_p3_an_unknown_outcome_is_remembered_for_30_days(aws: Aws) -> None:
    clock = Clock()
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, clock)
    claim = ledger.claim(contact(), "d1")
    assert isinstance(claim, Claim)
    ledger.mark_unknown(claim)
    assert ledger.reserve_contact(claim, "c1")
    assert [int(item["expires_at"]["N"]) - clock.now for item in items(aws)] == [30 * 86_400] * 2


def test_p3_a_claim_that_the_sdk_repeated_is_ours_but_not_fresh(aws: Aws) -> None:
    """The SDK repeats a write whose answer did not come; the repeated one meets the first one's claim."""

    class Twice:
        def __init__(self) -> None:
            self._real = boto3.client("dynamodb")

        def update_item(self, **request: Any) -> Any:
            self._real.update_item(**request)
            return self._real.update_item(**request)

    client: Any = Twice()
    claim = Ledger(
        ClaimItems(Table(lambda: client, aws.settings.ledger_table)), lambda: PEPPER, LAG, Clock()
    ).claim(contact(), "")
    assert isinstance(claim, Claim)
    assert not claim.fresh


def test_a_ledger_that_is_out_of_reach_raises_retryable(aws: Aws, closed: str) -> None:
    for endpoint, name in ((closed, aws.settings.ledger_table), (aws.url, "no-such-table")):
        client = boto3.client(
            "dynamodb", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        unreachable = Table(lambda client=client: client, name)  # type: ignore[misc]
        ledger = Ledger(ClaimItems(unreachable), lambda: PEPPER, LAG, Clock())
        with pytest.raises(Retryable) as raised:
            ledger.claim(contact(), "")
        assert raised.value.code == "ledger_unavailable"
        claim = Claim("contact#x", "x", True, 0)
        ledger.mark_unknown(claim)
        ledger.release(claim)
        ledger.release_update(claim)
        ledger.mark_update_unknown(claim)
        ledger.record_seen(Created("contact#x", "c1", 0), 1.5)
        assert RateLimit(unreachable, 100, Clock()).refused(60, soon()) == (60, "")


def test_a_lapsed_claim_is_claimed_again_and_a_created_contact_is_not(aws: Aws) -> None:
    clock = Clock()
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, clock)
    ledger.claim(contact(), "")
    with pytest.raises(ClaimHeld):
        ledger.claim(contact(), "")
    clock.advance(1_000)
    second = ledger.claim(contact(), "")
    assert isinstance(second, Claim)
    ledger.record_created(second, "c2", 1.5)
    found = ledger.claim(contact(), "")
    assert isinstance(found, Created)
    assert found.contact_id == "c2"


def test_p3_a_created_item_without_checked_at_counts_as_old(aws: Aws) -> None:
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, Clock())
    claim = ledger.claim(contact(), "")
    assert isinstance(claim, Claim)
    item = {
        "pk": {"S": claim.key},
        "state": {"S": "created"},
        "contact_id": {"S": "c1"},
    }
    aws.client("dynamodb").put_item(TableName=aws.settings.ledger_table, Item=item)
    assert ledger.claim(contact(), "", "d1") == Created(
        claim.key, "c1", 0, delivery_hash(PEPPER, claim.key, "d1")
    )


def test_a_contact_remembers_a_bounded_number_of_deliveries(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clemta_intake.dynamo.claim_states.MAX_DELIVERIES", 2)
    ledger = Ledger(ClaimItems(table(aws)), lambda: PEPPER, LAG, Clock())
    claim = ledger.claim(contact(), "", "d1")
    assert isinstance(claim, Claim)
    ledger.record_created(claim, "c1", 1.5)
    for name, remembered in (("d2", 2), ("d3", 1), ("d4", 2)):
        found = ledger.claim(contact(), "", name)
        assert isinstance(found, Created)
        ledger.record_seen(found)
        again = ledger.claim(contact(), "", name)
        assert isinstance(again, Created)
        assert (again.delivered, len(again.deliveries)) == (True, remembered)


def soon() -> Deadline:
    """Time enough."""
    return Deadline.after(30)


def wait(budget: RateLimit) -> float:
    """Seconds until a call that may not be made now."""
    with pytest.raises(RateLimited) as refusal:
        budget.take(soon())
    return refusal.value.retry_after


def queued(wait: float, slot: str) -> tuple[float, str]:
    return round(wait, 2), slot


def queue(budget: RateLimit, place: Place, ahead: int = 0) -> tuple[float, str]:
    """Seconds until the turn of a submission that must wait, to the hundredth, and its slot."""
    budget.serve(place)
    with pytest.raises(RateLimited) as refusal:
        budget.take(soon(), ahead=ahead)
    return queued(refusal.value.retry_after, refusal.value.slot)


class TestBudget:
    @pytest.mark.parametrize("per_minute", [1, 2, 7, 30])
    def test_p6_no_window_of_a_minute_holds_more_calls(self, aws: Aws, per_minute: int) -> None:
        clock = Clock()
        budgets = [RateLimit(table(aws), per_minute, clock) for _ in range(3)]  # as many functions
        taken: list[float] = []
        for step in range(400):
            try:
                budgets[step % 3].take(soon())
            except RateLimited:
                clock.advance(0.73)
            else:
                taken.append(clock.now)
        for first in taken:
            assert sum(first <= call < first + 60 for call in taken) <= per_minute
        assert len(taken) >= 0.9 * per_minute * (clock.now - taken[0]) / 61, "nor is it left unused"

    def test_all_of_it_may_be_used_at_once(self, aws: Aws) -> None:
        budget = RateLimit(table(aws), 20, Clock())
        for _ in range(20):
            budget.take(soon())
        with pytest.raises(RateLimited):
            budget.take(soon())

    def test_p6_the_calls_that_release_0_1_0_counted_count_after_the_upgrade(self, aws: Aws) -> None:
        clock = Clock()
        now = int(clock.now)
        calls = f'{{"{now - 63}": 7, "{now - 20}": 2, "{now - 1}": 1}}'
        item = {"pk": {"S": "budget"}, "revision": {"S": "1"}, "calls": {"S": calls}}
        item |= {"next_turn": {"N": str(now + 30)}}
        aws.client("dynamodb").put_item(TableName=aws.settings.ledger_table, Item=item)
        budget = RateLimit(table(aws), 4, clock)
        budget.take(soon())
        assert wait(budget) == pytest.approx(42)
        clock.advance(42)
        budget.take(soon())
        budget.take(soon())
        assert wait(budget) == pytest.approx(19)

    def test_a_refusal_says_when_the_turn_comes(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 1, clock)
        budget.take(soon())
        clock.advance(20)
        assert wait(budget) == 42
        clock.advance(42)
        budget.take(soon())

    def test_p6_turns_follow_each_other_at_the_limits_pace(self, aws: Aws) -> None:
        clock = Clock()
        budgets = [RateLimit(table(aws), 60, clock) for _ in range(3)]
        for number in range(60):
            budgets[number % 3].take(soon())
        waits = [queue(budgets[number % 3], OPEN) for number in range(5)]
        assert [wait for wait, _ in waits] == [round(62 + number * 62 / 60, 2) for number in range(5)]
        assert [slot for _, slot in waits] == [f"open:{number}" for number in range(5)]

    def test_p6_a_line_that_everybody_has_left_is_forgotten(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 1, clock)
        budget.serve(OPEN)
        budget.take(soon())
        queue(budget, OPEN)
        clock.advance(1_000)
        budget.serve(OPEN)
        budget.take(soon())
        assert queue(budget, OPEN)[0] == 62

    def test_p6_a_newcomer_goes_behind_the_last_of_its_lane(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 4, clock), RateLimit(table(aws), 4, clock)
        for _ in range(4):
            one.serve(OPEN)
            one.take(soon())
        first = queue(one, OPEN, ahead=1)
        assert first == (62, "open:0")
        clock.advance(61.9)
        second = queue(other, OPEN, ahead=1)
        assert second == (round(0.1 + 31, 2), "open:2")
        clock.advance(0.1)
        assert queue(one, OPEN, ahead=1)[1] == "open:4", "though two calls are left"
        one.serve(Place("open", first[1], clock.now))
        one.take(soon(), ahead=1)
        one.take(soon())

    def test_p6_while_forms_wait_a_proven_sender_waits_for_five_slots_at_most(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 10, clock), RateLimit(table(aws), 10, clock)
        for _ in range(10):
            one.take(soon())
        for _ in range(20):
            queue(one, OPEN, ahead=1)
        assert queue(other, Place("proven"), ahead=1) == (round(62 + 4 * 6.2, 2), "proven:0")
        assert queue(other, Place("proven"), ahead=1)[0] == 148.8

    def test_p6_who_comes_too_early_is_told_the_same_slot_again(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 1, clock), RateLimit(table(aws), 1, clock)
        one.take(soon())
        queue(one, OPEN)
        _, slot = queue(one, OPEN)
        clock.advance(30)
        assert queue(other, Place("open", slot, clock.now)) == ((32 + 62), slot)

    def test_p6_who_comes_too_late_gets_the_next_slot_and_not_the_last(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 1, clock)
        budget.take(soon())
        slots = [queue(budget, OPEN)[1] for _ in range(6)]
        due = clock.now + 62
        clock.advance(62 + 62 + 30)
        assert queue(budget, Place("open", slots[0], due)) == (32, "open_late:0")
        assert queue(budget, Place("open", slots[2], clock.now + 32))[0] == (32 + 62), "by one later"
        assert queue(budget, OPEN)[0] == (32 + 5 * 62)

    @pytest.mark.parametrize(("late", "told"), [(60, (2, "open:0")), (10, (52, "open_late:0"))])
    def test_p6_who_finds_no_call_at_its_turn_keeps_it_for_a_moment(
        self, aws: Aws, late: int, told: tuple[float, str]
    ) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 2, clock)
        budget.take(soon(), ahead=1)
        _, slot = queue(budget, OPEN, ahead=1)
        clock.advance(62)
        thief = RateLimit(table(aws), 2, clock)
        thief.take(soon())
        due = clock.now
        clock.advance(late)  # the other's call counts for 62 seconds
        assert queue(budget, Place("open", slot, due), ahead=1) == told

    def test_p6_who_had_its_turn_and_needs_more_calls_goes_first(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 2, clock), RateLimit(table(aws), 2, clock)
        one.serve(OPEN)
        one.take(soon(), ahead=1)
        first, _ = queue(other, OPEN)
        with pytest.raises(RateLimited) as refusal:  # a second page, and the create after it
            one.take(soon(), ahead=1)
        assert queued(refusal.value.retry_after, refusal.value.slot) == (first, "open_late:0")

    def test_the_budgets_item_stays_small_however_many_wait(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 99 * 61, clock)
        for _ in range(61):
            budget.take(soon(), ahead=98)
            budget._booked.clear()  # the next second takes as many of its own
            clock.advance(1)
        queue(budget, OPEN)
        budget._table.update(
            "budget",
            "SET revision = :r ADD open_taken :n, proven_taken :n, open_late_taken :n, proven_late_taken :n",
            None,
            {":n": 10**8, ":r": "another"},
        )
        queue(budget, OPEN)
        [item] = items(aws)
        assert sum(len(name) + len(str(value)) for name, value in item.items()) < 1_000, "one write unit"

    def test_p6_the_call_that_follows_a_look_up_is_booked_with_it(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 4, clock), RateLimit(table(aws), 4, clock)
        one.take(soon(), ahead=1)
        other.take(soon(), ahead=1)
        assert wait(RateLimit(table(aws), 4, clock)) > 0
        clock.advance(3)
        one.take(soon())
        other.take(soon())
        assert wait(one) > 0

    def test_p6_a_booked_call_counts_from_when_it_is_made(self, aws: Aws) -> None:
        clock = Clock()
        budget, other = RateLimit(table(aws), 3, clock), RateLimit(table(aws), 3, clock)
        budget.take(soon(), ahead=1)
        clock.advance(30)
        budget.take(soon())
        other.take(soon())  # what was booked counts no more beside what was made
        assert wait(other) == 32
        clock.advance(32)  # the first one is free again, those of half a minute ago are not
        other.take(soon())
        assert wait(other) == 30

    def test_p6_a_booking_that_has_lapsed_is_booked_anew(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 2, clock)
        budget.take(soon(), ahead=1)
        clock.advance(62)
        for _ in range(2):
            budget.take(soon())
        assert wait(budget) == 62

    def test_p6_two_calls_have_room_when_the_second_of_them_has(self, aws: Aws) -> None:
        clock = Clock()
        budget = RateLimit(table(aws), 3, clock)
        budget.take(soon())
        clock.advance(10)
        for _ in range(2):
            budget.take(soon())
        assert wait(budget) == 52
        with pytest.raises(RateLimited) as refusal:
            budget.take(soon(), ahead=1)
        assert refusal.value.retry_after == 62

    @pytest.mark.parametrize(
        ("limit", "foreign", "counts"), [(100, 4, False), (100, 5, True), (20, 1, False), (20, 2, True)]
    )
    def test_p6_foreign_calls_count_where_they_are_more_than_the_order_of_answers_explains(
        self, aws: Aws, limit: int, foreign: int, counts: bool
    ) -> None:
        budget = RateLimit(table(aws), limit, Clock())
        budget.take(soon())
        budget.heard(limit - 1 - foreign, 0, soon())
        [item] = items(aws)
        _, *calls = json.loads(item["recent_calls"]["S"])
        assert sum(calls) == 1 + (foreign if counts else 0)

    def test_a_booked_call_that_was_not_made_serves_the_next_submission(self, aws: Aws) -> None:
        budget = RateLimit(table(aws), 3, Clock())
        budget.take(soon(), ahead=1)  # found: no create follows
        budget.take(soon(), ahead=1)
        budget.take(soon())
        assert wait(budget) > 0

    def test_a_limit_of_one_still_lets_a_look_up_through(self, aws: Aws) -> None:
        RateLimit(table(aws), 1, Clock()).take(soon(), ahead=1)

    def test_what_clemta_refuses_holds_for_all(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
        one.serve(OPEN)
        one.take(soon())
        other.take(soon())
        assert other.refused(60, soon()) == (60, ""), "who stands nowhere"
        assert queued(*one.refused(60, soon())) == (60, "open_late:0")
        assert queued(*one.refused(10, soon())) == (61.24, "open_late:2"), "after the longer wait"
        assert queue(other, OPEN)[0] == round(60 + 4 * 0.62, 2)
        clock.advance(60)
        other.serve(Place("open", "open_late:0", clock.now))
        other.take(soon())

    def test_p6_what_clemta_says_is_left_counts_for_all(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
        one.take(soon())
        one.heard(98, 0, soon())  # one less than we think: answers cross each other
        one.heard(10, 0, soon())
        for _ in range(10):
            other.take(soon())
        assert wait(other) > 0

    def test_p6_where_clemta_says_that_nothing_is_left_nobody_calls(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
        one.take(soon())
        one.heard(0, 25, soon())
        assert queue(other, OPEN)[0] == 25
        assert queue(one, OPEN)[0] > 25

    def test_p6_nor_where_it_does_not_say_for_how_long(self, aws: Aws) -> None:
        clock = Clock()
        one, other = RateLimit(table(aws), 100, clock), RateLimit(table(aws), 100, clock)
        one.take(soon())
        one.heard(0, 0, soon())
        assert wait(other) == 62

    @pytest.mark.parametrize(
        "says",
        [lambda one: one.heard(0, 30, soon()), lambda one: one.refused(30, soon())],
        ids=["nothing left", "429"],
    )
    def test_p6_a_call_that_was_booked_before_is_not_made_either(
        self, aws: Aws, says: Callable[[RateLimit], object]
    ) -> None:
        one = RateLimit(table(aws), 100, Clock())
        one.take(soon(), ahead=1)
        says(one)
        assert wait(one) >= 30

    def test_p7_a_budget_that_many_want_takes_no_more_time_than_there_is(self) -> None:
        """Each write takes a while, and finds that another one was there first."""

        class Contended(Table):
            def update(self, *_: Any, **how: Any) -> Any:
                writes.append(time.monotonic())
                threading.Event().wait(0.2)
                raise ConditionFailed({"revision": "another"})

        writes: list[float] = []
        deadline = Deadline.after(0.8)
        budget = RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock())
        with pytest.raises(Retryable, match="no_time_left"):
            budget.take(deadline)
        assert 2 <= len(writes) <= 3
        budget.heard(3, 0, deadline)
        assert len(writes) <= 3

    def test_what_clemta_says_is_no_trouble_while_the_table_is_out_of_reach(self, aws: Aws) -> None:
        budget = RateLimit(table(aws), 100, Clock())
        budget.take(soon())
        client = boto3.client("dynamodb")
        budget._table = Table(lambda: client, "no-such-table")
        budget.heard(3, 0, soon())
        budget.heard(0, 9, soon())
        budget.serve(OPEN)
        assert budget.refused(60, soon()) == (60, "")

    def test_p6_parallel_calls_are_all_counted(self, aws: Aws) -> None:
        clock = Clock()

        def call(_: int) -> bool:
            try:
                RateLimit(table(aws), 12, clock).take(soon())
            except RateLimited:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(call, range(40))) <= 12

    def test_where_everybody_is_at_it_it_comes_again_later(self) -> None:
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
            budget = RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock())
            if place:
                budget.serve(place)
            with pytest.raises(RateLimited) as refusal:
                budget.take(soon())
            assert (refusal.value.code, refusal.value.slot) == ("budget_contended", slot)

    def test_what_clemta_says_gives_way_where_everybody_is_at_it(self) -> None:
        class Contended(Table):
            def update(
                self, pk: str, update: str, condition: str | None, values: dict[str, Any], **how: Any
            ) -> Any:
                raise ConditionFailed({"revision": "another"})

        RateLimit(Contended(lambda: boto3.client("dynamodb"), "t"), 100, Clock()).heard(3, 0, soon())


class TestDailyCap:
    def test_a_source_has_its_number_each_day(self, aws: Aws) -> None:
        clock = Clock()
        cap = DailyCap(table(aws), clock)
        for _ in range(3):
            cap.take("website", 3, 0)
            cap.take("website", 3, 1)
        cap.take("other", 3, 1)
        left = 86_400 - clock.now % 86_400
        for seconds in (0, left - 1):
            clock.advance(seconds)
            for numbers in (0, 1):
                with pytest.raises(TakenForSpam, match="max_per_day"):
                    cap.take("website", 3, numbers)
        clock.advance(1)
        cap.take("website", 3, 1)

    def test_its_count_expires_when_its_day_is_long_over(self, aws: Aws) -> None:
        DailyCap(table(aws), clock := Clock()).take("website", 3, 1)
        [item] = items(aws)
        assert int(item["expires_at"]["N"]) == (clock.now // 86_400 + 2) * 86_400

    def test_while_the_table_is_out_of_reach_all_are_taken(self, aws: Aws) -> None:
        client = boto3.client("dynamodb")
        DailyCap(Table(lambda: client, "no-such-table"), Clock()).take("website", 1, 1)


class TestBatches:
    WHOLE = Submission("s", "crm", 0, b'[{"email": "ada@example.com"}, 1]')
    RESULTS: ClassVar = [{"status": "parked", "submission_id": "s-1"}]

    def test_p4_a_batch_that_was_cut_off_is_known_by_its_source_and_body(self, aws: Aws) -> None:
        batches = Batches(table(aws), lambda: PEPPER, Clock())
        assert batches.settled(self.WHOLE) == []
        assert items(aws) == [], "to ask leaves nothing behind"
        batches.settle(self.WHOLE, self.RESULTS)
        assert batches.settled(replace(self.WHOLE, submission_id="t", received_at=9)) == self.RESULTS
        assert batches.settled(replace(self.WHOLE, source="other")) == []
        assert batches.settled(replace(self.WHOLE, body=b"[]")) == []

    def test_p8_it_is_kept_under_a_hash_and_expires(self, aws: Aws) -> None:
        clock = Clock()
        Batches(table(aws), lambda: PEPPER, clock).settle(self.WHOLE, self.RESULTS)
        [item] = items(aws)
        assert "example.com" not in str(item)
        assert int(item["expires_at"]["N"]) == clock.now + 7 * 86_400
        for pepper in ("other", PEPPER):
            known = Batches(table(aws), lambda pepper=pepper: pepper, clock).settled(self.WHOLE)  # type: ignore[misc]
            assert bool(known) == (pepper == PEPPER)

    def test_while_the_table_or_the_pepper_is_out_of_reach_nothing_is_known(self, aws: Aws) -> None:
        def no_pepper() -> str:
            raise ConfigError("ledger_pepper_missing")

        client = boto3.client("dynamodb")
        for batches in (
            Batches(Table(lambda: client, "no-such-table"), lambda: PEPPER, Clock()),
            Batches(table(aws), no_pepper, Clock()),
        ):
            batches.settle(self.WHOLE, self.RESULTS)
            assert batches.settled(self.WHOLE) == []
