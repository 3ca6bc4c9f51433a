"""The queue message."""

import json
from collections.abc import Callable
from copy import replace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from hypothesis import given
from hypothesis import strategies as st

from clemta_intake.bodies.limits import MAX_BODY, MAX_HEADERS, check_size
from clemta_intake.errors import Unavailable
from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.queue_message import NewerVersion, decode_envelope, encode_envelope
from clemta_intake.queues import Queues
from tests.support.aws_requests import refusals_of

SQS_LIMIT = 256 * 1024
SUBMISSION = Submission("s1", "crm", 1.5, b"\xff\x00", "text/plain", {"x-id": "1"}, {"q": "2"}, "d1")
ENVELOPE = Envelope(SUBMISSION, 2, 3.5, Failure("outage", 500, "INTERNAL_ERROR", "oh"), 4.5, "open:7", 2.5)


def test_the_queue_message_has_the_fixed_shape() -> None:
    assert json.loads(encode_envelope(ENVELOPE)) == {
        "version": 1,
        "submission_id": "s1",
        "source": "crm",
        "received_at": 1.5,
        "attempt": 2,
        "first_failure_at": 3.5,
        "not_before": 4.5,
        "slot": "open:7",
        "waiting_since": 2.5,
        "failure": {"class": "outage", "status": 500, "code": "INTERNAL_ERROR", "message": "oh"},
        "content_type": "text/plain",
        "headers": {"x-id": "1"},
        "query": {"q": "2"},
        "delivery_id": "d1",
        "body_base64": "/wA=",
    }


@given(
    body=st.binary(),
    texts=st.lists(st.text(st.characters(exclude_categories=[])), min_size=4, max_size=4),
    status=st.none() | st.integers(400, 599),
)
def test_p4_submission_survives_the_queue_unchanged(
    body: bytes, texts: list[str], status: int | None
) -> None:
    kind, header, query, message = texts
    submission = Submission("s", "crm", 1.0, body, kind, {"h": header}, {"q": query})
    envelope = Envelope(submission, 1, 2.0, Failure("data", status, "x", message))
    text = encode_envelope(envelope)
    assert decode_envelope(text) == envelope
    assert text.isascii(), "SQS refuses some characters"


