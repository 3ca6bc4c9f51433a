"""The states of Clemta's lists: the same in DynamoDB and in the fake that the unit tests use."""

from typing import Any, cast

import pytest

from bench.in_process_dynamodb import InProcessDynamoDB
from clemta_intake.contact_lists import ListStates as Kept
from clemta_intake.dynamo.list_states import ListStates
from clemta_intake.dynamo.table import Table
from clemta_intake.model import ListState, Watermark
from tests.support.fakes import COMPANY, FakeListStates

READ = ListState(1_000.25, 900, 0, Watermark(990, 42, ("c9", "c8")))


@pytest.fixture(params=["DynamoDB", "fake"])
def states(request: pytest.FixtureRequest) -> Kept:
    if request.param == "fake":
        return FakeListStates()
    client = InProcessDynamoDB()
    return ListStates(Table(lambda: cast(Any, client), "ledger"), lambda: "pepper")


def test_a_company_that_was_never_read_has_no_state(states: Kept) -> None:
    assert states.read(COMPANY) == ListState()


def test_what_is_recorded_is_read_again_and_belongs_to_one_company(states: Kept) -> None:
    assert states.record(COMPANY, READ)
    assert states.read(COMPANY) == READ
    assert states.read("another") == ListState()


def test_p6_one_caller_at_a_time_reads(states: Kept) -> None:
    assert states.take_lease(COMPANY, ListState(), 1_000, 1_060)
    assert not states.take_lease(COMPANY, ListState(), 1_059, 1_119)
    assert states.take_lease(COMPANY, ListState(), 1_060, 1_120)
    states.extend_lease(COMPANY, 0)
    assert states.take_lease(COMPANY, ListState(), 1_061, 1_121)


def test_p3_who_knows_an_older_state_does_not_read(states: Kept) -> None:
    states.record(COMPANY, READ)
    assert not states.take_lease(COMPANY, ListState(), 1_001, 1_061)
    assert states.take_lease(COMPANY, READ, 1_001, 1_061)
    states.record(COMPANY, READ._replace(complete_until=1_002))
    assert not states.take_lease(COMPANY, READ, 1_003, 1_063)


def test_p3_a_reading_that_ends_after_a_later_one_changes_nothing(states: Kept) -> None:
    states.record(COMPANY, READ)
    assert not states.record(COMPANY, READ._replace(complete_until=999))
    assert not states.record(COMPANY, READ)
    assert states.read(COMPANY) == READ


def test_p6_a_part_of_a_reading_moves_the_watermark_alone(states: Kept) -> None:
    states.record(COMPANY, READ)
    further = Watermark(995, 50, ("c12",))
    states.record_progress(COMPANY, READ._replace(complete_until=999, watermark=further))
    assert states.read(COMPANY) == READ
    states.record_progress(COMPANY, READ._replace(full_at=1, watermark=further))
    assert states.read(COMPANY) == READ._replace(watermark=further)
    states.switch_off(COMPANY, 2_000, "not the newest first")
    states.record_progress(COMPANY, READ)
    assert states.read(COMPANY) == ListState(off_until=2_000, trouble="not the newest first")


def test_a_reading_of_all_contacts_is_recorded_beside_a_later_one_of_the_newest(states: Kept) -> None:
    states.record_full(COMPANY, 950)
    assert states.read(COMPANY) == ListState()
    states.record(COMPANY, READ)
    states.record_full(COMPANY, 950)
    assert states.read(COMPANY) == READ._replace(full_at=950)


def test_p3_a_reading_that_began_before_the_list_was_switched_off_does_not_switch_it_on(states: Kept) -> None:
    states.record(COMPANY, READ)
    states.switch_off(COMPANY, 2_000, "not the newest first")
    assert states.read(COMPANY) == ListState(off_until=2_000, trouble="not the newest first")
    assert not states.record(COMPANY, READ._replace(complete_until=1_999))
    states.record_full(COMPANY, 1_999)
    assert states.read(COMPANY) == ListState(off_until=2_000, trouble="not the newest first")
    assert states.record(COMPANY, READ._replace(complete_until=2_000))
    states.record_full(COMPANY, 2_001)
    assert states.read(COMPANY) == ListState(2_000, 2_001, 2_000, READ.watermark, "not the newest first")


def test_the_list_that_is_switched_off_is_free_to_be_read_afterwards(states: Kept) -> None:
    states.take_lease(COMPANY, ListState(), 1_000, 5_000)
    states.switch_off(COMPANY, 2_000, "not the newest first")
    assert states.take_lease(COMPANY, states.read(COMPANY), 2_000, 2_060)
