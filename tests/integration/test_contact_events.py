"""Events of contacts with the SDK and sockets: the emulator's EventBridge, and one that does not answer."""

import json
import socket
import time
from collections.abc import Iterator
from copy import replace
from typing import Any

import boto3
import pytest

from clemta_intake.deadlines import ANSWER_SECONDS, Deadline
from clemta_intake.gateway import Request
from clemta_intake.model import Outcome, Submission
from clemta_intake.settings import Settings
from clemta_intake.signup import SignUp
from local.clemta import StandIn
from tests.conftest import Lines
from tests.integration.conftest import Aws, dependencies_of
from tests.support.events import form
from tests.support.fakes import reading

ADA = {"full_name": "Ada Example", "email": "ada@example.com"}


@pytest.fixture
def settings(aws: Aws) -> Settings:
    return replace(aws.settings, event_bus="default")


@pytest.fixture
def rule_queue(aws: Aws) -> Iterator[Any]:
    """A queue that a rule of the default bus sends our events to."""
    sqs, bridge = boto3.client("sqs"), boto3.client("events")
    name = f"{aws.settings.ledger_table}-events"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bridge.put_rule(Name=name, EventPattern=json.dumps({"source": ["clemta-intake"]}))
    bridge.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    bridge.remove_targets(Rule=name, Ids=["queue"])
    bridge.delete_rule(Name=name)


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def sign_up(settings: Settings) -> tuple[str, float]:
    """The status of a form's answer, and its seconds."""
    began = time.monotonic()
    response = SignUp(dependencies_of(settings), "website", Request.of(form(ADA))).answer()
    return str(json.loads(response.body or "")["status"]), time.monotonic() - began


def test_eventbridge_passes_the_event_to_a_rules_target(
    settings: Settings, clemta: StandIn, rule_queue: Any
) -> None:
    assert sign_up(settings)[0] == "created"
    [message] = rule_queue()
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("clemta-intake", "ContactCreated")
    assert event["detail"]["contact_id"] == clemta.contacts()[0]["id"]


def test_p7_an_eventbridge_that_does_not_answer_delays_no_answer_beyond_its_deadline(
    settings: Settings, silent_endpoint: str, monkeypatch: pytest.MonkeyPatch, logged: Lines
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", silent_endpoint)
    status, seconds = sign_up(settings)
    assert status == "created"
    assert seconds < ANSWER_SECONDS
    [line] = [line for line in logged() if line["message"] == "contact events"]
    assert line["code"] == "ReadTimeoutError"


def test_p7_a_call_to_eventbridge_ends_before_the_deadline(
    settings: Settings, silent_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", silent_endpoint)
    deps = dependencies_of(settings)
    deps.prepare()
    deadline = Deadline.after(0.75)
    deps.answer_by(deadline, 0)
    assert deps.contact_events
    submission = Submission("s1", "website", time.time(), b"")
    deps.contact_events.announce(submission, reading(), Outcome("created", "c1"), deadline)
    assert deadline.remaining() > 0
