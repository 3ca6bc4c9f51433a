"""The fake ledger keeps the real one's contract."""

from types import SimpleNamespace

import pytest

from tests.support.fakes import Clock, FakeLedger
from tests.support.ledger_contract import LAG, LedgerContract


class TestFakeLedger(LedgerContract):
    @pytest.fixture
    def setting(self) -> SimpleNamespace:
        clock = Clock()
        return SimpleNamespace(clock=clock, ledger=FakeLedger(clock, LAG))
