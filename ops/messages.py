"""Reads a whole queue; messages that are not deleted become visible again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched
from math import ceil
from typing import Any, Self

from clemta_intake.model import Envelope
from clemta_intake.queue_message import NewerVersion, decode_envelope
from clemta_intake.retry import MAX_DELAY

HIDDEN_SECONDS = 30  # the messages of a killed command are visible again after this time
_LONGEST_POLL = 1  # seconds; a long poll asks all SQS servers, so an empty answer means an empty queue
_MAX_REPEATS = 3  # receives with only known messages: they become visible faster than this reader hides them
_COUNT_LAG = 30  # seconds for which SQS may still count a deleted message


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `envelope` is None if it is not a submission, or if a newer release wrote it (`newer`)."""

    id: str
    text: str = field(repr=False)
    sent_at: float
    envelope: Envelope | None = field(repr=False)
    newer: NewerVersion | None = None

    @property
    def submission_id(self) -> str:
        """The submission's id; the message's id if it holds none."""
        if self.newer:
            return self.newer.submission_id or self.id
        return self.envelope.submission.submission_id if self.envelope else self.id

    @property
    def source(self) -> str:
        if self.newer:
            return self.newer.source or "unknown"
        return self.envelope.submission.source if self.envelope else "unknown"

    @property
    def failure_class(self) -> str:
        if self.newer:
            return "outage"
        return self.envelope.failure.failure_class if self.envelope else "poison"


class QueueReader:
    """Yields every message of a queue once; on exit it makes the messages that were not deleted visible again.

    It waits `wait_seconds` for messages that are delayed or that another consumer has. With `keep_receive_count` it
    replaces each message by a copy, so that reading does not raise SQS's receive count: in the retry queue, a high
    count means that the message crashes the function. If both copies are delivered, the ledger makes one contact.
    """

    def __init__(
        self,
        sqs: Any,
        url: str,
        *,
        wait_seconds: float = 0,
        keep_receive_count: bool = False,
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._wait_seconds = wait_seconds
        self._keep_receive_count = keep_receive_count
        self._in_hand: dict[str, dict[str, Any]] = {}
        self._extend_at = self._end = 0.0
        self._deleted: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._keep_receive_count:
            self._set_visibility(0)
            return
        for received in self._in_hand.values():
            self._copy(received)
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=received["ReceiptHandle"])

    def __iter__(self) -> Iterator[Message]:
        self._end = time.monotonic() + self._wait_seconds
        repeats = 0
        while repeats < _MAX_REPEATS:
            self._extend_visibility()
            received = self._receive()
            known = self._in_hand.keys() | self._deleted
            self._in_hand |= {message["MessageId"]: message for message in received}
            new = [message for message in received if message["MessageId"] not in known]
            for message in new:
                self._extend_visibility()  # the caller may take long for each message
                yield _message(message)
            if new:
                repeats = 0
            elif received:
                repeats += 1
            elif self.unread() == 0 or time.monotonic() > self._end:
                return

    def delete(self, message: Message) -> None:
        """Deletes the message; the caller must have made it durable elsewhere."""
        handle = self._in_hand.pop(message.id)["ReceiptHandle"]
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
        self._deleted.add(message.id)
        self._end = max(self._end, time.monotonic() + min(self._wait_seconds, _COUNT_LAG))

    def unread(self) -> int:
        """The approximate number of messages that are delayed or with another consumer."""
        return max(0, sum(depth(self._sqs, self._url).values()) - len(self._in_hand))

    def _receive(self) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=_LONGEST_POLL,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        return received

    def _extend_visibility(self) -> None:
        """Keeps the messages read so far invisible until the whole queue is read."""
        if time.monotonic() >= self._extend_at:
            self._set_visibility(HIDDEN_SECONDS)
            self._extend_at = time.monotonic() + HIDDEN_SECONDS / 3

    def _set_visibility(self, seconds: int) -> None:
        for some in batched(self._in_hand.values(), 10, strict=False):
            entries = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": seconds}
                for number, one in enumerate(some)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _copy(self, received: dict[str, Any]) -> None:
        """Sends a copy of the message with the same due time."""
        envelope = _message(received).envelope
        wait = envelope.not_before - time.time() if envelope else 0
        attributes = {
            name: {key: value[key] for key in ("DataType", "StringValue")}
            for name, value in received.get("MessageAttributes", {}).items()
            if "StringValue" in value
        }
        self._sqs.send_message(
            QueueUrl=self._url,
            MessageBody=received["Body"],
            DelaySeconds=min(MAX_DELAY, max(0, ceil(wait))),
            MessageAttributes=attributes,
        )


def _message(received: dict[str, Any]) -> Message:
    text, envelope, newer = received["Body"], None, None
    try:
        envelope = decode_envelope(text)
    except NewerVersion as error:
        newer = error
    except ValueError:
        pass
    sent_at = int(received.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    return Message(received["MessageId"], text, sent_at, envelope, newer)


def depth(sqs: Any, url: str) -> dict[str, int]:
    """The approximate numbers of messages that are ready, delayed and in work."""
    names = {
        "ready": "ApproximateNumberOfMessages",
        "delayed": "ApproximateNumberOfMessagesDelayed",
        "in work": "ApproximateNumberOfMessagesNotVisible",
    }
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names.values()))["Attributes"]
    return {word: int(found[name]) for word, name in names.items()}


def arn(sqs: Any, url: str) -> str:
    """The queue's ARN."""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    return str(found["QueueArn"])
