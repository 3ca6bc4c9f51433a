"""The daily mail's function with the SDK: the emulator's queues, logs and topic."""

import json
import time
from typing import Any

import boto3
import pytest

from clemta_intake import daily_mail
from tests.integration.conftest import Aws
from tests.support.events import Context


def log_lines(group: str, *lines: dict[str, Any]) -> None:
    """A log group with these lines, as the functions write them."""
    logs: Any = boto3.client("logs")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": json.dumps(line)} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


def test_p4_the_mail_of_a_day_reaches_the_topics_subscribers(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = aws.settings.ledger_table
    log_lines(f"{name}-receive", {"outcome": "held", "source": "website", "code": "honeypot"})
    parked = {"outcome": "parked", "source": "crm", "code": "HTTP_400"}
    log_lines(f"{name}-redeliver", parked, {"outcome": "created", "source": "crm"})
    sqs = boto3.client("sqs")
    sns: Any = boto3.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=f"{name}-mails")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    environment = {
        "DEAD_LETTER_QUEUE_URL": aws.settings.dead_letter_queue_url,
        "HELD_QUEUE_URL": aws.settings.held_queue_url,
        "ALARM_TOPIC": topic,
        "LOG_GROUPS": f"{name}-receive,{name}-redeliver",
        "POWERTOOLS_SERVICE_NAME": "shop",
        "AWS_REGION": "us-east-1",
    }
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)

    daily_mail.handler({}, Context(60))
    assert "Messages" not in sqs.receive_message(QueueUrl=url), "nothing waits, so no mail"

    sqs.send_message(QueueUrl=aws.settings.dead_letter_queue_url, MessageBody="{}")
    sqs.send_message(QueueUrl=aws.settings.held_queue_url, MessageBody="{}")
    daily_mail.handler({}, Context(60))
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    mail = json.loads(message["Body"])
    assert mail["Subject"] == "1 parked, 1 held as spam: shop"
    assert "  1 parked: crm, HTTP_400\n  1 held: website, honeypot\n" in mail["Message"]
