"""The queue message, one shape for the retry queue, the dead-letter queue and the held queue, and the three queues."""

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .errors import Unavailable
from .model import Envelope, FailureClass
from .queue_message import NewerVersion, encode_envelope

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


MAX_DELAY = 900  # seconds; SQS delays a message no longer


class Queues:
    """Where a submission is safe. Each call returns when SQS has it, and raises Unavailable if it has not."""

    def __init__(
        self, client: Callable[[], "SQSClient"], retry_url: str, dead_letter_url: str, held_url: str
    ) -> None:
        self._client = client
        self._retry_url = retry_url
        self._dead_letter_url = dead_letter_url
        self._held_url = held_url

    def retry(self, envelope: Envelope, delay: float) -> None:
        """Comes again after `delay` seconds."""
        self._send_envelope(self._retry_url, envelope, min(MAX_DELAY, max(0, ceil(delay))))

    def park(self, envelope: Envelope) -> None:
        """Waits in the dead-letter queue for a person."""
        self._send_envelope(self._dead_letter_url, envelope, 0)

    def hold(self, envelope: Envelope) -> None:
        """Waits in the held queue: a rule took it for spam, and a person may release it."""
        self._send_envelope(self._held_url, envelope, 0)

    def park_newer(self, text: str, newer: NewerVersion) -> None:
        """Waits in the dead-letter queue, byte for byte, for the release that wrote it."""
        self._send(self._dead_letter_url, text, newer.source, "outage", 0, 0)

    def retry_newer(self, text: str, newer: NewerVersion) -> None:
        """Comes again at once, byte for byte."""
        self._send(self._retry_url, text, newer.source, "outage", 0, 0)

    def _send_envelope(self, url: str, envelope: Envelope, delay: int) -> None:
        source, failure = envelope.submission.source, envelope.failure
        self._send(url, encode_envelope(envelope), source, failure.failure_class, failure.status or 0, delay)

    def _send(
        self, url: str, body: str, source: str, failure_class: FailureClass, status: int, delay: int
    ) -> None:
        request: dict[str, Any] = {
            "QueueUrl": url,
            "MessageBody": body,
            "DelaySeconds": delay,
            "MessageAttributes": {
                "source": {"DataType": "String", "StringValue": source or "unknown"},
                "class": {"DataType": "String", "StringValue": failure_class},
                "status": {"DataType": "Number", "StringValue": str(status)},
            },
        }
        try:
            try:
                self._client().send_message(**request)
            except BotoCoreError:  # no answer: at once a second time; the ledger makes one of two messages
                self._client().send_message(**request)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("queue_unavailable", type(error).__name__) from error
