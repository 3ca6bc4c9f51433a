"""sources.toml: a wrong file fails the build, with its line, the key and what is allowed."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.sources import check
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import (
    CONTACT_FIELDS,
    SHIPPED,
    Form,
    InvalidSources,
    Webhook,
    presets,
    read_sources,
    to_source,
)
from clemta_intake.sources.expressions import plain_path, read_paths, referenced_paths
from tests.support.fakes import COMPANY

FORM = '[sources.website]\nkind = "form"\n'
HOOK = '[sources.crm]\nkind = "webhook"\nanswers = "body"\n'
AUTH = 'auth = { scheme = "token", secret = "crm" }\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sources.toml"


def mistakes(file: Path, text: str | bytes) -> list[str]:
    """What is said about the file, without its name."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidSources) as caught:
        check_file(file)
    lines = str(caught.value).splitlines()
    assert all(line.startswith("sources.toml:") for line in lines)
    return [line.removeprefix("sources.toml:") for line in lines]


def good(file: Path, text: str) -> bool:
    """Whether the file is taken; a mistake raises."""
    file.write_text(text, encoding="utf-8")
    return bool(check_file(file))


class TestAGoodFile:
    def test_shipped_sources_file_is_valid(self) -> None:
        assert check_file(SHIPPED)

    def test_check_file_returns_the_names_of_the_sources(self, file: Path) -> None:
        file.write_text(FORM + HOOK + AUTH, encoding="utf-8")
        assert check_file(file) == ["website", "crm"]

    def test_a_form_needs_nothing_but_its_kind(self) -> None:
        source = to_source("website", {"kind": "form"}, COMPANY)
        assert isinstance(source, Form)
        assert (source.name, source.company_id, source.contact_type) == ("website", COMPANY, "customer")
        assert (source.on_existing, source.allowed_origins) == ("skip", ("*",))

    def test_company_of_a_source_overrides_the_stacks_default(self) -> None:
        table = {"kind": "form", "company_id": "0123456789abcdef01234567"}
        assert to_source("website", table, COMPANY).company_id == "0123456789abcdef01234567"

    def test_headers_and_origins_become_lower_case(self) -> None:
        auth = {"scheme": "token", "secret": "crm", "header": "X-Token"}
        hook = to_source("crm", {"kind": "webhook", "answers": "body", "auth": auth}, COMPANY)
        page = to_source("page", {"kind": "form", "allowed_origins": ["https://WWW.example.com"]}, COMPANY)
        assert isinstance(hook, Webhook)
        assert isinstance(page, Form)
        assert hook.auth.model_dump()["header"] == "x-token"
        assert page.allowed_origins == ("https://www.example.com",)

    @pytest.mark.parametrize(
        "text",
        [
            '[sources.a.contact]\n"billing.phone" = "body.p"\n',
            '[sources.a.contact]\nbilling.phone = "body.p"\n',
            '[sources.a.contact.billing]\nphone = "body.p"\n',
            '[sources]\na.contact = { billing = { phone = "body.p" } }\n',
        ],
    )
    def test_billing_fields_may_be_quoted_keys_or_tables(self, file: Path, text: str) -> None:
        file.write_text(text + '[sources.a.defaults]\nbilling.country = "TR"\n', encoding="utf-8")
        source = to_source("a", read_sources(file)["a"] | {"kind": "form"}, COMPANY)
        assert source.contact == {"billing.phone": "body.p"}
        assert source.defaults == {"billing.country": "TR"}

    def test_every_field_but_type_and_company_can_be_mapped(self) -> None:
        contact = dict.fromkeys(CONTACT_FIELDS, "body.x")
        assert to_source("a", {"kind": "form", "contact": contact}, COMPANY).contact == contact
        assert {"email", "full_name", "cc_emails", "billing.tax_id"} < CONTACT_FIELDS
        assert not CONTACT_FIELDS & {"type", "company_id", "billing"}

    def test_a_list_of_addresses_can_be_a_default(self, file: Path) -> None:
        file.write_text(FORM + 'defaults = { cc_emails = ["books@example.com"] }\n', encoding="utf-8")
        check_file(file)
        source = to_source("website", read_sources(file)["website"], COMPANY)
        assert source.defaults == {"cc_emails": ("books@example.com",)}

    @pytest.mark.parametrize(
        "expression",
        [
            "body.event=='lead.created'",
            "body.items[?type=='email'].value | [0]",
            "body[0].email",
            "body.*.email | [0]",
            "body.answers[].{key: id, value: join(' ', [first, last][?@])}",
            "sort_by(body.list, &at)[-1].email",
            'headers."x-event" || query.event',
            "!(body.test) && !contains(body.tags, 'spam')",
            "'always'",
            "`true`",
            "@.body.email",
            "body.list[:2]",
        ],
    )
    def test_expressions_of_every_form_are_accepted(self, expression: str) -> None:
        assert to_source("a", {"kind": "form", "accept": expression}, COMPANY).expressions() == [expression]

    def test_all_expressions_of_a_source_are_listed(self) -> None:
        table = {
            "kind": "webhook",
            "auth": {"scheme": "basic", "secret": "crm"},
            "answers": "body.a",
            "accept": "body.b",
            "delivery_id": "body.c",
            "contact": {"email": "body.d"},
        }
        source = to_source("crm", table, COMPANY)
        assert sorted(source.expressions()) == ["body.a", "body.b", "body.c", "body.d"]
        more = {"consent": "body.e", "route": {"by": "body.f", "to": {"x": {"contact_type": "vendor"}}}}
        assert {"body.e", "body.f"} < {*to_source("crm", table | more, COMPANY).expressions()}
        del table["answers"]
        assert sorted(to_source("crm", table, COMPANY).expressions()) == ["body.b", "body.c", "body.d"]


