"""The captchas' verifiers over real sockets."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from clemta_intake.captcha import NO_TOKEN, VERIFIERS, Captcha, Verdict
from clemta_intake.deadlines import Deadline
from clemta_intake.dependencies import Dependencies
from clemta_intake.errors import CaptchaTrouble, Retryable
from clemta_intake.gateway import Request
from clemta_intake.signup import SignUp
from clemta_intake.sources.config import to_source
from clemta_intake.transport import Transport
from local.clemta import StandIn
from local.processes import HOST
from ops.doctor import signing
from ops.environments import StackLocation
from tests.integration.conftest import Aws, dependencies_of
from tests.support.events import form
from tests.support.fakes import COMPANY, Clock


def ask(url: str, seconds: float = 2) -> Verdict:
    return Captcha(Transport(), {"turnstile": url}).verify(
        "turnstile", "secret", "token", Deadline.after(seconds)
    )


def refusal(*codes: str) -> bytes:
    return json.dumps({"success": False, "error-codes": codes}).encode()


@contextmanager
def verifier(says: Callable[[str, str], tuple[str, ...]]) -> Iterator[str]:
    """The address of a verifier that gives these error codes for a secret and a token; none is a success."""

    class Verifier(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            codes = says(body["secret"][0], body["response"][0])
            answer = refusal(*codes) if codes else b'{"success": true}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Stays silent."""

    with ThreadingHTTPServer((HOST, 0), Verifier) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://{HOST}:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"success": true}', Verdict(True)),
        (
            b'{"success": true, "hostname": "WWW.example.com", "score": 0.9}',
            Verdict(True, "www.example.com", 0.9),
        ),
        (b'{"success": true, "hostname": null, "score": "1"}', Verdict(True)),
        (b'{"success": false}', Verdict(False)),
        (b'{"success": false, "error-codes": []}', Verdict(False)),
        (b'{"success": false, "error-codes": "invalid-input-secret"}', Verdict(False)),
    ],
)
def test_the_verifiers_answer_is_the_verdict(
    serve: Callable[..., str], body: bytes, expected: Verdict
) -> None:
    assert ask(serve(body)) == expected


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "code",
    [
        "missing-input-response",
        "invalid-input-response",
        "timeout-or-duplicate",
        "expired-input-response",
        "already-seen-response",
        "invalid-or-already-seen-response",
        "sitekey-secret-mismatch",
    ],
)
def test_a_token_that_the_verifier_refuses_is_no_person(
    serve: Callable[..., str], code: str, status: int
) -> None:
    assert ask(serve(refusal(code), status)) == Verdict(False)


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["invalid-input-secret"], "captcha_secret_refused"),
        (["missing-input-secret"], "captcha_secret_refused"),
        (["not-using-dummy-passcode"], "captcha_secret_refused"),
        (["invalid-input-response", "invalid-input-secret"], "captcha_secret_refused"),
        (["internal-error"], "captcha_error"),
        (["bad-request"], "captcha_error"),
        (["one-of-next-year"], "captcha_error"),
    ],
)
def test_a_refused_secret_or_a_failing_provider_raises_captcha_trouble(
    serve: Callable[..., str], codes: list[str], expected: str, status: int
) -> None:
    with pytest.raises(CaptchaTrouble) as trouble:
        ask(serve(refusal(*codes), status))
    assert trouble.value.code == expected


@pytest.mark.parametrize("code", ["bad-request", "one-of-next-year"])
def test_an_unknown_code_counts_against_the_token_if_another_token_does_not_get_it(
    code: str,
) -> None:
    """Otherwise a sender with a token that confuses the verifier would pass as an outage."""
    with verifier(lambda _, token: ("invalid-input-response" if token == NO_TOKEN else code,)) as url:
        assert ask(url) == Verdict(False)


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_4xx_without_codes_raises_captcha_trouble(serve: Callable[..., str], status: int) -> None:
    for body in (b'{"success": false}', b'{"success": true}'):
        with pytest.raises(CaptchaTrouble, match=f"HTTP {status}"):
            ask(serve(body, status))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"[]", 200),
        (b'{"success": "true"}', 200),
        (b'{"success": true}', 500),
        (refusal("invalid-input-response"), 500),
    ],
)
def test_an_unreadable_answer_of_the_verifier_can_be_retried(
    serve: Callable[..., str], body: bytes, status: int
) -> None:
    with pytest.raises(Retryable):
        ask(serve(body, status))


