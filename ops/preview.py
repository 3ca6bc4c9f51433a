"""Shows the contact that a request would create, field by field; sends nothing."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from clemta_intake.bodies.parse import read_body
from clemta_intake.errors import ConfigError, Refused, Unauthentic, Unmappable
from clemta_intake.intake import Evaluation, Held, Ignored, Invalid, evaluate, evaluate_queued, events
from clemta_intake.model import Submission
from clemta_intake.sources.answers import Answer, to_answers
from clemta_intake.sources.config import Form, Webhook, has_address
from clemta_intake.sources.expressions import read_paths
from clemta_intake.sources.fields import Reading
from clemta_intake.sources.kept import kept_headers, kept_query
from clemta_intake.sources.mapping import Origin, expression_data
from clemta_intake.sources.redaction import redact
from clemta_intake.sources.signatures import SignedPost, authenticate

from .conditions import Condition, failed_conditions
from .environments import Environment, SourcesOnly
from .posts import Post, signed, signed_uri

_EXAMPLE_URI = "https://api.example.com/v1/signups/x"  # HubSpot signs the address; a sample's may be any
_SURE_LENGTH = 4  # characters of a value that is in the contact by more than chance
_MAX_NAMES = 4  # that are shown of the answers that a field is made of


@dataclass(frozen=True)
class Field:
    """One field of the contact: its value, its origin, and its value before normalisation.

    `answers` counts the answers of the form whose names `origin` quotes.
    """

    field: str
    value: str
    origin: str
    was: str = ""
    answers: int = 0


@dataclass(frozen=True)
class Answered:
    """One answer of the form: the contact's field that it goes to ("" if none), and how the recogniser read it.

    It read `field` from the answer's type, name, label or value (`evidence`), by these `words`. `why` says why the
    answer is not used as that field.
    """

    answer: str
    value: str
    goes_to: str
    field: str
    evidence: str
    words: str
    why: str

    @property
    def explained(self) -> str:
        """The evidence in words, and why it lost."""
        words = f'{self.evidence} "{self.words}"' if self.words else self.evidence
        if self.why:
            return f"not {self.field} ({words}): {self.why}" if self.evidence else self.why
        return words if self.field == self.goes_to else f"{self.field}: {words}"


@dataclass
class Preview:
    """The expected result of a request: `status` is "contact", "spam", "ignored" or "refused".

    `left_out` names the secret fields, which are not sent: passwords, card numbers, codes, tokens.

    `conditions` of the source's `accept` do not hold, so it is ignored. `dropped` are the answers and the other values
    of the body that the contact does not get and no expression reads.

    `authentic` is None if it was not checked. `spam` names the spam rule that the request breaks: it would be held,
    and answered as a success.
    """

    submission_id: str
    authentic: bool | None = None
    authentication: str = "not checked"
    status: str = "refused"
    spam: str = ""
    problems: list[tuple[str, str]] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
    answers: list[Answered] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict)
    delivery_id: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def good(self) -> bool:
        return self.status in ("contact", "ignored") and self.authentic is not False


def preview(env: Environment, source: Form | Webhook, post: Post, *, secrets: bool) -> list[Preview]:
    """A preview for each submission in the request: a sender may post several at once."""
    if secrets and post.secret and isinstance(source, Webhook) and has_address(source):
        post = signed(env, source, post.secret, post, _EXAMPLE_URI)
    authentic, said, signed_id = _authenticity(env, source, post, secrets=secrets)
    submission = Submission(
        submission_id=str(uuid.uuid4()),
        source=source.name,
        received_at=time.time(),
        body=post.body,
        content_type=post.headers.get("content-type", ""),
        headers=kept_headers(source, post.headers),
        query=kept_query(source, post.query),
    )
    found = []
    for event in events(submission, source, signed_id, post.headers.get("accept-language", "")):
        begun = Preview(event.submission.submission_id, authentic, authentication=said)
        shown = _previewed(source, evaluate(event, source), begun)
        if isinstance(env, SourcesOnly) and shown.request.get("company_id") == env.NO_COMPANY:
            del shown.request["company_id"]
        found.append(shown)
    return found


def preview_queued(source: Form | Webhook, submission: Submission) -> Preview:
    """The contact that a redelivery of the submission would create: no spam rule is checked again."""
    begun = Preview(submission.submission_id, authentication="checked when it came")
    return _previewed(source, evaluate_queued(submission, source), begun)


def _authenticity(
    env: Environment, source: Form | Webhook, post: Post, *, secrets: bool
) -> tuple[bool | None, str, str]:
    """Whether the request is authentic, a text about it, and the signed delivery id."""
    if isinstance(source, Form):
        return None, "a form is open: nothing to check", ""
    if not has_address(source):
        return None, "AWS alone invokes its function: nothing to check", ""
    if not secrets:
        return None, "not checked", ""
    said: str = source.auth.scheme
    known: tuple[str, ...]
    if post.secret:
        known, uri = (post.secret,), _EXAMPLE_URI
        said = f"{said}, signed here with the sample's own secret"
    elif isinstance(env, SourcesOnly):
        return None, "not checked: no stack is up, so there is no signing secret", ""
    else:
        known = env.deps.secrets.signing_secrets(source.auth.secret)
        uri = post.uri or signed_uri(env, f"{env.api_url}/signups/{source.name}")
    try:
        request = SignedPost(post.body, post.headers, post.query, uri)
        return True, said, authenticate(source.auth, known, request, time.time())
    except Unauthentic as error:
        return False, f"{source.auth.scheme}: {error.code}", ""


def _previewed(source: Form | Webhook, evaluated: Evaluation, found: Preview) -> Preview:
    found.left_out = list(evaluated.left_out)
    match evaluated:
        case Invalid(error=error):
            if isinstance(error, Unmappable):
                found.problems = [_with_expression(source, *problem) for problem in error.fields]
                found.dropped = _unread(source, evaluated.submission, {}, set())
            else:
                found.problems = [_problem(error)]
            if found.problems[0][0] == "accept":
                found.conditions = failed_conditions(source.accept or "", _data(source, evaluated.submission))
            return found
        case Ignored():
            found.status = "ignored"
            found.conditions = failed_conditions(source.accept or "", _data(source, evaluated.submission))
            return found
        case Held(rule=rule):
            found.status, found.spam = "spam", rule
        case _:
            found.status = "contact"
    found.delivery_id = evaluated.mapped.delivery_id
    found.request = evaluated.mapped.contact.body()
    found.fields = [
        _field(source, name, value, evaluated.origins[name])
        for name, value in _flat(found.request)
        if name not in ("type", "company_id")
    ]
    found.answers = [_answered(reading, evaluated.origins) for reading in evaluated.readings]
    used = {answer for origin in evaluated.origins.values() for answer in origin.answers}
    found.dropped = [
        (answer.name, answer.value)
        for answer in (reading.answer for reading in evaluated.readings)
        if answer not in used and answer.value.casefold() not in str(found.request).casefold()
    ]
    answers = {reading.answer.value.casefold() for reading in evaluated.readings}
    found.dropped += _unread(source, evaluated.submission, found.request, answers)
    return found


def _with_expression(source: Form | Webhook, field: str, problem: str) -> tuple[str, str]:
    """The field's problem, with the expression that gives the field."""
    expression = source.contact.get(field)
    return field, f"{problem}; contact.{field} = {expression}" if expression else problem


