"""The comparison of a submission's contact with the one in Clemta. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from .contacts import MAX_TEXT, Billing
from .model import MappedSubmission

_PAIRS = {"country": "iso_code", "iso_code": "country", "phone": "phone_code", "phone_code": "phone"}


def contact_changes(mapped: MappedSubmission, existing: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an update; empty if nothing would change. What the submission does not say stays.

    Weak fields (defaults and stand-ins) only fill what is empty; a weak description adds its lines. Type and e-mail
    stay as Clemta has them: the operator may have changed them there, and here they only identify the contact.
    """
    wanted, weak = mapped.contact.body(), mapped.weak
    known = _billing(existing)
    billing = known | {
        key: value
        for key, value in wanted.pop("billing", {}).items()
        if f"billing.{key}" not in weak or not (known.get(key) or known.get(_PAIRS.get(key, "")))
    }
    if "description" in weak and (theirs := existing.get("description")):
        wanted["description"] = _with_lines(str(theirs), mapped.lines)
    required = {key: existing.get(key) or wanted[key] for key in ("type", "email", "full_name")}
    changed = {
        key: value
        for key, value in wanted.items()
        if key not in ("type", "email", "company_id")
        and value != existing.get(key)
        and not (key in weak and key != "description" and existing.get(key))
    }
    if billing != known:
        changed["billing"] = billing
    return {**required, "company_id": mapped.contact.company_id, **changed} if changed else {}


def _with_lines(description: str, lines: Iterable[str]) -> str:
    """The description that Clemta has, followed by the lines that it does not have yet, as far as they fit."""
    present = {line.strip() for line in description.splitlines()}
    parts, length = [description], len(description)
    for line in lines:
        if length + 1 + len(line) <= MAX_TEXT and not present.issuperset(map(str.strip, line.split("\n"))):
            parts.append(line)
            length += 1 + len(line)
    return "\n".join(parts)


def _billing(existing: Mapping[str, Any]) -> dict[str, str]:
    """The billing fields that Clemta accepts back: it also answers with others, with null and with empty texts."""
    billing = existing.get("billing")
    if not isinstance(billing, dict):
        return {}
    return {
        key: value
        for key, value in billing.items()
        if key in Billing.model_fields and isinstance(value, str) and value
    }


def same_name(theirs: object, ours: str) -> bool:
    """Whether the two names are equal: Clemta may trim, capitalise and Unicode-compose a name."""
    return isinstance(theirs, str) and _letters(theirs) == _letters(ours)


def _letters(name: str) -> str:
    import unicodedata  # needed only after a lost answer

    folded = unicodedata.normalize("NFKD", name.replace("ı", "i").casefold())
    return "".join(letter for letter in folded if letter.isalnum()) or name.strip()
