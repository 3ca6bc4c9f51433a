"""An upgrade keeps what waits and what is known; tests/releases has what earlier releases deployed and wrote."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse

from clemta_intake.queue_message import VERSION, decode_envelope, encode_envelope
from clemta_intake.redeliver import create_handler
from tests.support.events import Context, batch
from tests.support.fakes import FakeDependencies

from .test_template import ROOT, transformed

RELEASES = sorted(folder for folder in (ROOT / "tests" / "releases").iterdir() if folder.is_dir())
KEPT = {  # they hold submissions, the ledger, secrets, logs or an address that somebody was given
    *("AWS::SQS::Queue", "AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::Logs::LogGroup"),
    *("AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::SNS::Topic"),
}
CRM = {
    "kind": "webhook",
    "auth": {"scheme": "token", "secret": "crm"},
    "contact": {"full_name": "join(' ', [body.first, body.last])", "email": "body.email"},
}


@pytest.fixture(params=RELEASES, ids=lambda folder: folder.name)
def release(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


@pytest.fixture
def before(release: Path) -> dict[str, Any]:
    return transformed(json.loads((release / "template.json").read_text()))


@pytest.fixture
def after() -> dict[str, Any]:
    return transformed(yaml_parse((ROOT / "template.yaml").read_text()))


def messages(release: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((release / "messages.json").read_text())
    return found


def replacing(kind: str) -> set[str]:
    """The properties whose change makes CloudFormation put a new resource in the old one's place."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return {path.split("/")[2] for path in paths}


def test_cloudformation_replaces_a_queue_whose_name_changes_and_a_table_whose_key_changes() -> None:
    assert "QueueName" in replacing("AWS::SQS::Queue")
    assert {"TableName", "KeySchema"} <= replacing("AWS::DynamoDB::Table")


def test_p4_upgrade_removes_and_replaces_no_resource_with_data(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    holding = {name: entry for name, entry in before.items() if entry["Type"] in KEPT}
    assert {
        "RetryQueue",
        "DeadLetterQueue",
        "LedgerTable",
        "LedgerPepper",
        "ClemtaSecret",
        "Api",
    } <= holding.keys()
    for name, old in holding.items():
        assert name in after, f"{name} would be removed"
        assert after[name]["Type"] == old["Type"], f"{name} would be another thing"
        for key in replacing(old["Type"]):
            was, will = (entry.get("Properties", {}).get(key) for entry in (old, after[name]))
            assert was == will, f"{name}: a change to {key} replaces it"


def test_a10_an_upgrade_makes_no_new_pepper(before: dict[str, Any], after: dict[str, Any]) -> None:
    old, new = (entry["LedgerPepper"]["Properties"]["GenerateSecretString"] for entry in (before, after))
    assert old == new, "CloudFormation makes a new value at once, and the ledger would know nobody"


def test_p4_queued_messages_of_an_earlier_release_are_delivered(release: Path) -> None:
    deps = FakeDependencies({"website": {"kind": "form"}, "crm": CRM})
    texts = [json.dumps(message) for message in messages(release)]
    assert create_handler(lambda: deps)(batch(*texts), Context(60)) == {"batchItemFailures": []}  # type: ignore[arg-type, return-value]
    assert not deps.queues.parked
    emails = {contact["email"] for contact in deps.clemta.stored.values()}
    assert emails == {f"{name}.release@example.com" for name in ("ada", "bo", "cy")}


def test_p4_earlier_release_reads_this_releases_messages_after_a_rollback(
    release: Path,
) -> None:
    for old in messages(release):
        new = json.loads(encode_envelope(decode_envelope(json.dumps(old))))
        assert new["version"] == VERSION == old["version"], "fields are added, not changed"
        assert {key: new[key] for key in old} == old
        assert {key: new["failure"][key] for key in old["failure"]} == old["failure"]
