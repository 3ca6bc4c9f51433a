"""Finds all stored data of one person, or erases it after a privacy request."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from clemta_intake.bodies.parse import read_body
from clemta_intake.contacts import ContactRequest, ascii_email
from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.keys import contact_key, list_key
from clemta_intake.errors import IntakeError, RateLimited
from clemta_intake.intake import Mapped, evaluate_queued
from clemta_intake.model import Envelope, MappedSubmission

from .environments import Environment
from .logs import of_request, of_submission
from .messages import HIDDEN_SECONDS, Message, QueueReader, depth
from .redelivery import paused

CLEMTA_SECONDS = 8
_ID = re.compile(r"[\w-]{8,100}")
LONGEST_WAIT = 16 * 60  # seconds; SQS delays a message by at most 15 minutes


@dataclass
class Person:
    """A person's data; `contacts` are Clemta's.

    `history` holds the log lines of a submission's id, `requests` the access log's lines of API Gateway's request id.
    `delayed` counts the unreadable messages of the retry queue, `in_work` those of the other two queues.
    """

    waiting: list[Message] = field(default_factory=list)
    parked: list[Message] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    ledger: list[dict[str, str]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    delayed: int = 0
    in_work: int = 0
    trouble: list[str] = field(default_factory=list)

    @property
    def unseen(self) -> int:
        return self.delayed + self.in_work

    @property
    def seen(self) -> bool:
        kept = self.waiting or self.parked or self.held or self.ledger
        return bool(kept or self.contacts or self.history or self.requests)


def email_of(text: str) -> str | None:
    """The text as an e-mail address; None if it is not one."""
    try:
        return ascii_email(text)
    except ValueError:
        return None


def mapped(env: Environment, envelope: Envelope) -> MappedSubmission | None:
    """The submission, mapped with the current sources file; None if it cannot be mapped."""
    source = env.sources.get(envelope.submission.source)
    evaluated = evaluate_queued(envelope.submission, source) if source else None
    return evaluated.mapped if isinstance(evaluated, Mapped) else None


def mentions(env: Environment, message: Message, text: str) -> bool:
    """Whether the message has this id, maps to this e-mail address, or holds the text in its payload."""
    if _ID.fullmatch(text) and message.submission_id.startswith(text):
        return True
    if message.envelope is None:
        return _contains_word(text, [message.text, *_texts_in_payload(message.text)])
    reading = mapped(env, message.envelope)
    if reading and reading.contact.email.casefold() == text.casefold():
        return True
    submission = message.envelope.submission
    raw = submission.body.decode("utf-8", "replace")
    texts = [raw, unquote_plus(raw), *submission.query.values(), *submission.headers.values()]
    with suppress(IntakeError):
        texts += strings(read_body(submission.content_type, submission.body))
    return _contains_word(text, texts)


def _texts_in_payload(message: str) -> Iterator[str]:
    """All texts in the payload of a newer release's message."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        body = b64decode(json.loads(message)["body_base64"])
        yield from (raw := body.decode("utf-8", "replace"), unquote_plus(raw))
        yield from strings(json.loads(raw))


