"""Every answer of the HTTP interface."""

import gzip
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clemta_intake import receive, telemetry
from clemta_intake.errors import ConfigError, DataError, KeyRefused, OutcomeUnknown, Temporary
from tests.conftest import Lines
from tests.events import CRM_SECRET, Context, crm, form, request
from tests.fakes import FakeParts

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


class Api:
    """The routes on fakes; `send` gives the status, the headers in lower case and the body."""

    def __init__(self, parts: FakeParts) -> None:
        self.parts = parts
        self._app = receive.create_app(lambda: parts)  # type: ignore[arg-type, return-value]

    def send(self, event: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        answer = self._app.resolve(event, Context())  # type: ignore[arg-type]
        headers = {name.lower(): ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], headers, json.loads(answer["body"]) if answer["body"] else None


@pytest.fixture
def api() -> Api:
    return Api(FakeParts({"website": WEBSITE, "paged": PAGED, "crm": CRM}, crm=CRM_SECRET))


class TestForms:
    def test_a_sign_up_is_created(self, api: Api) -> None:
        status, headers, body = api.send(form(ADA))
        assert (status, headers["content-type"]) == (200, "application/json")
        assert body.keys() == {"status", "submission_id"}, "a form learns no contact id"
        assert body["status"] == "created"

    def test_p3_a_double_click_is_a_duplicate(self, api: Api) -> None:
        api.send(form(ADA))
        assert api.send(form(ADA))[2]["status"] == "duplicate"
        assert len(api.parts.clemta.stored) == 1

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
    def test_what_cannot_be_read_is_said_and_nothing_is_kept(
        self, api: Api, content_type: str, body: bytes, expected: int
    ) -> None:
        event = request("POST", "/signups/website", body, {"Content-Type": content_type})
        status, _, problem = api.send(event)
        assert status == problem["status"] == expected
        assert not api.parts.queues.parked
        assert not api.parts.clemta.stored

    @pytest.mark.parametrize("coding", ["gzip", "br", "GZIP, identity"])
    def test_a_compressed_body_is_refused_and_the_header_named(self, api: Api, coding: str) -> None:
        event = form(ADA, **{"Content-Encoding": coding})
        status, _, problem = api.send(event)
        assert (status, problem["status"]) == (415, 415)
        assert "Content-Encoding" in problem["detail"]
        assert not api.parts.clemta.stored
        assert api.send(form(ADA, **{"Content-Encoding": "Identity"}))[2]["status"] == "created"

    def test_broken_base64_is_unreadable(self, api: Api) -> None:
        event = form(ADA) | {"body": "%%%"}
        assert api.send(event)[0] == 400

    def test_a_page_is_sent_on_to_the_thanks(self, api: Api) -> None:
        status, headers, _ = api.send(form(ADA, "paged", Accept="text/html,*/*"))
        assert (status, headers["location"]) == (303, "https://www.example.com/thanks")

    def test_a_page_is_sent_on_to_the_error(self, api: Api) -> None:
        status, headers, _ = api.send(form({}, "paged", Accept="text/html,*/*"))
        assert (status, headers["location"]) == (303, "https://www.example.com/again")

    def test_a_script_gets_json_where_a_page_is_sent_on(self, api: Api) -> None:
        assert api.send(form(ADA, "paged"))[2]["status"] == "created"
        assert api.send(form({"x": "1"}, "paged"))[0] == 422

    def test_an_allowed_page_may_read_the_answer(self, api: Api) -> None:
        _, headers, _ = api.send(form(ADA, "paged", Origin="https://www.example.com"))
        assert headers["access-control-allow-origin"] == "https://www.example.com"
        assert headers["vary"] == "Origin"

    def test_any_page_may_where_none_is_named(self, api: Api) -> None:
        _, headers, _ = api.send(form(ADA, Origin="https://any.example"))
        assert headers["access-control-allow-origin"] == "https://any.example"

    def test_a_foreign_page_is_refused(self, api: Api) -> None:
        status, headers, _ = api.send(form(ADA, "paged", Origin="https://other.example"))
        assert status == 403
        assert "access-control-allow-origin" not in headers
        assert not api.parts.clemta.stored

    def test_a_form_with_a_broken_mapping_is_parked(self, api: Api) -> None:
        api.parts.tables["website"] = WEBSITE | {
            "contact": {"full_name": "to_number(body)[0].x.join('', `1`)"}
        }
        assert api.send(form(ADA))[2]["status"] == "parked"
        assert api.parts.queues.parked[0].failure.failure_class == "config"


class TestSpam:
    """A machine is told what a person is told, and nothing is made of what it sent."""

    TRAPPED = WEBSITE | {"spam": {"honeypot": "website_url", "min_seconds": 2}}
    GUARDED = WEBSITE | {"spam": {"turnstile": "captcha"}}

    def started(self, api: Api, seconds: float) -> dict[str, str]:
        return {"_started": str(int((api.parts.clock() - seconds) * 1000))}

    def test_a_person_passes(self, api: Api) -> None:
        api.parts.tables["website"] = self.TRAPPED
        assert api.send(form({**ADA, "website_url": "", **self.started(api, 3)}))[2]["status"] == "created"
        assert len(api.parts.clemta.stored) == 1

    def test_a_page_without_a_script_passes(self, api: Api) -> None:
        api.parts.tables["website"] = self.TRAPPED
        api.send(form(ADA))
        assert len(api.parts.clemta.stored) == 1

    @pytest.mark.parametrize(
        ("fields", "rule"),
        [
            ({"website_url": "https://spam.example"}, "honeypot"),
            ({"_started": "now"}, "too_fast"),
            ({"_started": "nan"}, "too_fast"),
            ({"_started": "1" * 30}, "too_fast"),
        ],
    )
    def test_a_machine_gets_the_answer_of_a_success(
        self, api: Api, logged: Lines, fields: dict[str, str], rule: str
    ) -> None:
        api.parts.tables["website"] = self.TRAPPED
        status, _, body = api.send(form({**ADA, **fields}))
        assert (status, body.keys(), body["status"]) == (200, {"status", "submission_id"}, "created")
        assert not api.parts.clemta.calls
        assert not api.parts.queues.retried
        assert (logged()[-1]["outcome"], logged()[-1]["rule"]) == ("spam", rule)

    def test_faster_than_a_person_is_a_machine(self, api: Api) -> None:
        api.parts.tables["website"] = self.TRAPPED
        for seconds in (1.9, -60):
            api.send(form({**ADA, **self.started(api, seconds)}))
        assert not api.parts.clemta.calls

    def test_a_machine_is_sent_on_to_the_thanks(self, api: Api) -> None:
        api.parts.tables["paged"] = PAGED | {"spam": {"honeypot": "trap"}}
        status, headers, _ = api.send(form({**ADA, "trap": "x"}, "paged", Accept="text/html"))
        assert (status, headers["location"]) == (303, "https://www.example.com/thanks")

    def test_what_cannot_be_read_is_still_said(self, api: Api) -> None:
        api.parts.tables["website"] = self.TRAPPED
        for body in (b"[]", b"{"):
            event = request("POST", "/signups/website", body, {"Content-Type": "application/json"})
            assert api.send(event)[0] == 400

    def test_a_throw_away_address_is_a_machines_where_the_form_says_so(self, api: Api, logged: Lines) -> None:
        api.parts.tables["website"] = WEBSITE | {"spam": {"disposable": True}}
        assert api.send(form({**ADA, "email": "ada@Mailinator.com"}))[2]["status"] == "created"
        assert not api.parts.clemta.calls
        assert logged()[-1]["rule"] == "disposable"
        api.send(form(ADA))
        assert len(api.parts.clemta.stored) == 1

    def test_a_day_has_so_many_sign_ups(self, api: Api) -> None:
        api.parts.tables["website"] = WEBSITE | {"spam": {"max_per_day": 2}}
        for number in range(2):
            assert api.send(form({**ADA, "email": f"ada{number}@example.com"}))[0] == 200
            assert api.send(form({"email": "nonsense"}))[0] == 422
        status, headers, _ = api.send(form(ADA))
        assert status == 429
        assert 0 < int(headers["retry-after"]) <= 86_400
        assert len(api.parts.clemta.stored) == 2

    @pytest.mark.parametrize(("person", "contacts"), [(True, 1), (False, 0)])
    def test_the_captchas_word_counts(self, api: Api, person: bool, contacts: int) -> None:
        api.parts.tables["website"] = self.GUARDED
        api.parts.secrets["captcha"] = "s"
        api.parts.captcha.person = person
        assert api.send(form({**ADA, "cf-turnstile-response": "token"}))[2]["status"] == "created"
        assert len(api.parts.clemta.stored) == contacts
        assert api.parts.captcha.asked == [("turnstile", "s", "token")]

    def test_without_a_token_the_captcha_is_not_asked(self, api: Api) -> None:
        api.parts.tables["website"] = self.GUARDED
        api.send(form(ADA))
        api.send(
            request(
                "POST",
                "/signups/website",
                b'{"cf-turnstile-response": 1}',
                {"Content-Type": "application/json"},
            )
        )
        assert not api.parts.captcha.asked
        assert not api.parts.clemta.calls

    @pytest.mark.parametrize(("outage", "status", "contacts"), [("accept", 200, 1), ("refuse", 503, 0)])
    @pytest.mark.parametrize("trouble", ["verifier", "secret", "secrets"])
    def test_its_outage_is_decided_by_the_form(
        self,
        api: Api,
        logged: Lines,
        trouble: str,
        outage: str,
        status: int,
        contacts: int,
    ) -> None:
        api.parts.tables["website"] = WEBSITE | {"spam": {"hcaptcha": "captcha", "captcha_outage": outage}}
        if trouble != "secret":
            api.parts.secrets["captcha"] = "s"
        api.parts.secrets_unavailable = trouble == "secrets"
        api.parts.captcha.person = None
        assert api.send(form({**ADA, "h-captcha-response": "token"}))[0] == status
        assert len(api.parts.clemta.stored) == contacts
        assert logged()[0]["CaptchaUnavailable"] == [1]


class TestBatches:
    def test_p2_p7_what_a_batch_has_no_time_for_comes_again_and_is_no_second_contact(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = Api(FakeParts({"crm": {**CRM, "batch": True}}, crm=CRM_SECRET))
        people = [{**LEAD, "email": f"bo{number}@example.com"} for number in range(4)]
        clock, passed = time.monotonic, 0.0

        def slow(call: Callable[..., Any], seconds: float) -> Callable[..., Any]:
            def slower(*given: Any) -> Any:
                nonlocal passed
                passed += seconds
                return call(*given)

            return slower

        with monkeypatch.context() as slowness:
            slowness.setattr(time, "monotonic", lambda: clock() + passed)
            slowness.setattr(api.parts.clemta, "create", slow(api.parts.clemta.create, 3))
            slowness.setattr(api.parts.queues, "retry", slow(api.parts.queues.retry, 0.6))
            status, headers, _ = api.send(crm(people))
        assert (status, headers["retry-after"]) == (503, "30")
        assert len(api.parts.clemta.stored) == 1
        assert len(api.parts.queues.retried) == 2
        assert api.send(crm(people))[0] == 200
        assert len(api.parts.clemta.stored) == 4


class TestWebhooks:
    def test_a_signed_event_is_created_and_answered_with_the_contacts_id(self, api: Api) -> None:
        status, _, body = api.send(crm(LEAD))
        assert (status, body["status"]) == (200, "created")
        assert api.parts.clemta.stored[body["contact_id"]]["full_name"] == "Bo"

    def test_p5_a_forged_event_is_refused_without_detail(self, api: Api) -> None:
        status, headers, body = api.send(crm(LEAD, secret="wrong"))
        assert status == 401
        assert body == {"type": "about:blank", "title": "Unauthorized", "status": 401}
        assert "access-control-allow-origin" not in headers
        assert not api.parts.clemta.stored

    def test_p5_a_compressed_body_is_told_so_only_if_it_is_proven(self, api: Api) -> None:
        compressed = gzip.compress(json.dumps(LEAD).encode())
        assert api.send(crm(compressed, **{"Content-Encoding": "gzip"}))[0] == 415
        assert api.send(crm(compressed, "wrong", **{"Content-Encoding": "gzip"}))[0] == 401
        assert not api.parts.queues.parked

    def test_p9_a_body_that_is_too_long_is_refused_before_it_is_decoded_or_proven(self, api: Api) -> None:
        for body in ("%" * 240_004, "A" * 240_004):
            status, _, problem = api.send(crm(LEAD) | {"body": body, "isBase64Encoded": True})
            assert (status, problem["title"]) == (413, "Content too large")

    def test_p9_a_handshake_is_short(self, api: Api) -> None:
        api.parts.tables["crm"] = {"kind": "formspree"}
        for spaces, answer in ((700, 200), (800, 401)):
            body = b" " * (spaces // 2) + b"{ }" + b" " * (spaces // 2)
            event = request("POST", "/signups/crm", body, {"X-Hook-Secret": "s"})
            assert api.send(event)[0] == answer, spaces

    def test_p5_without_a_secret_nothing_is_accepted(self, api: Api) -> None:
        api.parts.secrets.clear()
        assert api.send(crm(LEAD))[0] == 401

    def test_p5_a_body_that_is_no_base64_is_not_authentic(self, api: Api) -> None:
        assert api.send(crm(LEAD) | {"body": "%%%"})[0] == 401

    def test_p2_while_the_secrets_are_out_of_reach_the_sender_must_come_again(self, api: Api) -> None:
        api.parts.secrets_unavailable = True
        status, headers, _ = api.send(crm(LEAD))
        assert (status, headers["retry-after"]) == (503, "30")

    def test_another_event_is_ignored(self, api: Api) -> None:
        status, _, body = api.send(crm({"event": "lead.deleted"}))
        assert (status, body["status"]) == (200, "ignored")

    @pytest.mark.parametrize(
        "payload", [b"{", b"[1]", b'{"event":"lead.created"}', b'{"event":"lead.created","email":"x"}']
    )
    def test_p4_what_its_sender_cannot_mend_is_parked(self, api: Api, payload: bytes) -> None:
        api.parts.tables["crm"] = {key: value for key, value in CRM.items() if key != "accept"}
        status, _, body = api.send(crm(payload))
        assert (status, body["status"]) == (200, "parked")
        [envelope] = api.parts.queues.parked
        assert envelope.submission.body == payload
        assert envelope.failure.failure_class == "data"
        assert envelope.submission.submission_id == body["submission_id"]

    def test_p8_credentials_do_not_go_on_the_queue(self, api: Api) -> None:
        api.parts.clemta.fail("find", Temporary("x"))
        api.send(crm(LEAD, Authorization="Bearer abc", Cookie="a=b"))
        [(envelope, _)] = api.parts.queues.retried
        assert envelope.submission.headers == {"x-delivery": "d1"}
        assert envelope.submission.query == {}


class TestFailures:
    @pytest.mark.parametrize(
        ("call", "error", "expected"),
        [
            ("find", Temporary("RATE_LIMIT_EXCEEDED", status=429, retry_after=60), "queued"),
            ("create", OutcomeUnknown("no_answer"), "queued"),
            ("create", ConfigError("COMPANY_NOT_FOUND", status=404), "parked"),
            ("create", KeyRefused("INVALID_API_KEY", status=401), "parked"),
        ],
    )
    def test_p1_what_clemta_does_not_take_is_kept_and_acknowledged(
        self, api: Api, call: str, error: Exception, expected: str
    ) -> None:
        api.parts.clemta.fail(call, error)
        status, _, body = api.send(form(ADA))
        assert (status, body["status"]) == (200, expected)
        assert len(api.parts.queues.parked) + len(api.parts.queues.retried) == 1

    def test_p1_p2_what_is_not_durable_is_answered_with_503(self, api: Api) -> None:
        api.parts.queues.refuses = True
        api.parts.clemta.fail("find", Temporary("x"))
        status, headers, _ = api.send(form(ADA))
        assert (status, headers["retry-after"]) == (503, "30")

    def test_p2_p8_a_bug_is_answered_with_503_and_logged_by_place(
        self, monkeypatch: pytest.MonkeyPatch, logged: Lines
    ) -> None:
        def broken() -> Any:
            raise RuntimeError("ada@example.com")

        monkeypatch.setattr(receive, "app", receive.create_app(broken))
        answer = receive.handler(form(ADA), Context())  # type: ignore[arg-type]
        assert answer["statusCode"] == 503
        assert answer["headers"]["Retry-After"] == "30"
        [line] = logged()
        assert line["error"] == "RuntimeError"
        assert "test_receive.py" in line["where"]
        assert "ada@example.com" not in json.dumps(line)

    def test_p8_a_line_tells_the_outcome_and_nothing_of_the_person(self, api: Api, logged: Lines) -> None:
        api.parts.clemta.fail("create", DataError("VALIDATION_FAILED", "email ada@example.com", status=400))
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

    def test_a_refused_key_is_counted(self, api: Api, logged: Lines) -> None:
        api.parts.clemta.fail("create", KeyRefused("INVALID_API_KEY", status=401))
        api.send(form(ADA))
        assert logged()[0]["ClemtaUnauthorized"] == [1]

    def test_a_forged_request_is_counted_and_so_is_a_secret_that_is_missing(
        self, api: Api, logged: Lines
    ) -> None:
        api.send(crm(LEAD, secret="another"))
        api.parts.secrets.clear()
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

    def test_an_address_that_is_pasted_into_a_browser_says_that_it_is_ready(self, api: Api) -> None:
        status, _, body = api.send(request("GET", "/signups/crm"))
        assert (status, body) == (200, {"status": "ready"})

    def test_health(self, api: Api) -> None:
        status, _, body = api.send(request("GET", "/health"))
        assert (status, body["status"]) == (200, "ok")
        assert body["version"]

    def test_a_preflight_from_an_allowed_page(self, api: Api) -> None:
        event = request("OPTIONS", "/signups/paged", headers={"Origin": "https://www.example.com"})
        status, headers, _ = api.send(event)
        assert status == 204
        assert headers["access-control-allow-origin"] == "https://www.example.com"
        assert headers["access-control-allow-headers"] == "Content-Type"
        assert "POST" in headers["access-control-allow-methods"]

    @pytest.mark.parametrize("source", ["paged", "crm"])
    def test_a_preflight_from_any_other_page(self, api: Api, source: str) -> None:
        event = request("OPTIONS", f"/signups/{source}", headers={"Origin": "https://other.example"})
        status, headers, _ = api.send(event)
        assert status == 204
        assert "access-control-allow-origin" not in headers

    def test_the_handler_serves_the_routes(self) -> None:
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


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    source=st.sampled_from(["website", "paged", "crm"]),
    body=_BODIES,
    headers=_HEADERS,
    query=st.none() | st.dictionaries(_TEXT, _TEXT, max_size=2),
    binary=st.booleans(),
)
def test_p2_no_request_gets_a_server_error_or_half_a_contact(
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
    assert all(entry["email"] and entry["full_name"] for entry in api.parts.clemta.stored.values())
