"""Checks the deployment: credentials, stack, sources file, API, alarms."""

from collections.abc import Iterator

from botocore.exceptions import ClientError

from clemta_intake.http_values import HttpRequest
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import InvalidSources, has_address
from clemta_intake.transport import Transport, TransportError

from ..environments import Environment
from ..errors import OpsError
from ..live_sources import live
from ..project import present, sources_text
from ..times import at
from .check import TIMEOUT, Check, check_clock


def credentials(env: Environment) -> Iterator[Check]:
    yield Check("credentials", "ok", f"account {env.client('sts').get_caller_identity()['Account']}")


def stack(env: Environment) -> Iterator[Check]:
    where = f"{env.location.stack_name} in {env.location.region}"
    status = env.stack["StackStatus"]
    _ = env.settings  # raises OpsError if it is not a clemta-intake stack
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        yield Check("stack", "ok", f"{where}: {status}")
    else:
        yield Check(
            "stack", "fail", f"{where}: {status}", "check its events in CloudFormation, and deploy again"
        )


def sources_file(env: Environment) -> Iterator[Check]:
    try:
        names = check_file(present(env.sources_file))
    except InvalidSources as error:
        first, *others = str(error).splitlines()
        more = f" (and {len(others)} more)" if others else ""
        yield Check(
            "sources file", "fail", first + more, "fix it; clemta-intake sources check lists all mistakes"
        )
        return
    yield Check(
        "sources file",
        "ok",
        f"{len(names)} source{'' if len(names) == 1 else 's'} in {env.sources_file.name}",
    )


def live_sources(env: Environment) -> Iterator[Check]:
    """Compares the pushed version, which is used instead of the deployed file, with the sources file."""
    version = live(env)
    if not version.number:
        yield Check("live sources", "ok", "the deployed file")
        return
    says = f"version {version.number}, pushed {at(version.pushed_at)}"
    if version.text == sources_text(env.sources_file):
        yield Check("live sources", "ok", f"{says}, is {env.sources_file.name}")
    else:
        push, pull = (env.location.command(f"sources {word}") for word in ("push", "pull"))
        do = f"{push} makes {env.sources_file.name} live; {pull} fetches the live one"
        yield Check("live sources", "note", f"{says}, differs from {env.sources_file.name}", do)


def api(env: Environment) -> Iterator[Check]:
    http = Transport()
    try:
        answer = http.send(HttpRequest("GET", f"{env.api_url}/health"), *TIMEOUT)
        missing = [
            name
            for name in _names(env)
            if http.send(HttpRequest("GET", f"{env.api_url}/signups/{name}"), *TIMEOUT).status == 404
        ]
    except TransportError as error:
        target = env.outputs.get("DomainTarget")
        dns = f"point its name at {target} in your DNS; then " if target else ""
        yield Check("api", "fail", f"does not answer: {error}", f"{dns}open {env.api_url}/health")
        return
    if answer.status == 200:
        yield Check("api", "ok", env.api_url)
    else:
        do = "read the receive function's log: sam logs"
        yield Check("api", "fail", f"/health answers {answer.status}", do)
    if missing:
        do = env.location.command("sources push")
        yield Check("api sources", "fail", f"not live: {', '.join(missing)}", do)
    yield from check_clock("clock", "this machine's clock", answer)


def _names(env: Environment) -> list[str]:
    try:
        return [name for name, source in env.sources.items() if has_address(source)]
    except (InvalidSources, OpsError):  # reported already
        return []


def alarms(env: Environment) -> Iterator[Check]:
    pages = env.client("cloudformation").get_paginator("list_stack_resources")
    names = {
        resource["PhysicalResourceId"]: resource["LogicalResourceId"]
        for page in pages.paginate(StackName=env.location.stack_name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
    }
    if not names:
        yield Check("alarms", "fail", "the stack has none", "deploy it again")
        return
    alarms = env.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    active = [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
    for alarm in active:
        does = " ".join(alarm.get("AlarmDescription", "").split())
        yield Check("alarms", "fail", f"{names[alarm['AlarmName']]} is active", does)
    if not active:
        yield Check("alarms", "ok", f"{len(alarms)} alarms, none is active")


def subscription(env: Environment) -> Iterator[Check]:
    topic = env.outputs.get("AlarmTopicArn", "")
    found = env.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    waiting = [one for one in found if one["SubscriptionArn"] == "PendingConfirmation"]
    if waiting:
        do = "open the mail that SNS sent to the address, and confirm it"
        yield Check("alarm mail", "fail", f"{len(waiting)} not confirmed: alarms are not delivered to it", do)
    elif not found:
        yield Check("alarm mail", "note", "nobody gets the alarms", "deploy with the parameter AlarmEmail")
    else:
        yield Check("alarm mail", "ok", f"{len(found)} confirmed")


def event_bus(env: Environment) -> Iterator[Check]:
    """Checks the bus that contacts are announced on, if the stack has one."""
    name = env.settings.event_bus
    if not name:
        return
    try:
        env.client("events").describe_event_bus(Name=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        says = f"there is no bus {name} in {env.location.region}: events of contacts are lost"
        yield Check("event bus", "fail", says, "create the bus, or deploy with EventBusName=default")
    else:
        yield Check("event bus", "ok", name)


def gateway(env: Environment) -> Iterator[Check]:
    """Checks what a deploy does not change: stages of early templates, the account's API Gateway settings."""
    client, api = env.client("apigateway"), env.outputs.get("ApiId", "")
    names = {stage["stageName"] for stage in client.get_stages(restApiId=api)["item"]}
    if others := sorted(names - {"v1"}):
        says = f"{', '.join(others)} is open besides v1, without throttle and firewall"
        do = f"aws apigateway delete-stage --rest-api-id {api} --stage-name {others[0]}"
        yield Check("stages", "fail", says, do)
    else:
        yield Check("stages", "ok", "v1 is the only one")
    if "AccessLogGroup" not in env.outputs:
        return
    if client.get_account().get("cloudwatchRoleArn"):
        yield Check("access log", "ok", "is on")
    else:
        says = "is on, but the account has no CloudWatch role for API Gateway, so nothing is written"
        do = "set the role in API Gateway's settings, or deploy with AccessLog=false"
        yield Check("access log", "note", says, do)
