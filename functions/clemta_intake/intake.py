"""Decides how to handle a submission, in one pass over its body: `evaluate`. Pure.

    events      a request's body is parsed once: one event, or each event of a batch
    evaluate    secrets are left out, then: Invalid, Ignored, Held (by a rule against spam) or Mapped

What waited in a queue, or is imported, takes `evaluate_queued`: it meets no rule against spam.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .bodies.charsets import with_charset
from .bodies.json_text import JsonBody, parse_json
from .bodies.limits import MAX_BODY, MAX_FIELDS, check_size
from .bodies.parse import Body, parse_body, read_body
from .bodies.places import value_at, with_value
from .errors import ConfigError, DataError, Permanent, Refused, TooLarge, Unreadable, UnsupportedMedia
from .model import MappedSubmission, Submission
from .sources.config import Form, Webhook
from .sources.fields import Reading
from .sources.kept import without_proof
from .sources.mapping import (
    Origin,
    expression_data,
    find_delivery_id,
    is_accepted,
    map_submission,
)
from .sources.redaction import redact
from .sources.spam import broken_rule, captcha_token

MAX_BATCH = 100  # events in one request; HubSpot sends no more
# Brackets and commas of a batch that is split: JSON inside its strings is parsed again for each event.
MAX_MARKS = 5 * MAX_FIELDS


class Event(NamedTuple):
    """A submission as it was posted, its parsed body or why there is none, and the delivery id that is signed."""

    submission: Submission
    body: Body | TooLarge | Unreadable | UnsupportedMedia
    signed_id: str = ""

    def __repr__(self) -> str:
        return f"Event({self.submission})"


class CaptchaToken(NamedTuple):
    """A token that must be verified before anything else is done, and the name of the secret that verifies it."""

    provider: str
    secret: str
    token: str

    def __repr__(self) -> str:
        return f"CaptchaToken({self.provider})"


# The results. `submission` has no secrets left and knows its delivery id; `left_out` names the removed fields.


class Invalid(NamedTuple):
    """The submission cannot be read or mapped."""

    submission: Submission
    left_out: tuple[str, ...]
    error: Refused | ConfigError

    @property
    def failure(self) -> Permanent:
        """The error to park it with, because its sender cannot correct it."""
        if isinstance(self.error, ConfigError):
            return self.error
        return DataError(self.error.code, str(self.error))


class Ignored(NamedTuple):
    """The source does not accept this event."""

    submission: Submission
    left_out: tuple[str, ...]


class Mapped(NamedTuple):
    """The submission asks for this contact. `readings` say how each answer was read; a `captcha` must be verified."""

    submission: Submission
    left_out: tuple[str, ...]
    mapped: MappedSubmission
    origins: Mapping[str, Origin]
    readings: tuple[Reading, ...]
    captcha: CaptchaToken | None


class Held(NamedTuple):
    """As Mapped, and a rule takes the submission for spam."""

    submission: Submission
    left_out: tuple[str, ...]
    mapped: MappedSubmission
    origins: Mapping[str, Origin]
    readings: tuple[Reading, ...]
    captcha: CaptchaToken | None
    rule: str


type Evaluation = Invalid | Ignored | Held | Mapped


def events(
    submission: Submission, source: Form | Webhook, signed_id: str = "", visitor: str = ""
) -> list[Event]:
    """The event that a request posts, or each event of a batch; its body is parsed once.

    `signed_id` is the delivery id that the request's signature covers. `visitor` is the request's Accept-Language: the
    content type of a page's form that names no charset then names it. A batch is a JSON array of 2 to MAX_BATCH
    entries, the body itself or at a place in it; each becomes the same body with an array of that one entry, in UTF-8
    whatever it came in. A batch stays whole if an entry grows too large for a queue message, if the body around the
    array would be copied more often than fits into a body, or with more than MAX_MARKS.
    """
    try:
        check_size(submission)
        language = visitor if isinstance(source, Form) else None
        body = parse_body(submission.content_type, submission.body, language)
    except (TooLarge, Unreadable, UnsupportedMedia) as error:
        return [Event(submission, error, signed_id)]
    if body.page_charset:
        named = with_charset(submission.content_type, body.page_charset)
        submission = submission._replace(content_type=named)
    if isinstance(body, JsonBody):
        submission, body = without_proof(source, submission, body)
        if isinstance(source, Webhook) and source.batch:
            return _split(submission, body, source.batch_keys, signed_id) or [
                Event(submission, body, signed_id)
            ]
    return [Event(submission, body, signed_id)]


def evaluate(event: Event, source: Form | Webhook) -> Evaluation:
    """Decides how to handle an event that was just posted. Never raises."""
    submission, body = event.submission, event.body
    if isinstance(body, Refused):
        # The source's expression needs a body that can be read.
        return Invalid(
            submission._replace(delivery_id="" if source.delivery_id else event.signed_id), (), body
        )
    redacted = redact(body.data)
    left_out = redacted.left_out
    data = expression_data(submission, source, body.plain(redacted.data))
    try:
        # From the redacted data: an id must not contain a secret.
        delivery_id = find_delivery_id(submission, source, data, event.signed_id)
    except (ConfigError, Unreadable):  # `map_submission` raises it again if the id is needed
        delivery_id = ""
    submission = submission._replace(delivery_id=delivery_id)
    try:
        if left_out:
            submission = submission._replace(body=body.rewrite(redacted.data))
            check_size(submission)  # it may have grown
        _check_batch(source, body.data)
        if not is_accepted(source, data):
            return Ignored(submission, left_out)
        found = map_submission(submission, source, data)
        rule, captcha = _judge(source, body.data, found.mapped.contact.email)
    except (Refused, ConfigError) as error:
        return Invalid(submission, left_out, error)
    if rule:
        return Held(submission, left_out, *found, captcha, rule)
    return Mapped(submission, left_out, *found, captcha)


def evaluate_queued(submission: Submission, source: Form | Webhook) -> Invalid | Ignored | Mapped:
    """Decides how to handle a queued, held or imported submission. Never raises."""
    try:
        redacted = redact(read_body(submission.content_type, submission.body))
        _check_batch(source, redacted.data)
        data = expression_data(submission, source, redacted.data)
        if not is_accepted(source, data):
            return Ignored(submission, redacted.left_out)
        found = map_submission(submission, source, data)
        return Mapped(submission, redacted.left_out, *found, None)
    except (Refused, ConfigError) as error:
        return Invalid(submission, (), error)


def _judge(
    source: Form | Webhook, posted: Mapping[str, Any], email: str
) -> tuple[str | None, CaptchaToken | None]:
    """The rule that a form's post breaks, and the captcha token to verify; Unmappable if a person can correct it.

    Both are read from the data as posted: a token is a secret, so the redacted data has none.
    """
    if not isinstance(source, Form) or not source.spam:
        return None, None
    rule = broken_rule(source.spam, posted, email)
    if not source.spam.captcha:
        return rule, None
    provider, secret = source.spam.captcha
    return rule, CaptchaToken(provider, secret, captcha_token(provider, posted))


def _check_batch(source: Form | Webhook, data: Any) -> None:
    """Raises Unreadable for a batch that stayed whole: no expression reads it right, so `accept` would drop it."""
    if isinstance(source, Webhook) and source.batch:
        entries = value_at(data, source.batch_keys)
        if isinstance(entries, list) and len(entries) > 1:
            raise Unreadable("batch_not_split", "the batch is too large to be taken apart")


def _split(submission: Submission, body: JsonBody, keys: tuple[str, ...], signed_id: str) -> list[Event]:
    """An event for each entry of a batch; an empty list for any other body, and for a batch that must stay whole."""
    entries = value_at(body.data, keys)
    if not isinstance(entries, list) or not 1 < len(entries) <= MAX_BATCH:
        return []
    around = json.dumps(with_value(body.data, keys, []), ensure_ascii=False).encode()
    copies = len(entries) - 1  # as many as there are commas between the entries
    if copies * len(around) > MAX_BODY or _marks(submission.body) + copies * (_marks(around) - 1) > MAX_MARKS:
        return []
    parts = [JsonBody(with_value(body.data, keys, [entry])) for entry in entries]
    bodies = [json.dumps(part.data, ensure_ascii=False).encode() for part in parts]
    if max(map(len, bodies)) > MAX_BODY:
        return []
    try:
        ids = _delivery_ids(submission, entries, keys, signed_id)
    except Unreadable:
        return []
    return [
        Event(
            submission._replace(
                submission_id=f"{submission.submission_id}-{number}",
                body=body_of_one,
                content_type="application/json",
            ),
            part,
            delivery_id,
        )
        for number, (part, body_of_one, delivery_id) in enumerate(zip(parts, bodies, ids, strict=True), 1)
    ]


def _marks(body: bytes) -> int:
    return sum(map(body.count, (b"[", b"{", b",")))


def _delivery_ids(
    submission: Submission, entries: list[Any], keys: tuple[str, ...], signed_id: str
) -> list[str]:
    """Each entry's delivery id: the signed id and its number, or the entry's hash.

    The hash does not depend on the charset: the content type names it, and no signature covers that header.
    """
    if signed_id:
        return [f"{signed_id}-{number}" for number in range(1, len(entries) + 1)]
    if not submission.body.isascii():
        entries = value_at(parse_json(submission.body.decode("latin-1")), keys)
    return [hashlib.sha256(json.dumps(entry).encode()).hexdigest() for entry in entries]
