"""The captchas' verifiers over real sockets."""

import time
from collections.abc import Callable

import pytest

from clemta_intake.captcha import VERIFIERS, Captcha
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import Temporary
from clemta_intake.wiring import Wiring


def ask(url: str, seconds: float = 2) -> bool:
    return Captcha({"turnstile": url}).is_person("turnstile", "secret", "token", Deadline.after(seconds))


@pytest.mark.parametrize("person", [True, False])
def test_its_word_is_taken(serve: Callable[..., str], person: bool) -> None:
    assert ask(serve(b'{"success": true}' if person else b'{"success": false, "error-codes": []}')) is person


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 200), (b"<html>", 200), (b"[]", 200), (b'{"success": "true"}', 200), (b'{"success": true}', 500)],
)
def test_nonsense_is_no_word(serve: Callable[..., str], body: bytes, status: int) -> None:
    with pytest.raises(Temporary):
        ask(serve(body, status))


def test_it_is_not_waited_for_long(hung: str) -> None:
    began = time.monotonic()
    with pytest.raises(Temporary):
        ask(hung)
    assert time.monotonic() - began < 1.5


def test_without_time_it_is_not_asked(closed: str) -> None:
    for seconds in (0, 1):
        with pytest.raises(Temporary):
            ask(closed, seconds)


def test_each_captcha_has_its_own_verifier(parts: Wiring) -> None:
    assert parts.captcha is parts.captcha
    assert parts.daily_cap is parts.daily_cap
    assert VERIFIERS.keys() == {"turnstile", "hcaptcha", "recaptcha"}
    assert all(url.startswith("https://") for url in VERIFIERS.values())
