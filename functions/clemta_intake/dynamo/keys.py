"""The table's keys that stand for a person: keyed hashes, so that no address can be tested against a leaked table."""

import hmac


def contact_key(pepper: str, company_id: str, contact_type: str, email: str, delivery_id: str = "") -> str:
    """The item of one contact; `delivery_id` is "" where one e-mail address is one contact."""
    return "contact#" + keyed_hash(
        pepper, "\n".join((company_id, contact_type, email.casefold(), delivery_id))
    )


def reservation_key(pepper: str, contact_id: str) -> str:
    """The item that says which claim a contact in Clemta belongs to."""
    return "made#" + keyed_hash(pepper, contact_id)


def list_key(pepper: str, company_id: str) -> str:
    """The item that says how current a company's list is."""
    return "list#" + keyed_hash(pepper, company_id)


def batch_key(pepper: str, source: str, body_digest: str) -> str:
    """The item of a batch that was cut off."""
    return "batch#" + keyed_hash(pepper, f"{source}\n{body_digest}")


def delivery_hash(pepper: str, key: str, delivery_id: str) -> str:
    """A delivery as the item `key` remembers it; "" if the sender gives it no id."""
    return keyed_hash(pepper, f"{key}\n{delivery_id}")[:32] if delivery_id else ""


def keyed_hash(pepper: str, text: str) -> str:
    """HMAC-SHA256, in hex."""
    return hmac.new(pepper.encode(), text.encode(), "sha256").hexdigest()
