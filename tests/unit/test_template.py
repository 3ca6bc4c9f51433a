"""The template as CloudFormation gets it: what the emulator cannot show is checked here."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from clemta_intake import __version__, telemetry
from clemta_intake.contact_events import EVENT_SOURCE
from clemta_intake.deadlines import ANSWER_SECONDS
from clemta_intake.dynamo.claim_states import LEASE_SECONDS
from clemta_intake.redeliver import _POISON_RECEIVES
from clemta_intake.settings import DailyMailSettings, Settings

ROOT = Path(__file__).parents[2]
STACK = {"Ref": "AWS::StackName"}
FUNCTIONS = (
    "ReceiveFunction",
    "RedeliverFunction",
    "CognitoFunction",
    "DailyMailFunction",
    "ListContactsFunction",
)


class NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


@pytest.fixture(scope="module")
def source() -> Any:
    return yaml_parse((ROOT / "template.yaml").read_text())


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    return transformed(yaml_parse((ROOT / "template.yaml").read_text()))


def transformed(source: Any) -> dict[str, Any]:
    """The resources that CloudFormation gets of a SAM template."""
    source["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        resources: dict[str, Any] = transform(source, {}, NoManagedPolicies())["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: entry["Properties"] for name, entry in resources.items() if entry["Type"] == kind}


def statements(resources: dict[str, Any]) -> list[tuple[str, Any]]:
    """Each statement of each role, and of the policies that several roles have."""
    holders = {**of_type(resources, "AWS::IAM::Role"), **of_type(resources, "AWS::IAM::Policy")}
    return [
        (name, statement)
        for name, holder in holders.items()
        for policy in holder.get("Policies", [holder])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_no_permission_is_for_all_resources_or_actions(resources: dict[str, Any]) -> None:
    assert len(statements(resources)) >= 8
    for name, statement in statements(resources):
        for resource in as_list(statement["Resource"]):
            assert isinstance(resource, dict), f"{name}: {resource} names no resource of this stack"
        assert not any("*" in action for action in as_list(statement["Action"]))


def test_each_function_has_its_own_role_with_least_privilege(resources: dict[str, Any]) -> None:
    roles = {name: resources[name]["Properties"]["Role"]["Fn::GetAtt"][0] for name in FUNCTIONS}
    assert roles == {name: name.replace("Function", "Role") for name in FUNCTIONS}
    assert of_type(resources, "AWS::IAM::Role").keys() == set(roles.values())
    assert not any("ManagedPolicyArns" in role for role in of_type(resources, "AWS::IAM::Role").values())


@pytest.mark.parametrize("role", ["RedeliverRole", "CognitoRole"])
def test_only_the_receiving_function_can_read_signing_secrets(resources: dict[str, Any], role: str) -> None:
    readable = [
        resource["Fn::GetAtt"][0]
        for name, statement in statements(resources)
        for resource in as_list(statement["Resource"])
        if name == role and "secretsmanager:GetSecretValue" in as_list(statement["Action"])
    ]
    assert readable == ["ClemtaSecret", "LedgerPepper"]


def conditional(entries: dict[str, Any], condition: str) -> set[str]:
    """The names of those that exist under this condition."""
    return {name for name, entry in entries.items() if entry.get("Condition") == condition}


def test_contact_events_are_off_by_default_and_may_go_to_one_bus_only(
    source: Any, resources: dict[str, Any]
) -> None:
    assert source["Parameters"]["EventBusName"]["Default"] == ""
    assert source["Conditions"]["HasEventBus"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EventBusName"}, ""]}]}
    assert conditional(resources, "HasEventBus") == {"ContactEventsPolicy", "ContactEventsFailedAlarm"}
    policy = resources["ContactEventsPolicy"]["Properties"]
    cognito = {"Fn::If": ["HasCognito", {"Ref": "CognitoRole"}, {"Ref": "AWS::NoValue"}]}
    assert policy["Roles"] == [{"Ref": "ReceiveRole"}, {"Ref": "RedeliverRole"}, cognito]
    [statement] = policy["PolicyDocument"]["Statement"]
    bus = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:event-bus/${EventBusName}"
    assert (statement["Action"], statement["Resource"]) == ("events:PutEvents", {"Fn::Sub": bus})
    assert statement["Condition"] == {"ForAllValues:StringEquals": {"events:source": [EVENT_SOURCE]}}
    variables = source["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["EVENT_BUS"] == {"Ref": "EventBusName"}
    assert Settings.read(dict.fromkeys(variables, "1")).event_bus == "1"


def test_p3_lists_are_off_by_default_and_read_whole_by_a_schedule(
    source: Any, resources: dict[str, Any]
) -> None:
    assert source["Parameters"]["ListSeconds"]["Default"] == 0
    assert source["Conditions"]["HasLists"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "ListSeconds"}, 0]}]}
    assert conditional(resources, "HasLists") == {
        name for name in resources if name.startswith("ListContacts")
    }
    rule = of_type(resources, "AWS::Events::Rule")["ListContactsFunctionDue"]
    function = resources["ListContactsFunction"]["Properties"]
    assert rule["ScheduleExpression"] == "rate(15 minutes)"
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["ListContactsFunction", "Arn"]}
    assert function["Timeout"] < 15 * 60, "one run ends before the next begins"
    variables = source["Globals"]["Function"]["Environment"]["Variables"]
    assert variables["LIST_SECONDS"] == {"Ref": "ListSeconds"}


@pytest.mark.parametrize("role", ["ReceiveRole", "RedeliverRole", "CognitoRole", "ListContactsRole"])
def test_p8_functions_read_the_sources_and_the_states_of_lists_and_no_persons_item(
    resources: dict[str, Any], role: str
) -> None:
    [statement] = [
        statement
        for name, statement in statements(resources)
        if name == role and "dynamodb:GetItem" in as_list(statement["Action"])
    ]
    keys = {"dynamodb:LeadingKeys": ["sources", "list#*"]}
    assert statement["Condition"] == {"ForAllValues:StringLike": keys}
    keys = {"dynamodb:LeadingKeys": ["sources", "sources#*"]}
    denied = [statement for name, statement in statements(resources) if statement["Effect"] == "Deny"]
    assert denied.count(denied[0]) == 4
    assert (denied[0]["Action"], denied[0]["Condition"]) == (
        "dynamodb:UpdateItem",
        {"ForAnyValue:StringLike": keys},
    )


def test_p4_daily_mail_runs_each_day_if_there_is_an_address_and_reads_no_message(
    source: Any, resources: dict[str, Any]
) -> None:
    names = {"AlarmMail", *(name for name in resources if name.startswith("DailyMail"))}
    assert conditional(resources, "HasAlarmEmail") == names
    rule = of_type(resources, "AWS::Events::Rule")["DailyMailFunctionDaily"]
    assert rule["ScheduleExpression"] == "cron(0 6 * * ? *)"
    assert rule["Targets"][0]["Arn"] == {"Fn::GetAtt": ["DailyMailFunction", "Arn"]}
    may = {
        action
        for name, statement in statements(resources)
        for action in as_list(statement["Action"])
        if name == "DailyMailRole"
    }
    assert may == {
        *("logs:CreateLogStream", "logs:PutLogEvents", "logs:FilterLogEvents"),
        *("sqs:GetQueueAttributes", "sns:Publish"),
    }
    variables = resources["DailyMailFunction"]["Properties"]["Environment"]["Variables"]
    assert DailyMailSettings.read({**dict.fromkeys(variables, "1"), "AWS_REGION": "us-east-1"})
    groups = variables["LOG_GROUPS"]["Fn::Join"][1]
    cognito = {"Fn::If": ["HasCognito", {"Ref": "CognitoLogs"}, {"Ref": "AWS::NoValue"}]}
    assert groups == [{"Ref": "ReceiveLogs"}, {"Ref": "RedeliverLogs"}, cognito]


def test_cognitos_trigger_is_off_by_default_and_for_one_user_pool_alone(
    source: Any, resources: dict[str, Any]
) -> None:
    assert source["Parameters"]["CognitoUserPoolArn"]["Default"] == ""
    assert source["Conditions"]["HasCognito"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "CognitoUserPoolArn"}, ""]}]
    }
    assert conditional(resources | source["Outputs"], "HasCognito") == {
        name for name in resources | source["Outputs"] if name.startswith("Cognito")
    }
    permission = resources["CognitoPermission"]["Properties"]
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "CognitoFunction"},
        "Principal": "cognito-idp.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
        "SourceArn": {"Ref": "CognitoUserPoolArn"},
    }
    function = resources["CognitoFunction"]["Properties"]
    variables = function["Environment"]["Variables"]
    assert variables["COGNITO_SOURCE"] == {"Ref": "CognitoSource"}
    assert Settings.read(dict.fromkeys(variables, "1")).cognito_source == "1"
    assert function["Code"] == resources["ReceiveFunction"]["Properties"]["Code"], "one bundle for all"


def test_queues_and_table_are_encrypted_and_outlive_the_stack(resources: dict[str, Any]) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    assert queues.keys() == {"RetryQueue", "DeadLetterQueue", "HeldQueue"}
    assert all(queue["SqsManagedSseEnabled"] is True for queue in queues.values())
    assert all(queue["MessageRetentionPeriod"] == 14 * 86_400 for queue in queues.values())
    table = resources["LedgerTable"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


KEPT = ("RetryQueue", "DeadLetterQueue", "HeldQueue", "LedgerTable", "LedgerPepper")


def test_a9_stored_data_outlives_the_stack_and_a_failed_create_leaves_nothing(
    resources: dict[str, Any],
) -> None:
    for name in KEPT:
        assert resources[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resources[name]["UpdateReplacePolicy"] == "Retain"
    assert not resources["LedgerTable"]["Properties"].get("DeletionProtectionEnabled"), (
        "it would stop that rollback"
    )


def test_a10_the_pepper_is_generated_once_and_never_again(resources: dict[str, Any]) -> None:
    """A change to any of these makes a new value at the next deploy, and the ledger forgets everybody."""
    frozen = {"PasswordLength": 64, "ExcludePunctuation": True}
    assert resources["LedgerPepper"]["Properties"]["GenerateSecretString"] == frozen
    assert "Name" not in resources["LedgerPepper"]["Properties"], "another name is another secret"


def test_a11_two_regions_with_one_stack_name_have_a_dashboard_each(resources: dict[str, Any]) -> None:
    [dashboard] = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    assert dashboard["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_a18_table_is_encrypted_with_the_free_key(resources: dict[str, Any]) -> None:
    assert "SSESpecification" not in resources["LedgerTable"]["Properties"]


def test_a7_throttled_message_is_not_taken_for_poison(resources: dict[str, Any]) -> None:
    queue, redeliver = resources["RetryQueue"]["Properties"], resources["RedeliverFunction"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * redeliver["Timeout"], "AWS: at least six times the timeout"
    redrive = queue["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert 5 <= _POISON_RECEIVES < redrive["maxReceiveCount"], "poison is parked by us before SQS does"
    assert redrive["maxReceiveCount"] == 10


def test_a7_message_that_crashes_the_function_is_in_a_batch_of_one(resources: dict[str, Any]) -> None:
    [mapping] = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["BatchSize"] == 1


def test_p3_no_invocation_outlives_its_claim_or_its_message(resources: dict[str, Any]) -> None:
    for name in {*FUNCTIONS} - {"ListContactsFunction"}:  # which delivers nothing
        assert resources[name]["Properties"]["Timeout"] <= LEASE_SECONDS
    redeliver = resources["RedeliverFunction"]["Properties"]
    assert resources["RetryQueue"]["Properties"]["VisibilityTimeout"] > redeliver["Timeout"]
    assert resources["ReceiveFunction"]["Properties"]["Timeout"] > ANSWER_SECONDS


def test_p7_silent_dns_resolver_does_not_use_up_the_four_seconds(resources: dict[str, Any]) -> None:
    variables = resources["ReceiveFunction"]["Properties"]["Environment"]["Variables"]
    options = dict(option.split(":") for option in variables["RES_OPTIONS"].split())
    assert int(options["timeout"]) * int(options["attempts"]) <= ANSWER_SECONDS / 2


def test_p2_api_gateways_own_errors_are_retryable(resources: dict[str, Any]) -> None:
    answers = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    for name in ("DEFAULT_5XX", "INTEGRATION_FAILURE", "INTEGRATION_TIMEOUT", "API_CONFIGURATION_ERROR"):
        assert answers[name]["statusCode"] == "503"
        assert answers[name]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'30'"
    assert answers["REQUEST_TOO_LARGE"]["statusCode"] == "413"


def test_a2_v1_is_the_only_stage_so_throttle_and_firewall_cover_every_address(
    resources: dict[str, Any],
) -> None:
    assert [stage["StageName"] for stage in of_type(resources, "AWS::ApiGateway::Stage").values()] == ["v1"]
    for deployment in of_type(resources, "AWS::ApiGateway::Deployment").values():
        assert "StageName" not in deployment, "it makes a stage of its own"
    assert resources["Api"]["Properties"]["Body"]["openapi"] == "3.0.1"
    arn = resources["FirewallOfApi"]["Properties"]["ResourceArn"]["Fn::Sub"]
    assert arn.endswith("/restapis/${Api}/stages/${Apiv1Stage}")


def test_a15_script_can_read_api_gateways_own_answers(resources: dict[str, Any]) -> None:
    answers = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= answers.keys(), "or a kind that is not named has no header"
    for answer in answers.values():
        parameters = answer["responseParameters"]
        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert parameters["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        problem = answer["responseTemplates"]["application/json"].replace(
            "$context.error.messageString", '"x"'
        )
        assert json.loads(problem).get("status", answer.get("statusCode")) == (
            int(answer["statusCode"]) if "statusCode" in answer else None
        )


def test_a15_an_unknown_address_is_not_found(resources: dict[str, Any]) -> None:
    answers = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert answers["MISSING_AUTHENTICATION_TOKEN"]["statusCode"] == "404"


def test_a16_a_body_that_lambda_refuses_keeps_its_413_and_is_never_retried(resources: dict[str, Any]) -> None:
    answers = resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert answers["REQUEST_TOO_LARGE"]["statusCode"] == "413"
    assert "statusCode" not in answers["DEFAULT_4XX"], "it would change every other 4xx, that 413 too"
    for name, answer in answers.items():
        retryable = "gatewayresponse.header.Retry-After" in answer["responseParameters"]
        assert retryable == (answer.get("statusCode") in ("429", "503")), name


def test_every_body_reaches_the_function_as_bytes(resources: dict[str, Any]) -> None:
    assert resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_request_rates_are_limited_by_the_gateway_and_the_firewall(resources: dict[str, Any]) -> None:
    [stage] = of_type(resources, "AWS::ApiGateway::Stage").values()
    assert {"HttpMethod": "*", "ResourcePath": "/*"}.items() <= stage["MethodSettings"][0].items()
    for settings in stage["MethodSettings"]:  # a method's own entry inherits nothing of the stage's
        assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}
        assert settings["ThrottlingBurstLimit"] == {"Ref": "ApiBurstLimit"}
    assert resources["FirewallOfApi"]["Condition"] == resources["Firewall"]["Condition"] == "HasWaf"
    [rate, common] = resources["Firewall"]["Properties"]["Rules"]
    assert rate["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    assert common["OverrideAction"] == {"Count": {}}


@pytest.mark.parametrize("names", [["website"], ["website", "contact-us", "x_1"]])
def test_a12_the_firewalls_rate_counts_the_named_sources_and_no_vendors_webhooks(
    resources: dict[str, Any], source: Any, names: list[str]
) -> None:
    parameter = source["Parameters"]["WafSources"]
    assert (parameter["Type"], parameter["Default"]) == ("CommaDelimitedList", "website")
    assert all(re.search(parameter["AllowedPattern"], name) for name in names)
    assert not re.search(parameter["AllowedPattern"], "a|.*"), "a name must not widen the expression"
    rate = resources["Firewall"]["Properties"]["Rules"][0]["Statement"]["RateBasedStatement"]
    match = rate["ScopeDownStatement"]["RegexMatchStatement"]
    assert match["FieldToMatch"] == {"UriPath": {}}
    text, values = match["RegexString"]["Fn::Sub"]
    assert values == {"Names": {"Fn::Join": ["|", {"Ref": "WafSources"}]}}
    covered = re.compile(text.replace("${Names}", "|".join(names)))
    for name in names:
        for prefix in ("/v1", "", "/of-a-custom-domain"):
            assert covered.search(f"{prefix}/signups/{name}")
    for other in ("/v1/signups/shopify", "/v1/signups/website2", "/v1/signups/my-website", "/v1/health"):
        assert not covered.search(other), other
    transformed = [entry["Type"] for entry in match["TextTransformations"]]
    assert transformed == ["URL_DECODE", "NORMALIZE_PATH"], "or /v1/signups/web%73ite goes uncounted"


@pytest.mark.parametrize("address", ["", ',"address":"$context.identity.sourceIp"'])
def test_a14_the_access_log_has_no_query_string_and_no_address_unless_asked_for(
    resources: dict[str, Any], source: Any, address: str
) -> None:
    [stage] = of_type(resources, "AWS::ApiGateway::Stage").values()
    condition, setting, otherwise = stage["AccessLogSetting"]["Fn::If"]
    assert (condition, otherwise) == ("HasAccessLog", {"Ref": "AWS::NoValue"})
    assert setting["DestinationArn"] == {"Fn::GetAtt": ["AccessLogs", "Arn"]}
    text, values = setting["Format"]["Fn::Sub"]
    assert values == {"Address": {"Fn::If": ["LogsAddresses", ',"address":"$context.identity.sourceIp"', ""]}}
    line = json.loads(text.replace("${Address}", address))
    assert set(line.values()) == {
        "$context.requestId",
        "$context.requestTime",
        "$context.httpMethod",
        "$context.path",  # without the query string, where ?token= may stand
        "$context.status",
        "$context.error.responseType",
        "$context.responseLatency",
        *(["$context.identity.sourceIp"] if address else []),
    }
    assert "\n" not in text, "API Gateway takes a single line"
    for name in ("AccessLog", "AccessLogAddresses"):
        assert source["Parameters"][name]["Default"] == "false"


def test_a21_access_log_is_optional_and_the_stack_changes_no_account_settings(
    resources: dict[str, Any],
) -> None:
    assert resources["AccessLogs"]["Condition"] == "HasAccessLog"
    assert not of_type(resources, "AWS::ApiGateway::Account"), "a stack that is deleted would take them along"


def test_a6_a_custom_domain_leads_to_the_stage_under_its_own_name(
    source: Any, resources: dict[str, Any]
) -> None:
    domain, mapping = resources["ApiDomain"], resources["ApiOfDomain"]
    [stage] = [name for name, entry in resources.items() if entry["Type"] == "AWS::ApiGateway::Stage"]
    assert domain["Condition"] == mapping["Condition"] == source["Outputs"]["DomainTarget"]["Condition"]
    assert domain["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert mapping["Properties"]["Stage"] == {"Ref": stage}
    assert mapping["Properties"]["BasePath"] == resources[stage]["Properties"]["StageName"] == "v1"
    _, with_domain, without = source["Outputs"]["ApiUrl"]["Value"]["Fn::If"]
    assert with_domain == {"Fn::Sub": "https://${DomainName}/v1"}
    assert without["Fn::Sub"].endswith("/v1"), "the interface says so"
    assert source["Outputs"]["DomainTarget"]["Value"] == {"Fn::GetAtt": ["ApiDomain", "RegionalDomainName"]}


def test_a6_domain_and_certificate_come_together(source: Any) -> None:
    conditions = {name: rule["RuleCondition"] for name, rule in source["Rules"].items()}
    asserted = {name: rule["Assertions"][0]["Assert"] for name, rule in source["Rules"].items()}
    assert asserted["DomainNeedsCertificate"] == conditions["CertificateNeedsDomain"]
    assert asserted["CertificateNeedsDomain"] == conditions["DomainNeedsCertificate"]


def allowed(source: Any, parameter: str, value: str) -> bool:
    """As CloudFormation checks it: over the whole value."""
    return bool(re.fullmatch(source["Parameters"][parameter]["AllowedPattern"], value))


@pytest.mark.parametrize(
    ("parameter", "value", "good"),
    [
        ("ClemtaBaseUrl", "https://api.clemta.com", True),
        ("ClemtaBaseUrl", "https://sandbox.clemta.com:8443", True),
        ("ClemtaBaseUrl", "http://127.0.0.1:8788", True),
        ("ClemtaBaseUrl", "http://localhost:8788", True),
        ("ClemtaBaseUrl", "http://api.clemta.com", False),
        ("ClemtaBaseUrl", "http://127.0.0.1.example.com", False),
        ("ClemtaBaseUrl", "http://127.0.0.1@example.com", False),
        ("ClemtaBaseUrl", "http://127x0x0x1", False),
        ("ClemtaBaseUrl", "https://user:password@api.clemta.com", False),
        ("ClemtaBaseUrl", "https://api.clemta.com/v1", False),
        ("ClemtaBaseUrl", "https://", False),
        ("DomainName", "", True),
        ("DomainName", "signups.example.com", True),
        ("DomainName", "signups.example.xn--p1ai", True),
        ("DomainName", "https://signups.example.com", False),
        ("DomainName", "signups.example.com/v1", False),
        ("DomainName", "Signups.example.com", False),
        ("DomainName", "localhost", False),
        ("CertificateArn", "", True),
        ("CertificateArn", "arn:aws:acm:eu-central-1:123456789012:certificate/0d4e6b0c-6f3c-4a06", True),
        ("CertificateArn", "arn:aws:iam::123456789012:server-certificate/x", False),
        ("CognitoUserPoolArn", "", True),
        (
            "CognitoUserPoolArn",
            "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_aB3",
            True,
        ),
        ("CognitoUserPoolArn", "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/*", False),
        ("CognitoUserPoolArn", "eu-central-1_aB3", False),
        ("CognitoSource", "cognito", True),
        ("CognitoSource", "", False),
    ],
)
def test_a_parameter_that_cannot_work_fails_the_deploy(
    source: Any, parameter: str, value: str, good: bool
) -> None:
    assert allowed(source, parameter, value) is good


def test_logs_have_a_retention_period(resources: dict[str, Any]) -> None:
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert groups.keys() == {*("ReceiveLogs", "RedeliverLogs", "CognitoLogs", "AccessLogs")} | {
        *("DailyMailLogs", "ListContactsLogs")
    }
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for name in FUNCTIONS:
        assert resources[name]["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_a_message_does_not_fail_its_batch(resources: dict[str, Any]) -> None:
    [mapping] = of_type(resources, "AWS::Lambda::EventSourceMapping").values()
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "RedeliverConcurrency"}}


def test_a1_lambda_allows_the_retry_loop_and_an_alarm_reports_dropped_messages(
    resources: dict[str, Any],
) -> None:
    assert resources["RedeliverFunction"]["Properties"]["RecursiveLoop"] == "Allow"
    alarm = resources["RecursionDroppedAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "RedeliverFunction"}}]
    assert alarm["Threshold"] == 0


def all_metrics(alarms: dict[str, Any]) -> list[dict[str, Any]]:
    """Every metric that an alarm looks at, alone or in an expression."""
    alone = [alarm for alarm in alarms.values() if "Metrics" not in alarm]
    queries = [query for alarm in alarms.values() for query in alarm.get("Metrics", [])]
    return alone + [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]


class Series(list[float | None]):
    """A metric by period, None where it has no value, with CloudWatch's arithmetic."""

    def _with(self, other: "Series | float", work: Callable[[float, float], float]) -> "Series":
        others = other if isinstance(other, Series) else Series([other] * len(self))
        pairs = zip(self, others, strict=True)
        return Series(None if a is None or b is None else work(a, b) for a, b in pairs)

    def __add__(self, other: Any) -> "Series":  # type: ignore[override]
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> "Series":
        return self._with(other, lambda a, b: a - b)

    def __rmul__(self, other: Any) -> "Series":
        return self._with(other, lambda a, b: a * b)

    def __gt__(self, other: Any) -> "Series":  # type: ignore[override]
        return self._with(other, lambda a, b: float(a > b))


