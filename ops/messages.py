"""A queue read to its end without keeping anything from anybody: what is not deleted is given back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from math import ceil
from typing import Any, Self

from clemta_intake.model import Envelope
from clemta_intake.queue_message import NewerVersion, decode_envelope
from clemta_intake.retry import MAX_DELAY

HIDDEN_SECONDS = 30  # what a killed command had in its hands is there again after this
_LONGEST_POLL = 1  # seconds; a long poll asks every server of SQS, so an empty answer means an empty queue
_NOTHING_NEW = 3  # receives that bring only what was seen: it comes back faster than it is held
_COUNTED_YET = 30  # seconds in which SQS may count what was deleted


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `envelope` is None where it is none of ours, or `newer`: another release wrote it."""

    id: str
    text: str = field(repr=False)
    sent_at: float
    envelope: Envelope | None = field(repr=False)
    newer: NewerVersion | None = None

    @property
    def submission_id(self) -> str:
        """How a person names it."""
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
    """Every message of a queue once; leaving it gives back what was not deleted, as soon as it is left.

    `patience` is how many seconds to wait for messages that are delayed, or in somebody else's hands. With `uncounted`
    a message is given back as a copy, so that having been looked at is no receive that SQS counts: in the retry queue a
    few of them say that a message crashes the function. Should both copies be delivered, the ledger makes one contact.
    """

    def __init__(
        self,
        sqs: Any,
        url: str,
        *,
        patience: float = 0,
        uncounted: bool = False,
        waiting: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._patience = patience
        self._uncounted = uncounted
        self._waiting = waiting
        self._held: dict[str, dict[str, Any]] = {}
        self._hold_again_at = self._end = 0.0
        self._deleted: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._uncounted:
            self._hide(0)
            return
        for received in self._held.values():
            self._copy(received)
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=received["ReceiptHandle"])

    def __iter__(self) -> Iterator[Message]:
        self._end = time.monotonic() + self._patience
        nothing_new = 0
        while nothing_new < _NOTHING_NEW:
            self._hold()
            received = self._receive()
            known = self._held.keys() | self._deleted
            self._held |= {message["MessageId"]: message for message in received}
            new = [message for message in received if message["MessageId"] not in known]
            for message in new:
                self._hold()  # what is done with each may take its time
                yield _message(message)
            if new:
                nothing_new = 0
            elif received:
                nothing_new += 1
            elif (others := self.elsewhere()) == 0 or time.monotonic() > self._end:
                return
            else:
                self._waiting(others)

    def delete(self, message: Message) -> None:
        """For good: its fate is durable elsewhere."""
        handle = self._held.pop(message.id)["ReceiptHandle"]
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=handle)
        self._deleted.add(message.id)
        self._end = max(self._end, time.monotonic() + min(self._patience, _COUNTED_YET))

    def elsewhere(self) -> int:
        """How many messages are delayed, or in somebody else's hands; about."""
        return max(0, sum(depth(self._sqs, self._url).values()) - len(self._held))

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

    def _hold(self) -> None:
        """Keeps what is in hand from coming back before the queue is read."""
        if time.monotonic() >= self._hold_again_at:
            self._hide(HIDDEN_SECONDS)
            self._hold_again_at = time.monotonic() + HIDDEN_SECONDS / 3

    def _hide(self, seconds: int) -> None:
        for some in batched(self._held.values(), 10, strict=False):
            entries = [
                {"Id": str(number), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": seconds}
                for number, one in enumerate(some)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def _copy(self, received: dict[str, Any]) -> None:
        """The same message, never received; it comes when the first one would have been tried."""
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
    """About how many messages are ready, delayed and in work."""
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
