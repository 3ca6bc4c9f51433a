"""What the operator is shown of a request before anything is sent."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from clemta_intake.sources.config import to_source
from ops.commands.submissions import preview_report
from ops.environments import Environment, StackLocation
from ops.posts import Post
from ops.preview import Answered, Preview, preview
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


def test_preview_says_of_each_answer_which_field_it_goes_to_and_why() -> None:
    found = previewed("full_name=Ada+Example&email=ada@example.com&company=Example+Ltd&shoe_size=38")
    shown = {one.answer: one for one in found.answers}
    assert [*shown] == ["full_name", "email", "company", "shoe_size"]
    assert (shown["full_name"].goes_to, shown["full_name"].evidence) == ("full_name", "name")
    assert (shown["email"].goes_to, shown["email"].value) == ("email", "ada@example.com")
    assert (shown["company"].goes_to, shown["company"].field) == ("description", "company")
    assert (shown["shoe_size"].field, bool(shown["shoe_size"].why)) == ("", True)


def test_preview_says_which_answer_lost_to_a_stronger_one() -> None:
    found = previewed("email=ada@example.com&email_address=another@example.com")
    [won, lost] = found.answers
    assert (won.field, won.why) == ("email", "")
    assert lost.why


def test_preview_says_that_the_sources_own_expression_has_precedence() -> None:
    found = previewed("email=ada@example.com&mail_2=b@example.com", contact={"email": "body.mail_2"})
    [email] = [one for one in found.answers if one.answer == "email"]
    assert (email.goes_to != "email", email.why) == (True, "the source's contact table has this field")


@pytest.mark.parametrize(
    ("answered", "explained"),
    [
        (Answered("E-mail", "", "email", "email", "label", "e-mail", ""), 'label "e-mail"'),
        (Answered("Q1", "", "email", "email", "value", "", ""), "value"),
        (Answered("Firm", "", "description", "company", "label", "firm", ""), 'company: label "firm"'),
        (
            Answered("Mail", "", "", "email", "name", "mail", '"E-mail" is stronger'),
            'not email (name "mail"): "E-mail" is stronger',
        ),
        (Answered("Shoe size", "", "", "", "", "", "no field has this name"), "no field has this name"),
    ],
)
def test_evidence_of_an_answer_is_explained_in_words(answered: Answered, explained: str) -> None:
    assert answered.explained == explained


def test_preview_fits_a_terminal_of_80_columns_and_shows_each_answer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    questions = "&".join(
        f"Which+of+our+many+products+do+you+use+most+often+{n}=product+{n}" for n in range(9)
    )
    found = previewed(f"email=somebody.with.a.long.address@mail.example.com&{questions}")
    Console(width=80).print(preview_report(found))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert sum("Which of our many" in line for line in lines) >= 9


def test_preview_of_a_description_shows_no_original_value() -> None:
    found = previewed("email=ada@example.com&company=Example")
    [description] = [field for field in found.fields if field.field == "description"]
    assert (description.value, description.origin, description.was) == ("Company: Example", "company", "")
