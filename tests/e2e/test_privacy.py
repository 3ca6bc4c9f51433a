"""P8: no log line, metric, message attribute, ledger key or answer carries what a person wrote, whatever happens."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.stack import Deployed

from .conftest import Clemta, Queue, Redelivery, eventually
from .test_submissions import FAULTS, signed

# A word for every field: whatever shows up anywhere is traced to where it came from.
CANARY = "kanarya"
FORM = {
    "full_name": f"{CANARY}name Example",
    "email": f"{CANARY}mail@example.com",
    "phone": "+90 532 765 43 21",
    "address": f"{CANARY}street 1",
    "city": f"{CANARY}city",
    "postal_code": f"{CANARY}zip",
    "country": f"{CANARY}land",
    "state": f"{CANARY}state",
    "company": f"{CANARY}firm",
    "tax_id": f"{CANARY}tax",
    "message": f"{CANARY}message",
    f"{CANARY}field": "x",
}
LEAD = {"event": "lead.created", "first": f"{CANARY}first", "last": "x", "email": f"{CANARY}lead@example.com"}
WORDS = (CANARY, "7654321", "local-crm-secret", "clemta_local_key")


@pytest.fixture
def everything(stack: Deployed, aws: Callable[[str], Any]) -> Callable[[], dict[str, str]]:
    """All that can be read of the stack beside the queues' bodies, by place."""

    def read() -> dict[str, str]:
        found: dict[str, str] = {}
        logs = aws("logs")
        for group in logs.describe_log_groups()["logGroups"]:
            name = group["logGroupName"]
            events = logs.filter_log_events(logGroupName=name, limit=10_000)["events"]
            found[f"logs {name}"] = "\n".join(event["message"] for event in events)
        for metric in aws("cloudwatch").list_metrics().get("Metrics", []):
            found[f"metric {metric['MetricName']}"] = json.dumps(metric)
        items = aws("dynamodb").scan(TableName=stack.ledger_table)["Items"]
        found["ledger"] = json.dumps(items)
        return found

    return read


def test_p8_no_personal_data_appears_outside_the_payload(
    stack: Deployed,
    http: requests.Session,
    clemta: Clemta,
    dead_letters: Queue,
    retry_queue: Queue,
    held_queue: Queue,
    redelivery: Redelivery,
    everything: Callable[[], dict[str, str]],
) -> None:
    answers: list[str] = []

    def post(source: str, **request: Any) -> None:
        answer = http.post(f"{stack.api_url}/signups/{source}", timeout=30, **request)
        answers.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")

    lead = json.dumps(LEAD).encode()
    post("website", data=FORM)
    post("website", data=FORM)
    post("website", data=FORM | {"_leave_empty": f"{CANARY}trap"})
    post("website", data=FORM | {"_elapsed": f"-1{'0' * 400}", f"{CANARY}field": "y"})
    post("crm", data=lead, headers=signed(lead))
    post("crm", data=lead, headers=signed(lead, f"{CANARY}secret"))
    post("crm", data=lead, headers={"X-Signature": f"{CANARY}signature"}, params={"token": f"{CANARY}token"})
    post("website", data=FORM | {"email": f"{CANARY} no address"})
    post("website", data=f'{{"{CANARY}": '.encode(), headers={"Content-Type": "application/json"})
    post("website", data=FORM, headers={"Origin": f"https://{CANARY}.example.com"})
    post(CANARY, data=FORM)
    no_email = json.dumps(
        {"event": "lead.created", "first": f"{CANARY}first", "email": f"{CANARY} none"}
    ).encode()
    post("crm", data=no_email, headers=signed(no_email))
    for number, (fault, how, _, _) in enumerate(FAULTS):
        clemta.clear_faults()
        clemta.fault(fault, **{"on": "create", **how, "seconds": 3})
        post("website", data=FORM | {"email": f"{CANARY}{number}@example.com"})
    clemta.clear_faults()
    assert eventually(lambda: retry_queue.size() == 0, 90)

    redelivery.hold()
    clemta.fault("error_before", times=None)
    post("website", data=FORM | {"email": f"{CANARY}waiting@example.com"})
    assert eventually(lambda: bool(retry_queue.messages()))
    messages = [*retry_queue.messages(), *dead_letters.messages(), *held_queue.messages()]
    assert len(messages) >= 6
    assert {name for message in messages for name in message["attributes"]} == {"source", "class", "status"}
    attributes = json.dumps([message["attributes"] for message in messages])

    seen = everything()
    logged = "".join(text for place, text in seen.items() if place.startswith("logs"))
    for outcome in ("created", "duplicate", "queued", "parked", "held", "refused", "unauthentic"):
        assert f'"outcome":"{outcome}"' in logged, "the search looked where the outcomes are"
    seen |= {
        "message attributes": attributes,
        "answers": "\n".join(answers).replace(f"https://{CANARY}.", ""),
    }
    leaks = [(place, word) for place, text in seen.items() for word in WORDS if word in text]
    assert not leaks


# As real sign-up forms send it: passwords, a card, a code and tokens beside what a contact is made of.
SECRETS = {
    "password": f"{CANARY}password",
    "password_confirmation": f"{CANARY}password",
    "Kredi kartı numarası": f"{CANARY}card",
    "cvv": f"{CANARY}cvv",
    "Verification code": f"{CANARY}otp",
    "g-recaptcha-response": f"{CANARY}captcha",
    "csrf_token": f"{CANARY}csrf",
}
ADA = {"full_name": "Ada Example", "email": "ada@example.com", "message": "nickname, not my password"}


def test_p4_no_secret_leaves_the_first_function(
    stack: Deployed,
    http: requests.Session,
    clemta: Clemta,
    dead_letters: Queue,
    retry_queue: Queue,
    redelivery: Redelivery,
    everything: Callable[[], dict[str, str]],
) -> None:
    answers: list[str] = []

    def post(source: str, **request: Any) -> str:
        answer = http.post(f"{stack.api_url}/signups/{source}", timeout=30, **request)
        answers.append(answer.text)
        return str(answer.json()["status"])

    files = {"password_file": ("şifre.pdf", b"%PDF", "application/pdf")}
    lead = json.dumps(LEAD | SECRETS | {"first": "Bo", "email": "none"}).encode()
    assert post("website", data=ADA | SECRETS) == "created"
    assert post("crm", data=lead, headers=signed(lead)) == "parked"
    redelivery.hold()
    clemta.fault("error_before", times=None)
    assert post("website", data=ADA | SECRETS | {"email": "bo@example.com"}) == "queued"
    assert post("website", json=ADA | SECRETS | {"email": "cy@example.com"}) == "queued"
    assert post("website", data=ADA | SECRETS | {"email": "di@example.com"}, files=files) == "queued"
    assert eventually(lambda: len(retry_queue.messages()) == 3)

    seen = everything() | {"answers": "".join(answers), "contacts": json.dumps(clemta.contacts())}
    for number, message in enumerate([*retry_queue.messages(), *dead_letters.messages()]):
        body = base64.b64decode(message["body_base64"]).decode()
        assert "example.com" in body or "none" in body, "everything else is there"
        seen |= {f"message {number}": json.dumps(message), f"body {number}": body}
    assert len([place for place in seen if place.startswith("body")]) == 4
    leaks = [place for place, text in seen.items() if CANARY in text]
    assert not leaks
