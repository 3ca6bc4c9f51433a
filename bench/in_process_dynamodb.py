"""The emulator's DynamoDB as a library: its answers, without sockets."""

import json
from typing import Any, cast

from botocore.exceptions import ClientError
from ministack.services import dynamodb


class InProcessDynamoDB:
    """The part of boto3's client that the ledger uses, on a new table; it counts the writes."""

    def __init__(self) -> None:
        self.writes = 0
        dynamodb.reset()
        self._answer(
            dynamodb._create_table(
                {
                    "TableName": "ledger",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                }
            )
        )

    def update_item(self, **request: Any) -> Any:
        """The same as boto3's."""
        self.writes += 1
        return self._answer(dynamodb._update_item(request))

    def get_item(self, **request: Any) -> Any:
        """The same as boto3's."""
        return self._answer(dynamodb._get_item(request))

    def _answer(self, reply: tuple[int, Any, bytes]) -> Any:
        status, _, body = reply
        found = json.loads(body)
        if status >= 400:
            code = str(found.get("__type", "")).rpartition("#")[2]
            raise ClientError(cast(Any, {"Error": {"Code": code}, **found}), "UpdateItem")
        return found