def strings(data: Any) -> Iterator[str]:
    """Every text in JSON-like data, without the keys."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings(value)


def _contains_word(text: str, places: list[str]) -> bool:
    """Whether the text is there as a whole word: ada@example.com is not in nada@example.com."""
    found = re.compile(rf"(?<![\w.+-]){re.escape(text)}(?![\w-]|\.\w)", re.IGNORECASE)
    return any(found.search(place) for place in places)


def find(env: Environment, text: str) -> Person:
    """Finds a sign-up in the queues; by e-mail address also in the ledger and Clemta, by id also in the logs.

    An id is a submission's, which may be shortened, or API Gateway's of a request. Changes nothing.
    """
    person = Person()
    settings, sqs = env.settings, env.client("sqs")
    with QueueReader(sqs, settings.retry_queue_url, keep_receive_count=True) as reading:
        person.waiting = [message for message in reading if mentions(env, message, text)]
        person.delayed = reading.unread()
    with QueueReader(sqs, settings.dead_letter_queue_url) as reading:
        person.parked = [message for message in reading if mentions(env, message, text)]
        person.in_work = reading.unread()
    with QueueReader(sqs, settings.held_queue_url) as reading:
        person.held = [message for message in reading if mentions(env, message, text)]
        person.in_work += reading.unread()
    if email := email_of(text):
        person.ledger = [item for key in _keys(env, email) if (item := _item(env, key))]
        _look_up(env, email, person)
    elif _ID.fullmatch(text):
        person.history = of_submission(env, text)
        person.requests = of_request(env, text)
    return person


def hidden_messages(env: Environment) -> dict[str, int]:
    """How many messages of each queue nobody can read now: delayed, or in work. An erasure waits for them."""
    sqs, settings = env.client("sqs"), env.settings
    urls = {
        "retry queue": settings.retry_queue_url,
        "dead-letter queue": settings.dead_letter_queue_url,
        "held queue": settings.held_queue_url,
    }
    counts = {name: depth(sqs, url) for name, url in urls.items()}
    return {name: count["delayed"] + count["in work"] for name, count in counts.items()}


def erase(env: Environment, email: str) -> Person:
    """Deletes this person's messages and ledger items; lists contacts in Clemta, but does not delete them.

    Pauses redelivery while it reads the retry queue: redelivery could move a message before it is read.
    """
    person = Person()
    settings, sqs = env.settings, env.client("sqs")
    keys = set(_keys(env, email))
    with paused(env):
        retry_queue = QueueReader(
            sqs,
            settings.retry_queue_url,
            wait_seconds=LONGEST_WAIT,
            keep_receive_count=True,
        )
        dead_letters, held_queue = (
            QueueReader(sqs, url, wait_seconds=2 * HIDDEN_SECONDS)
            for url in (settings.dead_letter_queue_url, settings.held_queue_url)
        )
        person.waiting, person.delayed = _delete_messages_of(env, retry_queue, email, keys)
        person.parked, parked_unread = _delete_messages_of(env, dead_letters, email, keys)
        person.held, held_unread = _delete_messages_of(env, held_queue, email, keys)
        person.in_work = parked_unread + held_unread
    _forget_lists(env, email)
    for key in sorted(keys):
        if item := _item(env, key):
            env.client("dynamodb").delete_item(TableName=settings.ledger_table, Key={"pk": {"S": key}})
            person.ledger.append(item)
    _look_up(env, email, person)
    return person


def _delete_messages_of(
    env: Environment, queue: QueueReader, email: str, keys: set[str]
) -> tuple[list[Message], int]:
    """Deletes this person's messages and adds their ledger keys to `keys`; returns them and the unread count."""
    found = []
    with queue as reading:
        for message in reading:
            if mentions(env, message, email):
                keys |= _keys_of(env, message)
                reading.delete(message)
                found.append(message)
        return found, reading.unread()


def as_contacts(env: Environment, email: str) -> list[ContactRequest]:
    """A contact with this e-mail address for each company and type in the sources file."""
    destinations = {to for source in env.sources.values() for to in source.destinations()}
    return [
        ContactRequest(type=contact_type, full_name=email, email=email, company_id=company)
        for company, contact_type in sorted(destinations)
    ]


def _keys(env: Environment, email: str) -> list[str]:
    pepper = env.deps.secrets.pepper()
    return [contact_key(pepper, one.company_id, one.type, one.email) for one in as_contacts(env, email)]


def _forget_lists(env: Environment, email: str) -> None:
    """Lets Clemta's lists be read whole again: without this person's mark they would take a contact for missing."""
    table, pepper = env.settings.ledger_table, env.deps.secrets.pepper()
    for key in {list_key(pepper, one.company_id) for one in as_contacts(env, email)}:
        env.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": key}})


def _keys_of(env: Environment, message: Message) -> set[str]:
    """The ledger keys of the submission with on_existing = create; empty if it cannot be mapped."""
    reading = mapped(env, message.envelope) if message.envelope else None
    if reading is None:
        return set()
    one, pepper = reading.contact, env.deps.secrets.pepper()
    return {contact_key(pepper, one.company_id, one.type, one.email, reading.delivery_id)}


def _item(env: Environment, key: str) -> dict[str, str] | None:
    found = env.client("dynamodb").get_item(
        TableName=env.settings.ledger_table, Key={"pk": {"S": key}}, ConsistentRead=True
    )
    item = {name: str(next(iter(value.values()))) for name, value in found.get("Item", {}).items()}
    return item or None


def _look_up(env: Environment, email: str, person: Person) -> None:
    """Adds Clemta's contacts with this e-mail address; if Clemta does not answer, adds the reason to `trouble`."""
    for contact in as_contacts(env, email):
        try:
            person.contacts += env.deps.clemta.find(contact, Deadline.after(CLEMTA_SECONDS))
        except IntakeError as error:
            person.trouble.append(f"company {contact.company_id}: {_no_answer(error)}")


def _no_answer(error: IntakeError) -> str:
    """Why Clemta's contacts could not be read."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"Clemta answered {status} ({error.code})"
    if isinstance(error, RateLimited):
        return (
            f"Clemta was not called, because no call is left: try again in {max(1, error.retry_after):.0f} s"
        )
    if error.code == "no_answer":
        return "Clemta does not answer"
    return f"Clemta was not called: {error.code}"
