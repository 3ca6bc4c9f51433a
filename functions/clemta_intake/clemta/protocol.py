"""Clemta's protocol without I/O."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import requests

from ..contacts import ContactRequest
from ..errors import (
    ConfigError,
    ContactGone,
    DataError,
    KeyRefused,
    NotApplied,
    OutcomeUnknown,
    Permanent,
    Retryable,
    Throttled,
)

_WINDOW_SECONDS = 60.0  # what a 429 says as a rule, and means where it says nothing
_LONGEST_PAUSE = 900.0
_CODE = re.compile("[A-Z][A-Z_]{0,63}")
_SAFE_RUN = re.compile("[a-z0-9@._-]+")
_NO_CONTACT = (
    "CONTACT_NOT_FOUND",
    "NOT_FOUND",
)  # another 404, as COMPANY_NOT_FOUND, is not about the contact


def search_term(email: str) -> str:
    """The longest part of the address, in lower case, that finds it, be `search` text or a pattern to Clemta.

    Letters, digits, `@` and `-` match themselves in each. So do `.`, any one character to a regular expression, and
    `_`, the same to LIKE. All else is left out: `+` and `*` do not match themselves, and `%` matches too much.
    """
    runs: list[str] = _SAFE_RUN.findall(email.lower())
    return max(runs, key=len)


def is_contact(entry: Mapping[str, Any], contact: ContactRequest) -> bool:
    """Whether what a search found has the contact's e-mail, case apart, and its type."""
    email = entry.get("email")
    return (
        isinstance(email, str)
        and email.casefold() == contact.email.casefold()
        and entry.get("type") == contact.type
    )


def _payload(answer: requests.Response) -> dict[str, Any]:
    try:
        payload = json.loads(answer.content)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _refusal(
    answer: requests.Response, payload: Mapping[str, Any], unrepeatable: bool
) -> Retryable | Permanent:
    """What the caller may do about an answer that is no success."""
    status, error = answer.status_code, payload.get("error")
    details = error if isinstance(error, dict) else {}
    code = details.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):  # it is logged: a word of theirs, never a text
        code = f"HTTP_{status}"
    message = f"{payload.get('message', '')} {details.get('details', '')}".strip()
    if status == 401:
        return KeyRefused(code, message, status=status)
    if status == 404 and code in _NO_CONTACT and payload.get("success") is False:
        return ContactGone(code, message, status=status)
    if 300 <= status < 400 or status in (402, 403, 404, 405):
        return ConfigError(code, message, status=status)
    if status == 429:
        wait = _retry_after(answer) or _until_reset(answer) or _WINDOW_SECONDS
        return Throttled(code, message, status=status, retry_after=wait)
    if 400 <= status < 500 and status not in (408, 425):
        return DataError(code, message, status=status)
    kind = OutcomeUnknown if unrepeatable else NotApplied
    return kind(code, message, status=status, retry_after=_retry_after(answer))


def _retry_after(answer: requests.Response) -> float:
    """Seconds, believed up to a quarter of an hour: some servers say milliseconds. A date counts as nothing said."""
    return min(_LONGEST_PAUSE, number(answer, "Retry-After", digits=9) or 0.0)


def _until_reset(answer: requests.Response) -> float:
    """Seconds to X-RateLimit-Reset, which is unix seconds; at most a minute, should Clemta's clock be another one."""
    reset = number(answer, "X-RateLimit-Reset", digits=11) or 0.0
    return min(_WINDOW_SECONDS, max(0.0, reset - time.time()))


def number(answer: requests.Response, header: str, digits: int) -> float | None:
    """The header's whole number; None if it is absent or anything else."""
    text = answer.headers.get(header, "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
