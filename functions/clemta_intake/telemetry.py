"""What is logged and counted: outcomes, never contents (P8)."""

import logging
import traceback
from typing import Any

from aws_lambda_powertools import Logger

from .errors import KeyRefused, Permanent, Temporary

_SERVICE = "clemta-intake"
_NAMESPACE = "ClemtaIntake"  # as the template's alarms have it

log = Logger(service=_SERVICE)

# Libraries quote what they were given: urllib3 warns with whole addresses, e-mails searched for included. Only our own
# lines reach CloudWatch; the Powertools logger does not pass through the root logger.
logging.getLogger().setLevel(logging.CRITICAL)


def outcome(status: str, *, submission_id: str, source: str, seconds: float, **facts: Any) -> None:
    """One line a submission: ids, source, outcome, class, milliseconds."""
    log.info(
        "submission",
        extra={
            "submission_id": submission_id,
            "source": source,
            "outcome": status,
            "ms": round(seconds * 1000),
            **{key: value for key, value in facts.items() if value is not None},
        },
    )


def failure(error: Temporary | Permanent) -> dict[str, Any]:
    """The facts of a failure, for its outcome line; a refused key is counted as well."""
    if isinstance(error, KeyRefused):
        _count("ClemtaUnauthorized")
    return {"failure": type(error).__name__, "code": error.code, "clemta_status": error.status}


def unexpected(error: BaseException) -> None:
    """A bug: where it was raised and its type; not its text, which may quote a payload."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames]
    log.error("unexpected error", extra={"error": type(error).__name__, "where": " > ".join(where)})


def captcha_unavailable() -> None:
    """Counts a sign-up that no captcha could judge."""
    _count("CaptchaUnavailable")


def _count(metric: str) -> None:
    """One more; the template's alarms watch the metrics."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric  # only when it happens

    dimensions = {"service": _SERVICE}
    with single_metric(metric, MetricUnit.Count, 1, namespace=_NAMESPACE, default_dimensions=dimensions):
        pass  # it is written on leaving
