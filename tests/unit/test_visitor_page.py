"""Our own answer pages for a visitor whose browser posted a form."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clemta_intake import receive, visitor_page
from clemta_intake.errors import KeyRefused, NotApplied, Unmappable
from clemta_intake.gateway import Request
from clemta_intake.sources.config import Form, to_source
from clemta_intake.sources.spam import TRY_AGAIN
from clemta_intake.visitor_texts import TEXTS
from tests.support.events import CRM_SECRET, Context, crm, form
from tests.support.fakes import COMPANY, FakeDependencies

ADA = {"full_name": "Ada Example", "email": "ada@example.com"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
ORIGIN = "https://www.example.com"


class Shown(HTMLParser):
    """A page as its browser reads it."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__()
        self.status = answer["statusCode"]
        self.headers = {
            name.lower(): ", ".join(values) for name, values in answer["multiValueHeaders"].items()
        }
        self.html: str = answer["body"]
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "path"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self._open:
            self.texts.setdefault(tag, []).append(data)

    def text(self, tag: str) -> str:
        return " ".join(" ".join(self.texts.get(tag, [])).split())


class Website:
    """A form at `website`, whose visitors get our own pages."""

    def __init__(self) -> None:
        self.deps = FakeDependencies({"website": {"kind": "form"}}, crm=CRM_SECRET)
        self._app = receive.create_app(lambda: self.deps)  # type: ignore[arg-type, return-value]

    def configure(self, **keys: Any) -> None:
        self.deps.tables["website"] = {"kind": "form", **keys}

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        return self._app.resolve(event, Context())  # type: ignore[arg-type]

    def post(self, fields: dict[str, str], **headers: str) -> Shown:
        """The page after a visitor sent these fields."""
        return Shown(self.answer(form(fields, "website", **(BROWSER | headers))))


@pytest.fixture
def website() -> Website:
    return Website()


def test_visitor_without_success_url_gets_a_page_that_says_thank_you(website: Website) -> None:
    page = website.post(ADA)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (page.text("title"), page.text("h1")) == ("Thank you", "Thank you")
    assert len(website.deps.clemta.stored) == 1


def test_p8_the_thank_you_page_is_the_same_whatever_became_of_the_sign_up(website: Website) -> None:
    website.configure(spam={"honeypot": "trap"})
    created = website.post(ADA)
    repeated = website.post(ADA)
    held = website.post(ADA | {"trap": "x"})
    website.deps.clemta.fail("create", NotApplied("down"))
    queued = website.post(ADA | {"email": "bo@example.com"})
    website.deps.clemta.fail("create", KeyRefused("refused"))
    parked = website.post(ADA | {"email": "cy@example.com"})
    queues = website.deps.queues
    assert [len(queue) for queue in (queues.retried, queues.parked, queues.held)] == [1, 1, 1]
    assert created.status == 200
    for page in (repeated, held, queued, parked):
        assert (page.status, page.html, page.headers) == (created.status, created.html, created.headers)


def test_refused_visitor_without_error_url_is_told_which_field_is_wrong(website: Website) -> None:
    website.configure(success_url=f"{ORIGIN}/thanks", consent="body.terms")
    page = website.post({"email": "nobody"})
    assert (page.status, page.headers["content-type"]) == (422, "text/html; charset=utf-8")
    assert page.text("h1") == "Not sent yet"
    assert page.text("li") == "E-mail must be an e-mail address terms must be ticked"
    assert "back button" in page.text("main")
    assert not website.deps.clemta.stored


def test_visitor_with_error_url_only_gets_our_thank_you_page(website: Website) -> None:
    website.configure(error_url=f"{ORIGIN}/again")
    assert website.post(ADA).text("h1") == "Thank you"
    assert website.post({}).headers["location"] == f"{ORIGIN}/again"


@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({"Origin": "https://other.example"}, 403, TEXTS["en"].broken),
        ({"Content-Type": "text/xml"}, 415, TEXTS["en"].broken),
        ({"Content-Type": "application/json"}, 400, TEXTS["en"].broken),
        ({"Content-Type": "application/json; p=" + "x" * 2_000}, 413, TEXTS["en"].too_large),
    ],
)
def test_each_refusal_keeps_its_status_on_the_page(
    website: Website, headers: dict[str, str], status: int, text: str
) -> None:
    website.configure(allowed_origins=[ORIGIN])
    page = website.post(ADA, **headers)
    assert page.status == status
    assert text in page.text("main")
    assert not page.text("ul")


def test_p2_failure_of_ours_is_a_page_with_503_and_retry_after(website: Website) -> None:
    website.configure(spam={"honeypot": "trap"}, error_url=f"{ORIGIN}/again")
    website.deps.queues.refuses = True
    page = website.post(ADA | {"trap": "x"})
    assert (page.status, page.headers["retry-after"]) == (503, "30")
    assert TEXTS["en"].unavailable in page.text("main")
    script = website.answer(form(ADA | {"trap": "x"}))
    assert script["multiValueHeaders"]["Content-Type"] == ["application/problem+json"]


def test_script_and_webhook_get_json_and_no_page(website: Website) -> None:
    website.deps.tables["crm"] = {"kind": "github", "secret": "crm"}
    assert website.answer(form(ADA))["body"].startswith("{")
    refused = website.answer(crm({}, **BROWSER))
    assert (refused["statusCode"], refused["body"][0]) == (401, "{")
    assert website.answer(form(ADA, "unknown", **BROWSER))["body"].startswith("{")