class TestWhatAnExpressionReads:
    @pytest.mark.parametrize(
        ("expression", "read"),
        [
            ("body", {("body",)}),
            ("body.a.b.c", {("body", "a")}),
            ('headers."x-id" || query.id', {("headers", "x-id"), ("query", "id")}),
            ("join('-', [headers.a, body.list[0].headers.b])", {("headers", "a"), ("body",)}),
            ("body.a[?headers.x == 'y'].query.z | headers.w", {("body", "a")}),
            ("sort_by(body.a, &headers.b)", {("body", "a")}),
            ("{x: headers.a, y: `1`}", {("headers", "a")}),
            ("headers.*", {("headers",)}),
            ("'headers.a'", set()),
        ],
    )
    def test_referenced_paths_of_an_expression_start_at_the_root(
        self, expression: str, read: set[Any]
    ) -> None:
        assert set(referenced_paths(expression)) == read

    @pytest.mark.parametrize(
        ("expression", "read"),
        [
            ("body.a.b.c", {("body", "a", "b", "c")}),
            ("(body.a || body.b).c", {("body", "a", "c"), ("body", "b", "c")}),
            ("body.list[0].name", {("body", "list")}),
            ("body.list[?type=='x'].name | [0]", {("body", "list")}),
            ("body.list[1:].name", {("body", "list")}),
            ("body.*.name", {("body",)}),
            ("body[][0]", {("body",)}),
            ("sort_by(body.a, &b)[0].c", {("body", "a")}),
            ("{x: body.a, y: `1`}.x", {("body", "a")}),
            ("body.a.[b, c.d]", {("body", "a", "b"), ("body", "a", "c", "d")}),
            ("body.a | b", {("body", "a", "b")}),
            ("!(body.a) && body.b == @.body.c", {("body", "a"), ("body", "b"), ("body", "c")}),
            ('headers."x-id"', {("headers", "x-id")}),
            ("'body.a'", set()),
        ],
    )
    def test_read_paths_end_where_an_expression_takes_a_list_or_a_result_apart(
        self, expression: str, read: set[Any]
    ) -> None:
        assert read_paths(expression) == read

    @pytest.mark.parametrize(
        ("expression", "path"),
        [
            ("body", ("body",)),
            ("body.a.b", ("body", "a", "b")),
            ("body.a || body.b", None),
            ("body.a[0]", None),
            ("@.body", None),
        ],
    )
    def test_plain_path_is_that_of_an_expression_that_is_nothing_else(
        self, expression: str, path: tuple[str, ...] | None
    ) -> None:
        assert plain_path(expression) == path


class TestTheFileItself:
    def test_missing_sources_file_is_refused(self, file: Path) -> None:
        with pytest.raises(InvalidSources, match=r"sources\.toml: No such file"):
            check_file(file)

    def test_folder_as_sources_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSources, match="Is a directory"):
            check_file(tmp_path)

    @pytest.mark.parametrize("text", ["", "# nothing yet\n", "[sources]\n"])
    def test_sources_file_without_a_source_is_refused(self, file: Path, text: str) -> None:
        assert mistakes(file, text) == [" has no [sources.NAME] table"]

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (FORM + "on_existing =\n", "line 3"),
            (FORM + "on_existing = skip\n", "line 3"),
            (FORM + 'kind = "form"\n', "line 3"),
            (FORM + FORM, "line 3"),
            ("[sources.a\n", "line 1"),
        ],
    )
    def test_broken_toml_is_reported_with_its_line(self, file: Path, text: str, place: str) -> None:
        (message,) = mistakes(file, text)
        assert place in message

    def test_sources_file_must_be_utf_8(self, file: Path) -> None:
        (message,) = mistakes(file, FORM.encode() + b'error_url = "https://example.com/\xfe"\n')
        assert "utf-8" in message

    @pytest.mark.parametrize("text", ["sources = 3\n", "sources = []\n", '[[sources]]\nkind = "form"\n'])
    def test_sources_must_be_a_table(self, file: Path, text: str) -> None:
        message = " sources: must be a table for each source, as [sources.website]"
        assert mistakes(file, text) == [message]

    def test_unknown_top_level_table_is_refused(self, file: Path) -> None:
        text = '[source.website]\nkind = "form"\n'
        assert mistakes(file, text) == ["1: source: is not known; allowed: sources"]
        assert mistakes(file, FORM + text) == ["3: source: is not known; allowed: sources"]

    def test_unknown_top_level_key_is_refused(self, file: Path) -> None:
        text = f'\nkind = "form"\n{FORM}kind_of = 1\n'
        assert [line.split(";")[0] for line in mistakes(file, text)] == [
            "2: kind: is not known",
            "5: sources.website.kind_of: is not known",
        ]

    @pytest.mark.parametrize("value", ["3", '"form"', "[]", "true"])
    def test_a_source_must_be_a_table(self, file: Path, value: str) -> None:
        assert mistakes(file, f"[sources]\n\nwebsite = {value}\n") == ["3: sources.website: must be a table"]

    def test_table_that_is_defined_twice_is_refused(self, file: Path) -> None:
        assert mistakes(file, '[[sources.website]]\nkind = "form"\n') == [
            "1: sources.website: must be a table"
        ]


