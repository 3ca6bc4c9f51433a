"""What would be sent to Clemta for a request, field by field; sends nothing."""

import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from clemta_intake.bodies import check_size, read_body, split_batch
from clemta_intake.errors import IntakeError, Unauthentic, Unmappable
from clemta_intake.model import Submission
from clemta_intake.sources.config import Form, Spam, Webhook
from clemta_intake.sources.expressions import search
from clemta_intake.sources.fields import Answer, recognise, to_answers, to_text
from clemta_intake.sources.mapping import kept_headers, kept_query, prepare, read
from clemta_intake.sources.signatures import SignedRequest, authenticate
from clemta_intake.sources.spam import broken_rule, captcha_token

from .environments import Environment
from .posts import Post, signed_uri

# Which recognised fields a field of Clemta's is made of, in the order in which they are taken.
_MADE_OF = {
    "full_name": ("full_name", "first_name", "last_name", "company"),
    "email": ("email", "billing_email"),
    "description": ("company", "message"),
    "billing.email": ("billing_email",),
    "billing.district": ("district", "city"),
    "billing.phone_code": ("phone",),
    "billing.iso_code": ("country", "phone"),
    "billing.country": ("country", "phone"),
}


@dataclass(frozen=True)
class Field:
    """One field of the contact: its value, where it came from, and what it was before it was normalised."""

    field: str
    value: str
    origin: str
    was: str = ""


@dataclass
class Preview:
    """What a request would become: `status` is "contact", "spam", "ignored" or "refused".

    `left_out` names the fields that go nowhere: passwords, card numbers, codes, tokens.

    `authentic` is None where it was not checked. `spam` names the rule against machines that it breaks: it would be
    held, and answered as a success.
    """

    submission_id: str
    authentic: bool | None = None
    authentication: str = "not checked"
    status: str = "refused"
    spam: str = ""
    problems: list[tuple[str, str]] = field(default_factory=list)
    fields: list[Field] = field(default_factory=list)
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
    """One for each submission in the request: a sender may post several at once."""
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
    several = split_batch(submission) if isinstance(source, Webhook) and source.batch else [submission]
    found = []
    for number, one in enumerate(several, 1):
        one_id = f"{signed_id}-{number}" if signed_id and len(several) > 1 else signed_id
        begun = Preview(one.submission_id, authentic, authentication=said)
        found.append(_previewed(source, one, one_id, begun))
    return found


def _authenticity(
    env: Environment, source: Form | Webhook, post: Post, *, secrets: bool
) -> tuple[bool | None, str, str]:
    """Whether it is authentic, what is to say about it, and the delivery id that is signed."""
    if isinstance(source, Form):
        return None, "a form is open: nothing to check", ""
    if not secrets:
        return None, "not checked", ""
    known = env.deps.secrets.signing_secrets(source.auth.secret)
    uri = post.uri or signed_uri(env, f"{env.api_url}/signups/{source.name}")
    request = SignedRequest(post.body, post.headers, post.query, uri)
    try:
        signed_id = authenticate(source.auth, known, request, time.time())
    except Unauthentic as error:
        return False, f"{source.auth.scheme}: {error.code}", ""
    return True, source.auth.scheme, signed_id


def _previewed(source: Form | Webhook, raw: Submission, signed_id: str, found: Preview) -> Preview:
    prepared = prepare(raw, source, signed_id)
    submission, found.left_out = prepared.submission, list(prepared.left_out)
    try:
        check_size(raw)
        reading = read(submission, source, prepared.body)
        if reading and isinstance(source, Form) and source.spam:
            found.spam = _broken_rule(source.spam, raw, reading.contact.email)
    except Unmappable as error:
        found.problems = error.fields
        return found
    except IntakeError as error:
        found.problems = [("body", str(error))]
        return found
    if reading is None:
        found.status = "ignored"
        return found
    found.status, found.delivery_id = "spam" if found.spam else "contact", reading.delivery_id
    found.request = reading.contact.body()
    data = _data(source, submission)
    answers = to_answers(search("answers", source.answers, data)) if source.answers else []
    used: set[Answer] = set()
    for name, value in _flat(found.request):
        if name not in ("type", "company_id"):
            found.fields.append(_field(source, name, value, data, answers, used))
    found.dropped = [
        (_name(answer), answer.value)
        for answer in answers
        if answer not in used and answer.value.casefold() not in str(found.request).casefold()
    ]
    return found


def _data(source: Form | Webhook, submission: Submission) -> dict[str, Any]:
    body = read_body(submission.content_type, submission.body)
    if isinstance(source, Webhook) and source.batch and isinstance(body, list) and len(body) == 1:
        [body] = body
    return {"body": body, "headers": dict(submission.headers), "query": dict(submission.query)}


def _broken_rule(spam: Spam, submission: Submission, email: str) -> str:
    """The form's rule against machines that it breaks; a captcha's token is not shown to its provider."""
    fields = read_body(submission.content_type, submission.body)
    rule = broken_rule(spam, fields, email)
    if spam.captcha:
        captcha_token(spam.captcha[0], fields)
    return rule or ""


def _field(
    source: Form | Webhook,
    name: str,
    value: str,
    data: dict[str, Any],
    answers: list[Answer],
    used: set[Answer],
) -> Field:
    if expression := source.contact.get(name):
        raw = to_text(search(f"contact.{name}", expression, data))
        return Field(name, value, f"contact: {expression}", "" if raw == value else raw)
    parts = _MADE_OF.get(name, (name.removeprefix("billing."),))
    # `recognise` of one answer alone says which field it is taken for.
    candidates = [answer for answer in answers if set(recognise([answer])) & set(parts)]
    within = [answer for answer in candidates if answer.value.casefold() in value.casefold()]
    if name == "full_name" and not within and "@" in value:
        return Field(name, value, "the e-mail stands in for a name")
    if not candidates:
        return Field(name, value, "defaults" if name in source.defaults else "normalised")
    made_of = within or candidates[:1]
    used.update(made_of)
    origin = ", ".join(map(_name, made_of))
    was = ", ".join(answer.value for answer in made_of)
    return Field(name, value, origin, "" if was.casefold() == value.casefold() or len(within) > 1 else was)


def _name(answer: Answer) -> str:
    return answer.label or ".".join(answer.path)


def _flat(request: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields as the sources file names them, with their values as text."""
    found: list[tuple[str, str]] = []
    for name, value in request.items():
        if isinstance(value, dict):
            found += [(f"{name}.{key}", inner) for key, inner in value.items()]
        else:
            found.append((name, ", ".join(value) if isinstance(value, list) else str(value)))
    return found
