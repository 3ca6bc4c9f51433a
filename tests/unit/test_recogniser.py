"""A person is read from a form's answers: by declared type, by the words of label and name, by the value's shape."""

from typing import Any

import pytest

from clemta_intake.sources.answers import Answer, to_answers
from clemta_intake.sources.fields import Reading, Recognition, is_email, is_own_address, recognise

ADA = "ada@example.com"
PHONE = "+90 532 123 45 67"


def read(data: Any) -> Recognition:
    return recognise(to_answers(data))


def fields(data: Any) -> dict[str, str]:
    return read(data).values


def why(data: Any, value: str) -> str:
    """Why the answer with that value is not used."""
    return next(reading.why for reading in read(data).readings if reading.answer.value == value)


def listed(key: str = "", label: str = "", kind: str = "", value: Any = "x") -> dict[str, Any]:
    return {"key": key, "label": label, "type": kind, "value": value}


# Field -> the field that the contact gets, and a value of that shape.
SAMPLES = {
    "email": ("email", ADA),
    "full_name": ("full_name", "Ada Example"),
    "first_name": ("full_name", "Ada"),
    "last_name": ("full_name", "Example"),
    "company": ("company", "Example Ltd"),
    "phone": ("billing.phone", PHONE),
    "address_1": ("billing.address_1", "1 Main Street"),
    "address_2": ("billing.address_2", "Flat 2"),
    "city": ("billing.district", "Ankara"),
    "district": ("billing.district", "Kadıköy"),
    "province": ("billing.province", "Izmir"),
    "state": ("billing.state", "Bavaria"),
    "postal_code": ("billing.postal_code", "34000"),
    "country": ("billing.country", "Türkiye"),
    "tax_id": ("billing.tax_id", "1234567890"),
    "message": ("message", "Please call me."),
    "billing_email": ("billing.email", "invoices@example.com"),
}
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
    assert NAMES.keys() == SAMPLES.keys()


@pytest.mark.parametrize(("field", "name"), ROWS)
class TestNames:
    def test_answer_is_recognised_by_its_key(self, field: str, name: str) -> None:
        found, value = SAMPLES[field]
        assert fields({name: value})[found] == value

    def test_answer_is_recognised_by_its_label_if_its_key_is_unknown(self, field: str, name: str) -> None:
        found, value = SAMPLES[field]
        assert fields([listed("question_7dQvMz", f" {name}: *", "TEXT", value)])[found] == value


class TestTypes:
    @pytest.mark.parametrize("kind", ["email", "EMAIL", "INPUT_EMAIL", "EmailInput"])
    def test_declared_email_has_precedence_over_a_label(self, kind: str) -> None:
        asked = [
            listed("q1", "E-mail", "TEXT", "label@example.com"),
            listed("q2", "How do we reach you?", kind, ADA),
        ]
        assert fields(asked) == {"email": ADA}
        assert read(asked).readings[1] == Reading(to_answers(asked)[1], "email", "type", kind)

    @pytest.mark.parametrize("kind", ["phone_number", "tel", "INPUT_PHONE_NUMBER", "PhoneInput"])
    def test_declared_phone_number_needs_no_name(self, kind: str) -> None:
        assert fields([listed("q1", "How do we reach you?", kind, "0532 123 45 67")]) == {
            "billing.phone": "0532 123 45 67"
        }

    def test_declared_type_with_a_value_of_another_shape_proves_nothing(self) -> None:
        assert fields([listed("q1", "Number", "tel", "none")]) == {}

    def test_declared_type_does_not_outweigh_a_label_that_says_otherwise(self) -> None:
        assert fields([listed("q1", "Fax number", "tel", "0212 123 45 67")]) == {}

    def test_unknown_type_is_ignored(self) -> None:
        assert fields([listed("email", kind="short_text", value=ADA)]) == {"email": ADA}

    def test_boolean_is_no_field(self) -> None:
        assert fields({"name": True, "email": False, "phone": True, "city": True}) == {}


