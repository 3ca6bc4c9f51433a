"""Every answer arrives: what no field of Clemta's takes is a line of the description."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from clemta_intake.contact_changes import contact_changes
from clemta_intake.contacts import MAX_TEXT, Text
from clemta_intake.errors import Unmappable
from clemta_intake.model import MappedSubmission, Submission
from clemta_intake.sources import mapping
from clemta_intake.sources.answers import Answer
from clemta_intake.sources.config import CONTACT_FIELDS, Form, Webhook, to_source
from clemta_intake.sources.consent import is_ticked
from clemta_intake.sources.description import compose, printable, to_line
from clemta_intake.sources.fields import Reading, Recognition
from clemta_intake.sources.redaction import redact
from tests.support.evaluation import mapped
from tests.support.examples import examples
from tests.support.fakes import COMPANY

OTHER = "0123456789abcdef01234567"
ADA = {"name": "Ada Example", "email": "ada@example.com"}
JSON, URLENCODED, MULTIPART = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
)
DEFAULT = {"description": "Signed up through {source} on {date}"}


def form(**keys: Any) -> Form | Webhook:
    return to_source("website", {"kind": "form", **keys}, COMPANY)


def webhook(**keys: Any) -> Form | Webhook:
    auth = {"scheme": "token", "secret": "crm"}
    return to_source(
        "crm", {"kind": "webhook", "auth": auth, "contact": {"email": "body.email"}, **keys}, COMPANY
    )


def read(data: Any, source: Form | Webhook | None = None, content_type: str = JSON) -> MappedSubmission:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    found = mapped(
        Submission("id", "website", 1_800_000_000, body, content_type, {"x-plan": "pro"}), source or form()
    )
    assert found is not None
    return found


def description(data: Any, source: Form | Webhook | None = None, content_type: str = JSON) -> str | None:
    return read(data, source, content_type).contact.description


def multipart(*parts: tuple[str, str, str | None]) -> bytes:
    """A form's body of (name, text, file name or None)."""
    written = []
    for name, text, filename in parts:
        file = "" if filename is None else f'; filename="{filename}"'
        written.append(f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n{text}\r\n')
    return ("".join(written) + "--b--\r\n").encode()


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recogniser that knows each field by its own name, and by the name with "_2" as one that loses."""

    def recognise(answers: list[Answer]) -> Recognition:
        known = {*CONTACT_FIELDS, "company", "message"}
        won = {answer.name: answer for answer in answers if answer.name in known}
        fields = {answer: answer.name.removesuffix("_2") for answer in answers}
        readings = [Reading(answer, field if field in known else "") for answer, field in fields.items()]
        values = {field: answer.value for field, answer in won.items()}
        return Recognition(values, {field: (answer,) for field, answer in won.items()}, tuple(readings))

    monkeypatch.setattr(mapping, "recognise", recognise)


class TestOrder:
    def test_p4_answers_follow_the_senders_words_in_the_order_of_the_form(self) -> None:
        written = {
            "utm_source": "news",
            "message": "Hello!\nCall me.",
            "plan": "pro",
            "company": "Example Ltd",
            "billing_email": "books@example.com",
            "newsletter": True,
            "offers": False,
            "seats": 3,
            "topics": ["a", "b"],
            "terms": "I accept the terms",
            "empty": "",
            "nothing": None,
        }
        assert description(ADA | written, form(consent="body.terms", defaults=DEFAULT)) == (
            "Hello!\nCall me.\n"
            "Company: Example Ltd\n"
            "Billing e-mail: books@example.com\n"
            "Consent (2027-01-15T08:00:00Z): terms: I accept the terms\n"
            "utm_source: news\n"
            "plan: pro\n"
            "newsletter: yes\n"
            "offers: no\n"
            "seats: 3\n"
            "topics: a, b"
        )

    def test_default_stays_the_first_line(self) -> None:
        assert description(ADA | {"plan": "pro", "company": "Example Ltd"}, form(defaults=DEFAULT)) == (
            "Signed up through website on 2027-01-15\nCompany: Example Ltd\nplan: pro"
        )
        assert (
            description(ADA | {"plan": "pro"}, form(defaults={"description": "New\n\n"})) == "New\nplan: pro"
        )

    def test_mapped_description_comes_first_and_the_message_that_it_overrides_is_an_answer(self) -> None:
        source = form(contact={"description": "body.about"})
        assert (
            description(ADA | {"message": "Hi", "about": "Both\u2028of us", "company": "Example"}, source)
            == "Both\nof us\nCompany: Example\nmessage: Hi"
        )
        assert description(ADA | {"message": "Hi", "about": "hi "}, source) == "hi"

    def test_ordinary_sign_up_has_no_description(self) -> None:
        assert description(ADA) is None

    def test_labels_are_what_the_sender_shows(self) -> None:
        answers = [
            {"key": "q1", "label": "E-mail", "type": "email", "value": "ada@example.com"},
            {"key": "q2", "label": "Which plan do you\nlike:", "value": "pro"},
            {"key": "q3", "label": "Where?", "value": {"hall": "A", "row": 7}},
        ]
        assert description({"fields": answers}, webhook(contact={}, answers="body.fields")) == (
            "Which plan do you like: pro\nWhere?: hall: A\nWhere?: row: 7"
        )

    def test_p9_label_that_many_answers_share_is_cut(self) -> None:
        long = "x" * 9_000
        assert description(ADA | {long: {"a": "1", "b": "2"}}) == f"{long[:200]}.a: 1\n{long[:200]}.b: 2"
        answers = [
            {"key": "a", "label": "E-mail", "type": "email", "value": "ada@example.com"},
            {"key": "b", "label": long, "value": "3"},
            {"key": "c", "label": long, "value": {"d": "4"}},
        ]
        shown = f"{long[:1_000]}: 3\n{long[:1_000]}: d: 4"
        assert description({"fields": answers}, webhook(contact={}, answers="body.fields")) == shown

    def test_answer_of_several_lines_stays_readable(self) -> None:
        assert (
            description(ADA | {"plan": "pro\r\n\r\n or\u2028team", "x": "1"})
            == "plan: pro\n  or\n  team\nx: 1"
        )

    def test_drop_leaves_the_other_answers_out(self) -> None:
        source = form(rest="drop", consent="body.terms")
        written = ADA | {"message": "Hi", "company": "Example", "plan": "pro", "terms": True}
        consent = "Consent (2027-01-15T08:00:00Z): terms"
        assert description(written, source) == f"Hi\nCompany: Example\n{consent}"
        assert description(ADA | {"plan": "pro", "terms": True}, source) == consent


class TestWhatIsTold:
    @pytest.mark.parametrize(
        ("answers", "lost"),
        [
            ({"email": "ada@example.com", "email_2": "ADA@example.com "}, None),
            ({"email": "ada@example.com", "email_2": "bo@example.com"}, "email_2: bo@example.com"),
            ({"email": "ada@example.com", "full_name": "Ada", "full_name_2": "ada"}, None),
            ({"email": "ada@example.com", "full_name": "Ada", "full_name_2": "Ada E"}, "full_name_2: Ada E"),
            ({"email": "ada@example.com", "full_name": "", "full_name_2": "ADA@example.com"}, None),
            ({"email": "ada@example.com", "note": "Ada@example.com"}, None),
            ({"email": "ada@example.com", "note": "ada@example.com too"}, "note: ada@example.com too"),
            ({"email": "ada@example.com", "billing.state": "A", "billing.state_2": "a", "x": "a"}, "x: a"),
        ],
    )
    @pytest.mark.usefixtures("by_name")
    def test_p4_recognised_answer_that_loses_arrives_unless_it_repeats_what_won(
        self, answers: dict[str, str], lost: str | None
    ) -> None:
        assert description(answers) == lost

    def test_p4_answer_that_an_expression_overrides_arrives_unless_it_says_the_same(self) -> None:
        source = webhook(
            answers="[{key: 'first name', value: body.a}, {key: 'last name', value: body.b}]",
            contact={"email": "body.email", "full_name": "body.nick"},
        )
        body = {"email": "ada@example.com", "a": "Ada", "b": "Example"}
        assert description(body | {"nick": "ada  example"}, source) is None
        assert description(body | {"nick": "Ada"}, source) == "last name: Example"
        assert description(body | {"nick": ""}, source) == "first name: Ada\nlast name: Example"

    def test_mapped_answer_is_not_repeated(self) -> None:
        source = form(contact={"status": "body.plan", "full_name": "join(' ', [body.a, body.b])"})
        assert (
            description({"email": "ada@example.com", "plan": "pro", "a": "Ada", "b": "Example"}, source)
            is None
        )

    def test_p4_second_choice_of_an_expression_arrives(self) -> None:
        source = webhook(contact={"email": "body.mail || body.work.mail"})
        body = {"mail": "ada@example.com", "work": {"mail": "ada@example.org"}}
        assert description(body, source) == "work.mail: ada@example.org"
        assert description({"work": body["work"]}, source) is None

    def test_p4_everything_else_in_a_webhooks_body_arrives(self) -> None:
        source = webhook(
            contact={"email": "body.person.mail", "status": 'headers."x-plan"'},
            delivery_id="body.id",
            event_time="body.at",
            accept="body.type=='lead' && contains(body.tags, 'new')",
        )
        body = {
            "id": "d1",
            "at": 1_700_000_000,
            "type": "lead",
            "tags": ["new"],
            "person": {"mail": "ada@example.com", "age": 36},
            "items": [{"sku": "X", "color": "red"}, {"sku": "Y"}],
            "note": {"text": "Hi", "date": "today"},
        }
        assert description(body, source) == (
            "person.age: 36\nitems.0.sku: X\nitems.0.color: red\nitems.1.sku: Y\nnote.text: Hi\nnote.date: today"
        )

    def test_p4_entries_of_a_body_that_is_a_list_arrive(self) -> None:
        source = webhook(contact={"email": "body[0].email"})
        assert description([{"email": "ada@example.com", "plan": "pro"}, "x"], source) == "0.plan: pro\n1: x"

    @pytest.mark.parametrize(
        ("expression", "body", "expected"),
        [
            ("body.l[0].email", {"l": [{"email": "ada@example.com", "n": "1"}]}, "l.0.n: 1"),
            ("body.l[?t=='x'].email | [0]", {"l": [{"t": "x", "email": "ada@example.com"}]}, "l.0.t: x"),
            (
                "pick(body.l, 'id', body.i).email",
                {"i": "7", "l": [{"id": "8", "email": "ada@example.com"}]},
                None,
            ),
            ("(body.a || body.b).email", {"b": {"email": "ada@example.com", "n": "1"}}, "b.n: 1"),
            ("body.l[].email | [0]", {"l": [[{"email": "ada@example.com"}]]}, None),
            ("values(body.a)[0]", {"a": {"x": "ada@example.com", "y": "no"}}, "a.y: no"),
            ("body.a.*.email | [0]", {"a": {"x": {"email": "ada@example.com"}}, "z": "1"}, "z: 1"),
            ("{x: body.a}.x", {"a": "ada@example.com"}, None),
            ("body.l[1:].email | [0]", {"l": [{"n": ","}, {"email": "ada@example.com"}]}, "l.0.n: ,"),
            ("body.a | email", {"a": {"email": "ada@example.com"}, "email": "x"}, "email: x"),
            ("max_by(body.l, &n).email", {"l": [{"n": 1, "email": "ada@example.com"}]}, "l.0.n: 1"),
        ],
    )
    def test_p4_value_that_an_expression_takes_is_told_and_what_stands_beside_it_arrives(
        self, expression: str, body: dict[str, Any], expected: str | None
    ) -> None:
        found = description(body, webhook(contact={"email": expression}))
        assert found == (expected if expected or "i" not in body else "i: 7\nl.0.id: 8")

    def test_spam_fields_and_the_browsers_charset_are_no_answers(self) -> None:
        source = form(spam={"honeypot": "trap", "min_seconds": 1, "turnstile": "captcha"})
        posted = ADA | {"trap": "x", "_leave_empty": "x", "_elapsed": 5_000, "_charset_": "utf-8"}
        tokens = {"cf-turnstile-response": "t", "g-recaptcha-response": "t", "h-captcha-response": "t"}
        assert description(posted | tokens, source) is None

    def test_p4_files_are_named(self) -> None:
        body = multipart(
            ("email", "ada@example.com", None),
            ("cv", "%PDF", "cv.pdf"),
            ("plan", "pro", None),
            ("photos[]", "x", "a.png"),
            ("photos[]", "x", "b.png"),
            ("letter", "", ""),
        )
        assert description(body, content_type=MULTIPART) == (
            "cv: cv.pdf (file, not kept)\nplan: pro\nphotos: a.png, b.png (files, not kept)"
        )


class TestUnfitValues:
    """Only an address, and a consent, refuse a person; any other value that Clemta would refuse becomes a line."""

    @pytest.mark.parametrize("field", ["full_name", "company", "billing.phone", "billing.country", "message"])
    @pytest.mark.parametrize(
        "value", ["A" * 300, "A\x00B", "A\x1bB\u2028C", "@@@", "A" * 20_000, "\u202e\u200f"]
    )
    @pytest.mark.parametrize("rest", ["description", "drop"])
    @pytest.mark.usefixtures("by_name")
    def test_p4_value_that_clemta_would_refuse_goes_into_the_description(
        self, field: str, value: str, rest: str
    ) -> None:
        found = read({"email": "ada@example.com", field: value}, form(rest=rest)).contact
        assert found.full_name
        TypeAdapter(Text | None).validate_python(found.description)
        told = json.dumps(found.body(), ensure_ascii=False)
        kept = re.sub("[\x00\x1b\u2028\u202e\u200f]", " ", value)[:9_000].split()
        assert all(word in told or (field in ("full_name", "company") and "@" in word) for word in kept)

    def test_p4_mapped_value_that_clemta_would_refuse_becomes_a_line_under_its_field(self) -> None:
        source = form(contact={"billing.state": "query.x || body.s", "status": "body.t"})
        found = read(ADA | {"s": "S" * 257, "t": "a\nb"}, source)
        assert found.contact.billing is None
        assert found.contact.description == f"billing.state: {'S' * 257}\nstatus: a\n  b"

    @pytest.mark.usefixtures("by_name")
    def test_p4_billing_email_of_a_webhook_that_is_no_address_becomes_a_line(self) -> None:
        source = webhook(contact={}, answers="body")
        found = read({"email": "ada@example.com", "billing.email": "none"}, source).contact
        assert (found.billing, found.description) == (None, "billing.email: none")

    @pytest.mark.parametrize(
        ("written", "line"),
        [
            ("0532 123 45 67 / x 0533 123 45 67", "billing.phone: 0532 123 45 67 / x 0533 123 45 67"),
            ("Evening: 0532 123 45 67", "billing.phone: Evening: 0532 123 45 67"),
            ("+90 (532) 123-45-67", None),
            ("٠٥٣٢ ١٢٣ ٤٥ ٦٧", None),
            ("after six", None),
        ],
    )
    @pytest.mark.usefixtures("by_name")
    def test_p4_phone_with_more_than_a_number_arrives_whole(self, written: str, line: str | None) -> None:
        for source in (form(default_country="TR"), form(default_country="TR", rest="drop")):
            assert description({"email": "ada@example.com", "billing.phone": written}, source) == line
        mapped_phone = form(default_country="TR", contact={"billing.phone": "body.x"})
        assert description({"email": "ada@example.com", "x": written}, mapped_phone) == line

    def test_default_that_becomes_too_long_refuses_nobody(self) -> None:
        found = read(ADA, form(defaults={"status": "{source}" * 40}))
        assert (found.contact.status, found.contact.description) == (None, None)


_LINES = st.lists(
    st.text("ab \n", min_size=1, max_size=3_000).map(lambda text: to_line("x", text)).filter(bool)
)


class TestLimit:
    def test_p4_what_does_not_fit_is_cut_or_counted(self) -> None:
        many = {f"q{number}": "x" * 90 for number in range(200)}
        found = description(ADA | many) or ""
        assert len(found) <= MAX_TEXT
        lines = found.split("\n")
        assert lines[:-1] == [f"q{number}: {'x' * 90}" for number in range(len(lines) - 1)]
        assert lines[-1] == f"({201 - len(lines)} of the answers did not fit here)"

    def test_p4_longest_answers_are_cut_first(self) -> None:
        found = description(ADA | {"message": "m" * 9_000, "a": "a" * 9_000, "plan": "pro"}) or ""
        assert 9_900 < len(found) <= MAX_TEXT
        message, answer, plan, count = found.split("\n")
        assert message == "m" * (len(message) - 1) + "…"
        assert answer == "a: " + "a" * (len(answer) - 4) + "…"
        assert abs(len(message) - len(answer)) < 100
        assert (plan, count) == ("plan: pro", "(2 of the answers did not fit here)")

    def test_short_lines_keep_the_room_of_a_long_message(self) -> None:
        found = description(ADA | {"message": "m" * 10_000, "plan": "pro"}) or ""
        assert found.startswith("m" * 9_900)
        assert found.endswith("…\nplan: pro\n(1 of the answers did not fit here)")

    @settings(max_examples=examples(200), deadline=None)
    @given(said=st.text("ab\n ", max_size=12_000).map(printable), lines=_LINES)
    def test_p4_description_is_valid_and_says_how_much_is_missing(self, said: str, lines: list[str]) -> None:
        assume(said or lines)
        text, kept = compose(said, lines)
        assert TypeAdapter(Text).validate_python(text) == text
        assert text.endswith("\n".join(kept))
        if len("\n".join([said, *lines] if said else lines)) <= MAX_TEXT:
            assert text == "\n".join([said, *lines] if said else lines)
            return
        missing = sum(line not in kept for line in lines) + (not text.startswith(said))
        assert kept[-1].startswith("(")
        assert int(kept[-1][1:].split()[0]) >= min(1, missing)
        assert len(text) > MAX_TEXT // 3


class TestUpdates:
    """What an operator or an earlier sign-up wrote stays; only the sender's own words replace it."""

    def change(self, data: Any, theirs: object, **keys: Any) -> dict[str, Any]:
        existing = {"full_name": "Ada Example", "email": "ada@example.com", "type": "customer"}
        if theirs is not None:
            existing["description"] = theirs  # type: ignore[assignment]
        return contact_changes(read(ADA | data, form(**keys)), existing)

    def test_p3_lines_are_added_to_a_description_that_exists(self) -> None:
        changed = self.change(
            {"plan": "pro", "seats": "3", "company": "Example"}, "VIP\r\nplan: pro ", defaults=DEFAULT
        )
        assert changed["description"] == "VIP\r\nplan: pro \nCompany: Example\nseats: 3"
        assert self.change({"plan": "pro"}, "VIP\nplan: pro", defaults=DEFAULT) == {}

    def test_p3_default_never_goes_to_a_contact_that_has_a_description(self) -> None:
        assert self.change({}, "VIP", defaults=DEFAULT) == {}

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_contact_without_a_description_gets_the_whole(self, nothing: object) -> None:
        wanted = "Signed up through website on 2027-01-15\nplan: pro"
        assert self.change({"plan": "pro"}, nothing, defaults=DEFAULT)["description"] == wanted

    def test_senders_own_words_replace_a_description_and_the_lines_follow(self) -> None:
        assert (
            self.change({"message": "Hi", "plan": "pro"}, "Hello\nseats: 3")["description"] == "Hi\nplan: pro"
        )
        mapped = self.change({"about": "Hi", "plan": "pro"}, "Hello", contact={"description": "body.about"})
        assert mapped["description"] == "Hi\nplan: pro"

    def test_further_lines_of_an_answer_are_found_again(self) -> None:
        theirs = description(ADA | {"plan": "pro\nor\nteam", "x": "1"}) or ""
        assert self.change({"x": "1", "plan": "pro\nor\nteam"}, theirs) == {}

    @settings(max_examples=examples(200), deadline=None)
    @given(
        theirs=st.text("ab:\n ", min_size=1, max_size=12_000),
        answers=st.dictionaries(st.sampled_from("abcd"), st.text("ab \n", max_size=4_000)),
        message=st.sampled_from(["", "Hi"]),
    )
    def test_p3_p4_update_keeps_what_is_there_adds_what_is_missing_and_settles(
        self, theirs: str, answers: dict[str, str], message: str
    ) -> None:
        found = read(ADA | answers | {"message": message}, form(defaults=DEFAULT))
        existing = found.contact.body() | {"description": theirs}
        new = contact_changes(found, existing).get("description", theirs)
        if message:
            assert new == found.contact.description
            return
        assert new.startswith(theirs)
        assert len(new) <= max(MAX_TEXT, len(theirs))
        assert "Signed up" not in new
        present = {line.strip() for line in new.splitlines()}
        for line in found.lines:
            assert present.issuperset(map(str.strip, line.split("\n"))) or len(new) + 1 + len(line) > MAX_TEXT
        assert not contact_changes(found, existing | {"description": new})


ROUTE: dict[str, Any] = {
    "by": "body.office",
    "to": {
        "İzmir": {"company_id": OTHER},
        " Berlin": {"contact_type": "vendor"},
        "3": {"company_id": OTHER, "contact_type": "vendor"},
        "yes": {"contact_type": "vendor"},
    },
}


class TestRoute:
    @pytest.mark.parametrize(
        ("office", "company", "kind"),
        [
            ("İZMİR", OTHER, "customer"),
            ("izmir", OTHER, "customer"),
            ("IZMIR", OTHER, "customer"),
            (" berlin ", COMPANY, "vendor"),
            (3, OTHER, "vendor"),
            (["3"], OTHER, "vendor"),
            (True, COMPANY, "vendor"),
            (False, COMPANY, "customer"),
            ("Berlin 2", COMPANY, "customer"),
            ("", COMPANY, "customer"),
            (None, COMPANY, "customer"),
            ({"Berlin": "Berlin2"}, COMPANY, "customer"),
        ],
    )
    def test_value_of_one_field_chooses_company_and_type(self, office: Any, company: str, kind: str) -> None:
        for source in (form(route=ROUTE), webhook(route=ROUTE)):
            found = read(ADA | {"office": office}, source).contact
            assert (found.company_id, found.type) == (company, kind)

    def test_p4_routed_answer_arrives(self) -> None:
        assert description(ADA | {"office": "izmir"}, form(route=ROUTE)) == "office: izmir"

    def test_source_names_every_destination(self) -> None:
        source = form(route=ROUTE, contact_type="vendor")
        assert source.destinations() == {(COMPANY, "vendor"), (OTHER, "vendor")}
        assert form().destinations() == {(COMPANY, "customer")}

    def test_header_that_routes_is_kept_for_a_replay(self) -> None:
        source = webhook(route={"by": 'headers."x-plan"', "to": {"pro": {"company_id": OTHER}}})
        assert 'headers."x-plan"' in source.expressions()
        assert read(ADA, source).contact.company_id == OTHER


class TestConsent:
    @pytest.mark.parametrize(
        "value",
        [
            *(
                True,
                1,
                "1",
                "on",
                "yes",
                "evet",
                "ja",
                "x",
                "✓",
                "I accept",
                "Accepted: no",
                "Nonna",
                "no-reply is ok",
            ),
            *("notified", ["0", "1"], ["", "on"], "N/A-free", 1.0),
        ],
        ids=repr,
    )
    def test_ticked(self, value: Any) -> None:
        assert is_ticked(value)

    @pytest.mark.parametrize(
        "value",
        [
            *(
                False,
                None,
                0,
                0.0,
                "",
                " ",
                "0",
                "no",
                "NO",
                "false",
                "off",
                "Off.",
                "null",
                "n/a",
                "-",
                "unchecked",
            ),
            *(
                "hayır",
                "HAYIR",
                "Hayır, istemiyorum",
                "Nein danke",
                "non",
                "não",
                "na\u0303o",
                "нет",
                "いいえ、結構です",
            ),
            *({}, {"terms": True}, [], [[]], ["yes", "no"], [True, False], "no, thanks", ",;"),
        ],
        ids=repr,
    )
    def test_p5_not_ticked(self, value: Any) -> None:
        assert not is_ticked(value)

    def test_consent_that_is_missing_or_not_ticked_refuses_with_its_field(self) -> None:
        source = form(consent="body.agree.terms")
        for data in ({}, {"agree": {"terms": "no"}}, {"agree": "terms"}):
            with pytest.raises(Unmappable) as caught:
                read(ADA | data, source)
            assert caught.value.fields == [("agree.terms", "must be ticked")]
        with pytest.raises(Unmappable) as caught:
            read({}, source)
        assert caught.value.fields == [("email", "is required"), ("agree.terms", "must be ticked")]

    @pytest.mark.parametrize(
        ("value", "line"),
        [
            (True, "terms"),
            ("on", "terms"),
            ("Evet", "terms: Evet"),
            (["0", "1"], "terms"),
            (["I accept\nthe terms", "and more"], "terms: I accept the terms, and more"),
        ],
    )
    def test_consent_is_one_line_with_label_wording_and_time_and_is_not_repeated(
        self, value: Any, line: str
    ) -> None:
        found = read(ADA | {"terms": value, "x": "1"}, form(consent="body.terms"))
        assert found.contact.description == f"Consent (2027-01-15T08:00:00Z): {line}\nx: 1"
        assert found.consent == found.lines[0]

    def test_consent_among_labelled_answers_has_their_label(self) -> None:
        fields = [
            {"key": "a", "label": "E-mail", "type": "email", "value": "ada@example.com"},
            {"key": "b", "label": "I accept the terms", "value": "agreed"},
            {"key": "c", "label": "Newsletter", "value": True},
        ]
        for answers in ("body.fields", "body.fields[].{key: key, label: label, value: value, type: type}"):
            source = webhook(contact={}, answers=answers, consent="body.fields[?key=='b'].value | [0]")
            assert description({"fields": fields}, source) == (
                "Consent (2027-01-15T08:00:00Z): I accept the terms: agreed\nNewsletter: yes"
            )

    def test_p4_consent_that_cannot_be_told_apart_is_recorded_by_its_key_and_repeated(self) -> None:
        fields = [
            {"key": "a", "label": "E-mail", "type": "email", "value": "ada@example.com"},
            {"key": "b", "label": "Terms", "value": True},
            {"key": "c", "label": "Newsletter", "value": True},
        ]
        source = webhook(contact={}, answers="body.fields", consent="body.fields[?key=='b'].value | [0]")
        assert description({"fields": fields}, source) == (
            "Consent (2027-01-15T08:00:00Z): fields\nTerms: yes\nNewsletter: yes"
        )

    def test_p4_answer_with_the_text_of_a_consent_arrives(self) -> None:
        written = ADA | {"first_name": "Ada", "terms": True, "offers": True}
        found = description(written, form(consent="body.terms"))
        assert found == "Consent (2027-01-15T08:00:00Z): terms\nfirst_name: Ada\noffers: yes"

    def test_consent_apart_from_the_answers_claims_none_of_them(self) -> None:
        source = webhook(contact={}, answers="body.data", consent="body.terms")
        body = {"data": {"email": "ada@example.com", "newsletter": True}, "terms": True}
        assert description(body, source) == "Consent (2027-01-15T08:00:00Z): terms\nnewsletter: yes"

    def test_consent_that_is_compared_keeps_its_wording(self) -> None:
        source = form(consent="body.terms == 'I agree'")
        line = "Consent (2027-01-15T08:00:00Z): terms: I agree"
        assert description(ADA | {"terms": "I agree"}, source) == line
        with pytest.raises(Unmappable):
            read(ADA | {"terms": "I disagree"}, source)

    def test_consent_may_stand_in_a_header(self) -> None:
        source = webhook(consent='headers."x-plan"')
        assert description(ADA, source) == "Consent (2027-01-15T08:00:00Z): x-plan: pro\nname: Ada Example"


# Any form that a person fills in

_KEYS = st.sampled_from(
    [
        *("message", "company", "first", "last", "phone", "city", "district", "zip", "billing_email"),
        *(
            "name",
            "address",
            "address_2",
            "plan",
            "label",
            "value",
            "text",
            "url",
            "title",
            "key",
            "type",
            "utm_source",
        ),
        *("a b", "Ş", "x.y", "size", "password", "cvv", "_token", "customer", "data", "user"),
    ]
)
_WORDS = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("ab\n\x00\x1b\u2028\u202e @:,"), max_size=12
) | st.sampled_from(
    ["+90 532 123 45 67", "Tel: +90 532 123 45 67", "after six", "A" * 300, "ada@example.com", "7"]
)
# Not those by which answers.py knows a file, or a value with its label.
_INNER_KEYS = st.sampled_from(
    ["first", "last", "city", "line1", "plan", "password", "a b", "0", "email", "data"]
)
_LEAVES = _WORDS | st.booleans() | st.integers(-(10**6), 10**6) | st.none()
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_INNER_KEYS, inner, max_size=3),
    max_leaves=5,
)
_FORM_SOURCES = st.sampled_from(
    [
        form(),
        form(default_country="TR", defaults=DEFAULT),
        form(
            contact={
                "full_name": "join(' ', [body.name, body.last])",
                "status": "body.plan",
                "billing.phone": "body.x",
            }
        ),
        form(contact={"description": "body.message", "billing.district": "body.city || body.district"}),
        form(route={"by": "body.plan", "to": {"pro": {"contact_type": "vendor"}}}),
    ]
)
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069@,]|[^\\S ]")