def _unread(
    source: Form | Webhook, submission: Submission, request: Mapping[str, Any], answers: set[str]
) -> list[tuple[str, str]]:
    """The values of the body that no expression reads, that are no answers, and that the contact does not hold."""
    data = _data(source, submission)
    read = {path[1:] for text in source.expressions() for path in read_paths(text) if path[0] == "body"}
    body = data["body"]
    held = str(request).casefold()
    values = {value.casefold() for _, value in _flat(dict(request))}

    def is_used(answer: Answer) -> bool:
        text = answer.value.casefold()
        if any(answer.path[:length] in read for length in range(1, len(answer.path) + 1)):
            return True
        return text in answers or text in values or (len(text) >= _SURE_LENGTH and text in held)

    return [(answer.name, answer.value) for answer in to_answers(body) if not is_used(answer)]


def _data(source: Form | Webhook, submission: Submission) -> dict[str, Any]:
    """What the source's expressions read, without secrets."""
    try:
        body = redact(read_body(submission.content_type, submission.body)).data
    except Refused:
        body = None
    return expression_data(submission, source, body)


def _problem(error: Refused | ConfigError) -> tuple[str, str]:
    """The key of the expression that failed, or the body; and why."""
    key, colon, reason = str(error).partition(": ")
    if isinstance(error, ConfigError) and error.code == "mapping_failed" and colon:
        return key, reason
    return "body", str(error)


def _field(source: Form | Webhook, name: str, value: str, origin: Origin) -> Field:
    if origin.kind == "expression":
        if name not in source.contact:
            return Field(name, value, "normalised")
        was = "" if origin.given == value else origin.given
        return Field(name, value, f"contact: {source.contact[name]}", was)
    if origin.kind == "default":
        return Field(name, value, "defaults" if name in source.defaults else "normalised")
    if not origin.answers:
        return Field(name, value, "the e-mail stands in for a name")
    names = [answer.name for answer in origin.answers]
    was = ", ".join(answer.value for answer in origin.answers)
    says_the_same = was.casefold() == value.casefold() or len(names) > 1 or name == "description"
    shown = ", ".join(names) if len(names) <= _MAX_NAMES else f"{len(names)} answers"
    return Field(name, value, shown, "" if says_the_same else was, len(names))


def _answered(reading: Reading, origins: Mapping[str, Origin]) -> Answered:
    answer = reading.answer
    holders = [name for name, origin in origins.items() if answer in origin.answers]
    goes_to = reading.field if reading.field in holders else next(iter(holders), "")
    why = reading.why
    mapped = origins.get(reading.field)
    if mapped and mapped.kind == "expression":
        why = "the source's contact table has this field"
    return Answered(answer.name, answer.value, goes_to, reading.field, reading.evidence, reading.words, why)


def _flat(request: dict[str, Any]) -> list[tuple[str, str]]:
    """The fields by their names in the sources file, with their values as text."""
    found: list[tuple[str, str]] = []
    for name, value in request.items():
        if isinstance(value, dict):
            found += [(f"{name}.{key}", inner) for key, inner in value.items()]
        else:
            found.append((name, ", ".join(value) if isinstance(value, list) else str(value)))
    return found
