"""What the captcha's verifier is asked, and how much time it has."""

from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest

from clemta_intake.captcha import Captcha, Verdict
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import CaptchaTrouble, Retryable
from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.transport import NoAnswer, TransportError


@dataclass
class FakeTransport:
    """Gives one answer, or raises, and keeps what was sent."""

    answer: HttpResponse = field(default_factory=lambda: HttpResponse(200, body=b'{"success": true}'))
    fails: TransportError | None = None
    sent: list[HttpRequest] = field(default_factory=list)
    times: list[tuple[float, float]] = field(default_factory=list)

    def send(self, request: HttpRequest, connect_seconds: float, total_seconds: float) -> HttpResponse:
        self.sent.append(request)
        self.times.append((connect_seconds, total_seconds))
        if self.fails:
            raise self.fails
        return self.answer


def verify(transport: FakeTransport, seconds: float = 100) -> Verdict:
    captcha = Captcha(transport, {"turnstile": "https://verifier.example"})
    return captcha.verify("turnstile", "secret", "token", Deadline.after(seconds))


def test_p8_the_verifier_gets_the_secret_and_the_token_and_nothing_else() -> None:
    transport = FakeTransport()
    assert verify(transport) == Verdict(True)
    [request] = transport.sent
    assert (request.method, request.url) == ("POST", "https://verifier.example")
    assert (request.headers, request.query) == ({"Content-Type": "application/x-www-form-urlencoded"}, {})
    assert parse_qs((request.body or b"").decode()) == {"secret": ["secret"], "response": ["token"]}


def test_p2_a_secret_that_no_utf_8_can_carry_is_sent_all_the_same_and_the_verifier_refuses_it() -> None:
    transport = FakeTransport(
        HttpResponse(200, body=b'{"success": false, "error-codes": ["invalid-input-secret"]}')
    )
    captcha = Captcha(transport, {"turnstile": "https://verifier.example"})
    with pytest.raises(CaptchaTrouble, match="captcha_secret_refused"):
        captcha.verify("turnstile", "half a character: \ud800", "token", Deadline.after(100))


def test_p7_the_verifier_has_1_2_s_of_which_a_third_is_to_connect() -> None:
    transport = FakeTransport()
    verify(transport)
    assert transport.times == [pytest.approx((0.4, 1.2))]


def test_p7_the_verifier_has_no_more_time_than_is_left() -> None:
    transport = FakeTransport()
    verify(transport, seconds=0.9)
    [(connect, total)] = transport.times
    assert 0 < connect < total <= 0.9
    assert total == pytest.approx(3 * connect)


@pytest.mark.parametrize(
    ("transport", "message"),
    [
        (FakeTransport(fails=NoAnswer("ReadTimeout")), "ReadTimeout"),
        (FakeTransport(HttpResponse(200, body=b"<html>")), "JSONDecodeError"),
        (FakeTransport(HttpResponse(200, body=b"[" * 100_000)), "RecursionError"),
        (FakeTransport(HttpResponse(200, body=b"[]")), "HTTP 200"),
        (FakeTransport(HttpResponse(503, body=b'{"success": true}')), "HTTP 503"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_p8_a_failure_of_the_verifier_is_named_without_quoting_anything(
    transport: FakeTransport, message: str
) -> None:
    with pytest.raises(Retryable) as raised:
        verify(transport)
    assert (raised.value.code, str(raised.value)) == ("captcha_unavailable", message)
