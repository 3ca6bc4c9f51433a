"""The dead-letter queue: looking, replaying, discarding. Nothing leaves it before its fate is durable elsewhere."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ConfigError, IntakeError, KeyRefused, Temporary
from clemta_intake.queues import Envelope
from clemta_intake.sources.mapping import read
from clemta_intake.submissions import read_body

from .environments import Environment, OpsError
from .messages import HIDDEN_SECONDS, Message, Reading, depth
from .people import CLEMTA_SECONDS, strings

LET_GO_SECONDS = HIDDEN_SECONDS + 5  # in which a killed command's messages are back
WHAT_TO_DO = {
    "config": "mend the key, the company or the source, then replay",
    "data": "mend the mapping or the data, then replay; or discard",
    "outage": "replay",
    "poison": "look at it first: replay, or discard",
}


@dataclass(frozen=True)
class Choice:
    """Which dead letters are meant; what is left empty matches any."""

    ids: Collection[str] = ()
    failure_class: str | None = None
    source: str | None = None

    def matches(self, message: Message) -> bool:
        return (
            (not self.ids or message.submission_id in self.ids)
            and self.failure_class in (None, message.failure_class)
            and self.source in (None, message.source)
        )


@dataclass(frozen=True)
class Fate:
    """What became of a dead letter, or would."""

    message: Message
    outcome: Literal["replayed", "in Clemta", "kept"]
    why: str = ""


def read_letters(env: Environment, choice: Choice, patience: float = 0) -> tuple[list[Message], int]:
    """Those that are meant, oldest first, and about how many are in somebody else's hands; all stay where they are."""
    with _reading(env, patience) as reading:
        found = [message for message in reading if choice.matches(message)]
        elsewhere = reading.elsewhere()
    return sorted(found, key=lambda message: message.sent_at), elsewhere


def count(env: Environment) -> int:
    """How many there are to go through, about."""
    return sum(depth(env.client("sqs"), env.settings.dead_letter_queue_url).values())


def replay(env: Environment, choice: Choice, *, dry_run: bool = False) -> Iterator[Fate]:
    """Sends each through today's mapping again, but those that Clemta has by now; safe to interrupt and to repeat.

    A submission is in the retry queue before it leaves this one. A crash in between makes a second copy of it, of which
    the ledger makes one contact. What an interrupted replay had in its hands is waited for.
    """
    found: set[str] = set()
    with _reading(env, patience=0 if dry_run else LET_GO_SECONDS) as reading:
        for message in reading:
            if not choice.matches(message):
                continue
            found.add(message.submission_id)
            fate = _fate(env, message)
            if not dry_run and fate.outcome != "kept":
                if fate.outcome == "replayed" and message.envelope:
                    env.parts.queues.retry(_afresh(message.envelope), 0)
                reading.delete(message)
            yield fate
        elsewhere = reading.elsewhere()
    _all_there(choice, found)
    if elsewhere and not choice.ids:
        raise OpsError(not_seen(elsewhere))


def discard(env: Environment, submission_id: str, reason: str) -> list[Message]:
    """Deletes it, after its reason is written to the redeliver function's log."""
    gone = []
    with _reading(env) as reading:
        for message in reading:
            if message.submission_id == submission_id:
                _write_down(env, message, reason)
                reading.delete(message)
                gone.append(message)
    _all_there(Choice([submission_id]), {message.submission_id for message in gone})
    return gone


def _reading(env: Environment, patience: float = 0) -> Reading:
    return Reading(env.client("sqs"), env.settings.dead_letter_queue_url, patience=patience)


def not_seen(elsewhere: int) -> str:
    """What to say where the queue could not be read whole."""
    return f"{elsewhere} more could not be seen: somebody is working on them; run it again in a minute"


def _all_there(choice: Choice, found: set[str]) -> None:
    if missing := sorted(set(choice.ids) - found):
        raise OpsError(
            f"not in the dead-letter queue: {', '.join(missing)} "
            f"(somebody may be looking at it; it is back within {HIDDEN_SECONDS} s)"
        )


