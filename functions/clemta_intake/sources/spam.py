"""What an open form does against machines: a trap field, the time a person needs, a captcha's token. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from ..errors import Unmappable
from .config import Spam

TRAP = "_leave_empty"
"""The trap field of the pages in docs/website-form.md."""
ELAPSED = "_elapsed"
"""The field in which a page's script says how many milliseconds ago the page was loaded."""
TOKENS = {
    "turnstile": "cf-turnstile-response",
    "hcaptcha": "h-captcha-response",
    "recaptcha": "g-recaptcha-response",
}
_MAX_ELAPSED = 100  # characters
MAX_TOKEN = 8_192  # characters; Turnstile's have 2,048 at most, the others' are not bounded
TRY_AGAIN = "was not accepted: reload the page and try again"


def broken_rule(spam: Spam, fields: Mapping[str, Any], email: str) -> str | None:
    """The rule that the submission breaks; None if it is a person's, as far as can be seen.

    Raises Unmappable where the page says an impossible time.
    """
    elapsed = _elapsed(fields.get(ELAPSED)) if spam.min_seconds else None
    trap = fields.get(spam.honeypot) if spam.honeypot else None
    if any(trap) if isinstance(trap, list) else trap:  # a field that stands twice in the page comes as a list
        return "honeypot"
    if spam.min_seconds and elapsed is not None and elapsed < spam.min_seconds:
        return "too_fast"
    if spam.disposable and _is_disposable(email):
        return "disposable"
    return None


def captcha_token(provider: str, fields: Mapping[str, Any]) -> str:
    """What the captcha's widget put into the form; Unmappable if it is not there, or no widget wrote it."""
    name = TOKENS[provider]
    token = fields.get(name)
    if not token or not isinstance(token, str):
        raise Unmappable([(name, "is required: show that you are a person")], "captcha_missing")
    if len(token) > MAX_TOKEN or not (token.isascii() and token.isprintable()):
        raise captcha_refused(provider, "captcha_malformed")
    return token


def captcha_refused(provider: str, code: str) -> Unmappable:
    """A person gets another token by trying again."""
    return Unmappable([(TOKENS[provider], TRY_AGAIN)], code)


def answers_only(fields: Mapping[str, Any], spam: Spam | None) -> dict[str, Any]:
    """The form's fields without those that only tell people from machines."""
    left_out = {TRAP, ELAPSED, *TOKENS.values(), spam.honeypot if spam else None}
    return {name: value for name, value in fields.items() if name not in left_out}


def _elapsed(value: Any) -> float | None:
    """Seconds; None where the page says nothing that can be read, as one without a script does."""
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
    """Whether the address is of a service that throws mail away, or of a sub-domain of it."""
    from disposable_email_domains import blocklist  # only for a form that asks: 5 ms

    labels = email.rpartition("@")[2].lower().split(".")
    return any(".".join(labels[start:]) in blocklist for start in range(len(labels)))
