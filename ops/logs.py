"""The functions' log lines of submissions, and the lines of API Gateway's access log."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .environments import Environment
from .errors import OpsError
from .times import DAY

REFUSALS = ("refused", "unauthentic", "unavailable")
"""Outcomes of requests of which nothing was kept."""

_MAX_LINES = 10_000  # that are counted


@dataclass
class Refusal:
    """Requests that were refused alike: how many, and when the last one came (unix seconds).

    API Gateway's own refusals have the source "" and its error type as code.
    """

    source: str
    outcome: str
    code: str
    count: int = 0
    last_at: float = 0


def lines(
    env: Environment, pattern: str, since: float = 0, until: float | None = None
) -> Iterator[dict[str, Any]]:
    """The log lines of submissions that match; `since`, `until`, and `at` in each line, are unix seconds."""
    for output in ("ReceiveLogGroup", "RedeliverLogGroup", "CognitoLogGroup"):
        if output not in env.outputs:  # Cognito's function is optional
            continue
        for line in _lines(env, env.outputs[output], pattern, since, until):
            if line.get("message") == "submission" and "submission_id" in line:
                yield line


def of_submission(env: Environment, submission_id: str) -> list[dict[str, Any]]:
    """One submission's log lines, in order of time; its id may be shortened, and OpsError says that several match."""
    wanted = f'{{ $.submission_id = "{submission_id}*" }}'
    found = [line for line in lines(env, wanted) if str(line["submission_id"]).startswith(submission_id)]
    one_of({line["submission_id"] for line in found}, submission_id)
    return sorted(found, key=lambda line: float(line["at"]))


def of_request(env: Environment, request_id: str) -> list[dict[str, Any]]:
    """The access log's lines of a request; none if that log is off."""
    wanted = f'{{ $.requestId = "{request_id}*" }}'
    return [line for line in _access_lines(env, wanted) if str(line["requestId"]).startswith(request_id)]


def refusals(env: Environment) -> list[Refusal]:
    """What the receive function and API Gateway itself refused in the last 24 hours, the latest first."""
    since = time.time() - DAY
    wanted = " || ".join(f'$.outcome = "{outcome}"' for outcome in REFUSALS)
    found: dict[tuple[str, str, str], Refusal] = {}
    for line in islice(lines(env, f"{{ {wanted} }}", since), _MAX_LINES):
        if line.get("outcome") in REFUSALS:
            _count(found, str(line.get("source")), str(line["outcome"]), str(line.get("code")), line["at"])
    for line in islice(_access_lines(env, '{ $.responseType != "-" }', since), _MAX_LINES):
        if line.get("responseType", "-") != "-":
            _count(found, "", str(line.get("status")), str(line["responseType"]), line["at"])
    return sorted(found.values(), key=lambda one: -one.last_at)


def has_access_log(env: Environment) -> bool:
    """Whether API Gateway logs each request."""
    return "AccessLogGroup" in env.outputs


def one_of(ids: set[str], shortened: str) -> None:
    """Raises OpsError if more than one of the ids begins as the shortened one does, and none is that one."""
    if len(ids) > 1 and shortened not in ids:
        raise OpsError(f"{shortened} is the beginning of {len(ids)} ids: {', '.join(sorted(ids)[:5])}")


def _count(
    found: dict[tuple[str, str, str], Refusal], source: str, outcome: str, code: str, at: float
) -> None:
    one = found.setdefault((source, outcome, code), Refusal(source, outcome, code))
    one.count += 1
    one.last_at = max(one.last_at, at)


def _access_lines(env: Environment, pattern: str, since: float = 0) -> Iterator[dict[str, Any]]:
    if has_access_log(env):
        for line in _lines(env, env.outputs["AccessLogGroup"], pattern, since):
            if "requestId" in line:
                yield line


def _lines(
    env: Environment, group: str, pattern: str, since: float, until: float | None = None
) -> Iterator[dict[str, Any]]:
    """Every line that is a JSON object, with its time and stream."""
    pages = env.client("logs").get_paginator("filter_log_events")
    end = {} if until is None else {"endTime": int(until * 1000)}
    for page in pages.paginate(logGroupName=group, filterPattern=pattern, startTime=int(since * 1000), **end):
        for event in page["events"]:
            with suppress(ValueError, TypeError):
                line = json.loads(event["message"])
                yield {**line, "at": event["timestamp"] / 1000, "stream": event["logStreamName"]}
