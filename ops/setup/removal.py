"""`clemta-intake remove`: deletes a stack, and says what stays in the account and why."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..environments import Environment
from ..messages import depth
from . import stacks

_WHY = {
    # logical id: why its deletion policy keeps it, and the command that deletes it
    "RetryQueue": ("sign-ups that are not in Clemta yet", "aws sqs delete-queue --queue-url {id}"),
    "DeadLetterQueue": ("sign-ups that could not be delivered", "aws sqs delete-queue --queue-url {id}"),
    "HeldQueue": ("sign-ups held as spam", "aws sqs delete-queue --queue-url {id}"),
    "LedgerTable": ("who is a contact already, as hashes", "aws dynamodb delete-table --table-name {id}"),
    "LedgerPepper": ("the key of the ledger's hashes", "aws secretsmanager delete-secret --secret-id {id}"),
}


@dataclass(frozen=True)
class Left:
    """A resource that stays: its logical id, its name or address in AWS, why, and the command that deletes it."""

    resource: str
    id: str
    why: str
    delete: str


def waiting(env: Environment) -> dict[str, int]:
    """How many messages each queue holds."""
    settings, sqs = env.settings, env.client("sqs")
    urls = {
        "to be delivered": settings.retry_queue_url,
        "dead letters": settings.dead_letter_queue_url,
        "held as spam": settings.held_queue_url,
    }
    return {name: sum(depth(sqs, url).values()) for name, url in urls.items()}


def remove(env: Environment, tell: Callable[[str], None]) -> list[Left]:
    """Deletes the stack and returns what CloudFormation kept."""
    cloudformation, stack_id = env.client("cloudformation"), env.stack["StackId"]
    stacks.delete(cloudformation, stack_id, tell)
    return kept(cloudformation, stack_id, env.location.region)


def kept(cloudformation: Any, stack_id: str, region: str) -> list[Left]:
    """The resources of a deleted stack that are still there; its events tell, for 90 days."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
    skipped = {
        event["PhysicalResourceId"]: event["LogicalResourceId"]
        for page in pages
        for event in page["StackEvents"]
        if event["ResourceStatus"] == "DELETE_SKIPPED"
    }
    found = []
    for physical, name in skipped.items():
        why, command = _WHY.get(name, ("its deletion policy keeps it", ""))
        delete = f"{command.format(id=physical)} --region {region}" if command else ""
        found.append(Left(name, physical, why, delete))
    return sorted(found, key=lambda left: left.resource)
