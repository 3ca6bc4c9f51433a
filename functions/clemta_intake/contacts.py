"""Clemta's Create Contact request (https://docs.clemta.com, POST /contacts): strict, frozen, nothing empty."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

# What HTML calls a valid e-mail address, and browsers accept (https://html.spec.whatwg.org/#valid-e-mail-address), with
# at least one dot in the domain and, as RFC 5321 and Clemta have it, no empty part between dots. A third of the cold
# start cheaper than pydantic's EmailStr, which checks what nobody here needs (quoted local parts, special-use domains).
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}")
_LABEL = re.compile(r"[A-Za-z0-9-]{1,63}")
_MAX_EMAIL = 254
_MAX_LABEL = 63
_MAX_COPIES = 20  # addresses of one contact
_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # what an international domain may have between its labels
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LINE_BREAK = re.compile("[\t\n\r]")
MAX_LINE = 256  # characters
MAX_TEXT = 10_000  # characters


def ascii_email(value: str) -> str:
    """The address in lower case, an international domain in its ASCII form; ValueError if it is none."""
    address = value.strip()
    local, at, domain = address.rpartition("@")
    if len(address) > _MAX_EMAIL or any(len(label) > _MAX_LABEL for label in _DOTS.split(domain)):
        raise ValueError("must be an e-mail address")  # idna would take the square of a label's length
    if at and not domain.isascii():
        import idna  # only for such a domain: 20 ms of tables

        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError("must be an e-mail address") from error
    address = f"{local}@{domain}"
    if len(address) > _MAX_EMAIL or not _is_email(local, domain):
        raise ValueError("must be an e-mail address")
    return address.lower()


def _is_email(local: str, domain: str) -> bool:
    labels = domain.split(".")
    return (
        len(local) <= 64
        and all(map(_ATOM.fullmatch, local.split(".")))
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) and label.strip("-") == label for label in labels)
    )


def _printable(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError("must not contain control characters")
    return value


def _one_line(value: str) -> str:
    if _LINE_BREAK.search(value):
        raise ValueError("must be one line")
    return _printable(value)


def _few(value: Any) -> Any:
    """Before any is looked at: pydantic's own limit counts only the valid ones."""
    if isinstance(value, tuple) and len(value) > _MAX_COPIES:
        raise ValueError(f"must be at most {_MAX_COPIES} addresses")
    return value


type Email = Annotated[str, AfterValidator(ascii_email)]
type Copies = Annotated[tuple[Email, ...], BeforeValidator(_few)]
type Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINE),
    AfterValidator(_one_line),
]
type Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT),
    AfterValidator(_printable),
]

_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Billing(BaseModel):
    """Clemta's billing fields: plain strings, none empty; `phone` is the national number, `phone_code` as "+90"."""

    model_config = _STRICT

    email: Email | None = None
    phone: Line | None = None
    phone_code: Line | None = None
    iso_code: Line | None = None
    country: Line | None = None
    address_1: Line | None = None
    address_2: Line | None = None
    postal_code: Line | None = None
    district: Line | None = None
    state: Line | None = None
    province: Line | None = None
    tax_id: Line | None = None


class ContactRequest(BaseModel):
    """The body of a create and of an update; `company_id` belongs to the operator and never comes from a sender."""

    model_config = _STRICT

    type: Literal["customer", "vendor"]
    full_name: Line
    email: Email
    company_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}\z")]
    status: Line | None = None
    description: Text | None = None
    cc_emails: Copies | None = None
    bcc_emails: Copies | None = None
    billing: Billing | None = None

    def body(self) -> dict[str, Any]:
        """What goes over the wire: no key without a value."""
        body = self.model_dump(mode="json", exclude_none=True)
        return {key: value for key, value in body.items() if value not in ({}, [])}
