"""Bursts of several sizes against Clemta's limit: the product's own code on a virtual clock, without sockets."""

import time
from typing import Any, cast

from bench.burst import Burst
from bench.in_process_dynamodb import InProcessDynamoDB
from clemta_intake.dynamo.table import Table

SIGNUPS = (1_000, 10_000, 100_000)


def burst(signups: int) -> dict[str, Any]:
    """The figures of `signups` in 10 s against 100 calls a minute."""
    client = InProcessDynamoDB()
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
        "invocations": run.attempts,
        "looks_before_time": run.postponed,
        "ledger_writes": client.writes,
        "hours": round((run.now - run.began) / 3600, 1),
        "cpu_seconds_here": round(time.process_time() - began),
    }
