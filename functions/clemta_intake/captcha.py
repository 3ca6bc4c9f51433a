"""Asks a captcha's provider whether a token is valid: Turnstile, hCaptcha and reCAPTCHA share one form of call.

https://developers.cloudflare.com/turnstile/get-started/server-side-validation, https://docs.hcaptcha.com/#verify,
https://developers.google.com/recaptcha/docs/verify
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

from .deadlines import Deadline
from .errors import CaptchaTrouble, NotApplied
from .http_values import Answer, HttpRequest
from .transport import TransportError

VERIFIERS = {
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "recaptcha": "https://www.google.com/recaptcha/api/siteverify",
}
NO_TOKEN = "clemta-intake-asks-whether-the-secret-is-right"  # noqa: S105 - no provider issues such a token
_SECONDS = 1.2

# The providers' error codes, by whose fault it is. A token of another site (sitekey-secret-mismatch) or of the
# provider's test key (not-using-dummy-secret) is the sender's fault: anybody can send one, and it must not pass.
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """A verifier's answer about a token; `score` (reCAPTCHA v3) is 1 for a person, 0 for a machine."""

    person: bool
    hostname: str = ""
    score: float | None = None


class Transport(Protocol):
    """One request, one answer; see transport.Transport."""

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> Answer: ...


class Captcha:
    """The captchas' verifiers."""

    def __init__(self, transport: Transport, verifiers: Mapping[str, str] = VERIFIERS) -> None:
        self._transport = transport
        self._verifiers = verifiers

    def verify(self, provider: str, secret: str, token: str, deadline: Deadline) -> Verdict:
        """The verifier's answer. It is not told the sender's address.

        Raises CaptchaTrouble where it refuses the secret or reports its own failure, NotApplied without an answer.
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
        self.verify(
            provider, secret, NO_TOKEN, deadline
        )  # raises where our request is at fault, not the token
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
