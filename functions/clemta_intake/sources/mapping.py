"""Maps the data of a submission to a contact, with the origin of each field. Pure."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..contacts import ContactRequest
from ..errors import Unmappable, Unreadable
from ..model import MappedSubmission, Submission
from .answers import Answer, to_answers, to_text
from .config import Destination, Form, Webhook
from .contact_fields import to_contact
from .description import compose, printable, to_line
from .expressions import search
from .fields import Reading, Recognition, is_own_address, recognise
from .rest import answers_in_body, as_text, folded, without_mapped, without_repeated
from .spam import answers_only

if TYPE_CHECKING:
    from .consent import Consent

# Any other text is no delivery id, such as a header that came twice ("one, one"): then the body's hash is used.
_DELIVERY_ID = re.compile(r"[!-+\--~]{1,200}")
_PAIRS = (("billing.country", "billing.iso_code"), ("billing.phone", "billing.phone_code"))
_LISTS = ("cc_emails", "bcc_emails")
# Recognised fields with a line of their own in the description. Clemta has no field for a company. With a form's
# billing.email anybody could redirect a customer's invoices: in the description a bookkeeper decides.
_OWN_LINES = {"company": "Company"}
_OWN_LINES_OF_A_FORM = {**_OWN_LINES, "billing.email": "Billing e-mail"}
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


class _Draft:
    """A contact in the making: values and origins by Clemta's field; a later `put` replaces an earlier one."""

    def __init__(self, source: Form | Webhook, data: Mapping[str, Any]) -> None:
        self.source = source
        if source.answers:
            self.answers = to_answers(search("answers", source.answers, data))
            self.recognised = recognise(self.answers)
        else:
            self.answers = answers_in_body(source, data["body"])
            self.recognised = Recognition({}, {}, ())
        self.own_lines = _OWN_LINES_OF_A_FORM if isinstance(source, Form) else _OWN_LINES
        self.values: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.untold: dict[str, Origin] = {}
        """The origins of the values that the contact's fields do not take, or not whole."""

    def put(self, field: str, value: Any, origin: Origin) -> None:
        self.values[field] = printable(value) if field == "description" else value
        self.origins[field] = origin


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
    draft = _Draft(source, data)
    _put_recognised(draft)
    _put_expressions(draft, data)
    _put_defaults(draft, submission)
    consent = _consent(draft, submission, data)
    delivery_id = submission.delivery_id or find_delivery_id(submission, source, data)
    contact = _to_contact(draft, data, consent)
    described, lines = _describe(draft, consent)
    mapped = MappedSubmission(
        contact.model_copy(update={"description": described}) if described else contact,
        f"{source.name}:{delivery_id}",
        submission.received_at,
        _happened_at(source, data, submission.received_at),
        isinstance(source, Webhook),
        _weak(draft),
        lines,
        consent.line if consent else "",
    )
    _put_origins_of_pairs(draft)
    return MappingResult(mapped, draft.origins, draft.recognised.readings)


def _put_recognised(draft: _Draft) -> None:
    values, made_of = draft.recognised.values, draft.recognised.made_of
    for field, value in values.items():
        if field == "message":
            draft.put("description", value, Origin("name", made_of[field]))
        elif field not in draft.own_lines:
            draft.put(field, value, Origin("name", made_of[field]))
    company = values.get("company", "")
    if company and "full_name" not in values and not is_own_address(company, values.get("email", "")):
        draft.put("full_name", company, Origin("stand-in", made_of["company"]))


def _put_expressions(draft: _Draft, data: Mapping[str, Any]) -> None:
    for field, expression in draft.source.contact.items():
        value = search(f"contact.{field}", expression, data)
        if field in _LISTS:
            draft.put(field, value, Origin("expression", given=to_text(value)))
        elif not isinstance(value, dict | bool):
            draft.put(field, to_text(value), Origin("expression", given=to_text(value)))
        elif field == "email":
            raise Unmappable([(field, "must be text")])
        else:
            draft.put(field, "", Origin("expression", given=as_text(value)))
            draft.untold[field] = draft.origins[field]
    if is_own_address(draft.values.get("full_name", ""), draft.values.get("email", "")):
        draft.values["full_name"] = ""


def _put_defaults(draft: _Draft, submission: Submission) -> None:
    for field, default in draft.source.defaults.items():
        if not draft.values.get(field):
            draft.put(field, _filled(default, submission), Origin("default"))


def _filled(default: str | tuple[str, ...], submission: Submission) -> str | tuple[str, ...]:
    if isinstance(default, tuple):
        return default
    day = datetime.fromtimestamp(submission.received_at, UTC).date().isoformat()
    return default.replace("{source}", submission.source).replace("{date}", day)


