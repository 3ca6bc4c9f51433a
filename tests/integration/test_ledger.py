"""The real ledger keeps the contract, in DynamoDB."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config

from clemta_intake.delivery import Claim, Created
from clemta_intake.errors import Busy, Temporary
from clemta_intake.ledger import Ledger
from tests.fakes import Clock, contact
from tests.integration.conftest import Aws
from tests.ledger_contract import LAG, LedgerContract


class TestLedger(LedgerContract):
    @pytest.fixture
    def setting(self, aws: Aws) -> SimpleNamespace:
        clock = Clock()
        client = boto3.client("dynamodb")
        ledger = Ledger(lambda: client, aws.settings.ledger_table, LAG, clock)
        return SimpleNamespace(clock=clock, ledger=ledger)


def items(aws: Aws) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("dynamodb").scan(TableName=aws.settings.ledger_table)["Items"]
    return found


def test_p8_the_ledger_holds_hashes(aws: Aws) -> None:
    ledger = Ledger(lambda: boto3.client("dynamodb"), aws.settings.ledger_table, LAG, Clock())
    claim = ledger.claim(contact(), "delivery@example.com")
    assert isinstance(claim, Claim)
    ledger.created(claim, "c1")
    assert ledger.claim(contact("bo@example.com"), "")
    assert "example.com" not in str(items(aws))


def test_what_led_to_a_contact_never_expires(aws: Aws) -> None:
    ledger = Ledger(lambda: boto3.client("dynamodb"), aws.settings.ledger_table, LAG, Clock())
    claim = ledger.claim(contact(), "")
    assert isinstance(claim, Claim)
    assert "expires_at" in items(aws)[0]
    ledger.created(claim, "c1")
    assert items(aws)[0].keys() == {"pk", "state", "contact_id"}


def test_p3_a_claim_whose_answer_was_lost_is_ours_but_not_fresh(aws: Aws) -> None:
    """The SDK repeats a write whose answer did not come; the repeated one meets the first one's claim."""

    class Twice:
        def __init__(self) -> None:
            self._real = boto3.client("dynamodb")

        def update_item(self, **request: Any) -> Any:
            self._real.update_item(**request)
            return self._real.update_item(**request)

    client: Any = Twice()
    claim = Ledger(lambda: client, aws.settings.ledger_table, LAG, Clock()).claim(contact(), "")
    assert isinstance(claim, Claim)
    assert not claim.fresh


def test_a_ledger_that_is_out_of_reach_is_a_passing_trouble(aws: Aws, closed: str) -> None:
    for endpoint, table in ((closed, aws.settings.ledger_table), (aws.url, "no-such-table")):
        client = boto3.client(
            "dynamodb", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1})
        )
        ledger = Ledger(lambda client=client: client, table, LAG, Clock())  # type: ignore[misc]
        with pytest.raises(Temporary) as raised:
            ledger.claim(contact(), "")
        assert raised.value.code == "ledger_unavailable"
        claim = Claim("contact#x", "x", True, 0)
        ledger.unknown(claim)
        ledger.release(claim)


def test_a_holder_that_died_is_told_from_a_contact_that_exists(aws: Aws) -> None:
    clock = Clock()
    ledger = Ledger(lambda: boto3.client("dynamodb"), aws.settings.ledger_table, LAG, clock)
    ledger.claim(contact(), "")
    with pytest.raises(Busy):
        ledger.claim(contact(), "")
    clock.advance(1_000)
    second = ledger.claim(contact(), "")
    assert isinstance(second, Claim)
    ledger.created(second, "c2")
    assert ledger.claim(contact(), "") == Created("c2")
