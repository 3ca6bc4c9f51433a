"""What an operator is told: metrics of each submission, and alarms that reach the topic."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

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


def test_alarm_reaches_the_topic_with_instructions(
    stack: Deployed, aws: Callable[[str], Any], alarm_topic: Callable[[], list[dict[str, Any]]]
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
        mails = [json.loads(mail["Message"]) for mail in alarm_topic()]
        rung = [mail for mail in mails if mail["NewStateValue"] == "ALARM"]
        seen.update({mail["AlarmName"]: mail["AlarmDescription"] for mail in rung})
        return seen.keys() == alarms.keys()

    for name in alarms:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    assert eventually(all_came), f"{alarms.keys() - seen.keys()} did not ring"
    assert all(text == alarms[name]["AlarmDescription"] for name, text in seen.items())
    for name in alarms:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
