"""P8: a value that is printed, as in an exception or a log, shows nothing of a person and no secret."""

import json
from typing import Any

import pytest

from clemta_intake.bodies.json_text import JsonBody
from clemta_intake.clemta.protocol import Request as ClemtaRequest
from clemta_intake.gateway import Request
from clemta_intake.http_values import HttpRequest, HttpResponse
from clemta_intake.intake import CaptchaToken, Event
from clemta_intake.model import Submission
from tests.support.fakes import contact

NEEDLE = "ada@example.com"
SECRET = "top-secret"
BODY = json.dumps({"email": NEEDLE, "token": SECRET})


@pytest.mark.parametrize(
    "value",
    [
        Submission("id", "website", 1.5, BODY.encode(), query={"email": NEEDLE}, delivery_id=NEEDLE),
        Event(Submission("id", "website", 1.5, BODY.encode()), JsonBody(json.loads(BODY)), NEEDLE),
        JsonBody(json.loads(BODY)),
        CaptchaToken("turnstile", "captcha", SECRET),
        Request.of({"body": BODY, "headers": {"x-secret": SECRET}}),
        HttpRequest(
            "POST", f"https://x.example/?q={NEEDLE}", {"X-API-Key": SECRET}, {"q": NEEDLE}, BODY.encode()
        ),
        HttpResponse(200, {"x": SECRET}, BODY.encode()),
        ClemtaRequest.create(contact(email=NEEDLE)),
        ClemtaRequest.search(contact(email=NEEDLE), 0),
    ],
    ids=lambda value: f"{type(value).__module__}.{repr(value)[:16]}",
)
def test_p8_a_printed_value_shows_nothing_of_a_person_and_no_secret(value: Any) -> None:
    assert type(value).__name__ in repr(value), "it can still be told apart"
    for printed in (repr(value), str(value), f"{value}"):
        assert NEEDLE not in printed
        assert SECRET not in printed
