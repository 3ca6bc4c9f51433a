"""The outcomes of sign-ups, the queues' sizes and Clemta's latency, from CloudWatch and SQS."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import batched
from typing import Any

from clemta_intake.telemetry import NAMESPACE, SUBMISSIONS

from .environments import Environment
from .messages import depth

OUTCOMES = {
    "created": ("created",),
    "updated": ("updated",),
    "duplicate": ("duplicate",),
    "queued": ("queued",),
    "parked": ("parked",),
    "held": ("held",),
    "refused": ("refused", "unauthentic", "unavailable"),
}
"""Column of the report -> the outcomes that it counts."""

_DAYS = 7
_QUERIES = 500  # CloudWatch's limit for one request


@dataclass
class Status:
    """Counts by source and column, for today (UTC) and the last seven days; queues' ages in seconds."""

    today: dict[str, dict[str, int]] = field(default_factory=dict)
    week: dict[str, dict[str, int]] = field(default_factory=dict)
    queues: dict[str, dict[str, float | None]] = field(default_factory=dict)
    clemta_ms: dict[str, float | None] = field(default_factory=dict)
    budget_left: float | None = None
    budget: float = 0


def status(env: Environment, now: datetime | None = None) -> Status:
    """The stack's current status."""
    now = now or datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    found = Status(budget=env.settings.clemta_requests_per_minute)
    found.today, found.week = _counts(env, today, now)
    for name, url in (
        ("retry", env.settings.retry_queue_url),
        ("dead letters", env.settings.dead_letter_queue_url),
        ("held", env.settings.held_queue_url),
    ):
        counts: dict[str, float | None] = {**depth(env.client("sqs"), url)}
        found.queues[name] = {**counts, "oldest_seconds": age(env, url)}
    service = env.stack["StackName"]
    latency = _metric(NAMESPACE, "ClemtaLatency", service=service)
    for name, stat in (("p50", "p50"), ("p95", "p95")):
        [values] = _values(env, [(latency, stat, 86_400)], today, now)
        found.clemta_ms[name] = values[-1][1] if values else None
    minute = now.replace(second=0, microsecond=0)
    [left] = _values(env, [(_metric(NAMESPACE, "BudgetLeft", service=service), "Minimum", 60)], minute, now)
    # Each call to Clemta records the calls left; in a minute without a call all are left.
    found.budget_left = left[-1][1] if left else found.budget
    return found


def _counts(
    env: Environment, today: datetime, now: datetime
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    column = {outcome: name for name, outcomes in OUTCOMES.items() for outcome in outcomes}
    pages, service = env.client("cloudwatch").get_paginator("list_metrics"), env.stack["StackName"]
    listed = [
        metric
        for page in pages.paginate(
            Namespace=NAMESPACE, MetricName=SUBMISSIONS, Dimensions=[{"Name": "service", "Value": service}]
        )
        for metric in page["Metrics"]
    ]
    kinds: dict[tuple[str, str], Any] = {}
    for metric in listed:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        if "source" in dimensions and dimensions.get("outcome") in column:
            kinds[dimensions["source"], dimensions["outcome"]] = metric
    wanted = [(metric, "Sum", 3600) for metric in kinds.values()]
    answers = _values(env, wanted, today - timedelta(days=_DAYS - 1), now)
    days: tuple[dict[str, dict[str, int]], ...] = (
        defaultdict(lambda: dict.fromkeys(OUTCOMES, 0)),
        defaultdict(lambda: dict.fromkeys(OUTCOMES, 0)),
    )
    for (source, outcome), values in zip(kinds, answers, strict=True):
        for at, value in values:
            days[1][source][column[outcome]] += int(value)
            if at >= today:
                days[0][source][column[outcome]] += int(value)
    return {**days[0]}, {**days[1]}


def by_day(env: Environment, days: int, now: datetime | None = None) -> list[tuple[date, dict[str, int]]]:
    """How many sign-ups had which end on each of the last days (UTC), the oldest first; by column of OUTCOMES."""
    now = now or datetime.now(UTC)
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    kinds = [(name, outcome) for name, outcomes in OUTCOMES.items() for outcome in outcomes]
    service = env.stack["StackName"]
    wanted = [
        (_metric(NAMESPACE, SUBMISSIONS, service=service, outcome=one), "Sum", 3600) for _, one in kinds
    ]
    found = {(first + timedelta(days=number)).date(): dict.fromkeys(OUTCOMES, 0) for number in range(days)}
    for (name, _), values in zip(kinds, _values(env, wanted, first, now), strict=True):
        for at, value in values:
            found[at.astimezone(UTC).date()][name] += int(value)
    return list(found.items())


def _metric(namespace: str, name: str, **dimensions: str) -> dict[str, Any]:
    return {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }


def _values(
    env: Environment, wanted: list[tuple[dict[str, Any], str, int]], start: datetime, end: datetime
) -> list[list[tuple[datetime, float]]]:
    """The values in order of time, for each (metric, statistic, period)."""
    found: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    queries = [
        {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
        for number, (metric, stat, period) in enumerate(wanted)
    ]
    pages = env.client("cloudwatch").get_paginator("get_metric_data")
    for some in batched(queries, _QUERIES, strict=False):
        for page in pages.paginate(
            MetricDataQueries=list(some), StartTime=start, EndTime=end + timedelta(minutes=1)
        ):
            for result in page["MetricDataResults"]:
                found[result["Id"]] += zip(result["Timestamps"], result["Values"], strict=True)
    return [sorted(found[str(query["Id"])]) for query in queries]


def age(env: Environment, queue_url: str) -> float | None:
    """The age of the queue's oldest message in seconds; None if SQS reported none in the last minutes."""
    now = datetime.now(UTC)
    metric = _metric("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=queue_url.rpartition("/")[2])
    [values] = _values(env, [(metric, "Maximum", 60)], now - timedelta(minutes=10), now)
    return values[-1][1] if values else None
