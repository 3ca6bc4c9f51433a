"""Logs and counts outcomes, never contents (P8).

Each submission gets one log line, which also holds its metrics: CloudWatch reads them from the line's `_aws` object
(embedded metric format,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Powertools' Metrics writes one line for each set of dimensions: three more lines for each submission.
"""

import logging
import time
import traceback
from typing import Any

from aws_lambda_powertools import Logger

from .errors import KeyRefused, Permanent, Retryable, Unavailable
from .outcomes import OUTCOMES, OutcomeName

NAMESPACE = "ClemtaIntake"
SUBMISSIONS = "Submissions"  # by source and outcome, and by outcome alone
METRICS = {  # metric -> unit; the only dimension is the service
    "ClemtaLatency": "Milliseconds",
    "BudgetLeft": "Count",  # calls to Clemta left in this minute
    "WaitingAge": "Seconds",  # from the receipt of a submission until the retry queue delivers it
    "ClemtaUnauthorized": "Count",
    "SigningSecretMissing": "Count",
    "CaptchaUnavailable": "Count",
    "UnexpectedErrors": "Count",
    "RedeliveryFailures": "Count",  # messages that go back to the retry queue unchanged
    "SourcesBroken": "Count",  # the live version of the sources file cannot be used
    "SourcesUnread": "Count",  # the live version could not be read; the last one stays in use
    "ContactEventsFailed": "Count",  # events of contacts that EventBridge did not take
}
_MAX_VALUES = 100  # of one metric in one line: CloudWatch ignores a line with more

# POWERTOOLS_SERVICE_NAME is the stack's name: the `service` of each line and the dimension of each metric.
log = Logger()
# Values for the next log line. A global is safe: a Lambda function handles one event at a time.
_pending: dict[str, list[float]] = {}

# Libraries log their arguments: urllib3 warns with whole URLs, which include the e-mail addresses in searches. The
# root logger is silenced, so only our own lines reach CloudWatch: the Powertools logger does not use the root logger.
logging.getLogger().setLevel(logging.CRITICAL)


def log_outcome(
    status: OutcomeName, *, submission_id: str, source: str, seconds: float, **facts: Any
) -> None:
    """Logs one line for a submission: ids, source, outcome, class, milliseconds, and the recorded metric values.

    `contact_id` is Clemta's id of the contact, which is no personal data (P8). Further lines hold the values that do
    not fit into one line.
    """
    log.info(
        "submission",
        extra={
            "submission_id": submission_id,
            "source": source,
            "outcome": status,
            "ms": round(seconds * 1000),
            **{key: value for key, value in facts.items() if value is not None},
            **_metrics(status),
        },
    )
    while _pending:
        log.info("measured", extra=_metrics())


def record(metric: str, value: float = 1) -> None:
    """Adds one value of a metric in METRICS to the next log line."""
    _pending.setdefault(metric, []).append(round(value))


def failure_fields(error: Retryable | Permanent) -> dict[str, Any]:
    """The log fields of a failure; counts a refused key."""
    if isinstance(error, KeyRefused):
        record("ClemtaUnauthorized")
    return {"failure": type(error).__name__, "code": error.code, "clemta_status": error.status}


def log_sources(code: str, version: str | None, why: str | None = None) -> None:
    """Logs that the live version of the sources file could not be read or used; nothing of its content."""
    facts = {"code": code, "version": version, "why": why}
    log.warning("sources file", extra={**{key: value for key, value in facts.items() if value}, **_metrics()})


def log_events_failed(code: str, count: int) -> None:
    """Logs that EventBridge did not take the events of so many contacts."""
    record("ContactEventsFailed", count)
    log.warning("contact events", extra={"code": code, "events": count, **_metrics()})


def log_unexpected(error: BaseException) -> None:
    """Logs an exception's type and place, never its text, which may quote a payload. Does not count Unavailable."""
    if not isinstance(error, Unavailable):
        record("UnexpectedErrors")
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    facts = {"error": type(error).__name__, "where": " > ".join(where)}
    log.error("unexpected error", extra={**facts, **_metrics()})


def _metrics(status: OutcomeName | None = None) -> dict[str, Any]:
    """The line's metrics in the embedded metric format: `_aws` names them, further keys hold their values."""
    values: dict[str, Any] = {name: found[:_MAX_VALUES] for name, found in _pending.items()}
    rest = {name: found[_MAX_VALUES:] for name, found in _pending.items()}
    _pending.clear()
    _pending.update({name: found for name, found in rest.items() if found})
    records = []
    if values:
        metrics = [{"Name": name, "Unit": METRICS[name]} for name in values]
        records.append({"Namespace": NAMESPACE, "Dimensions": [["service"]], "Metrics": metrics})
    if status and OUTCOMES[status].counted:
        values[SUBMISSIONS] = 1
        by = [["service", "source", "outcome"], ["service", "outcome"]]
        metrics = [{"Name": SUBMISSIONS, "Unit": "Count"}]
        records.append({"Namespace": NAMESPACE, "Dimensions": by, "Metrics": metrics})
    if not records:
        return {}
    return {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": records}, **values}
