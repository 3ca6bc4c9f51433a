"""What an open form does against machines: a trap field, the time a person needs, a captcha's token. Pure."""

from collections.abc import Mapping
from typing import Any

from .sources.config import Spam

STARTED = "_started"
"""The field in which a page's script puts the unix milliseconds at which it was loaded."""

TOKENS = {
    "turnstile": "cf-turnstile-response",
    "hcaptcha": "h-captcha-response",
    "recaptcha": "g-recaptcha-response",
}


def broken_rule(spam: Spam, fields: Mapping[str, Any], now: float) -> str | None:
    """The rule that the submission breaks; None if it is a person's, as far as can be seen. `now` is unix seconds."""
    if spam.honeypot and fields.get(spam.honeypot):
        return "honeypot"
    started = fields.get(STARTED)
    if spam.min_seconds and started is not None and not _in_time(started, spam.min_seconds, now):
        return "too_fast"
    provider, _ = spam.captcha or ("", "")
    if provider and not captcha_token(provider, fields):
        return "captcha"
    return None


def is_disposable(email: str) -> bool:
    """Whether the address is of a service that throws mail away."""
    from disposable_email_domains import blocklist  # only for a form that asks: 5 ms

    return email.rpartition("@")[2].lower() in blocklist


def captcha_token(provider: str, fields: Mapping[str, Any]) -> str:
    """What the captcha's widget put into the form."""
    token = fields.get(TOKENS[provider])
    return token if isinstance(token, str) else ""


def _in_time(started: Any, min_seconds: float, now: float) -> bool:
    """A time that is none, or lies ahead, was not written by the page."""
    try:
        return now - float(started) / 1000 >= min_seconds
    except (TypeError, ValueError, OverflowError):
        return False