def texts_in(data: Any) -> list[str]:
    """Every text in the data, as a person reads it."""
    if isinstance(data, dict | list):
        return [
            text for inner in (data.values() if isinstance(data, dict) else data) for text in texts_in(inner)
        ]
    if isinstance(data, bool):
        return ["yes" if data else "no"]
    return [] if data is None else [str(data)]


def assert_told(data: Any, contact: dict[str, Any]) -> None:
    """Each word of the data is somewhere in the contact; of a phone number at least its digits."""
    told = _NOT_SHOWN.sub(" ", "\n".join(texts_in(contact))).casefold()
    digits = re.sub(r"\D", "", told)
    for text in texts_in(data):
        for word in _NOT_SHOWN.sub(" ", text).casefold().split():
            assert word in told or ((number := re.sub(r"\D", "", word)) and number in digits), word


class TestAnyForm:
    def test_p4_objects_in_lists_of_lists_arrive(self) -> None:
        assert description(ADA | {"x": [[{"plan": "00"}, "b"], ["c"]]}) == "x.0.0.plan: 00\nx.0.1: b\nx.1: c"

    @settings(max_examples=examples(400), deadline=None, derandomize=True)
    @given(answers=st.dictionaries(_KEYS, _VALUES, max_size=8), source=_FORM_SOURCES)
    def test_p4_every_answer_in_json_is_in_the_contact_or_is_a_secret(
        self, answers: dict[str, Any], source: Form
    ) -> None:
        data = answers | {"email": "ada@example.com"}
        try:
            found = read(data, source)
        except Unmappable as refused:
            assume([field for field, _ in refused.fields] != ["email"])
            raise
        assert_told(redact(data).data, found.contact.body())

    @settings(max_examples=examples(200), deadline=None, derandomize=True)
    @given(
        answers=st.lists(
            st.tuples(_KEYS | st.sampled_from(["topics[]", "customer[city]"]), _WORDS), max_size=8
        ),
        source=_FORM_SOURCES,
    )
    def test_p4_every_answer_of_a_urlencoded_form_is_in_the_contact_or_is_a_secret(
        self, answers: list[tuple[str, str]], source: Form
    ) -> None:
        found = read(urlencode([("email", "ada@example.com"), *answers]).encode(), source, URLENCODED)
        assert_told([text for key, text in answers if key not in SECRET], found.contact.body())

    @settings(max_examples=examples(200), deadline=None, derandomize=True)
    @given(
        answers=st.lists(
            st.tuples(
                _KEYS | st.sampled_from(["topics[]", "customer[city]"]),
                st.text("ab :+7", max_size=12),
                st.none() | st.sampled_from(["cv.pdf", "", "ö x.png"]),
            ),
            max_size=8,
        ),
        source=_FORM_SOURCES,
    )
    def test_p4_every_answer_and_file_of_a_multipart_form_is_in_the_contact_or_is_a_secret(
        self, answers: list[tuple[str, str, str | None]], source: Form
    ) -> None:
        found = read(multipart(("email", "ada@example.com", None), *answers), source, MULTIPART)
        kept = [text if file is None else file for key, text, file in answers if key not in SECRET]
        assert_told(kept, found.contact.body())


SECRET = ("password", "cvv", "_token")
