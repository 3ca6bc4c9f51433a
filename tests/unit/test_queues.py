"""The queue message."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clemta_intake.queues import Envelope, Failure, NewerVersion
from clemta_intake.submissions import MAX_BODY, MAX_HEADERS, Submission

SQS_LIMIT = 256 * 1024
SUBMISSION = Submission("s1", "crm", 1.5, b"\xff\x00", "text/plain", {"x-id": "1"}, {"q": "2"}, "d1")
ENVELOPE = Envelope(SUBMISSION, 2, 3.5, Failure("outage", 500, "INTERNAL_ERROR", "oh"), 4.5, "open:7", 2.5)


def test_the_message_has_the_fixed_shape() -> None:
    assert json.loads(ENVELOPE.to_json()) == {
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
def test_p4_a_submission_survives_the_queue_byte_by_byte(
    body: bytes, texts: list[str], status: int | None
) -> None:
    kind, header, query, message = texts
    submission = Submission("s", "crm", 1.0, body, kind, {"h": header}, {"q": query})
    envelope = Envelope(submission, 1, 2.0, Failure("data", status, "x", message))
    text = envelope.to_json()
    assert Envelope.from_json(text) == envelope
    assert text.isascii(), "SQS refuses some characters"


def test_p1_the_largest_submission_fits() -> None:
    worst = "\U0001f600" * (MAX_HEADERS // 2)
    submission = Submission("s" * 36, "n" * 64, 1e9, b"x" * MAX_BODY, worst, {"h" * 64: worst})
    submission.check_fits()
    text = Envelope(submission, 99, 1e9, Failure("outage", 500, "X" * 64, "\U0001f600" * 500)).to_json()
    assert len(text) < SQS_LIMIT - 1024, "its attributes count too"


@pytest.mark.parametrize(
    "text", ["", "null", "1", '{"version": 1}', '{"version": 9}', "{" * 100_000, '"' + "x" * 9 + '"']
)
def test_what_we_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Envelope.from_json(text)


def test_p4_a_newer_version_is_told_from_what_is_no_message_of_ours() -> None:
    with pytest.raises(NewerVersion) as caught:
        Envelope.from_json(json.dumps({"version": 2, "submission_id": "s1-2", "source": "web_site"}))
    assert (caught.value.submission_id, caught.value.source) == ("s1-2", "web_site")
    assert str(caught.value) == "a newer version", "what it carries is no part of a traceback"
    for nonsense in ("0", "-1", "2.5", '"2"', "null", "[2]", "1" * 5_000):
        with pytest.raises(ValueError) as other:
            Envelope.from_json(f'{{"version": {nonsense}}}')
        assert not isinstance(other.value, NewerVersion), nonsense


def test_p4_a_message_of_an_earlier_release_is_read() -> None:
    message = json.loads(ENVELOPE.to_json())
    for key in ("slot", "waiting_since", "not_before"):
        del message[key]
    envelope = Envelope.from_json(json.dumps(message))
    assert (envelope.submission, envelope.slot, envelope.waiting_since) == (SUBMISSION, "", 0)


@pytest.mark.parametrize("key", [key for key in json.loads(ENVELOPE.to_json()) if key != "delivery_id"])
def test_a_message_with_a_wrong_value_is_refused(key: str) -> None:
    message = json.loads(ENVELOPE.to_json())
    message[key] = {"class": []} if key == "failure" else ["%"]
    if key in ("submission_id", "source", "content_type"):
        del message[key]
    with pytest.raises(ValueError):
        Envelope.from_json(json.dumps(message))