def _consent(draft: _Draft, submission: Submission, data: Mapping[str, Any]) -> "Consent | None":
    if not draft.source.consent:
        return None
    from .consent import find_consent  # only for such a source: 3 ms

    return find_consent(draft.source.consent, data, draft.answers, draft.source, submission.received_at)


def _to_contact(draft: _Draft, data: Mapping[str, Any], consent: "Consent | None") -> ContactRequest:
    """The contact without its description; raises Unmappable for a wrong field or a consent that is not ticked."""
    unticked = [(consent.field, "must be ticked")] if consent and not consent.is_ticked else []
    try:
        contact, unfit, partly = to_contact(draft.values, draft.source, _destination(draft.source, data))
    except Unmappable as error:
        raise Unmappable([*error.fields, *unticked]) from None
    if unticked:
        raise Unmappable(unticked)
    draft.untold |= {field: draft.origins[field] for field in sorted(unfit | partly)}
    for field in unfit:
        del draft.values[field], draft.origins[field]
    if not draft.values.get("full_name"):  # the e-mail address replaces the name
        draft.put("full_name", contact.full_name, Origin("stand-in"))
    return contact


def _destination(source: Form | Webhook, data: Mapping[str, Any]) -> Destination:
    return source.destination(as_text(search("route.by", source.route.by, data)) if source.route else "")


def _describe(draft: _Draft, consent: "Consent | None") -> tuple[str, tuple[str, ...]]:
    """The description, and its lines after the sender's own words or the default: one for each answer."""
    head, origin = draft.values.get("description", ""), draft.origins.get("description", Origin("name"))
    recognised, others = draft.recognised, _rest(draft, consent)
    lines = [to_line(label, recognised.values.get(field, "")) for field, label in draft.own_lines.items()]
    lines += [consent.line] if consent else []
    lines += [to_line(field, said.given) for field, said in draft.untold.items()]
    lines += [to_line(answer.name, answer.value) for answer in others]
    lines = [line for line in lines if line]
    if not head and not lines:
        return "", ()
    answers = [answer for field in draft.own_lines for answer in recognised.made_of.get(field, ())]
    answers += [*origin.answers, *(consent.answers if consent else ()), *others]
    draft.origins["description"] = Origin(origin.kind if head else "name", tuple(answers), origin.given)
    return compose(head, lines)


def _rest(draft: _Draft, consent: "Consent | None") -> list[Answer]:
    """The answers that neither a field of the contact nor another line of its description tells."""
    told = {answer for field in draft.own_lines for answer in draft.recognised.made_of.get(field, ())}
    told.update(consent.answers if consent else ())
    results = [origin.given for origin in (*draft.origins.values(), *draft.untold.values()) if origin.given]
    for field, origin in draft.origins.items():
        if field not in draft.untold:
            told.update(origin.answers)
            told.update(_confirmed(draft.recognised, field, origin))
    others = without_repeated(draft.answers, draft.recognised.readings, told, draft.values["email"])
    others = without_mapped(others, draft.source, results)
    if draft.source.rest == "description":
        return others
    untold = {answer for origin in draft.untold.values() for answer in origin.answers}
    return [answer for answer in others if answer in untold]


def _confirmed(recognised: Recognition, field: str, origin: Origin) -> Iterator[Answer]:
    """The answers that say the same as the expression that overrides them."""
    name = "message" if field == "description" else field
    if origin.kind == "expression" and name in recognised.values:
        whole = folded(recognised.values[name]) == folded(origin.given)
        for answer in recognised.made_of[name]:
            if whole or folded(answer.value) == folded(origin.given):
                yield answer


def _weak(draft: _Draft) -> frozenset[str]:
    """The fields that the sender did not give: defaults, stand-ins, a description without the sender's own words."""
    weak = {field for field, origin in draft.origins.items() if origin.kind in ("default", "stand-in")}
    for pair in _PAIRS:  # normalisation may derive one field of a pair from the other
        given = any(draft.values.get(field) and field not in weak for field in pair)
        weak = weak.difference(pair) if given else weak.union(pair)
    return frozenset(weak if draft.values.get("description") else {*weak, "description"})


def _put_origins_of_pairs(draft: _Draft) -> None:
    """A pair's field that the sender did not give has the origin of the other field."""
    for pair in _PAIRS:
        for given, derived in (pair, pair[::-1]):
            if draft.values.get(given) and not draft.values.get(derived):
                draft.origins[derived] = draft.origins[given]


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
