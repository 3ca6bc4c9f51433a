"""An upgrade of a deployed stack: nothing is replaced, and what waited in its queues is delivered."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from local.clients import KEYS, REGION
from local.processes import ROOT
from local.sam import TOOLS, ensure_build, sam
from local.stack import Deployed, Stack

from .conftest import Clemta, Queue, eventually

type Deploy = Callable[..., dict[str, str]]
NAME = "clemta-intake-upgraded"
DOMAIN = "signups.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:000000000000:certificate/0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d"
RELEASE = max(
    (folder for folder in (ROOT / "tests" / "releases").iterdir() if folder.is_dir()),
    key=lambda folder: [int(number) for number in folder.name.split(".")],
)
HOLDING = ("RetryQueue", "DeadLetterQueue", "LedgerTable", "LedgerPepper", "ClemtaSecret", "SigningSecret")


@pytest.fixture
def deploy(
    stack: Deployed, stack_settings: Stack, aws: Callable[[str], Any], tmp_path: Path
) -> Iterator[Deploy]:
    """Deploys a built template as a stack beside the session's, gone after the test; returns its outputs."""

    def run(template: Path, **more: str) -> dict[str, str]:
        parameters = {
            "Architecture": "x86_64",
            "ClemtaBaseUrl": stack.clemta_url,
            "DefaultCompanyId": "64b8f1a2e4b0c8d9f0123456",
            "RetryBaseSeconds": 1,
            "SearchLagSeconds": 1,
            **more,
        }
        sam(
            [
                *("deploy", "--config-env", "local", "--config-file", str(ROOT / "samconfig.toml")),
                *("--template-file", str(template), "--stack-name", NAME, "--region", REGION),
                *("--no-progressbar", "--parameter-overrides"),
                *(f"{name}={value}" for name, value in parameters.items()),
            ],
            {
                "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
                "AWS_DEFAULT_REGION": REGION,
                "SAM_CLI_TELEMETRY": "0",
                "SAM_CLI_POLL_DELAY": "1",
                **KEYS,
            },
            tmp_path / "deploy.log",
        )
        [found] = aws("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    yield run
    formation = aws("cloudformation")
    formation.delete_stack(StackName=NAME)
    formation.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1})


def of_release(release: Path, build: Path, folder: Path) -> Path:
    """The release's template with today's bundle, which does not run under it: its poller is switched off."""
    template = json.loads((release / "template.json").read_text())
    template.pop("Metadata", None)
    del template["Globals"]["Function"]["CodeUri"]
    for name in ("ReceiveFunction", "RedeliverFunction"):
        template["Resources"][name]["Properties"]["CodeUri"] = str(build / f"{name}.zip")
        template["Resources"][name].pop("Metadata", None)
    file = folder / "template.json"
    file.write_text(json.dumps(template))
    return file


def test_p4_a6_upgrade_that_adds_a_domain_replaces_nothing_and_delivers_queued_submissions(
    stack: Deployed,
    stack_settings: Stack,
    clemta: Clemta,
    http: requests.Session,
    aws: Callable[[str], Any],
    deploy: Deploy,
    tmp_path: Path,
) -> None:
    def ids() -> dict[str, str]:
        found = aws("cloudformation").describe_stack_resources(StackName=NAME)["StackResources"]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}

    def poller(outputs: dict[str, str], *, on: bool) -> None:
        sqs, functions = aws("sqs"), aws("lambda")
        queue = sqs.get_queue_attributes(QueueUrl=outputs["RetryQueueUrl"], AttributeNames=["QueueArn"])
        arn = queue["Attributes"]["QueueArn"]
        for mapping in functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    build = ensure_build(
        stack_settings.sources_file or stack_settings.deployed_sources, tmp_path / "build.log"
    )
    before = deploy(of_release(RELEASE, build, tmp_path))
    poller(before, on=False)
    first, second, letter = json.loads((RELEASE / "messages.json").read_text())
    retry = Queue(before["RetryQueueUrl"], aws("sqs"))
    dead = Queue(before["DeadLetterQueueUrl"], aws("sqs"))
    for message in (first, second):
        aws("sqs").send_message(QueueUrl=retry.url, MessageBody=json.dumps(message))
    aws("sqs").send_message(QueueUrl=dead.url, MessageBody=json.dumps(letter))
    secrets = aws("secretsmanager")
    session_key = secrets.get_secret_value(SecretId=stack.clemta_secret_id)["SecretString"]
    secrets.put_secret_value(SecretId=before["ClemtaSecretId"], SecretString=session_key)
    pepper = secrets.get_secret_value(SecretId=before["LedgerPepperId"])["SecretString"]
    was = ids()
    after = deploy(build / "template.yaml", DomainName=DOMAIN, CertificateArn=CERTIFICATE)
    is_now = ids()
    assert {name: is_now[name] for name in HOLDING} == {name: was[name] for name in HOLDING}
    assert secrets.get_secret_value(SecretId=after["LedgerPepperId"])["SecretString"] == pepper
    assert retry.size() == 2
    poller(after, on=True)
    assert eventually(lambda: retry.size() == 0 and len(clemta.contacts()) == 2, 60)
    assert {contact["email"] for contact in clemta.contacts()} == {
        "ada.release@example.com",
        "bo.release@example.com",
    }
    [kept] = dead.messages()
    assert kept["submission_id"] == letter["submission_id"]

    assert after["ApiUrl"] == f"https://{DOMAIN}/v1"  # A6; the emulator takes the domain from the Host header
    person = {"full_name": "Di Example", "email": "di.release@example.com"}
    url = f"{stack.aws_endpoint_url}/v1/signups/website"
    answer = http.post(url, data=person, headers={"Host": DOMAIN}, timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "created")
