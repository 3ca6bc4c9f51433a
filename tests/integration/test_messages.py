"""A queue of the emulator's, read by the operator's command: all of it, and as if nobody had."""

import json
import time
from typing import Any

import pytest

from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.queues import Queues
from ops import messages
from ops.messages import QueueReader

from .conftest import Aws


def envelope(number: int = 0, not_before: float = 0) -> Envelope:
    submission = Submission(f"s{number}", "website", time.time(), b"email=ada%40example.com")
    return Envelope(submission, 1, time.time(), Failure("outage", 500, "X", ""), not_before)


def queues(aws: Aws) -> Queues:
    settings = aws.settings
    urls = (settings.retry_queue_url, settings.dead_letter_queue_url, settings.held_queue_url)
    return Queues(lambda: aws.client("sqs"), *urls)


def received(sqs: Any, url: str) -> list[dict[str, Any]]:
    """What a function is given, hidden from nobody afterwards."""
    found: list[dict[str, Any]] = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        AttributeNames=["ApproximateReceiveCount"],
        MessageAttributeNames=["All"],
    ).get("Messages", [])
    return found


def test_p4_reading_the_retry_queue_does_not_turn_messages_into_poison(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.settings.retry_queue_url
    queues(aws).retry(envelope(), 0)
    for _ in range(6):
        with QueueReader(sqs, url, keep_receive_count=True) as reading:
            assert [message.submission_id for message in reading] == ["s0"]
    [message] = received(sqs, url)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"]["source"]["StringValue"] == "website"
    assert message["MessageAttributes"]["status"]["StringValue"] == "500"
    assert json.loads(message["Body"])["submission_id"] == "s0"


def test_message_that_is_not_due_is_put_back_with_its_remaining_delay(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.settings.retry_queue_url
    queues(aws).retry(envelope(not_before=time.time() + 600), 0)
    with QueueReader(sqs, url, keep_receive_count=True) as reading:
        assert len(list(reading)) == 1
    assert not received(sqs, url)
    assert messages.depth(sqs, url) == {"ready": 0, "delayed": 1, "in work": 0}


def test_foreign_message_is_put_back_unchanged(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.settings.retry_queue_url
    sqs.send_message(QueueUrl=url, MessageBody="nonsense")
    with QueueReader(sqs, url, keep_receive_count=True) as reading:
        assert [message.failure_class for message in reading] == ["poison"]
    assert [message["Body"] for message in received(sqs, url)] == ["nonsense"]


def test_deleted_message_is_not_put_back(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.settings.retry_queue_url
    queues(aws).retry(envelope(), 0)
    with QueueReader(sqs, url, keep_receive_count=True) as reading:
        for message in reading:
            reading.delete(message)
    assert messages.depth(sqs, url) == {"ready": 0, "delayed": 0, "in work": 0}


def test_reading_longer_than_the_visibility_timeout_finds_every_message_once(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """35 messages at 0.1 s each, where a message stays hidden for 1 s."""
    monkeypatch.setattr(messages, "HIDDEN_SECONDS", 1)
    sqs, url = aws.client("sqs"), aws.settings.dead_letter_queue_url
    for number in range(35):
        queues(aws).park(envelope(number))
    seen: list[str] = []
    with QueueReader(sqs, url) as reading:
        for message in reading:
            time.sleep(0.1)  # what is done with it
            seen.append(message.submission_id)
        assert reading.unread() == 0
    assert sorted(seen) == sorted(f"s{number}" for number in range(35))
    assert messages.depth(sqs, url)["ready"] == 35


def test_messages_held_by_another_consumer_are_counted_as_unread(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.settings.dead_letter_queue_url
    for number in range(3):
        queues(aws).park(envelope(number))
    sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=60)
    with QueueReader(sqs, url) as reading:
        assert len(list(reading)) == 2
        assert reading.unread() == 1
