"""The DynamoDB table that claims, rate limit, daily caps and batches share."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ..errors import NotApplied

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Table:
    """Reads and conditional writes of one table. While DynamoDB fails or is out of reach they raise NotApplied."""

    def __init__(self, client: Callable[[], "DynamoDBClient"], name: str) -> None:
        self._client = client
        self._name = name

    def update(
        self, pk: str, update: str, condition: str | None, values: dict[str, Any], *, return_old: bool = False
    ) -> dict[str, Any]:
        """One UpdateItem; returns the item as it was with `return_old`, which costs time for each attribute, else {}.

        Raises ConditionFailed, with the item as it is, if `condition` does not hold.
        """
        names = {"#state": "state", "#owner": "owner"}  # reserved words of DynamoDB
        used = {name: attribute for name, attribute in names.items() if name in f"{update} {condition}"}
        request: dict[str, Any] = {
            "TableName": self._name,
            "Key": {"pk": {"S": pk}},
            "UpdateExpression": update,
            "ExpressionAttributeValues": {name: _attribute(value) for name, value in values.items()},
            "ReturnValues": "ALL_OLD" if return_old else "NONE",
        }
        if used:
            request["ExpressionAttributeNames"] = used
        if condition:
            request |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            return _plain(self._client().update_item(**request).get("Attributes", {}))
        except ClientError as error:
            if _code(error) == "ConditionalCheckFailedException":
                raise ConditionFailed(_plain(error.response.get("Item", {}))) from None
            raise NotApplied("ledger_unavailable", _code(error)) from error
        except BotoCoreError as error:
            raise NotApplied("ledger_unavailable", type(error).__name__) from error

    def get(self, pk: str) -> dict[str, Any]:
        """One item as it is now; {} if there is none."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "Key": {"pk": {"S": pk}},
            "ConsistentRead": True,
        }
        try:
            return _plain(self._client().get_item(**request).get("Item", {}))
        except ClientError as error:
            raise NotApplied("ledger_unavailable", _code(error)) from error
        except BotoCoreError as error:
            raise NotApplied("ledger_unavailable", type(error).__name__) from error


class ConditionFailed(Exception):
    """The write's condition did not hold, and nothing was written; `item` is the item as it is."""

    def __init__(self, item: dict[str, Any]) -> None:
        super().__init__("condition not met")
        self.item = item


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))


def _attribute(value: str | float | list[str]) -> Any:
    if isinstance(value, list):
        return {"SS": value}
    return {"S": value} if isinstance(value, str) else {"N": format(value, "f")}


def _plain(item: Any) -> dict[str, Any]:
    return {name: next(iter(value.values())) for name, value in item.items()}
