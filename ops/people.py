"""What is known of one person: finding a sign-up, and erasing what a privacy request names."""

import json
import re
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from clemta_intake.bodies.parse import read_body
from clemta_intake.contacts import ContactRequest, ascii_email
from clemta_intake.deadlines import Deadline
from clemta_intake.dynamo.ledger import contact_key
from clemta_intake.errors import IntakeError, RateLimited
from clemta_intake.intake import Mapped, evaluate_queued
from clemta_intake.model import Envelope, MappedSubmission

from .environments import Environment, OpsError
from .logs import of_submission
from .messages import HIDDEN_SECONDS, Message, QueueReader, arn, depth

CLEMTA_SECONDS = 8
_ID = re.compile(r"[\w-]{8,100}")
_LONGEST_DELAY = 16 * 60  # seconds; SQS delays a message 15 minutes at the most


@dataclass
class Person:
    """What was found of a person; `contacts` are Clemta's, `history` the log lines of a submission named by its id.

    `delayed` and `in_work` count the messages of the retry queue, and of the other two, that could not be read.
    """

    waiting: list[Message] = field(default_factory=list)
    parked: list[Message] = field(default_factory=list)
    held: list[Message] = field(default_factory=list)
    ledger: list[dict[str, str]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    delayed: int = 0
    in_work: int = 0
    trouble: list[str] = field(default_factory=list)

    @property
    def unseen(self) -> int:
        return self.delayed + self.in_work

    @property
    def seen(self) -> bool:
        return bool(self.waiting or self.parked or self.held or self.ledger or self.contacts or self.history)


def email_of(text: str) -> str | None:
    """The text as an e-mail address; None if it is none."""
    try:
        return ascii_email(text)
    except ValueError:
        return None


def mapped(env: Environment, envelope: Envelope) -> MappedSubmission | None:
    """What the submission asks for by today's sources; None where that cannot be read."""
    source = env.sources.get(envelope.submission.source)
    evaluated = evaluate_queued(envelope.submission, source) if source else None
    return evaluated.mapped if isinstance(evaluated, Mapped) else None


def mentions(env: Environment, message: Message, text: str) -> bool:
    """Whether the message is this person's: by its id, by the mapping, or by the text's standing in the payload."""
    if message.submission_id == text:
        return True
    if message.envelope is None:
        return _stands_in(text, [message.text, *_carried(message.text)])
    reading = mapped(env, message.envelope)
    if reading and reading.contact.email.casefold() == text.casefold():
        return True
    submission = message.envelope.submission
    raw = submission.body.decode("utf-8", "replace")
    texts = [raw, unquote_plus(raw), *submission.query.values(), *submission.headers.values()]
    with suppress(IntakeError):
        texts += strings(read_body(submission.content_type, submission.body))
    return _stands_in(text, texts)


def _carried(message: str) -> Iterator[str]:
    """The texts in the payload of a message that this release cannot read whole."""
    with suppress(ValueError, TypeError, KeyError, RecursionError):
        body = b64decode(json.loads(message)["body_base64"])
        yield from (raw := body.decode("utf-8", "replace"), unquote_plus(raw))
        yield from strings(json.loads(raw))


def strings(data: Any) -> Iterator[str]:
    """Every text in JSON-like data, keys apart."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from strings(value)


def _stands_in(text: str, places: list[str]) -> bool:
    """As a word of its own: ada@example.com is not in nada@example.com."""
    found = re.compile(rf"(?<![\w.+-]){re.escape(text)}(?![\w-]|\.\w)", re.IGNORECASE)
    return any(found.search(place) for place in places)


def find(env: Environment, text: str) -> Person:
    """Where a sign-up is; changes nothing. An e-mail address is looked up in ledger and Clemta, an id in the logs."""
    person = Person()
    settings, sqs = env.settings, env.client("sqs")
    with QueueReader(sqs, settings.retry_queue_url, uncounted=True) as reading:
        person.waiting = [message for message in reading if mentions(env, message, text)]
        person.delayed = reading.elsewhere()
    with QueueReader(sqs, settings.dead_letter_queue_url) as reading:
        person.parked = [message for message in reading if mentions(env, message, text)]
        person.in_work = reading.elsewhere()
    with QueueReader(sqs, settings.held_queue_url) as reading:
        person.held = [message for message in reading if mentions(env, message, text)]
        person.in_work += reading.elsewhere()
    if email := email_of(text):
        person.ledger = [item for key in _keys(env, email) if (item := _item(env, key))]
        _look_up(env, email, person)
    elif _ID.fullmatch(text):
        person.history = of_submission(env, text)
    return person


def erase(env: Environment, email: str, waiting: Callable[[int], None]) -> Person:
    """Deletes this person's messages and ledger items; what stands in Clemta is only named.

    While the retry queue is read, redelivery is held: else a message could go round for ever without being seen.
    """
    person = Person()
    settings, sqs = env.settings, env.client("sqs")
    keys = set(_keys(env, email))
    with _redelivery_held(env):
        retry_queue = QueueReader(
            sqs, settings.retry_queue_url, patience=_LONGEST_DELAY, uncounted=True, waiting=waiting
        )
        dead_letters, held_queue = (
            QueueReader(sqs, url, patience=2 * HIDDEN_SECONDS, waiting=waiting)
            for url in (settings.dead_letter_queue_url, settings.held_queue_url)
        )
        person.waiting, person.delayed = _taken(env, retry_queue, email, keys)
        person.parked, parked_elsewhere = _taken(env, dead_letters, email, keys)
        person.held, held_elsewhere = _taken(env, held_queue, email, keys)
        person.in_work = parked_elsewhere + held_elsewhere
    for key in sorted(keys):
        if item := _item(env, key):
            env.client("dynamodb").delete_item(TableName=settings.ledger_table, Key={"pk": {"S": key}})
            person.ledger.append(item)
    _look_up(env, email, person)
    return person


def _taken(env: Environment, queue: QueueReader, email: str, keys: set[str]) -> tuple[list[Message], int]:
    """This person's messages, deleted, with their ledger keys added to `keys`; and how many were not seen."""
    found = []
    with queue as reading:
        for message in reading:
            if mentions(env, message, email):
                keys |= _keys_of(env, message)
                reading.delete(message)
                found.append(message)
        return found, reading.elsewhere()


@contextmanager
def _redelivery_held(env: Environment) -> Iterator[None]:
    """Switches the retry queue's poller off and on again; not at all where nothing waits."""
    url, functions = env.settings.retry_queue_url, env.client("lambda")
    if not any(depth(env.client("sqs"), url).values()):
        yield
        return
    pollers = [poller["UUID"] for poller in redelivery(env) if poller["State"].startswith("Enabl")]
    try:
        for poller in pollers:
            functions.update_event_source_mapping(UUID=poller, Enabled=False)
        yield
    finally:
        for poller in pollers:
            _switch_on(functions, poller)


def _switch_on(functions: Any, poller: str) -> None:
    """Switches a poller on; while AWS is still switching it off, it says so and is asked again."""
    for _ in range(30):
        try:
            functions.update_event_source_mapping(UUID=poller, Enabled=True)
        except functions.exceptions.ResourceInUseException:
            time.sleep(2)
        else:
            return
    raise OpsError(f"redelivery is still off: switch the event source mapping {poller} on")


def redelivery(env: Environment) -> list[dict[str, Any]]:
    """The retry queue's pollers."""
    queue = arn(env.client("sqs"), env.settings.retry_queue_url)
    found: list[dict[str, Any]] = env.client("lambda").list_event_source_mappings(EventSourceArn=queue)[
        "EventSourceMappings"
    ]
    return found


def as_contacts(env: Environment, email: str) -> list[ContactRequest]:
    """The contact that this e-mail would be, for each company and type that a source has."""
    pairs = {(source.company_id, source.contact_type) for source in env.sources.values()}
    return [
        ContactRequest(type=contact_type, full_name=email, email=email, company_id=company)
        for company, contact_type in sorted(pairs)
    ]


def _keys(env: Environment, email: str) -> list[str]:
    pepper = env.parts.pepper()
    return [contact_key(pepper, one.company_id, one.type, one.email) for one in as_contacts(env, email)]


def _keys_of(env: Environment, message: Message) -> set[str]:
    """The ledger's keys of a submission that is a contact of its own, whatever its e-mail (on_existing = create)."""
    reading = mapped(env, message.envelope) if message.envelope else None
    if reading is None:
        return set()
    one, pepper = reading.contact, env.parts.pepper()
    return {contact_key(pepper, one.company_id, one.type, one.email, reading.delivery_id)}


def _item(env: Environment, key: str) -> dict[str, str] | None:
    found = env.client("dynamodb").get_item(
        TableName=env.settings.ledger_table, Key={"pk": {"S": key}}, ConsistentRead=True
    )
    item = {name: str(next(iter(value.values()))) for name, value in found.get("Item", {}).items()}
    return item or None


def _look_up(env: Environment, email: str, person: Person) -> None:
    """Adds what Clemta has under this e-mail; what keeps Clemta from answering is trouble, and no end."""
    for contact in as_contacts(env, email):
        try:
            person.contacts += env.parts.clemta.find(contact, Deadline.after(CLEMTA_SECONDS))
        except IntakeError as error:
            person.trouble.append(f"company {contact.company_id}: {_no_answer(error)}")


def _no_answer(error: IntakeError) -> str:
    """Why nothing is known of Clemta's contacts."""
    status = getattr(error, "status", None)
    if status is not None:
        return f"Clemta was asked and answered {status} ({error.code})"
    if isinstance(error, RateLimited):
        return f"Clemta was not asked, as no call is left: try again in {max(1, error.retry_after):.0f} s"
    if error.code == "no_answer":
        return "Clemta does not answer"
    return f"Clemta was not asked: {error.code}"
