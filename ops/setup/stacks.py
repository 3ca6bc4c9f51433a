"""The stack in CloudFormation: its state, the end of what it is doing, the reasons of a failure, its deletion."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from ..errors import OpsError

_POLL = 3  # seconds
_LONGEST = 3600  # seconds that CloudFormation may take
FAILED_CREATES = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
"""A stack in one of these states was never in use, and can only be deleted."""


def describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    """The stack, by its name or id; None if there is none."""
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ValidationError":
            return None
        raise
    return found


def settled(
    cloudformation: Any, name: str, tell: Callable[[str], None], poll: float = _POLL
) -> dict[str, Any] | None:
    """The stack once nothing is in progress, such as a deploy that was interrupted; None if there is none.

    A stack in REVIEW_IN_PROGRESS has a change set that nobody executed, and no resource.
    """
    told, deadline = "", time.monotonic() + _LONGEST
    while (stack := describe(cloudformation, name)) is not None:
        status = stack["StackStatus"]
        if status == "REVIEW_IN_PROGRESS" or not status.endswith("_IN_PROGRESS"):
            return stack
        if time.monotonic() > deadline:
            raise OpsError(f"CloudFormation still works on {name} ({status}): see its events in the console")
        if told != status:
            tell(f"CloudFormation works on {name}: {status}")
            told = status
        time.sleep(poll)
    return None


def failures(cloudformation: Any, name: str, since: float = 0) -> list[str]:
    """Why the stack's resources failed since this unix time, the first cause first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
    start = datetime.fromtimestamp(since, UTC)
    found = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for page in pages
        for event in page["StackEvents"]
        if event["ResourceStatus"].endswith("_FAILED")
        and event.get("ResourceStatusReason")
        and "cancelled" not in event["ResourceStatusReason"]
        and event["Timestamp"] >= start
    ]
    return found[::-1]


def delete(cloudformation: Any, stack_id: str, tell: Callable[[str], None], poll: float = _POLL) -> None:
    """Deletes the stack and waits for it; OpsError says what could not be deleted.

    A deleted stack is found by its id only.
    """
    cloudformation.delete_stack(StackName=stack_id)
    stack = settled(cloudformation, stack_id, tell, poll)
    if stack and stack["StackStatus"] != "DELETE_COMPLETE":
        reasons = "; ".join(failures(cloudformation, stack_id)[-3:]) or "see its events in the console"
        raise OpsError(f"the stack could not be deleted ({stack['StackStatus']}): {reasons}")
