"""Every answer of the HTTP interface."""

import gzip
import itertools
import json
import time
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clemta_intake import receive, telemetry
from clemta_intake.bodies.parse import read_body
from clemta_intake.captcha import Verdict
from clemta_intake.deadlines import Deadline
from clemta_intake.errors import (
    CaptchaTrouble,
    ConfigError,
    DataError,
    KeyRefused,
    NotApplied,
    OutcomeUnknown,
    RateLimited,
    Retryable,
    Unavailable,
)
from clemta_intake.intake import events
from clemta_intake.model import Envelope, Outcome, Place, Submission
from clemta_intake.queue_message import encode_envelope
from clemta_intake.redeliver import Redelivery
from clemta_intake.sources.config import Spam, to_source
from clemta_intake.sources.spam import answers_only
from tests.conftest import Lines
from tests.support.events import CRM_SECRET, FORM, Context, crm, form, request
from tests.support.examples import examples
from tests.support.fakes import COMPANY, FakeDependencies, contact

WEBSITE = {"kind": "form"}
PAGED = {
    "kind": "form",
    "allowed_origins": ["https://www.example.com"],
    "success_url": "https://www.example.com/thanks",
    "error_url": "https://www.example.com/again",
}
CRM = {
    "kind": "webhook",
    "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
    "delivery_id": 'headers."x-delivery"',
    "accept": "body.event=='lead.created'",
    "contact": {"full_name": "join(' ', [body.first, body.last])", "email": "body.email"},
}
ADA = {"full_name": "Ada Example", "email": "ada@example.com"}
LEAD = {"event": "lead.created", "first": "Bo", "last": None, "email": "bo@example.com"}


def posted(fields: dict[str, Any]) -> dict[str, Any]:
    """A form that a page's script sends as JSON."""
    content_type = {"Content-Type": "application/json"}
    return request("POST", "/signups/website", json.dumps(fields).encode(), content_type)