class TestEmail:
    @pytest.mark.parametrize("name", ["q7", "login", "user_name", "reply to", "Wie erreichen wir Sie?"])
    def test_the_one_email_address_is_the_email_under_any_name(self, name: str) -> None:
        assert fields({"name": "Ada", name: ADA})["email"] == ADA
        assert fields([listed("k", name, value=ADA)])["email"] == ADA
        assert read({name: ADA}).readings[0].evidence == "value"

    @pytest.mark.parametrize(
        "name",
        [
            "friend_email",
            "Friend's e-mail",
            "referrer[email]",
            "Emergency contact e-mail",
            "Arkadaşınızın e-postası",
        ],
    )
    def test_another_persons_address_is_not_the_senders(self, name: str) -> None:
        assert fields({name: "friend@example.com"}) == {}
        assert fields({name: "friend@example.com", "q1": ADA})["email"] == ADA
        assert why({name: "friend@example.com"}, "friend@example.com") == "it is about another person"

    def test_address_under_a_known_name_goes_before_another(self) -> None:
        assert fields({"login": "login@example.com", "email": ADA})["email"] == ADA

    def test_parents_address_counts_if_there_is_no_other(self) -> None:
        assert fields({"parent_email": ADA, "parent_name": "Ada"}) == {"email": ADA, "full_name": "Ada"}
        asked = {"parent_email": "parent@example.com", "parent_name": "Eve", "email": ADA}
        assert fields(asked) == {"email": ADA}
        assert why(asked, "Eve") == "it is about another person"

    @pytest.mark.parametrize("again", ["confirm_email", "email2", "Retype your e-mail", "E-mail (again)"])
    def test_repetition_counts_less_than_what_it_repeats(self, again: str) -> None:
        assert fields({again: "again@example.com", "email": ADA})["email"] == ADA
        assert fields({"login": ADA, again: "again@example.com"})["email"] == ADA
        assert fields({again: ADA})["email"] == ADA

    def test_email_with_a_typing_error_stays_the_email_so_that_a_person_can_correct_it(self) -> None:
        assert fields({"email": "ada@example"}) == {"email": "ada@example"}

    def test_well_formed_address_goes_before_a_malformed_one(self) -> None:
        assert fields({"email": "ada@", "work_email": ADA}) == {"email": ADA}
        assert fields({"email": "none", "login": ADA}) == {"email": ADA}

    def test_billing_email_stands_in_for_the_email(self) -> None:
        assert fields({"billing": {"email": ADA}}) == {"email": ADA, "billing.email": ADA}

    def test_first_of_equals_and_the_shallowest_wins(self) -> None:
        assert fields({"email": ADA, "E-Mail": "second@example.com"})["email"] == ADA
        asked = {"customer": {"email": "deep@example.com"}, "email": ADA}
        assert fields(asked)["email"] == ADA
        assert why(asked, "deep@example.com") == "email is stronger"

    @pytest.mark.parametrize(
        ("label", "value", "field"),
        [
            ("E-mail or phone number", ADA, "email"),
            ("E-mail or phone number", PHONE, "billing.phone"),
            ("Mobile Number or Email", "0532 123 45 67", "billing.phone"),
        ],
    )
    def test_of_two_alternatives_the_values_shape_decides(self, label: str, value: str, field: str) -> None:
        assert fields([listed("q1", label, value=value)]) == {field: value}

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "ada",
            "@example.com",
            "ada@example",
            "ada@.",
            "a@b@example.com",
            "Ada <ada@example.com>",
            "a b@example.com",
            "a@example.com" + "m" * 300,
        ],
    )
    def test_other_text_is_no_email_address(self, text: str) -> None:
        assert not is_email(text)


