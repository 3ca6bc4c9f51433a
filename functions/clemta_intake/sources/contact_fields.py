"""Turns values under Clemta's field names into a valid contact: normalises lines, names, phone and country. Pure."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError

from ..contacts import MAX_LINE, ContactRequest, ascii_email
from ..errors import Unmappable
from . import normalise
from .config import Form, Webhook

_LINE_BREAKS = re.compile("\r\n|[\r\n\u2028\u2029]")
# Controls that reverse the direction of the text around them.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def to_contact(values: Mapping[str, Any], source: Form | Webhook) -> ContactRequest:
    """The contact; raises Unmappable with every missing or wrong field."""
    top: dict[str, Any] = {}
    billing: dict[str, str] = {}
    for field, value in values.items():
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
    with suppress(ValueError):  # the validation below reports what is wrong
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
        ) from None  # pydantic's error holds the values


def _name(value: str) -> str:
    """The name in one line, without `@`: a search for an address also finds contacts with that address as a name."""
    name = _one_line(value)
    if "@" not in name:
        return name
    spelled = " ".join(name.replace("@", " at ").split())
    return spelled if len(spelled) <= MAX_LINE else " ".join(name.replace("@", " ").split())


def _one_line(value: str) -> str:
    """The lines joined by ", "; tabs become spaces, bidi controls are removed."""
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
