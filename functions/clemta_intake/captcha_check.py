"""Whether a form's captcha holds: the verifier is asked, and what it says is judged by the form's rules."""

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
    """Asks until `deadline`; `report_outage` gets the code of the trouble where the verifier does not answer."""

    def __init__(
        self, deps: Dependencies, deadline: Deadline, reserve: float, report_outage: Callable[[str], None]
    ) -> None:
        self._deps = deps
        self._deadline = deadline
        self._reserve = reserve
        self._report_outage = report_outage

    def broken_rule(self, captcha: CaptchaToken, spam: Spam) -> str | None:
        """The captcha's rule that the post breaks; Unmappable where another token may be better.

        Raises Unavailable where there is no time left, or the form refuses what comes in an outage.
        """
        left = self._deadline.remaining()
        if left < WORTHWHILE_SECONDS:
            raise Unavailable("no_time_left")  # no outage of the captcha's: nobody may gain by being slow
        try:
            verdict = self._verdict(captcha)
            if spam.min_score and verdict.person and verdict.score is None:
                raise NotApplied("captcha_without_score")  # the key is not one of v3
        except (Retryable, Unavailable) as error:
            if left < self._reserve / 2 and not isinstance(error, CaptchaTrouble):
                raise Unavailable("no_time_left") from error  # it had too little time to answer
            self._report_outage(error.code)
            if spam.captcha_outage == "refuse":
                raise Unavailable(error.code) from error
            return None
        return _judged(verdict, captcha.provider, spam)

    def _verdict(self, captcha: CaptchaToken) -> "Verdict":
        """The verifier's word, with the first secret that it takes; the secrets may have been changed a moment ago."""
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


def _judged(verdict: "Verdict", provider: str, spam: Spam) -> str | None:
    if not verdict.person:
        raise captcha_refused(provider, "captcha_refused")
    if spam.hostname and verdict.hostname != spam.hostname:
        raise captcha_refused(provider, "captcha_hostname")
    if spam.min_score and not (verdict.score or 0) >= spam.min_score:
        return "captcha_score"  # held: the maker judges that it is a machine, and a second try would say the same
    return None