FUNCTIONS_OF_CLOUDWATCH: dict[str, Any] = {
    "FILL": lambda series, value: Series(value if one is None else one for one in series),
    "DIFF": lambda series: Series([None, *(Series(series[1:]) - Series(series[:-1]))]),
    "MAX": lambda many: Series(
        max((one for one in at if one is not None), default=None) for at in zip(*many, strict=True)
    ),
    "IF": lambda condition, then, other: Series(
        None if chosen is None else (one if chosen else other)
        for chosen, one in zip(condition, then, strict=True)
    ),
}


def breaches(alarm: dict[str, Any], **metrics: list[float | None]) -> list[bool]:
    """In which periods the alarm's expression is over its threshold."""
    names: dict[str, Any] = FUNCTIONS_OF_CLOUDWATCH | {name: Series(one) for name, one in metrics.items()}
    expressions = {query["Id"]: query["Expression"] for query in alarm["Metrics"] if "Expression" in query}
    for name in reversed(expressions):  # each is written before those that it is made of
        names[name] = eval(expressions[name], {"__builtins__": {}}, names)  # noqa: S307 - the template's own
    [watched] = [query["Id"] for query in alarm["Metrics"] if query["ReturnData"]]
    return [value is not None and value > alarm["Threshold"] for value in names[watched]]