class Api:
    """The routes on fakes; `send` gives the status, the headers in lower case and the body, JSON as data."""

    def __init__(self, deps: FakeDependencies) -> None:
        self.deps = deps
        self._app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]

    def send(self, event: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        answer = self._app.resolve(event, Context())  # type: ignore[arg-type]
        headers = {name.lower(): ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        body = answer["body"]
        if body and "json" in headers["content-type"]:
            body = json.loads(body)
        return answer["statusCode"], headers, body or None


@pytest.fixture
def api() -> Api:
    return Api(FakeDependencies({"website": WEBSITE, "paged": PAGED, "crm": CRM}, crm=CRM_SECRET))


class TestForms:
    def test_posted_form_is_created(self, api: Api) -> None:
        status, headers, body = api.send(form(ADA))
        assert (status, headers["content-type"]) == (200, "application/json")
        assert body.keys() == {"status", "submission_id"}, "a form learns no contact id"
        assert body["status"] == "created"

    @pytest.mark.parametrize("policy", ["skip", "update"])
    def test_p3_p8_repeated_form_makes_no_contact_and_gets_the_same_answer(
        self, api: Api, logged: Lines, policy: str
    ) -> None:
        api.deps.tables["website"] = WEBSITE | {"on_existing": policy}
        first = api.send(form(ADA))
        again = api.send(form({**ADA, "phone": "+90 532 123 45 67"}))
        assert again[:2] == first[:2]
        assert again[2] == first[2] | {"submission_id": again[2]["submission_id"]}
        assert len(api.deps.clemta.stored) == 1
        assert logged()[-1]["outcome"] == {"skip": "duplicate", "update": "updated"}[policy]
        assert {line["contact_id"] for line in logged()} == api.deps.clemta.stored.keys()
        assert "contact_id" not in again[2]

    def test_a19_under_sam_local_a_requests_time_starts_at_its_receipt(self, api: Api) -> None:
        event = form(ADA)
        event["requestContext"]["requestTimeEpoch"] -= (
            10_000  # as `start-api` has it ten seconds after its start
        )
        assert api.send(event)[2]["status"] == "queued"
        api.deps.settings.sam_local = True
        assert api.send(event)[2]["status"] == "created"

    def test_a_missing_email_names_the_field(self, api: Api) -> None:
        status, headers, body = api.send(form({"name": "Ada"}))
        assert (status, headers["content-type"]) == (422, "application/problem+json")
        assert body["errors"] == [{"field": "email", "message": "is required"}]

    @pytest.mark.parametrize(
        ("content_type", "body", "expected"),
        [
            ("application/json", b"{", 400),
            ("application/json", b"[]", 400),
            ("application/json", b"", 400),
            ("application/json; charset=klingon", b"{}", 415),
            ("text/xml", b"<a/>", 415),
            ("application/json", b'{"a": "' + b"x" * 180_000 + b'"}', 413),
            ("application/json; p=" + "x" * 2_000, b'{"email": "ada@example.com"}', 413),
        ],
    )
    def test_unreadable_form_is_refused_with_its_reason_and_not_kept(
        self, api: Api, content_type: str, body: bytes, expected: int
    ) -> None:
        event = request("POST", "/signups/website", body, {"Content-Type": content_type})
        status, _, problem = api.send(event)
        assert status == problem["status"] == expected
        assert not api.deps.queues.parked
        assert not api.deps.clemta.stored

    def test_p1_body_that_grows_above_the_limit_after_redaction_is_refused_with_413(self, api: Api) -> None:
        """As one that is too large: no queue message could carry it, so a 503 would come for ever."""
        numbers = ",".join(["1e15"] * 1_900)
        body = (
            f'{{"email": "ada@example.com", "password": "x", "message": "{"x" * 165_000}", "n": [{numbers}]}}'
        )
        event = request("POST", "/signups/website", body.encode(), {"Content-Type": "application/json"})
        assert api.send(event)[0] == 413
        assert not api.deps.clemta.stored

    @pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity"])
    def test_a_compressed_body_is_refused_and_the_header_named(self, api: Api, coding: str) -> None:
        event = form(ADA, **{"Content-Encoding": coding})
        status, _, problem = api.send(event)
        assert (status, problem["status"]) == (415, 415)
        assert "Content-Encoding" in problem["detail"]
        assert not api.deps.clemta.stored
        assert api.send(form(ADA, **{"Content-Encoding": "Identity"}))[2]["status"] == "created"

    def test_broken_base64_is_refused_without_an_internal_detail(self, api: Api) -> None:
        status, _, problem = api.send(form(ADA) | {"body": "%%%"})
        assert status == 400
        assert problem == {"type": "about:blank", "title": "Unreadable body", "status": 400}

    def test_page_is_redirected_to_success_url(self, api: Api) -> None:
        status, headers, _ = api.send(form(ADA, "paged", Accept="text/html,*/*"))
        assert (status, headers["location"]) == (303, "https://www.example.com/thanks")

    @pytest.mark.parametrize(
        ("headers", "page"),
        [
            ({"Accept": "text/html,application/xhtml+xml;q=0.9"}, True),
            ({"Accept": " Text/HTML;q=1"}, True),
            ({"Accept": "*/*", "Sec-Fetch-Mode": "navigate"}, True),
            ({"Accept": "application/json,text/html,application/xhtml+xml"}, False),
            ({"Accept": "text/htmlx"}, False),
            ({"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, False),
            ({}, False),
        ],
    )
    def test_page_is_recognised_by_accept_html_or_by_navigation_mode(
        self, api: Api, headers: dict[str, str], page: bool
    ) -> None:
        assert api.send(form(ADA, "paged", **headers))[0] == (303 if page else 200)

    def test_page_is_redirected_to_error_url(self, api: Api) -> None:
        status, headers, _ = api.send(form({}, "paged", Accept="text/html,*/*"))
        assert (status, headers["location"]) == (303, "https://www.example.com/again")

    def test_script_gets_json_where_a_page_is_redirected(self, api: Api) -> None:
        assert api.send(form(ADA, "paged"))[2]["status"] == "created"
        assert api.send(form({"x": "1"}, "paged"))[0] == 422

    def test_an_allowed_page_may_read_the_answer(self, api: Api) -> None:
        _, headers, _ = api.send(form(ADA, "paged", Origin="https://www.example.com"))
        assert headers["access-control-allow-origin"] == "https://www.example.com"
        assert headers["vary"] == "Origin"

    def test_origins_are_case_insensitive(self, api: Api) -> None:
        status, headers, _ = api.send(form(ADA, "paged", Origin="HTTPS://WWW.Example.com"))
        assert (status, headers["access-control-allow-origin"]) == (200, "HTTPS://WWW.Example.com")

    def test_any_origin_may_read_the_answer_without_allowed_origins(self, api: Api) -> None:
        _, headers, _ = api.send(form(ADA, Origin="https://any.example"))
        assert headers["access-control-allow-origin"] == "https://any.example"

    @pytest.mark.parametrize("source", ["website", "paged"])
    def test_page_without_an_origin_may_post_but_not_read_the_answer(self, api: Api, source: str) -> None:
        status, headers, _ = api.send(form(ADA, source, Origin="null"))
        assert (status, len(api.deps.clemta.stored)) == (200, 1)
        assert "access-control-allow-origin" not in headers
        preflight = request("OPTIONS", f"/signups/{source}", headers={"Origin": "null"})
        assert "access-control-allow-origin" not in api.send(preflight)[1]

    def test_page_of_a_foreign_origin_is_refused(self, api: Api) -> None:
        status, headers, _ = api.send(form(ADA, "paged", Origin="https://other.example"))
        assert status == 403
        assert "access-control-allow-origin" not in headers
        assert not api.deps.clemta.stored

    def test_a_form_with_a_broken_mapping_is_parked(self, api: Api) -> None:
        api.deps.tables["website"] = WEBSITE | {
            "contact": {"full_name": "to_number(body)[0].x.join('', `1`)"}
        }
        assert api.send(form(ADA))[2]["status"] == "parked"
        assert api.deps.queues.parked[0].failure.failure_class == "config"


class TestSpam:
    """What a rule takes for a machine's is told what a person is told, and held."""

    TRAPPED = WEBSITE | {"spam": {"honeypot": "_leave_empty", "min_seconds": 2}}

    def test_form_that_breaks_no_spam_rule_is_created(self, api: Api) -> None:
        api.deps.tables["website"] = self.TRAPPED
        assert api.send(form({**ADA, "_leave_empty": "", "_elapsed": "2000"}))[2]["status"] == "created"
        assert len(api.deps.clemta.stored) == 1
        assert not api.deps.queues.held

    @pytest.mark.parametrize(
        "fields", [{}, {"_elapsed": ""}, {"_elapsed": "soon"}, {"_elapsed": [1]}, {"_elapsed": True}]
    )
    def test_form_without_an_elapsed_time_is_created(self, api: Api, fields: dict[str, Any]) -> None:
        api.deps.tables["website"] = self.TRAPPED
        assert api.send(posted({**ADA, **fields}))[2]["status"] == "created"
        assert len(api.deps.clemta.stored) == 1

    def test_obsolete_load_time_field_is_ignored(self, api: Api) -> None:
        api.deps.tables["website"] = self.TRAPPED
        api.send(posted({**ADA, "_started": api.deps.clock() * 1000}))
        assert len(api.deps.clemta.stored) == 1

    @pytest.mark.parametrize(
        ("fields", "rule"),
        [
            ({"_leave_empty": "https://spam.example"}, "honeypot"),
            ({"_elapsed": "1999"}, "too_fast"),
            ({"_elapsed": 0}, "too_fast"),
            ({"_elapsed": 12.5}, "too_fast"),
        ],
    )
    def test_p1_spam_is_held_and_answered_as_a_success(
        self, api: Api, logged: Lines, fields: dict[str, Any], rule: str
    ) -> None:
        api.deps.tables["website"] = self.TRAPPED
        status, _, body = api.send(posted({**ADA, **fields}))
        assert (status, body.keys(), body["status"]) == (200, {"status", "submission_id"}, "created")
        assert not api.deps.clemta.calls
        assert not api.deps.ledger.items
        [held] = api.deps.queues.held
        assert held.submission.submission_id == body["submission_id"]
        assert (held.failure.failure_class, held.failure.code, held.attempt) == ("spam", rule, 0)
        assert json.loads(held.submission.body)["email"] == "ada@example.com"
        assert (logged()[-1]["outcome"], logged()[-1]["code"]) == ("held", rule)
        assert logged()[-1]["Submissions"] == 1

    @pytest.mark.parametrize(
        "elapsed",
        [10**400, -(10**400), -1, "1" + "0" * 400, "nan", "1e999", "-2"],
        ids=lambda elapsed: str(elapsed)[:6] + type(elapsed).__name__,
    )
    def test_p2_impossible_elapsed_time_is_refused_by_field(self, api: Api, elapsed: Any) -> None:
        api.deps.tables["website"] = self.TRAPPED
        status, _, body = api.send(posted({**ADA, "_elapsed": elapsed}))
        assert (status, [error["field"] for error in body["errors"]]) == (422, ["_elapsed"])
        assert not api.deps.queues.held

    def test_p1_p2_spam_that_no_queue_accepts_is_answered_with_503(self, api: Api) -> None:
        api.deps.tables["website"] = self.TRAPPED
        api.deps.queues.refuses = True
        status, headers, _ = api.send(form({**ADA, "_leave_empty": "x"}))
        assert (status, headers["retry-after"]) == (503, "30")

    def test_page_with_spam_is_redirected_to_success_url(self, api: Api) -> None:
        api.deps.tables["paged"] = PAGED | {"spam": {"honeypot": "trap"}}
        status, headers, _ = api.send(form({**ADA, "trap": "x"}, "paged", Accept="text/html"))
        assert (status, headers["location"]) == (303, "https://www.example.com/thanks")
        assert len(api.deps.queues.held) == 1

    def test_unreadable_or_unmappable_form_is_refused_before_spam_rules_apply(self, api: Api) -> None:
        api.deps.tables["website"] = self.TRAPPED
        for body, expected in ((b"[]", 400), (b"{", 400), (b'{"_leave_empty": "x"}', 422)):
            event = request("POST", "/signups/website", body, {"Content-Type": "application/json"})
            assert api.send(event)[0] == expected
        assert not api.deps.queues.held

    @pytest.mark.parametrize("domain", ["Mailinator.com", "x.mailinator.com", "a.b.mailinator.com"])
    def test_disposable_address_is_held_if_the_form_sets_disposable(self, api: Api, domain: str) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"disposable": True}}
        assert api.send(form({**ADA, "email": f"ada@{domain}"}))[2]["status"] == "created"
        assert not api.deps.clemta.calls
        assert [held.failure.code for held in api.deps.queues.held] == ["disposable"]
        api.send(form({**ADA, "email": "ada@mailinator.com.example.org"}))
        assert len(api.deps.clemta.stored) == 1

    @pytest.mark.parametrize(
        ("trap", "held"), [("company=&company=", 0), ("company[]=", 0), ("company=&company=x", 1)]
    )
    def test_repeated_trap_field_counts_as_filled_if_one_of_them_is(
        self, api: Api, trap: str, held: int
    ) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"honeypot": "company"}}
        body = f"email=ada%40example.com&{trap}".encode()
        api.send(request("POST", "/signups/website", body, {"Content-Type": FORM}))
        assert len(api.deps.queues.held) == held

    def test_spam_fields_never_reach_the_contact(self, api: Api) -> None:
        api.deps.tables["website"] = WEBSITE | {
            "spam": {"honeypot": "company", "min_seconds": 2},
            "contact": {
                "description": "join(' ', [body._elapsed, body.\"cf-turnstile-response\", body.note])"
            },
        }
        fields = {"_elapsed": "3000", "cf-turnstile-response": "token", "_leave_empty": "", "note": "Hello"}
        api.send(form({**ADA, **fields}))
        [stored] = api.deps.clemta.stored.values()
        assert stored["description"] == "Hello"
        assert {"_leave_empty", "company"}.isdisjoint(
            answers_only({"company": "x", "_leave_empty": "x"}, Spam(honeypot="company"))
        )


