"""A stack of this session's own, beside any that `make up` left running, and what tests reach it with."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from local.stack import Deployed, Stack
from tests.support.events import CRM_SECRET
from tests.support.polls import short_polls  # noqa: F401 - a fixture
from tests.support.samples import SENDERS, Sample


@dataclass(frozen=True)
class Clemta:
    """The stand-in's control."""

    url: str
    http: requests.Session

    def contacts(self, email: str | None = None) -> list[dict[str, Any]]:
        """The contacts in the order of creation, or those with this e-mail address."""
        found: list[dict[str, Any]] = self._control("GET", "contacts")["contacts"]
        return [contact for contact in found if email in (None, contact["email"])]

    def delete(self, contact_id: str) -> None:
        """Deletes a contact as a person does in Clemta."""
        self._control("DELETE", f"contacts/{contact_id}")

    def edit(self, contact_id: str, **fields: Any) -> None:
        """Edits a contact as a person does in Clemta."""
        self._control("PATCH", f"contacts/{contact_id}", fields)

    def requests(self) -> list[dict[str, Any]]:
        """The calls it got since the last reset."""
        found: list[dict[str, Any]] = self._control("GET", "requests")["requests"]
        return found

    def fault(self, fault: str, **how: Any) -> None:
        """Switches a fault on: `on` is create, search, … or any; `times` None lasts until the reset."""
        self._control("POST", "faults", {"fault": fault, **how})

    def clear_faults(self) -> None:
        """Switches every fault off."""
        self._control("DELETE", "faults")

    def settings(self, **changes: Any) -> None:
        """Changes how it behaves, until the reset."""
        self._control("POST", "settings", changes)

    def reset(self) -> None:
        """Forgets contacts, calls and faults."""
        self._control("POST", "reset")

    def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.http.request(method, f"{self.url}/_stand-in/{name}", json=body, timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@dataclass(frozen=True)
class Queue:
    """A queue, read without taking anything from it for longer than the reading."""

    url: str
    sqs: Any

    def size(self) -> int:
        """Messages in it, delayed ones and those in work among them."""
        return sum(self._count(which) for which in ("", "NotVisible", "Delayed"))

    def in_work(self) -> int:
        """Messages that somebody took and has not completed."""
        return self._count("NotVisible")

    def _count(self, which: str) -> int:
        name = f"ApproximateNumberOfMessages{which}"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def messages(self) -> list[dict[str, Any]]:
        """The bodies of up to ten visible messages, each with its attributes' values under `attributes`."""
        received = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        )
        return [
            json.loads(message["Body"])
            | {
                "attributes": {
                    name: value.get("StringValue")
                    for name, value in message.get("MessageAttributes", {}).items()
                }
            }
            for message in received.get("Messages", [])
        ]

    def purge(self) -> None:
        """Empties it."""
        self.sqs.purge_queue(QueueUrl=self.url)


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The session's stack before it is up: own folder, free ports, short waits, and every sender as a source."""
    return Stack(
        state_dir=tmp_path_factory.mktemp("stack"),
        aws_port=0,
        clemta_port=0,
        console_port=0,
        retry_base_seconds=1,
        search_lag_seconds=1,
        clemta_requests_per_minute=1000,  # the tests are about other things than waiting for their turn
        parameters={"AlarmEmail": "owner@example.com", "EventBusName": "default"},
    )


@pytest.fixture(scope="session")
def stack(stack_settings: Stack) -> Iterator[Deployed]:
    """The stack, built and deployed, up for the whole session."""
    try:
        deployed = stack_settings.up()
        secrets = {name: Sample(name).secret for name in SENDERS} | {"crm": CRM_SECRET}
        deployed.client("secretsmanager").put_secret_value(
            SecretId=deployed.signing_secret_id, SecretString=json.dumps(secrets)
        )
        restart_functions(deployed)  # they may have read the secrets that `up` made, and keep them for 30 s
        yield deployed
    finally:
        stack_settings.down()


def restart_functions(deployed: Deployed) -> None:
    """As on AWS, a function with another environment gets new processes."""
    functions = deployed.client("lambda")
    for one in functions.list_functions()["Functions"]:
        variables = one["Environment"]["Variables"] | {"RESTARTED_AT": str(time.time())}
        functions.update_function_configuration(
            FunctionName=one["FunctionName"], Environment={"Variables": variables}
        )