def test_a_verifier_that_does_not_answer_costs_at_most_1_5_s(hung: str) -> None:
    began = time.monotonic()
    with pytest.raises(Retryable):
        ask(hung)
    assert time.monotonic() - began < 1.5


def test_without_time_left_the_verifier_is_not_called(closed: str) -> None:
    for seconds in (0, 1):
        with pytest.raises(Retryable):
            ask(closed, seconds=seconds)


def test_each_captcha_has_its_own_verifier(deps: Dependencies) -> None:
    assert deps.captcha is deps.captcha
    assert deps.daily_cap is deps.daily_cap
    assert VERIFIERS.keys() == {"turnstile", "hcaptcha", "recaptcha"}
    assert all(url.startswith("https://") for url in VERIFIERS.values())


def test_a_form_accepts_a_rotated_captcha_secret_and_asks_a_person_to_try_again(
    aws: Aws, clemta: StandIn
) -> None:
    website = {"kind": "form", "spam": {"turnstile": "captcha", "captcha_outage": "refuse"}}
    deps = dependencies_of(aws.settings, {"website": website}, clock := Clock(time.time()))

    def post(email: str, token: str) -> tuple[int, Any]:
        event = form({"email": email, "cf-turnstile-response": token})
        answer = SignUp(deps, "website", Request.of(event)).answer()
        return answer.status_code, json.loads(answer.body or "")

    used: set[str] = set()

    def says(secret: str, token: str) -> tuple[str, ...]:
        if secret != "new":
            return ("invalid-input-response", "invalid-input-secret")
        known = token in used
        used.add(token)
        return ("timeout-or-duplicate",) if known else ()

    with verifier(says) as url:
        deps.captcha = Captcha(Transport(), {"turnstile": url})
        aws.put_secret(aws.settings.signing_secret_id, '{"captcha": "old"}')
        assert post("ada@example.com", "one")[0] == 503, "as the form says of an outage"
        aws.put_secret(aws.settings.signing_secret_id, '{"captcha": ["new", "old"]}')
        clock.advance(31)
        assert post("ada@example.com", "one")[1]["status"] == "created"
        status, body = post("bo@example.com", "one")
        assert (status, body["errors"][0]["field"]) == (422, "cf-turnstile-response")
        assert post("bo@example.com", "two")[1]["status"] == "created"
    assert [entry["email"] for entry in clemta.contacts()] == ["ada@example.com", "bo@example.com"]
    assert aws.waiting(aws.settings.held_queue_url) == 0


class Asked:
    """What doctor needs of an environment, with these secrets for the captcha."""

    def __init__(self, url: str, *secrets: str) -> None:
        self.deps = self.secrets = self
        self.location = StackLocation("clemta-intake", "eu-central-1")
        self.captcha = Captcha(Transport(), {"turnstile": url})
        self.sources = {
            "website": to_source("website", {"kind": "form", "spam": {"turnstile": "captcha"}}, COMPANY),
            "open": to_source("open", {"kind": "form"}, COMPANY),
        }
        self._secrets = secrets

    def signing_secrets(self, name: str) -> tuple[str, ...]:
        return self._secrets


@pytest.mark.parametrize(
    ("secrets", "state", "says"),
    [
        (["good"], "ok", "website"),
        (["old", "good"], "ok", "website"),
        (["old"], "fail", "captcha_secret_refused"),
        (["test"], "note", "test secret"),
        (["ill"], "fail", "captcha_error"),
    ],
)
def test_doctor_asks_the_verifier_whether_the_secret_is_right(
    secrets: list[str], state: str, says: str
) -> None:
    codes = {
        "good": ("invalid-input-response",),
        "old": ("invalid-input-secret",),
        "ill": ("internal-error",),
        "test": (),
    }
    with verifier(lambda secret, _: codes[secret]) as url:
        [check] = signing.captcha(Asked(url, *secrets))  # type: ignore[arg-type]
    assert (check.state, says in check.says) == (state, True)
    assert bool(check.do) == (state != "ok")


def test_doctor_says_nothing_of_a_captcha_without_a_secret_twice(closed: str) -> None:
    assert list(signing.captcha(Asked(closed))) == []  # type: ignore[arg-type]