class TestName:
    @pytest.mark.parametrize(
        ("data", "name"),
        [
            ({"first_name": "Ada", "last_name": "Example"}, "Ada Example"),
            ({"last_name": "Example", "first_name": "Ada"}, "Ada Example"),
            ({"name": "Ada", "surname": "Example"}, "Ada Example"),
            ({"name": "Ada Example", "surname": "Example"}, "Ada Example"),
            ({"Vorname": "Ada", "Name": "Example"}, "Ada Example"),
            ({"Vorname": "Ada", "Name": "Ada Example"}, "Ada Example"),
            ({"nom": "Example", "prenom": "Ada"}, "Ada Example"),
            ({"display_name": "ada_1", "first_name": "Ada"}, "Ada"),
            ({"display_name": "ada_1"}, "ada_1"),
            ({"full_name": "Ada Example", "first_name": "A.", "last_name": "E."}, "Ada Example"),
            ({"full_name": "ada@home", "first_name": "Ada"}, "Ada"),
            ({"name": {"first": "Ada", "last": "Example"}}, "Ada Example"),
            ({"your_name": {"first": "Ada", "middle": "M.", "last": "Example"}}, "Ada Example"),
            ({"Name (First)": "Ada", "Name (Last)": "Example"}, "Ada Example"),
        ],
    )
    def test_name_is_joined_of_its_parts(self, data: dict[str, Any], name: str) -> None:
        assert fields(data) == {"full_name": name}

    @pytest.mark.parametrize(
        "label",
        [
            "User name",
            "Product name",
            "Company type",
            "Maiden name",
            "Form name",
            "Project name",
            "Name of the event",
            "Mother's maiden name",
            "Dog name",
            "Domain name",
        ],
    )
    def test_other_names_are_no_persons(self, label: str) -> None:
        assert fields({label: "Hopper"}) == {}
        assert fields([listed("q1", label, value="Hopper")]) == {}

    def test_own_address_is_no_name(self) -> None:
        assert fields({"full_name": ADA, "email": ADA}) == {"email": ADA}
        assert fields({"full_name": ADA, "name": ADA, "email": ADA}) == {"email": ADA}
        assert fields({"full_name": "ada@home", "email": "ada@home"}) == {"email": "ada@home"}
        assert is_own_address(f" {ADA.upper()} ", ADA)
        assert not is_own_address("", "")

    @pytest.mark.parametrize("value", ["yes", "No", "12345", "on"])
    def test_text_that_cannot_be_a_name_is_none(self, value: str) -> None:
        assert fields({"name": value}) == {}
        assert why({"name": value}, value) == "its value does not look like a name"

    @pytest.mark.parametrize("label", ["Name of your company", "Company full name", "Nom de votre société"])
    def test_companys_name_is_a_company(self, label: str) -> None:
        assert fields({label: "Example Ltd"}) == {"company": "Example Ltd"}

    def test_name_with_an_at_sign_counts_last(self) -> None:
        assert fields({"full_name": "ada@home", "name": "Ada"}) == {"full_name": "Ada"}


class TestPhone:
    @pytest.mark.parametrize(
        ("data", "phone"),
        [
            ({"phone_country_code": "+49", "phone": "30 901820"}, "+49 30 901820"),
            ({"phone": "30 901820", "country_code": "49"}, "+49 30 901820"),
            ({"phone": "30 901820", "dial_code": "Germany (+49)"}, "+49 30 901820"),
            ({"phone": "+49 30 901820", "dial_code": "+90"}, "+49 30 901820"),
            ({"phone": {"area": "212", "phone": "1234567"}}, "212 1234567"),
            ({"q1": PHONE}, PHONE),
            ({"tel": "05321234567"}, "05321234567"),
            ({"tel": "tel:+90-532-123-45-67"}, "tel:+90-532-123-45-67"),
            ({"الهاتف": "٠٥٣٢ ١٢٣ ٤٥ ٦٧"}, "٠٥٣٢ ١٢٣ ٤٥ ٦٧"),
            ({"emailPhoneForm": {"phones": {"0": {"number": PHONE}}}}, PHONE),
        ],
    )
    def test_number_is_joined_with_its_code(self, data: dict[str, Any], phone: str) -> None:
        assert fields(data) == {"billing.phone": phone}

    @pytest.mark.parametrize(
        "data", [{"phone": "none"}, {"fax": PHONE}, {"q1": "0532 123 45 67"}, {"dial_code": "+49"}]
    )
    def test_other_text_is_no_phone_number(self, data: dict[str, Any]) -> None:
        assert "billing.phone" not in fields(data)

    def test_name_of_the_phones_country_is_a_country(self) -> None:
        assert fields({"PhoneCountry": "Germany"}) == {"billing.country": "Germany"}
        assert fields({"PhoneCountry": "maybe"}) == {}


