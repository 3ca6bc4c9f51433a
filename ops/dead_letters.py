"""The dead-letter queue and the held queue: list, replay, discard.

A message is deleted from its queue only after it is durable elsewhere, or after the discard is logged.
"""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ConfigError, KeyRefused, Retryable
from clemta_intake.intake import Invalid, Mapped, evaluate_queued
from clemta_intake.model import Envelope
from clemta_intake.outcomes import FAILURE_CLASSES
from clemta_intake.settings import Settings

from .environments import Environment
from .errors import OpsError
from .logs import one_of
from .messages import HIDDEN_SECONDS, Message, QueueReader, depth
from .people import CLEMTA_SECONDS

_ID_LENGTH = len("0d4e6b0c-6f3c-4a06-8a4e-5a6f0c1b7c1d")
_MIN_LENGTH = 4  # of a shortened id
RELEASE_SECONDS = HIDDEN_SECONDS + 5  # the messages of a killed command are visible again after this time
WHAT_TO_DO: Mapping[str, str] = {name: info.action for name, info in FAILURE_CLASSES.items()}


@dataclass(frozen=True)
class ReviewQueue:
    """A queue in which submissions wait for a person's decision."""

    name: str
    url: Callable[[Settings], str]
    done: Literal["replayed", "released"]


DEAD = ReviewQueue("dead-letter queue", lambda settings: settings.dead_letter_queue_url, "replayed")
HELD = ReviewQueue("held queue", lambda settings: settings.held_queue_url, "released")


@dataclass(frozen=True)
class Selection:
    """The submissions that a command selects; an empty field matches all."""

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
class ReplayResult:
    """The result of a replay for one submission; of a dry run, the expected result."""

    message: Message
    outcome: Literal["replayed", "released", "in Clemta", "kept"]
    why: str = ""


def read_letters(
    env: Environment, selection: Selection, wait_seconds: float = 0, store: ReviewQueue = DEAD
) -> tuple[list[Message], int]:
    """The selected messages, oldest first, and the approximate number of unreadable ones; all stay in the queue."""
    with _reading(env, store, wait_seconds) as reading:
        found = [message for message in reading if selection.matches(message)]
        unread = reading.unread()
    return sorted(found, key=lambda message: message.sent_at), unread


def whole_ids(env: Environment, ids: Collection[str], store: ReviewQueue = DEAD) -> list[str]:
    """The ids, with those that are shortened completed; raises OpsError if one is the beginning of several."""
    if all(len(one) >= _ID_LENGTH for one in ids):
        return [*ids]
    letters, _ = read_letters(env, Selection(), store=store)
    found = []
    for one in ids:
        known = {letter.submission_id for letter in letters if letter.submission_id.startswith(one)}
        if len(one) < _MIN_LENGTH:
            known = set()
        one_of(known, one)
        found.append(one if not known or one in known else known.pop())
    return found


def count(env: Environment, store: ReviewQueue = DEAD) -> int:
    """The approximate number of messages in the queue."""
    return sum(depth(env.client("sqs"), store.url(env.settings)).values())


def replay(
    env: Environment, selection: Selection, *, dry_run: bool = False, store: ReviewQueue = DEAD
) -> Iterator[ReplayResult]:
    """Delivers each with the current mapping unless Clemta already has it; safe to interrupt and to repeat.

    Redelivery checks no spam rule, captcha or daily cap, so a release does not either.

    Each submission is put into the retry queue before it is deleted here. A crash in between leaves two copies; the
    ledger makes one contact of them. A replay waits for messages that an interrupted replay still hides. One that is
    parked again meanwhile, because its cause is still there, is kept.
    """
    found: set[str] = set()
    sent: set[str] = set()
    began = time.time()
    with _reading(env, store, 0 if dry_run else RELEASE_SECONDS) as reading:
        for message in reading:
            if not selection.matches(message):
                continue
            found.add(message.submission_id)
            if message.submission_id in sent and message.sent_at > began:
                yield ReplayResult(message, "kept", f"it was parked again: {_code(message)}")
                continue
            result = _replay_result(env, message, store)
            if not dry_run and result.outcome != "kept":
                if result.outcome == store.done and message.envelope:
                    env.deps.queues.retry(_restarted(message.envelope), 0)
                elif message.newer:
                    env.deps.queues.retry_newer(message.text, message.newer)
                sent.add(message.submission_id)
                reading.delete(message)
            yield result
        unread = reading.unread()
    _require_all(selection, found, store)
    if unread and not selection.ids:
        raise OpsError(unread_notice(unread))


def discard(env: Environment, ids: Collection[str], reason: str, store: ReviewQueue = DEAD) -> list[Message]:
    """Deletes the submissions' messages after it logged the reason in the redeliver function's log group."""
    gone = []
    with _reading(env, store) as reading:
        for message in reading:
            if message.submission_id in ids:
                _log_discard(env, message, reason)
                reading.delete(message)
                gone.append(message)
    _require_all(Selection(ids), {message.submission_id for message in gone}, store)
    return gone


def _reading(env: Environment, store: ReviewQueue, wait_seconds: float = 0) -> QueueReader:
    return QueueReader(env.client("sqs"), store.url(env.settings), wait_seconds=wait_seconds)


def unread_notice(unread: int) -> str:
    """The notice that some messages of the queue could not be read."""
    return f"{unread} more could not be read: another command is working on them; run it again in a minute"


def _require_all(selection: Selection, found: set[str], store: ReviewQueue) -> None:
    if missing := sorted(set(selection.ids) - found):
        raise OpsError(
            f"not in the {store.name}: {', '.join(missing)} "
            f"(another command may be reading it; it is visible again within {HIDDEN_SECONDS} s)"
        )


def _code(message: Message) -> str:
    return message.envelope.failure.code if message.envelope else "newer_version"


def _restarted(envelope: Envelope) -> Envelope:
    """The envelope with a new retry period: as after its first failure, now."""
    return envelope._replace(attempt=0, not_before=0, slot="", waiting_since=0, first_failure_at=time.time())


def _replay_result(env: Environment, message: Message, store: ReviewQueue) -> ReplayResult:
    """The result of a replay of this message; changes nothing."""
    if message.newer:
        return ReplayResult(message, "replayed")
    if message.envelope is None:
        return ReplayResult(message, "kept", "it is not a submission")
    submission = message.envelope.submission
    source = env.sources.get(submission.source)
    if source is None:
        return ReplayResult(message, "kept", f"{env.sources_file.name} has no source {submission.source}")
    evaluated = evaluate_queued(submission, source)
    if isinstance(evaluated, Invalid):
        return ReplayResult(message, "kept", f"it would be parked again: {evaluated.error.code}")
    # Without "skip" a contact that exists may still need an update.
    if not isinstance(evaluated, Mapped) or source.on_existing != "skip":
        return ReplayResult(message, store.done)
    try:
        exists = any(env.deps.clemta.find(evaluated.mapped.contact, Deadline.after(CLEMTA_SECONDS)))
    except Retryable:  # the delivery looks the contact up again
        return ReplayResult(message, store.done)
    except KeyRefused:
        raise OpsError("Clemta refuses the key, so all would be parked again: clemta-intake doctor") from None
    except ConfigError as error:
        return ReplayResult(message, "kept", f"it would be parked again: Clemta says {error.code}")
    return ReplayResult(message, "in Clemta" if exists else store.done)


def _log_discard(env: Environment, message: Message, reason: str) -> None:
    """Logs ids and the reason, never the payload."""
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
