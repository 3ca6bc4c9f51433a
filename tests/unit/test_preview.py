"""What the operator is shown of a request before anything is sent."""

import json
from copy import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from clemta_intake.sources.config import to_source
from ops.cli import main
from ops.commands.submissions import preview_report
from ops.environments import Environment, SourcesOnly, StackLocation
from ops.posts import Post
from ops.preview import Answered, Preview, preview
from tests.support.fakes import COMPANY

ROOT = Path(__file__).parents[2]
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


def test_preview_without_an_email_shows_its_expression_and_what_nothing_reads() -> None:
    body = "mail=ada@example.com&amount=3&Password=kanarya"
    found = previewed(body, contact={"email": "body.wrong", "full_name": "body.name"})
    assert dict(found.problems)["email"] == "is required; contact.email = body.wrong"
    assert found.dropped == [("mail", "ada@example.com"), ("amount", "3")]
    assert "kanarya" not in str(found.as_json())


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


NO_STACK = Path("no-stack")
SAMPLES = sorted(path.stem for path in (ROOT / "events" / "sources").glob("*.json"))


def webhook_previewed(body: Any, **table: Any) -> Preview:
    """The preview of a JSON body for a webhook, without a stack."""
    auth = {"scheme": "token", "secret": "crm"}
    source = to_source("crm", {"kind": "webhook", "auth": auth, **table}, COMPANY)
    post = Post(json.dumps(body).encode(), {"content-type": "application/json"})
    [found] = preview(SourcesOnly(NO_STACK), source, post, secrets=True)
    return found


@pytest.mark.parametrize("name", SAMPLES)
def test_preview_signs_a_sample_with_its_own_secret_without_a_stack(name: str, tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(f'[sources.it]\nkind = "{name}"\nsecret = "of-the-stack"\n')
    env = SourcesOnly(sources)
    post = Post.read(str(ROOT / "events" / "sources" / f"{name}.json"), [])
    for found in preview(env, env.source("it"), post, secrets=True):
        assert (found.status, found.authentic) == ("contact", True), found.authentication
        assert "company_id" not in found.request, "no stack says it"
    forged = replace(post, secret="")
    [unproven, *_] = preview(env, env.source("it"), forged, secrets=True)
    assert unproven.authentic is None


def test_preview_of_a_source_with_its_own_company_shows_it_without_a_stack() -> None:
    found = webhook_previewed({"email": "ada@example.com"}, contact={"email": "body.email"})
    assert found.request["company_id"] == COMPANY


def test_preview_of_an_ignored_event_shows_each_condition_that_does_not_hold_with_its_values() -> None:
    found = webhook_previewed(
        {"event": "lead.deleted", "data": {"email": "ada@example.com", "test": True}},
        accept="body.event=='lead.created' && body.data.email && !(body.data.test)",
        contact={"email": "body.data.email"},
    )
    assert found.status == "ignored"
    assert [(one.condition, one.values) for one in found.conditions] == [
        ("body.event=='lead.created'", [("body.event", '"lead.deleted"')]),
        ("!(body.data.test)", [("body.data.test", "true")]),
    ]


@pytest.mark.parametrize(
    ("accept", "condition"),
    [
        ("body.a || body.b && body.c", "body.a || body.b && body.c"),
        ("body.x && (body.a && body.b)", "(body.a && body.b)"),
        ("body.x && body.list[?a && b]", "body.list[?a && b]"),
        ("body.x\n  && contains(['&&'], body.a)", "contains(['&&'], body.a)"),
    ],
)
def test_only_the_outermost_conditions_are_taken_apart(accept: str, condition: str) -> None:
    found = webhook_previewed({"x": 1}, accept=accept, contact={"email": "body.email"})
    assert [one.condition for one in found.conditions] == [condition]


def test_a_value_that_an_ignored_events_condition_reads_is_shortened_and_shown_by_its_place() -> None:
    found = webhook_previewed(
        {"x-kind": "k" * 200}, accept="body.\"x-kind\"=='lead'", contact={"email": "body.email"}
    )
    assert found.conditions[0].values == [('body."x-kind"', '"' + "k" * 59 + "…")]


def test_preview_shows_the_value_at_which_an_accept_failed() -> None:
    found = webhook_previewed(
        {"kind": 7}, accept="starts_with(body.kind, 'lead')", contact={"email": "body.email"}
    )
    [(key, reason)] = found.problems
    assert (found.status, key) == ("refused", "accept")
    assert "starts_with" in reason
    assert [one.values for one in found.conditions] == [[("body.kind", "7")]]


def test_preview_of_a_body_that_cannot_be_read_shows_no_condition() -> None:
    source = to_source(
        "crm",
        {
            "kind": "webhook",
            "auth": {"scheme": "token", "secret": "crm"},
            "accept": "body.x",
            "contact": {"email": "body.email"},
        },
        COMPANY,
    )
    post = Post(b"{", {"content-type": "application/json"})
    [found] = preview(SourcesOnly(NO_STACK), source, post, secrets=True)
    assert (found.status, [field for field, _ in found.problems], found.conditions) == (
        "refused",
        ["body"],
        [],
    )


def test_preview_lists_every_value_of_a_webhook_that_nothing_uses() -> None:
    found = webhook_previewed(
        {"event": "lead", "email": "ada@example.com", "plan": "pro", "items": [{"sku": "A7"}], "ok": True},
        accept="body.event=='lead'",
        contact={"email": "body.email"},
    )
    assert dict(found.dropped) == {"plan": "pro", "items.0.sku": "A7", "ok": "yes"}


def test_the_report_shows_conditions_and_a_limited_number_of_unused_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    many = {f"key_{number}": f"value {number}" for number in range(35)}
    used = webhook_previewed(
        {"email": "ada@example.com", **many}, rest="drop", contact={"email": "body.email"}
    )
    Console(width=80).print(preview_report(used))
    text = capsys.readouterr().out
    assert ("key_29" in text, "key_30" in text, "and 5 more: --json lists them all" in text) == (
        True,
        False,
        True,
    )
    ignored = webhook_previewed({"a": 1}, accept="body.b", contact={"email": "body.email"})
    Console(width=80).print(preview_report(ignored))
    assert "    body.b\n      body.b is null" in capsys.readouterr().out


def test_preview_works_before_there_is_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "sources.toml").write_text('[sources.website]\nkind = "form"\n')
    (tmp_path / "template.yaml").touch()
    (tmp_path / "samconfig.toml").touch()
    (tmp_path / "form.txt").write_text("name=Ada&email=ada@example.com")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["preview", "--source", "website", "form.txt"])
    assert ended.value.code == 0
    assert "ada@example.com" in capsys.readouterr().out