class TestAddress:
    @pytest.mark.parametrize(
        ("data", "found"),
        [
            ({"street": "Hauptstr.", "house_number": "5"}, {"address_1": "Hauptstr. 5"}),
            ({"house_number": "5", "street": "Main Street"}, {"address_1": "5 Main Street"}),
            ({"house_number": "5"}, {}),
            (
                {"address1": "a 1", "address2": "b", "address3": "c"},
                {"address_1": "a 1", "address_2": "b, c"},
            ),
            (
                {"address": {"line1": "a 1", "line2": "b", "city": "c"}},
                {"address_1": "a 1", "address_2": "b", "district": "c"},
            ),
            ({"addr_street_1": "a 1", "addr_street_2": "b"}, {"address_1": "a 1", "address_2": "b"}),
            ({"district": "Kadıköy", "city": "İstanbul"}, {"district": "Kadıköy, İstanbul"}),
            ({"county": "Kent"}, {"state": "Kent"}),
            ({"county": "Orange", "state": "CA"}, {"district": "Orange", "state": "CA"}),
            ({"County / State / Province": "Kent"}, {"state": "Kent"}),
            ({"Country / Region": "France"}, {"country": "France"}),
            ({"q9": "United Kingdom"}, {"country": "United Kingdom"}),
            ({"webidCountryCode": "Türkiye"}, {"country": "Türkiye"}),
            ({"webidCountryCode": "maybe"}, {}),
            ({"cep": "01310-100"}, {"postal_code": "01310-100"}),
            ({"cep": "0532 123 45 67"}, {"phone": "0532 123 45 67"}),
            ({"City, State, Zip": "Leeds, LS1 4AP"}, {}),
            ({"xyzzy phone or city": "Ankara"}, {}),
        ],
    )
    def test_address_is_joined_of_its_parts(self, data: dict[str, Any], found: dict[str, str]) -> None:
        assert fields(data) == {f"billing.{field}": value for field, value in found.items()}

    def test_second_address_after_the_first_is_its_second_line(self) -> None:
        asked = [listed("a", "Address", value="1 Main Street"), listed("b", "Address", value="Flat 2")]
        assert fields(asked) == {"billing.address_1": "1 Main Street", "billing.address_2": "Flat 2"}

    def test_parts_of_two_addresses_do_not_mix(self) -> None:
        asked = {
            "shipping": {"address_1": "9 Port Road", "city": "Hamburg", "postcode": "20095"},
            "billing": {"address_1": "1 Main Street", "city": "Berlin"},
        }
        assert fields(asked) == {"billing.address_1": "1 Main Street", "billing.district": "Berlin"}
        assert why(asked, "20095") == "it belongs to another address"

    def test_first_address_counts_if_none_is_the_invoices(self) -> None:
        asked = {
            "ship_address": "9 Port Road",
            "ship_city": "Hamburg",
            "address": "1 Main Street",
            "city": "Berlin",
        }
        assert fields(asked | {"country": "Germany"}) == {
            "billing.address_1": "9 Port Road",
            "billing.district": "Hamburg",
            "billing.country": "Germany",
        }
        assert why(asked, "Berlin") == "it belongs to another address"

    def test_delivery_address_counts_if_there_is_no_other(self) -> None:
        assert fields({"shipping": {"address_1": "9 Port Road", "city": "Hamburg"}}) == {
            "billing.address_1": "9 Port Road",
            "billing.district": "Hamburg",
        }


