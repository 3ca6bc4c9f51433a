"""Verifies a captcha's token with its provider: Turnstile, hCaptcha and reCAPTCHA share one request format.

https://developers.cloudflare.com/turnstile/get-started/server-side-validation, https://docs.hcaptcha.com/#verify,
https://developers.google.com/recaptcha/docs/verify
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from .deadlines import Deadline
from .errors import CaptchaTrouble, NotApplied
from .http_values import HttpRequest, HttpResponse
from .transport import TransportError

VERIFIERS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
NO_TOKEN = "clemta-intake-asks-whether-the-secret-is-right"  # noqa: S105 - no provider issues such a token
_SECONDS = 1.2

# The providers' error codes, grouped by cause: our secret, the provider, or the token. A token of another site
# (sitekey-secret-mismatch) or of the provider's test key (not-using-dummy-secret) is refused: anybody can send one.
_SECRET_CODES = {"missing-input-secret", "invalid-input-secret", "not-using-dummy-passcode"}
_PROVIDER_CODES = {"internal-error"}
_TOKEN_CODES = {
    "missing-input-response",
    "invalid-input-response",
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
    "invalid-or-already-seen-response",
    "sitekey-secret-mismatch",
    "not-using-dummy-secret",
}


class Verdict(NamedTuple):
    """A verifier's answer about a token; `score` (reCAPTCHA v3) is 1 for a person, 0 for a bot."""

    person: bool
    hostname: str = ""
    score: float | None = None


class Transport(Protocol):
    """One request, one answer; see transport.Transport."""

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse: ...


class Captcha:
    """Client of the captcha providers' verifiers."""

    def __init__(self, transport: Transport, verifiers: Mapping[str, str] = VERIFIERS) -> None:
        self._transport = transport
        self._verifiers = verifiers

    def verify(self, provider: str, secret: str, token: str, deadline: Deadline) -> Verdict:
        """The verifier's answer. The request does not contain the sender's IP address.

        Raises CaptchaTrouble if the verifier refuses the secret or reports a failure, NotApplied if it does not answer.
        """
        status, answer = self._ask(provider, secret, token, deadline)
        if status < 400 and answer["success"]:
            hostname, score = answer.get("hostname"), answer.get("score")
            return Verdict(
                True,
                hostname.lower() if isinstance(hostname, str) else "",
                score if isinstance(score, int | float) else None,
            )
        listed = answer.get("error-codes")
        codes = {code for code in listed if isinstance(code, str)} if isinstance(listed, list) else set()
        if codes & _SECRET_CODES:
            raise CaptchaTrouble("captcha_secret_refused")
        if codes & _PROVIDER_CODES or (status >= 400 and not codes):
            raise CaptchaTrouble("captcha_error", f"HTTP {status}")
        if not codes or codes & _TOKEN_CODES:
            return Verdict(False)
        if token == NO_TOKEN:
            raise CaptchaTrouble("captcha_error", "it does not say what is wrong")
        # An unknown code: this call raises CaptchaTrouble if our request is at fault and not the token.
        self.verify(provider, secret, NO_TOKEN, deadline)
        return Verdict(False)

    def _ask(self, provider: str, secret: str, token: str, deadline: Deadline) -> tuple[int, dict[str, Any]]:
        seconds = min(_SECONDS, deadline.check())
        request = HttpRequest(
            "POST",
            self._verifiers[provider],
            {"Content-Type": "application/x-www-form-urlencoded"},
            # JSON can hold half of a character, which UTF-8 cannot: the verifier then refuses the secret.
            body=urlencode({"secret": secret, "response": token}, errors="replace").encode(),
        )
        try:
            answer = self._transport.send(request, seconds / 3, seconds)
        except TransportError as error:
            raise NotApplied("captcha_unavailable", str(error)) from None
        try:
            data = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise NotApplied("captcha_unavailable", type(error).__name__) from None
        if answer.status >= 500 or not isinstance(data, dict) or not isinstance(data.get("success"), bool):
            raise NotApplied("captcha_unavailable", f"HTTP {answer.status}")
        return answer.status, data