class TestTheDailyNumber:
    """`max_per_day` counts contacts that are about to be made, or queued to be; what is over it is held."""

    CAPPED = WEBSITE | {"spam": {"max_per_day": 2}}

    def test_submission_over_the_daily_cap_is_held_and_leaves_no_claim(self, api: Api, logged: Lines) -> None:
        api.deps.tables["website"] = self.CAPPED
        for number in range(3):
            answer = api.send(form({**ADA, "email": f"ada{number}@example.com"}))
            assert (answer[0], answer[2]["status"]) == (200, "created")
        assert len(api.deps.clemta.stored) == 2
        assert [held.failure.code for held in api.deps.queues.held] == ["max_per_day"]
        assert logged()[-1]["outcome"] == "held"
        assert [item["state"] for item in api.deps.ledger.items.values()] == ["created", "created", "free"]
        api.deps.daily_cap.taken = 0  # the next day
        api.send(form({**ADA, "email": "ada2@example.com"}))
        assert (len(api.deps.clemta.stored), api.deps.daily_cap.taken) == (3, 1)

    def test_invalid_forms_and_duplicates_do_not_count_against_the_daily_cap(self, api: Api) -> None:
        api.deps.tables["website"] = self.CAPPED
        api.deps.clemta.create(contact("bo@example.com"), Deadline.after(5))
        api.send(form(ADA))
        for fields in (ADA, ADA, {**ADA, "email": "bo@example.com"}, {"email": "nonsense"}):
            api.send(form(fields))
        assert (len(api.deps.clemta.stored), api.deps.daily_cap.taken) == (2, 1)
        assert not api.deps.queues.held

    def test_repeat_of_a_queued_submission_counts_once_against_the_daily_cap(self, api: Api) -> None:
        api.deps.tables["website"] = self.CAPPED
        for error in (NotApplied("RATE_LIMIT_EXCEEDED", status=429), OutcomeUnknown("no_answer")):
            api.deps.clemta.fail("create", error)
            assert api.send(form(ADA))[2]["status"] == "queued"
        assert api.deps.daily_cap.taken == 1

    @pytest.mark.parametrize("error", [RateLimited("budget_used_up"), NotApplied("no_answer")])
    def test_queued_flood_counts_against_the_daily_cap_at_once(self, api: Api, error: Retryable) -> None:
        """Nobody counts what comes from the queue: a flood beyond Clemta's limit was delivered whole."""
        api.deps.tables["website"] = self.CAPPED
        for number in (0, 1, 1, 2):
            api.deps.clemta.fail("find", error)
            api.send(form({**ADA, "email": f"ada{number}@example.com"}))
        assert [again.submission.source for again, _ in api.deps.queues.retried] == ["website"] * 3
        assert [held.failure.code for held in api.deps.queues.held] == ["max_per_day"]
        assert {item["state"] for item in api.deps.ledger.items.values()} == {"free"}
        api.deps.clemta.create(contact("bo@example.com"), Deadline.after(5))
        api.send(form({**ADA, "email": "bo@example.com"}))
        assert api.deps.daily_cap.taken == 2, "who is known takes none"

    def test_concurrent_posts_cannot_exceed_the_daily_cap(self, api: Api) -> None:
        api.deps.tables["website"] = self.CAPPED
        for wanted, taken in (("bo@example.com", 0), ("ada@example.com", 2)):
            api.deps.ledger.claim(contact(wanted), "")  # another request is at it
            api.deps.daily_cap.taken = taken
            api.send(form({**ADA, "email": wanted}))
            assert api.deps.daily_cap.taken == taken
        assert (len(api.deps.queues.retried), len(api.deps.queues.held)) == (1, 1)

    def test_submission_queued_for_lack_of_time_counts_against_the_daily_cap(self, api: Api) -> None:
        api.deps.tables["website"] = self.CAPPED
        for number in range(3):
            late = form({**ADA, "email": f"ada{number}@example.com"})
            late["requestContext"]["requestTimeEpoch"] -= 3_000
            api.send(late)
        assert (len(api.deps.queues.retried), len(api.deps.queues.held)) == (2, 1)

    def test_redelivery_does_not_count_against_the_daily_cap(self, api: Api) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"max_per_day": 1}}
        api.send(form({**ADA, "email": "bo@example.com"}))
        api.send(form(ADA))
        [held] = api.deps.queues.held
        redelivery = Redelivery(api.deps)  # type: ignore[arg-type]
        redelivery.message("m1", encode_envelope(held), 1, Deadline.after(5))
        assert len(api.deps.clemta.stored) == 2


