"""The mail of a day: only if something waits, by source and cause, and with nothing of a person."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clemta_intake import daily_mail
from clemta_intake.daily_mail import DailyMail
from clemta_intake.settings import DailyMailSettings
from tests.conftest import Lines
from tests.support.events import Context
from tests.support.fakes import Clock

SETTINGS = DailyMailSettings(
    dead_letter_queue_url="https://sqs.example.com/dead",
    held_queue_url="https://sqs.example.com/held",
    alarm_topic="arn:aws:sns:eu-central-1:123456789012:alarms",
    log_groups=("receive", "redeliver"),
    stack_name="shop",
    region="eu-central-1",
)


@dataclass
class FakeAws:
    """The clients of SQS, CloudWatch Logs and SNS in one: `waiting` by queue, `lines` by log group."""

    waiting: dict[str, tuple[int, int]] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)
    broken: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    mails: list[dict[str, str]] = field(default_factory=list)

    def client(self, _: str) -> "FakeAws":
        return self

    def get_queue_attributes(self, **request: Any) -> dict[str, Any]:
        visible, taken = self.waiting.get(request["QueueUrl"], (0, 0))
        names = dict(zip(request["AttributeNames"], (str(visible), str(taken)), strict=True))
        return {"Attributes": names}

    def get_paginator(self, _: str) -> "FakeAws":
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        self.asked.append(request)
        if self.broken:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "FilterLogEvents")
        lines = self.lines.get(request["logGroupName"], [])
        return [{"events": []}, *({"events": [{"message": line}]} for line in lines)]

    def publish(self, **request: str) -> None:
        self.mails.append(request)


def line(outcome: str, source: str, **facts: str) -> str:
    return json.dumps({"message": "submission", "outcome": outcome, "source": source, **facts})


def send(aws: FakeAws, settings: DailyMailSettings = SETTINGS, pages: int = 1_000) -> list[str]:
    """The lines of the mail; none if it sent none. There is time to read so many pages of the log."""
    time = iter([60] * (pages - 1))
    sent = DailyMail(settings, aws.client, Clock()).send(lambda: next(time, 19))
    assert sent is bool(aws.mails)
    return aws.mails[0]["Message"].splitlines() if sent else []


def test_no_mail_is_sent_when_nothing_waits() -> None:
    aws = FakeAws(lines={"receive": [line("parked", "crm", code="HTTP_400")]})  # it was replayed since
    assert send(aws) == []
    assert aws.asked == []


def test_p4_the_mail_counts_what_waits_and_what_arrived_by_source_and_cause() -> None:
    held = [line("held", "website", code="honeypot")] * 2
    aws = FakeAws(
        waiting={SETTINGS.dead_letter_queue_url: (3, 1), SETTINGS.held_queue_url: (2, 0)},
        lines={
            "receive": [line("parked", "crm", code="HTTP_400"), *held],
            "redeliver": [line("parked", "crm", code="HTTP_400"), line("parked", "shop")],
        },
    )
    text = send(aws)
    assert "  4 parked: they failed, and wait in the dead-letter queue" in text
    assert "  2 held as spam" in text
    start = text.index("Arrived in the last 24 hours, by source and cause:") + 2
    assert text[start : start + 3] == [
        "  2 parked: crm, HTTP_400",
        "  1 parked: shop, unknown",
        "  2 held: website, honeypot",
    ]
    assert aws.mails[0]["Subject"] == "4 parked, 2 held as spam: shop"
    assert aws.mails[0]["TopicArn"] == SETTINGS.alarm_topic


def test_the_mail_names_the_commands_with_the_stack_and_its_region() -> None:
    text = send(FakeAws(waiting={SETTINGS.held_queue_url: (1, 0)}))
    assert "  clemta-intake dlq list --stack shop --region eu-central-1" in text
    assert "  clemta-intake held list --stack shop --region eu-central-1" in text
    assert "  none" in text, "what waits arrived on another day"


def test_only_the_last_24_hours_of_each_log_are_read() -> None:
    aws = FakeAws(waiting={SETTINGS.held_queue_url: (1, 0)})
    send(aws)
    assert [request["logGroupName"] for request in aws.asked] == ["receive", "redeliver"]
    assert {request["startTime"] for request in aws.asked} == {round((Clock().now - 86_400) * 1000)}


def test_other_lines_of_the_log_are_not_counted() -> None:
    others = ["START RequestId: 1", "null", "[]", line("created", "website"), line("unauthentic", "crm")]
    text = send(FakeAws(waiting={SETTINGS.held_queue_url: (1, 0)}, lines={"receive": others}))
    assert "  none" in text


def test_p4_a_log_that_cannot_be_read_does_not_stop_the_mail() -> None:
    text = send(FakeAws(waiting={SETTINGS.held_queue_url: (7, 0)}, broken=True))
    assert "  7 held as spam" in text
    assert "The log could not be read (ClientError): these counts are incomplete." in text


def test_a_long_log_does_not_stop_the_mail() -> None:
    many = [line("held", "website", code="honeypot")] * 5
    aws = FakeAws(waiting={SETTINGS.held_queue_url: (5, 0)}, lines={"receive": many})
    text = send(aws, pages=4)  # the first one has no line
    assert "  3 held: website, honeypot" in text
    assert "The log is long: only its first part was counted." in text


def test_a_subject_has_at_most_99_characters() -> None:
    settings = DailyMailSettings(
        **{name: getattr(SETTINGS, name) for name in SETTINGS._fields} | {"stack_name": "s" * 128}
    )
    aws = FakeAws(waiting={SETTINGS.held_queue_url: (1, 0)})
    send(aws, settings)
    assert len(aws.mails[0]["Subject"]) == 99


def test_the_function_reads_its_settings_and_says_whether_it_sent_the_mail(
    monkeypatch: pytest.MonkeyPatch, logged: Lines
) -> None:
    aws = FakeAws(waiting={"dead": (0, 1)})
    monkeypatch.setattr(daily_mail, "_client", aws.client)
    environment = {
        "DEAD_LETTER_QUEUE_URL": "dead",
        "HELD_QUEUE_URL": "held",
        "ALARM_TOPIC": "topic",
        "LOG_GROUPS": "receive,redeliver",
        "POWERTOOLS_SERVICE_NAME": "shop",
        "AWS_REGION": "eu-central-1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    daily_mail.handler({}, Context(60))
    [mail] = aws.mails
    assert mail["Subject"] == "1 parked, 0 held as spam: shop"
    assert [request["logGroupName"] for request in aws.asked] == ["receive", "redeliver"]
    assert logged()[-1]["sent"] is True
