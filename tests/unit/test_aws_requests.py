"""The check of AWS requests refuses what AWS refuses, so that the other tests may rely on it."""

from typing import Any

import pytest

from tests.support.aws_requests import refusals_of

TEXT = {"DataType": "String", "StringValue": "website"}
MESSAGE = {"QueueUrl": "q", "MessageBody": "{}", "DelaySeconds": 900, "MessageAttributes": {"source": TEXT}}
VALUES = {
    ":owner": {"S": "o"},
    ":now": {"N": "1800000000.123456"},
    ":delivery": {"SS": ["d"]},
}
UPDATE = {
    "TableName": "t",
    "Key": {"pk": {"S": "k"}},
    "UpdateExpression": "SET #owner = :owner, claimed_at = if_not_exists(claimed_at, :now) REMOVE unseen_at"
    " ADD deliveries :delivery",
    "ConditionExpression": "attribute_not_exists(pk) OR #owner = :owner OR (counted IN (:now, :owner)"
    " AND (lease_until <= :now OR attribute_exists(taken)))",
    "ExpressionAttributeNames": {"#owner": "owner"},
    "ExpressionAttributeValues": VALUES,
}


def test_p10_valid_aws_request_passes() -> None:
    assert refusals_of("SendMessage", MESSAGE) == []
    assert refusals_of("UpdateItem", UPDATE) == []


@pytest.mark.parametrize(
    "change",
    [
        {"DelaySeconds": -1},
        {"DelaySeconds": 901},
        {"DelaySeconds": 0.5},
        {"MessageBody": ""},
        {"MessageBody": "x" * 262_144},
        {"MessageBody": b"x"},
        {"MessageAttributes": {"source": {"StringValue": "website"}}},
        {"MessageAttributes": {"source": TEXT | {"StringValue": ""}}},
        {"MessageAttributes": {"source": TEXT | {"DataType": "Text"}}},
        {"MessageAttributes": {"source": TEXT | {"DataType": "Number"}}},
        {"MessageAttributes": {"status": {"DataType": "Number", "StringValue": 500}}},
        {"Url": "q"},
    ],
    ids=str,
)
def test_p10_message_that_sqs_would_refuse_is_detected(change: dict[str, Any]) -> None:
    assert len(refusals_of("SendMessage", MESSAGE | change)) == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"UpdateExpression": ""}, "UpdateExpression"),
        ({"UpdateExpression": "SET #owner = :owner,"}, "UpdateExpression"),
        ({"UpdateExpression": "SET #owner = :owner REMOVE"}, "UpdateExpression"),
        ({"UpdateExpression": "SET taken = :now, REMOVE taken"}, "UpdateExpression"),
        ({"UpdateExpression": "SET taken = :now SET counted = :now"}, "UpdateExpression"),
        ({"UpdateExpression": "ADD taken = :now"}, "UpdateExpression"),
        ({"UpdateExpression": "SET a = :now, REMOVE b"}, "UpdateExpression"),
        ({"ConditionExpression": ""}, "ConditionExpression"),
        ({"ConditionExpression": "#owner = :owner AND"}, "ConditionExpression"),
        ({"ConditionExpression": "(#owner = :owner"}, "ConditionExpression"),
        ({"ConditionExpression": "#owner == :owner"}, "ConditionExpression"),
        ({"ConditionExpression": "state = :owner"}, "reserved words: ['state']"),
        ({"ConditionExpression": "#state = :owner"}, "ExpressionAttributeNames"),
        ({"ExpressionAttributeNames": {}}, "ExpressionAttributeNames"),
        ({"ConditionExpression": "taken = :more"}, "ExpressionAttributeValues"),
        ({"ExpressionAttributeValues": {":owner": {"S": "o"}}}, "ExpressionAttributeValues"),
        ({"ExpressionAttributeValues": VALUES | {":now": {"N": "nan"}}}, "type N"),
        ({"ExpressionAttributeValues": VALUES | {":now": {"N": "soon"}}}, "type N"),
        ({"ExpressionAttributeValues": VALUES | {":now": {"N": 1}}}, "parameter"),
        ({"ExpressionAttributeValues": VALUES | {":delivery": {"SS": []}}}, "type SS"),
        ({"Key": {"pk": "k"}}, "parameter"),
    ],
    ids=str,
)
def test_p10_update_that_dynamodb_would_refuse_is_detected(change: dict[str, Any], found: str) -> None:
    assert any(found in refusal for refusal in refusals_of("UpdateItem", UPDATE | change))