def _afresh(envelope: Envelope) -> Envelope:
    """As if it had just failed for the first time."""
    fresh = replace(envelope, attempt=0, not_before=0, slot="", waiting_since=0)
    return replace(fresh, first_failure_at=time.time())


def _fate(env: Environment, message: Message) -> Fate:
    """What a replay does with it."""
    if message.envelope is None:
        return Fate(message, "kept", "it is not a submission")
    submission = message.envelope.submission
    source = env.sources.get(submission.source)
    if source is None:
        return Fate(message, "kept", f"{env.sources_file.name} has no source {submission.source}")
    try:
        reading = read(submission, source)
    except IntakeError as error:
        return Fate(message, "kept", f"it would be parked again: {error.code}")
    if reading is None or source.on_existing != "skip":  # there may be something to bring up to date
        return Fate(message, "replayed")
    try:
        contacts = env.parts.clemta.find(reading.contact, Deadline.after(CLEMTA_SECONDS))
    except Temporary:  # the delivery looks it up too, when Clemta answers
        return Fate(message, "replayed")
    except KeyRefused:
        raise OpsError("Clemta refuses the key, so all would be parked again: clemta-intake doctor") from None
    except ConfigError as error:
        return Fate(message, "kept", f"it would be parked again: Clemta says {error.code}")
    return Fate(message, "in Clemta" if contacts else "replayed")


def _write_down(env: Environment, message: Message, reason: str) -> None:
    """For whoever asks later; ids and the reason, nothing of the payload."""
    logs, group = env.client("logs"), env.outputs["RedeliverLogGroup"]
    stream = f"operator-{message.id}"
    line = {
        "message": "submission",
        "submission_id": message.submission_id,
        "source": message.source,
        "outcome": "discarded",
        "class": message.failure_class,
        "reason": reason,
    }
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
    logs.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(line)}],
    )


def summary(message: Message) -> dict[str, Any]:
    """What may be shown of it anywhere: no payload."""
    envelope = message.envelope
    return {
        "submission_id": message.submission_id,
        "source": message.source,
        "class": message.failure_class,
        "status": envelope.failure.status if envelope else None,
        "code": envelope.failure.code if envelope else "not_a_submission",
        "attempts": envelope.attempt if envelope else 0,
        "received_at": envelope.submission.received_at if envelope else message.sent_at,
        "parked_at": message.sent_at,
    }


def details(message: Message, *, reveal: bool) -> dict[str, Any]:
    """All of it; without `reveal` every value that somebody sent is masked."""
    if message.envelope is None:
        return {**summary(message), "payload": message.text if reveal else mask(message.text)}
    submission, failure = message.envelope.submission, message.envelope.failure
    try:
        payload = read_body(submission.content_type, submission.body)
    except IntakeError:
        payload = submission.body.decode("utf-8", "replace")
    said = failure.message
    if not reveal:
        for value in sorted({text for text in strings(payload) if text.strip()}, key=len, reverse=True):
            said = said.replace(value, mask(value))
    return {
        **summary(message),
        "message": said,
        "content_type": submission.content_type.partition(";")[0],
        "headers": _shown(submission.headers, reveal=reveal),
        "query": _shown(submission.query, reveal=reveal),
        "payload": _shown(payload, reveal=reveal),
    }


def exported(message: Message) -> dict[str, Any]:
    """The whole message as it is in the queue, and its payload as text where it is text."""
    if message.envelope is None:
        return {"submission_id": message.id, "text": message.text}
    whole: dict[str, Any] = json.loads(message.text)
    with suppress(UnicodeDecodeError):
        whole["body"] = message.envelope.submission.body.decode()
    return whole


def mask(text: str) -> str:
    """Enough to tell one from another, too little to know who it is."""
    return f"{text[:1]}…({len(text)})"


def _shown(data: Any, *, reveal: bool) -> Any:
    """JSON-like data, with every value masked unless it is to be revealed."""
    if isinstance(data, Mapping):
        return {key: _shown(value, reveal=reveal) for key, value in data.items()}
    if isinstance(data, list):
        return [_shown(value, reveal=reveal) for value in data]
    return data if reveal or data is None or isinstance(data, bool) else mask(str(data))
