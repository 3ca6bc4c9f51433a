"""Asks a captcha's maker whether a token is a person's: Turnstile, hCaptcha and reCAPTCHA share one form of call.

https://developers.cloudflare.com/turnstile/get-started/server-side-validation, https://docs.hcaptcha.com/#verify,
https://developers.google.com/recaptcha/docs/verify
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from . import transport
from .deadlines import Deadline
from .errors import CaptchaTrouble, NotApplied

VERIFIERS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
NO_TOKEN = "clemta-intake-asks-whether-the-secret-is-right"  # noqa: S105 - no maker gives such a token
_SECONDS = 1.2

# The makers' error codes, by whose fault it is. A token of another site (sitekey-secret-mismatch) or of the maker's
# test key (not-using-dummy-secret) is the sender's: anybody can send one, and must not pass for it.
_OF_SECRET = {"missing-input-secret", "invalid-input-secret", "not-using-dummy-passcode"}
_OF_MAKER = {"internal-error"}
_OF_TOKEN = {
    "missing-input-response",
    "invalid-input-response",
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
    "invalid-or-already-seen-response",
    "sitekey-secret-mismatch",
    "not-using-dummy-secret",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of a token; `score` (reCAPTCHA v3) is 1 for a person, 0 for a machine."""

    person: bool
    hostname: str = ""
    score: float | None = None


class Captcha:
    """The verifiers, over one session."""

    def __init__(self, verifiers: Mapping[str, str] = VERIFIERS) -> None:
        self._verifiers = verifiers
        self._session = transport.session()

    def verify(self, provider: str, secret: str, token: str, deadline: Deadline) -> Verdict:
        """What the verifier says. The sender's address stays with us.

        Raises CaptchaTrouble where it refuses the secret or says that it fails, Retryable if it says nothing in time.
        """
        status, said = self._ask(provider, secret, token, deadline)
        if status < 400 and said["success"]:
            hostname, score = said.get("hostname"), said.get("score")
            return Verdict(
                True,
                hostname.lower() if isinstance(hostname, str) else "",
                score if isinstance(score, int | float) else None,
            )
        named = said.get("error-codes")
        codes = {code for code in named if isinstance(code, str)} if isinstance(named, list) else set()
        if codes & _OF_SECRET:
            raise CaptchaTrouble("captcha_secret_refused")
        if codes & _OF_MAKER or (status >= 400 and not codes):
            raise CaptchaTrouble("captcha_error", f"HTTP {status}")
        if not codes or codes & _OF_TOKEN:
            return Verdict(False)
        if token == NO_TOKEN:
            raise CaptchaTrouble("captcha_error", "it does not say what is wrong")
        self.verify(
            provider, secret, NO_TOKEN, deadline
        )  # raises where our request, and not the token, is at fault
        return Verdict(False)

    def _ask(self, provider: str, secret: str, token: str, deadline: Deadline) -> tuple[int, dict[str, Any]]:
        seconds = min(_SECONDS, deadline.check())
        try:
            answer = self._session.post(
                self._verifiers[provider],
                data={"secret": secret, "response": token},
                timeout=(seconds / 3, seconds * 2 / 3),
                allow_redirects=False,
            )
            said = json.loads(answer.content)
        except (requests.RequestException, ValueError, RecursionError) as error:
            raise NotApplied("captcha_unavailable", type(error).__name__) from None
        if (
            answer.status_code >= 500
            or not isinstance(said, dict)
            or not isinstance(said.get("success"), bool)
        ):
            raise NotApplied("captcha_unavailable", f"HTTP {answer.status_code}")
        return answer.status_code, said
