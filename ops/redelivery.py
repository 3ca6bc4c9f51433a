"""The pollers that hand the retry queue's messages to the redeliver function; AWS calls them event source mappings."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .environments import Environment
from .errors import OpsError
from .messages import arn, depth


@contextmanager
def paused(env: Environment) -> Iterator[None]:
    """Switches redelivery off and on again; leaves it on if the retry queue is empty."""
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
    """Switches a poller on; while AWS is still switching it off, it says so and is asked again."""
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
