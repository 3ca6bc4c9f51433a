"""A submission becomes Clemta's request, or a refusal that names the fields."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clemta_intake.errors import ConfigError, Refused, Unmappable, Unreadable, UnsupportedMedia
from clemta_intake.model import MappedSubmission, Submission
from clemta_intake.sources.config import Form, Webhook, to_source
from clemta_intake.sources.kept import kept_headers, kept_query
from clemta_intake.sources.naming import FIELDS
from tests.support.evaluation import mapped
from tests.support.examples import examples
from tests.support.fakes import COMPANY

OPENAPI = Path(__file__).parents[3] / "shared/clemta/openapi.json"
SECRETS = {"scheme": "token", "secret": "crm"}
ADA = {"name": "Ada Example", "email": "ada@example.com"}


def form(**keys: Any) -> Form | Webhook:
    return to_source("website", {"kind": "form", **keys}, COMPANY)


def webhook(**keys: Any) -> Form | Webhook:
    return to_source("crm", {"kind": "webhook", "auth": SECRETS, "answers": "body", **keys}, COMPANY)


def reading(data: Any, source: Form | Webhook, **parts: Any) -> MappedSubmission | None:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    parts = {"content_type": "application/json"} | parts
    return mapped(Submission("id", source.name, 1_800_000_000, body, **parts), source)


def contact(data: Any, source: Form | Webhook | None = None, **parts: Any) -> dict[str, Any]:
    """The body that Clemta would get, without its constant fields."""
    source = source or form()
    found = reading(data, source, **parts)
    assert found is not None
    body = found.contact.body()
    assert (body.pop("type"), body.pop("company_id")) == (source.contact_type, source.company_id)
    return body


def mistakes(data: Any, source: Form | Webhook | None = None) -> dict[str, str]:
    with pytest.raises(Unmappable) as caught:
        reading(data, source or form())
    assert caught.value.__cause__ is None, "pydantic's own error would carry the values along"
    return dict(caught.value.fields)


class TestAPlainForm:
    def test_form_is_mapped_without_a_contact_table(self) -> None:
        written = {
            "Ad": "Ayşe",
            "Soyad": "Örnek 🎉",
            "E-posta": " ayse@example.com ",
            "Telefon": "0532 123 45 67",
            "Şirket": "Örnek A.Ş.",
            "Adres": "Örnek Sokak 1\r\nKat 2",
            "İlçe": "Kadıköy",
            "Şehir": "İstanbul",
            "Posta Kodu": "34000",
            "Ülke": "Türkiye",
            "Vergi No": "1234567890",
            "Mesajınız": "Merhaba!\nİki satır.",
            "fatura_eposta": "fatura@example.com",
        }
        sent = urlencode(written).encode()
        assert contact(sent, content_type="application/x-www-form-urlencoded") == {
            "full_name": "Ayşe Örnek 🎉",
            "email": "ayse@example.com",
            "description": "Merhaba!\nİki satır.\nCompany: Örnek A.Ş.\nBilling e-mail: fatura@example.com",
            "billing": {
                "phone": "5321234567",
                "phone_code": "+90",
                "iso_code": "TR",
                "country": "Türkiye",
                "address_1": "Örnek Sokak 1, Kat 2",
                "district": "Kadıköy, İstanbul",
                "postal_code": "34000",
                "tax_id": "1234567890",
            },
        }

    @pytest.mark.parametrize("field", sorted(FIELDS - {"email"}))
    def test_p4_every_recognised_field_reaches_the_contact(self, field: str) -> None:
        assert "Written" in str(contact({"email": "ada@example.com", field: "Written"}))

    def test_multipart_form_is_mapped(self) -> None:
        body = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.com\r\n--b--\r\n'
        read = contact(body, content_type="multipart/form-data; boundary=b")
        assert read == {"full_name": "ada@example.com", "email": "ada@example.com"}

    def test_numbers_and_lists_in_a_form_become_text(self) -> None:
        written = ADA | {"phone": 905321234567, "zip": 34000, "notes": ["a", 2]}
        assert contact(written, form(default_country="TR")) == {
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "description": "a, 2",
            "billing": {"phone": "5321234567", "phone_code": "+90", "postal_code": "34000"},
        }

    @pytest.mark.parametrize(
        "body", [b"[]", b'"ada@example.com"', b"7", b"null", b'[{"email": "ada@example.com"}]']
    )
    def test_form_body_must_be_an_object(self, body: bytes) -> None:
        with pytest.raises(Unreadable, match="object of fields"):
            reading(body, form())

    def test_unreadable_form_is_refused_as_unreadable(self) -> None:
        with pytest.raises(Unreadable):
            reading(b"{", form())
        with pytest.raises(UnsupportedMedia):
            reading(b"<a/>", form(), content_type="text/xml")


class TestName:
    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ({"name": "Ada Example", "first": "A", "last": "E"}, "Ada Example"),
            ({"first": "Ada", "last": "Example"}, "Ada Example"),
            ({"last": "Example"}, "Example"),
            ({"user": {"name": "Ada"}, "product": {"name": "Shoe"}}, "Ada"),
            ({"product": {"name": "Shoe"}}, "ada@example.com"),
            ({"company": "Example Ltd"}, "Example Ltd"),
            ({"name": "ada@example.com"}, "ada@example.com"),
            ({"name": "ada@example.com", "given_name": "Ada", "family_name": "Example"}, "Ada Example"),
            ({"name": "ada@example.com", "company": "Example Ltd"}, "Example Ltd"),
            ({"name": "ADA@example.com "}, "ada@example.com"),
            ({"name": "bo@example.net"}, "bo at example.net"),
            ({"name": "Ada @ Example"}, "Ada at Example"),
            ({"name": "bo@example.net", "company": "Example Ltd"}, "bo at example.net"),
            ({"first": "ada@example.com"}, "ada@example.com"),
            ({"company": "ada@example.com"}, "ada@example.com"),
            ({"name": "a@" * 120}, " ".join("a" * 120)),
            ({"name": "@" * 120}, "ada@example.com"),
            ({"name": " \n"}, "ada@example.com"),
            ({"name": "Ada\r\nBcc: bo@example.com", "first": "Ada"}, "Ada"),
            ({"name": "Ada\r\n  X: y"}, "Ada, X: y"),
            ({"name": "Ada\tExample"}, "Ada Example"),
            ({"name": "Ada\u2028Example"}, "Ada, Example"),
            ({"name": "Ada \u2029\r\n Example\n"}, "Ada, Example"),
            ({"name": "\u202eelpmaxE\u202c\u200e \u2066adA\u2069\u061c"}, "elpmaxE adA"),
            ({"name": "\u202e\u200f"}, "ada@example.com"),
            ({"name": "Zoë 🎉 O'Neil-李"}, "Zoë 🎉 O'Neil-李"),
            ({"name": 7}, "7"),
            ({"name": True}, "ada@example.com"),
        ],
    )
    def test_best_available_name_becomes_the_full_name(self, written: dict[str, Any], name: str) -> None:
        assert contact({"email": "ada@example.com", **written})["full_name"] == name

    def test_p3_a_name_never_holds_an_address_that_is_not_its_own_persons(self) -> None:
        mapped = form(contact={"full_name": "body.who", "email": "body.mail"})
        for name in ("bo@example.net", "Bo <bo@example.net>", "@"):
            assert "@" not in contact({"mail": "ada@example.com", "who": name}, mapped)["full_name"]
        stood_in = {"full_name": "ada@example.com", "email": "ada@example.com"}
        assert contact({"mail": "Ada@Example.com", "who": "ada@EXAMPLE.com"}, mapped) == stood_in
        friend = form(contact=mapped.contact, defaults={"full_name": "Friend"})
        assert contact({"mail": "ada@example.com", "who": "ada@example.com"}, friend)["full_name"] == "Friend"

    def test_missing_name_is_refused_with_name_fallback_reject(self) -> None:
        strict = form(name_fallback="reject")
        assert mistakes({"email": "ada@example.com"}, strict) == {"full_name": "is required"}
        assert contact(ADA, strict)["full_name"] == "Ada Example"

    @pytest.mark.parametrize("name", ["A" * 10_240, "Ada\x00", "Ada\x1b[31m"])
    def test_p4_name_that_clemta_would_refuse_goes_into_the_description(self, name: str) -> None:
        read = contact(ADA | {"name": name})
        assert read["full_name"] == "ada@example.com"
        assert read["description"].startswith(f"name: {name.replace('\x00', '').replace('\x1b', '')[:9_000]}")
        refused = mistakes(ADA | {"name": name}, form(name_fallback="reject"))
        assert list(refused) == ["full_name"]


class TestEmail:
    def test_missing_email_is_refused(self) -> None:
        values: list[Any] = ["", " ", None, [], {}, True]
        for nothing in values:
            assert mistakes({"name": "Ada", "email": nothing}) == {"email": "is required"}
        assert mistakes({}) == {"email": "is required"}

    @pytest.mark.parametrize(
        "written",
        [
            "ada",
            "ada@example",
            "ada@example.com.",
            "ada@example.com\r\nBcc: bo@example.com",
            "ada@example.com, bo@example.com",
            ["ada@example.com", "bo@example.com"],
            "ayşe@example.com",
            "a" * 300 + "@example.com",
            "john..doe@example.com",
            ".john@example.com",
            "john.@example.com",
            10**400,
            7,
        ],
    )
    def test_wrong_email_is_refused_by_field_and_not_quoted(self, written: Any) -> None:
        assert mistakes({"name": "Ada", "email": written}) == {"email": "must be an e-mail address"}

    def test_forms_billing_email_goes_only_into_the_description(self) -> None:
        read = contact(ADA | {"billing_email": "thief@example.com"})
        assert read == {
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "description": "Billing e-mail: thief@example.com",
        }
        assert contact({"billing_email": "ada@example.com"})["email"] == "ada@example.com"

    def test_webhooks_billing_email_is_mapped_and_replaces_a_missing_email(self) -> None:
        read = contact({"billing_email": "books@example.com"}, webhook())
        assert (read["email"], read["billing"]) == ("books@example.com", {"email": "books@example.com"})

    def test_international_email_domain_becomes_punycode(self) -> None:
        assert contact({"email": "ada@exämple.com"})["email"] == "ada@xn--exmple-cua.com"


class TestTheDeliveryOfAForm:
    def test_p3_second_click_with_another_elapsed_time_and_token_is_the_same_delivery(self) -> None:
        clicks = [
            ADA | {"_elapsed": 5_000, "cf-turnstile-response": "one"},
            {"_elapsed": 6_000, "cf-turnstile-response": "two"} | ADA,
        ]
        first, second = (reading(click, form()) for click in clicks)
        assert first is not None
        assert second is not None
        assert first.delivery_id == second.delivery_id
        other = reading(clicks[0] | {"message": "Hello"}, form())
        assert other is not None
        assert other.delivery_id != first.delivery_id


class TestDescription:
    def test_line_and_paragraph_separators_become_line_breaks_in_the_description(self) -> None:
        written = ADA | {"message": "one\u2028two\u2029three\r\nfour\rfive"}
        assert contact(written)["description"] == "one\ntwo\nthree\nfour\nfive"


class TestAddress:
    @pytest.mark.parametrize("key", ["address_2", "address_line_2", "billing[address_2]"])
    def test_p4_second_address_line_is_a_separate_field(self, key: str) -> None:
        written = urlencode(ADA | {"address_1": "1 Example Street", key: "Floor 2"}).encode()
        billing = contact(written, content_type="application/x-www-form-urlencoded")["billing"]
        assert billing == {"address_1": "1 Example Street", "address_2": "Floor 2"}

    @pytest.mark.parametrize(
        "container",
        ["contact", "customer", "data", "fields", "form", "lead", "person", "profile", "submission", "user"],
    )
    def test_a_persons_fields_are_found_in_each_usual_container(self, container: str) -> None:
        assert contact({container: ADA})["email"] == "ada@example.com"


class TestPhoneAndCountry:
    @pytest.mark.parametrize(
        ("written", "default", "billing"),
        [
            ({"phone": "+90 532 123 45 67"}, None, {"phone": "5321234567", "phone_code": "+90"}),
            ({"phone": "0532 123 45 67"}, "TR", {"phone": "5321234567", "phone_code": "+90"}),
            ({"phone": "0532 123 45 67"}, None, {"phone": "0532 123 45 67"}),
            ({"country": "Almanya"}, None, {"country": "Germany", "iso_code": "DE"}),
            ({"country": "Narnia"}, None, {"country": "Narnia"}),
            ({"country": "tr"}, None, {"country": "Türkiye", "iso_code": "TR"}),
            (
                {"country": "Deutschland", "phone": "030 901820"},
                "TR",
                {"country": "Germany", "iso_code": "DE", "phone": "30901820", "phone_code": "+49"},
            ),
            (
                {"country": "Narnia", "phone": "0532 123 45 67"},
                "TR",
                {"country": "Narnia", "phone": "5321234567", "phone_code": "+90"},
            ),
        ],
    )
    def test_phone_and_country_get_clemtas_format(
        self, written: dict[str, str], default: str | None, billing: dict[str, str]
    ) -> None:
        assert contact(ADA | written, form(default_country=default))["billing"] == billing

    def test_country_code_alone_sets_the_country(self) -> None:
        source = form(contact={"billing.iso_code": "body.code"})
        assert contact(ADA | {"code": "TR"}, source)["billing"] == {"country": "Türkiye", "iso_code": "TR"}

    def test_complete_phone_and_country_of_a_mapping_stay_unchanged(self) -> None:
        fields = {"phone": "0532 123 45 67", "phone_code": "+90", "country": "Elsewhere", "iso_code": "TR"}
        source = form(contact={f"billing.{name}": f"body.x.{name}" for name in fields})
        assert contact(ADA | {"x": fields}, source)["billing"] == fields


class TestMapping:
    def test_contact_expression_overrides_the_recognised_field(self) -> None:
        source = form(contact={"full_name": "join(' ', [body.a, body.b])", "billing.state": "query.state"})
        written = ADA | {"a": "Bo", "b": None, "city": "Izmir"}
        assert contact(written, source, query={"state": "x"}) == {
            "full_name": "Bo",
            "email": "ada@example.com",
            "description": "name: Ada Example",
            "billing": {"state": "x", "district": "Izmir"},
        }

    def test_webhook_without_answers_maps_only_its_contact_expressions(self) -> None:
        source = webhook(answers=None, contact={"email": "body.contact.mail"}, rest="drop")
        read = contact({"name": "Not asked", "contact": {"mail": "ada@example.com"}}, source)
        assert read == {"full_name": "ada@example.com", "email": "ada@example.com"}

    def test_array_of_one_entry_is_unwrapped_only_for_a_batch_source(self) -> None:
        assert contact([ADA], webhook(batch=True, answers="body"))["full_name"] == "Ada Example"
        whole = webhook(answers="body[0].{name: name, email: email}")
        assert contact([ADA], whole)["full_name"] == "Ada Example", "it is the array that the mapping reads"

    def test_answers_may_be_anywhere_in_the_body(self) -> None:
        source = webhook(answers="body.data.fields")
        fields = [
            {"key": "q1", "label": "Ad Soyad", "type": "INPUT_TEXT", "value": "Ayşe Örnek"},
            {
                "key": "q2",
                "label": "Bize nereden ulaşalım?",
                "type": "INPUT_EMAIL",
                "value": "ayse@example.com",
            },
        ]
        read = contact({"name": "form name", "data": {"fields": fields}}, source)
        assert read == {"full_name": "Ayşe Örnek", "email": "ayse@example.com"}

    def test_missing_answers_are_an_empty_list(self) -> None:
        assert mistakes({}, webhook(answers="body.data.fields")) == {"email": "is required"}

    @pytest.mark.parametrize(("value", "line"), [({"a": "b", "c": 7}, "b, 7"), (True, "yes"), (False, "no")])
    @pytest.mark.parametrize("field", ["description", "full_name", "billing.state"])
    def test_p4_expression_result_that_is_not_text_becomes_a_line(
        self, value: Any, line: str, field: str
    ) -> None:
        read = contact({"email": "ada@example.com", "x": value}, form(contact={field: "body.x"}))
        stood_in = {"full_name": "ada@example.com", "email": "ada@example.com"}
        assert read == stood_in | {"description": f"{field}: {line}"}
        assert mistakes({"x": value}, form(contact={"email": "body.x"})) == {"email": "must be text"}

    @pytest.mark.parametrize("value", [None, "", " ", []])
    def test_null_result_of_an_expression_sets_no_value(self, value: Any) -> None:
        source = form(contact={"status": "body.x", "cc_emails": "body.x", "billing.state": "body.x"})
        assert contact(ADA | {"x": value}, source).keys() == {"full_name", "email"}

    @pytest.mark.parametrize(
        ("value", "addresses"),
        [
            ("bo@example.com", ["bo@example.com"]),
            (" bo@example.com , cy@example.com,", ["bo@example.com", "cy@example.com"]),
            (["bo@example.com", "cy@example.com"], ["bo@example.com", "cy@example.com"]),
        ],
    )
    def test_cc_emails_may_be_one_address_or_several(self, value: Any, addresses: list[str]) -> None:
        source = form(contact={"cc_emails": "body.x", "bcc_emails": "body.x"})
        read = contact(ADA | {"x": value}, source)
        assert (read["cc_emails"], read["bcc_emails"]) == (addresses, addresses)

    def test_p9_too_many_cc_emails_are_refused_before_one_is_validated(self) -> None:
        source = form(contact={"cc_emails": "body.x"})
        assert len(contact(ADA | {"x": ["bo@example.com"] * 20}, source)["cc_emails"]) == 20
        for many in (["bo@example.com"] * 21, ["bo"] * 21, ",".join(["bo"] * 21)):
            assert mistakes(ADA | {"x": many}, source) == {"cc_emails": "must be at most 20 addresses"}

    def test_p9_join_of_all_entries_with_one_large_object_is_refused(self) -> None:
        joined = "join_on(body.left, 'id', body.right, 'id')"
        source = webhook(answers=joined)
        large = {"id": "x"} | {f"k{number}": "" for number in range(700)}
        for count, fits in ((20, True), (300, False)):
            body = {
                "left": [{"id": "x", "key": "email", "value": "ada@example.com"}] * count,
                "right": [large],
            }
            if fits:
                assert contact(body, source)["email"] == "ada@example.com"
            else:
                with pytest.raises(Unreadable, match="fields are joined"):
                    reading(body, source)

    def test_join_skips_entries_that_are_not_objects(self) -> None:
        source = webhook(answers="join_on(body.left, 'id', body.right, 'id')")
        answer = {"id": "x", "key": "email", "value": "ada@example.com"}
        body = {"left": ["x", None, answer, 7], "right": ["x", {"id": "x", "label": "E-mail"}, None]}
        assert contact(body, source)["email"] == "ada@example.com"

    @pytest.mark.parametrize("value", ["bo", ["bo@example.com", "bo"], [7], [None], 7, {"a": "b"}, True])
    def test_invalid_cc_email_is_refused(self, value: Any) -> None:
        assert list(mistakes(ADA | {"x": value}, form(contact={"cc_emails": "body.x"}))) == ["cc_emails"]

    def test_all_wrong_fields_are_named_at_once(self) -> None:
        source = form(contact={"cc_emails": "body.copy"}, consent="body.terms", name_fallback="reject")
        written = {"name": "A" * 300, "email": "ada", "copy": "bo", "terms": "no"}
        assert mistakes(written, source).keys() == {"full_name", "email", "cc_emails", "terms"}

    def test_contact_type_and_company_come_from_the_source_only(self) -> None:
        source = form(contact_type="vendor", company_id="0123456789abcdef01234567")
        written = ADA | {"type": "customer", "company_id": COMPANY, "billing": {"company_id": COMPANY}}
        assert contact(written, source) == {
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "description": f"type: customer\ncompany_id: {COMPANY}\nbilling.company_id: {COMPANY}",
        }

    @pytest.mark.parametrize(
        ("expression", "body"),
        [
            ("contains('lead.created lead.changed', body.event)", {"event": None}),
            ("ceil(to_number(body.n))", {"n": "1e999"}),
            ("body.list[::0]", {"list": [1]}),
            ("sum(body.list)", {"list": [10**400, 0.5]}),
            ("starts_with(body.event, 'lead')", {"event": None}),
            ("abs(body.n, body.n)", {"n": 1}),
        ],
    )
    def test_failing_expression_is_a_configuration_error(self, expression: str, body: dict[str, Any]) -> None:
        for source, key in (
            (form(accept=expression), "accept"),
            (form(delivery_id=expression), "delivery_id"),
            (form(contact={"status": expression}), "contact.status"),
            (webhook(answers=expression), "answers"),
        ):
            with pytest.raises(ConfigError, match=f"^{key}: ") as caught:
                reading(ADA | body, source)
            assert caught.value.code == "mapping_failed"


class TestDefaults:
    def test_defaults_fill_fields_that_the_sender_does_not_give(self) -> None:
        defaults = {"full_name": "Friend", "cc_emails": ["books@example.com"], "billing.country": "TR"}
        assert contact({"email": "ada@example.com", "name": ""}, form(defaults=defaults)) == {
            "full_name": "Friend",
            "email": "ada@example.com",
            "cc_emails": ["books@example.com"],
            "billing": {"country": "Türkiye", "iso_code": "TR"},
        }

    def test_sender_values_override_defaults(self) -> None:
        defaults = {"full_name": "Friend", "email": "no@example.com", "cc_emails": ["books@example.com"]}
        source = form(defaults=defaults, contact={"cc_emails": "body.cc"})
        read = contact(ADA | {"cc": "bo@example.com"}, source)
        assert read == {
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "cc_emails": ["bo@example.com"],
        }

    def test_defaults_may_contain_the_source_and_the_date(self) -> None:
        source = form(defaults={"description": "Signed up through {source} on {date}, {name}"})
        assert contact(ADA, source)["description"] == "Signed up through website on 2027-01-15, {name}"


class TestEvents:
    @pytest.mark.parametrize(
        ("expression", "body", "taken"),
        [
            ("body.event=='lead.created'", {"event": "lead.created"}, True),
            ("body.event=='lead.created'", {"event": "lead.changed"}, False),
            ("body.event=='lead.created'", {}, False),
            ("!(body.test)", {}, True),
            ("!(body.test)", {"test": True}, False),
            ("query.list=='news'", {}, True),
            ('headers."x-event"', {}, True),
        ],
    )
    def test_only_accepted_events_are_mapped(
        self, expression: str, body: dict[str, Any], taken: bool
    ) -> None:
        found = reading(
            ADA | body, webhook(accept=expression), query={"list": "news"}, headers={"x-event": "lead"}
        )
        assert (found is not None) == taken

    def test_event_that_is_not_accepted_need_not_be_mappable(self) -> None:
        assert reading([], form(accept="body.event")) is None


class TestEventTime:
    """An update is applied in the order of the events, not in the order in which they come."""

    @pytest.mark.parametrize(
        ("value", "happened_at"),
        [
            (1_700_000_000, 1_700_000_000),
            ("1700000000.25", 1_700_000_000.25),
            (1_700_000_000_500, 1_700_000_000.5),
            ("2023-11-14T22:13:20Z", 1_700_000_000),
            ("2023-11-14T23:13:20.500000+01:00", 1_700_000_000.5),
            ("2023-11-14 22:13:20", 1_700_000_000),
            ("2040-01-01T00:00:00Z", 1_800_000_000),
            ("0001-01-01T00:00:00+23:00", 1_800_000_000),
            ("yesterday", 1_800_000_000),
            ("nan", 1_800_000_000),
            ("9" * 300, 1_800_000_000),
            (None, 1_800_000_000),
        ],
    )
    def test_p3_event_time_is_the_senders_and_at_most_the_time_of_receipt(
        self, value: Any, happened_at: float
    ) -> None:
        found = reading(ADA | {"at": value}, webhook(event_time="body.at"))
        assert found is not None
        assert (found.received_at, found.happened_at) == (1_800_000_000, happened_at)

    def test_p3_without_an_event_time_the_time_of_receipt_is_used(self) -> None:
        found = reading(ADA, form())
        assert found is not None
        assert found.happened_at == found.received_at == 1_800_000_000

    def test_header_with_the_event_time_is_kept(self) -> None:
        assert kept_headers(webhook(event_time='headers."x-at"'), {"x-at": "1", "x-b": "2"}) == {"x-at": "1"}


class TestWeak:
    """Defaults and stand-ins do not come from the sender: an update fills only empty fields with them."""

    @pytest.mark.parametrize(
        ("data", "keys", "weak"),
        [
            (ADA, {}, set()),
            ({"email": "ada@example.com"}, {}, {"full_name"}),
            ({"email": "ada@example.com", "company": "Example Ltd"}, {}, {"full_name", "description"}),
            ({"email": "ada@example.com", "company": "Ada", "name": "Ada Example"}, {}, {"description"}),
            ({"email": "ada@example.com", "name": "ada@example.com"}, {}, {"full_name"}),
            ({"email": "ada@example.com"}, {"contact": {"full_name": "body.nick"}}, {"full_name"}),
            ({"email": "ada@example.com", "nick": "A"}, {"contact": {"full_name": "body.nick"}}, set()),
            ({"email": "ada@example.com"}, {"defaults": {"full_name": "Somebody"}}, {"full_name"}),
            (ADA, {"defaults": {"full_name": "Somebody", "description": "d"}}, {"description"}),
            (ADA | {"message": "m"}, {"defaults": {"description": "d"}}, set()),
            (ADA, {"defaults": {"billing.country": "TR"}}, {"billing.country", "billing.iso_code"}),
            (ADA | {"country": "DE"}, {"defaults": {"billing.country": "TR"}}, set()),
            (ADA | {"phone": "5321234567"}, {"defaults": {"billing.phone_code": "+90"}}, set()),
        ],
    )
    def test_p3_fields_that_the_sender_did_not_give_are_marked_weak(
        self, data: Any, keys: dict[str, Any], weak: set[str]
    ) -> None:
        found = reading(data, form(**keys))
        assert found is not None
        said = found.contact.body()
        filled = {*said, *(f"billing.{name}" for name in said.get("billing", {}))}
        assert found.weak & filled == weak

    def test_only_a_webhook_submission_is_marked_as_resent(self) -> None:
        posted, sent = reading(ADA, form()), reading(ADA, webhook())
        assert posted is not None
        assert sent is not None
        assert (posted.resent, sent.resent) == (False, True)


class TestDeliveryId:
    def delivery_id(self, source: Form | Webhook, data: Any = ADA, **parts: Any) -> str:
        found = reading(data, source, **parts)
        assert found is not None
        name, _, delivery_id = found.delivery_id.partition(":")
        assert name == source.name, "another source's id is another delivery"
        return delivery_id

    def test_delivery_id_is_the_senders(self) -> None:
        by_header = webhook(delivery_id='headers."x-delivery"')
        assert self.delivery_id(by_header, headers={"x-delivery": " d1 "}) == "d1"
        assert self.delivery_id(webhook(delivery_id="body.id"), ADA | {"id": 7}) == "7"

    @pytest.mark.parametrize("data", [ADA, ADA | {"id": ""}, ADA | {"id": {"a": 1}}, ADA | {"id": None}])
    def test_without_a_delivery_id_the_same_bytes_are_the_same_delivery(self, data: Any) -> None:
        body = json.dumps(data).encode()
        assert self.delivery_id(webhook(delivery_id="body.id"), body) == hashlib.sha256(body).hexdigest()
        assert self.delivery_id(webhook(), body) != self.delivery_id(webhook(), body + b" ")

    @pytest.mark.parametrize("header", [None, "", "d1, d1", "d1,d2", "d 1", "d\u00e9", "d" * 201])
    def test_p3_a_stripped_or_repeated_id_falls_back_to_the_bytes(self, header: str | None) -> None:
        headers = {} if header is None else {"x-delivery": header}
        by_header = webhook(delivery_id='headers."x-delivery"')
        body = json.dumps(ADA).encode()
        assert self.delivery_id(by_header, headers=headers) == hashlib.sha256(body).hexdigest()


SENT = {"x-delivery": "d1", "x-event": "lead", "x-signature": "s", "authorization": "a", "cookie": "c"}


class TestWhatIsKept:
    """A queue message keeps the headers and parameters that the mapping reads, and no credential."""

    def test_only_headers_named_by_an_expression_are_kept(self) -> None:
        source = webhook(
            delivery_id='headers."x-delivery" || headers."x-missing"',
            contact={"status": 'join(\'-\', [headers."x-event", body.headers."x-signature"])'},
        )
        assert kept_headers(source, SENT) == {"x-delivery": "d1", "x-event": "lead"}
        assert kept_headers(form(), SENT) == {}

    def test_kept_headers_have_a_fixed_order(self) -> None:
        names = [f"x-{letter}" for letter in "hgfedcba"]
        source = webhook(delivery_id=" || ".join(f'headers."{name}"' for name in names))
        assert [*kept_headers(source, dict.fromkeys(names, "1"))] == sorted(names)

    def test_only_query_parameters_named_by_an_expression_are_kept(self) -> None:
        source = webhook(accept="query.list == 'news'", answers="body.query")
        assert kept_query(source, {"list": "news", "token": "t", "x": "y"}) == {"list": "news"}

    def test_p8_credentials_are_not_kept_even_if_an_expression_names_them(self) -> None:
        source = webhook(delivery_id="headers.authorization || headers.cookie || query.token")
        assert kept_headers(source, SENT) == {}
        assert kept_query(source, {"token": "t"}) == {}

    def test_kept_headers_and_query_are_enough_to_map_the_submission_again(self) -> None:
        source = webhook(delivery_id='headers."x-delivery"', contact={"status": "query.list"})
        query = {"list": "news", "token": "t"}
        whole = reading(ADA, source, headers=SENT, query=query)
        kept = reading(ADA, source, headers=kept_headers(source, SENT), query=kept_query(source, query))
        assert whole == kept


@pytest.mark.skipif(not OPENAPI.is_file(), reason="Clemta's published OpenAPI is not at hand")
def test_mapped_contact_conforms_to_clemtas_published_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    schema = {"$ref": "#/components/schemas/CreateContactRequest", "components": document["components"]}
    source = form(default_country="TR", defaults={"cc_emails": ["books@example.com"]})
    for more in ({}, {"phone": "0532 123 45 67", "country": "Almanya"}, {"company": "Example", "zip": 34000}):
        found = reading(ADA | more, source)
        assert found is not None
        checker = jsonschema.FormatChecker()
        jsonschema.Draft202012Validator(schema, format_checker=checker).validate(found.contact.body())


_KNOWN = ["email", "name", "first", "last", "phone", "country", "city", "user", "data", "company", "message"]
_WORDS = st.sampled_from([*_KNOWN, "company_id", "type", "billing", "billing_email", "cc", "zip", "x"])
_TEXTS = st.text() | st.sampled_from(
    [
        "ada@example.com",
        "ada@exämple.com",
        "Ada",
        "0532 123 45 67",
        "+90 532",
        "TR",
        "Almanya",
        "\x00",
        "a\r\nb",
        " ",
    ]
)
_DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_WORDS | st.text(), inner, max_size=6),
    max_leaves=8,
)
_SOURCES = st.sampled_from(
    [
        form(),
        form(default_country="TR", name_fallback="reject", defaults={"description": "{source} {date}"}),
        form(defaults={"email": "no@example.com", "cc_emails": ["books@example.com"]}),
        form(
            accept="body.x != 'no'",
            delivery_id="body.x",
            contact={
                "full_name": "join(' ', body.name)",
                "description": "to_string(body)",
                "status": "body.x",
                "cc_emails": "body.cc",
                "billing.phone": "max(body.phone)",
                "billing.iso_code": "body.country",
            },
        ),
    ]
)


def _values(data: Any) -> list[Any]:
    if isinstance(data, dict):
        return [data, *(value for inner in data.values() for value in _values(inner))]
    return (
        [data, *(value for inner in data for value in _values(inner))] if isinstance(data, list) else [data]
    )


_ANSWERS = st.dictionaries(_WORDS, _TEXTS | _DATA, max_size=6)
_SIGN_UPS = _ANSWERS.map(lambda answers: answers | {"email": "ada@example.com"})


@settings(max_examples=examples(250), deadline=None, derandomize=True)
@given(data=_SIGN_UPS | _ANSWERS | _DATA, source=_SOURCES)
def test_any_data_becomes_a_contact_without_empty_values_or_is_refused(data: Any, source: Form) -> None:
    try:
        found = reading(data, source)
    except (Refused, ConfigError):
        return
    if found is None:
        assert source.accept
        return
    body = found.contact.body()
    assert (body["company_id"], body["type"]) == (COMPANY, "customer")
    assert not [value for value in _values(body) if value in ("", None, [], {})]
    assert all(isinstance(value, str | dict | list) for value in _values(body))
    assert found.delivery_id
    json.dumps(body, ensure_ascii=False).encode()
