"""Decides how to handle a submission, in one pass over its body: `evaluate`. Pure.

    events      a request's body is parsed once: one event, or each event of a batch
    evaluate    secrets are left out, then: Invalid, Ignored, Held (by a rule against spam) or Mapped

What waited in a queue, or is imported, takes `evaluate_queued`: it meets no rule against spam.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .bodies.json_text import JsonBody
from .bodies.limits import MAX_BODY, MAX_FIELDS, check_size
from .bodies.parse import Body, parse_body, read_body
from .errors import ConfigError, DataError, Permanent, Refused, TooLarge, Unreadable, UnsupportedMedia
from .model import MappedSubmission, Submission
from .sources.config import Form, Webhook
from .sources.fields import Answer
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
MAX_MARKS = 5 * MAX_FIELDS  # brackets and commas of a batch: JSON in its texts is read for each event apart


@dataclass(frozen=True, slots=True)
class Event:
    """A submission as posted, its parsed body or the error of parsing it, and the signed delivery id."""

    submission: Submission
    body: Body | TooLarge | Unreadable | UnsupportedMedia
    signed_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CaptchaToken:
    """A token that must be verified first, and the name of the secret that verifies it."""

    provider: str
    secret: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """`submission` is redacted and has its delivery id; `left_out` names the secret fields that were removed."""

    submission: Submission
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Invalid(_Evaluated):
    """The submission cannot be read or mapped."""

    error: Refused | ConfigError

    @property
    def failure(self) -> Permanent:
        """The error to park it with, because its sender cannot correct it."""
        if isinstance(self.error, ConfigError):
            return self.error
        return DataError(self.error.code, str(self.error))


@dataclass(frozen=True, slots=True)
class Ignored(_Evaluated):
    """The source does not accept this event."""


@dataclass(frozen=True, slots=True)
class _WithContact(_Evaluated):
    """`answers` are all answers that the recogniser read; `captcha` must be verified first."""

    mapped: MappedSubmission
    origins: Mapping[str, Origin]
    answers: tuple[Answer, ...]
    captcha: CaptchaToken | None


@dataclass(frozen=True, slots=True)
class Mapped(_WithContact):
    """The submission asks for this contact."""


@dataclass(frozen=True, slots=True)
class Held(_WithContact):
    """The submission asks for this contact, and breaks a spam rule."""

    rule: str


type Evaluation = Invalid | Ignored | Held | Mapped


def events(submission: Submission, source: Form | Webhook, signed_id: str = "") -> list[Event]:
    """The event that a request posts, or each event of a batch; its body is parsed once.

    `signed_id` is the delivery id that the request's signature covers. A batch is a JSON array of 2 to MAX_BATCH
    entries; each becomes an array of that one entry, in UTF-8 whatever it came in. A batch stays whole if an entry
    grows too large for a queue message, or with more than MAX_MARKS.
    """
    try:
        check_size(submission)
        body = parse_body(submission.content_type, submission.body)
    except (TooLarge, Unreadable, UnsupportedMedia) as error:
        return [Event(submission, error, signed_id)]
    if isinstance(source, Webhook) and source.batch and isinstance(body, JsonBody):
        return _split(submission, body, signed_id) or [Event(submission, body, signed_id)]
    return [Event(submission, body, signed_id)]


def evaluate(event: Event, source: Form | Webhook) -> Evaluation:
    """Decides how to handle an event that was just posted. Never raises."""
    submission, body = event.submission, event.body
    if isinstance(body, Refused):
        # What an expression finds is seen once it is readable.
        return Invalid(submission.known_as("" if source.delivery_id else event.signed_id), (), body)
    redacted = redact(body.data)
    left_out = redacted.left_out
    data = expression_data(submission, source, body.plain(redacted.data))
    try:
        # An id that a secret is part of is none.
        delivery_id = find_delivery_id(submission, source, data, event.signed_id)
    except (ConfigError, Unreadable):  # `map_submission` says so where it is needed
        delivery_id = ""
    submission = submission.known_as(delivery_id)
    try:
        if left_out:
            submission = replace(submission, body=body.rewrite(redacted.data))
            check_size(submission)  # it may have grown
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
    """The rule that a form's post breaks, and the token to verify; a token is a secret, so it is read from the post.

    Raises Unmappable where a person can try again.
    """
    if not isinstance(source, Form) or not source.spam:
        return None, None
    rule = broken_rule(source.spam, posted, email)
    if not source.spam.captcha:
        return rule, None
    provider, secret = source.spam.captcha
    return rule, CaptchaToken(provider, secret, captcha_token(provider, posted))


def _split(submission: Submission, body: JsonBody, signed_id: str) -> list[Event]:
    """An event for each entry of a batch; empty if the body is no batch or has to stay whole."""
    entries = body.data
    if not isinstance(entries, list) or not 1 < len(entries) <= MAX_BATCH:
        return []
    if sum(map(submission.body.count, (b"[", b"{", b","))) > MAX_MARKS:
        return []
    written = [json.dumps([entry], ensure_ascii=False).encode() for entry in entries]
    if max(map(len, written)) > MAX_BODY:
        return []
    try:
        ids = _delivery_ids(submission, entries, signed_id)
    except Unreadable:
        return []
    return [
        Event(
            replace(
                submission,
                submission_id=f"{submission.submission_id}-{number}",
                body=text,
                content_type="application/json",
            ),
            JsonBody([entry]),
            delivery_id,
        )
        for number, (entry, text, delivery_id) in enumerate(zip(entries, written, ids, strict=True), 1)
    ]


def _delivery_ids(submission: Submission, entries: list[Any], signed_id: str) -> list[str]:
    """Each entry is a delivery of its own: under the one id that was signed, or the hash of its bytes.

    No charset, which the content type names and no signature covers, changes that hash.
    """
    if signed_id:
        return [f"{signed_id}-{number}" for number in range(1, len(entries) + 1)]
    if not submission.body.isascii():
        entries = read_body("application/json; charset=latin-1", submission.body)
    return [hashlib.sha256(json.dumps(entry).encode()).hexdigest() for entry in entries]