@pytest.mark.parametrize(
    ("visible", "taken", "parked", "rings"),
    [
        ([2, 2, 2], [0, 0, 0], [None] * 3, [0, 0, 0]),  # nothing comes
        ([2, 3, 3], [0, 0, 0], [None, 1, None], [0, 1, 0]),  # one more, parked by a function
        ([2, 3, 3], [0, 0, 0], [None] * 3, [0, 1, 0]),  # one more, moved there by SQS
        ([2, 2, 3], [0, 0, 0], [None, 1, None], [0, 1, 1]),  # SQS's metric comes a minute late
        ([2, 0, 2], [0, 2, 0], [None] * 3, [0, 0, 0]),  # somebody looks at what lies there
        ([9, 3, 0], [0, 6, 3], [None] * 3, [0, 0, 0]),  # a replay empties it
        (
            [9, 3, 1],
            [0, 6, 0],
            [None, None, 1],
            [0, 0, 0],
        ),  # … and the last one comes back: DeadLetterAlarm's
        ([3, 3, 3], [0, 0, 0], [None, 1, None], [0, 1, 0]),  # one goes, one comes
        ([None, 1, 1], [None, 0, 0], [None, 1, None], [0, 0, 0]),  # the first of all: DeadLetterAlarm's
        ([2, None, 2], [0, None, 0], [None] * 3, [0, 0, 0]),  # a gap in the metric
    ],
)
def test_a5_each_new_dead_letter_raises_an_alarm_even_if_others_are_there(
    resources: dict[str, Any],
    visible: list[float | None],
    taken: list[float | None],
    parked: list[float | None],
    rings: list[int],
) -> None:
    alarm = resources["DeadLetterArrivalAlarm"]["Properties"]
    assert breaches(alarm, visible=visible, taken=taken, parked=parked) == [bool(one) for one in rings]
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (1, 5)