FORM_KEYS = (
    "accept, allow_overwrite, allowed_origins, answer, answer_seconds, answers, company_id, consent, contact,"
    " contact_type, default_country, defaults, delivery_id, error_url, event_time, kind, name_fallback, on_existing,"
    " page, rest, route, spam, success_url"
)
HOOK_KEYS = (
    "accept, allow_overwrite, answer, answer_seconds, answers, auth, batch, company_id, consent, contact, contact_type,"
    " default_country, defaults, delivery_id, event_time, handshake, kind, name_fallback, on_existing, rest, route"
)
HMAC_KEYS = (
    "digest, encoding, header, id_header, key, other_header, prefix, scheme, secret, separator, signed,"
    " timestamp_header, timestamp_prefix, timestamp_unit, tolerance"
)
FIELDS = ", ".join(sorted(CONTACT_FIELDS))
ORIGIN = 'must be an origin without a path, as "https://www.example.com", or "*"'
NAME = "must be at most 64 lower-case letters, digits, - and _"
COUNTRY = "must be the ISO code of a country, as TR, DE or GB"
OVERWRITE = " allowed: skip, create, or update with allow_overwrite = true"
URL = "must be an address that begins with https:// or http://"
PLACE = 'must be the keys of a place in the body, as "proof" or "meta.proof"'
BATCH = 'must be true, false or the path of an array in the body, as "body.events"'
STAMPED = "{timestamp} in `signed` and timestamp_header or timestamp_prefix go together"


ROUTE = FORM + '[sources.website.route]\nby = "body.office"\n'
VENDOR = '{ contact_type = "vendor" }'


def hmac(keys: str) -> str:
    return HOOK + f'auth = {{ scheme = "hmac", secret = "crm", {keys} }}\n'


