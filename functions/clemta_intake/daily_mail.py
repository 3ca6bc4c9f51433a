"""Entry point 4: once a day, a mail that counts what is held or parked, if anything is (P4). No personal data (P8).

The counts come from the queues' attributes, sources and causes from the log of the day. No message is received: that
would show payloads to this function, and would hide messages from the operator for a while.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from . import telemetry
from .settings import DailyMailSettings

_DAY = 86_400
_RESERVE_SECONDS = 20  # that reading the log leaves for sending the mail
_COUNTED = ("parked", "held")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
_PATTERN = '{ ($.outcome = "parked") || ($.outcome = "held") }'
_MAX_SUBJECT = 99  # https://docs.aws.amazon.com/sns/latest/api/API_Publish.html


class DailyMail:
    """`send` sends the mail of the last 24 hours. `clock` gives unix seconds; `client` makes a boto3 client."""

    def __init__(
        self,
        settings: DailyMailSettings,
        client: Callable[[str], Any],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock

    def send(self, remaining: Callable[[], float]) -> bool:
        """Publishes the mail unless both queues are empty; whether it did. `remaining` gives the seconds left."""
        parked = self._waiting(self._settings.dead_letter_queue_url)
        held = self._waiting(self._settings.held_queue_url)
        if not parked and not held:
            return False
        subject = f"{parked} parked, {held} held as spam: {self._settings.stack_name}"
        self._client("sns").publish(
            TopicArn=self._settings.alarm_topic,
            Subject=subject[:_MAX_SUBJECT],
            Message=self._text(parked, held, self._arrived(remaining)),
        )
        return True

    def _waiting(self, url: str) -> int:
        """Messages in the queue, with those that somebody reads at the moment."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def _arrived(self, remaining: Callable[[], float]) -> list[str]:
        """A line for each outcome, source and cause of the last 24 hours, the most frequent first."""
        found: Counter[tuple[str, str, str]] = Counter()
        incomplete = ""
        try:
            for lines in self._pages():
                found.update((line["outcome"], line["source"], line.get("code", "unknown")) for line in lines)
                if remaining() < _RESERVE_SECONDS:
                    incomplete = "The log is long: only its first part was counted."
                    break
        except (ClientError, BotoCoreError) as error:
            incomplete = f"The log could not be read ({type(error).__name__}): these counts are incomplete."
        order = sorted(found.items(), key=lambda one: (_COUNTED.index(one[0][0]), -one[1], one[0]))
        counts = [f"  {count} {outcome}: {source}, {cause}" for (outcome, source, cause), count in order]
        return [*(counts or ["  none"]), *([incomplete] if incomplete else [])]

    def _pages(self) -> Iterator[list[dict[str, Any]]]:
        """The day's log lines of submissions that were parked or held, page by page; a page may have none."""
        began = round((self._clock() - _DAY) * 1000)
        pages = self._client("logs").get_paginator("filter_log_events")
        for group in self._settings.log_groups:
            for page in pages.paginate(logGroupName=group, startTime=began, filterPattern=_PATTERN):
                yield [line for event in page["events"] if (line := _outcome_line(event["message"]))]

    def _text(self, parked: int, held: int, arrived: list[str]) -> str:
        stack = f"--stack {self._settings.stack_name} --region {self._settings.region}"
        return "\n".join(
            [
                f"Submissions of the stack {self._settings.stack_name} that wait for you:",
                "",
                f"  {parked} parked: they failed, and wait in the dead-letter queue",
                f"  {held} held as spam",
                "",
                "Arrived in the last 24 hours, by source and cause:",
                "",
                *arrived,
                "",
                "To see them:",
                "",
                f"  clemta-intake dlq list {stack}",
                f"  clemta-intake held list {stack}",
                "",
                "Replay, release or discard them: SQS deletes each one 14 days after its arrival.",
            ]
        )


def _outcome_line(text: str) -> dict[str, Any] | None:
    """The log line of a parked or held submission; None for any other."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and line.get("outcome") in _COUNTED else None


def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def handler(_: dict[str, Any], context: Any) -> None:
    """Sends the day's mail; what fails here is tried twice more by Lambda."""
    mail = DailyMail(DailyMailSettings.read(os.environ), _client)
    sent = mail.send(lambda: context.get_remaining_time_in_millis() / 1000)
    telemetry.log.info("daily mail", extra={"sent": sent})
