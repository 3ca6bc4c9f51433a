"""Dead letters, and what is held as spam: looking, replaying, discarding.

Nothing leaves either queue before its fate is durable elsewhere.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from clemta_intake.bodies.parse import read_body
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ConfigError, IntakeError, KeyRefused, Retryable
from clemta_intake.intake import Invalid, Mapped, evaluate_queued
from clemta_intake.model import Envelope
from clemta_intake.settings import Settings

from .environments import Environment, OpsError
from .messages import HIDDEN_SECONDS, Message, QueueReader, depth
from .people import CLEMTA_SECONDS

LET_GO_SECONDS = HIDDEN_SECONDS + 5  # in which a killed command's messages are back
WHAT_TO_DO = {
    "config": "mend the key, the company or the source, then replay",
    "data": "mend the mapping or the data, then replay; or discard",
    "outage": "replay",
    "poison": "look at it first: replay, or discard",
    "spam": "release it if a person sent it, or discard",
}


@dataclass(frozen=True)
class Store:
    """A queue in which submissions wait for a person."""

    name: str
    url: Callable[[Settings], str]
    done: Literal["replayed", "released"]


DEAD = Store("dead-letter queue", lambda settings: settings.dead_letter_queue_url, "replayed")
HELD = Store("held queue", lambda settings: settings.held_queue_url, "released")


@dataclass(frozen=True)
class Choice:
    """Which submissions are meant; what is left empty matches any."""

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
    """What became of a dead letter or of what was held, or would."""

    message: Message
    outcome: Literal["replayed", "released", "in Clemta", "kept"]
    why: str = ""


def read_letters(
    env: Environment, choice: Choice, patience: float = 0, store: Store = DEAD
) -> tuple[list[Message], int]:
    """Those that are meant, oldest first, and about how many are in somebody else's hands; all stay where they are."""
    with _reading(env, store, patience) as reading:
        found = [message for message in reading if choice.matches(message)]
        elsewhere = reading.elsewhere()
    return sorted(found, key=lambda message: message.sent_at), elsewhere


def count(env: Environment, store: Store = DEAD) -> int:
    """How many there are to go through, about."""
    return sum(depth(env.client("sqs"), store.url(env.settings)).values())


def replay(env: Environment, choice: Choice, *, dry_run: bool = False, store: Store = DEAD) -> Iterator[Fate]:
    """Sends each through today's mapping again, but those that Clemta has by now; safe to interrupt and to repeat.

    What is redelivered meets no rule against spam, no captcha and no daily number: so is what is released.

    A submission is in the retry queue before it leaves this one. A crash in between makes a second copy of it, of which
    the ledger makes one contact. What an interrupted replay had in its hands is waited for.
    """
    found: set[str] = set()
    with _reading(env, store, 0 if dry_run else LET_GO_SECONDS) as reading:
        for message in reading:
            if not choice.matches(message):
                continue
            found.add(message.submission_id)
            fate = _fate(env, message, store)
            if not dry_run and fate.outcome != "kept":
                if fate.outcome == store.done and message.envelope:
                    env.parts.queues.retry(_afresh(message.envelope), 0)
                elif message.newer:
                    env.parts.queues.retry_newer(message.text, message.newer)
                reading.delete(message)
            yield fate
        elsewhere = reading.elsewhere()
    _all_there(choice, found, store)
    if elsewhere and not choice.ids:
        raise OpsError(not_seen(elsewhere))


def discard(env: Environment, submission_id: str, reason: str, store: Store = DEAD) -> list[Message]:
    """Deletes it, after its reason is written to the redeliver function's log."""
    gone = []
    with _reading(env, store) as reading:
        for message in reading:
            if message.submission_id == submission_id:
                _write_down(env, message, reason)
                reading.delete(message)
                gone.append(message)
    _all_there(Choice([submission_id]), {message.submission_id for message in gone}, store)
    return gone


def _reading(env: Environment, store: Store, patience: float = 0) -> QueueReader:
    return QueueReader(env.client("sqs"), store.url(env.settings), patience=patience)


def not_seen(elsewhere: int) -> str:
    """What to say where the queue could not be read whole."""
    return f"{elsewhere} more could not be seen: somebody is working on them; run it again in a minute"


def _all_there(choice: Choice, found: set[str], store: Store) -> None:
    if missing := sorted(set(choice.ids) - found):
        raise OpsError(
            f"not in the {store.name}: {', '.join(missing)} "
            f"(somebody may be looking at it; it is back within {HIDDEN_SECONDS} s)"
        )


def _afresh(envelope: Envelope) -> Envelope:
    """As if it had just failed for the first time."""
    fresh = replace(envelope, attempt=0, not_before=0, slot="", waiting_since=0)
    return replace(fresh, first_failure_at=time.time())


def _fate(env: Environment, message: Message, store: Store) -> Fate:
    """What a replay does with it."""
    if message.newer:
        return Fate(message, "replayed")
    if message.envelope is None:
        return Fate(message, "kept", "it is not a submission")
    submission = message.envelope.submission
    source = env.sources.get(submission.source)
    if source is None:
        return Fate(message, "kept", f"{env.sources_file.name} has no source {submission.source}")
    evaluated = evaluate_queued(submission, source)
    if isinstance(evaluated, Invalid):
        return Fate(message, "kept", f"it would be parked again: {evaluated.error.code}")
    if (
        not isinstance(evaluated, Mapped) or source.on_existing != "skip"
    ):  # there may be something to bring up to date
        return Fate(message, store.done)
    try:
        exists = any(env.parts.clemta.find(evaluated.mapped.contact, Deadline.after(CLEMTA_SECONDS)))
    except Retryable:  # the delivery looks it up too, when Clemta answers
        return Fate(message, store.done)
    except KeyRefused:
        raise OpsError("Clemta refuses the key, so all would be parked again: clemta-intake doctor") from None
    except ConfigError as error:
        return Fate(message, "kept", f"it would be parked again: Clemta says {error.code}")
    return Fate(message, "in Clemta" if exists else store.done)


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
    """All of it; without `reveal` no payload, none of its keys, and not Clemta's words about it."""
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
    """The whole message as it is in the queue, and its payload as text where it is text."""
    if message.envelope is None and not message.newer:
        return {"submission_id": message.id, "text": message.text}
    whole: dict[str, Any] = json.loads(message.text)
    if message.envelope:
        with suppress(UnicodeDecodeError):
            whole["body"] = message.envelope.submission.body.decode()
    return whole


def mask(text: str) -> str:
    """Enough to tell one from another, too little to know who it is."""
    return f"{text[:1]}…({len(text)})"


def _shown(named: Mapping[str, str], *, reveal: bool) -> dict[str, str]:
    """Under names that the sources file asks for, every value masked unless it is to be revealed."""
    return {name: value if reveal else mask(value) for name, value in named.items()}
