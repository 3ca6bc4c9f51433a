"""Clemta's contract: what would not be accepted is refused before it is sent, and nothing empty goes over the wire."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clemta_intake.contacts import Billing, ContactRequest, ascii_email
from local.clemta.validation import validate_contact
from tests.support.examples import examples
from tests.support.fakes import COMPANY

OPENAPI = Path(__file__).parents[3] / "shared/clemta/openapi.json"
FULL: dict[str, Any] = {
    "type": "vendor",
    "full_name": "Ayşe Örnek",
    "email": "ayse@example.com",
    "company_id": COMPANY,
    "status": "active",
    "description": "One line\nand another",
    "cc_emails": ("books@example.com",),
    "bcc_emails": ("archive@example.com",),
    "billing": {
        "email": "billing@example.com",
        "phone": "5321234567",
        "phone_code": "+90",
        "iso_code": "TR",
        "country": "Türkiye",
        "address_1": "Örnek Sokak 1",
        "address_2": "Kat 2",
        "postal_code": "34000",
        "district": "Kadıköy",
        "state": "Marmara",
        "province": "İstanbul",
        "tax_id": "1234567890",
    },
}


def contact(**values: Any) -> ContactRequest:
    least = {
        "type": "customer",
        "full_name": "Ada Example",
        "email": "ada@example.com",
        "company_id": COMPANY,
    }
    return ContactRequest.model_validate(least | values)


def mistakes(**values: Any) -> dict[str, str]:
    """Field -> what is said to be wrong with it."""
    with pytest.raises(ValidationError) as caught:
        contact(**values)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


def test_the_full_contact_has_a_value_for_every_field() -> None:
    assert FULL.keys() == ContactRequest.model_fields.keys()
    assert FULL["billing"].keys() == Billing.model_fields.keys()


def test_the_stand_in_for_clemta_knows_every_field_that_is_sent() -> None:
    validate_contact(json.loads(json.dumps(FULL)))


class TestEmail:
    @pytest.mark.parametrize(
        ("written", "address"),
        [
            ("ada@example.com", "ada@example.com"),
            ("  ada@example.com\r\n", "ada@example.com"),
            ("Ada.O'Neil+news_1@Mail.Example.COM", "ada.o'neil+news_1@mail.example.com"),
            ("ada@exämple.com", "ada@xn--exmple-cua.com"),
            ("ada@türkiye.example.com", "ada@xn--trkiye-3ya.example.com"),
            ("ada@exam\u200bple.com", "ada@example.com"),
            ("ada@例え.example.com", "ada@xn--r8jz45g.example.com"),
            ("ada@example。com", "ada@example.com"),
            ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
        ],
    )
    def test_valid_email_address_is_accepted(self, written: str, address: str) -> None:
        assert ascii_email(written) == address

    def test_p9_an_address_has_254_characters_at_most_and_64_before_its_at(self) -> None:
        longest = "a" * 64 + "@" + "d" * 63 + "." + "d" * 63 + "." + "d" * 58 + ".eu"
        assert len(longest) == 254
        assert ascii_email(longest) == longest
        for address in (longest.replace(".eu", ".com"), "a" + longest.replace("@dd", "@d")):
            with pytest.raises(ValueError, match="must be an e-mail address"):
                ascii_email(address)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            "ada",
            "@",
            "ada@",
            "@example.com",
            "ada@example",
            "ada@.example.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@-example.com",
            "ada@example-.com",
            "ada@exam_ple.com",
            "ada@[127.0.0.1]",
            "john..doe@example.com",
            ".john@example.com",
            "john.@example.com",
            ".@example.com",
            "ada@" + "ä" * 64 + ".com",
            "ada@" + "ä.com." * 50 + "com",
            "ada example@example.com",
            "ada@exam ple.com",
            "ada@bo@example.com",
            "ada@example.com, bo@example.com",
            "ada@example.com;bo@example.com",
            "ada@example.com bo@example.com",
            "Ada <ada@example.com>",
            "mailto:ada@example.com",
            '"ada example"@example.com',
            "ada@example.com\r\nBcc: bo@example.com",
            "ada\n@example.com",
            "ada\x00@example.com",
            "ayşe@example.com",
            "ada@example.com\u202e",
            "ada@\ud800.com",
            "ada@-ä.com",
            "ada@ä..com",
            "ada@xn--ä.com",
            "ada@" + "ä" * 100 + ".com",
            "a" * 65 + "@example.com",
            "ada@" + "a" * 64 + ".com",
            "ada@" + "a." * 150 + "com",
            "a" * 300,
            "ada@" + "ä" * 100_000,
        ],
    )
    def test_invalid_email_address_is_refused(self, written: str) -> None:
        with pytest.raises(ValueError, match=r"^must be an e-mail address$"):
            ascii_email(written)

    @settings(max_examples=examples(300), deadline=None, derandomize=True)
    @given(st.text() | st.from_regex(r"\A[a-z.@ äİ\u3002\u200d-]{1,20}@[a-zäßİ\u3002\u0660.-]{1,20}\Z"))
    def test_any_text_is_one_ascii_address_or_refused(self, written: str) -> None:
        try:
            address = ascii_email(written)
        except ValueError:
            return
        assert address.isascii()
        assert address.isprintable()
        assert address.count("@") == 1
        assert ascii_email(address) == address


class TestContact:
    def test_empty_fields_are_left_out_of_the_request_body(self) -> None:
        assert contact(description=None, cc_emails=(), billing=Billing()).body() == {
            "type": "customer",
            "full_name": "Ada Example",
            "email": "ada@example.com",
            "company_id": COMPANY,
        }

    def test_every_field_with_a_value_is_in_the_request_body(self) -> None:
        assert ContactRequest.model_validate(FULL).body() == json.loads(json.dumps(FULL))

    def test_space_around_a_value_is_stripped(self) -> None:
        made = contact(full_name="  Ada 🎉 Example\n", email=" ada@example.com ", billing={"phone": " 1 "})
        assert (made.full_name, made.email) == ("Ada 🎉 Example", "ada@example.com")
        assert made.billing == Billing(phone="1")

    @pytest.mark.parametrize("missing", ["type", "full_name", "email", "company_id"])
    def test_fields_that_clemta_requires_are_required(self, missing: str) -> None:
        with pytest.raises(ValidationError, match=missing):
            ContactRequest.model_validate({key: value for key, value in FULL.items() if key != missing})

    @pytest.mark.parametrize(
        "values",
        [
            {"type": "lead"},
            {"type": "Customer"},
            {"full_name": ""},
            {"full_name": " \n "},
            {"full_name": 7},
            {"full_name": ["Ada"]},
            {"full_name": "Ada\r\nBcc: bo@example.com"},
            {"full_name": "Ada\tExample"},
            {"full_name": "Ada\x00"},
            {"full_name": "Ada\u2028Example"},
            {"full_name": "Ada\ud800"},
            {"full_name": "A" * 257},
            {"full_name": "A" * 10_240},
            {"email": "ada"},
            {"email": 7},
            {"company_id": ""},
            {"company_id": COMPANY.upper()},
            {"company_id": COMPANY + "0"},
            {"company_id": COMPANY + "\n"},
            {"description": ""},
            {"description": "bell \x07"},
            {"description": "x" * 10_001},
            {"status": ""},
            {"billing": "Türkiye"},
            {"unknown": "x"},
        ],
    )
    def test_value_that_clemta_refuses_is_refused_with_its_field(self, values: dict[str, Any]) -> None:
        assert list(mistakes(**values)) == list(values)

    @pytest.mark.parametrize("name", list(Billing.model_fields))
    def test_billing_holds_plain_single_lines(self, name: str) -> None:
        for value in ("", "a\nb", 7, "x" * 300):
            assert list(mistakes(billing={name: value})) == [f"billing.{name}"]

    def test_an_unknown_billing_field_is_refused(self) -> None:
        assert list(mistakes(billing={"city": "İstanbul"})) == ["billing.city"]

    def test_every_copy_address_is_checked(self) -> None:
        assert list(mistakes(cc_emails=("books@example.com", "books"))) == ["cc_emails.1"]

    def test_a_description_keeps_its_lines(self) -> None:
        assert contact(description=" a\r\n\tb 🎉 ").body()["description"] == "a\r\n\tb 🎉"

    def test_p8_validation_error_quotes_no_personal_data(self) -> None:
        with pytest.raises(ValidationError) as caught:
            contact(full_name="Ada\tSecret", email="ada.secret", billing={"tax_id": "secret\n1"})
        assert "ecret" not in str(caught.value)

    def test_contact_is_immutable(self) -> None:
        with pytest.raises(ValidationError):
            contact().email = "bo@example.com"


@pytest.mark.skipif(not OPENAPI.is_file(), reason="Clemta's published OpenAPI is not at hand")
@pytest.mark.parametrize("values", [{}, FULL])
def test_request_body_conforms_to_clemtas_published_schema(values: dict[str, Any]) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    document = json.loads(OPENAPI.read_text(encoding="utf-8"))
    schema = {"$ref": "#/components/schemas/CreateContactRequest", "components": document["components"]}
    published = document["components"]["schemas"]["CreateContactRequest"]["properties"]
    assert published.keys() == ContactRequest.model_fields.keys()
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    validator.validate(contact(**values).body())
