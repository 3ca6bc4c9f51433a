"""The API Gateway events that the handlers get."""

from typing import Any

from tests.support.events import crm, form


def events(kind: str, first: int, count: int) -> list[dict[str, Any]]:
    """Events of one kind: `created`, `duplicate`, `refused` (401) or `queued`; `first` is the first person's number."""
    if kind == "refused":
        return [crm({"event": "lead.created", "email": "x@example.com"}, secret="another")] * count  # noqa: S106
    numbers = [first] * count if kind == "duplicate" else range(first, first + count)
    return [form({"full_name": "Ada Example", "email": f"ada{number}@example.com"}) for number in numbers]
