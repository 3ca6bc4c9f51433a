"""One evaluation decides what is to be done with a submission, says where each field came from, and parses once."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from clemta_intake import intake, receive
from clemta_intake.bodies.forms import Multipart, Urlencoded
from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import ConfigError, DataError, TooLarge, Unmappable, Unreadable, UnsupportedMedia
from clemta_intake.intake import Held, Ignored, Invalid, Mapped, evaluate_queued, events
from clemta_intake.model import Envelope, Failure, Submission
from clemta_intake.queue_message import encode_envelope
from clemta_intake.redeliver import Redelivery
from clemta_intake.sources.config import Form, Webhook, to_source
from tests.support.evaluation import posted
from tests.support.events import CRM_SECRET, FORM, Context, crm, form, request
from tests.support.fakes import COMPANY, FakeDependencies

ADA = {"name": "Ada Example", "email": "ada@example.com"}
HOOK = {"kind": "webhook", "auth": {"scheme": "token", "secret": "x"}, "answers": "body"}
CRM = {
    "kind": "webhook",
    "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
    "contact": {"email": "body.email"},
    "batch": True,
}
GUARDED = {"honeypot": "trap", "turnstile": "captcha"}


def a_form(**table: Any) -> Form | Webhook:
    return to_source("website", {"kind": "form", **table}, COMPANY)


def a_hook(**table: Any) -> Form | Webhook:
    return to_source("hook", {**HOOK, **table}, COMPANY)


def json_of(data: Any, **more: Any) -> Submission:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return Submission("s1", "website", 1_800_000_000, body, "application/json", **more)


class TestDecision:
    def test_form_with_a_person_is_mapped(self) -> None:
        found = posted(json_of(ADA | {"password": "kanarya7"}), a_form())
        assert isinstance(found, Mapped)
        assert found.mapped.contact.email == "ada@example.com"
        assert found.left_out == ("password",)
        assert json.loads(found.submission.body) == ADA
        assert found.captcha is None

    def test_event_that_the_source_does_not_accept_is_ignored(self) -> None:
        found = posted(json_of({"event": "other", "otp": "1"}), a_hook(accept="body.event=='lead'"))
        assert isinstance(found, Ignored)
        assert found.left_out == ("otp",)

    @pytest.mark.parametrize(
        ("data", "source", "error", "failure"),
        [
            (b"{", a_form(), Unreadable, DataError),
            (b"x" * (MAX_BODY + 1), a_form(), TooLarge, DataError),
            ([], a_form(), Unreadable, DataError),
            ({"name": "Ada"}, a_hook(), Unmappable, DataError),
            (ADA, a_hook(contact={"full_name": "sum(body.name)"}), ConfigError, ConfigError),
            (ADA, a_hook(accept="sum(body.name)"), ConfigError, ConfigError),
            (ADA, a_hook(delivery_id="sum(body.name)"), ConfigError, ConfigError),
            (ADA, a_hook(delivery_id="parse_json(body.name)"), Unreadable, DataError),
        ],
    )
    def test_p4_unmappable_submission_is_invalid_and_raises_nothing(
        self, data: Any, source: Form | Webhook, error: type[Exception], failure: type[Exception]
    ) -> None:
        found = posted(json_of(data), source)
        assert isinstance(found, Invalid)
        assert type(found.error) is error
        assert type(found.failure) is failure
        assert (found.failure.code, str(found.failure)) == (found.error.code, str(found.error))

    @pytest.mark.parametrize("terms", [{}, {"terms": "no"}])
    def test_consent_is_required_of_posted_queued_and_imported_submissions_alike(
        self, terms: dict[str, str]
    ) -> None:
        for source in (a_form(consent="body.terms"), a_hook(consent="body.terms")):
            for found in (
                posted(json_of(ADA | terms), source),
                evaluate_queued(json_of(ADA | terms), source),
            ):
                assert isinstance(found, Invalid)
                assert isinstance(found.error, Unmappable)
                assert found.error.fields == [("terms", "must be ticked")]
                assert found.failure.failure_class == "data"

    def test_unsupported_content_type_is_invalid(self) -> None:
        found = posted(Submission("s1", "website", 0, b"<a/>", "text/xml"), a_form())
        assert isinstance(found, Invalid)
        assert isinstance(found.error, UnsupportedMedia)

    def test_body_that_grows_above_the_limit_after_redaction_is_too_large(self) -> None:
        text = '{"email": "ada@example.com", "otp": "1", "message": "' + "\\u4f60" * 10 + '", "x": "%s"}'
        body = (text % ("ş" * (MAX_BODY - len(text) - 1_000))).encode("iso-8859-9")
        made = Submission("s1", "hook", 0, body, "application/json; charset=iso-8859-9")
        found = posted(made, a_hook())
        assert isinstance(found, Invalid)
        assert isinstance(found.error, TooLarge)

    def test_filled_trap_is_held_and_still_has_a_captcha_to_verify(self) -> None:
        sent = ADA | {"trap": "x", "cf-turnstile-response": "token"}
        found = posted(json_of(sent), a_form(spam=GUARDED))
        assert isinstance(found, Held)
        assert found.rule == "honeypot"
        assert found.captcha == intake.CaptchaToken("turnstile", "captcha", "token")
        assert "token" not in repr(found.captcha)
        assert b"token" not in found.submission.body

    def test_a_form_without_its_captchas_token_is_invalid(self) -> None:
        found = posted(json_of(ADA | {"trap": "x"}), a_form(spam=GUARDED))
        assert isinstance(found, Invalid)
        assert found.error.code == "captcha_missing"

    def test_queued_submission_is_not_checked_for_spam(self) -> None:
        found = evaluate_queued(json_of(ADA | {"trap": "x"}), a_form(spam=GUARDED))
        assert isinstance(found, Mapped)
        assert found.captcha is None

    def test_a_batch_of_one_stays_the_submission_that_it_is(self) -> None:
        submission = json_of([ADA])
        [event] = events(submission, a_hook(batch=True), "signed-1")
        assert (event.submission, event.signed_id) == (submission, "signed-1")

    def test_p4_batch_whose_entries_bytes_cannot_be_separated_is_one_event(self) -> None:
        body = '[{"ş": 1, "\\u00c5\\u009f": 2}, {}]'.encode()
        found = posted(json_of(body), a_hook(batch=True))
        assert isinstance(found, Invalid)


KIT = {"batch": "body.events", "answers": "body.events[0].person", "accept": "body.events[0].type=='new'"}


def envelope(*people: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"delivery": "d1", "events": [{"type": "new", "person": person} for person in people], **more}


class TestBatchAtAPath:
    def test_each_entry_becomes_a_submission_with_the_same_envelope(self) -> None:
        people = [ADA, {"name": "Ece Örnek", "email": "ece@example.com"}]
        found = events(json_of(envelope(*people)), a_hook(**KIT))
        assert [json.loads(event.submission.body) for event in found] == [envelope(one) for one in people]
        assert [event.submission.submission_id for event in found] == ["s1-1", "s1-2"]
        evaluated = [intake.evaluate(event, a_hook(**KIT)) for event in found]
        assert [one.mapped.contact.email for one in evaluated if isinstance(one, Mapped)] == [
            "ada@example.com",
            "ece@example.com",
        ]

    def test_p3_entry_is_known_by_its_own_hash_whatever_the_envelope_says(self) -> None:
        people = [ADA, ADA | {"name": "Ayşe"}]
        first, again = (events(json_of(envelope(*people, delivery=one)), a_hook(**KIT)) for one in ("a", "b"))
        assert [event.signed_id for event in first] == [event.signed_id for event in again]
        assert len({event.signed_id for event in first}) == 2
        numbered = events(json_of(envelope(*people)), a_hook(**KIT), "signed")
        assert [event.signed_id for event in numbered] == ["signed-1", "signed-2"]

    @pytest.mark.parametrize(
        "data", [envelope(ADA), envelope(), {}, [], {"events": {}}, {"events": "x"}, "x"]
    )
    def test_any_other_body_stays_the_submission_that_it_is(self, data: Any) -> None:
        submission = json_of(data)
        [event] = events(submission, a_hook(**KIT), "signed")
        assert (event.submission, event.signed_id) == (submission, "signed")

    def test_path_may_have_several_keys(self) -> None:
        source = a_hook(batch="body.a.b", answers="body.a.b[0]")
        found = events(json_of({"a": {"b": [ADA, ADA], "c": 1}, "d": 2}), source)
        assert [json.loads(event.submission.body) for event in found] == [
            {"a": {"b": [ADA], "c": 1}, "d": 2}
        ] * 2

    @pytest.mark.parametrize(
        "data",
        [
            envelope(*[ADA] * 101),
            envelope(ADA, ADA, ADA, more="x" * (MAX_BODY // 2)),
            envelope(*[ADA] * 99, more="x" * 2_000),
            envelope(*[ADA] * 50, more=[1] * 200),
        ],
    )
    def test_p4_batch_that_is_too_large_to_be_split_is_parked_and_not_ignored(self, data: Any) -> None:
        found = posted(json_of(data), a_hook(**KIT))
        assert isinstance(found, Invalid)
        assert found.error.code == "batch_not_split"
        assert found.submission.body == json.dumps(data).encode()
        again = evaluate_queued(found.submission, a_hook(**KIT))
        assert isinstance(again, Invalid)
        assert again.error.code == "batch_not_split"

    def test_p9_envelope_is_not_copied_more_often_than_a_body_has_bytes(self) -> None:
        data = envelope(*[{"email": f"{number}@example.com"} for number in range(100)], more="x" * 1_700)
        found = events(json_of(data), a_hook(**KIT))
        assert len(found) == 100
        assert sum(len(event.submission.body) for event in found) < 2 * MAX_BODY


class TestProofInTheBody:
    TOKEN: ClassVar = {"auth": {"scheme": "token", "secret": "x", "body": "meta.key"}}
    HMAC: ClassVar = {
        "auth": {"scheme": "body-hmac", "secret": "x", "signed": "data"},
        "answers": "parse_json(body.data)",
    }

    @pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-9"])
    def test_p8_token_in_the_body_goes_nowhere(self, encoding: str) -> None:
        source = a_hook(**self.TOKEN, batch=True)
        data = {"meta": {"key": "canary-key", "lead": 7}, "name": "Ayşe Example", "email": "ada@example.com"}
        body = json.dumps(data, ensure_ascii=False).encode(encoding)
        made = Submission("s1", "hook", 1_800_000_000, body, f"application/json; charset={encoding}")
        [event] = events(made, source)
        found = intake.evaluate(event, source)
        assert isinstance(found, Mapped)
        assert b"canary" not in found.submission.body
        assert json.loads(found.submission.body.decode(encoding)) == data | {"meta": {"lead": 7}}
        assert "canary" not in str(found.mapped.contact.body())
        assert found.submission.delivery_id == hashlib.sha256(found.submission.body).hexdigest()

    def test_p3_delivery_id_does_not_depend_on_the_token(self) -> None:
        ids = set()
        for key in ("one", "two"):
            found = posted(json_of(ADA | {"meta": {"key": key}}), a_hook(**self.TOKEN))
            ids.add(found.submission.delivery_id)
        assert len(ids) == 1

    def test_signature_in_the_body_is_not_kept(self) -> None:
        sent = {"data": json.dumps(ADA), "signature": "canary", "scope": "x"}
        found = posted(json_of(sent), a_hook(**self.HMAC), "signed-text")
        assert isinstance(found, Mapped)
        assert json.loads(found.submission.body) == {"data": json.dumps(ADA), "scope": "x"}
        assert found.submission.delivery_id == "signed-text"
        assert found.mapped.contact.email == "ada@example.com"

    @pytest.mark.parametrize("meta", [{}, None, "x", {"key": None}])
    def test_body_without_a_proof_keeps_its_bytes(self, meta: Any) -> None:
        """As a message that waited in a queue has it."""
        made = json_of(ADA | {"meta": meta})
        assert posted(made, a_hook(**self.TOKEN)).submission.body == made.body


class TestOrigins:
    def origins(self, data: Any, source: Form | Webhook) -> dict[str, tuple[str, str]]:
        found = posted(json_of(data), source)
        assert isinstance(found, Mapped)
        return {
            field: (origin.kind, origin.given or ",".join(".".join(one.path) for one in origin.answers))
            for field, origin in found.origins.items()
        }

    def test_origin_is_the_recognised_answer(self) -> None:
        answers = [
            {"key": "a", "type": "INPUT_EMAIL", "value": "ada@example.com"},
            {"key": "b", "label": "Company", "value": "Example Ltd"},
            {"key": "phone", "value": "+90 532 123 45 67"},
        ]
        assert self.origins(answers, a_hook()) == {
            "email": ("name", "a"),
            "full_name": ("stand-in", "b"),
            "description": ("name", "b"),
            "billing.phone": ("name", "phone"),
            "billing.phone_code": ("name", "phone"),
        }

    def test_origin_of_a_name_in_parts_names_each_part(self) -> None:
        data = {"first": "Ada", "last": "Example", "email": "ada@example.com", "city": "İzmir"}
        found = self.origins(data, a_form())
        assert found["full_name"] == ("name", "first,last")
        assert found["billing.district"] == ("name", "city")

    def test_expression_overrides_a_recognised_name_and_its_country_has_the_same_origin(self) -> None:
        source = a_form(contact={"billing.iso_code": "body.x1"})
        found = self.origins(ADA | {"x1": "DE", "message": "hello"}, source)
        assert found["billing.iso_code"] == found["billing.country"] == ("expression", "DE")
        assert found["description"] == ("name", "message")

    def test_origin_of_defaults_and_stand_ins_is_shown(self) -> None:
        source = a_form(contact={"description": "body.nothing"}, defaults={"description": "d"})
        found = self.origins({"email": "ada@example.com"}, source)
        assert found["description"] == ("default", "")
        assert found["full_name"] == ("stand-in", "")

    def test_origin_of_a_forms_billing_email_is_in_the_description(self) -> None:
        found = self.origins(ADA | {"billing_email": "b@example.com", "message": "hello"}, a_form())
        assert found["description"] == ("name", "billing_email,message")
        assert "billing.email" not in found


class Parsers:
    """Counts what reads a body: JSON by its root, forms by their kind."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(json, "loads", self.counting(json.loads))
        for kind in (Urlencoded, Multipart):
            monkeypatch.setattr(kind, "__init__", self.counting(kind.__init__))

    def counting(self, parse: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            if "object_pairs_hook" in named or isinstance(given[0], Urlencoded | Multipart):
                self.count += 1
            return parse(*given, **named)

        return counted


@pytest.fixture
def parsers(monkeypatch: pytest.MonkeyPatch) -> Parsers:
    return Parsers(monkeypatch)


class TestOneParse:
    """Each request parses its body once, whatever its source asks for."""

    @pytest.fixture
    def deps(self) -> FakeDependencies:
        spam = {"honeypot": "trap", "min_seconds": 1, "turnstile": "captcha", "disposable": True}
        return FakeDependencies(
            {"website": {"kind": "form", "spam": spam}, "crm": CRM}, crm=CRM_SECRET, captcha="s"
        )

    def send(self, deps: FakeDependencies, event: dict[str, Any]) -> str:
        app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        answer = app.resolve(event, Context())  # type: ignore[arg-type]
        return str(json.JSONDecoder().decode(answer["body"])["status"])

    def test_form_with_spam_rules_and_secrets_is_parsed_once(
        self, deps: FakeDependencies, parsers: Parsers
    ) -> None:
        sent = ADA | {"_elapsed": "9000", "cf-turnstile-response": "t", "password": "kanarya7"}
        assert self.send(deps, form(sent)) == "created"
        assert parsers.count == 1

    def test_multipart_form_with_secrets_is_parsed_once(
        self, deps: FakeDependencies, parsers: Parsers
    ) -> None:
        sent = ADA | {"_elapsed": "9000", "cf-turnstile-response": "t", "password": "kanarya7"}
        part = '--b\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        body = "".join(part.format(*field) for field in sent.items()) + "--b--\r\n"
        content_type = {"Content-Type": "multipart/form-data; boundary=b"}
        assert self.send(deps, request("POST", "/signups/website", body.encode(), content_type)) == "created"
        assert parsers.count == 1

    def test_webhook_with_secrets_is_parsed_once(self, deps: FakeDependencies, parsers: Parsers) -> None:
        assert self.send(deps, crm(ADA | {"password": "kanarya7"})) == "created"
        assert parsers.count == 1

    def test_batch_of_three_is_parsed_once(self, deps: FakeDependencies, parsers: Parsers) -> None:
        people = [ADA | {"email": f"ada{number}@example.com", "otp": "1"} for number in range(3)]
        assert self.send(deps, crm(people)) == "created"
        assert len(deps.clemta.stored) == 3
        assert parsers.count == 1

    def test_batch_that_is_not_ascii_is_parsed_once_more_for_its_entries_ids(
        self, deps: FakeDependencies, parsers: Parsers
    ) -> None:
        people = [ADA | {"name": "Ayşe", "email": f"ada{number}@example.com"} for number in range(3)]
        assert self.send(deps, crm(json.dumps(people, ensure_ascii=False).encode())) == "created"
        assert parsers.count == 2

    @pytest.mark.parametrize(
        ("source", "content_type", "body"),
        [
            ("website", FORM, b"email=ada@example.com&password=kanarya7"),
            ("crm", "application/json", b'[{"email": "ada@example.com", "password": "kanarya7"}]'),
        ],
    )
    def test_redelivered_message_is_parsed_once(
        self, deps: FakeDependencies, parsers: Parsers, source: str, content_type: str, body: bytes
    ) -> None:
        submission = Submission("s1", source, deps.clock(), body, content_type)
        envelope = Envelope(submission, 1, deps.clock(), Failure("outage", None, "x", ""))
        redelivery = Redelivery(deps)  # type: ignore[arg-type]
        redelivery.message("m1", encode_envelope(envelope), 1, Deadline.after(5))
        assert len(deps.clemta.stored) == 1
        assert parsers.count == 1
