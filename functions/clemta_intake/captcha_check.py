"""Checks a form's captcha: asks the verifier, and applies the form's rules to its verdict."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .deadlines import WORTHWHILE_SECONDS, Deadline
from .dependencies import Dependencies
from .errors import CaptchaTrouble, NotApplied, Retryable, Unavailable
from .intake import CaptchaToken
from .sources.config import Spam
from .sources.spam import captcha_refused

if TYPE_CHECKING:
    from .captcha import Verdict


class CaptchaCheck:
    """Checks captchas until `deadline`; calls `report_outage` with the error's code if the verifier fails."""

    def __init__(
        self, deps: Dependencies, deadline: Deadline, reserve: float, report_outage: Callable[[str], None]
    ) -> None:
        self._deps = deps
        self._deadline = deadline
        self._reserve = reserve
        self._report_outage = report_outage

    def broken_rule(self, captcha: CaptchaToken, spam: Spam) -> str | None:
        """The captcha rule that the post breaks, or None.

        Raises Unmappable if another token may pass, Unavailable if no time is left or if the form refuses posts during
        an outage.
        """
        left = self._deadline.remaining()
        if left < WORTHWHILE_SECONDS:
            # Not a captcha outage: a slow request must not bypass the captcha.
            raise Unavailable("no_time_left")
        try:
            verdict = self._verdict(captcha)
            if spam.min_score and verdict.person and verdict.score is None:
                raise NotApplied("captcha_without_score")  # the key is not a reCAPTCHA v3 key
        except (Retryable, Unavailable) as error:
            if left < self._reserve / 2 and not isinstance(error, CaptchaTrouble):
                raise Unavailable("no_time_left") from error  # the verifier had too little time
            self._report_outage(error.code)
            if spam.captcha_outage == "refuse":
                raise Unavailable(error.code) from error
            return None
        return _broken_rule(verdict, captcha.provider, spam)

    def _verdict(self, captcha: CaptchaToken) -> "Verdict":
        """The verdict, with the first secret that the verifier accepts; the secrets are read again after a rotation."""
        trouble, tried = CaptchaTrouble("captcha_secret_missing"), {""}
        for force_refresh in (False, True):
            for secret in self._deps.secrets.signing_secrets(captcha.secret, force_refresh=force_refresh):
                if secret in tried:
                    continue
                tried.add(secret)
                try:
                    return self._deps.captcha.verify(captcha.provider, secret, captcha.token, self._deadline)
                except CaptchaTrouble as error:
                    trouble = error
        raise trouble


def _broken_rule(verdict: "Verdict", provider: str, spam: Spam) -> str | None:
    if not verdict.person:
        raise captcha_refused(provider, "captcha_refused")
    if spam.hostname and verdict.hostname != spam.hostname:
        raise captcha_refused(provider, "captcha_hostname")
    if spam.min_score and not (verdict.score or 0) >= spam.min_score:
        return "captcha_score"  # held: another try would get the same low score
    return None
