"""The queue message: one JSON shape for the retry queue, the dead-letter queue and the held queue. Pure."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from .model import Envelope, Failure, Submission

VERSION = 1
_WORD = re.compile(r"[a-zA-Z0-9_-]{1,100}")  # ids and names of sources, in every version


class NewerVersion(ValueError):
    """A message that a newer release wrote: it stays as it is. An id or source that cannot be read is ""."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        super().__init__("a newer version")
        self.submission_id = _word(message.get("submission_id"))
        self.source = _word(message.get("source"))


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def encode_envelope(envelope: Envelope) -> str:
    """The message body; less than SQS's 256 KiB for a submission that `check_size` accepts."""
    submission = envelope.submission
    failure = envelope.failure._asdict()
    # ASCII only: SQS refuses some characters, which a sender could put into the payload.
    return json.dumps(
        {
            "version": VERSION,
            "submission_id": submission.submission_id,
            "source": submission.source,
            "received_at": submission.received_at,
            "attempt": envelope.attempt,
            "first_failure_at": envelope.first_failure_at,
            "not_before": envelope.not_before,
            "slot": envelope.slot,
            "waiting_since": envelope.waiting_since,
            "failure": {"class": failure.pop("failure_class"), **failure},
            "content_type": submission.content_type,
            "headers": dict(submission.headers),
            "query": dict(submission.query),
            "delivery_id": submission.delivery_id,
            "body_base64": b64encode(submission.body).decode(),
        }
    )


def decode_envelope(text: str) -> Envelope:
    """The envelope of a message body; NewerVersion if a newer release wrote it, ValueError if none did."""
    try:
        message = json.loads(text)
        if type(message["version"]) is int and message["version"] > VERSION:
            raise NewerVersion(message)
        if message["version"] != VERSION:
            raise ValueError("unknown version")
        failure = message["failure"]
        return Envelope(
            submission=Submission(
                submission_id=str(message["submission_id"]),
                source=str(message["source"]),
                received_at=float(message["received_at"]),
                body=b64decode(message["body_base64"], validate=True),
                content_type=str(message["content_type"]),
                headers={str(name): str(value) for name, value in message["headers"].items()},
                query={str(name): str(value) for name, value in message["query"].items()},
                delivery_id=str(message.get("delivery_id", "")),
            ),
            attempt=int(message["attempt"]),
            first_failure_at=float(message["first_failure_at"]),
            failure=Failure(
                failure["class"], failure["status"], str(failure["code"]), str(failure["message"])
            ),
            not_before=float(message.get("not_before", 0)),
            slot=_text(message.get("slot", "")),
            waiting_since=float(message.get("waiting_since", 0)),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not a queue message of ours") from error
