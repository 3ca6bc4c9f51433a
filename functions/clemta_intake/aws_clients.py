"""The functions' AWS clients: short timeouts, no retries, and every call ends before the sender's deadline."""

from collections.abc import Callable
from math import inf
from typing import Any, Literal

import boto3
from botocore.config import Config

from . import __version__
from .deadlines import Deadline

type Service = Literal["dynamodb", "secretsmanager", "sqs", "events"]
SERVICES: tuple[Service, ...] = ("dynamodb", "secretsmanager", "sqs")  # that every stack needs

# A call that hangs must end while there is time to queue; retries come from the queue.
_TIMEOUTS: dict[Service, tuple[float, float]] = {  # seconds to connect, and to read
    "dynamodb": (0.3, 0.6),
    "secretsmanager": (0.3, 0.8),
    "sqs": (0.25, 0.4),
    "events": (0.25, 0.4),
}
_MIN_READ_SECONDS = 0.2  # however late it is: a claim must be settled, and a queue must accept the submission
_QUEUE_TRIES = 2


class LambdaClients:
    """One boto3 client for each service, created on first use."""

    def __init__(self) -> None:
        self._clients: dict[Service, Any] = {}
        self._deadline = self._deadline_before_queueing = Deadline(inf)

    def end_calls_by(self, deadline: Deadline, reserve: float) -> None:
        """Sets when calls must end; the ledger and the secrets leave `reserve` seconds to the queue."""
        self._deadline, self._deadline_before_queueing = deadline, deadline.earlier(reserve)

    def client(self, service: Service) -> Any:
        """The client of that service."""
        if service not in self._clients:
            remaining = {"sqs": self._remaining_for_a_try, "events": self._remaining}
            self._clients[service] = _client(service, remaining.get(service, self._remaining_before_queueing))
        return self._clients[service]

    def _remaining(self) -> float:
        return self._deadline.remaining()

    def _remaining_before_queueing(self) -> float:
        return self._deadline_before_queueing.remaining()

    def _remaining_for_a_try(self) -> float:
        return self._deadline.remaining() / _QUEUE_TRIES


def _client(service: Service, remaining: Callable[[], float]) -> Any:
    """A client whose read timeout is never longer than the time that remains; botocore's own is one fixed number."""
    connect_seconds, read_seconds = _TIMEOUTS[service]
    # botocore spends a sixth of a call on building its user agent, twice, and on checking what mypy has checked here.
    config = Config(
        retries={"total_max_attempts": 1},
        user_agent=f"clemta-intake/{__version__}",
        parameter_validation=False,
        connect_timeout=connect_seconds,
        read_timeout=read_seconds,
    )
    client = boto3.client(service, config=config)

    def shorten_read_timeout(request: Any, **_: Any) -> None:
        if (seconds := remaining()) < read_seconds:
            request.context["read_timeout"] = max(_MIN_READ_SECONDS, seconds)

    client.meta.events.register("before-send", shorten_read_timeout)
    return client
