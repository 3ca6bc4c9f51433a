"""What an operator is told: metrics of each submission, and alarms that reach the topic."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from local.processes import ROOT
from local.stack import Deployed
from tests.e2e.conftest import eventually

type SignUp = Callable[..., requests.Response]


def total(cloudwatch: Any, metric: str, **dimensions: str) -> float:
    """The sum of a metric over the last hours."""
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace="ClemtaIntake",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=3),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def test_a_sign_up_is_counted_by_stack_source_and_outcome(
    stack: Deployed, aws: Callable[[str], Any], sign_up: SignUp
) -> None:
    cloudwatch = aws("cloudwatch")
    by = {"service": stack.stack_name, "source": "website", "outcome": "created"}
    before = total(cloudwatch, "Submissions", **by)
    assert sign_up(email="counted@example.com").json()["status"] == "created"
    assert eventually(lambda: total(cloudwatch, "Submissions", **by) == before + 1)
    assert total(cloudwatch, "ClemtaLatency", service=stack.stack_name) > 0
    assert total(cloudwatch, "BudgetLeft", service=stack.stack_name) > 0


@pytest.fixture
def mails(stack: Deployed, aws: Callable[[str], Any]) -> Callable[[], list[dict[str, Any]]]:
    """What the alarms' topic sends, as a subscriber gets it."""
    sqs, sns = aws("sqs"), aws("sns")
    [topic] = [
        output["OutputValue"]
        for output in aws("cloudformation").describe_stacks(StackName=stack.stack_name)["Stacks"][0][
            "Outputs"
        ]
        if output["OutputKey"] == "AlarmTopicArn"
    ]
    url = sqs.create_queue(QueueName="mails")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may_send = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def received() -> list[dict[str, Any]]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    return received


def test_alarm_reaches_the_topic_with_instructions(
    stack: Deployed, aws: Callable[[str], Any], mails: Callable[[], list[dict[str, Any]]]
) -> None:
    cloudwatch = aws("cloudwatch")
    alarms = {
        alarm["AlarmName"]: alarm
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if alarm["AlarmName"].startswith(stack.stack_name)
    }
    in_template = re.findall(  # without those of the optional function of Cognito
        r"^    Type: AWS::CloudWatch::Alarm\n(?!    Condition: HasCognito$)",
        (ROOT / "template.yaml").read_text(),
        re.M,
    )
    assert len(alarms) == len(in_template)
    seen: dict[str, str] = {}

    def all_came() -> bool:
        rung = [mail for mail in mails() if mail["NewStateValue"] == "ALARM"]
        seen.update({mail["AlarmName"]: mail["AlarmDescription"] for mail in rung})
        return seen.keys() == alarms.keys()

    for name in alarms:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    assert eventually(all_came), f"{alarms.keys() - seen.keys()} did not ring"
    assert all(text == alarms[name]["AlarmDescription"] for name, text in seen.items())
    for name in alarms:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
