"""Amazon Cognito's trigger: a confirmed user becomes a contact, and the person's sign-up never waits for ours."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.cognito import create_handler
from clemta_intake.deadlines import ANSWER_SECONDS
from clemta_intake.errors import KeyRefused, NotApplied, OutcomeUnknown, Unauthentic, Unavailable
from clemta_intake.intake import Mapped, evaluate_queued
from clemta_intake.model import Submission
from clemta_intake.queue_message import encode_envelope
from clemta_intake.receive import create_app
from clemta_intake.redeliver import create_handler as create_redelivery
from clemta_intake.sources.check import check_file
from clemta_intake.sources.config import Webhook, to_source
from clemta_intake.sources.expressions import search
from clemta_intake.sources.signatures import SignedPost, authenticate
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from ops.posts import Post, send
from ops.preview import preview
from tests.conftest import Lines
from tests.support.events import Context, batch, request
from tests.support.fakes import COMPANY, FakeDependencies

SAMPLE = Path(__file__).parents[2] / "events" / "cognito" / "post-confirmation.json"
COGNITO = {"kind": "cognito"}


@pytest.fixture
def deps() -> FakeDependencies:
    return FakeDependencies({"cognito": COGNITO, "website": {"kind": "form"}})


def event(trigger: str = "PostConfirmation_ConfirmSignUp", **attributes: str) -> dict[str, Any]:
    """The sample event with other attributes."""
    made: dict[str, Any] = json.loads(SAMPLE.read_text())
    made["triggerSource"] = trigger
    made["request"]["userAttributes"] |= attributes
    return made


def handle(deps: FakeDependencies, given: dict[str, Any]) -> None:
    """Invokes the function, which returns the event as it came."""
    before = copy.deepcopy(given)
    assert create_handler(lambda: deps)(given, Context()) == before  # type: ignore[arg-type, return-value]


def contact_of(deps: FakeDependencies) -> dict[str, Any]:
    [contact] = deps.clemta.stored.values()
    return contact


class TestSignUps:
    def test_confirmed_user_becomes_a_contact(self, deps: FakeDependencies, logged: Lines) -> None:
        handle(deps, event())
        contact = contact_of(deps)
        assert (contact["full_name"], contact["email"]) == ("Ada Example", "ada@example.com")
        billing = contact["billing"]
        assert (billing["phone_code"], billing["phone"]) == ("+90", "5321234567")
        assert (billing["postal_code"], billing["iso_code"]) == ("34710", "TR")
        assert "Company: Example Ltd" in contact["description"]
        [line] = logged()
        assert (line["outcome"], line["source"]) == ("created", "cognito")

    def test_whole_name_and_an_address_as_text_are_read(self, deps: FakeDependencies) -> None:
        handle(deps, event(name="Ada B. Example", address="Örnek Sokak 1"))
        assert contact_of(deps)["full_name"] == "Ada B. Example"
        assert contact_of(deps)["billing"]["address_1"] == "Örnek Sokak 1"

    def test_technical_attributes_are_no_answers(self, deps: FakeDependencies) -> None:
        handle(deps, event(identities="[]", updated_at="1"))
        assert not [
            text for text in ("6f1c2f3e", "CONFIRMED", "true") if text in json.dumps(contact_of(deps))
        ]

    def test_p3_call_that_cognito_repeats_makes_one_contact(
        self, deps: FakeDependencies, logged: Lines
    ) -> None:
        handle(deps, event())
        handle(deps, event())
        assert len(deps.clemta.stored) == 1
        assert logged()[-1]["outcome"] == "duplicate"
        assert {line["contact_id"] for line in logged()} == deps.clemta.stored.keys()

    def test_answer_may_wait_for_the_queue_only(self, deps: FakeDependencies, logged: Lines) -> None:
        deps.tables["cognito"] = {**COGNITO, "answer": "queued"}
        handle(deps, event())
        assert not deps.clemta.calls
        [(envelope, delay)] = deps.queues.retried
        assert (envelope.submission.source, envelope.attempt, delay) == ("cognito", 0, 0)
        assert logged()[-1]["outcome"] == "queued"

    def test_delivery_is_known_by_the_pool_and_the_user(self) -> None:
        source = to_source("cognito", COGNITO, COMPANY)
        found = evaluate_queued(
            Submission("s", "cognito", 0, json.dumps(event()).encode(), "application/json"), source
        )
        assert isinstance(found, Mapped)
        expected = "cognito:eu-central-1_EXAMPLE01:6f1c2f3e-9d0a-4b52-8c57-2f6f0d7a9b10"
        assert found.mapped.delivery_id == expected

    @pytest.mark.parametrize(
        "trigger",
        ["PostConfirmation_ConfirmForgotPassword", "PreSignUp_SignUp", "PostAuthentication_Authentication"],
    )
    def test_another_trigger_is_ignored(self, deps: FakeDependencies, logged: Lines, trigger: str) -> None:
        handle(deps, event(trigger))
        assert not deps.clemta.stored
        assert logged()[-1]["outcome"] == "ignored"

    def test_p7_cognito_gets_its_answer_in_time(self, deps: FakeDependencies) -> None:
        handle(deps, event())
        assert deps.answer_at.remaining() <= 3
        assert to_source("cognito", COGNITO, COMPANY).answer_seconds <= ANSWER_SECONDS


class TestNothingIsLost:
    """P1 and P4. The person's sign-up is confirmed, whatever happens here."""

    def test_p1_sign_up_waits_in_the_retry_queue_while_clemta_fails(
        self, deps: FakeDependencies, logged: Lines
    ) -> None:
        deps.clemta.fail("create", OutcomeUnknown("no_answer"))
        handle(deps, event())
        [(envelope, _)] = deps.queues.retried
        assert envelope.submission.source == "cognito"
        line = logged()[-1]
        assert (line["outcome"], line["code"]) == ("queued", "no_answer")

    def test_p3_queued_sign_up_becomes_one_contact(self, deps: FakeDependencies) -> None:
        deps.clemta.fail("create", NotApplied("x"))
        handle(deps, event())
        [(envelope, _)] = deps.queues.retried
        deps.clock.advance(3_600)
        redeliver = create_redelivery(lambda: deps)  # type: ignore[arg-type, return-value]
        assert redeliver(batch(encode_envelope(envelope)), Context(60)) == {"batchItemFailures": []}  # type: ignore[arg-type]
        assert contact_of(deps)["email"] == "ada@example.com"

    @pytest.mark.parametrize(("attributes", "failure"), [({"email": ""}, "data"), ({"address": "{"}, "data")])
    def test_p4_sign_up_that_cannot_be_mapped_is_parked(
        self, deps: FakeDependencies, attributes: dict[str, str], failure: str
    ) -> None:
        handle(deps, event(**attributes))
        assert [envelope.failure.failure_class for envelope in deps.queues.parked] == [failure]

    def test_p4_refused_key_parks_the_sign_up(self, deps: FakeDependencies) -> None:
        deps.clemta.fail("find", KeyRefused("UNAUTHORIZED", status=401))
        deps.clemta.fail("create", KeyRefused("UNAUTHORIZED", status=401))
        handle(deps, event())
        assert [envelope.failure.failure_class for envelope in deps.queues.parked] == ["config"]

    @pytest.mark.parametrize(("source", "code"), [("nowhere", "unknown_source"), ("website", "not_cognito")])
    def test_p4_wrong_source_parks_the_sign_up_until_it_is_configured(
        self, deps: FakeDependencies, source: str, code: str
    ) -> None:
        deps.settings.cognito_source = source
        handle(deps, event())
        [envelope] = deps.queues.parked
        assert (envelope.failure.failure_class, envelope.failure.code) == ("config", code)

    def test_p4_bug_of_ours_queues_the_sign_up(self, deps: FakeDependencies, logged: Lines) -> None:
        deps.clemta.fail("find", RuntimeError("ada@example.com"))
        deps.clemta.fail("create", RuntimeError("ada@example.com"))
        handle(deps, event())
        [(envelope, _)] = deps.queues.retried
        assert envelope.failure.code == "unexpected"
        lines = logged()
        assert [line["message"] for line in lines] == ["unexpected error", "submission"]
        assert "ada" not in json.dumps(lines), "P8"

    def test_p1_function_fails_only_if_nothing_is_durable(
        self, deps: FakeDependencies, logged: Lines
    ) -> None:
        deps.clemta.fail("create", NotApplied("x"))
        deps.queues.refuses = True
        with pytest.raises(Unavailable, match="The account is confirmed") as caught:
            handle(deps, event())
        assert caught.value.__cause__ is None
        line = logged()[-1]
        assert (line["outcome"], line["code"]) == ("unavailable", "queue_unavailable")

    def test_p1_failing_queue_matters_to_nobody_while_clemta_works(self, deps: FakeDependencies) -> None:
        deps.queues.refuses = True
        handle(deps, event())
        assert contact_of(deps)["email"] == "ada@example.com"

    def test_event_that_no_queue_could_carry_is_refused(self, deps: FakeDependencies, logged: Lines) -> None:
        handle(deps, event(**{"custom:essay": "x" * MAX_BODY}))
        assert logged()[-1]["outcome"] == "refused"
        assert not deps.queues.parked

    def test_p4_secrets_go_into_no_queue(self, deps: FakeDependencies) -> None:
        given = event()
        given["request"]["clientMetadata"] = {"password": "correct horse"}
        deps.clemta.fail("create", NotApplied("x"))
        handle(deps, given)
        [(envelope, _)] = deps.queues.retried
        assert b"horse" not in envelope.submission.body


