"""What the captcha's verifier is asked, and for how long."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from clemta_intake.captcha import Captcha, Verdict
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import Retryable


@dataclass
class Session:
    """Gives one answer, or raises, and keeps what was asked of it."""

    content: bytes = b'{"success": true}'
    status_code: int = 200
    fails: requests.RequestException | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def post(self, url: str, **how: Any) -> "Session":
        self.asked.append({"url": url, **how})
        if self.fails:
            raise self.fails
        return self


def verify(session: Session, seconds: float = 100) -> Verdict:
    captcha = Captcha({"turnstile": "https://verifier.example"})
    captcha._session = session  # type: ignore[assignment]
    return captcha.verify("turnstile", "secret", "token", Deadline.after(seconds))


def test_p8_it_gets_the_secret_and_the_token_and_nothing_else_and_nobody_else_gets_them() -> None:
    session = Session()
    assert verify(session) == Verdict(True)
    [asked] = session.asked
    assert (asked["url"], asked["data"]) == (
        "https://verifier.example",
        {"secret": "secret", "response": "token"},
    )
    assert asked["allow_redirects"] is False


def test_p7_it_has_1_2_s_of_which_a_third_is_to_connect() -> None:
    session = Session()
    verify(session)
    assert session.asked[0]["timeout"] == pytest.approx((0.4, 0.8))


def test_p7_it_has_no_longer_than_is_left() -> None:
    session = Session()
    verify(session, seconds=0.9)
    connect, answer = session.asked[0]["timeout"]
    assert 0 < connect + answer <= 0.9
    assert answer == pytest.approx(2 * connect)


@pytest.mark.parametrize(
    ("session", "says"),
    [
        (Session(fails=requests.ReadTimeout("https://verifier.example/?secret")), "ReadTimeout"),
        (Session(b"<html>"), "JSONDecodeError"),
        (Session(b"[" * 100_000), "RecursionError"),
        (Session(b"[]"), "HTTP 200"),
        (Session(status_code=503), "HTTP 503"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_outage_is_named_by_its_kind_and_quotes_nothing(session: Session, says: str) -> None:
    with pytest.raises(Retryable) as outage:
        verify(session)
    assert (outage.value.code, str(outage.value)) == ("captcha_unavailable", says)