class TestMistakes:
    """One mistake a file: its line, the keys to it, and what is allowed there."""

    @pytest.mark.parametrize(
        ("text", "mistake"),
        [
            ("[sources.website]\n", "1: sources.website.kind: is required"),
            (
                '[sources.website]\n\nkind = "typform"\n',
                "3: sources.website.kind: is not known; allowed: 'form', 'webhook', "
                + ", ".join(f"'{name}'" for name in presets()),
            ),
            (
                FORM + 'spam = { honeypott = "x" }\n',
                "3: sources.website.spam.honeypott: is not known; allowed: captcha_outage, disposable, hcaptcha,"
                " honeypot, hostname, max_per_day, min_score, min_seconds, recaptcha, turnstile",
            ),
            (
                FORM + 'spam = { hostname = "www.example.com" }\n',
                "3: sources.website.spam: has hostname without a captcha;"
                " allowed: beside turnstile, hcaptcha or recaptcha",
            ),
            (
                FORM + 'spam = { turnstile = "a", hostname = "https://www.example.com" }\n',
                '3: sources.website.spam.hostname: must be a page\'s host, as "www.example.com"',
            ),
            (
                FORM + 'spam = { turnstile = "a", min_score = 0.5 }\n',
                "3: sources.website.spam: has min_score without recaptcha; allowed: beside recaptcha, with a key of v3",
            ),
            (
                FORM + 'on_existing = "update"\n',
                "3: sources.website.on_existing: update lets anybody who knows an e-mail address change a contact;"
                f"{OVERWRITE}",
            ),
            (
                FORM + 'spam = { turnstile = "a", recaptcha = "b" }\n',
                "3: sources.website.spam: has more than one captcha; allowed: one of turnstile, hcaptcha, recaptcha",
            ),
            (
                FORM + 'answer = "later"\n',
                "3: sources.website.answer: must be 'contact' or 'queued'",
            ),
            (
                FORM + "answer_seconds = 5\n",
                "3: sources.website.answer_seconds: must be less than or equal to 4",
            ),
            (
                FORM + "answer_seconds = 0.4\n",
                "3: sources.website.answer_seconds: must be greater than or equal to 0.5",
            ),
            (FORM + 'rest = "keep"\n', "3: sources.website.rest: must be 'description' or 'drop'"),
            *(
                (
                    FORM + f"consent = '{expression}'\n",
                    "3: sources.website.consent: must read one field, as body.terms",
                )
                for expression in ("body", "body.a && body.b", "`true`")
            ),
            (
                FORM + 'consent = "terms"\n',
                "3: sources.website.consent: cannot read 'terms'; allowed: body, headers and query, as in body.terms",
            ),
            (FORM + 'route = "body.office"\n', "3: sources.website.route: must be a table"),
            (FORM + 'route = { by = "body.office" }\n', "3: sources.website.route.to: is required"),
            (
                FORM + f'route = {{ by = "body.office", on = 1, to = {{ x = {VENDOR} }} }}\n',
                "3: sources.website.route.on: is not known; allowed: by, to",
            ),
            (
                FORM + f'route = {{ by = "office", to = {{ x = {VENDOR} }} }}\n',
                "3: sources.website.route.by: cannot read 'office';"
                " allowed: body, headers and query, as in body.office",
            ),
            (
                ROUTE + "[sources.website.route.to]\n",
                '5: sources.website.route.to: must name values, as izmir = { company_id = "…" }',
            ),
            (
                ROUTE + '[sources.website.route.to]\n" " = { contact_type = "vendor" }\n',
                '5: sources.website.route.to: must name values, as izmir = { company_id = "…" }',
            ),
            (
                ROUTE + f"[sources.website.route.to]\nizmir = {VENDOR}\nIZMIR = {VENDOR}\n",
                "5: sources.website.route.to: names a value twice: case and white space around it do not count",
            ),
            (
                ROUTE + "[sources.website.route.to]\nberlin = {}\n",
                "6: sources.website.route.to.berlin: is empty; allowed: company_id, contact_type or both",
            ),
            (
                ROUTE + '[sources.website.route.to]\nspam = { company = "x" }\n',
                "6: sources.website.route.to.spam.company: is not known; allowed: company_id, contact_type",
            ),
            (
                ROUTE + '[sources.website.route.to]\nberlin = { company_id = "x" }\n',
                "6: sources.website.route.to.berlin.company_id: must be 24 hexadecimal digits in lower case",
            ),
            (
                ROUTE + '[sources.website.route.to]\nberlin = "64b8f1a2e4b0c8d9f0123456"\n',
                "6: sources.website.route.to.berlin: must be a table",
            ),
            (FORM + 'colour = "red"\n', f"3: sources.website.colour: is not known; allowed: {FORM_KEYS}"),
            (FORM + 'token = "x"\n', f"3: sources.website.token: is not known; allowed: {FORM_KEYS}"),
            (FORM + "\n" + AUTH, f"4: sources.website.auth: is not known; allowed: {FORM_KEYS}"),
            (
                FORM + 'name = "x"\n',
                "3: sources.website.name: is not known: the table's own name is the source's",
            ),
            (
                HOOK + AUTH + 'success_url = "https://www.example.com"\n',
                f"5: sources.crm.success_url: is not known; allowed: {HOOK_KEYS}",
            ),
            ('[sources."My Form"]\nkind = "form"\n', f"1: sources.My Form: {NAME}"),
            ('\n[sources.Website]\nkind = "form"\n', f"2: sources.Website: {NAME}"),
            (FORM.replace("website", "a" * 65), f"1: sources.{'a' * 65}: {NAME}"),
            (
                FORM + 'company_id = "64B8F1A2E4B0C8D9F0123456"\n',
                "3: sources.website.company_id: must be 24 hexadecimal digits in lower case",
            ),
            (FORM + "company_id = 64\n", "3: sources.website.company_id: must be a valid string"),
            (
                FORM + 'contact_type = "lead"\n',
                "3: sources.website.contact_type: must be 'customer' or 'vendor'",
            ),
            (
                FORM + 'on_existing = "merge"\n',
                "3: sources.website.on_existing: must be 'skip', 'update' or 'create'",
            ),
            (
                FORM + 'name_fallback = "mail"\n',
                "3: sources.website.name_fallback: must be 'email' or 'reject'",
            ),
            (FORM + 'default_country = "tr"\n', f"3: sources.website.default_country: {COUNTRY}"),
            (FORM + 'default_country = "TUR"\n', f"3: sources.website.default_country: {COUNTRY}"),
            (FORM + 'default_country = "UK"\n', f"3: sources.website.default_country: {COUNTRY}"),
            *(
                (f"{FORM}[sources.website.page]\n{line}\n", f"{number}: sources.website.page{message}")
                for line, number, message in [
                    ('color = "red"', 4, '.color: must be a colour, as "#1a5fb4"'),
                    ("color = 3", 4, ".color: must be a valid string"),
                    (
                        'language = "en"\nthanks_text = " "',
                        5,
                        ".thanks_text: must be text in one line, at most 500 characters",
                    ),
                    (
                        'language = "en"\nerror_title = "a\\nb"',
                        5,
                        ".error_title: must be text in one line, at most 500 characters",
                    ),
                    ('home_url = "/"', 4, f".home_url: {URL}"),
                    ('language = "EN"', 4, ".language: must be 'en', 'tr', 'de', 'es' or 'fr'"),
                    (
                        'colour = "#ffffff"',
                        4,
                        ".colour: is not known; allowed: color, error_text, error_title, home_url, language,"
                        " thanks_text, thanks_title",
                    ),
                    (
                        'error_text = "x"',
                        3,
                        ": has a text without its language; allowed: language beside it",
                    ),
                ]
            ),
            (FORM + 'page = "x"\n', "3: sources.website.page: must be a table"),
            (FORM + 'success_url = "/thanks"\n', f"3: sources.website.success_url: {URL}"),
            (FORM + 'error_url = "javascript:alert(1)"\n', f"3: sources.website.error_url: {URL}"),
            (
                FORM + 'allowed_origins = "https://www.example.com"\n',
                "3: sources.website.allowed_origins: must be a list",
            ),
            (
                FORM + 'allowed_origins = ["https://www.example.com/"]\n',
                f"3: sources.website.allowed_origins.0: {ORIGIN}",
            ),
            (
                FORM + 'allowed_origins = [\n  "https://a.example.com",\n  "b.example.com",\n]\n',
                f"3: sources.website.allowed_origins.1: {ORIGIN}",
            ),
            (FORM + "contact = 3\n", "3: sources.website.contact: must be a table"),
            (
                FORM + '[sources.website.contact]\nemail = "body.mail"\nname = "body.name"\n',
                f"5: sources.website.contact.name: is not a field of a Clemta contact; allowed: {FIELDS}",
            ),
            (
                FORM + 'contact = { company_id = "body.company" }\n',
                f"3: sources.website.contact.company_id: is not a field of a Clemta contact; allowed: {FIELDS}",
            ),
            (
                FORM + '[sources.website.contact.billing]\n\ncity = "body.city"\n',
                f"5: sources.website.contact.billing.city: is not a field of a Clemta contact; allowed: {FIELDS}",
            ),
            (FORM + "contact = { email = 3 }\n", "3: sources.website.contact.email: must be a valid string"),
            (FORM + "defaults = []\n", "3: sources.website.defaults: must be a table"),
            (
                FORM + 'defaults = { mail = "x" }\n',
                f"3: sources.website.defaults.mail: is not a field of a Clemta contact; allowed: {FIELDS}",
            ),
            (
                FORM + '[sources.website.defaults]\n"billing.country" = 90\n',
                "4: sources.website.defaults.billing.country: must be a valid string",
            ),
            (
                FORM + '[sources.website.defaults]\nstatus = ["new"]\n',
                "4: sources.website.defaults.status: must be a valid string",
            ),
            (
                FORM + '[sources.website.defaults]\ncc_emails = ["books"]\n',
                "4: sources.website.defaults.cc_emails: must be an e-mail address",
            ),
            (
                FORM + '[sources.website.defaults]\ncc_emails = "books@example.com"\n',
                "4: sources.website.defaults.cc_emails: must be a list",
            ),
            (
                HOOK,
                "1: sources.crm.auth: is required: a webhook without authentication would accept anything from anyone",
            ),
            (HOOK + 'auth = "token"\n', "4: sources.crm.auth: must be a table"),
            (HOOK + 'auth = { secret = "crm" }\n', "4: sources.crm.auth.scheme: is required"),
            (
                HOOK + 'auth = { scheme = "rsa" }\n',
                "4: sources.crm.auth.scheme: is not known; allowed: 'hmac', 'standard-webhooks', 'jws',"
                " 'body-hmac', 'token', 'basic', 'iam'",
            ),
            (HOOK + 'auth = { scheme = "basic" }\n', "4: sources.crm.auth.secret: is required"),
            (
                HOOK + 'auth = { scheme = "token", secret = "my secret" }\n',
                f"4: sources.crm.auth.secret: {NAME}",
            ),
            (
                HOOK + '[sources.crm.auth]\nscheme = "token"\nsecret = "crm"\ntoken = "x"\n',
                "7: sources.crm.auth.token: is not known; allowed: body, header, scheme, secret",
            ),
            (
                HOOK + 'auth = { scheme = "token", secret = "crm", header = "x-token", body = "key" }\n',
                "4: sources.crm.auth: has two places for the token; allowed: header or body",
            ),
            (
                HOOK + 'auth = { scheme = "token", secret = "a", body = "a b" }\n',
                f"4: sources.crm.auth.body: {PLACE}",
            ),
            (
                HOOK + 'auth = { scheme = "token", secret = "crm", body = "" }\n',
                f"4: sources.crm.auth.body: {PLACE}",
            ),
            (
                HOOK + 'auth = { scheme = "body-hmac", secret = "crm", signed = "a.b" }\n',
                '4: sources.crm.auth.signed: must be a key of the body, as "data"',
            ),
            (
                HOOK + 'auth = { scheme = "body-hmac", secret = "crm", signed = "x", header = "x" }\n',
                "4: sources.crm.auth.header: is not known; allowed: digest, encoding, scheme, secret, signature,"
                " signed",
            ),
            (HOOK + AUTH + "batch = 1\n", f"5: sources.crm.batch: {BATCH}"),
            (HOOK + AUTH + 'batch = "events"\n', f"5: sources.crm.batch: {BATCH}"),
            (HOOK + AUTH + 'batch = "body.events[0]"\n', f"5: sources.crm.batch: {BATCH}"),
            (hmac('prefix = "v1="'), "4: sources.crm.auth.header: is required"),
            (
                hmac('header = "x", algorithm = "md5"'),
                f"4: sources.crm.auth.algorithm: is not known; allowed: {HMAC_KEYS}",
            ),
            (hmac('header = "x y"'), "4: sources.crm.auth.header: must be a header's name, as x-signature"),
            (
                hmac('header = "x", digest = "md5"'),
                "4: sources.crm.auth.digest: must be 'sha256', 'sha512' or 'sha1'",
            ),
            (
                hmac('header = "x", tolerance = 0'),
                "4: sources.crm.auth.tolerance: must be greater than or equal to 1",
            ),
            (
                hmac('header = "x", tolerance = "5"'),
                "4: sources.crm.auth.tolerance: must be a valid integer",
            ),
            *(
                (
                    hmac(f'header = "x", signed = "{signed}"'),
                    "4: sources.crm.auth.signed: must be text with {body} once, and what you need of {id},"
                    " {timestamp}, {method} and {uri}",
                )
                for signed in ("", "{timestamp}", "{body}{body}", "{url}{body}", "{body")
            ),
            (hmac('header = "x", signed = "{timestamp}.{body}"'), f"4: sources.crm.auth: {STAMPED}"),
            (hmac('header = "x", timestamp_header = "x-time"'), f"4: sources.crm.auth: {STAMPED}"),
            (
                hmac('header = "x", timestamp_prefix = "t=", separator = ","'),
                f"4: sources.crm.auth: {STAMPED}",
            ),
            (
                hmac('header = "x", signed = "{id}.{body}"'),
                "4: sources.crm.auth: {id} in `signed` and id_header go together",
            ),
            (
                hmac('header = "x", timestamp_prefix = "t=", signed = "{timestamp}.{body}"'),
                "4: sources.crm.auth: timestamp_prefix needs a separator",
            ),
            (
                HOOK.replace('answers = "body"\n', "") + AUTH,
                "1: sources.crm: needs an e-mail: set contact.email, or answers for the recogniser",
            ),
        ],
    )
    def test_mistake_is_reported_with_its_line_and_the_allowed_values(
        self, file: Path, text: str, mistake: str
    ) -> None:
        assert mistakes(file, text) == [mistake]

    @pytest.mark.parametrize(
        ("expression", "mistake"),
        [
            ("", "is not JMESPath: Invalid JMESPath expression: cannot be empty."),
            ("body.first name", "is not JMESPath: Unexpected token: name: Parse error at column 11"),
            ("body.[", "is not JMESPath: "),
            ("body.'x", "is not JMESPath: "),
            ('body.`"`', "is not JMESPath: "),
            ("email", "cannot read 'email'; allowed: body, headers and query, as in body.email"),
            ("join(' ', [body.first, last])", "cannot read 'last'; allowed: body, headers and query"),
            ("lower(body.email)", "lower() is no function of JMESPath; allowed: abs, "),
            ("body.list[].trim(@)", "trim() is no function of JMESPath; allowed: abs, "),
            ("headers", 'must name what it reads, as in headers."x-name"'),
            ("query.*", 'must name what it reads, as in query."x-name"'),
            ("headers.[a, b]", 'must name what it reads, as in headers."x-name"'),
            ('headers."X-Delivery"', "must name the header in lower case: x-delivery"),
            ("!body.test", "means (!a).b where it says !a.b: write !(a.b)"),
        ],
    )
    def test_expression_that_would_fail_at_run_time_fails_the_check(
        self, file: Path, expression: str, mistake: str
    ) -> None:
        quoted = expression.replace('"', '\\"')
        for key in ("accept", "delivery_id", "contact.email", "contact.billing.phone"):
            (message,) = mistakes(file, f'{FORM}\n{key} = "{quoted}"\n')
            assert message.startswith(f"4: sources.website.{key}: {mistake}")
        assert mistakes(file, f'{HOOK}{AUTH}accept = "{quoted}"\n')[0].startswith("5: sources.crm.accept: ")

    def test_line_of_a_mistake_is_not_that_of_another_source(self, file: Path) -> None:
        text = HOOK + HOOK.replace("crm", "other") + AUTH + FORM + "on_existing = 1\n"
        assert [line.split(": is")[0].split(": must")[0] for line in mistakes(file, text)] == [
            "1: sources.crm.auth",
            "10: sources.website.on_existing",
        ]

    def test_line_is_found_for_a_source_with_subtables_only(self, file: Path) -> None:
        text = FORM + '\n[sources.crm.contact]\nemail = "body.email"\n'
        assert mistakes(file, text) == ["4: sources.crm.kind: is required"]

    def test_all_mistakes_are_reported_in_the_order_of_the_file(self, file: Path) -> None:
        text = (
            "# comment: kind = 3, on_existing = 4\n"
            + FORM
            + 'success_url = "thanks"\non_existing = "merge" # or skip\ncolour = 1\n'
            + HOOK
            + '[sources."crm"."auth"]\nscheme = "hmac"\nsecret = "S"\n'
        )
        assert [line.split(": ")[:2] for line in mistakes(file, text)] == [
            ["4", "sources.website.success_url"],
            ["5", "sources.website.on_existing"],
            ["6", "sources.website.colour"],
            ["10", "sources.crm.auth.header"],
            ["12", "sources.crm.auth.secret"],
        ]

    def test_p5_no_key_turns_off_a_webhooks_authentication(self, file: Path) -> None:
        for open_door in ('auth = ""', "auth = {}", "auth = false", 'auth = { scheme = "none" }'):
            assert mistakes(file, f"{HOOK}{open_door}\n")
        for secret in ('""', "[]", "0", '" "'):
            assert mistakes(file, f'{HOOK}auth = {{ scheme = "token", secret = {secret} }}\n')


