"""The template as CloudFormation gets it: what the emulator cannot show is checked here."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from clemta_intake import __version__, telemetry
from clemta_intake.deadlines import ANSWER_SECONDS
from clemta_intake.ledger import LEASE_SECONDS
from clemta_intake.redeliver import _POISON_RECEIVES
from clemta_intake.settings import Settings

ROOT = Path(__file__).parents[2]
STACK = {"Ref": "AWS::StackName"}
FUNCTIONS = ("ReceiveFunction", "RedeliverFunction")


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def source() -> Any:
    return yaml_parse((ROOT / "template.yaml").read_text())


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    source = yaml_parse((ROOT / "template.yaml").read_text())
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        transformed: dict[str, Any] = transform(source, {}, NoManagedPolicies())
    resources: dict[str, Any] = transformed["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: entry["Properties"] for name, entry in resources.items() if entry["Type"] == kind}


def statements(resources: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name, statement)
        for name, role in of_type(resources, "AWS::IAM::Role").items()
        for policy in role["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_permission_is_for_everything(resources: dict[str, Any]) -> None:
    assert len(statements(resources)) >= 8
    for name, statement in statements(resources):
        for resource in as_list(statement["Resource"]):
            assert isinstance(resource, dict), f"{name}: {resource} names no resource of this stack"
        assert not any("*" in action for action in as_list(statement["Action"]))


def test_each_function_has_a_role_of_its_own_and_nothing_else(resources: dict[str, Any]) -> None:
    roles = {name: resources[name]["Properties"]["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS}
    assert roles == {"ReceiveFunction": "ReceiveRole", "RedeliverFunction": "RedeliverRole"}
    assert of_type(resources, "AWS::IAM::Role").keys() == set(roles.values())
    assert not any("ManagedPolicyArns" in role for role in of_type(resources, "AWS::IAM::Role").values())


def test_the_redelivering_function_cannot_read_signing_secrets(resources: dict[str, Any]) -> None:
    readable = [
        resource["Fn::GetAtt"][0]
        for name, statement in statements(resources)
        for resource in as_list(statement["Resource"])
        if name == "RedeliverRole" and "secretsmanager:GetSecretValue" in as_list(statement["Action"])
    ]
    assert readable == ["ClemtaSecret", "LedgerPepper"]


def test_queues_and_table_are_encrypted_and_outlive_the_stack(resources: dict[str, Any]) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    assert queues.keys() == {"RetryQueue", "DeadLetterQueue", "HeldQueue"}
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert all(queue["MessageRetentionPeriod"] == 14 * 86_400 for queue in queues.values())
    table = resources["LedgerTable"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["SSESpecification"]["SSEEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    for name in ("RetryQueue", "DeadLetterQueue", "HeldQueue", "LedgerTable", "LedgerPepper"):
        assert resources[name]["DeletionPolicy"] == "Retain"


def test_p4_poison_is_parked_by_us_before_sqs_does(resources: dict[str, Any]) -> None:
    redrive = resources["RetryQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert _POISON_RECEIVES <= redrive["maxReceiveCount"] <= 5


def test_p3_no_invocation_outlives_its_claim_or_its_message(resources: dict[str, Any]) -> None:
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["Timeout"] <= LEASE_SECONDS
    redeliver = resources["RedeliverFunction"]["Properties"]
    assert resources["RetryQueue"]["Properties"]["VisibilityTimeout"] > redeliver["Timeout"]
    assert resources["ReceiveFunction"]["Properties"]["Timeout"] > ANSWER_SECONDS


def test_p7_a_silent_resolver_takes_no_sender_s_four_seconds(resources: dict[str, Any]) -> None:
    variables = resources["ReceiveFunction"]["Properties"]["Environment"]["Variables"]
    options = dict(option.split(":") for option in variables["RES_OPTIONS"].split())
    assert int(options["timeout"]) * int(options["attempts"]) <= ANSWER_SECONDS / 2


def test_p2_api_gateways_own_trouble_is_retryable(resources: dict[str, Any]) -> None:
    answers = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    for name in ("DEFAULT_5XX", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "API_CONFIGURATION_ERROR"):
        assert answers[name]["statusCode"] == "503"
        assert answers[name]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'30'"
    assert answers["REQUEST_TOO_LARGE"]["statusCode"] == "413"


def test_every_body_reaches_the_function_as_bytes(resources: dict[str, Any]) -> None:
    assert resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_requests_by_rate_are_the_gateways_and_the_firewalls(resources: dict[str, Any]) -> None:
    [stage] = of_type(resources, "AWS::ApiGateway::Stage").values()
    [settings] = stage["MethodSettings"]
    assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ApiBurstLimit"}
    assert resources["FirewallOfApi"]["Condition"] == resources["Firewall"]["Condition"] == "HasWaf"
    [rate, common] = resources["Firewall"]["Properties"]["Rules"]
    assert rate["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    assert common["OverrideAction"] == {"Count": {}}


def test_logs_are_kept_for_a_while_only(resources: dict[str, Any]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert groups.keys() == {"ReceiveLogs", "RedeliverLogs"}
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_a_message_does_not_fail_its_batch(resources: dict[str, Any]) -> None:
    [mapping] = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "RedeliverConcurrency"}}


def test_every_alarm_says_what_to_do_and_reaches_a_person(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    watched = {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms.values()}
    assert watched == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("ClemtaIntake", "WaitingAge"),
        ("ClemtaIntake", "ClemtaUnauthorized"),
        ("ClemtaIntake", "SigningSecretMissing"),
        ("ClemtaIntake", "CaptchaUnavailable"),
        ("ClemtaIntake", "Submissions"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
    }
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == STACK, "or stacks side by side share their metrics"
    assert "switched off" in alarms["RetryAgeAlarm"]["AlarmDescription"]
    assert "clemta-intake dlq list" in alarms["DeadLetterAlarm"]["AlarmDescription"]
    assert "clemta-intake doctor" in alarms["CaptchaUnavailableAlarm"]["AlarmDescription"]
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
        assert len(alarm["AlarmDescription"]) > 60
        if alarm["Namespace"] == telemetry.NAMESPACE:
            assert alarm["MetricName"] in {*telemetry.METRICS, telemetry.SUBMISSIONS}
            assert {"Name": "service", "Value": STACK} in alarm["Dimensions"]


def test_the_dashboard_shows_metrics_that_exist_and_every_alarm(resources: dict[str, Any]) -> None:
    [dashboard] = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    body = dashboard["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(body)["widgets"]
    assert all(widget["properties"]["title"] for widget in widgets)
    [alarms] = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert set(alarms) == {f"${{{name}.Arn}}" for name in of_type(resources, "AWS::CloudWatch::Alarm")}
    shown = [line for widget in widgets for line in widget["properties"].get("metrics", [])]
    ours = [line for line in shown if line[0] == telemetry.NAMESPACE]
    assert {line[1] for line in ours} == {*telemetry.METRICS, telemetry.SUBMISSIONS}
    assert all(line[2:4] == ["service", "${AWS::StackName}"] for line in ours)
    searched = [line[0]["expression"] for line in shown if isinstance(line[0], dict)]
    assert len(searched) == 2
    assert all(f"{{{telemetry.NAMESPACE},service," in text and "Submissions" in text for text in searched)
    assert all('service="${AWS::StackName}"' in text for text in searched)
    for name in re.findall(r"\$\{(\w+)[.}]", body):
        assert name in resources or name == "AWS", name


def test_the_functions_settings_are_the_templates(source: Any) -> None:
    given = dict.fromkeys(source["Globals"]["Function"]["Environment"]["Variables"], "1")
    assert Settings.read(given)


def test_every_parameter_is_described_and_used(source: Any) -> None:
    text = (ROOT / "template.yaml").read_text()
    for name, parameter in source["Parameters"].items():
        assert parameter["Description"]
        assert re.search(rf"!Ref {name}\b", text), f"{name} is used nowhere"


def test_a13_the_template_has_no_yaml_anchor_that_a_scanner_cannot_read(source: Any) -> None:
    events = yaml.parse((ROOT / "template.yaml").read_text(), Loader=yaml.SafeLoader)
    assert not [event for event in events if getattr(event, "anchor", None)]
    assert "AWS::ServerlessRepo::Application" not in source["Metadata"], "its users could configure no source"


def test_the_version_is_one() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in pyproject
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
