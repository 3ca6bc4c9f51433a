"""The rules for a contact's fields. Pure."""

import re

from local.clemta.answers import Json, invalid

REQUIRED = ("type", "full_name", "email", "company_id")
TEXTS = (*REQUIRED, "status", "description")
BILLING = {
    *("email", "phone", "phone_code", "iso_code", "tax_id"),
    *("country", "address_1", "address_2", "postal_code", "district", "state", "province"),
}
EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


def validate_contact(body: Json) -> None:
    """Raises a Refusal that names the first wrong field."""
    for name in REQUIRED:
        if name not in body:
            raise invalid(name, "is required")
    for name, value in body.items():
        match name, value:
            case "billing", dict():
                for key, item in value.items():
                    if key not in BILLING:
                        raise invalid(f"billing.{key}", "is not known")
                    _validate_text(f"billing.{key}", item)
            case "cc_emails" | "bcc_emails", list():
                for position, item in enumerate(value):
                    _validate_text(f"{name}[{position}]", item, email=True)
            case "billing" | "cc_emails" | "bcc_emails", _:
                raise invalid(name, "must be an object" if name == "billing" else "must be an array")
            case _ if name in TEXTS:
                _validate_text(name, value, email=name == "email")
            case _:
                raise invalid(name, "is not known")
    if body["type"] not in ("customer", "vendor"):
        raise invalid("type", "must be customer or vendor")


def _validate_text(name: str, value: object, email: bool = False) -> None:
    if not isinstance(value, str):
        raise invalid(name, "must be a string")
    if not value.strip():
        raise invalid(name, "must not be empty")
    if email and not EMAIL.fullmatch(value):
        raise invalid(name, "must be an e-mail address")