REPLAY = (
    'which the signature does not cover: with on_existing = "create" one captured request could be sent again'
)
REPLAY += " as a new delivery; "
ANY_FIELD = 'read a field of the body, as "body.id", or leave the key out for the body\'s hash'
SIGNED_ID = "leave the key out for the id that the signature covers"
HMAC = 'auth = { scheme = "hmac", secret = "x", header = "x-signature" }\nanswers = "body"\n'
TIMED = (
    'auth = { scheme = "hmac", secret = "x", header = "x-s", id_header = "x-id", timestamp_header = "x-time",'
    ' signed = "{id}{timestamp}{method}{uri}{body}" }\nanswers = "body"\n'
)
JWS = 'auth = { scheme = "jws", secret = "x", header = "x-s", issuer = "x" }\nanswers = "body"\n'


class TestReplay:
    """With `create` an id that an attacker can change would make a new contact of a captured request."""

    def source(self, kind: str, expression: str, policy: str = "create", auth: str = "") -> str:
        overwrites = "allow_overwrite = true\n" if policy == "update" else ""
        head = f'[sources.crm]\nkind = "{kind}"\non_existing = "{policy}"\n{overwrites}'
        return head + f"delivery_id = '{expression}'\n" + auth

    @pytest.mark.parametrize(
        ("kind", "auth", "expression", "read", "instead"),
        [
            ("webhook", HMAC, 'headers."x-id"', 'headers."x-id"', ANY_FIELD),
            ("webhook", HMAC, "query.id", 'query."id"', ANY_FIELD),
            ("webhook", HMAC, 'body.id || headers."x-id"', 'headers."x-id"', ANY_FIELD),
            ("webhook", HMAC, "join(to_string(`1`), [body.a, headers.b])", 'headers."b"', ANY_FIELD),
            ("webhook", JWS, 'headers."x-id"', 'headers."x-id"', ANY_FIELD),
            ("webhook", TIMED, 'headers."x-other"', 'headers."x-other"', SIGNED_ID),
            ("clerk", "", 'headers."svix-id"', 'headers."svix-id"', SIGNED_ID),
            ("clerk", "", 'headers."webhook-id"', 'headers."webhook-id"', SIGNED_ID),
            ("github", "", 'headers."x-github-delivery"', 'headers."x-github-delivery"', ANY_FIELD),
            (
                *("shopify", "", 'headers."x-shopify-event-id"', 'headers."x-shopify-event-id"'),
                "leave the key out for this sender's own id, body.id",
            ),
        ],
    )
    def test_p3_unsigned_delivery_id_with_on_existing_create_fails_the_check(
        self, file: Path, kind: str, auth: str, expression: str, read: str, instead: str
    ) -> None:
        found = mistakes(file, self.source(kind, expression, auth=auth))
        assert found == [f"4: sources.crm.delivery_id: reads {read}, {REPLAY}{instead}"]
        for policy in ("skip", "update"):
            assert good(file, self.source(kind, expression, policy, auth))

    @pytest.mark.parametrize(
        ("kind", "auth", "expression"),
        [
            ("webhook", HMAC, "body.id"),
            ("webhook", TIMED, 'join(to_string(`1`), [headers."x-id", headers."x-time", query.id])'),
            ("framer", "", 'headers."framer-webhook-submission-id"'),
            ("zapier", "", 'headers."idempotency-key"'),
            ("webhook", 'auth = { scheme = "basic", secret = "x" }\nanswers = "body"\n', "headers.id"),
            ("form", "", 'headers."idempotency-key"'),
        ],
    )
    def test_delivery_id_that_is_authenticated_like_the_body_is_accepted(
        self, file: Path, kind: str, auth: str, expression: str
    ) -> None:
        assert good(file, self.source(kind, expression, auth=auth))

    @pytest.mark.parametrize("kind", sorted(presets()))
    def test_p3_no_preset_has_an_unsigned_delivery_id(self, file: Path, kind: str) -> None:
        assert good(file, f'[sources.x]\nkind = "{kind}"\non_existing = "create"\n')