def test_a5_alarm_is_raised_again_before_sqs_deletes_a_dead_letter(resources: dict[str, Any]) -> None:
    age = resources["DeadLetterAgeAlarm"]["Properties"]
    queue = [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}}]
    assert (age["MetricName"], age["Dimensions"]) == ("ApproximateAgeOfOldestMessage", queue)
    assert age["Threshold"] == 10 * 86_400
    left = resources["DeadLettersLeftAlarm"]["Properties"]
    assert (left["MetricName"], left["Dimensions"]) == ("ApproximateNumberOfMessagesVisible", queue)
    assert left["Period"] * left["EvaluationPeriods"] == 7 * 86_400, "which is the most that CloudWatch takes"


@pytest.mark.parametrize(
    ("posts", "invocations", "rings"),
    [
        ([5, 40, None], [5, 60, None], [0, 0, 0]),  # an ordinary day, with preflights
        ([100, 100, 1], [99, 101, 1], [0, 0, 0]),  # the same instant in two periods
        ([3, 1, 2], [None, None, None], [1, 1, 1]),  # the function cannot be called
        ([1000, 1000, 1000], [800, 700, 990], [1, 1, 0]),  # more than the rate that is let through
        ([None, None, None], [7, 7, 7], [0, 0, 0]),  # a monitor asks for /health
    ],
)
def test_a4_sign_ups_that_api_gateway_refuses_or_fails_raise_an_alarm(
    resources: dict[str, Any],
    posts: list[float | None],
    invocations: list[float | None],
    rings: list[int],
) -> None:
    alarm = resources["ApiRefusalsAlarm"]["Properties"]
    assert breaches(alarm, posts=posts, invocations=invocations) == [bool(one) for one in rings]
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"]) == (2, 3), "a metric may come late"


