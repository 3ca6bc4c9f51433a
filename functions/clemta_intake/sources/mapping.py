"""Maps the data of a submission to a contact, with the origin of each field. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from ..errors import Unmappable, Unreadable
from ..model import MappedSubmission, Submission
from .answers import Answer, to_answers, to_text
from .config import Form, Webhook
from .contact_fields import to_contact
from .expressions import search
from .fields import Reading, is_own_address, recognise
from .spam import answers_only

# Any other text is no delivery id, such as a header that came twice ("one, one"): then the body's hash is used.
_DELIVERY_ID = re.compile(r"[!-+\--~]{1,200}")
_PAIRS = (("billing.country", "billing.iso_code"), ("billing.phone", "billing.phone_code"))
_LISTS = ("cc_emails", "bcc_emails")
_UNIX_TIME = re.compile(r"[0-9]{9,16}(?:\.[0-9]{1,9})?")
_MILLISECONDS = 1e11  # a larger number is milliseconds: as seconds it would be after the year 5138


class Origin(NamedTuple):
    """The origin of a contact's field: the recogniser ("name"), an expression, a default or a stand-in.

    `answers` are the answers that the value was made of; `given` is an expression's result before normalisation.
    """

    kind: Literal["name", "expression", "default", "stand-in"]
    answers: tuple[Answer, ...] = ()
    given: str = ""


class MappingResult(NamedTuple):
    """A mapped submission, the origin of each of its contact's fields, and how each answer was read."""

    mapped: MappedSubmission
    origins: Mapping[str, Origin]
    readings: tuple[Reading, ...]


