"""A queue read to its end without keeping anything from anybody: what is not deleted is given back."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, Self

from clemta_intake.queues import Envelope

HIDDEN_SECONDS = 30  # what an interrupted command had in its hands is there again after this
_LONGEST_POLL = 1  # seconds; a long poll asks every server of SQS, so an empty answer means an empty queue
_NOTHING_NEW = 3  # receives that bring only what was seen: the rest comes back faster than it is read


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `envelope` is None where it is none of ours."""

    id: str
    text: str = field(repr=False)
    sent_at: float
    envelope: Envelope | None = field(repr=False)

    @property
    def submission_id(self) -> str:
        """How a person names it."""
        return self.envelope.submission.submission_id if self.envelope else self.id

    @property
    def source(self) -> str:
        return self.envelope.submission.source if self.envelope else "unknown"

    @property
    def failure_class(self) -> str:
        return self.envelope.failure.failure_class if self.envelope else "poison"


class Reading:
    """Every message of a queue once; leaving it gives back what was not deleted.

    `patience` is how many seconds to wait for messages that are delayed, or in somebody else's hands.
    """

    def __init__(
        self,
        sqs: Any,
        url: str,
        *,
        patience: float = 0,
        hidden: int = HIDDEN_SECONDS,
        waiting: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._sqs = sqs
        self._url = url
        self._hidden = hidden
        self._patience = patience
        self._waiting = waiting
        self._handles: dict[str, str] = {}
        self._deleted: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for some in batched(self._handles.values(), 10, strict=False):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(some)
            ]
            self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def __iter__(self) -> Iterator[Message]:
        end = time.monotonic() + self._patience
        seen: set[str] = set()
        nothing_new = 0
        while nothing_new < _NOTHING_NEW:
            received = self._receive()
            new = [message for message in received if message["MessageId"] not in seen | self._deleted]
            self._handles |= {message["MessageId"]: message["ReceiptHandle"] for message in received}
            seen |= {message["MessageId"] for message in new}
            yield from map(_message, new)
            if new:
                nothing_new = 0
            elif received:
                nothing_new += 1
            elif (others := self.elsewhere()) == 0 or time.monotonic() > end:
                return
            else:
                self._waiting(others)

    def delete(self, message: Message) -> None:
        """For good: its fate is durable elsewhere."""
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=self._handles.pop(message.id))
        self._deleted.add(message.id)

    def elsewhere(self) -> int:
        """How many messages are delayed, or in somebody else's hands; about."""
        return max(0, sum(depth(self._sqs, self._url).values()) - len(self._handles))

    def _receive(self) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=self._hidden,
            WaitTimeSeconds=_LONGEST_POLL,
            AttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        return received


def _message(received: dict[str, Any]) -> Message:
    text = received["Body"]
    try:
        envelope = Envelope.from_json(text)
    except ValueError:
        envelope = None
    sent_at = int(received.get("Attributes", {}).get("SentTimestamp", 0)) / 1000
    return Message(received["MessageId"], text, sent_at, envelope)


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