def test_a4_scanner_at_unknown_addresses_raises_no_alarm(resources: dict[str, Any]) -> None:
    [posts] = [
        query["MetricStat"]["Metric"]["Dimensions"]
        for query in resources["ApiRefusalsAlarm"]["Properties"]["Metrics"]
        if query["Id"] == "posts"
    ]
    path = {"Method": "POST", "Resource": "/signups/{source}", "Stage": "v1", "ApiName": STACK}
    assert {one["Name"]: one["Value"] for one in posts} == path
    assert resources["Api"]["Properties"]["Body"]["info"]["title"] == STACK, "which is the ApiName"
    assert "post" in resources["Api"]["Properties"]["Body"]["paths"]["/signups/{source}"]
    [stage] = of_type(resources, "AWS::ApiGateway::Stage").values()
    [own] = [one for one in stage["MethodSettings"] if one.get("MetricsEnabled")]
    assert (own["HttpMethod"], own["ResourcePath"]) == ("POST", "/~1signups~1{source}")


@pytest.mark.parametrize(
    ("name", "metric", "dimension", "period", "threshold"),
    [
        ("UnexpectedErrorsAlarm", "UnexpectedErrors", None, 300, 0),
        ("UnavailableAlarm", "Submissions", {"Name": "outcome", "Value": "unavailable"}, 900, 2),
        ("RedeliveryFailuresAlarm", "RedeliveryFailures", None, 1800, 3),
    ],
)
def test_a4_errors_that_the_functions_catch_raise_an_alarm(
    resources: dict[str, Any],
    name: str,
    metric: str,
    dimension: dict[str, str] | None,
    period: int,
    threshold: int,
) -> None:
    alarm = resources[name]["Properties"]
    dimensions = [{"Name": "service", "Value": STACK}, *([dimension] if dimension else [])]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"]) == (
        "ClemtaIntake",
        metric,
        dimensions,
    )
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", period, threshold)


