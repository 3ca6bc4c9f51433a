"""What is logged and counted: outcomes, never contents (P8).

A submission's one log line is its metrics too: CloudWatch reads them from the line's `_aws` object (embedded metric
format, https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Powertools' Metrics would write a line for each set of dimensions: three more for each submission.
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
METRICS = {  # of the service as a whole: their unit
    "ClemtaLatency": "Milliseconds",
    "BudgetLeft": "Count",  # calls to Clemta left in this minute
    "WaitingAge": "Seconds",  # since a submission was received, when it is taken from the retry queue
    "ClemtaUnauthorized": "Count",
    "SigningSecretMissing": "Count",
    "CaptchaUnavailable": "Count",
    "UnexpectedErrors": "Count",
    "RedeliveryFailures": "Count",  # messages that go back to the retry queue as they are
}
_MOST_VALUES = 100  # of one metric in one line: CloudWatch ignores a line that has more

# A line's `service`, and so a metric's dimension, is POWERTOOLS_SERVICE_NAME: the stack's name.
log = Logger()
_measured: dict[
    str, list[float]
] = {}  # goes out with the next line; a Lambda function handles one event at a time

# Libraries quote what they were given: urllib3 warns with whole addresses, e-mails searched for included. Only our own
# lines reach CloudWatch; the Powertools logger does not pass through the root logger.
logging.getLogger().setLevel(logging.CRITICAL)


def outcome(status: OutcomeName, *, submission_id: str, source: str, seconds: float, **facts: Any) -> None:
    """Logs one line for a submission: ids, source, outcome, class, milliseconds, and the values measured meanwhile.

    Values that do not fit into one line go into further lines.
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
    while _measured:
        log.info("measured", extra=_metrics())


def measured(metric: str, value: float = 1) -> None:
    """Keeps one value of a metric in METRICS for the next line."""
    _measured.setdefault(metric, []).append(round(value))


def failure(error: Retryable | Permanent) -> dict[str, Any]:
    """The facts of a failure, for its outcome line; counts a refused key."""
    if isinstance(error, KeyRefused):
        measured("ClemtaUnauthorized")
    return {"failure": type(error).__name__, "code": error.code, "clemta_status": error.status}


def unexpected(error: BaseException) -> None:
    """Logs an exception's type and place, never its text, which may quote a payload. Unavailable is no bug."""
    if not isinstance(error, Unavailable):
        measured("UnexpectedErrors")
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    facts = {"error": type(error).__name__, "where": " > ".join(where)}
    log.error("unexpected error", extra={**facts, **_metrics()})


def _metrics(status: OutcomeName | None = None) -> dict[str, Any]:
    """The line's metrics: `_aws` names them, and their values are its neighbours."""
    values: dict[str, Any] = {name: found[:_MOST_VALUES] for name, found in _measured.items()}
    rest = {name: found[_MOST_VALUES:] for name, found in _measured.items()}
    _measured.clear()
    _measured.update({name: found for name, found in rest.items() if found})
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
