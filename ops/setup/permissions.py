"""What the caller of setup must be allowed to do, and IAM's own answer whether that is so."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from ..aws import OperatorClients
from ..doctor.check import Check

_SAM = "aws-sam-cli-managed-default"  # SAM's own stack and bucket, for the code

# service -> a resource, and the actions on it: of SAM, of CloudFormation for the caller, and of the command.
# docs/deploy.md has a policy that allows them all.
NEEDED: dict[str, tuple[str, tuple[str, ...]]] = {
    "cloudformation": (
        "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/1",
        (
            *("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks"),
            *("DescribeStackEvents", "GetTemplate", "ListStackResources", "DeleteStack"),
        ),
    ),
    "cloudformation transform": (
        "arn:{partition}:cloudformation:{region}:aws:transform/Serverless-2016-10-31",
        ("CreateChangeSet",),
    ),
    "cloudformation of SAM": (
        f"arn:{{partition}}:cloudformation:{{region}}:{{account}}:stack/{_SAM}/1",
        ("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks"),
    ),
    "s3": (
        f"arn:{{partition}}:s3:::{_SAM}-samclisourcebucket-1",
        ("CreateBucket", "PutBucketPolicy", "PutBucketTagging", "PutBucketVersioning"),
    ),
    "s3 objects": (f"arn:{{partition}}:s3:::{_SAM}-samclisourcebucket-1/code", ("GetObject", "PutObject")),
    "iam": (
        "arn:{partition}:iam::{account}:role/{stack}-ReceiveRole-1",
        (
            *("CreateRole", "GetRole", "DeleteRole", "PutRolePolicy", "GetRolePolicy"),
            *("DeleteRolePolicy", "PassRole"),
        ),
    ),
    "lambda": (
        "arn:{partition}:lambda:{region}:{account}:function:{stack}-ReceiveFunction-1",
        (
            *("CreateFunction", "GetFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"),
            *("DeleteFunction", "AddPermission", "RemovePermission", "PutFunctionRecursionConfig"),
            "TagResource",
        ),
    ),
    "lambda event sources": (
        "*",
        (
            *("CreateEventSourceMapping", "GetEventSourceMapping", "UpdateEventSourceMapping"),
            *("DeleteEventSourceMapping", "GetAccountSettings"),
        ),
    ),
    "apigateway": (
        "arn:{partition}:apigateway:{region}::/restapis/1",
        ("GET", "POST", "PUT", "PATCH", "DELETE"),
    ),
    "apigateway account": ("arn:{partition}:apigateway:{region}::/account", ("GET",)),
    "sqs": (
        "arn:{partition}:sqs:{region}:{account}:{stack}-RetryQueue-1",
        ("CreateQueue", "GetQueueAttributes", "SetQueueAttributes", "DeleteQueue"),
    ),
    "dynamodb": (
        "arn:{partition}:dynamodb:{region}:{account}:table/{stack}-LedgerTable-1",
        (
            *("CreateTable", "DescribeTable", "DeleteTable", "UpdateTimeToLive", "DescribeTimeToLive"),
            *("UpdateContinuousBackups", "DescribeContinuousBackups", "GetItem", "PutItem"),
        ),
    ),
    "secretsmanager": (
        "arn:{partition}:secretsmanager:{region}:{account}:secret:LedgerPepper-1",
        (
            *("CreateSecret", "DescribeSecret", "GetSecretValue", "PutSecretValue"),
            *("UpdateSecretVersionStage", "DeleteSecret", "TagResource"),
        ),
    ),
    "secretsmanager passwords": ("*", ("GetRandomPassword",)),
    "logs": (
        "arn:{partition}:logs:{region}:{account}:log-group:{stack}-ReceiveLogs-1:*",
        ("CreateLogGroup", "PutRetentionPolicy", "DeleteLogGroup"),
    ),
    "sns": (
        "arn:{partition}:sns:{region}:{account}:{stack}-AlarmTopic-1",
        (
            *("CreateTopic", "GetTopicAttributes", "SetTopicAttributes", "DeleteTopic"),
            *("Subscribe", "Unsubscribe", "ListSubscriptionsByTopic"),
        ),
    ),
    "events": (
        "arn:{partition}:events:{region}:{account}:rule/{stack}-DailyMailFunctionDaily-1",
        ("PutRule", "DescribeRule", "DeleteRule", "PutTargets", "RemoveTargets"),
    ),
    "cloudwatch": (
        "arn:{partition}:cloudwatch:{region}:{account}:alarm:{stack}-DeadLetterAlarm-1",
        ("PutMetricAlarm", "DescribeAlarms", "DeleteAlarms"),
    ),
    "cloudwatch dashboards": (
        "arn:{partition}:cloudwatch::{account}:dashboard/{stack}-{region}",
        ("PutDashboard", "GetDashboard", "DeleteDashboards"),
    ),
}


def permissions(clients: OperatorClients, caller: str, region: str, stack: str) -> Iterator[Check]:
    """Asks IAM which of the needed actions it would refuse the caller, who is named by the ARN.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
    """
    _, partition, _, _, account, who = caller.split(":", 5)
    if who == "root":
        yield Check("permissions", "ok", "the account's root user may do everything")
        return
    refused: list[str] = []
    try:
        principal = _policies_of(clients.client("iam"), caller, who)
        for service, (pattern, actions) in NEEDED.items():
            where = {"partition": partition, "region": region, "account": account, "stack": stack}
            names = [f"{service.partition(' ')[0]}:{action}" for action in actions]
            refused += _refused(clients.client("iam"), principal, names, pattern.format(**where))
    except ClientError:
        says = "cannot be checked beforehand: IAM does not let you simulate them"
        yield Check("permissions", "note", says, "a missing one fails the deploy, which then says its name")
        return
    if refused:
        do = "let somebody add them: docs/deploy.md has the policy"
        yield Check("permissions", "fail", f"IAM refuses you {', '.join(refused)}", do)
    else:
        yield Check(
            "permissions", "ok", f"IAM allows the {sum(len(names) for _, names in NEEDED.values())} needed"
        )


def _policies_of(iam: Any, caller: str, who: str) -> str:
    """The ARN whose policies apply: of an assumed role, the role's own, which may have a path."""
    if not who.startswith("assumed-role/"):
        return caller
    return str(iam.get_role(RoleName=who.split("/")[1])["Role"]["Arn"])


def _refused(iam: Any, principal: str, actions: list[str], resource: str) -> list[str]:
    """The actions that IAM refuses on the resource; not those that depend on a condition whose value it lacks."""
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=principal, ActionNames=actions, ResourceArns=[resource]
    )
    return [
        result["EvalActionName"]
        for page in pages
        for result in page["EvaluationResults"]
        if result["EvalDecision"] != "allowed" and not result.get("MissingContextValues")
    ]