class TestCaptcha:
    """A person without a good token can try again; our own trouble is an outage; nobody is dropped."""

    GUARDED = WEBSITE | {"spam": {"turnstile": "captcha"}}
    TOKEN: ClassVar = {"cf-turnstile-response": "token"}

    @pytest.fixture(autouse=True)
    def _guarded(self, api: Api) -> None:
        api.deps.tables["website"] = self.GUARDED
        api.deps.secrets.stored["captcha"] = "s"

    def refused(self, api: Api, fields: dict[str, Any]) -> None:
        """The answer is 422 and names the token's field, and nothing is kept."""
        status, _, body = api.send(posted({**ADA, **fields}))
        assert (status, [error["field"] for error in body["errors"]]) == (422, ["cf-turnstile-response"])
        assert all(error["message"] for error in body["errors"])
        assert not api.deps.clemta.calls
        assert not api.deps.queues.held

    def test_form_with_a_valid_captcha_is_created(self, api: Api) -> None:
        assert api.send(form({**ADA, **self.TOKEN}))[2]["status"] == "created"
        assert len(api.deps.clemta.stored) == 1
        assert api.deps.captcha.asked == [("turnstile", "s", "token")]

    @pytest.mark.parametrize(
        ("token", "code"),
        [
            ({}, "captcha_missing"),
            ({"cf-turnstile-response": ""}, "captcha_missing"),
            ({"cf-turnstile-response": 1}, "captcha_missing"),
            ({"cf-turnstile-response": "x" * 8_193}, "captcha_malformed"),
            ({"cf-turnstile-response": "to\u00e9ken"}, "captcha_malformed"),
            ({"cf-turnstile-response": "to\nken"}, "captcha_malformed"),
        ],
    )
    def test_malformed_captcha_token_is_refused_without_a_call(
        self, api: Api, logged: Lines, token: dict[str, Any], code: str
    ) -> None:
        self.refused(api, token)
        assert not api.deps.captcha.asked
        assert (logged()[-1]["outcome"], logged()[-1]["code"]) == ("refused", code)

    def test_captcha_token_of_the_maximum_length_is_verified(self, api: Api) -> None:
        api.send(form({**ADA, "cf-turnstile-response": "x" * 8_192}))
        assert len(api.deps.clemta.stored) == 1

    def test_p1_form_with_a_refused_captcha_token_is_not_kept_and_can_be_sent_again(
        self, api: Api, logged: Lines
    ) -> None:
        api.deps.captcha.says = Verdict(False)
        self.refused(api, self.TOKEN)
        assert logged()[-1]["code"] == "captcha_refused"
        assert "CaptchaUnavailable" not in logged()[-1]

    def test_refused_captcha_has_precedence_over_spam_rules_and_impossible_time_over_the_captcha(
        self, api: Api
    ) -> None:
        api.deps.tables["website"] = WEBSITE | {
            "spam": {"turnstile": "captcha", "honeypot": "trap", "min_seconds": 2}
        }
        assert api.send(form({**ADA, **self.TOKEN, "_elapsed": "nan"}))[0] == 422
        assert not api.deps.captcha.asked, "its token is good for another try"
        self.refused(api, {"trap": "x"})
        assert api.send(form({**ADA, **self.TOKEN, "trap": "x"}))[0] == 200
        assert [held.failure.code for held in api.deps.queues.held] == ["honeypot"]

    @pytest.mark.parametrize(("outage", "status", "contacts"), [("accept", 200, 1), ("refuse", 503, 0)])
    @pytest.mark.parametrize(
        "trouble", ["verifier", "its own error", "no secret", "empty secret", "wrong secret", "secrets"]
    )
    def test_captcha_outage_is_counted_and_handled_as_the_form_sets(
        self,
        api: Api,
        logged: Lines,
        trouble: str,
        outage: str,
        status: int,
        contacts: int,
    ) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"hcaptcha": "captcha", "captcha_outage": outage}}
        if trouble == "no secret":
            del api.deps.secrets.stored["captcha"]
        if trouble == "empty secret":
            api.deps.secrets.stored["captcha"] = ["", ""]
        api.deps.secrets.unavailable = trouble == "secrets"
        api.deps.captcha.says = {
            "verifier": NotApplied("captcha_unavailable"),
            "its own error": CaptchaTrouble("captcha_error"),
            "wrong secret": CaptchaTrouble("captcha_secret_refused"),
        }.get(trouble, Verdict(True))
        assert api.send(form({**ADA, "h-captcha-response": "token"}))[0] == status
        assert len(api.deps.clemta.stored) == contacts
        assert logged()[0]["CaptchaUnavailable"] == [1]
        assert (logged()[0]["code"] == "captcha_secret_missing") == (trouble in ("no secret", "empty secret"))
        assert len(api.deps.captcha.asked) == (trouble in ("verifier", "its own error", "wrong secret"))
        assert not api.deps.queues.held

    def test_p2_without_time_for_the_captcha_the_answer_is_503_and_not_an_outage(self, api: Api) -> None:
        late = form({**ADA, **self.TOKEN})
        late["requestContext"]["requestTimeEpoch"] -= 3_000
        status, headers, _ = api.send(late)
        assert (status, headers["retry-after"]) == (503, "30")
        assert not api.deps.captcha.asked, "its token is good for another try"
        assert not api.deps.clemta.stored

    @pytest.mark.parametrize(
        ("says", "status"),
        [
            (NotApplied("captcha_unavailable"), 503),
            (CaptchaTrouble("captcha_error"), 200),
            (Verdict(True), 200),
        ],
    )
    def test_p2_too_little_time_for_the_verifier_is_not_an_outage(
        self, api: Api, says: Any, status: int
    ) -> None:
        api.deps.captcha.says = says
        late = form({**ADA, **self.TOKEN})
        late["requestContext"]["requestTimeEpoch"] -= 2_000
        assert api.send(late)[0] == status
        assert len(api.deps.clemta.stored) == (status == 200)

    def test_rotated_captcha_secret_is_read_again(self, api: Api, logged: Lines) -> None:
        api.deps.captcha.of_secret["s"] = CaptchaTrouble("captcha_secret_refused")
        api.deps.secrets.newer["captcha"] = ["new", "s"]
        api.send(form({**ADA, **self.TOKEN}))
        assert [secret for _, secret, _ in api.deps.captcha.asked] == ["s", "new"]
        assert len(api.deps.clemta.stored) == 1
        assert not any("CaptchaUnavailable" in line for line in logged())

    def test_each_captcha_secret_is_tried_once(self, api: Api) -> None:
        api.deps.secrets.stored["captcha"] = ["", "one", "two", "three"]
        for secret in ("one", "two"):
            api.deps.captcha.of_secret[secret] = CaptchaTrouble("captcha_secret_refused")
        api.deps.captcha.says = Verdict(False)
        self.refused(api, self.TOKEN)
        assert [secret for _, secret, _ in api.deps.captcha.asked] == ["one", "two", "three"]

    @pytest.mark.parametrize(
        ("hostname", "status"), [("www.example.com", 200), ("evil.example", 422), ("", 422)]
    )
    def test_captcha_token_of_another_host_is_refused_if_the_form_sets_hostname(
        self, api: Api, logged: Lines, hostname: str, status: int
    ) -> None:
        spam = {"turnstile": "captcha", "hostname": "WWW.example.com"}
        api.deps.tables["website"] = WEBSITE | {"spam": spam}
        api.deps.captcha.says = Verdict(True, hostname)
        assert api.send(form({**ADA, **self.TOKEN}))[0] == status
        assert (logged()[-1].get("code") == "captcha_hostname") == (status == 422)

    @pytest.mark.parametrize(
        ("score", "outcome", "contacts"),
        [
            (0.5, "created", 1),
            (0.4, "held", 0),
            (float("nan"), "held", 0),
            (0, "held", 0),
            (None, "created", 1),
        ],
    )
    def test_low_captcha_score_is_held(
        self, api: Api, logged: Lines, score: float | None, outcome: str, contacts: int
    ) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"recaptcha": "captcha", "min_score": 0.5}}
        api.deps.captcha.says = Verdict(True, "", score)
        assert api.send(form({**ADA, "g-recaptcha-response": "token"}))[2]["status"] == "created"
        assert logged()[-1]["outcome"] == outcome
        assert len(api.deps.clemta.stored) == contacts
        assert [held.failure.code for held in api.deps.queues.held] == ["captcha_score"] * (1 - contacts)
        assert ("CaptchaUnavailable" in logged()[0]) == (score is None), "its key is none of v3"

    def test_refused_captcha_token_without_a_score_is_not_an_outage(self, api: Api) -> None:
        api.deps.tables["website"] = WEBSITE | {"spam": {"recaptcha": "captcha", "min_score": 0.5}}
        api.deps.captcha.says = Verdict(False)
        assert api.send(form({**ADA, "g-recaptcha-response": "token"}))[0] == 422


