"""One write as the ledger makes it, with botocore set as BOTOCORE_CONFIG says: what such a call costs by itself."""

import itertools
import json
import os
from typing import Any

import boto3
from botocore.config import Config

config = Config(retries={"total_max_attempts": 1}).merge(Config(**json.loads(os.environ["BOTOCORE_CONFIG"])))
dynamodb = boto3.client("dynamodb", config=config)
numbers = itertools.count()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """An item, whatever the event says."""
    dynamodb.update_item(
        TableName="ledger",
        Key={"pk": {"S": f"write#{os.getpid()}#{next(numbers)}"}},
        UpdateExpression="SET #state = :state, lease_until = :until",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": "claimed"}, ":until": {"N": "1"}},
        ReturnValues="NONE",
    )
    return {"statusCode": 200, "body": json.dumps({"status": "created"})}
