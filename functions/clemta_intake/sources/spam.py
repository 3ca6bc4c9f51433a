"""A form's spam rules: a trap field, a minimum time, disposable addresses, a captcha's token. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from ..errors import Unmappable
from .config import Spam

TRAP = "_leave_empty"
"""The trap field of the pages in docs/website-form.md."""
ELAPSED = "_elapsed"
"""The field in which a page's script sends the milliseconds since the page was loaded."""
_CHARSET = "_charset_"  # a browser fills it in
TOKENS = {
    "turnstile": "cf-turnstile-response",
    "hcaptcha": "h-captcha-response",
    "recaptcha": "g-recaptcha-response",
}
_MAX_ELAPSED = 100  # characters
MAX_TOKEN = 8_192  # characters; Turnstile's have at most 2,048, the other providers name no limit
TRY_AGAIN = "was not accepted: reload the page and try again"


def broken_rule(spam: Spam, fields: Mapping[str, Any], email: str) -> str | None:
    """The rule that the submission breaks, or None.

    Raises Unmappable if the elapsed time is impossible.
    """
    elapsed = _elapsed(fields.get(ELAPSED)) if spam.min_seconds else None
    trap = fields.get(spam.honeypot) if spam.honeypot else None
    if any(trap) if isinstance(trap, list) else trap:  # a field that is twice in the page comes as a list
        return "honeypot"
    if spam.min_seconds and elapsed is not None and elapsed < spam.min_seconds:
        return "too_fast"
    if spam.disposable and _is_disposable(email):
        return "disposable"
    return None


def captcha_token(provider: str, fields: Mapping[str, Any]) -> str:
    """The token that the captcha's widget put into the form; raises Unmappable if it is missing or malformed."""
    name = TOKENS[provider]
    token = fields.get(name)
    if not token or not isinstance(token, str):
        raise Unmappable([(name, "is required: show that you are a person")], "captcha_missing")
    if len(token) > MAX_TOKEN or not (token.isascii() and token.isprintable()):
        raise captcha_refused(provider, "captcha_malformed")
    return token


def captcha_refused(provider: str, code: str) -> Unmappable:
    """The error that asks a person to try again, with another token."""
    return Unmappable([(TOKENS[provider], TRY_AGAIN)], code)


def answers_only(fields: Mapping[str, Any], spam: Spam | None) -> dict[str, Any]:
    """The form's fields without those that no person fills in: trap, elapsed time, captcha tokens, charset."""
    left_out = {TRAP, ELAPSED, _CHARSET, *TOKENS.values(), spam.honeypot if spam else None}
    return {name: value for name, value in fields.items() if name not in left_out}


def _elapsed(value: Any) -> float | None:
    """The elapsed seconds; None if they are missing or unreadable, as from a page without the script."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    try:
        seconds = (
            math.inf
            if len(text) > _MAX_ELAPSED and text.isdecimal()
            else float(text[: _MAX_ELAPSED + 1]) / 1000
        )
    except ValueError:
        return None
    if not 0 <= seconds < math.inf:
        raise Unmappable([(ELAPSED, "must be the milliseconds since the page was loaded")])
    return seconds


def _is_disposable(email: str) -> bool:
    """Whether the address belongs to a throw-away mail service or one of its sub-domains."""
    from disposable_email_domains import blocklist  # imported only for a form with this rule: 5 ms

    labels = email.rpartition("@")[2].lower().split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels)))
