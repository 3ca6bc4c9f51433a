"""Clemta's list with the real parts: DynamoDB, Clemta's stand-in, the client and its rate limit."""

from collections.abc import Callable
from copy import replace
from typing import Any

import pytest

from clemta_intake import list_contacts
from clemta_intake.deadlines import Deadline
from clemta_intake.dependencies import Dependencies
from local.clemta import DEFAULT_COMPANY_ID, StandIn
from tests.integration.conftest import Aws, dependencies_of
from tests.support.fakes import contact, reading


@pytest.fixture
def lists(aws: Aws, clemta: StandIn) -> Dependencies:
    return dependencies_of(replace(aws.settings, list_seconds=10))


def deliver(deps: Dependencies, email: str) -> str:
    wanted = contact(email, company_id=DEFAULT_COMPANY_ID)
    mapped = reading(wanted, email, deps.clock())
    return deps.delivery.deliver(mapped, "skip", Deadline.after(5)).status


@pytest.fixture
def calls(clemta: StandIn) -> Callable[[], list[str]]:
    """What was asked of Clemta since the last time."""
    seen = 0

    def since() -> list[str]:
        nonlocal seen
        found, seen = clemta.requests[seen:], len(clemta.requests)
        return ["list" if "sort=" in one.path else one.operation for one in found]

    return since


def test_p6_one_reading_of_the_list_saves_the_look_ups_of_all_functions(
    lists: Dependencies, aws: Aws, clemta: StandIn, calls: Callable[[], list[str]]
) -> None:
    known = clemta.create_contact(age=100, email="Known@example.com")
    assert [deliver(lists, f"new{number}@example.com") for number in range(3)] == ["created"] * 3
    assert calls() == ["list", "create", "create", "create"]
    other = dependencies_of(replace(aws.settings, list_seconds=10))
    assert deliver(other, "another@example.com") == "created"
    assert calls() == ["create"]
    assert deliver(other, "known@example.com") == "duplicate"
    assert calls() == ["search"]
    assert known["id"] in {one["id"] for one in clemta.contacts()}
    assert len(clemta.contacts()) == 5


def test_p6_schedule_reads_a_list_that_is_too_long_for_a_delivery(
    lists: Dependencies, clemta: StandIn, calls: Callable[[], list[str]]
) -> None:
    for number in range(1_101):
        clemta.create_contact(age=2_000 - number, email=f"known{number}@example.com")
    assert deliver(lists, "first@example.com") == "created"
    assert calls() == ["list", "search", "create"]
    list_contacts.read_lists(lists, 60, lambda _: None)
    assert calls() == ["list"] * 12
    assert deliver(lists, "second@example.com") == "created"
    assert deliver(lists, "known0@example.com") == "duplicate"
    assert calls() == ["create", "search"]


def test_lists_are_read_for_each_company_of_the_sources(aws: Aws) -> None:
    other = "0" * 24
    tables: dict[str, Any] = {"website": {"kind": "form"}, "other": {"kind": "form", "company_id": other}}
    assert dependencies_of(aws.settings, tables).company_ids() == {DEFAULT_COMPANY_ID, other}


def test_p8_state_and_marks_hold_no_personal_data(lists: Dependencies, aws: Aws, clemta: StandIn) -> None:
    clemta.create_contact(age=100, email="known@example.com")
    deliver(lists, "new@example.com")
    items = aws.client("dynamodb").scan(TableName=aws.settings.ledger_table)["Items"]
    assert {item["pk"]["S"].partition("#")[0] for item in items} == {"budget", "contact", "list"}
    assert "example.com" not in str(items)
