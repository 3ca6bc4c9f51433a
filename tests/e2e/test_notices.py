"""What the owner hears of: an event for each contact, and the daily mail, with the permissions of the template."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from local.stack import Deployed

from .conftest import Clemta, Subscriber, eventually

type SignUp = Callable[..., requests.Response]
type Messages = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def events(aws: Callable[[str], Any], subscriber: Subscriber) -> Iterator[Messages]:
    """What a rule for created contacts passes on."""
    bridge = aws("events")
    pattern = {"source": ["clemta-intake"], "detail-type": ["ContactCreated"]}
    bridge.put_rule(Name="new-contacts", EventPattern=json.dumps(pattern))
    bridge.put_targets(Rule="new-contacts", Targets=[{"Id": "queue", "Arn": subscriber.arn}])
    yield subscriber.received
    bridge.remove_targets(Rule="new-contacts", Ids=["queue"])
    bridge.delete_rule(Name="new-contacts")


def first_of(received: Messages) -> list[dict[str, Any]]:
    """The first messages that come."""
    found: list[dict[str, Any]] = []

    def any_came() -> bool:
        found.extend(received())
        return bool(found)

    assert eventually(any_came), "nothing came"
    return found


def test_a_sign_up_sends_one_event_to_the_bus(
    stack: Deployed, sign_up: SignUp, clemta: Clemta, events: Messages
) -> None:
    answer = sign_up(email="ada@example.com").json()
    sign_up(email="ada@example.com")
    received = first_of(events)
    [event] = received
    [contact] = clemta.contacts()
    assert event["detail"] == {
        "contact_id": contact["id"],
        "company_id": contact["company_id"],
        "submission_id": answer["submission_id"],
        "source": "website",
        "outcome": "created",
        "stack": stack.stack_name,
    }
    assert "ada" not in json.dumps(event)


def test_a_queued_sign_up_sends_its_event_when_it_is_delivered(
    sign_up: SignUp, clemta: Clemta, events: Messages
) -> None:
    clemta.fault("error_before", on="create")
    assert sign_up(email="bo@example.com").json()["status"] == "queued"
    received = first_of(events)
    assert [event["detail"]["contact_id"] for event in received] == [clemta.contacts()[0]["id"]]


def invoke_daily_mail(stack: Deployed, aws: Callable[[str], Any]) -> None:
    name = aws("cloudformation").describe_stack_resource(
        StackName=stack.stack_name, LogicalResourceId="DailyMailFunction"
    )["StackResourceDetail"]["PhysicalResourceId"]
    answer = aws("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_p4_the_daily_mail_counts_held_and_parked_submissions_by_source_and_cause(
    stack: Deployed,
    aws: Callable[[str], Any],
    sign_up: SignUp,
    clemta: Clemta,
    alarm_topic: Messages,
) -> None:
    invoke_daily_mail(stack, aws)
    sign_up(email="bot@example.com", _leave_empty="x")
    clemta.fault("status", on="create", status=400)
    assert sign_up(email="eve@example.com").json()["status"] == "parked"
    invoke_daily_mail(stack, aws)
    [mail] = first_of(alarm_topic)
    assert mail["Subject"] == f"1 parked, 1 held as spam: {stack.stack_name}"
    text = mail["Message"]
    assert "held: website, honeypot" in text
    assert "parked: website, " in text
    assert f"clemta-intake dlq list --stack {stack.stack_name} --region {stack.region}" in text
    assert "example.com" not in text
