"""A name or a label is read as words: in 16 languages, in any shape that forms and developers give it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clemta_intake.sources.naming import FIELDS, MAX_NAME, Naming, is_country_name, read_label, read_name
from clemta_intake.sources.words import LANGUAGES

ENGLISH = LANGUAGES["en"]


def phrases(line: str) -> list[str]:
    return line.split(", ")


FIELD_PHRASES = [
    (language, field, phrase)
    for language, lines in LANGUAGES.items()
    for field in sorted(FIELDS & lines.keys())
    for phrase in phrases(lines[field])
]


class TestWords:
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_phrase_of_a_language_names_its_field(self, language: str) -> None:
        wrong = [
            (field, phrase, read_label(phrase.removeprefix("~")).fields)
            for of, field, phrase in FIELD_PHRASES
            if of == language
            and field not in ("phone_or_postal_code", *read_label(phrase.removeprefix("~")).fields)
        ]
        # "First and last name" is a full name whatever the line; a name's kind decides only which of two is surer.
        assert [one for one in wrong if not {one[0], *one[2]} <= {"name", "full_name"}] == []

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_what_is_known_as_something_else_is_no_field(self, language: str) -> None:
        read = {phrase: read_label(phrase).fields for phrase in phrases(LANGUAGES[language]["other"])}
        assert {phrase: fields for phrase, fields in read.items() if fields} == {}

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_each_language_has_the_same_lines(self, language: str) -> None:
        may_lack = {
            "area_code",
            "address_3",
            "phone_or_postal_code",
            "display_name",
            "county",
            "district",
            "province",
        }
        may_lack |= {"name", "house_number", "last_name", "first_name", "phone_code"}
        assert ENGLISH.keys() - may_lack <= LANGUAGES[language].keys()

    @pytest.mark.parametrize("language", LANGUAGES)
    def test_phrases_are_written_in_one_way(self, language: str) -> None:
        for line in LANGUAGES[language].values():
            for phrase in phrases(line):
                assert phrase == phrase.strip().lower().replace(",", "")
                assert phrase.strip("~")
            assert len(phrases(line)) == len(set(phrases(line))), line

    def test_weak_word_counts_only_alone(self) -> None:
        assert read_label("Last").fields == ("last_name",)
        assert read_label("Last visit").fields == ()
        assert read_label("Last e-mail").fields == ("email",)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("What's your first name? *", "first_name"),
        ("Email Address (name@domain.com) required", "email"),
        ("Company (optional)", "company"),
        ("Country/Region", "country"),
        ("County/State/Province:", "state"),
        ("Billing address, line 2", "address_2"),
        ("Address, line 3", "address_3"),
        ("Street 2", "address_2"),
        ("Apt, Floor, Unit, etc. (optional)", "address_2"),
        ("Flat/Other (optional)", "address_2"),
        ("Full nameEnter full name", "full_name"),
        ("First / Given name (as in passport)", "first_name"),
        ("Which company do you work for?", "company"),
        ("Name of your company", "company"),
        ("City or district", "city"),
        ("Street, house number", "address_1"),
        ("Country of the phone number", "country"),
        ("Country phone", "phone_code"),
        ("Country / region , required. Select your country / region United States", "country"),
        ("State Alabama Alaska American Samoa Arizona Arkansas California Colorado Connecticut", "state"),
        ("United States Afghanistan Albania Algeria Andorra", "country"),
        ("Welcome! Please tell us: your e-mail", "email"),
        ("Payment e-mail", "billing_email"),
        ("Anschrift 2", "address_2"),
        ("Anschrift 3", "address_3"),
        ("Vorname / Surname", "full_name"),
        ("One. Two. Three. E-mail", "email"),
        ("Full legal name of the company", "company"),
        ("Phone number, we will call you", "phone"),
        ("您的Email地址", "email"),
        ("手机号码", "phone"),
        ("您所在的城市是哪里？", "city"),
        ("E-posta adresiniz nedir?", "email"),
        ("ADINIZ SOYADINIZ", "full_name"),
        ("Hangi şehirde yaşıyorsunuz?", "city"),
        ("Nom de votre société", "company"),
        ("Vor- und Nachname*", "full_name"),
        ("Straße und Hausnummer", "address_1"),
        ("STRASSE", "address_1"),
        ("Laendervorwahl", "phone_code"),
        ("Il tuo indirizzo e-mail", "email"),
        ("¿Cuál es tu nombre?", "first_name"),
        ("Numéro de téléphone portable", "phone"),
        ("Numer telefonu (opcjonalnie)", "phone"),
        ("Укажите ваш номер телефона", "phone"),
        ("お名前（必須）", "name"),
        ("お名前（名）", "first_name"),
        ("番地・ビル名 (例：1-3-5)", "address_1"),
        ("이메일을 입력하세요", "email"),
        ("بريدك الإلكتروني", "email"),
        ("الهاتف، مطلوب", "phone"),
        ("البريد الإلكتروني الصحيح", "email"),
        ("आपका नाम क्या है?", "name"),
    ],
)
def test_label_in_any_shape_names_its_field(label: str, field: str) -> None:
    read = read_label(label)
    assert (read.fields, read.is_exact) == ((field,), True)


@pytest.mark.parametrize(
    ("label", "flag"),
    [
        ("How did you hear about us?", "other"),
        ("Do you have a phone number?", "question"),
        ("Where do you live?", "question"),
        ("Is your company registered in this country?", "question"),
        ("Product name", "other"),
        ("Name of the project", "other"),
        ("Name of the ship that you came with", "other"),
        ("City, State, Zip", "several"),
        ("Name and city", "several"),
        ("Event city", "other"),
    ],
)
def test_label_of_something_else_names_no_field(label: str, flag: str) -> None:
    read = read_label(label)
    assert read.fields == ()
    assert flag in read.flags


@pytest.mark.parametrize(
    "label", ["", "?", "Shoe size", "Favourite colour", "x" * (MAX_NAME + 1), "🎉", "qwzxqwzx name of"]
)
def test_unknown_label_names_no_exact_field(label: str) -> None:
    assert not read_label(label).is_exact


@pytest.mark.parametrize(
    ("label", "flags"),
    [
        ("Friend's e-mail", {"someone"}),
        ("E-mail (of a friend)", {"someone"}),
        ("Parent's e-mail", {"aside"}),
        ("Confirm e-mail", {"again"}),
        ("メールアドレス（確認用）", {"again"}),
        ("E-mail 2", {"again"}),
        ("Shipping address", {"shipping"}),
        ("Billing city", {"billing"}),
        ("Friend. E-mail please", {"someone"}),
    ],
)
def test_label_says_what_stands_around_the_field(label: str, flags: set[str]) -> None:
    assert read_label(label).flags == flags
    assert read_label(label).fields


@pytest.mark.parametrize(
    ("path", "field", "is_exact"),
    [
        ("billing[first_name]", "first_name", True),
        ("customerEmail", "email", True),
        ("firstnamecreateaccount", "first_name", True),
        ("op_order_checkout[paymentAddress][addressTwo]", "address_2", True),
        ("addr_street_2", "address_2", True),
        ("emailPhoneForm.phones[0].number", "phone", True),
        ("wysija[user][abs][email]", "email", False),
        ("webidCountryCode", "country", False),
        ("bill_addr_zip", "postal_code", True),
        ("bill_addr", "address_1", True),
        ("q3_name3", "name", True),
        ("email-456", "email", True),
        ("content/email/1", "email", True),
        ("personal-registration:address-line-2", "address_2", True),
        ("Contact__c", "", False),
        ("fakeemailremembered", "", False),
        ("text-123", "", False),
        ("question_3", "", False),
        ("user_name", "", False),
        ("Company_Size__c", "", False),
        ("product[name]", "name", False),
        ("name[middle]", "", False),
        ("billing[email]", "billing_email", True),
        ("ctl00$MainContent$txtTown", "city", True),
        ("E-mail (again)", "email", True),
        ("mb_name", "name", True),
        ("xyzzy_name", "name", False),
        ("[]", "", False),
    ],
)
def test_posted_name_in_any_shape_names_its_field(path: str, field: str, is_exact: bool) -> None:
    read = read_name((path,))
    assert (read.fields[:1], read.is_exact) == ((field,) if field else (), is_exact)


def test_groups_name_is_read_with_the_fields_name() -> None:
    assert read_name(("company", "name")).fields == ("company",)
    assert read_name(("customer", "name")).fields == ("name",)
    assert read_name(("your_name", "first")).fields == ("first_name",)
    assert "other" in read_name(("product", "name")).flags


def test_overlong_path_names_nothing() -> None:
    assert read_name(("email",) * MAX_NAME) == Naming()


def test_country_is_known_by_its_name() -> None:
    assert is_country_name("United Kingdom")
    assert is_country_name("TÜRKİYE")
    assert not is_country_name("TR")
    assert not is_country_name("Kingdom of the United States " * 10)


TEXTS = st.text(max_size=MAX_NAME) | st.lists(
    st.sampled_from(
        [
            "e-mail",
            "名前",
            "첫",
            "1",
            "２",
            "፩",
            "of",
            "/",
            "(",
            ")",
            "·",
            "name",
            "ال",
            "2",
            "\u0301",
            "nameaddress",
        ]
    )
).map(" ".join)


@given(TEXTS)
def test_any_text_is_read(text: str) -> None:
    assert isinstance(read_label(text), Naming)
    assert isinstance(read_name((text, text)), Naming)


@pytest.mark.parametrize(
    "label", ["The e-mail", "E-mail / E-mail", "名を教えて🎉メール", "메일zz주소", "الاسم"]
)
def test_rest_of_a_label_does_not_hide_its_field(label: str) -> None:
    assert read_label(label).fields
