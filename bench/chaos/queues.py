"""The retry queue and the dead-letter queue."""

import base64
import json
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from rich.progress import Progress

from bench.chaos.errors import Failed
from local.stack import Deployed


class Queues:
    """Waits for the retry queue, and empties and replays the dead-letter queue."""

    def __init__(self, deployed: Deployed) -> None:
        self._sqs = deployed.client("sqs")
        self._retry_url = deployed.retry_queue_url
        self._dead_letter_url = deployed.dead_letter_queue_url

    def shorten_visibility(self, seconds: int) -> None:
        """The messages of a killed function come back after these seconds, sooner than on AWS."""
        self._sqs.set_queue_attributes(
            QueueUrl=self._retry_url, Attributes={"VisibilityTimeout": str(seconds)}
        )

    def drain(self, progress: Progress, seconds: float) -> None:
        """Returns when the retry queue is empty."""
        task = progress.add_task("waiting", total=None)
        deadline = time.monotonic() + seconds
        while depth := self._depth(self._retry_url):
            progress.update(task, description=f"{depth} in the retry queue")
            if time.monotonic() > deadline:
                raise Failed(f"{depth} messages are still in the retry queue after {seconds:.0f} s")
            time.sleep(0.5)
        progress.remove_task(task)

    def take_dead_letters(self) -> list[dict[str, Any]]:
        """Removes every message from the dead-letter queue, and returns them."""
        url, letters = self._dead_letter_url, []
        while self._depth(url):
            received = self._sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=600, WaitTimeSeconds=1
            )
            for message in received.get("Messages", []):
                letters.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return letters

    def replay(self, letters: Iterable[dict[str, Any]]) -> None:
        """Puts dead letters back on the retry queue."""
        for letter in letters:
            body = json.dumps(letter | {"attempt": 0, "not_before": 0})
            self._sqs.send_message(QueueUrl=self._retry_url, MessageBody=body)

    def _depth(self, url: str) -> int:
        """Messages in the queue, including delayed ones and those in flight."""
        names = [f"ApproximateNumberOfMessages{state}" for state in ("", "NotVisible", "Delayed")]
        attributes = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return sum(int(attributes[name]) for name in names)


def by_failure(letters: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The count of dead letters for each failure class and code."""
    failures = (letter["failure"] for letter in letters)
    return dict(Counter(f"{failure['class']} {failure['code']}".strip() for failure in failures))


def email_of(letter: dict[str, Any]) -> str:
    """The e-mail address, in lower case, of the sign-up in a queue message."""
    body = base64.b64decode(letter["body_base64"]).decode()
    email = json.loads(body)["email"] if body.startswith("{") else parse_qs(body)["email"][0]
    return str(email).lower()
