"""Views of a message for the operator: without its payload unless `reveal` is set."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from clemta_intake.bodies.parse import read_body
from clemta_intake.errors import IntakeError

from .messages import Message


def summary(message: Message) -> dict[str, Any]:
    """The message without its payload: safe to print anywhere."""
    envelope = message.envelope
    return {
        "submission_id": message.submission_id,
        "source": message.source,
        "class": message.failure_class,
        "status": envelope.failure.status if envelope else None,
        "code": envelope.failure.code
        if envelope
        else "newer_version"
        if message.newer
        else "not_a_submission",
        "attempts": envelope.attempt if envelope else 0,
        "received_at": envelope.submission.received_at if envelope else message.sent_at,
        "parked_at": message.sent_at,
    }


def details(message: Message, *, reveal: bool) -> dict[str, Any]:
    """All data of the message; without `reveal`, no payload, no payload keys and no message of Clemta's."""
    if message.envelope is None:
        size = len(message.text.encode())
        says = "a newer release wrote it: deploy that one, then replay" if message.newer else None
        shown = {**summary(message), "message": says, "payload_bytes": size}
        return {**shown, "payload": message.text if reveal else None}
    submission, failure = message.envelope.submission, message.envelope.failure
    payload = None
    if reveal:
        try:
            payload = read_body(submission.content_type, submission.body)
        except IntakeError:
            payload = submission.body.decode("utf-8", "replace")
    return {
        **summary(message),
        "message": failure.message if reveal else None,
        "content_type": submission.content_type.partition(";")[0],
        "headers": _shown(submission.headers, reveal=reveal),
        "query": _shown(submission.query, reveal=reveal),
        "payload_bytes": len(submission.body),
        "payload": payload,
    }


def exported(message: Message) -> dict[str, Any]:
    """The whole message as in the queue, with its payload as text if it is text."""
    if message.envelope is None and not message.newer:
        return {"submission_id": message.id, "text": message.text}
    whole: dict[str, Any] = json.loads(message.text)
    if message.envelope:
        with suppress(UnicodeDecodeError):
            whole["body"] = message.envelope.submission.body.decode()
    return whole


def mask(text: str) -> str:
    """The first character and the length: enough to tell values apart, too little to identify a person."""
    return f"{text[:1]}…({len(text)})"


def _shown(named: Mapping[str, str], *, reveal: bool) -> dict[str, str]:
    """The headers or parameters, with every value masked unless `reveal` is set."""
    return {name: value if reveal else mask(value) for name, value in named.items()}
