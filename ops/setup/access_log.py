"""The role with which API Gateway writes access logs: one for the account in a region, for every API in it.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html
"""

import json
import time
from typing import Any

from ..aws import OperatorClients
from ..errors import OpsError

ROLE = "clemta-intake-api-gateway-logs"
_MAY_WRITE = "arn:{partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
_PROPAGATION = 60  # seconds until API Gateway accepts a new role
_POLL = 3


def has_role(clients: OperatorClients) -> bool:
    """Whether the account's API Gateway settings name a role in this region."""
    return bool(clients.client("apigateway").get_account().get("cloudwatchRoleArn"))


def make_role(clients: OperatorClients, partition: str, seconds: float = _PROPAGATION) -> None:
    """Makes the role and puts it into the account's API Gateway settings; safe to repeat."""
    iam, api_gateway = clients.client("iam"), clients.client("apigateway")
    arn = _role(iam)
    iam.attach_role_policy(RoleName=ROLE, PolicyArn=_MAY_WRITE.format(partition=partition))
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}
    deadline = time.monotonic() + seconds
    while True:
        try:
            api_gateway.update_account(patchOperations=[change])
        except api_gateway.exceptions.BadRequestException as error:  # IAM has not told API Gateway yet
            if time.monotonic() > deadline:
                raise OpsError(f"API Gateway does not accept the role {ROLE}: {error}") from None
            time.sleep(min(_POLL, seconds))
        else:
            return


def _role(iam: Any) -> str:
    """The ARN of the role, which is made if it does not exist."""
    try:
        made = iam.create_role(
            RoleName=ROLE,
            AssumeRolePolicyDocument=json.dumps(_TRUST),
            Description="Lets API Gateway write the access logs of all APIs of this account",
        )
    except iam.exceptions.EntityAlreadyExistsException:
        made = iam.get_role(RoleName=ROLE)
    return str(made["Role"]["Arn"])
