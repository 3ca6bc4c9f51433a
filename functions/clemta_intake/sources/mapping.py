"""From a submission to Clemta's request: `read` is the whole way. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from ..bodies import read_body, rewrite_body
from ..contacts import MAX_LINE, ContactRequest, ascii_email
from ..errors import ConfigError, Unmappable, Unreadable, UnsupportedMedia
from ..model import MappedSubmission, Submission
from . import normalise
from .config import Form, Hmac, Jws, Token, Webhook
from .expressions import reads, search
from .fields import recognise, to_answers, to_text
from .redaction import redact, says_secret
from .spam import answers_only


@dataclass(frozen=True, slots=True)
class Prepared:
    """A submission that holds no secret and whose delivery id is known.

    `body` is what was read of it, UNREAD if nothing can be; `left_out` names the fields that go nowhere. `posted` still
    holds them, as a captcha's token is one: it goes no further than the question about it.
    """

    submission: Submission
    body: Any
    left_out: tuple[str, ...] = ()
    posted: Any = None


UNREAD: Any = object()


# An id that was stripped, or a header that came twice (and reads "one, one"), names no delivery: the body then does.
_DELIVERY_ID = re.compile(r"[!-+\--~]{1,200}")
_PAIRS = ({"billing.country", "billing.iso_code"}, {"billing.phone", "billing.phone_code"})
_UNIX_TIME = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
_MILLISECONDS = 1e11  # a larger number of seconds would be the year 5138
_LINE_BREAKS = re.compile("\r\n|[\r\n\u2028\u2029]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")  # they turn the text beside them around
_CREDENTIALS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "token", "x-api-key", "api-key", "apikey", "api_key"}
)


def prepare(submission: Submission, source: Form | Webhook, signed_id: str = "") -> Prepared:
    """What may be mapped, queued or parked; `signed_id` is the id that the signature covers. Never raises."""
    try:
        body = read_body(submission.content_type, submission.body)
    except (
        Unreadable,
        UnsupportedMedia,
    ):  # `read` will say so; what an expression finds is seen once it is readable
        return Prepared(submission.known_as("" if source.delivery_id else signed_id), UNREAD)
    redacted = redact(body)
    try:
        data = _data(submission, source, redacted.data)  # an id that a secret is part of is none
        delivery_id = _delivery_id(submission, source, data, signed_id)
    except ConfigError:  # as `read` will say
        delivery_id = ""
    submission = submission.known_as(delivery_id)
    if redacted.left_out:
        written = rewrite_body(submission.content_type, submission.body, lambda data: redact(data).data)
        submission = replace(submission, body=written)
    return Prepared(submission, redacted.data, redacted.left_out, body)


def read(submission: Submission, source: Form | Webhook, body: Any = UNREAD) -> MappedSubmission | None:
    """The contact that a submission asks for; None if it is no event that the source accepts.

    `body` is what `prepare` read of it.
    Raises Unreadable or UnsupportedMedia (the body), Unmappable (its fields) or ConfigError (the source's expressions).
    """
    if body is UNREAD:
        body = redact(read_body(submission.content_type, submission.body)).data
    data = _data(submission, source, body)
    if source.accept and not search("accept", source.accept, data):
        return None
    if isinstance(source, Form) and not isinstance(data["body"], dict):
        raise Unreadable("not_an_object", "the body must be an object of fields")
    found: dict[str, Any] = {}
    weak: set[str] = set()
    if source.answers:
        recognised = recognise(to_answers(search("answers", source.answers, data)))
        if isinstance(source, Form) and (invoices_to := recognised.pop("billing_email", "")):
            # Anybody could have a customer's invoices sent elsewhere: a bookkeeper sees it, and decides.
            message = recognised.get("message", "")
            recognised["message"] = f"Billing e-mail: {invoices_to}" + (f"\n{message}" if message else "")
        found = _clemta_fields(recognised)
        if not _own_name(recognised):
            weak.add("full_name")  # the company stands in
    for field, expression in source.contact.items():
        value = search(f"contact.{field}", expression, data)
        found[field] = value if field in ("cc_emails", "bcc_emails") else _only_text(field, value)
        weak.discard(field)
    if _is_own(found.get("full_name", ""), found.get("email", "")):
        found["full_name"] = ""
    for field, default in source.defaults.items():
        if not found.get(field):
            found[field] = _filled(default, submission)
            weak.add(field)
    delivery_id = submission.delivery_id or _delivery_id(submission, source, data)
    contact = _contact(found, source)
    if not found.get("full_name"):
        weak.add("full_name")  # the e-mail stands in
    for pair in _PAIRS:  # one of the two may be made of the other
        said = any(found.get(field) and field not in weak for field in pair)
        weak = weak - pair if said else weak | pair
    return MappedSubmission(
        contact,
        f"{source.name}:{delivery_id}",
        submission.received_at,
        _happened_at(source, data, submission.received_at),
        isinstance(source, Webhook),
        frozenset(weak),
    )


def _data(submission: Submission, source: Form | Webhook, body: Any) -> dict[str, Any]:
    """What expressions read."""
    if isinstance(source, Webhook) and source.batch and isinstance(body, list) and len(body) == 1:
        [body] = body
    if isinstance(source, Form) and isinstance(body, dict):
        body = answers_only(body, source.spam)
    return {"body": body, "headers": dict(submission.headers), "query": dict(submission.query)}


def _delivery_id(submission: Submission, source: Form | Webhook, data: Any, signed_id: str = "") -> str:
    """The id that the source's expression finds, else the signed one, else the body's hash."""
    found = to_text(search("delivery_id", source.delivery_id, data)) if source.delivery_id else ""
    for delivery_id in (found, signed_id.strip()):
        if _DELIVERY_ID.fullmatch(delivery_id):
            return delivery_id
    said = submission.body
    if isinstance(source, Form):  # a second click says another time, and may bring another captcha's token
        said = json.dumps(data["body"], sort_keys=True).encode()
    return hashlib.sha256(said).hexdigest()


def kept_headers(source: Form | Webhook, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that the source's expressions name: they go on the queue, and no credential does."""
    return _kept("headers", source, headers)


def kept_query(source: Form | Webhook, query: Mapping[str, str]) -> dict[str, str]:
    """The query parameters that the source's expressions name."""
    return _kept("query", source, query)


def _kept(part: str, source: Form | Webhook, values: Mapping[str, str]) -> dict[str, str]:
    read = {keys for text in source.expressions() for keys in reads(text)}
    named = sorted(name for root, *names in read if root == part for name in names)
    auth = source.auth if isinstance(source, Webhook) else None
    proof = {auth.header} if isinstance(auth, Hmac | Jws | Token) else set()
    return {
        name: values[name]
        for name in named
        if name in values and name.lower() not in _CREDENTIALS | proof and not says_secret(name[:200])
    }


def _only_text(field: str, value: Any) -> str:
    if isinstance(value, dict | bool):
        raise Unmappable([(field, "must be text")])
    return to_text(value)


def _happened_at(source: Form | Webhook, data: Mapping[str, Any], received_at: float) -> float:
    """The event's own time in unix seconds, from seconds, milliseconds or ISO 8601 (UTC where no zone is said).

    Nothing happens after it was received: a sender's wrong clock must not hold later updates back.
    """
    text = to_text(search("event_time", source.event_time, data))[:40] if source.event_time else ""
    try:
        if _UNIX_TIME.fullmatch(text):
            happened_at = float(text)
            happened_at /= 1000 if happened_at > _MILLISECONDS else 1
        else:
            moment = datetime.fromisoformat(text)
            happened_at = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        return received_at
    return happened_at if 0 < happened_at < received_at else received_at


def _filled(default: str | tuple[str, ...], submission: Submission) -> str | tuple[str, ...]:
    if isinstance(default, tuple):
        return default
    day = datetime.fromtimestamp(submission.received_at, UTC).date().isoformat()
    return default.replace("{source}", submission.source).replace("{date}", day)


def _email(found: Mapping[str, str]) -> str:
    return found.get("email") or found.get("billing_email", "")


def _own_name(found: Mapping[str, str]) -> str:
    """The person's name; "" if there is none, or only the sender's own address. One without an `@` goes first."""
    both = " ".join(found[part] for part in ("first_name", "last_name") if part in found)
    names = sorted((found.get("full_name", ""), both), key=lambda name: "@" in name)
    return next((name for name in names if name and not _is_own(name, _email(found))), "")


def _clemta_fields(found: Mapping[str, str]) -> dict[str, Any]:
    """Recognised fields under Clemta's names. Clemta has no company and no city: they go where a bookkeeper looks."""
    company, message = found.get("company", ""), found.get("message", "")
    fields: dict[str, Any] = {
        "full_name": _own_name(found) or ("" if _is_own(company, _email(found)) else company),
        "email": _email(found),
        "description": "\n".join(
            text for text in (f"Company: {company}" if company else "", message) if text
        ),
        "billing.email": found.get("billing_email", ""),
        "billing.district": ", ".join(found[part] for part in ("district", "city") if part in found),
    }
    for field in ("phone", "address_1", "address_2", "postal_code", "country", "state", "province", "tax_id"):
        fields[f"billing.{field}"] = found.get(field, "")
    return fields


def _contact(found: Mapping[str, Any], source: Form | Webhook) -> ContactRequest:
    top: dict[str, Any] = {}
    billing: dict[str, str] = {}
    for field, value in found.items():
        if field.startswith("billing."):
            if line := _one_line(value):
                billing[field.removeprefix("billing.")] = line
        elif field == "full_name":
            if line := _name(value):
                top[field] = line
        elif value:
            top[field] = _LINE_BREAKS.sub("\n", value) if isinstance(value, str) else value
    for field in ("cc_emails", "bcc_emails"):
        if field in top:
            top[field] = _addresses(top[field])
    email = top.get("email", "")
    if not email:
        raise Unmappable([("email", "is required")])
    with suppress(ValueError):  # the validation says what is wrong with it
        email = top["email"] = ascii_email(email)
    if not top.get("full_name"):
        if source.name_fallback == "reject":
            raise Unmappable([("full_name", "is required")])
        top["full_name"] = email
    _normalise(billing, source.default_country)
    try:
        return ContactRequest.model_validate(
            {"type": source.contact_type, "company_id": source.company_id, "billing": billing or None, **top}
        )
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise Unmappable(
            [
                (_field(problem["loc"]), str(problem["msg"]).removeprefix("Value error, "))
                for problem in problems
            ]
        ) from None  # pydantic's error would carry the values along


def _is_own(name: str, email: str) -> bool:
    """Whether the name is the sender's own address: Auth0, for one, puts it where it knows no name."""
    return bool(name) and name.strip().casefold() == email.strip().casefold()


def _name(value: str) -> str:
    """One line, and no `@`: a contact whose name holds an address is found by each search for that address."""
    name = _one_line(value)
    if "@" not in name:
        return name
    spelled = " ".join(name.replace("@", " at ").split())
    return spelled if len(spelled) <= MAX_LINE else " ".join(name.replace("@", " ").split())


def _one_line(value: str) -> str:
    """An address from a text area keeps its lines apart, in one line; a tab is a space; bidi controls go."""
    lines = _LINE_BREAKS.split(_BIDI.sub("", value.replace("\t", " ")))
    return ", ".join(text for line in lines if (text := line.strip()))


def _addresses(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if not isinstance(part, int))


def _normalise(billing: dict[str, str], default_country: str | None) -> None:
    if ("country" in billing) != ("iso_code" in billing):
        billing.update(normalise.country(billing.get("country") or billing["iso_code"]))
    if "phone" in billing and "phone_code" not in billing:
        region = billing.get("iso_code") or default_country
        billing.update(normalise.phone(billing["phone"], region))
