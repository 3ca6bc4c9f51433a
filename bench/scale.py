"""Bursts against Clemta's limit, and what they cost on AWS: the product's own code on a virtual clock, without sockets.

Only DynamoDB's answers are the emulator's, called as a library: the same code that answers on the local stack.
"""

import json
import time
from typing import Any, cast

from botocore.exceptions import ClientError
from ministack.services import dynamodb

from bench.burst import Burst
from clemta_intake.dynamo.table import Table

SIGNUPS = (1_000, 10_000, 100_000)


class InProcess:
    """A DynamoDB client without sockets; it counts the writes."""

    def __init__(self) -> None:
        self.writes = 0
        dynamodb.reset()
        self._of(
            dynamodb._create_table(
                {
                    "TableName": "ledger",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                }
            )
        )

    def update_item(self, **request: Any) -> Any:
        """As boto3's client has it."""
        self.writes += 1
        return self._of(dynamodb._update_item(request))

    def _of(self, answer: tuple[int, Any, bytes]) -> Any:
        status, _, body = answer
        found = json.loads(body)
        if status >= 400:
            code = str(found.get("__type", "")).rpartition("#")[2]
            raise ClientError(cast(Any, {"Error": {"Code": code}, **found}), "UpdateItem")
        return found


def burst(signups: int) -> dict[str, Any]:
    """So many sign-ups in 10 s against 100 calls a minute."""
    client = InProcess()
    began = time.process_time()
    run = Burst(Table(lambda: cast(Any, client), "ledger"), signups=signups).run()
    return {
        "signups": signups,
        "contacts": sum(map(len, run.clemta.contacts.values())),
        "duplicates": sum(len(of_one) - 1 for of_one in run.clemta.contacts.values()),
        "parked": len(run.parked),
        "drained_over_ideal": round(1 / run.pace, 3),
        "most_calls_in_a_minute": run.peak,
        "p99_over_fifo": round(run.over_fifo("open"), 3),
        "calls_refused": run.clemta.refusals,
        "calls_wasted": len(run.clemta.arrivals) - 2 * signups,
        "invocations": run.visits,
        "looks_before_time": run.postponed,
        "ledger_writes": client.writes,
        "hours": round((run.now - run.began) / 3600, 1),
        "cpu_seconds_here": round(time.process_time() - began),
    }
