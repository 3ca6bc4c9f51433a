"""Turns values under Clemta's field names into a valid contact: normalises lines, names, phone and country. Pure."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import ValidationError

from ..contacts import MAX_LINE, ContactRequest, ascii_email
from ..errors import Unmappable
from . import normalise
from .config import Destination, Form, Webhook
from .description import BIDI, LINE_BREAKS

_COPIES = ("cc_emails", "bcc_emails")
_ADDRESSES = frozenset(["email", *_COPIES])


class Fitted(NamedTuple):
    """The contact without a description, the fields whose values do not fit into it, and those that it has partly."""

    contact: ContactRequest
    unfit: frozenset[str]
    partly: frozenset[str]


def to_contact(values: Mapping[str, Any], source: Form | Webhook, destination: Destination) -> Fitted:
    """The contact; raises Unmappable with every missing or wrong address, and without a name that is required."""
    top: dict[str, Any] = {"type": destination.contact_type, "company_id": destination.company_id}
    billing: dict[str, str] = {}
    unfit: dict[str, str] = {}
    for field, value in values.items():
        if not value or field == "description":
            continue
        if field in _COPIES:
            top[field] = _addresses(value)
        elif field != "full_name" and not field.startswith("billing."):
            top[field] = value
        elif line := _name(value) if field == "full_name" else _one_line(value):
            (top if field == "full_name" else billing)[field.removeprefix("billing.")] = line
        else:
            unfit[field] = "is required"
    email = top.get("email", "")
    if not email:
        raise Unmappable([("email", "is required")])
    with suppress(ValueError):  # the validation below reports what is wrong
        email = top["email"] = ascii_email(email)
    partly = _normalise(billing, source.default_country)
    if not top.get("full_name") and source.name_fallback == "email":
        top["full_name"] = email
    try:
        contact = _validate(top, billing)
    except Unmappable as error:
        unfit |= dict(error.fields)
        required = _ADDRESSES if source.name_fallback == "email" else _ADDRESSES | {"full_name"}
        if wrong := [(field, message) for field, message in unfit.items() if field in required]:
            raise Unmappable(wrong) from None
        for field in unfit:
            top.pop(field, None)
            billing.pop(field.removeprefix("billing."), None)
        contact = _validate({"full_name": email, **top}, billing)
    return Fitted(contact, frozenset(unfit), partly.difference(unfit))


def _validate(top: Mapping[str, Any], billing: Mapping[str, str]) -> ContactRequest:
    try:
        return ContactRequest.model_validate({**top, "billing": billing or None})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise Unmappable([(_field(problem["loc"]), _message(problem)) for problem in problems]) from None


def _message(problem: Any) -> str:
    return "is required" if problem["type"] == "missing" else problem["msg"].removeprefix("Value error, ")


def _name(value: str) -> str:
    """The name in one line, without `@`: a search for an address also finds contacts with that address as a name."""
    name = _one_line(value)
    if "@" not in name:
        return name
    spelled = " ".join(name.replace("@", " at ").split())
    return spelled if len(spelled) <= MAX_LINE else " ".join(name.replace("@", " ").split())


def _one_line(value: str) -> str:
    """The lines joined by ", "; tabs become spaces, bidi controls are removed."""
    lines = LINE_BREAKS.split(BIDI.sub("", value.replace("\t", " ")))
    return ", ".join(text for line in lines if (text := line.strip()))


def _addresses(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


def _field(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if not isinstance(part, int))


def _normalise(billing: dict[str, str], default_country: str | None) -> frozenset[str]:
    """Brings country and phone into Clemta's format; returns the fields that do not keep all that was written."""
    if ("country" in billing) != ("iso_code" in billing):
        billing.update(normalise.country(billing.get("country") or billing["iso_code"]))
    if "phone" in billing and "phone_code" not in billing:
        region = billing.get("iso_code") or default_country
        written = billing["phone"]
        billing.update(normalise.phone(written, region))
        if not _keeps(billing["phone"], written):
            return frozenset(["billing.phone"])
    return frozenset()


def _keeps(phone: str, written: str) -> bool:
    """Whether a normalised number keeps all of the text that it was read from: "call 0532 … after six" is more."""
    if phone == written:
        return True
    digits = "".join(str(int(character)) for character in written if character.isdecimal())
    return digits.endswith(phone) and not any(map(str.isalpha, written))
