"""The recipes of docs/events.md pass a contact's event on, in the emulator's EventBridge."""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from samcli.yamlhelper import yaml_parse

from clemta_intake.contact_events import ContactEvents
from clemta_intake.deadlines import Deadline
from clemta_intake.model import Outcome, Submission
from clemta_intake.telemetry import log
from local.processes import ROOT
from tests.integration.conftest import Aws
from tests.support.fakes import reading

RECIPES = ROOT / "docs" / "recipes"


class Slack(BaseHTTPRequestHandler):
    """Keeps each request's token and JSON in the server's `posts`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        posts: list[Any] = self.server.posts  # type: ignore[attr-defined]
        posts.append((self.headers["Authorization"], json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Writes nothing."""


@pytest.fixture
def slack() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), Slack)
    server.posts = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def resources(recipe: str) -> dict[str, Any]:
    """The properties of the recipe's resources."""
    template = yaml_parse((RECIPES / f"{recipe}.yaml").read_text())
    return {name: entry["Properties"] for name, entry in template["Resources"].items()}


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """The value with each Ref, GetAtt and Sub of these names filled in."""
    match value:
        case {"Ref": name}:
            return names[name]
        case {"Fn::GetAtt": [name, _]}:
            return names[name]
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(\w+)\}", lambda found: names[found[1]], text)
        case dict():
            return {key: filled(inner, names) for key, inner in value.items()}
        case list():
            return [filled(inner, names) for inner in value]
    return value


def announce() -> None:
    """Sends the event of a contact, as the functions do."""
    events = ContactEvents(lambda: boto3.client("events"), "default")
    submission = Submission("s1", "website", time.time(), b"")
    events.announce(submission, reading(), Outcome("created", "c1"), Deadline.after(4))
    events.announce(submission, reading(), Outcome("updated", "c2"), Deadline.after(4))


def within(seconds: float, found: Any) -> Any:
    """What `found` returns, as soon as it is something."""
    deadline = time.monotonic() + seconds
    while not (result := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return result


def test_the_recipe_for_e_mail_sends_a_sentence_for_a_created_contact(aws: Aws) -> None:
    cloudformation, sqs = boto3.client("cloudformation"), boto3.client("sqs")
    sns: Any = boto3.client("sns")
    given = {"OwnerEmail": "owner@example.com", "IntakeStack": log.service}
    cloudformation.create_stack(
        StackName="mail-recipe",
        TemplateBody=(RECIPES / "email.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="mail-recipe", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    resource = cloudformation.describe_stack_resource(StackName="mail-recipe", LogicalResourceId="Mails")
    topic = resource["StackResourceDetail"]["PhysicalResourceId"]
    url = sqs.create_queue(QueueName="mail-recipe")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    announce()
    [message] = within(10, lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"))
    text = json.loads(message["Body"])["Message"].strip('"')
    assert text.startswith(
        "A new contact is in Clemta: c1 of company 64b8f1a2e4b0c8d9f0123456, from website, at "
    )
    cloudformation.delete_stack(StackName="mail-recipe")


def test_the_recipe_for_slack_posts_a_message_with_the_apps_token(aws: Aws, slack: Any) -> None:
    events, found = boto3.client("events"), resources("slack")
    names = {"EventBusName": "default", "IntakeStack": log.service, "SlackChannel": "#sign-ups"}
    token = {"SlackTokenSecret": "slack-bot-token"}
    connection = filled(found["SlackApp"], token)
    key = connection["AuthParameters"]["ApiKeyAuthParameters"]
    assert key["ApiKeyValue"] == "Bearer {{resolve:secretsmanager:slack-bot-token}}"
    key["ApiKeyValue"] = "Bearer xoxb-1"
    names["SlackApp"] = events.create_connection(Name="slack-recipe", **connection)["ConnectionArn"]
    destination = filled(found["Slack"], names)
    assert destination["InvocationEndpoint"] == "https://slack.com/api/chat.postMessage"
    destination["InvocationEndpoint"] = f"http://127.0.0.1:{slack.server_port}/api/chat.postMessage"
    names["Slack"] = events.create_api_destination(Name="slack-recipe", **destination)["ApiDestinationArn"]
    names |= {"CallsSlack": "arn:aws:iam::000000000000:role/slack", "Undelivered": "arn:aws:sqs:r:1:q"}
    rule = filled(found["NewContact"], names)
    events.put_rule(Name="slack-recipe", EventPattern=json.dumps(rule["EventPattern"]))
    events.put_targets(Rule="slack-recipe", Targets=rule["Targets"])
    announce()
    [(authorization, message)] = within(10, lambda: slack.posts)
    assert authorization == "Bearer xoxb-1"
    assert message == {"channel": "#sign-ups", "text": "New contact from website: c1"}
    events.remove_targets(Rule="slack-recipe", Ids=["slack"])
    events.delete_rule(Name="slack-recipe")