class TestBodyHmac:
    """What one text's signature does not cover, nobody proved: expressions read that text alone."""

    AUTH = 'auth = { scheme = "body-hmac", secret = "x", signed = "data" }\n'

    def source(self, *lines: str) -> str:
        return '[sources.crm]\nkind = "webhook"\n' + self.AUTH + "".join(f"{line}\n" for line in lines)

    def test_p5_expressions_that_read_the_signed_text_are_accepted(self, file: Path) -> None:
        ours = "parse_json(body.data)"
        assert good(
            file,
            self.source(
                f'answers = "{ours}"',
                f'delivery_id = "{ours}.id"',
                f'event_time = "{ours}.time"',
                "accept = \"body.scope=='created'\"",
                f'contact.email = "{ours}.email"',
                'on_existing = "create"',
            ),
        )

    @pytest.mark.parametrize(
        ("line", "read"),
        [
            ('answers = "body"', "body"),
            ('delivery_id = "body.id"', "body.id"),
            ('event_time = "body.time"', "body.time"),
            ('contact.full_name = "body.name || body.data"', "body.name"),
            ("contact.full_name = 'headers.\"x-name\"'", "headers.x-name"),
        ],
    )
    def test_p5_expression_that_reads_what_is_not_signed_fails_the_check(
        self, file: Path, line: str, read: str
    ) -> None:
        [mistake] = mistakes(file, self.source('contact.email = "body.data"', line))
        assert mistake == f"1: sources.crm: reads {read}, which is not signed; allowed: body.data"

    def test_p5_batch_fails_the_check(self, file: Path) -> None:
        [mistake] = mistakes(file, self.source('answers = "body.data"', 'batch = "body.events"'))
        assert mistake.startswith("1: sources.crm: has a batch, which the signature does not cover;")


