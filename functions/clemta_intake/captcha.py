"""Asks a captcha's maker whether a token is a person's: Turnstile, hCaptcha and reCAPTCHA share one form of call.

https://developers.cloudflare.com/turnstile/get-started/server-side-validation, https://docs.hcaptcha.com/#verify,
https://developers.google.com/recaptcha/docs/verify
"""

import json
from collections.abc import Mapping

import requests

from . import bounded
from .deadlines import Deadline
from .errors import Temporary

VERIFIERS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
_SECONDS = 1.2


class Captcha:
    """The verifiers, over one session."""

    def __init__(self, verifiers: Mapping[str, str] = VERIFIERS) -> None:
        self._verifiers = verifiers
        self._session = bounded.session()

    def is_person(self, provider: str, secret: str, token: str, deadline: Deadline) -> bool:
        """What the verifier says; Temporary if it says nothing in time. The sender's address stays with us."""
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
            raise Temporary("captcha_unavailable", type(error).__name__) from None
        if (
            answer.status_code >= 500
            or not isinstance(said, dict)
            or not isinstance(said.get("success"), bool)
        ):
            raise Temporary("captcha_unavailable", f"HTTP {answer.status_code}")
        return bool(said["success"])