class _Fields:
    """Values and origins by Clemta's field; a later `put` replaces an earlier one."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}

    def put(self, field: str, value: Any, origin: Origin) -> None:
        self.values[field], self.origins[field] = value, origin


def expression_data(submission: Submission, source: Form | Webhook, body: Any) -> dict[str, Any]:
    """The data for the source's expressions; a form's spam fields (trap, elapsed time, captcha token) are left out."""
    if isinstance(source, Webhook) and source.batch and isinstance(body, list) and len(body) == 1:
        [body] = body
    if isinstance(source, Form) and isinstance(body, dict):
        body = answers_only(body, source.spam)
    return {"body": body, "headers": dict(submission.headers), "query": dict(submission.query)}


def find_delivery_id(
    submission: Submission, source: Form | Webhook, data: Mapping[str, Any], signed_id: str = ""
) -> str:
    """The id that the source's expression finds, else the signed id, else the body's hash. Raises as `search` does."""
    found = to_text(search("delivery_id", source.delivery_id, data)) if source.delivery_id else ""
    for delivery_id in (found, signed_id.strip()):
        if _DELIVERY_ID.fullmatch(delivery_id):
            return delivery_id
    hashed = submission.body
    if isinstance(
        source, Form
    ):  # without the spam fields: a second click has another elapsed time and captcha token
        hashed = json.dumps(data["body"], sort_keys=True).encode()
    return hashlib.sha256(hashed).hexdigest()


def is_accepted(source: Form | Webhook, data: Mapping[str, Any]) -> bool:
    """Whether the source accepts the event. Raises ConfigError."""
    return not source.accept or bool(search("accept", source.accept, data))


def map_submission(submission: Submission, source: Form | Webhook, data: Mapping[str, Any]) -> MappingResult:
    """The contact that a submission asks for; `data` is the result of `expression_data`.

    Raises Unreadable (the body), Unmappable (its fields) or ConfigError (the source's expressions).
    """
    if isinstance(source, Form) and not isinstance(data["body"], dict):
        raise Unreadable("not_an_object", "the body must be an object of fields")
    answers = to_answers(search("answers", source.answers, data)) if source.answers else []
    found, readings = _from_answers(answers, source)
    _put_expressions(found, source, data)
    _put_defaults(found, source, submission)
    delivery_id = submission.delivery_id or find_delivery_id(submission, source, data)
    contact = to_contact(found.values, source)
    if not found.values.get("full_name"):
        found.put("full_name", contact.full_name, Origin("stand-in"))  # the e-mail address replaces the name
    mapped = MappedSubmission(
        contact,
        f"{source.name}:{delivery_id}",
        submission.received_at,
        _happened_at(source, data, submission.received_at),
        isinstance(source, Webhook),
        _weak(found),
    )
    _put_origins_of_pairs(found)
    return MappingResult(mapped, found.origins, readings)


def _from_answers(answers: list[Answer], source: Form | Webhook) -> tuple[_Fields, tuple[Reading, ...]]:
    """Recognised answers under Clemta's field names, and how each answer was read.

    Clemta has no field for a company: it goes into the description, where a bookkeeper sees it.
    """
    recognised = recognise(answers)
    values, found = dict(recognised.values), _Fields()
    described: dict[str, str] = {}
    company = values.pop("company", "")
    if company:
        described["company"] = f"Company: {company}"
    if isinstance(source, Form) and (invoices_to := values.pop("billing.email", "")):
        # With billing.email anybody could redirect a customer's invoices: in the description a bookkeeper decides.
        described["billing.email"] = f"Billing e-mail: {invoices_to}"
    if message := values.pop("message", ""):
        described["message"] = message
    if company and "full_name" not in values and not is_own_address(company, values.get("email", "")):
        found.put("full_name", company, Origin("stand-in", recognised.made_of["company"]))
    if described:
        values["description"] = "\n".join(described.values())
        recognised.made_of["description"] = tuple(
            answer for field in described for answer in recognised.made_of[field]
        )
    for field, value in values.items():
        found.put(field, value, Origin("name", recognised.made_of[field]))
    return found, recognised.readings


def _put_expressions(found: _Fields, source: Form | Webhook, data: Mapping[str, Any]) -> None:
    for field, expression in source.contact.items():
        value = search(f"contact.{field}", expression, data)
        text = to_text(value)
        if field not in _LISTS:
            if isinstance(value, dict | bool):
                raise Unmappable([(field, "must be text")])
            value = text
        found.put(field, value, Origin("expression", given=text))
    if is_own_address(found.values.get("full_name", ""), found.values.get("email", "")):
        found.values["full_name"] = ""


def _put_defaults(found: _Fields, source: Form | Webhook, submission: Submission) -> None:
    for field, default in source.defaults.items():
        if not found.values.get(field):
            found.put(field, _filled(default, submission), Origin("default"))


def _filled(default: str | tuple[str, ...], submission: Submission) -> str | tuple[str, ...]:
    if isinstance(default, tuple):
        return default
    day = datetime.fromtimestamp(submission.received_at, UTC).date().isoformat()
    return default.replace("{source}", submission.source).replace("{date}", day)


def _weak(found: _Fields) -> frozenset[str]:
    """The fields that the sender did not give: defaults and stand-ins."""
    weak = {field for field, origin in found.origins.items() if origin.kind in ("default", "stand-in")}
    for pair in _PAIRS:  # normalisation may derive one field of a pair from the other
        given = any(found.values.get(field) and field not in weak for field in pair)
        weak = weak.difference(pair) if given else weak.union(pair)
    return frozenset(weak)


def _put_origins_of_pairs(found: _Fields) -> None:
    """A pair's field that the sender did not give has the origin of the other field."""
    for pair in _PAIRS:
        for given, derived in (pair, pair[::-1]):
            if found.values.get(given) and not found.values.get(derived):
                found.origins[derived] = found.origins[given]


def _happened_at(source: Form | Webhook, data: Mapping[str, Any], received_at: float) -> float:
    """The event's own time in unix seconds, from seconds, milliseconds or ISO 8601 (UTC if it names no zone).

    At most `received_at`: a sender's clock that is ahead must not block later updates.
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
