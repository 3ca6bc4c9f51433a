"""API Gateway and SQS events as the functions get them."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

FORM = "application/x-www-form-urlencoded"
CRM_SECRET = "local-crm-secret"


def request(
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str | list[str]] | None = None,
    query: Mapping[str, str] | None = None,
    *,
    began: float | None = None,
    binary: bool = True,
) -> dict[str, Any]:
    """A REST API proxy event; `began` is when API Gateway took the request, in unix seconds."""
    many = {name: value if isinstance(value, list) else [value] for name, value in (headers or {}).items()}
    source = path.rpartition("/")[2] if path.startswith("/signups/") else ""
    text = base64.b64encode(body).decode() if binary else body.decode()
    return {
        "resource": "/signups/{source}" if source else path,
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()} or None,
        "multiValueHeaders": many or None,
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": {"source": source} if source else None,
        "stageVariables": None,
        "requestContext": {
            "requestTimeEpoch": int((time.time() if began is None else began) * 1000),
            "stage": "v1",
            "path": f"/v1{path}",
            "requestId": "r",
        },
        "body": text if body else None,
        "isBase64Encoded": binary and bool(body),
    }


def form(fields: Mapping[str, str], source: str = "website", **headers: str) -> dict[str, Any]:
    """A website form's post."""
    body = urlencode(fields).encode()
    return request("POST", f"/signups/{source}", body, {"Content-Type": FORM, **headers})


def crm(payload: Any, secret: str = CRM_SECRET, **headers: str) -> dict[str, Any]:
    """A webhook signed as the shipped source "crm" asks for."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signature = "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()
    signed = {"Content-Type": "application/json", "X-Signature": signature, "X-Delivery": "d1", **headers}
    return request("POST", "/signups/crm", body, signed)


def batch(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """An SQS batch of these message bodies."""
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": f"h{number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "1800000000000"},
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:retry",
                "awsRegion": "us-east-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


class Context:
    """A Lambda context with some time left, in seconds."""

    function_name = "clemta-intake"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:clemta-intake"
    aws_request_id = "r"

    def __init__(self, seconds: float = 10) -> None:
        self._end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - time.monotonic()) * 1000)
