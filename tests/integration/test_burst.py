"""P6 under a burst, in virtual time: 1,000 sign-ups in 10 s against Clemta's 100 calls a minute."""

import boto3
import pytest

from bench.burst import Burst
from clemta_intake.ledger import Table
from tests.integration.conftest import Aws


@pytest.fixture
def table(aws: Aws) -> Table:
    client = boto3.client("dynamodb")
    return Table(lambda: client, aws.settings.ledger_table)


def test_p6_a_burst_keeps_the_limit_and_is_drained_at_its_pace(table: Table) -> None:
    burst = Burst(table).run()
    assert burst.peak <= 100
    assert burst.clemta.refusals == 0, "no 429 while nobody else calls"
    assert not burst.parked
    assert len(burst.clemta.contacts) == 1_000
    assert len(burst.clemta.arrivals) == 2_000, "no call is wasted"
    assert burst.pace >= 0.9


def test_p6_with_another_client_that_uses_half_nothing_is_lost(table: Table) -> None:
    burst = Burst(table, signups=200, foreign=50).run()
    assert not burst.parked
    assert len(burst.clemta.contacts) == 200
    assert burst.pace >= 0.4, "its half, or nearly"
