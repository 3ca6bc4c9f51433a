"""The queue message, one shape for the retry queue, the dead-letter queue and the held queue, and the three queues."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from .errors import FailureClass, Unavailable
from .lanes import Lane, Place
from .submissions import Submission

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

VERSION = 1
MAX_DELAY = 900  # seconds; SQS delays a message no longer
_WORD = re.compile(r"[a-zA-Z0-9_-]{1,100}")  # ids and names of sources, as every version writes them


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a submission is in a queue; `message` may quote the payload and stays beside it."""

    failure_class: FailureClass
    status: int | None
    code: str
    message: str


class NewerVersion(ValueError):
    """A queue message of a newer release, to be left as it is; "" for what cannot be told of it."""

    def __init__(self, message: Mapping[str, Any]) -> None:
        super().__init__("a newer version")
        self.submission_id = _word(message.get("submission_id"))
        self.source = _word(message.get("source"))


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A submission that waits, `waiting_since` it was first queued; times in unix seconds.

    It is not to be tried before `not_before`; `slot` is its turn at Clemta, see lanes.py.
    """

    submission: Submission
    attempt: int
    first_failure_at: float
    failure: Failure
    not_before: float = 0
    slot: str = ""
    waiting_since: float = 0

    def place(self, lane: Lane) -> Place:
        """Where it stands among those who wait for Clemta; what failed had its turn and is no newcomer."""
        return Place(lane, self.slot or ("tried" if self.attempt else ""), self.not_before)

    def to_json(self) -> str:
        """The message body as design and docs fix it; never over 256 KiB for a body of MAX_BODY."""
        submission = self.submission
        failure = asdict(self.failure)
        return json.dumps(
            {
                "version": VERSION,
                "submission_id": submission.submission_id,
                "source": submission.source,
                "received_at": submission.received_at,
                "attempt": self.attempt,
                "first_failure_at": self.first_failure_at,
                "not_before": self.not_before,
                "slot": self.slot,
                "waiting_since": self.waiting_since,
                "failure": {"class": failure.pop("failure_class"), **failure},
                "content_type": submission.content_type,
                "headers": dict(submission.headers),
                "query": dict(submission.query),
                "delivery_id": submission.delivery_id,
                "body_base64": b64encode(submission.body).decode(),
            }
        )  # in ASCII: SQS refuses some characters, and the payload's sender chose them

    @classmethod
    def from_json(cls, text: str) -> "Envelope":
        """Raises ValueError for anything that `to_json` did not write, and NewerVersion where a newer one did."""
        try:
            message = json.loads(text)
            if type(message["version"]) is int and message["version"] > VERSION:
                raise NewerVersion(message)
            if message["version"] != VERSION:
                raise ValueError("unknown version")
            failure = message["failure"]
            return cls(
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


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


class Queues:
    """Where a submission is safe. Each call returns when SQS has it, and raises Unavailable if it has not."""

    def __init__(
        self, client: Callable[[], "SQSClient"], retry_url: str, dead_letter_url: str, held_url: str
    ) -> None:
        self._client = client
        self._retry_url = retry_url
        self._dead_letter_url = dead_letter_url
        self._held_url = held_url

    def retry(self, envelope: Envelope, delay: float) -> None:
        """Comes again after `delay` seconds."""
        self._send_envelope(self._retry_url, envelope, min(MAX_DELAY, max(0, ceil(delay))))

    def park(self, envelope: Envelope) -> None:
        """Waits in the dead-letter queue for a person."""
        self._send_envelope(self._dead_letter_url, envelope, 0)

    def hold(self, envelope: Envelope) -> None:
        """Waits in the held queue: a rule took it for spam, and a person may release it."""
        self._send_envelope(self._held_url, envelope, 0)

    def park_newer(self, text: str, newer: NewerVersion) -> None:
        """Waits in the dead-letter queue, byte for byte, for the release that wrote it."""
        self._send(self._dead_letter_url, text, newer.source, "outage", 0, 0)

    def retry_newer(self, text: str, newer: NewerVersion) -> None:
        """Comes again at once, byte for byte."""
        self._send(self._retry_url, text, newer.source, "outage", 0, 0)

    def _send_envelope(self, url: str, envelope: Envelope, delay: int) -> None:
        source, failure = envelope.submission.source, envelope.failure
        self._send(url, envelope.to_json(), source, failure.failure_class, failure.status or 0, delay)

    def _send(
        self, url: str, body: str, source: str, failure_class: FailureClass, status: int, delay: int
    ) -> None:
        request: dict[str, Any] = {
            "QueueUrl": url,
            "MessageBody": body,
            "DelaySeconds": delay,
            "MessageAttributes": {
                "source": {"DataType": "String", "StringValue": source or "unknown"},
                "class": {"DataType": "String", "StringValue": failure_class},
                "status": {"DataType": "Number", "StringValue": str(status)},
            },
        }
        try:
            try:
                self._client().send_message(**request)
            except BotoCoreError:  # no answer: at once a second time; the ledger makes one of two messages
                self._client().send_message(**request)
        except (BotoCoreError, ClientError) as error:
            raise Unavailable("queue_unavailable", type(error).__name__) from error
