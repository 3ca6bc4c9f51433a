"""The end of a setup: a form to paste, and a test sign-up through the deployed API."""

import json
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.sources.config import Form, Webhook
from clemta_intake.transport import Transport, TransportError

from ..environments import Environment

PERSON = {"full_name": "Test of clemta-intake", "email": "clemta-intake-test@example.com"}
"""The same each time, so that at most one contact is made of it."""

_TIMEOUT = (5, 35)  # seconds to connect, seconds in total
_POLL = 2


@dataclass(frozen=True)
class Trial:
    """The answer to the test sign-up, its status and JSON; `later`: the source answers before Clemta does."""

    source: str
    status: int
    answer: dict[str, object]
    later: bool

    @property
    def good(self) -> bool:
        """Whether it is a contact in Clemta, or will be one in a moment."""
        expected = ("created", "duplicate", *(("queued",) if self.later else ()))
        return self.status == 200 and self.answer.get("status") in expected


def form_to_try(sources: dict[str, Form | Webhook]) -> Form | None:
    """The first form that a program may fill in: without a captcha and without a consent."""
    for source in sources.values():
        if isinstance(source, Form) and not (source.spam and source.spam.captcha) and not source.consent:
            return source
    return None


def html(env: Environment, form: Form) -> str:
    """A form to paste into a page."""
    lines = [
        f'<form method="post" action="{env.api_url}/signups/{form.name}">',
        '  <input name="full_name" placeholder="Name" required autocomplete="name">',
        '  <input name="email" type="email" placeholder="E-mail" required autocomplete="email">',
    ]
    if form.spam and form.spam.honeypot:
        lines.append(f'  <input name="{form.spam.honeypot}" hidden tabindex="-1" autocomplete="off">')
    return "\n".join([*lines, "  <button>Sign up</button>", "</form>"])


def wait_until_up(env: Environment, seconds: float = 60) -> None:
    """Returns when the API answers, which a new one does after seconds, or when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if Transport().send(HttpRequest("GET", f"{env.api_url}/health"), *_TIMEOUT).status == 200:
                return
        except TransportError:
            pass
        if time.monotonic() > deadline:
            return  # doctor says what is wrong
        time.sleep(min(_POLL, seconds))


def sign_up(env: Environment, form: Form) -> Trial:
    """Posts the test sign-up as a page's script does."""
    body = urlencode(PERSON).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        answer = Transport().send(
            HttpRequest("POST", f"{env.api_url}/signups/{form.name}", headers, {}, body), *_TIMEOUT
        )
    except TransportError as error:
        return Trial(form.name, 0, {"error": str(error)}, later=False)
    return Trial(form.name, answer.status, _json(answer), later=form.answer == "queued")


def _json(answer: HttpResponse) -> dict[str, object]:
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"body": answer.body.decode(errors="replace")}
