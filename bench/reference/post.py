"""The call to Clemta as most examples write it: a new connection, and a new list of authorities, for each contact."""

import json
import os
from typing import Any

import requests


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A contact, whatever the event says."""
    answer = requests.post(
        os.environ["CLEMTA_BASE_URL"] + "/contacts",
        json={
            "type": "customer",
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "company_id": os.environ["DEFAULT_COMPANY_ID"],
        },
        headers={"X-API-Key": os.environ["BENCH_API_KEY"]},
        timeout=5,
    )
    answer.raise_for_status()
    return {"statusCode": 200, "body": json.dumps({"status": "created", "id": answer.json()["data"]["id"]})}
