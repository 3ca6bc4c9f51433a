"""A person is read from the names that forms give their fields, in five languages, and never from what was written."""

from typing import Any

import pytest

from clemta_intake.sources.fields import _NAMES, Answer, recognise, to_answers, to_text


def texts(answers: list[Answer]) -> dict[str, str]:
    return {field: answer.value for field, answer in recognise(answers).items()}


def fields(data: Any) -> dict[str, str]:
    return texts(to_answers(data))


def listed(key: str = "", label: str = "", kind: str = "", value: Any = "x") -> dict[str, Any]:
    return {"key": key, "label": label, "type": kind, "value": value}


NAMES = {
    "email": (
        "email, E-Mail, e_mail, mail, EMAIL ADDRESS, emailAddress, your-email, user_email",
        "E-posta, e-posta adresi, E-posta adresiniz *, E-mail adresi, EPOSTA",
        "E-Mail-Adresse, Mailadresse",
        "Correo electrónico, correo",
        "Adresse e-mail, Courriel",
    ),
    "full_name": (
        "name, Full Name, full_name, your-name, displayName",
        "Ad Soyad, AD SOYADI, Adınız Soyadınız, Ad ve Soyad, İsim Soyisim, Adı ve Soyadı",
        "Vollständiger Name, Vor- und Nachname",
        "Nombre completo, Nombre y apellidos",
        "Nom complet, Nom et prénom, Prénom et nom",
    ),
    "first_name": ("First Name, first, FNAME, given_name", "Ad, Adınız, İsim", "Vorname", "Nombre", "Prénom"),
    "last_name": (
        "Last Name, last, LNAME, surname, family_name",
        "Soyad, SOYADI, Soyadınız, Soyisim",
        "Nachname, Familienname",
        "Apellido, Apellidos",
        "Nom, Nom de famille",
    ),
    "company": (
        "Company, company_name, Organisation, business name",
        "Şirket, Firma Adı, ŞİRKET ADI",
        "Firma, Unternehmen, Firmenname",
        "Empresa, Nombre de la empresa",
        "Entreprise, Société, Nom de l'entreprise",
    ),
    "phone": (
        "phone, Phone Number, tel, your-tel, mobile",
        "Telefon, Telefon Numarası, Cep Telefonu, GSM",
        "Telefonnummer, Handy",
        "Teléfono, Número de teléfono, Móvil",
        "Téléphone, Numéro de téléphone, Portable",
    ),
    "address_1": (
        "Address, street, address_line_1",
        "Adres, Adresiniz",
        "Anschrift, Straße",
        "Dirección",
        "Adresse, Rue",
    ),
    "address_2": ("Address 2, addr_line2", "Adres Satırı 2", "Adresszusatz", "", "Complément d'adresse"),
    "city": ("City, town", "Şehir", "Stadt, Ort", "Ciudad", "Ville"),
    "district": ("District", "İlçe", "Bezirk", "Distrito", "Arrondissement"),
    "province": ("Province", "İl", "", "Provincia", ""),
    "state": ("State, Region", "Eyalet", "Bundesland", "Estado", "État"),
    "postal_code": (
        "ZIP, Zip Code, postal_code, Postcode",
        "Posta Kodu",
        "PLZ, Postleitzahl",
        "Código postal",
        "Code postal",
    ),
    "country": ("Country, country_code", "Ülke, ÜLKE", "Land", "País", "Pays"),
    "tax_id": (
        "Tax ID, VAT number",
        "Vergi No, Vergi Numarası, VKN",
        "USt-ID, Steuernummer",
        "NIF, CIF",
        "Numéro de TVA",
    ),
    "message": (
        "Message, your-message, Comments",
        "Mesajınız, Açıklama",
        "Nachricht, Kommentar",
        "Mensaje",
        "Commentaire",
    ),
    "billing_email": ("Billing Email, invoice e-mail", "Fatura e-posta", "Rechnungs-E-Mail", "", ""),
}
ROWS = [
    (field, name.strip())
    for field, languages in NAMES.items()
    for names in languages
    for name in names.split(",")
    if name.strip()
]


def test_every_recognised_field_has_names_to_try() -> None:
    assert NAMES.keys() == _NAMES.keys()


@pytest.mark.parametrize(("field", "name"), ROWS)
class TestNames:
    def test_answer_is_recognised_by_its_key(self, field: str, name: str) -> None:
        assert fields({name: "x"}) == {field: "x"}

    def test_answer_is_recognised_by_its_label_if_its_key_is_unknown(self, field: str, name: str) -> None:
        assert fields([listed("question_7dQvMz", f" {name}: *", "TEXT")]) == {field: "x"}


class TestTypes:
    @pytest.mark.parametrize(
        ("kind", "field"),
        [
            ("email", "email"),
            ("EMAIL", "email"),
            ("INPUT_EMAIL", "email"),
            ("EmailInput", "email"),
            ("phone_number", "phone"),
            ("tel", "phone"),
            ("INPUT_PHONE_NUMBER", "phone"),
            ("PhoneInput", "phone"),
        ],
    )
    def test_declared_type_has_precedence_over_a_name(self, kind: str, field: str) -> None:
        assert fields([listed("q1", "How do we reach you?", kind)]) == {field: "x"}

    def test_declared_types_have_precedence_in_any_order(self) -> None:
        asked = [listed("email", value="by name"), listed("q1", "Work address", "email", "by type")]
        assert fields(asked) == {"email": "by type"}

    def test_second_answer_of_a_declared_type_is_not_recognised_by_name(self) -> None:
        asked = [listed("q1", kind="email", value="first"), listed("name", kind="email", value="second")]
        assert fields(asked) == {"email": "first"}

    def test_unknown_type_is_ignored(self) -> None:
        assert fields([listed("email", kind="short_text")]) == {"email": "x"}


