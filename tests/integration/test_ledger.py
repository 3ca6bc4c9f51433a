"""The real ledger keeps the contract, in DynamoDB."""

from copy import replace
from typing import Any, ClassVar

import boto3
import pytest
from botocore.config import Config

from clemta_intake.dynamo.batches import Batches
from clemta_intake.dynamo.claim_items import ClaimItems
from clemta_intake.dynamo.claims import Ledger
from clemta_intake.dynamo.daily_cap import DailyCap
from clemta_intake.dynamo.keys import delivery_hash
from clemta_intake.dynamo.table import Table
from clemta_intake.errors import ClaimHeld, ConfigError, Retryable, TakenForSpam
from clemta_intake.model import Claim, Created, Submission
from tests.integration.conftest import Aws
from tests.support.fakes import Clock, contact
from tests.support.ledger_contract import LAG, LedgerContract, TransitionsContract

PEPPER = "pepper"


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


class TestDailyCap:
    def test_daily_cap_counts_per_source_and_day(self, aws: Aws) -> None:
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

    def test_daily_count_expires_after_its_day(self, aws: Aws) -> None:
        DailyCap(table(aws), clock := Clock()).take("website", 3, 1)
        [item] = items(aws)
        assert int(item["expires_at"]["N"]) == (clock.now // 86_400 + 2) * 86_400

    def test_daily_cap_accepts_all_while_the_table_is_unreachable(self, aws: Aws) -> None:
        client = boto3.client("dynamodb")
        DailyCap(Table(lambda: client, "no-such-table"), Clock()).take("website", 1, 1)


class TestBatches:
    WHOLE = Submission("s", "crm", 0, b'[{"email": "ada@example.com"}, 1]')
    RESULTS: ClassVar = [{"status": "parked", "submission_id": "s-1"}]

    def test_p4_interrupted_batch_is_recognised_by_source_and_body(self, aws: Aws) -> None:
        batches = Batches(table(aws), lambda: PEPPER, Clock())
        assert batches.settled(self.WHOLE) == []
        assert items(aws) == [], "to ask leaves nothing behind"
        batches.settle(self.WHOLE, self.RESULTS)
        assert batches.settled(replace(self.WHOLE, submission_id="t", received_at=9)) == self.RESULTS
        assert batches.settled(replace(self.WHOLE, source="other")) == []
        assert batches.settled(replace(self.WHOLE, body=b"[]")) == []

    def test_p8_batch_record_has_a_hashed_key_and_expires(self, aws: Aws) -> None:
        clock = Clock()
        Batches(table(aws), lambda: PEPPER, clock).settle(self.WHOLE, self.RESULTS)
        [item] = items(aws)
        assert "example.com" not in str(item)
        assert int(item["expires_at"]["N"]) == clock.now + 7 * 86_400
        for pepper in ("other", PEPPER):
            known = Batches(table(aws), lambda pepper=pepper: pepper, clock).settled(self.WHOLE)  # type: ignore[misc]
            assert bool(known) == (pepper == PEPPER)

    def test_no_batch_is_recognised_while_table_or_pepper_is_unreachable(self, aws: Aws) -> None:
        def no_pepper() -> str:
            raise ConfigError("ledger_pepper_missing")

        client = boto3.client("dynamodb")
        for batches in (
            Batches(Table(lambda: client, "no-such-table"), lambda: PEPPER, Clock()),
            Batches(table(aws), no_pepper, Clock()),
        ):
            batches.settle(self.WHOLE, self.RESULTS)
            assert batches.settled(self.WHOLE) == []