def test_a17_the_cost_table_has_the_alarms_metrics_and_idle_polling(resources: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "prices.md").read_text()
    usual = {
        name: entry for name, entry in resources.items() if entry.get("Condition") in (None, "HasAlarmEmail")
    }
    metrics = all_metrics(of_type(usual, "AWS::CloudWatch::Alarm"))
    assert f"| CloudWatch, alarms on {len(metrics)} metrics | ${len(metrics) / 10:.2f} |" in page
    assert any(row.startswith("| SQS, idle polling") for row in page.splitlines())


def test_every_alarm_has_instructions_and_notifies_the_operator(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    watched = {(metric["Namespace"], metric["MetricName"]) for metric in all_metrics(alarms)}
    assert watched == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible"),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage"),
        ("ClemtaIntake", "WaitingAge"),
        ("ClemtaIntake", "ClemtaUnauthorized"),
        ("ClemtaIntake", "SigningSecretMissing"),
        ("ClemtaIntake", "CaptchaUnavailable"),
        ("ClemtaIntake", "SourcesBroken"),
        ("ClemtaIntake", "Submissions"),
        ("ClemtaIntake", "UnexpectedErrors"),
        ("ClemtaIntake", "RedeliveryFailures"),
        ("ClemtaIntake", "ContactEventsFailed"),
        ("AWS/ApiGateway", "Count"),
        ("AWS/Lambda", "Invocations"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/Lambda", "RecursiveInvocationsDropped"),
    }
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert variables["POWERTOOLS_SERVICE_NAME"] == STACK, "or stacks side by side share their metrics"
    assert "switched off" in alarms["RetryAgeAlarm"]["AlarmDescription"]
    assert "clemta-intake dlq list" in alarms["DeadLetterAlarm"]["AlarmDescription"]
    assert "clemta-intake doctor" in alarms["CaptchaUnavailableAlarm"]["AlarmDescription"]
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]
        assert alarm.get("OKActions") == (None if name == "DeadLetterArrivalAlarm" else alarm["AlarmActions"])
        assert len(alarm["AlarmDescription"]) > 60
        assert alarm["TreatMissingData"] == "notBreaching"
    for metric in all_metrics(alarms):
        if metric["Namespace"] == telemetry.NAMESPACE:
            assert metric["MetricName"] in {*telemetry.METRICS, telemetry.SUBMISSIONS}
            assert {"Name": "service", "Value": STACK} in metric["Dimensions"]


