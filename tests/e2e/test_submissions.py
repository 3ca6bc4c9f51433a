"""A submission on the deployed stack becomes one contact, or one dead letter that gives the reason."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from clemta_intake.deadlines import ANSWER_SECONDS
from local.stack import Deployed
from tests.support.events import CRM_SECRET

from .conftest import Clemta, Queue, Redelivery, eventually

type SignUp = Callable[..., requests.Response]
LEAD = {
    "event": "lead.created",
    "first": "Bo",
    "last": "Örnek",
    "email": "bo@example.com",
    "phone": "+442079460018",
}


def signed(body: bytes, secret: str = CRM_SECRET) -> dict[str, str]:
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    return {"Content-Type": "application/json", "X-Signature": f"sha256={signature}", "X-Delivery": "d1"}


def settled(clemta: Clemta, retry_queue: Queue, dead_letters: Queue) -> bool:
    """Waits until nothing is on its way any more."""
    return eventually(lambda: retry_queue.size() == 0 and bool(clemta.contacts() or dead_letters.size()), 60)


def test_a_form_becomes_a_contact(sign_up: SignUp, clemta: Clemta) -> None:
    answer = sign_up(phone="+90 532 123 45 67", country="Türkiye", city="İstanbul", message="Merhaba 🙂")
    assert answer.status_code == 200
    assert answer.json()["status"] == "created"
    [contact] = clemta.contacts("ada@example.com")
    assert contact["full_name"] == "Ada Example"
    assert contact["billing"] == {
        "phone": "5321234567",
        "phone_code": "+90",
        "iso_code": "TR",
        "country": "Türkiye",
        "district": "İstanbul",
    }
    assert contact["description"] == "Merhaba 🙂"


def test_json_and_multipart_become_contacts(stack: Deployed, http: requests.Session, clemta: Clemta) -> None:
    url = f"{stack.api_url}/signups/website"
    assert (
        http.post(url, json={"name": "Bo", "email": "bo@example.com"}, timeout=30).json()["status"]
        == "created"
    )
    parts: dict[str, Any] = {
        "name": (None, "Cé"),
        "email": (None, "ce@example.com"),
        "cv": ("cv.pdf", b"\x00\xff\xfe"),
    }
    assert http.post(url, files=parts, timeout=30).json()["status"] == "created"
    assert [contact["full_name"] for contact in clemta.contacts()] == ["Bo", "Cé"]


def test_webhook_is_authenticated_by_its_raw_bytes(
    stack: Deployed, http: requests.Session, clemta: Clemta
) -> None:
    body = json.dumps(LEAD, indent=1, ensure_ascii=False).encode() + b"\r\n"
    answer = http.post(f"{stack.api_url}/signups/crm", data=body, headers=signed(body), timeout=30)
    assert answer.json()["status"] == "created"
    [contact] = clemta.contacts()
    assert answer.json()["contact_id"] == contact["id"]
    assert contact["full_name"] == "Bo Örnek"


@pytest.mark.parametrize("headers", [{}, signed(b"other"), signed(json.dumps(LEAD).encode(), "wrong")])
def test_p5_a_forged_webhook_is_refused(
    stack: Deployed, http: requests.Session, clemta: Clemta, headers: dict[str, str]
) -> None:
    body = json.dumps(LEAD).encode()
    answer = http.post(f"{stack.api_url}/signups/crm", data=body, headers=headers, timeout=30)
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert not clemta.contacts()


def test_p3_a_redelivery_makes_no_second_contact(sign_up: SignUp, clemta: Clemta) -> None:
    assert sign_up().json()["status"] == "created"
    assert sign_up(email="ADA@example.com").json()["status"] == "created", "P8: it does not tell who is known"
    assert len(clemta.contacts()) == 1


def test_p3_a_double_click_makes_one_contact(sign_up: SignUp, clemta: Clemta, retry_queue: Queue) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: sign_up().json()["status"], range(4)))
    assert set(answers) <= {"created", "queued"}
    assert eventually(lambda: retry_queue.size() == 0 and len(clemta.contacts()) > 0, 60)
    assert len(clemta.contacts()) == 1


AGE = 1000  # seconds: more than RecheckSeconds


def old(stack: Deployed, aws: Callable[[str], Any], contact_id: str) -> None:
    """Makes the record of the contact older."""
    table = aws("dynamodb")
    for item in table.scan(TableName=stack.ledger_table)["Items"]:
        if item.get("contact_id") == {"S": contact_id}:
            table.update_item(
                TableName=stack.ledger_table,
                Key={"pk": item["pk"]},
                UpdateExpression="SET checked_at = checked_at - :age",
                ExpressionAttributeValues={":age": {"N": str(AGE)}},
            )


def test_p3_a_contact_deleted_in_clemta_is_made_again_when_its_person_signs_up_again(
    sign_up: SignUp, stack: Deployed, aws: Callable[[str], Any], clemta: Clemta, retry_queue: Queue
) -> None:
    assert sign_up().json()["status"] == "created"
    [first] = clemta.contacts()
    old(stack, aws, first["id"])
    assert sign_up().json()["status"] == "created", "a form's answer does not tell who is known"
    assert [request["operation"] for request in clemta.requests()] == ["search", "create", "get"]
    assert clemta.contacts() == [first]
    clemta.delete(first["id"])
    old(stack, aws, first["id"])
    assert sign_up().json()["status"] == "created"
    [second] = clemta.contacts()
    assert second["id"] != first["id"]
    clemta.delete(second["id"])
    old(stack, aws, second["id"])
    clemta.fault("error_before", on="get")
    assert sign_up().json()["status"] == "queued"
    assert eventually(lambda: retry_queue.size() == 0 and len(clemta.contacts()) == 1, 60)


def test_p3_a_webhooks_redelivery_does_not_bring_back_a_contact_that_was_deleted(
    stack: Deployed, http: requests.Session, aws: Callable[[str], Any], clemta: Clemta
) -> None:
    body = json.dumps(LEAD).encode()

    def post(delivery_id: str) -> Any:
        headers = signed(body) | {"X-Delivery": delivery_id}
        return http.post(f"{stack.api_url}/signups/crm", data=body, headers=headers, timeout=30).json()

    first = post("d1")
    assert first["status"] == "created"
    clemta.delete(first["contact_id"])
    old(stack, aws, first["contact_id"])
    assert post("d1")["status"] == "duplicate"
    assert not clemta.contacts()
    assert post("d2")["status"] == "created"
    [contact] = clemta.contacts()
    clemta.delete(contact["id"])
    old(stack, aws, contact["id"])
    assert [post(delivery_id)["status"] for delivery_id in ("d1", "d2")] == ["duplicate", "duplicate"]
    assert not clemta.contacts()


def test_p3_replay_of_the_same_submission_does_not_bring_a_deleted_contact_back(
    sign_up: SignUp,
    stack: Deployed,
    aws: Callable[[str], Any],
    clemta: Clemta,
    retry_queue: Queue,
    redelivery: Redelivery,
) -> None:
    redelivery.hold()
    clemta.fault("error_before", on="create")
    assert sign_up().json()["status"] == "queued"
    assert eventually(lambda: bool(retry_queue.messages()))
    [message] = retry_queue.messages()
    message.pop("attributes")
    redelivery.release()
    assert eventually(lambda: retry_queue.size() == 0 and len(clemta.contacts()) == 1, 60)
    [contact] = clemta.contacts()
    clemta.delete(contact["id"])
    old(stack, aws, contact["id"])
    replayed = message | {"attempt": 0, "not_before": 0, "received_at": message["received_at"] - AGE}
    aws("sqs").send_message(QueueUrl=stack.retry_queue_url, MessageBody=json.dumps(replayed))
    assert eventually(lambda: retry_queue.size() == 0, 60)
    assert not clemta.contacts()


FAULTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("status", {"status": 400}, "parked", "data"),
    ("status", {"status": 401, "on": "any", "times": 2}, "parked", "config"),
    ("status", {"status": 403}, "parked", "config"),
    ("status", {"status": 404}, "parked", "config"),
    ("redirect", {}, "parked", "config"),
    ("rate_limited", {"seconds": 1}, "queued", "contact"),
    ("status", {"status": 503}, "queued", "contact"),
    ("error_before", {"times": 3}, "queued", "contact"),
    ("error_after", {}, "queued", "contact"),
    ("timeout_before", {}, "queued", "contact"),
    ("timeout_after", {}, "queued", "contact"),
    ("reset_before", {}, "queued", "contact"),
    ("reset_after", {}, "queued", "contact"),
    ("html", {}, "queued", "contact"),
    ("html_after", {}, "queued", "contact"),
    ("truncated", {}, "queued", "contact"),
    ("slow", {"seconds": 20}, "queued", "contact"),
    ("slow_headers", {"seconds": 20}, "queued", "contact"),
    ("empty", {}, "queued", "contact"),
]


@pytest.mark.parametrize(("fault", "how", "status", "end"), FAULTS, ids=str)
def test_p1_p3_p4_p7_every_fault_ends_in_one_contact_or_one_dead_letter(
    sign_up: SignUp,
    clemta: Clemta,
    retry_queue: Queue,
    dead_letters: Queue,
    fault: str,
    how: dict[str, Any],
    status: str,
    end: str,
) -> None:
    clemta.fault(fault, **{"on": "create", **how})
    began = time.monotonic()
    answer = sign_up()
    assert time.monotonic() - began < ANSWER_SECONDS + 0.5, "half a second for the emulator's own way"
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert settled(clemta, retry_queue, dead_letters)
    assert len(clemta.contacts()) == (1 if end == "contact" else 0)
    assert dead_letters.size() == (0 if end == "contact" else 1)
    if end != "contact":
        [letter] = dead_letters.messages()
        assert letter["failure"]["class"] == letter["attributes"]["class"] == end
        assert b"ada%40example.com" in base64.b64decode(letter["body_base64"])


def test_p3_a_contact_that_the_search_does_not_show_yet_is_not_made_again(
    sign_up: SignUp, clemta: Clemta, retry_queue: Queue
) -> None:
    clemta.settings(search_lag=0.8)  # less than the stack's SearchLagSeconds
    clemta.fault("error_after", on="create")
    assert sign_up().json()["status"] == "queued"
    assert eventually(lambda: retry_queue.size() == 0, 60)
    assert len(clemta.contacts()) == 1


def test_p1_a_queued_submission_waits_in_sqs_whole(
    sign_up: SignUp, clemta: Clemta, retry_queue: Queue, redelivery: Redelivery
) -> None:
    redelivery.hold()
    clemta.fault("error_before", on="create", times=None)
    submission_id = sign_up(full_name="Ada\tExample").json()["submission_id"]
    assert eventually(lambda: bool(retry_queue.messages()))
    [message] = retry_queue.messages()
    attributes = message.pop("attributes")
    assert attributes == {"source": "website", "class": "outage", "status": "500"}
    assert message.keys() == {
        *("version", "submission_id", "source", "received_at", "attempt", "first_failure_at", "not_before"),
        *(
            "waiting_since",
            "slot",
            "failure",
            "content_type",
            "headers",
            "query",
            "delivery_id",
            "body_base64",
        ),
    }
    assert message["submission_id"] == submission_id
    assert base64.b64decode(message["body_base64"]) == b"full_name=Ada%09Example&email=ada%40example.com"
    clemta.clear_faults()
    redelivery.release()
    assert eventually(lambda: retry_queue.size() == 0 and len(clemta.contacts()) == 1, 60)


def test_p4_message_that_crashes_the_function_is_parked_as_poison(
    stack: Deployed, aws: Callable[[str], Any], clemta: Clemta, dead_letters: Queue
) -> None:
    aws("sqs").send_message(
        QueueUrl=stack.retry_queue_url, MessageBody="ada@example.com is no message of ours"
    )
    assert eventually(lambda: dead_letters.size() == 1)
    [letter] = dead_letters.messages()
    assert letter["failure"]["class"] == "poison"
    assert base64.b64decode(letter["body_base64"]) == b"ada@example.com is no message of ours"
    assert not clemta.contacts()


def test_a_rotated_key_loses_nothing(
    sign_up: SignUp, stack: Deployed, aws: Callable[[str], Any], clemta: Clemta
) -> None:
    secrets = aws("secretsmanager")
    before = secrets.get_secret_value(SecretId=stack.clemta_secret_id)["SecretString"]
    assert sign_up().json()["status"] == "created"
    try:
        clemta.settings(api_keys=["clemta_rotated"])
        secrets.put_secret_value(
            SecretId=stack.clemta_secret_id, SecretString='{"api_key": "clemta_rotated"}'
        )
        assert sign_up(email="bo@example.com").json()["status"] == "created"
    finally:
        secrets.put_secret_value(SecretId=stack.clemta_secret_id, SecretString=before)


def test_unmappable_form_is_refused_by_field(sign_up: SignUp, clemta: Clemta) -> None:
    answer = sign_up(email="ada@example.com\r\nBcc: bo@example.com")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "email", "message": "must be an e-mail address"}]
    assert not clemta.contacts()


@pytest.mark.parametrize(("size", "status"), [(170_000, 200), (181_000, 413)])
def test_a_large_body_is_read_up_to_180_kb_and_its_contact_says_what_did_not_fit(
    stack: Deployed, http: requests.Session, clemta: Clemta, size: int, status: int
) -> None:
    body = b"email=ada%40example.com&message=" + b"x" * size
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post(f"{stack.api_url}/signups/website", data=body, headers=headers, timeout=30)
    assert answer.status_code == status
    described = [contact["description"] for contact in clemta.contacts()]
    assert len(described) == (status == 200)
    for text in described:
        assert len(text) <= 10_000
        assert text.endswith("x…\n(1 of the answers did not fit here)")


def test_ready_health_unknown_and_preflight_routes_answer(stack: Deployed, http: requests.Session) -> None:
    assert http.get(f"{stack.api_url}/signups/website", timeout=30).json() == {"status": "ready"}
    assert http.get(f"{stack.api_url}/health", timeout=30).json()["status"] == "ok"
    assert http.post(f"{stack.api_url}/signups/nobody", data=b"x", timeout=30).status_code == 404
    preflight = http.options(
        f"{stack.api_url}/signups/website", headers={"Origin": "https://www.example.com"}, timeout=30
    )
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://www.example.com"