class TestQueuedAnswers:
    """`answer = "queued"`: the answer waits for the retry queue only."""

    @pytest.fixture
    def api(self) -> Api:
        tables = {
            "website": {**WEBSITE, "answer": "queued", "spam": {"honeypot": "url"}},
            "crm": {**CRM, "answer": "queued", "batch": True},
        }
        return Api(FakeDependencies(tables, crm=CRM_SECRET))

    def test_p1_sign_up_is_queued_to_be_delivered_at_once(self, api: Api, logged: Lines) -> None:
        status, _, body = api.send(form(ADA))
        assert (status, body["status"], body.keys()) == (200, "queued", {"status", "submission_id"})
        [(envelope, delay)] = api.deps.queues.retried
        assert (envelope.submission.submission_id, delay) == (body["submission_id"], 0)
        assert (envelope.attempt, envelope.not_before, envelope.slot) == (0, 0, "")
        assert logged()[-1]["outcome"] == "queued"

    def test_p3_p6_delivery_from_the_queue_is_a_newcomers_and_makes_one_contact(self, api: Api) -> None:
        for _ in range(2):
            api.send(form(ADA))
        assert not api.deps.clemta.calls
        assert not api.deps.ledger.items
        for envelope, _ in api.deps.queues.retried:
            Redelivery(api.deps).message("m", encode_envelope(envelope), 1, Deadline.after(10))  # type: ignore[arg-type]
        assert [entry["email"] for entry in api.deps.clemta.stored.values()] == ["ada@example.com"]
        assert api.deps.clemta.served == [Place("open")] * 2

    def test_each_entry_of_a_batch_is_queued(self, api: Api) -> None:
        body = api.send(crm(json.dumps([LEAD, {**LEAD, "email": "cy@example.com"}]).encode()))[2]
        assert [entry["status"] for entry in body["submissions"]] == ["queued", "queued"]
        assert not api.deps.clemta.calls
        assert len(api.deps.queues.retried) == 2

    def test_p2_if_sqs_refuses_the_sender_is_asked_to_come_again(self, api: Api) -> None:
        api.deps.queues.refuses = True
        status, headers, _ = api.send(form(ADA))
        assert (status, "retry-after" in headers) == (503, True)

    def test_p5_unauthenticated_and_wrong_posts_are_refused_as_ever(self, api: Api) -> None:
        assert api.send(crm(b"{}", secret="another"))[0] == 401
        assert api.send(form({"full_name": "Ada Example"}))[0] == 422
        assert not api.deps.queues.retried

    def test_p8_held_submission_has_the_same_answer(self, api: Api) -> None:
        status, _, body = api.send(form({**ADA, "url": "https://example.com"}))
        assert (status, body["status"]) == (200, "queued")
        assert len(api.deps.queues.held) == 1
        assert not api.deps.queues.retried

    def test_max_per_day_counts_each_sign_up(self, api: Api) -> None:
        api.deps.tables["website"] = {**WEBSITE, "answer": "queued", "spam": {"max_per_day": 2}}
        answers = [api.send(form(ADA))[2]["status"] for _ in range(3)]
        assert answers == ["queued"] * 3
        assert [len(api.deps.queues.retried), len(api.deps.queues.held)] == [2, 1]