@pytest.fixture(scope="session")
def http() -> Iterator[requests.Session]:
    """A session that asks no proxy and follows no redirect by itself."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="session")
def aws(stack: Deployed) -> Callable[[str], Any]:
    """Makes a boto3 client of the session's emulator, one a service."""
    made: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in made:
            made[service] = stack.client(service)
        return made[service]

    return client


@pytest.fixture(scope="session")
def retry_queue(stack: Deployed, aws: Callable[[str], Any]) -> Queue:
    """What waits to be sent again."""
    return Queue(stack.retry_queue_url, aws("sqs"))


@pytest.fixture(scope="session")
def dead_letters(stack: Deployed, aws: Callable[[str], Any]) -> Queue:
    """What waits for a person."""
    return Queue(stack.dead_letter_queue_url, aws("sqs"))


@pytest.fixture(scope="session")
def held_queue(stack: Deployed, aws: Callable[[str], Any]) -> Queue:
    """What a form's rules took for spam."""
    return Queue(stack.held_queue_url, aws("sqs"))


@pytest.fixture
def subscriber(aws: Callable[[str], Any]) -> Iterator["Subscriber"]:
    """A queue that another service sends to; it is gone after the test."""
    sqs = aws("sqs")
    url = sqs.create_queue(QueueName=f"subscriber-{time.time_ns()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may_send = {
        "Effect": "Allow",
        "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_send]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    yield Subscriber(arn, url, sqs)
    sqs.delete_queue(QueueUrl=url)


@dataclass(frozen=True)
class Subscriber:
    """A queue that another service sends to."""

    arn: str
    url: str
    sqs: Any

    def received(self) -> list[Any]:
        """The JSON of up to ten messages, which are then gone."""
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def alarm_topic(
    stack: Deployed, aws: Callable[[str], Any], subscriber: Subscriber
) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the alarms' topic sends, as a subscriber gets it: Subject, Message and more."""
    outputs = aws("cloudformation").describe_stacks(StackName=stack.stack_name)["Stacks"][0]["Outputs"]
    [topic] = [output["OutputValue"] for output in outputs if output["OutputKey"] == "AlarmTopicArn"]
    sns = aws("sns")
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=subscriber.arn)["SubscriptionArn"]
    yield subscriber.received
    sns.unsubscribe(SubscriptionArn=subscription)


@dataclass(frozen=True)
class Redelivery:
    """The retry queue's poller, which a test can hold to look at what waits."""

    mappings: Any
    retry_queue: Queue

    def hold(self) -> None:
        """Returns when it takes no more and nothing that it took is in work."""
        self._switch(on=False)
        assert eventually(lambda: self.retry_queue.in_work() == 0), "a redelivery does not end"

    def release(self) -> None:
        """Lets it go on."""
        self._switch(on=True)

    def _switch(self, *, on: bool) -> None:
        for mapping in self.mappings.list_event_source_mappings()["EventSourceMappings"]:
            self.mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)


@pytest.fixture
def redelivery(aws: Callable[[str], Any], retry_queue: Queue, clemta: "Clemta") -> Iterator[Redelivery]:
    """The poller's switch; it is on again after the test."""
    poller = Redelivery(aws("lambda"), retry_queue)
    yield poller
    poller.release()


@pytest.fixture
def clemta(
    stack: Deployed,
    http: requests.Session,
    aws: Callable[[str], Any],
    retry_queue: Queue,
    dead_letters: Queue,
    held_queue: Queue,
) -> Clemta:
    """The stand-in's control; whoever asks for it finds it, the queues and the ledger empty."""
    control = Clemta(stack.clemta_url, http)
    control.clear_faults()  # what hangs in one ends
    poller = Redelivery(aws("lambda"), retry_queue)
    poller.hold()  # else a delivery of the test before could end after the reset
    retry_queue.purge()
    dead_letters.purge()
    held_queue.purge()
    control.reset()
    control.settings(rate_limit=10_000)
    ledger = aws("dynamodb")
    for item in ledger.scan(TableName=stack.ledger_table, ProjectionExpression="pk").get("Items", []):
        ledger.delete_item(TableName=stack.ledger_table, Key=item)
    poller.release()
    return control


@pytest.fixture
def sign_up(stack: Deployed, http: requests.Session, clemta: Clemta) -> Callable[..., requests.Response]:
    """Posts a form to a source the way a page does, on a stack that holds nothing yet."""

    def post(source: str = "website", **fields: str) -> requests.Response:
        person = {"full_name": "Ada Example", "email": "ada@example.com"} | fields
        return http.post(f"{stack.api_url}/signups/{source}", data=person, timeout=30, allow_redirects=False)

    return post


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the condition comes to hold in time."""
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds
