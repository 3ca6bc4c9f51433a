"""The functions' log lines of submissions, from all log groups."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .environments import Environment


def lines(env: Environment, term: str, since: float = 0) -> Iterator[dict[str, Any]]:
    """The log lines of submissions that contain the term; `since`, and `at` in each line, are unix seconds."""
    pages = env.client("logs").get_paginator("filter_log_events")
    groups = [env.outputs[output] for output in ("ReceiveLogGroup", "RedeliverLogGroup")]
    if "CognitoLogGroup" in env.outputs:
        groups.append(env.outputs["CognitoLogGroup"])
    for group in groups:
        asked = {"logGroupName": group, "filterPattern": f'"{term}"'}
        for page in pages.paginate(**asked, startTime=int(since * 1000)):
            for event in page["events"]:
                with suppress(ValueError, KeyError, TypeError):
                    line = json.loads(event["message"])
                    if line["message"] == "submission":
                        yield {**line, "at": event["timestamp"] / 1000, "stream": event["logStreamName"]}


def of_submission(env: Environment, submission_id: str) -> list[dict[str, Any]]:
    """One submission's log lines, in order of time."""
    found = [line for line in lines(env, submission_id) if line["submission_id"] == submission_id]
    return sorted(found, key=lambda line: float(line["at"]))