class TestGroups:
    @pytest.mark.parametrize(
        ("data", "found"),
        [
            ({"user": {"name": "Ada"}}, {"full_name": "Ada"}),
            (
                {"data": {"attributes": {"email": ADA, "city": "Ankara"}}},
                {"email": ADA, "billing.district": "Ankara"},
            ),
            ({"submission": {"fields": {"Ad Soyad": "Ada"}}}, {"full_name": "Ada"}),
            ({"company": {"name": "Example Ltd"}}, {"company": "Example Ltd"}),
            ({"product": {"name": "Lamp", "country": "Spain"}}, {}),
            ({"user": {"plan": {"name": "Pro"}}}, {}),
            ({"event": {"name": "Fair", "city": "Ankara"}, "form": {"title": "Sign up"}}, {}),
            ({"xyzzy": {"name": "Lamp"}}, {}),
            ({"xyzzy": {"name": "Ada", "email": ADA}}, {"full_name": "Ada", "email": ADA}),
            ({"": "x", "***": "x", "🎉": "x", "   ": "x"}, {}),
        ],
    )
    def test_only_groups_that_hold_a_person_are_read(self, data: Any, found: dict[str, str]) -> None:
        assert {field: value for field, value in fields(data).items() if field != "billing.country"} == found

    def test_label_of_the_whole_names_its_parts(self) -> None:
        asked = [listed("q1", "Your address", value={"line1": "1 Main Street", "PLZ": "34000", "floor": 2})]
        found = fields(asked)
        assert (found["billing.address_1"], found["billing.postal_code"]) == ("1 Main Street", "34000")

    @pytest.mark.parametrize(
        ("key", "label"), [("name", "Who?"), ("q1", "Your name"), ("", "Adınız Soyadınız")]
    )
    def test_name_in_parts_is_read_by_its_key_or_its_label(self, key: str, label: str) -> None:
        asked = [listed(key, label, value={"first": "Ada", "middle": "M.", "last": "Example"})]
        assert fields(asked) == {"full_name": "Ada Example"}


class TestLabelAndName:
    def test_name_counts_where_the_label_says_nothing(self) -> None:
        assert fields([listed("first_name", "Fill me in", value="Ada")]) == {"full_name": "Ada"}

    def test_label_goes_before_the_name(self) -> None:
        assert fields([listed("email", "Phone number", value=PHONE)]) == {"billing.phone": PHONE}

    def test_tax_id_has_digits(self) -> None:
        assert fields({"tax_id": "1234567890"}) == {"billing.tax_id": "1234567890"}
        assert fields({"tax_id": "unknown"}) == {}

    def test_postal_code_and_house_number_are_short(self) -> None:
        assert fields(
            {"zip": "a code of more than sixteen letters", "street": "Main", "house_number": "5" * 21}
        ) == {"billing.address_1": "Main"}

    def test_overlong_value_is_no_field(self) -> None:
        assert fields(
            {"name": "Ada " * 100, "phone": "5" * 41, "dial_code": "4" * 61, "message": "long " * 100}
        ) == {"message": ("long " * 100).strip()}


class TestReadings:
    def test_each_answer_is_explained(self) -> None:
        asked = [
            listed("q1", "E-mail", "", ADA),
            listed("email", "", "", "second@example.com"),
            listed("q3", "Shoe size", "", "38"),
        ]
        answers = to_answers(asked)
        assert read(asked).readings == (
            Reading(answers[0], "email", "label", "e mail"),
            Reading(answers[1], "email", "name", "email", "E-mail is stronger"),
            Reading(answers[2], why="no field is known by this name"),
        )

    def test_made_of_names_the_answers_of_a_field(self) -> None:
        answers = to_answers({"first_name": "Ada", "last_name": "Example"})
        assert recognise(answers).made_of == {"full_name": tuple(answers)}


class TestLength:
    def test_p9_overlong_key_or_label_is_not_read(self) -> None:
        long = "e-mail" + "*" * 200
        assert read({long: ADA}).readings[0].evidence == "value"
        assert read([listed(label=long, value=ADA)]).readings[0].evidence == "value"

    def test_p9_only_so_many_names_are_read_and_every_value(self) -> None:
        asked = {f"{number:04} {'x' * 190}": "x" for number in range(70)}
        assert fields({**asked, "name": "Ada"}) == {}
        assert fields({**asked, "name": "Ada", "last": ADA}) == {"email": ADA}
        assert fields({**asked, "phone": PHONE}) == {}

    def test_shape_is_not_looked_for_in_overlong_values(self) -> None:
        assert fields({"q1": "a@example.com " * 30}) == {}


def test_answer_class_is_a_tuple_of_texts() -> None:
    assert Answer(("a",), "b") == (("a",), "b", "", "", "")
