"""The fake ledger keeps the real one's contract."""

from typing import Any

import pytest

from tests.support.fakes import Clock, FakeLedger
from tests.support.ledger_contract import LAG, LedgerContract, TransitionsContract


class FakeSetting:
    """A fake ledger and its items."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.ledger = FakeLedger(self.clock, LAG)

    def put(self, key: str, item: dict[str, Any] | None) -> None:
        self.ledger.memory.stored.pop(key, None)
        if item is not None:
            self.ledger.memory.stored[key] = item

    def get(self, key: str) -> dict[str, Any] | None:
        return self.ledger.memory.stored.get(key)


@pytest.fixture
def setting() -> FakeSetting:
    return FakeSetting()


class TestFakeLedger(LedgerContract):
    pass


class TestTransitionsOfTheFakeLedger(TransitionsContract):
    pass
