"""A lean handler with the four packages, as somebody careful writes it: secret, one model, Clemta. No promise is kept.

With LEAN_LEDGER set it makes the three calls that a claim takes: DynamoDB, Clemta, DynamoDB.
"""

import base64
import json
import os
from typing import Any
from urllib.parse import parse_qs

import boto3
import requests
from aws_lambda_powertools import Logger
from pydantic import BaseModel

logger = Logger()
session = requests.Session()
secrets = boto3.client("secretsmanager")
dynamodb = boto3.client("dynamodb") if os.environ.get("LEAN_LEDGER") else None
api_key = ""


class Contact(BaseModel):
    """Clemta's four required fields."""

    type: str
    full_name: str
    email: str
    company_id: str


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A form post becomes a contact."""
    global api_key
    body = base64.b64decode(event["body"]).decode() if event["isBase64Encoded"] else event["body"]
    fields = {name: values[0] for name, values in parse_qs(body).items()}
    contact = Contact(
        type="customer",
        full_name=fields["full_name"],
        email=fields["email"],
        company_id=os.environ["DEFAULT_COMPANY_ID"],
    )
    if not api_key:
        api_key = secrets.get_secret_value(SecretId=os.environ["CLEMTA_SECRET_ID"])["SecretString"]
    item = {"pk": {"S": f"lean#{contact.email}"}, "state": {"S": "claimed"}}
    if dynamodb:
        dynamodb.put_item(TableName="ledger", Item=item, ConditionExpression="attribute_not_exists(pk)")
    answer = session.post(
        os.environ["CLEMTA_BASE_URL"] + "/contacts",
        json=contact.model_dump(),
        headers={"X-API-Key": api_key},
        timeout=5,
    )
    answer.raise_for_status()
    if dynamodb:
        dynamodb.put_item(TableName="ledger", Item={**item, "state": {"S": "created"}})
    logger.info("created")
    return {"statusCode": 200, "body": json.dumps({"status": "created", "id": answer.json()["data"]["id"]})}
