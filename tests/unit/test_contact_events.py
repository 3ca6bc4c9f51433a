"""An event on EventBridge for each created or updated contact: ids only, and never at the cost of the answer."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from clemta_intake import aws_clients, cognito, receive, redeliver
from clemta_intake.contact_events import ContactEvents
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import NotApplied
from clemta_intake.model import Envelope, Failure, Outcome, Submission
from clemta_intake.queue_message import encode_envelope
from tests.conftest import Lines
from tests.support.events import CRM_SECRET, Context, batch, crm, form
from tests.support.fakes import COMPANY, FakeDependencies, FakeEventBridge, reading

SOURCES: dict[str, Any] = {
    "website": {"kind": "form", "on_existing": "update", "allow_overwrite": True},
    "crm": {
        "kind": "webhook",
        "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
        "batch": True,
        "contact": {"email": "body.email"},
    },
    "cognito": {"kind": "cognito"},
}
ADA = {"full_name": "Ada Example", "email": "ada@example.com"}


@pytest.fixture
def bridge() -> FakeEventBridge:
    return FakeEventBridge()


@pytest.fixture
def deps(bridge: FakeEventBridge) -> FakeDependencies:
    deps = FakeDependencies(SOURCES, crm=CRM_SECRET)
    deps.contact_events = ContactEvents(lambda: bridge, "sign-ups")
    return deps


def send(deps: FakeDependencies, event: dict[str, Any]) -> dict[str, Any]:
    """The body of the answer, which has status 200."""
    answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
    assert answer["statusCode"] == 200
    body: dict[str, Any] = json.loads(answer["body"])
    return body


def test_created_contact_is_announced_with_its_ids(deps: FakeDependencies, bridge: FakeEventBridge) -> None:
    answer = send(deps, form(ADA))
    [[entry]] = bridge.calls
    assert entry["EventBusName"] == "sign-ups"
    assert (entry["Source"], entry["DetailType"]) == ("clemta-intake", "ContactCreated")
    [contact_id] = deps.clemta.stored
    [detail] = bridge.details
    stack = detail.pop("stack")
    assert stack
    assert detail == {
        "contact_id": contact_id,
        "company_id": COMPANY,
        "submission_id": answer["submission_id"],
        "source": "website",
        "outcome": "created",
    }


def test_p8_an_event_holds_nothing_of_the_person(deps: FakeDependencies, bridge: FakeEventBridge) -> None:
    send(deps, form({**ADA, "phone": "+90 532 123 45 67", "message": "Hello from Ada"}))
    text = json.dumps(bridge.calls).casefold()
    assert not [word for word in ("ada", "example.com", "532", "hello") if word in text]


def test_updated_contact_is_announced_as_updated_and_a_duplicate_is_not_announced(
    deps: FakeDependencies, bridge: FakeEventBridge
) -> None:
    send(deps, form(ADA))
    send(deps, form(ADA))
    send(deps, form({**ADA, "phone": "+90 532 123 45 67"}))
    types = [entry["DetailType"] for entries in bridge.calls for entry in entries]
    assert types == ["ContactCreated", "ContactUpdated"]
    assert [detail["outcome"] for detail in bridge.details] == ["created", "updated"]


def test_a_queued_submission_is_announced_once_it_is_a_contact(
    deps: FakeDependencies, bridge: FakeEventBridge
) -> None:
    deps.clemta.fail("create", NotApplied("HTTP_500"))
    assert send(deps, form(ADA))["status"] == "queued"
    assert not bridge.calls
    [(envelope, _)] = deps.queues.retried
    handle = redeliver.create_handler(lambda: deps)  # type: ignore[arg-type, return-value]
    handle(batch(encode_envelope(envelope)), Context())  # type: ignore[arg-type]
    [detail] = bridge.details
    assert (detail["outcome"], detail["source"]) == ("created", "website")
    assert detail["submission_id"] == envelope.submission.submission_id


def test_a_user_of_cognito_is_announced(deps: FakeDependencies, bridge: FakeEventBridge) -> None:
    sample = Path(__file__).parents[2] / "events" / "cognito" / "post-confirmation.json"
    cognito.create_handler(lambda: deps)(json.loads(sample.read_text()), Context())  # type: ignore[arg-type, return-value]
    assert [detail["source"] for detail in bridge.details] == ["cognito"]


def test_a_batch_is_announced_in_calls_of_ten(deps: FakeDependencies, bridge: FakeEventBridge) -> None:
    send(deps, crm([{"email": f"p{number}@example.com"} for number in range(12)]))
    assert [len(entries) for entries in bridge.calls] == [10, 2]
    assert len({detail["contact_id"] for detail in bridge.details}) == 12


def test_what_was_created_before_a_batch_failed_is_announced(
    deps: FakeDependencies, bridge: FakeEventBridge
) -> None:
    deps.queues.refuses = True
    event = crm([{"email": "p1@example.com"}, {"email": "not an address"}])
    answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
    assert answer["statusCode"] == 503
    assert [detail["outcome"] for detail in bridge.details] == ["created"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents"), "AccessDeniedException"),
        (ConnectTimeoutError(endpoint_url="https://events.example.com"), "ConnectTimeoutError"),
    ],
)
def test_p1_a_failed_event_changes_no_answer_and_is_counted(
    deps: FakeDependencies, bridge: FakeEventBridge, logged: Lines, error: Exception, code: str
) -> None:
    bridge.error = error
    assert send(deps, form(ADA))["status"] == "created"
    [line] = [line for line in logged() if line["message"] == "contact events"]
    assert (line["code"], line["events"], line["ContactEventsFailed"]) == (code, 1, [1])


def test_p1_an_unexpected_error_while_announcing_changes_no_answer(
    deps: FakeDependencies, bridge: FakeEventBridge, logged: Lines
) -> None:
    bridge.error = KeyError("ada@example.com")
    assert send(deps, form(ADA))["status"] == "created"
    line = logged()[-1]
    assert (line["message"], line["error"]) == ("unexpected error", "KeyError")
    assert (line["ContactEventsFailed"], line["UnexpectedErrors"]) == ([1], [1])
    assert "ada" not in json.dumps(line)


def test_an_event_that_the_bus_refuses_is_counted(
    deps: FakeDependencies, bridge: FakeEventBridge, logged: Lines
) -> None:
    bridge.codes = ["ResourceNotFoundException"]
    send(deps, form(ADA))
    assert logged()[-1]["code"] == "ResourceNotFoundException"
    assert logged()[-1]["ContactEventsFailed"] == [1]


def test_p7_no_call_to_eventbridge_begins_when_it_could_pass_the_deadline(
    bridge: FakeEventBridge, logged: Lines
) -> None:
    events = ContactEvents(lambda: bridge, "default")
    submission = Submission("s1", "website", time.time(), b"")
    longest = sum(aws_clients._TIMEOUTS["events"])
    events.announce(submission, reading(), Outcome("created", "c1"), Deadline.after(longest))
    assert not bridge.calls
    assert logged()[-1]["code"] == "no_time_left"
    events.announce(submission, reading(), Outcome("created", "c1"), Deadline.after(4))
    assert len(bridge.details) == 1, "what was not sent is not kept"


def test_p3_a_message_that_comes_twice_is_announced_once(
    deps: FakeDependencies, bridge: FakeEventBridge
) -> None:
    submission = Submission("s1", "website", deps.clock(), b"email=ada%40example.com")
    form_type = "application/x-www-form-urlencoded"
    submission = Submission("s1", "website", deps.clock(), submission.body, form_type)
    text = encode_envelope(Envelope(submission, 1, deps.clock(), Failure("outage", 500, "X", "")))
    handle = redeliver.create_handler(lambda: deps)  # type: ignore[arg-type, return-value]
    handle(batch(text, text), Context())  # type: ignore[arg-type]
    assert len(bridge.details) == 1