@pytest.mark.parametrize("fields", [ADA, {"email": "<script>alert(1)</script>"}, {"e-mail": "reflected"}])
def test_nothing_typed_comes_back(website: Website, fields: dict[str, str]) -> None:
    page = website.post(fields | {"<b>name</b>": "<i>reflected</i>", "mark": "reflected"})
    assert not [value for value in fields.values() if value in page.html]
    assert "reflected" not in page.html
    assert not {"script", "b", "i"} & {tag for tag, _ in page.tags}


@pytest.mark.parametrize("fields", [ADA, {}])
def test_content_security_policy_allows_the_pages_own_style_and_nothing_else(
    website: Website, fields: dict[str, str]
) -> None:
    page = website.post(fields)
    style = re.findall(r"<style>(.*?)</style>", page.html, re.S)[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert not [attributes for _, attributes in page.tags if "style" in attributes]


def test_allowed_page_may_read_the_thank_you_page(website: Website) -> None:
    website.configure(allowed_origins=[ORIGIN])
    for fields in (ADA, {}):
        assert website.post(fields, Origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("tr-TR,tr;q=0.9,en;q=0.8", "tr"),
        ("it, DE;q=0.8", "de"),
        ("fr", "fr"),
        ("es-419", "es"),
        ("ja", "en"),
        ("", "en"),
        (";;,,-", "en"),
    ],
)
def test_page_is_in_the_visitors_language(website: Website, accepted: str, language: str) -> None:
    page = website.post(ADA, **{"Accept-Language": accepted})
    assert page.text("h1") == TEXTS[language].thanks_title
    assert ("html", {"lang": language}) in page.tags


def test_language_of_the_source_comes_before_the_visitors(website: Website) -> None:
    website.configure(page={"language": "de"})
    page = website.post({"email": ""}, **{"Accept-Language": "fr"})
    assert page.text("h1") == TEXTS["de"].error_title
    assert page.text("li") == "E-Mail wird benötigt"


def test_own_texts_replace_ours_and_are_escaped(website: Website) -> None:
    website.configure(
        page={
            "language": "en",
            "thanks_title": "Yes & <b>thanks</b>",
            "thanks_text": "1 < 2",
            "error_title": "<No>",
            "error_text": 'Say "e-mail"',
            "home_url": 'https://www.example.com/?a="><script>',
        }
    )
    thanks, error = website.post(ADA), website.post({"email": ""})
    assert (thanks.text("h1"), thanks.text("title")) == ("Yes & <b>thanks</b>",) * 2
    assert thanks.text("p").startswith("1 < 2")
    assert ("a", {"href": 'https://www.example.com/?a="><script>'}) in thanks.tags
    assert (error.text("h1"), error.text("li")) == ("<No>", "E-mail is required")
    assert 'Say "e-mail"' in error.text("p")
    assert not {"b", "no", "script"} & {tag for tag, _ in thanks.tags + error.tags}


@pytest.mark.parametrize(
    ("origins", "home"),
    [(["*"], None), (["*", ORIGIN], ORIGIN), ([ORIGIN, "https://other.example"], ORIGIN)],
)
def test_thank_you_page_links_to_the_first_allowed_origin(
    website: Website, origins: list[str], home: str | None
) -> None:
    website.configure(allowed_origins=origins)
    links = [attributes["href"] for tag, attributes in website.post(ADA).tags if tag == "a"]
    assert links == ([home] if home else [])


def test_every_mistake_that_a_visitor_can_correct_is_told_in_every_language(website: Website) -> None:
    website.configure(consent="body.terms", spam={"turnstile": "captcha"})
    mistakes = {TRY_AGAIN}
    for fields in ({"email": ""}, {"email": "nobody"}, ADA | {"terms": "on"}):
        answer = Shown(website.answer(form(fields)))
        mistakes |= set(re.findall(r'"message": "(.*?)"', answer.html))
    assert len(mistakes) == 5
    for language, texts in TEXTS.items():
        assert mistakes == texts.messages.keys() or language == "en"
        assert texts.labels.keys() == TEXTS["en"].labels.keys()
        assert all(text for text in texts if text not in ({}, "")) or language == "en"


@pytest.mark.parametrize(("language", "shown"), [("en", "Input is odd"), ("tr", "lütfen kontrol edin")])
def test_any_other_mistake_is_told_in_general_words(language: str, shown: str) -> None:
    source = to_source("website", {"kind": "form", "page": {"language": language}}, COMPANY)
    assert isinstance(source, Form)
    error = Unmappable([("cc_emails", "Input is odd"), ("cf-turnstile-response", TRY_AGAIN)])
    html = visitor_page.refusal(error, source, Request({}, {})).body
    assert f"<strong>cc_emails</strong> {shown}" in str(html)
    assert "<strong>Captcha</strong>" in str(html)


@given(st.from_regex("#[0-9a-f]{6}", fullmatch=True))
def test_text_on_any_colour_has_the_contrast_that_wcag_asks_for(color: str) -> None:
    """4.5 for text (WCAG 2.2, 1.4.3), by the definition of relative luminance there."""
    source = Form(name="website", kind="form", company_id=COMPANY, page={"color": color})
    html = str(visitor_page.thanks(source, Request({}, {})).body)
    [(mark, on_mark)] = re.findall(r":root\{--mark:(#\w+);--on-mark:(#\w+)\}", html)
    assert mark == color
    weights = (0.2126, 0.7152, 0.0722)
    values = [int(mark[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    behind = sum(weight * value for weight, value in zip(weights, linear, strict=True))
    lighter, darker = sorted([behind, {"#000": 0.0, "#fff": 1.0}[on_mark]], reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5
