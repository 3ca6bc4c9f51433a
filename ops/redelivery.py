"""Pauses redelivery: switches the retry queue's event source mappings ("pollers") off and on."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .environments import Environment
from .errors import OpsError
from .messages import arn, depth


@contextmanager
def paused(env: Environment) -> Iterator[None]:
    """Pauses redelivery inside the block, unless the retry queue is empty."""
    functions = env.client("lambda")
    if not any(depth(env.client("sqs"), env.settings.retry_queue_url).values()):
        yield
        return
    enabled = [poller["UUID"] for poller in pollers(env) if poller["State"].startswith("Enabl")]
    try:
        for poller in enabled:
            functions.update_event_source_mapping(UUID=poller, Enabled=False)
        yield
    finally:
        for poller in enabled:
            _switch_on(functions, poller)


def _switch_on(functions: Any, poller: str) -> None:
    """Switches a poller on; tries again while AWS is still switching it off."""
    for _ in range(30):
        try:
            functions.update_event_source_mapping(UUID=poller, Enabled=True)
        except functions.exceptions.ResourceInUseException:
            time.sleep(2)
        else:
            return
    raise OpsError(f"redelivery is still off: switch the event source mapping {poller} on")


def pollers(env: Environment) -> list[dict[str, Any]]:
    """The retry queue's event source mappings."""
    queue = arn(env.client("sqs"), env.settings.retry_queue_url)
    found: list[dict[str, Any]] = env.client("lambda").list_event_source_mappings(EventSourceArn=queue)[
        "EventSourceMappings"
    ]
    return found
