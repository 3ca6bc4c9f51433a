"""The tests of the rate limit, the daily cap and the batches again, on the emulator's DynamoDB as a library.

Without sockets they are quick enough for `make quick` and `make mutants`.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from ministack.services import dynamodb

from bench.in_process_dynamodb import InProcessDynamoDB
from tests.integration import test_ledger, test_rate_limit


class Client(InProcessDynamoDB):
    """With what the tests look at."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda **request: self._answer(getattr(dynamodb, f"_{name}")(request))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """As far as these tests use it."""
    client = Client()
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    return SimpleNamespace(client=lambda _: client, settings=SimpleNamespace(ledger_table="ledger"))


OUT_OF_REACH = (  # they need sockets
    "test_a_ledger_that_is_out_of_reach_raises_retryable",
    "test_a_429_is_accepted_while_the_table_is_out_of_reach",
)
for module in (test_rate_limit, test_ledger):
    tests = {name: test for name, test in vars(module).items() if name.lower().startswith("test")}
    globals().update({name: test for name, test in tests.items() if name not in OUT_OF_REACH})
setting = test_ledger.setting
