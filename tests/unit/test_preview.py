"""What the operator is shown of a request before anything is sent."""

from pathlib import Path
from typing import Any

import pytest

from clemta_intake.sources.config import to_source
from ops.environments import Environment, StackLocation
from ops.posts import Post
from ops.preview import Preview, preview
from tests.support.fakes import COMPANY

SPAM = {"honeypot": "website_url", "turnstile": "captcha", "disposable": True}


def previewed(body: str, **table: Any) -> Preview:
    source = to_source("website", {"kind": "form", **table}, COMPANY)
    env = Environment(StackLocation("stack", "us-east-1"), Path("sources.toml"))
    post = Post(body.encode(), {"content-type": "application/x-www-form-urlencoded"})
    [found] = preview(env, source, post, secrets=False)
    return found


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("email=ada@example.com&cf-turnstile-response=x", ""),
        ("email=ada@example.com&cf-turnstile-response=x&website_url=x", "honeypot"),
        ("email=ada@mailinator.com&cf-turnstile-response=x", "disposable"),
    ],
)
def test_preview_names_the_spam_rule_that_a_form_breaks(body: str, rule: str) -> None:
    found = previewed(body, spam=SPAM)
    assert (found.spam, found.status, found.good) == (rule, "spam" if rule else "contact", not rule)


@pytest.mark.parametrize(
    ("body", "field"),
    [("email=nonsense&website_url=x", "email"), ("email=ada@example.com", "cf-turnstile-response")],
)
def test_preview_of_a_refused_form_names_no_spam_rule(body: str, field: str) -> None:
    found = previewed(body, spam=SPAM)
    assert (found.status, found.spam, [name for name, _ in found.problems]) == ("refused", "", [field])


def test_preview_shows_a_mapped_fields_original_value() -> None:
    found = previewed(
        "mail=ada@example.com&tel=%2B90+532+123+45+67",
        contact={"email": "body.mail", "billing.phone": "body.tel"},
    )
    shown = {field.field: (field.value, field.origin, field.was) for field in found.fields}
    assert shown["email"] == ("ada@example.com", "contact: body.mail", "")
    assert shown["billing.phone"] == ("5321234567", "contact: body.tel", "+90 532 123 45 67")


def test_p4_preview_names_a_secret_field_and_does_not_show_its_value() -> None:
    found = previewed("email=ada@example.com&Password=kanarya&g-recaptcha-response=kanarya")
    assert found.left_out == ["Password", "g-recaptcha-response"]
    assert "kanarya" not in str(found.as_json())


def test_preview_checks_the_captcha_token_before_it_is_redacted() -> None:
    found = previewed("email=ada@example.com&cf-turnstile-response=x", spam=SPAM)
    assert (found.spam, found.left_out) == ("", ["cf-turnstile-response"])


def test_p4_preview_shows_every_answer_in_the_description_or_as_dropped() -> None:
    body = "name=Ada&email=ada@example.com&plan=pro&company=Example"
    [shown] = [field for field in previewed(body).fields if field.field == "description"]
    assert (shown.value, shown.origin) == ("Company: Example\nplan: pro", "company, plan")
    assert previewed(body).dropped == []
    assert previewed(body, rest="drop").dropped == [("plan", "pro")]
