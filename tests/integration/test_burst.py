"""P6 under a burst, in virtual time: 1,000 sign-ups in 10 s against Clemta's 100 calls a minute."""

from typing import Any, cast

import boto3
import pytest

from bench.burst import Burst, Stream, p99
from bench.in_process_dynamodb import InProcessDynamoDB
from clemta_intake.dynamo.table import Table
from tests.integration.conftest import Aws


@pytest.fixture
def table(aws: Aws) -> Table:
    client = boto3.client("dynamodb")
    return Table(lambda: client, aws.settings.ledger_table)


def test_p6_a_burst_keeps_the_limit_and_drains_at_its_pace(table: Table) -> None:
    burst = Burst(table).run()
    assert burst.peak <= 100
    assert burst.clemta.refusals == 0, "no 429 while nobody else calls"
    assert not burst.parked
    assert len(burst.clemta.contacts) == 1_000
    assert len(burst.clemta.arrivals) == 2_000, "no call is wasted"
    assert burst.pace >= 0.9


def test_p6_another_client_that_uses_half_of_the_limit_causes_no_loss(table: Table) -> None:
    burst = Burst(table, signups=200, other_calls=50).run()
    assert not burst.parked
    assert len(burst.clemta.contacts) == 200
    assert burst.pace >= 0.4, "nearly the half that is left"


def burst(**how: Any) -> Burst:
    """A burst on the emulator's DynamoDB as a library: many writes, no sockets."""
    client = InProcessDynamoDB()
    return Burst(Table(lambda: cast(Any, client), "ledger"), **how).run()


def test_p6_burst_with_clemtas_list_makes_85_contacts_a_minute_within_the_limit() -> None:
    found = burst(list_seconds=10, jitter=1.0)
    assert found.peak <= 100
    assert found.clemta.refusals == 0
    assert not found.parked
    assert len(found.served["open"]) == len(found.clemta.contacts) == 1_000
    assert sum(map(len, found.clemta.contacts.values())) == 1_000, "one contact each"
    assert 60 * 1_000 / (found.now - found.began) >= 85
    assert found.over_fifo("open") <= 1.2


def test_p3_with_clemtas_list_few_become_two_that_somebody_adds_by_hand_while_they_wait() -> None:
    found = burst(list_seconds=10, by_hand=100, jitter=1.0)
    assert found.added == 100
    assert sum(len(of_one) - 1 for of_one in found.clemta.contacts.values()) <= 5


def test_p6_later_sign_ups_do_not_overtake_a_burst() -> None:
    found = burst(signups=200, streams=[Stream("open", 45 * 8, 10, 480)], jitter=2.0)
    assert found.peak <= 100
    assert found.clemta.refusals == 0
    assert len(found.served["open"]) == 560
    assert found.over_fifo("open") <= 1.2
    assert max(found.waits("open")) <= 330, (
        "150 are before it: 62 s, then 1.24 s each, and half as much again"
    )
    assert found.pace >= 0.9


def test_p6_a_burst_of_forms_does_not_delay_proven_senders() -> None:
    forms = Stream("open", 30 * 8, 10, 480)
    found = burst(signups=200, streams=[forms, Stream("proven", 8 * 8, 10, 480)], jitter=2.0)
    assert found.peak <= 100
    assert found.over_fifo("open") <= 1.2
    assert found.over_fifo("proven") <= 1.2
    assert p99(found.waits("proven")) <= 62 + 4 * 5 * 1.24, "the first minute, and some slots of its lane"
    assert max(found.waits("open")) <= 390


def test_p6_a_message_that_is_received_late_gets_the_next_slot() -> None:
    """No message is received for three minutes; the late ones then go before new sign-ups."""
    found = burst(signups=300, streams=[Stream("open", 300, 10, 600)], paused=(100, 280))
    assert found.peak <= 100
    assert not found.parked
    assert found.over_fifo("open") <= 1.2