def test_p1_the_largest_submission_fits_into_an_sqs_message() -> None:
    worst = "\U0001f600" * (MAX_HEADERS // 2)
    submission = Submission("s" * 36, "n" * 64, 1e9, b"x" * MAX_BODY, worst, {"h" * 64: worst})
    check_size(submission)
    text = encode_envelope(
        Envelope(submission, 99, 1e9, Failure("outage", 500, "X" * 64, "\U0001f600" * 500))
    )
    assert len(text) < SQS_LIMIT - 1024, "its attributes count too"


@pytest.mark.parametrize(
    "text", ["", "null", "1", '{"version": 1}', '{"version": 9}', "{" * 100_000, '"' + "x" * 9 + '"']
)
def test_text_that_is_not_a_queue_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_envelope(text)


def test_p4_message_of_a_newer_version_is_distinguished_from_an_invalid_one() -> None:
    with pytest.raises(NewerVersion) as caught:
        decode_envelope(json.dumps({"version": 2, "submission_id": "s1-2", "source": "web_site"}))
    assert (caught.value.submission_id, caught.value.source) == ("s1-2", "web_site")
    assert str(caught.value) == "a newer version", "what it carries is no part of a traceback"
    for nonsense in ("0", "-1", "2.5", '"2"', "null", "[2]", "1" * 5_000):
        with pytest.raises(ValueError) as other:
            decode_envelope(f'{{"version": {nonsense}}}')
        assert not isinstance(other.value, NewerVersion), nonsense


def test_p4_a_message_of_an_earlier_release_is_read() -> None:
    message = json.loads(encode_envelope(ENVELOPE))
    for key in ("slot", "waiting_since", "not_before"):
        del message[key]
    envelope = decode_envelope(json.dumps(message))
    assert (envelope.submission, envelope.slot, envelope.waiting_since) == (SUBMISSION, "", 0)
    assert envelope.not_before == 0


@pytest.mark.parametrize(
    "key", [key for key in json.loads(encode_envelope(ENVELOPE)) if key != "delivery_id"]
)
def test_a_message_with_a_wrong_value_is_refused(key: str) -> None:
    message = json.loads(encode_envelope(ENVELOPE))
    message[key] = {"class": []} if key == "failure" else ["%"]
    if key in ("submission_id", "source", "content_type"):
        del message[key]
    with pytest.raises(ValueError):
        decode_envelope(json.dumps(message))


@pytest.mark.parametrize("text", ["/w=A=", "/wA=junk", "/wA", " /wA=", "/wA=\n", "\u0130"])
def test_message_with_invalid_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_envelope(json.dumps(json.loads(encode_envelope(ENVELOPE)) | {"body_base64": text}))


class Sqs:
    """Keeps what it takes, each held to what SQS itself takes; fails before it takes anything as often as told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0
        self.sent: list[dict[str, Any]] = []

    def send_message(self, **request: Any) -> None:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        assert refusals_of("SendMessage", request) == []
        self.sent.append(request)


def queues(sqs: Sqs) -> Queues:
    return Queues(lambda: sqs, "retry", "dead", "held")  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("delay", "expected"),
    [(-5, 0), (0, 0), (0.01, 1), (29.2, 30), (30, 30), (899.5, 900), (900, 900), (900.1, 900), (1e9, 900)],
)
def test_p10_delay_is_rounded_up_to_seconds_that_sqs_accepts(delay: float, expected: int) -> None:
    queues(sqs := Sqs()).retry(ENVELOPE, delay)
    [sent] = sqs.sent
    assert (sent["QueueUrl"], sent["DelaySeconds"]) == ("retry", expected)


@pytest.mark.parametrize(
    ("send", "url"), [(Queues.park, "dead"), (Queues.hold, "held")], ids=["parked", "held"]
)
def test_p4_parked_submission_is_sent_without_a_delay(
    send: Callable[[Queues, Envelope], None], url: str
) -> None:
    send(queues(sqs := Sqs()), ENVELOPE)
    [sent] = sqs.sent
    assert (sent["QueueUrl"], sent["DelaySeconds"], sent["MessageBody"]) == (
        url,
        0,
        encode_envelope(ENVELOPE),
    )


@pytest.mark.parametrize(
    ("send", "url"), [(Queues.park_newer, "dead"), (Queues.retry_newer, "retry")], ids=["parked", "again"]
)
@pytest.mark.parametrize(("source", "said"), [("crm", "crm"), ("", "unknown")])
def test_p10_newer_message_has_attributes_that_sqs_accepts(
    send: Callable[[Queues, str, NewerVersion], None], url: str, source: str, said: str
) -> None:
    send(queues(sqs := Sqs()), "as it came", NewerVersion({"source": source}))
    [sent] = sqs.sent
    assert (sent["QueueUrl"], sent["DelaySeconds"], sent["MessageBody"]) == (url, 0, "as it came")
    assert attributes(sent) == {"source": said, "class": "outage", "status": "0"}


def attributes(sent: dict[str, Any]) -> dict[str, str]:
    return {name: value["StringValue"] for name, value in sent["MessageAttributes"].items()}


@pytest.mark.parametrize(("status", "said"), [(500, "500"), (None, "0")])
def test_p10_message_attributes_hold_source_class_and_status(status: int | None, said: str) -> None:
    queues(sqs := Sqs()).retry(replace(ENVELOPE, failure=Failure("outage", status, "X", "")), 1)
    assert attributes(sqs.sent[0]) == {"source": "crm", "class": "outage", "status": said}


def test_p1_send_is_repeated_once_after_no_answer_and_never_after_a_refusal() -> None:
    silent, refused = BotoCoreError(), ClientError({"Error": {"Code": "AccessDenied"}}, "SendMessage")
    queues(once := Sqs(silent)).park(ENVELOPE)
    assert len(once.sent) == 1
    for failures, calls, name in (
        ([silent, BotoCoreError()], 2, "BotoCoreError"),
        ([refused], 1, "ClientError"),
    ):
        with pytest.raises(Unavailable) as trouble:
            queues(sqs := Sqs(*failures)).park(ENVELOPE)
        assert (trouble.value.code, str(trouble.value)) == ("queue_unavailable", name)
        assert sqs.calls == calls