class TestTheCommand:
    def run(self, *arguments: object) -> int:
        return check.main([str(argument) for argument in arguments])

    def test_check_of_a_good_file_exits_with_0_and_prints_its_sources(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_text(FORM, encoding="utf-8")
        assert self.run(file) == 0
        assert capsys.readouterr() == ("sources.toml: 1 source: website\n", "")
        file.write_text(FORM + HOOK + AUTH, encoding="utf-8")
        assert self.run(file) == 0
        assert capsys.readouterr().out == "sources.toml: 2 sources: website, crm\n"

    def test_check_of_a_wrong_file_exits_with_1_and_prints_its_mistakes(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_text("[sources.website]\n", encoding="utf-8")
        assert self.run(file) == 1
        assert capsys.readouterr() == ("", "sources.toml:1: sources.website.kind: is required\n")

    def test_check_prints_the_first_of_several_mistakes_last(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file.write_text('[sources.a]\nkind = "form"\nx = 1\n[sources.b]\nkind = "form"\ny = 1\n')
        assert self.run(file) == 1
        first, second, last = capsys.readouterr().err.splitlines()
        assert (first[:14], second[:14]) == ("sources.toml:3", "sources.toml:6")
        assert last == f"2 mistakes; the first: {first}"

    def test_check_of_a_missing_file_exits_with_1(
        self, file: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(file) == 1
        assert "No such file" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [[], ["a.toml", "b.toml"]])
    def test_check_with_wrong_arguments_exits_with_2(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.run(*arguments) == 2
        assert capsys.readouterr().err.startswith("usage: ")

    def test_check_runs_as_a_module(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["check", str(SHIPPED)])
        monkeypatch.delitem(sys.modules, check.__name__)
        with pytest.raises(SystemExit) as caught:
            runpy.run_module(check.__name__, run_name="__main__")
        assert caught.value.code == 0


class TestWhoMayOverwrite:
    """`update` needs a sender that proves when it sent, or the operator's word."""

    @pytest.mark.parametrize(
        "auth",
        [
            AUTH,
            'auth = { scheme = "basic", secret = "crm" }\n',
            'auth = { scheme = "jws", secret = "crm", header = "x-jws", issuer = "x" }\n',
            'auth = { scheme = "hmac", secret = "crm", header = "x-signature" }\n',
        ],
    )
    def test_sender_without_a_signed_time_may_not_update_contacts(self, file: Path, auth: str) -> None:
        text = HOOK + 'on_existing = "update"\n' + auth
        assert mistakes(file, text) == [
            "4: sources.crm.on_existing: update lets a repeated old request, whose time is not signed, change a"
            f" contact;{OVERWRITE}"
        ]
        file.write_text(text + "allow_overwrite = true\n")
        assert check_file(file) == ["crm"]

    @pytest.mark.parametrize(
        "auth",
        [
            'auth = { scheme = "standard-webhooks", secret = "crm" }\n',
            'auth = { scheme = "hmac", secret = "crm", header = "x-s", signed = "{timestamp}.{body}",'
            ' timestamp_header = "x-t" }\n',
        ],
    )
    def test_sender_with_a_signed_time_may_update_contacts(self, file: Path, auth: str) -> None:
        file.write_text(HOOK + 'on_existing = "update"\n' + auth)
        assert check_file(file) == ["crm"]

    def test_form_may_update_contacts_with_allow_overwrite(self, file: Path) -> None:
        file.write_text(FORM + 'on_existing = "update"\nallow_overwrite = true\n')
        assert check_file(file) == ["website"]

    def test_preset_without_a_signed_time_may_not_update_contacts(self, file: Path) -> None:
        file.write_text('[sources.t]\nkind = "typeform"\non_existing = "update"\n')
        with pytest.raises(InvalidSources, match=r"3: sources\.t\.on_existing"):
            check_file(file)