class TestPaths:
    @pytest.mark.parametrize(
        ("data", "found"),
        [
            ({"user": {"name": "x"}}, {"full_name": "x"}),
            ({"data": {"customer": {"email": "x"}}}, {"email": "x"}),
            ({"submission": {"fields": {"Ad Soyad": "x"}}}, {"full_name": "x"}),
            ({"name": {"first": "a", "last": "b"}}, {"first_name": "a", "last_name": "b"}),
            ({"address": {"city": "x", "line1": "y"}}, {"city": "x", "address_1": "y"}),
            ({"your_name": {"first": "a", "last": "b"}}, {"first_name": "a", "last_name": "b"}),
            ({"adres": {"şehir": "x", "posta kodu": "y"}}, {"city": "x", "postal_code": "y"}),
            ({"state": {"name": "x"}, "city": {"name": "y"}}, {}),
            ({"billing": {"email": "x"}}, {"billing_email": "x"}),
            ({"company": {"name": "x"}}, {"company": "x"}),
            ({"phone": {"number": "x"}}, {"phone": "x"}),
            ({"product": {"name": "x"}}, {}),
            ({"user": {"plan": {"name": "x"}}}, {}),
            ({"event": {"name": "x"}, "form": {"title": "x"}}, {}),
            ({"username": "x", "filename": "x", "emailed": "x", "renamed": "x"}, {}),
            ({"": "x", "***": "x", "🎉": "x"}, {}),
        ],
    )
    def test_only_fields_in_known_containers_are_recognised(self, data: Any, found: dict[str, str]) -> None:
        assert fields(data) == found

    def test_first_answer_of_a_field_is_used(self) -> None:
        assert fields({"email": "first", "E-Mail": "second"}) == {"email": "first"}

    def test_empty_answer_is_left_out(self) -> None:
        assert fields({"email": "  ", "mail": "x", "name": None, "phone": [], "city": {}}) == {"email": "x"}

    def test_no_field_is_guessed_from_an_answers_text(self) -> None:
        assert fields({"q1": "ada@example.com", "q2": "+90 532 123 45 67"}) == {}


class TestAnswers:
    def test_an_object_becomes_a_flat_list(self) -> None:
        assert to_answers({"a": {"b": " x ", "c": 1}, "d": ["y", 2]}) == [
            Answer(("a", "b"), "x"),
            Answer(("a", "c"), "1"),
            Answer(("d",), "y, 2"),
        ]

    def test_a_list_of_answers_stays_one(self) -> None:
        assert to_answers([listed("k", "Label", "TEXT", "x"), {"value": "y"}]) == [
            Answer(("k",), "x", "Label", "TEXT"),
            Answer(("",), "y"),
        ]

    @pytest.mark.parametrize(
        ("key", "label"), [("name", "Who?"), ("q1", "Your name"), ("", "Adınız Soyadınız")]
    )
    def test_a_name_in_parts_is_read_by_its_key_or_its_label(self, key: str, label: str) -> None:
        asked = [listed(key, label, value={"first": "Ada", "middle": "M.", "last": "Example"})]
        assert fields(asked) == {"first_name": "Ada", "last_name": "Example"}

    @pytest.mark.parametrize(
        ("key", "label"), [("address", "Where?"), ("q1", "Street address"), ("", "Adresiniz")]
    )
    def test_address_in_parts_is_read_by_its_key_or_its_label(self, key: str, label: str) -> None:
        asked = [listed(key, label, value={"line1": "x", "city": "y", "PLZ": "z", "floor": 2})]
        assert fields(asked) == {"address_1": "x", "city": "y", "postal_code": "z"}

    def test_parts_of_an_unknown_field_are_not_recognised(self) -> None:
        assert fields([listed("product", "Which one?", value={"name": "x", "country": "y"})]) == {}

    @pytest.mark.parametrize("data", [None, True, [], {}, [None, 7, "x", []], [{}], [{"key": "email"}]])
    def test_missing_answers_are_an_empty_list(self, data: Any) -> None:
        assert to_answers(data) == []

    def test_numeric_label_is_ignored(self) -> None:
        assert fields([{"key": 7, "label": 8, "type": [9], "value": "x"}]) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" Ada \n", "Ada"),
        ("", ""),
        (None, ""),
        (True, ""),
        (False, ""),
        (0, "0"),
        (905321234567, "905321234567"),
        (10**30, "1" + "0" * 30),
        (34000.0, "34000"),
        (905321234567.0, "905321234567"),
        (1.5, "1.5"),
        (0.0, "0"),
        (-2.50, "-2.5"),
        (100.0, "100"),
        (1e20, "1" + "0" * 20),
        (["a", "", None, " b ", ["c", 4], {"d": "e"}, True], "a, b, c, 4"),
        ([], ""),
        ({"a": "b"}, ""),
    ],
)
def test_any_answer_becomes_text(value: Any, text: str) -> None:
    assert to_text(value) == text


def test_p9_overlong_key_or_label_is_not_recognised() -> None:
    short, long = "e-mail" + "*" * 100, "e-mail" + "*" * 200
    assert fields({short: "a@example.com"}) == {"email": "a@example.com"}
    assert fields({long: "a@example.com"}) == {}
    assert fields([listed(label=short, value="a@example.com")]) == {"email": "a@example.com"}
    assert fields([listed(label=long, value="a@example.com")]) == {}
