"""From a submission to Clemta's request: `read` is the whole way. Pure."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from ..contacts import ContactRequest
from ..errors import Unmappable, Unreadable
from ..submissions import Submission, read_body
from . import normalise
from .answers import recognise, to_answers, to_text
from .config import Form, Webhook
from .expressions import reads, search


@dataclass(frozen=True, slots=True)
class Reading:
    """What a submission asks for: the contact, and the id by which the sender's repetitions are known.

    `happened_at` is the event's own time where the source names it, never later than `received_at`. `resent`: the
    same id is the same event, sent again; a form's post is a person's each time. `weak` fields of the contact are
    defaults and stand-ins, not what the sender said.
    """

    contact: ContactRequest
    delivery_id: str
    received_at: float
    happened_at: float
    resent: bool = True
    weak: frozenset[str] = frozenset()


# An id that was stripped, or a header that came twice (and reads "one, one"), names no delivery: the body then does.
_DELIVERY_ID = re.compile(r"[!-+\--~]{1,200}")
_PAIRS = ({"billing.country", "billing.iso_code"}, {"billing.phone", "billing.phone_code"})
_UNIX_TIME = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
_MILLISECONDS = 1e11  # a larger number of seconds would be the year 5138
_CREDENTIALS = frozenset({"authorization", "cookie", "proxy-authorization", "token"})


def read(submission: Submission, source: Form | Webhook) -> Reading | None:
    """The contact that a submission asks for; None if it is no event that the source accepts.

    Raises Unreadable or UnsupportedMedia (the body), Unmappable (its fields) or ConfigError (the source's expressions).
    """
    body = read_body(submission.content_type, submission.body)
    if isinstance(source, Webhook) and source.batch and isinstance(body, list) and len(body) == 1:
        [body] = body
    data = {
        "body": body,
        "headers": dict(submission.headers),
        "query": dict(submission.query),
    }
    if source.accept and not search("accept", source.accept, data):
        return None
    if isinstance(source, Form) and not isinstance(data["body"], dict):
        raise Unreadable("not_an_object", "the body must be an object of fields")
    found: dict[str, Any] = {}
    weak: set[str] = set()
    if source.answers:
        recognised = recognise(to_answers(search("answers", source.answers, data)))
        found = _clemta_fields(recognised)
        if not _own_name(recognised):
            weak.add("full_name")  # the company stands in
    for field, expression in source.contact.items():
        value = search(f"contact.{field}", expression, data)
        found[field] = value if field in ("cc_emails", "bcc_emails") else _only_text(field, value)
        weak.discard(field)
    for field, default in source.defaults.items():
        if not found.get(field):
            found[field] = _filled(default, submission)
            weak.add(field)
    delivery_id = to_text(search("delivery_id", source.delivery_id, data)) if source.delivery_id else ""
    if not _DELIVERY_ID.fullmatch(delivery_id):
        delivery_id = hashlib.sha256(submission.body).hexdigest()
    contact = _contact(found, source)
    if not found.get("full_name"):
        weak.add("full_name")  # the e-mail stands in
    for pair in _PAIRS:  # one of the two may be made of the other
        said = any(found.get(field) and field not in weak for field in pair)
        weak = weak - pair if said else weak | pair
    return Reading(
        contact,
        f"{source.name}:{delivery_id}",
        submission.received_at,
        _happened_at(source, data, submission.received_at),
        isinstance(source, Webhook),
        frozenset(weak),
    )


def kept_headers(source: Form | Webhook, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that the source's expressions name: they go on the queue, and no credential does."""
    return _kept("headers", source, headers)


def kept_query(source: Form | Webhook, query: Mapping[str, str]) -> dict[str, str]:
    """The query parameters that the source's expressions name."""
    return _kept("query", source, query)


def _kept(part: str, source: Form | Webhook, values: Mapping[str, str]) -> dict[str, str]:
    read = {keys for text in source.expressions() for keys in reads(text)}
    named = sorted(name for root, *names in read if root == part for name in names)
    return {name: values[name] for name in named if name in values and name not in _CREDENTIALS}


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


def _own_name(found: Mapping[str, str]) -> str:
    """The person's name; Auth0 puts the e-mail where it knows none."""
    both = " ".join(found[part] for part in ("first_name", "last_name") if part in found)
    return next((name for name in (found.get("full_name", ""), both) if name and "@" not in name), "")


def _clemta_fields(found: Mapping[str, str]) -> dict[str, Any]:
    """Recognised fields under Clemta's names. Clemta has no company and no city: they go where a bookkeeper looks."""
    company, message = found.get("company", ""), found.get("message", "")
    fields: dict[str, Any] = {
        "full_name": _own_name(found) or ("" if "@" in company else company),
        "email": found.get("email") or found.get("billing_email", ""),
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
        if value and field.startswith("billing."):
            billing[field.removeprefix("billing.")] = _one_line(value)
        elif value:
            top[field] = _one_line(value) if field == "full_name" else value
    for field in ("cc_emails", "bcc_emails"):
        if field in top:
            top[field] = _addresses(top[field])
    email = top.get("email", "")
    if not email:
        raise Unmappable([("email", "is required")])
    if "full_name" not in top:
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


def _one_line(value: str) -> str:
    """An address from a text area keeps its lines apart, in one line; a tab is a space."""
    return re.sub(r"\s*[\r\n]+\s*", ", ", value.strip()).replace("\t", " ")


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