class TestTime:
    @pytest.mark.parametrize(
        ("given", "seconds"), [({}, 4), ({"answer_seconds": 2}, 2), ({"answer_seconds": 0.5}, 0.5)]
    )
    def test_p7_deadline_of_a_request_is_its_sources_answer_seconds(
        self, given: dict[str, Any], seconds: float
    ) -> None:
        api = Api(FakeDependencies({"website": {**WEBSITE, **given}}))
        event = form(ADA)
        event["requestContext"]["requestTimeEpoch"] = None
        began = time.monotonic()
        api.send(event)
        assert began + seconds - 0.2 < api.deps.answer_at.at < time.monotonic() + seconds

    @pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS"])
    def test_p7_slow_read_of_the_live_sources_takes_at_most_half_a_second(
        self, api: Api, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        left: list[float] = []
        find = api.deps.source

        def source(name: str) -> Any:
            left.append(api.deps.answer_at.remaining())
            return find(name)

        monkeypatch.setattr(api.deps, "source", source)
        assert api.send(request(method, "/signups/website"))[0] in (200, 204, 400, 415, 422)
        assert len(left) == 1
        assert 0 < left[0] < 0.5

    @pytest.mark.parametrize("method", ["POST", "GET", "OPTIONS"])
    def test_p2_source_that_may_be_in_a_version_that_cannot_be_read_is_asked_to_come_again(
        self, monkeypatch: pytest.MonkeyPatch, method: str
    ) -> None:
        deps = FakeDependencies({})

        def unavailable(_: str) -> None:
            raise Unavailable("sources_unavailable")

        monkeypatch.setattr(deps, "source", unavailable)
        status, headers, _ = Api(deps).send(request(method, "/signups/website"))
        assert (status, "retry-after" in headers) == (503, True)

    @pytest.mark.parametrize("people", [1, 3])
    def test_p7_each_entry_leaves_time_to_queue_itself_and_those_after_it(
        self, monkeypatch: pytest.MonkeyPatch, people: int
    ) -> None:
        api = Api(FakeDependencies({"crm": {**CRM, "batch": True}}, crm=CRM_SECRET))
        reserved: list[float] = []

        def deliver(*given: Any) -> Outcome:
            reserved.append(round(api.deps.answer_at.at - given[2].at, 6))
            return Outcome("created", "c1")

        monkeypatch.setattr(api.deps.delivery, "deliver", deliver)
        leads = [{**LEAD, "email": f"bo{number}@example.com"} for number in range(people)]
        assert api.send(crm(leads))[0] == 200
        assert reserved == [round(1.4 + 0.02 * others, 6) for others in reversed(range(people))]


def split(whole: Submission) -> list[Submission]:
    source = to_source("crm", {**CRM, "batch": True}, COMPANY)
    return [event.submission for event in events(whole, source)]


class TestBatches:
    @pytest.mark.parametrize(("entries", "numbers"), [(0, 0), (1, 0), (2, 2), (100, 100), (101, 0)])
    def test_batch_of_up_to_100_entries_becomes_submissions_numbered_from_1(
        self, entries: int, numbers: int
    ) -> None:
        whole = Submission("s", "crm", 0, json.dumps([LEAD] * entries).encode(), "application/json")
        found = split(whole)
        if numbers:
            assert [one.submission_id for one in found] == [f"s-{n}" for n in range(1, numbers + 1)]
            assert all(json.loads(one.body) == [LEAD] for one in found)
        else:
            assert found == [whole]

    @pytest.mark.parametrize("charset", ["utf-8", "iso-8859-9", "windows-1252"])
    def test_batch_entries_are_decoded_in_the_batchs_charset(self, charset: str) -> None:
        people = [{**LEAD, "last": "Müller", "email": f"bo{number}@example.com"} for number in range(2)]
        body = json.dumps(people, ensure_ascii=False).encode(charset)
        batch = split(Submission("s", "crm", 0, body, f"application/json; charset={charset}"))
        names = [read_body(one.content_type, one.body)[0]["last"] for one in batch]
        assert names == ["Müller", "Müller"]

    @pytest.mark.parametrize("charset", ["windows-1252", "iso-8859-9", "windows-1254"])
    def test_p3_p5_replayed_batch_in_another_charset_makes_no_second_contacts(self, charset: str) -> None:
        table = {**CRM, "batch": True, "on_existing": "create", "delivery_id": None}
        api = Api(FakeDependencies({"crm": table}, crm=CRM_SECRET))
        people = [{**LEAD, "last": "Müller", "email": f"bo{number}@example.com"} for number in range(2)]
        captured = json.dumps(people, ensure_ascii=False).encode()
        for content_type in ("application/json", f"application/json; charset={charset}"):
            api.send(crm(captured, **{"Content-Type": content_type}))
        assert len(api.deps.clemta.stored) == 2

    def test_p4_a_batch_of_which_an_entry_grows_too_large_for_the_queue_stays_whole(self) -> None:
        body = json.dumps(["ü" * 100_000, ""], ensure_ascii=False).encode("latin-1")
        whole = Submission("s", "crm", 0, body, "application/json; charset=latin-1")
        assert split(whole) == [whole]

    def test_p9_a_batch_whose_texts_hold_too_much_json_stays_whole(self) -> None:
        entries = [{"text": "[" + "0," * 5_000 + "0]"}] * 2
        whole = Submission("s", "crm", 0, json.dumps(entries).encode(), "application/json")
        assert split(whole) == [whole]
        half = Submission("s", "crm", 0, json.dumps([entries[0], {}]).encode(), "application/json")
        assert len(split(half)) == 2

    @pytest.fixture
    def batches(self) -> Api:
        return Api(FakeDependencies({"crm": {**CRM, "batch": True}}, crm=CRM_SECRET))

    def slowly(
        self, api: Api, people: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, **seconds: float
    ) -> tuple[int, dict[str, str], Any]:
        """Sends the batch while these calls take so many seconds of virtual time."""
        clock, passed = time.monotonic, 0.0

        def slow(call: Callable[..., Any], seconds: float) -> Callable[..., Any]:
            def slower(*given: Any) -> Any:
                nonlocal passed
                passed += seconds
                return call(*given)

            return slower

        with monkeypatch.context() as slowness:
            slowness.setattr(time, "monotonic", lambda: clock() + passed)
            for name, each in seconds.items():
                owner = api.deps.clemta if name == "create" else api.deps.queues
                slowness.setattr(owner, name, slow(getattr(owner, name), each))
            return api.send(crm(people))

    def test_p2_p7_batch_entries_without_time_come_again_and_make_no_second_contact(
        self, batches: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = [{**LEAD, "email": f"bo{number}@example.com"} for number in range(4)]
        status, headers, _ = self.slowly(batches, people, monkeypatch, create=3, retry=0.6)
        assert (status, headers["retry-after"]) == (503, "30")
        assert len(batches.deps.clemta.stored) == 1
        assert len(batches.deps.queues.retried) == 1
        status, _, body = batches.send(crm(people))
        assert status == 200
        statuses = [result["status"] for result in body["submissions"]]
        assert statuses == ["created", "queued", "created", "created"]
        assert len(batches.deps.clemta.stored) == 3
        assert len(batches.deps.queues.retried) == 1

    def test_p4_late_batch_processes_at_least_one_entry(self, batches: Api) -> None:
        late = crm([{**LEAD, "email": f"bo{number}@example.com"} for number in range(3)])
        late["requestContext"]["requestTimeEpoch"] -= 3_800
        for entries in (1, 2):
            assert batches.send(late)[0] == 503
            assert len(batches.deps.queues.retried) == entries
        assert batches.send(late)[0] == 200

    def test_p4_batch_that_is_cut_off_repeatedly_parks_each_bad_entry_once(
        self, batches: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = [{**LEAD, "email": "nobody", "first": str(number)} for number in range(12)]
        answers: list[int] = []
        while 200 not in answers and len(answers) < 10:
            status, _, body = self.slowly(batches, people, monkeypatch, park=1)
            answers.append(status)
        assert answers == [503, 503, 200]
        again = batches.send(crm(people))[2]["submissions"]
        assert again == body["submissions"], "should the answer be lost, it is given again"
        assert [result["status"] for result in body["submissions"]] == ["parked"] * 12
        parked = [letter.submission for letter in batches.deps.queues.parked]
        assert [json.loads(one.body)[0]["first"] for one in parked] == [str(number) for number in range(12)]
        assert [result["submission_id"] for result in body["submissions"]] == [
            one.submission_id for one in parked
        ]

    def test_p2_p4_batch_continues_where_the_queue_failed(self, batches: Api) -> None:
        people = [{**LEAD, "email": email} for email in ("nobody", "bo@example.com", "no", "none")]
        batches.deps.queues.refuses = True
        assert batches.send(crm(people))[0] == 503
        assert not batches.deps.batches.known
        park = batches.deps.queues.park
        batches.deps.queues.refuses = False

        def once(envelope: Envelope) -> None:
            park(envelope)
            batches.deps.queues.refuses = True

        batches.deps.queues.park = once  # type: ignore[method-assign]
        assert batches.send(crm(people))[0] == 503
        assert len(batches.deps.queues.parked) == 1
        batches.deps.queues.park = park  # type: ignore[method-assign]
        batches.deps.queues.refuses = False
        assert batches.send(crm(people))[0] == 200
        assert len(batches.deps.queues.parked) == 3
        assert len(batches.deps.clemta.stored) == 1


class TestWebhooks:
    def test_a_signed_event_is_created_and_answered_with_the_contacts_id(self, api: Api) -> None:
        status, _, body = api.send(crm(LEAD))
        assert (status, body["status"]) == (200, "created")
        assert api.deps.clemta.stored[body["contact_id"]]["full_name"] == "Bo"

    def test_p5_a_forged_event_is_refused_without_detail(self, api: Api) -> None:
        status, headers, body = api.send(crm(LEAD, secret="wrong"))
        assert status == 401
        assert body == {"type": "about:blank", "title": "Unauthorized", "status": 401}
        assert "access-control-allow-origin" not in headers
        assert not api.deps.clemta.stored

    def test_p5_compressed_body_gets_its_reason_only_if_authenticated(self, api: Api) -> None:
        compressed = gzip.compress(json.dumps(LEAD).encode())
        assert api.send(crm(compressed, **{"Content-Encoding": "gzip"}))[0] == 415
        assert api.send(crm(compressed, "wrong", **{"Content-Encoding": "gzip"}))[0] == 401
        assert not api.deps.queues.parked

    def test_p9_too_long_body_is_refused_before_decoding_and_authentication(self, api: Api) -> None:
        for body in ("%" * 240_004, "A" * 240_004):
            status, _, problem = api.send(crm(LEAD) | {"body": body, "isBase64Encoded": True})
            assert (status, problem["title"]) == (413, "Content too large")

    def test_p9_long_body_is_no_handshake(self, api: Api) -> None:
        api.deps.tables["crm"] = {"kind": "formspree"}
        for spaces, answer in ((700, 200), (800, 401)):
            body = b" " * (spaces // 2) + b"{ }" + b" " * (spaces // 2)
            event = request("POST", "/signups/crm", body, {"X-Hook-Secret": "s"})
            assert api.send(event)[0] == answer, spaces

    @pytest.mark.parametrize(
        ("echo", "status"), [("s" * 200, 200), ("s" * 201, 401), ("", 401), ("\u00e9", 401)]
    )
    def test_p9_handshake_echoes_only_short_printable_values(
        self, api: Api, logged: Lines, echo: str, status: int
    ) -> None:
        api.deps.tables["crm"] = {"kind": "formspree"}
        answered = api.send(request("POST", "/signups/crm", b"{}", {"X-Hook-Secret": echo}))
        assert answered[0] == status
        assert answered[1].get("x-hook-secret") == (echo if status == 200 else None)
        assert (logged()[-1]["outcome"] == "handshake") == (status == 200)

    def test_p5_without_a_secret_nothing_is_accepted(self, api: Api) -> None:
        api.deps.secrets.stored.clear()
        assert api.send(crm(LEAD))[0] == 401

    def test_p5_webhook_with_invalid_base64_is_unauthentic(self, api: Api) -> None:
        assert api.send(crm(LEAD) | {"body": "%%%"})[0] == 401

    def test_p2_unreachable_secrets_are_answered_with_503(self, api: Api) -> None:
        api.deps.secrets.unavailable = True
        status, headers, _ = api.send(crm(LEAD))
        assert (status, headers["retry-after"]) == (503, "30")

    def test_event_that_is_not_accepted_is_ignored(self, api: Api) -> None:
        status, _, body = api.send(crm({"event": "lead.deleted"}))
        assert (status, body["status"]) == (200, "ignored")

    @pytest.mark.parametrize(
        "payload", [b"{", b"[1]", b'{"event":"lead.created"}', b'{"event":"lead.created","email":"x"}']
    )
    def test_p4_unmappable_webhook_is_parked(self, api: Api, payload: bytes) -> None:
        api.deps.tables["crm"] = {key: value for key, value in CRM.items() if key != "accept"}
        status, _, body = api.send(crm(payload))
        assert (status, body["status"]) == (200, "parked")
        [envelope] = api.deps.queues.parked
        assert envelope.submission.body == payload
        assert envelope.failure.failure_class == "data"
        assert envelope.submission.submission_id == body["submission_id"]

    def test_p8_credentials_are_not_put_on_the_queue(self, api: Api) -> None:
        api.deps.clemta.fail("find", NotApplied("x"))
        api.send(crm(LEAD, Authorization="Bearer abc", Cookie="a=b"))
        [(envelope, _)] = api.deps.queues.retried
        assert envelope.submission.headers == {"x-delivery": "d1"}
        assert envelope.submission.query == {}


class TestFailures:
    @pytest.mark.parametrize(
        ("call", "error", "expected"),
        [
            ("find", NotApplied("RATE_LIMIT_EXCEEDED", status=429, retry_after=60), "queued"),
            ("create", OutcomeUnknown("no_answer"), "queued"),
            ("create", ConfigError("COMPANY_NOT_FOUND", status=404), "parked"),
            ("create", KeyRefused("INVALID_API_KEY", status=401), "parked"),
        ],
    )
    def test_p1_submission_that_clemta_refuses_is_kept_and_acknowledged(
        self, api: Api, call: str, error: Exception, expected: str
    ) -> None:
        api.deps.clemta.fail(call, error)
        status, _, body = api.send(form(ADA))
        assert (status, body["status"]) == (200, expected)
        assert len(api.deps.queues.parked) + len(api.deps.queues.retried) == 1

    def test_p1_p2_submission_that_is_not_durable_is_answered_with_503(self, api: Api) -> None:
        api.deps.queues.refuses = True
        api.deps.clemta.fail("find", NotApplied("x"))
        status, headers, _ = api.send(form(ADA))
        assert (status, headers["retry-after"]) == (503, "30")

    def test_p2_p8_a_bug_is_answered_with_503_and_logged_by_place(
        self, monkeypatch: pytest.MonkeyPatch, logged: Lines
    ) -> None:
        def broken() -> Any:
            raise RuntimeError("ada@example.com")

        monkeypatch.setattr(receive, "app", receive.create_app(broken))
        answer = receive.handler(form(ADA), Context())  # type: ignore[arg-type]
        body = json.loads(answer.pop("body"))
        assert body == {"type": "about:blank", "title": "Service unavailable", "status": 503}
        assert answer == {
            "statusCode": 503,
            "headers": {"Content-Type": "application/problem+json", "Retry-After": "30"},
            "isBase64Encoded": False,
        }
        [line] = logged()
        assert line["error"] == "RuntimeError"
        assert "test_receive.py" in line["where"]
        assert "ada@example.com" not in json.dumps(line)

    def test_p8_log_line_has_the_outcome_and_no_personal_data(self, api: Api, logged: Lines) -> None:
        api.deps.clemta.fail("create", DataError("VALIDATION_FAILED", "email ada@example.com", status=400))
        _, _, body = api.send(form(ADA))
        [line] = logged()
        assert line.pop("ms") >= 0
        assert line["timestamp"]
        assert {key: line[key] for key in line.keys() - {"timestamp", "location", "level", "_aws"}} == {
            "message": "submission",
            "service": telemetry.log.service,
            "submission_id": body["submission_id"],
            "source": "website",
            "outcome": "parked",
            "failure": "DataError",
            "code": "VALIDATION_FAILED",
            "clemta_status": 400,
            "Submissions": 1,
        }

    @pytest.mark.parametrize(
        ("event", "outcome"),
        [
            (form(ADA), "created"),
            (crm(LEAD), "created"),
            (crm({"event": "other"}), "ignored"),
            (crm({"event": "lead.created"}), "parked"),
            (crm(LEAD, secret="wrong"), "unauthentic"),
            (form({}), "refused"),
            (request("POST", "/signups/nobody", b"{}"), "refused"),
        ],
    )
    def test_each_request_logs_one_line_with_outcome_and_milliseconds(
        self,
        api: Api,
        logged: Lines,
        monkeypatch: pytest.MonkeyPatch,
        event: dict[str, Any],
        outcome: str,
    ) -> None:
        ticks = itertools.count()
        monkeypatch.setattr(time, "monotonic", lambda: 5_000 + next(ticks) / 1_000)
        api.send(event | {"requestContext": {}})
        monkeypatch.undo()
        [line] = logged()
        assert line["outcome"] == outcome
        assert 1 <= line["ms"] < 1_000, "each look at the clock is a millisecond"

    def test_a_refused_key_is_counted(self, api: Api, logged: Lines) -> None:
        api.deps.clemta.fail("create", KeyRefused("INVALID_API_KEY", status=401))
        api.send(form(ADA))
        assert logged()[0]["ClemtaUnauthorized"] == [1]

    def test_forged_request_and_missing_secret_are_counted(self, api: Api, logged: Lines) -> None:
        api.send(crm(LEAD, secret="another"))
        api.deps.secrets.stored.clear()
        api.send(crm(LEAD))
        forged, missing = logged()
        assert (forged["outcome"], forged["code"]) == ("unauthentic", "signature_mismatch")
        assert "SigningSecretMissing" not in forged
        assert (missing["outcome"], missing["SigningSecretMissing"]) == ("unauthentic", [1])


class TestOtherRoutes:
    def test_an_unknown_source_is_not_found(self, api: Api) -> None:
        for method in ("POST", "GET", "OPTIONS"):
            assert api.send(request(method, "/signups/nobody", b"{}"))[0] == 404

    def test_an_unknown_address_is_not_found(self, api: Api) -> None:
        assert api.send(request("POST", "/elsewhere", b"{}"))[0] == 404

    def test_get_of_a_source_answers_ready(self, api: Api) -> None:
        status, _, body = api.send(request("GET", "/signups/crm"))
        assert (status, body) == (200, {"status": "ready"})

    def test_health_route_answers_200(self, api: Api) -> None:
        status, _, body = api.send(request("GET", "/health"))
        assert (status, body["status"]) == (200, "ok")
        assert body["version"]

    @pytest.mark.parametrize("mapping", ["", "/v1", "/intake/web"])
    def test_a6_every_route_works_under_a_custom_domain_with_any_base_path(
        self, api: Api, mapping: str
    ) -> None:
        def status(event: dict[str, Any]) -> int:
            event["path"] = event["requestContext"]["path"] = mapping + event["path"]
            event["requestContext"]["domainName"] = "signups.example.com"
            return api.send(event)[0]

        assert status(form(ADA)) == 200
        assert status(crm(LEAD)) == 200
        assert status(request("GET", "/signups/website")) == 200
        assert status(request("OPTIONS", "/signups/website")) == 204
        assert status(request("GET", "/health")) == 200
        assert status(request("POST", "/signups/nobody", b"{}")) == 404
        assert status(request("POST", "/elsewhere", b"{}")) == 404

    def test_event_without_a_resource_is_routed_by_its_path(self, api: Api) -> None:
        assert api.send({**request("GET", "/signups/website"), "resource": None})[0] == 200

    def test_preflight_from_an_allowed_origin_is_accepted(self, api: Api) -> None:
        event = request("OPTIONS", "/signups/paged", headers={"Origin": "https://www.example.com"})
        status, headers, _ = api.send(event)
        assert status == 204
        assert headers["access-control-allow-origin"] == "https://www.example.com"
        assert headers["access-control-allow-headers"] == "Content-Type"
        assert "POST" in headers["access-control-allow-methods"]

    @pytest.mark.parametrize("source", ["paged", "crm"])
    def test_preflight_from_another_origin_is_refused(self, api: Api, source: str) -> None:
        event = request("OPTIONS", f"/signups/{source}", headers={"Origin": "https://other.example"})
        status, headers, _ = api.send(event)
        assert status == 204
        assert "access-control-allow-origin" not in headers

    def test_handler_serves_every_route(self) -> None:
        answer = receive.handler(request("GET", "/health"), Context())  # type: ignore[arg-type]
        assert answer["statusCode"] == 200


_TEXT = st.text(max_size=20)
_HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "content-type", "Accept", "Origin", "X-Signature", "Authorization"])
    | _TEXT,
    st.lists(
        st.sampled_from(["application/json", "multipart/form-data; boundary=b", "text/html", "sha256=00"])
        | _TEXT,
        min_size=1,
    ),
    max_size=4,
)
_BODIES = st.binary(max_size=60) | st.sampled_from(
    [
        b'{"email":"a@example.com"}',
        b"email=a@example.com&name=%00",
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n--b--\r\n',
    ]
)


@settings(
    max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    source=st.sampled_from(["website", "paged", "crm"]),
    body=_BODIES,
    headers=_HEADERS,
    query=st.none() | st.dictionaries(_TEXT, _TEXT, max_size=2),
    binary=st.booleans(),
)
def test_p2_any_request_gets_no_unexpected_error_and_no_incomplete_contact(
    api: Api,
    source: str,
    body: bytes,
    headers: dict[str, list[str]],
    query: dict[str, str] | None,
    binary: bool,
) -> None:
    event = request("POST", f"/signups/{source}", body, headers, query)
    if not binary:
        event |= {"body": body.decode("utf-8", "surrogateescape"), "isBase64Encoded": False}
    assert api.send(event)[0] in (200, 303, 400, 401, 403, 413, 415, 422)
    assert all(entry["email"] and entry["full_name"] for entry in api.deps.clemta.stored.values())
