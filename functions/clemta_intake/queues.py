"""Sends submissions to the retry queue, the dead-letter queue and the held queue."""

from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .errors import Unavailable
from .model import Envelope
from .outcomes import FailureClass
from .queue_message import NewerVersion, encode_envelope
from .retry import MAX_DELAY

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Queues:
    """Where a submission is safe: each call returns after SQS accepted the message, and raises Unavailable if not."""

    def __init__(
        self, client: Callable[[], "SQSClient"], retry_url: str, dead_letter_url: str, held_url: str
    ) -> None:
        self._client = client
        self._retry_url = retry_url
        self._dead_letter_url = dead_letter_url
        self._held_url = held_url

    def retry(self, envelope: Envelope, delay: float) -> None:
        """To be tried again after `delay` seconds."""
        self._send_envelope(self._retry_url, envelope, min(MAX_DELAY, max(0, ceil(delay))))

    def park(self, envelope: Envelope) -> None:
        """Into the dead-letter queue, where a person decides."""
        self._send_envelope(self._dead_letter_url, envelope)

    def hold(self, envelope: Envelope) -> None:
        """Into the held queue: a spam rule matched, and a person may release it."""
        self._send_envelope(self._held_url, envelope)

    def park_newer(self, text: str, newer: NewerVersion) -> None:
        """Into the dead-letter queue, byte for byte, for the release that wrote it."""
        self._send(self._dead_letter_url, text, _attributes(newer.source, "outage"))

    def retry_newer(self, text: str, newer: NewerVersion) -> None:
        """To be tried again at once, byte for byte."""
        self._send(self._retry_url, text, _attributes(newer.source, "outage"))

    def _send_envelope(self, url: str, envelope: Envelope, delay: int = 0) -> None:
        failure = envelope.failure
        attributes = _attributes(envelope.submission.source, failure.failure_class, failure.status or 0)
        self._send(url, encode_envelope(envelope), attributes, delay)

    def _send(self, url: str, body: str, attributes: dict[str, Any], delay: int = 0) -> None:
        request: dict[str, Any] = {
            "QueueUrl": url,
            "MessageBody": body,
            "DelaySeconds": delay,
            "MessageAttributes": attributes,
        }
        try:
            try:
                self._client().send_message(**request)
            except BotoCoreError:  # no answer: try again at once; two messages still make one contact
                self._client().send_message(**request)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("queue_unavailable", type(error).__name__) from error


def _attributes(source: str, failure_class: FailureClass, status: int = 0) -> dict[str, Any]:
    """The message's attributes, which are visible without its body: no personal data."""
    return {
        "source": {"DataType": "String", "StringValue": source or "unknown"},
        "class": {"DataType": "String", "StringValue": failure_class},
        "status": {"DataType": "Number", "StringValue": str(status)},
    }