def test_the_dashboard_shows_metrics_that_exist_and_every_alarm(resources: dict[str, Any]) -> None:
    [dashboard] = of_type(resources, "AWS::CloudWatch::Dashboard").values()
    body, optional = dashboard["DashboardBody"]["Fn::Sub"]
    for name, value in optional.items():
        condition, text, otherwise = value["Fn::If"]
        assert condition in ("HasCognito", "HasEventBus", "HasAlarmEmail")
        assert otherwise == ""
        assert json.loads(re.sub(rf"\$\{{({'|'.join(optional)})\}}", "", body))
        body = body.replace(f"${{{name}}}", text["Fn::Sub"])
    widgets = json.loads(body)["widgets"]
    assert all(widget["properties"]["title"] for widget in widgets)
    [alarms] = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    assert set(alarms) == {f"${{{name}.Arn}}" for name in of_type(resources, "AWS::CloudWatch::Alarm")}
    shown = [line for widget in widgets for line in widget["properties"].get("metrics", [])]
    ours = [line for line in shown if line[0] == telemetry.NAMESPACE]
    assert {line[1] for line in ours} == {*telemetry.METRICS, telemetry.SUBMISSIONS}
    assert all(line[2:4] == ["service", "${AWS::StackName}"] for line in ours)
    expressions = [line[0]["expression"] for line in shown if isinstance(line[0], dict)]
    searched = [text for text in expressions if text.startswith("SEARCH")]
    assert len(searched) == 2
    assert all(f"{{{telemetry.NAMESPACE},service," in text and "Submissions" in text for text in searched)
    assert all('service="${AWS::StackName}"' in text for text in searched)
    for name in re.findall(r"\$\{(\w+)[.}]", body):
        assert name in resources or name == "AWS", name


def test_template_sets_exactly_the_functions_settings(source: Any) -> None:
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


def test_version_is_the_same_in_package_project_and_changelog() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in pyproject
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()