class TestHttp:
    """P5: only IAM proves the origin, so no HTTP request is accepted."""

    @pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS"])
    def test_p5_source_has_no_address(self, deps: FakeDependencies, logged: Lines, method: str) -> None:
        app = create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        headers = {"Content-Type": "application/json", "Authorization": "Bearer cognito"}
        posted = request(method, "/signups/cognito", SAMPLE.read_bytes(), headers)
        assert app.resolve(posted, Context())["statusCode"] == 404  # type: ignore[arg-type]
        assert not deps.clemta.stored
        assert not deps.queues.parked

    def test_p5_verifier_refuses_every_request(self) -> None:
        source = to_source("cognito", COGNITO, COMPANY)
        assert isinstance(source, Webhook)
        for secrets in ((), ("",), ("x",)):
            post = SignedPost(b"", {"authorization": "Bearer x"}, {"token": "x"})
            with pytest.raises(Unauthentic):
                authenticate(source.auth, secrets, post, 0)


class TestSourcesFile:
    @pytest.mark.parametrize("policy", ["update", "create"])
    def test_cognito_source_takes_every_policy(self, tmp_path: Path, policy: str) -> None:
        """IAM signs the whole event, so nobody can repeat one, or change its delivery id."""
        file = tmp_path / "sources.toml"
        text = '[sources.cognito]\nkind = "cognito"\non_existing = "{}"\ndelivery_id = "body.userName"\n'
        file.write_text(text.format(policy))
        assert check_file(file) == ["cognito"]

    @pytest.mark.parametrize(
        ("separator", "text", "expected"),
        [
            (":", "custom:company", "company"),
            (":", "company", "company"),
            ("", "company", "company"),
            (":", "a:b:c", "c"),
        ],
    )
    def test_after_gives_the_text_after_the_last_separator(
        self, separator: str, text: str, expected: str
    ) -> None:
        assert search("x", f"after('{separator}', '{text}')", {}) == expected


class TestCommand:
    def environment(self) -> Environment:
        return Environment(StackLocation("stack", "us-east-1"), Path("sources.toml"))

    def test_preview_shows_what_an_event_becomes(self) -> None:
        source, post = to_source("cognito", COGNITO, COMPANY), Post.read(str(SAMPLE), [])
        [found] = preview(self.environment(), source, post, secrets=True)
        assert (found.status, found.authentic) == ("contact", None)
        assert found.request["full_name"] == "Ada Example"

    def test_send_says_that_there_is_no_address(self) -> None:
        source, post = to_source("cognito", COGNITO, COMPANY), Post.read(str(SAMPLE), [])
        with pytest.raises(OpsError, match="AWS service invokes"):
            send(self.environment(), source, post, None)
