"""Bursts of several sizes against Clemta's limit: the product's own code on a virtual clock, without sockets."""

import time
from typing import Any, cast

from bench.burst import Burst
from bench.in_process_dynamodb import InProcessDynamoDB
from clemta_intake.dynamo.table import Table

SIGNUPS = (1_000, 10_000, 100_000)
LIST_SECONDS = (0, 5, 10, 30)


def lists() -> dict[str, Any]:
    """A burst of 1,000 sign-ups by the age of the list; and how often a contact becomes two that is added by hand."""
    return {
        "paces": [_with_list(seconds) for seconds in LIST_SECONDS],
        "by_hand": [_by_hand(seconds, lag) for lag in (0, 10) for seconds in (0, 10)],
    }


def _with_list(seconds: float) -> dict[str, Any]:
    client = InProcessDynamoDB()
    table = Table(lambda: cast(Any, client), "ledger")
    run = Burst(table, list_seconds=seconds, jitter=1).run()
    contacts = sum(map(len, run.clemta.contacts.values()))
    return {
        "list_seconds": seconds,
        "contacts_a_minute": round(60 * contacts / (run.now - run.began), 1),
        "calls_a_contact": round(len(run.clemta.arrivals) / contacts, 3),
        "most_calls_in_a_minute": run.peak,
        "calls_refused": run.clemta.refusals,
        "parked": len(run.parked),
        "duplicates": sum(len(of_one) - 1 for of_one in run.clemta.contacts.values()),
        "ledger_writes_a_contact": round(client.writes / contacts, 2),
    }


def _by_hand(seconds: float, lag: float) -> dict[str, Any]:
    added, became_two = 0, 0
    for seed in range(1, 6):
        client = InProcessDynamoDB()
        table = Table(lambda client=client: cast(Any, client), "ledger")  # type: ignore[misc]
        run = Burst(table, list_seconds=seconds, by_hand=100, lag=lag, jitter=1, seed=seed).run()
        added += run.added
        became_two += sum(len(of_one) - 1 for of_one in run.clemta.contacts.values())
    return {"list_seconds": seconds, "lag": lag, "added": added, "became_two": became_two}


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
