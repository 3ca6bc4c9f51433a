"""Every sender by name: its sample, signed by its own rule, is the expected contact; anything else is refused (P5)."""

import base64
import hashlib
import json
import random
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from copy import replace
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from stripe import WebhookSignature
from svix.webhooks import Webhook as Svix

from clemta_intake import receive
from clemta_intake.bodies.parse import read_body
from clemta_intake.errors import DataError, NotApplied, Refused, Unauthentic, Unmappable, Unreadable
from clemta_intake.model import Submission
from clemta_intake.queue_message import encode_envelope
from clemta_intake.sources import config
from clemta_intake.sources.answers import Answer, to_answers, to_text
from clemta_intake.sources.config import Webhook, presets, to_source
from clemta_intake.sources.expressions import search
from clemta_intake.sources.kept import kept_headers, kept_query
from clemta_intake.sources.mapping import expression_data
from clemta_intake.sources.signatures import SignedPost, authenticate
from ops.signers import BODY_SIGNERS, SIGNERS, TIMED, URI, jws
from tests.support.evaluation import mapped, posted
from tests.support.events import Context, request
from tests.support.fakes import COMPANY, FakeDependencies
from tests.support.samples import SENDERS, Sample
from tests.support.signers import PAYLOADS, REAL, REAL_HEADERS, library_signature, real_sample

NOW = 1_793_523_600.0
NAMES = SENDERS
TOKEN = [name for name in NAMES if presets()[name]["auth"]["scheme"] in ("token", "basic")]
IN_QUERY = [name for name in NAMES if presets()[name]["auth"] == {"scheme": "token"}]
IN_BODY = sorted(BODY_SIGNERS)
SIGNED = [name for name in NAMES if name not in TOKEN]


def source(name: str, **table: Any) -> Webhook:
    made = to_source("x", {"kind": name, **table}, COMPANY)
    assert isinstance(made, Webhook)
    return made


def submission(name: str, body: bytes, content_type: str, headers: dict[str, str]) -> Submission:
    made = source(name)
    return Submission("s1", "x", NOW, body, content_type, kept_headers(made, headers), kept_query(made, {}))


def accepts(
    name: str,
    headers: dict[str, str],
    body: bytes,
    secrets: tuple[str, ...],
    now: float = NOW,
    query: dict[str, str] | None = None,
) -> bool:
    try:
        authenticate(source(name).auth, secrets, SignedPost(body, headers, query or {}, URI), now)
    except Unauthentic:
        return False
    return True


def test_every_preset_has_a_sample_and_a_signer() -> None:
    folder = Path(__file__).parents[2] / "events" / "sources"
    assert {path.stem for path in folder.glob("*.json")} == set(NAMES) == SIGNERS.keys()
    assert all({"title", "sign_up", "retries"} <= preset.keys() for preset in presets().values())
    told = {name for name, preset in presets().items() if "token_place" in preset}
    assert told == {name for name, preset in presets().items() if preset["auth"]["scheme"] == "token"}


@pytest.mark.parametrize("name", NAMES)
def test_sample_of_each_preset_maps_to_the_expected_contact(name: str) -> None:
    sample = Sample(name)
    assert accepts(name, sample.signed(NOW), sample.body, (sample.secret,))
    reading = mapped(submission(name, sample.body, sample.content_type, sample.headers), source(name))
    assert reading is not None
    body = reading.contact.body()
    assert body.pop("company_id") == COMPANY
    assert sample.is_contact(body), body


def read(
    name: str, body: bytes, content_type: str, headers: dict[str, str]
) -> tuple[list[Answer], dict[str, str]]:
    """The answers that the preset finds, and the text of each field that its `contact` reads."""
    made, posted = source(name), submission(name, body, content_type, headers)
    data = expression_data(posted, made, read_body(content_type, body))
    answers = to_answers(search("answers", made.answers, data)) if made.answers else []
    return answers, {field: to_text(search(field, text, data)) for field, text in made.contact.items()}


@pytest.mark.parametrize("name", NAMES)
def test_p4_every_answer_of_a_sample_arrives_with_its_label(name: str) -> None:
    sample = Sample(name)
    answers, _ = read(name, sample.body, sample.content_type, sample.headers)
    assert [(answer.name, answer.value) for answer in answers] == sample.answers


@pytest.mark.parametrize("name", [name for name in NAMES if "json" in Sample(name).content_type])
@pytest.mark.parametrize("value", ["x", [[], {"id": []}], {"a": None}])
def test_answers_of_an_unexpected_shape_fail_no_expression(name: str, value: Any) -> None:
    """Each value of the sample in turn is of another shape than the sender documents."""
    sample = Sample(name)
    made = source(name)
    for changed in variants(json.loads(sample.body), value):
        data = expression_data(submission(name, b"{}", "", {}), made, changed)
        for text in (made.answers, made.accept, made.delivery_id, *made.contact.values()):
            if text and "headers" not in text:
                with suppress(Unreadable):  # a text that should hold JSON
                    search(name, text, data)


def variants(data: Any, value: Any) -> Iterator[Any]:
    """Copies of the data, each with the value in one other place."""
    yield value
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, inner in items:
        for changed in variants(inner, value):
            yield (
                {**data, key: changed} if isinstance(data, dict) else [*data[:key], changed, *data[key + 1 :]]
            )


@pytest.mark.parametrize("name", [name for name in NAMES if "event_time" in presets()[name]])
def test_p3_event_time_of_each_preset_is_read(name: str) -> None:
    sample = Sample(name)
    made = submission(name, sample.body, sample.content_type, sample.headers)
    reading = mapped(replace(made, received_at=NOW + 600), source(name))
    assert reading is not None
    assert reading.happened_at == NOW


@pytest.mark.parametrize("name", [name for name in NAMES if "delivery_id" in presets()[name]])
def test_repeated_delivery_of_each_preset_has_the_same_id(name: str) -> None:
    sample = Sample(name)
    made = submission(name, sample.body, sample.content_type, sample.headers)
    first, second = mapped(made, source(name)), mapped(made, source(name))
    assert first is not None
    assert second is not None
    assert first.delivery_id == second.delivery_id


@pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_BODY])
@pytest.mark.parametrize(
    "attack",
    ["no header", "empty header", "empty secret", "no secret", "other secret", "rotated-out secret", "non-ASCII",
     "9 KB", "junk", "header twice"],
)  # fmt: skip
def test_p5_unauthenticated_request_is_refused(name: str, attack: str) -> None:
    sample = Sample(name)
    good = sample.signed(NOW)
    added = good.keys() - sample.headers.keys() - {"content-type"}
    header = next(key for key in sorted(added) if "timestamp" not in key and not key.endswith("-id"))
    other = (
        "whsec_" + base64.b64encode(b"another secret of the sender").decode() if name in TIMED else "another"
    )
    secrets: tuple[str, ...] = (sample.secret,)
    headers = dict(good)
    match attack:
        case "no header":
            del headers[header]
        case "empty header":
            headers[header] = "  "
        case "empty secret":
            secrets = ("", "  ")
        case "no secret":
            secrets = ()
        case "other secret":
            headers = sample.signed(NOW, secret=other)
        case "rotated-out secret":
            secrets = (other,)
        case "non-ASCII":
            headers[header] = good[header][:-3] + "éüç"
        case "9 KB":
            headers[header] = good[header] + "a" * 9_000
        case "junk":
            headers[header] = "v1,%%%,t=,;.."
        case "header twice":
            headers[header] = f"{good[header]}x, {good[header]}x"
    assert not accepts(name, headers, sample.body, secrets)


@pytest.mark.parametrize("name", NAMES)
def test_p5_the_second_secret_of_a_rotation_is_accepted(name: str) -> None:
    sample = Sample(name)
    other = "whsec_" + base64.b64encode(b"the sender's newer secret").decode()
    assert accepts(name, sample.signed(NOW), sample.body, (other, sample.secret))


@pytest.mark.parametrize("name", IN_BODY)
def test_p5_body_without_the_senders_proof_is_refused(name: str) -> None:
    sample = Sample(name)
    headers = sample.signed(NOW)
    posted = json.loads(sample.body)
    place = {"google-ads": "google_key", "ikas": "signature"}[name]
    assert accepts(name, headers, sample.body, (sample.secret,))
    assert not accepts(name, headers, sample.with_proof(sample.body, "another"), (sample.secret,))
    assert not accepts(name, headers, sample.body, ())
    assert not accepts(name, headers, sample.body, ("", " "))
    right = posted[place]
    wrong: list[Any] = [None, "", " ", True, 7, [], {}, [right], right[:-1], "é", right * 99]
    for proof in wrong:
        assert not accepts(name, headers, json.dumps({**posted, place: proof}).encode(), (sample.secret,))
    del posted[place]
    assert not accepts(name, headers, json.dumps(posted).encode(), (sample.secret,))
    assert not accepts(name, {"content-type": "text/xml"}, sample.body, (sample.secret,))


@pytest.mark.parametrize("name", [name for name in SIGNED if name not in IN_BODY])
def test_p5_body_that_differs_in_one_byte_is_refused(name: str) -> None:
    sample = Sample(name)
    headers = sample.signed(NOW)
    for place in (0, len(sample.body) // 2, len(sample.body) - 1):
        changed = bytearray(sample.body)
        changed[place] ^= 1
        assert not accepts(name, headers, bytes(changed), (sample.secret,))
    written_again = json.dumps(json.loads(sample.body), indent=2).encode()
    assert not accepts(name, headers, written_again, (sample.secret,))


@pytest.mark.parametrize("name", sorted(TIMED))
def test_p5_stale_or_future_request_is_refused(name: str) -> None:
    sample = Sample(name)
    headers = sample.signed(NOW)
    assert accepts(name, headers, sample.body, (sample.secret,), NOW + 299)
    assert accepts(name, headers, sample.body, (sample.secret,), NOW - 299)
    assert not accepts(name, headers, sample.body, (sample.secret,), NOW + 302)
    assert not accepts(name, headers, sample.body, (sample.secret,), NOW - 302)


@pytest.mark.parametrize("name", sorted(TIMED))
@pytest.mark.parametrize("stamp", ["", "soon", "1" + "0" * 30, "-1", "1.5", "١٧٩", "0x10", " "])
def test_p5_malformed_timestamp_is_refused(name: str, stamp: str) -> None:
    sample = Sample(name)
    headers = sample.signed(NOW)
    for key, value in headers.items():
        if key.endswith("timestamp"):
            headers[key] = stamp
        elif "t=" in value or "ts=" in value:
            headers[key] = value.replace(str(int(NOW)), stamp, 1)
    assert headers != sample.signed(NOW)
    assert not accepts(name, headers, sample.body, (sample.secret,))


@pytest.mark.parametrize("name", ["github", "typeform", "framer"])
def test_p5_a_wrong_prefix_is_refused(name: str) -> None:
    sample = Sample(name)
    headers = {key: value.replace("sha256=", "sha1=") for key, value in sample.signed(NOW).items()}
    assert not accepts(name, headers, sample.body, (sample.secret,))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS512", "RS256", "hs256", ""])
def test_p5_jws_cannot_choose_its_algorithm(algorithm: str) -> None:
    sample = Sample("netlify")
    headers = jws(sample.secret, sample.body, int(NOW), {}, alg=algorithm)
    assert not accepts("netlify", headers, sample.body, (sample.secret,))
    unsigned = headers["x-webhook-signature"].rpartition(".")[0] + "."
    assert not accepts("netlify", {"x-webhook-signature": unsigned}, sample.body, (sample.secret,))


def test_p5_jws_of_another_issuer_is_refused() -> None:
    sample = Sample("netlify")
    auth = {"scheme": "jws", "header": "x-webhook-signature", "issuer": "another", "secret": "x"}
    signed = SignedPost(sample.body, sample.signed(NOW))
    with pytest.raises(Unauthentic):
        authenticate(source("netlify", auth=auth).auth, (sample.secret,), signed, NOW)


@pytest.mark.parametrize("part", ["W10", "bnVsbA", "e30", "%", "W1tbW1tb", "_w"])
def test_p5_jws_whose_parts_are_not_the_expected_json_is_refused(part: str) -> None:
    sample = Sample("netlify")
    _, claims, signature = sample.signed(NOW)["x-webhook-signature"].split(".")
    for token in (
        f"{part}.{claims}.{signature}",
        f"{claims}.{part}.{signature}",
        part,
        f"{part}.{part}",
        "..",
        ".",
    ):
        assert not accepts("netlify", {"x-webhook-signature": token}, sample.body, (sample.secret,))


def test_p5_cal_coms_placeholder_without_a_secret_is_refused() -> None:
    assert not accepts(
        "cal-com", {"x-cal-signature-256": "no-secret-provided"}, b"{}", ("no-secret-provided",)
    )


@pytest.mark.parametrize("name", IN_QUERY)
def test_token_may_be_in_the_query(name: str) -> None:
    sample = Sample(name)
    assert accepts(name, {}, sample.body, (sample.secret,), query={"token": sample.secret})
    assert not accepts(name, {}, sample.body, (sample.secret,), query={"token": sample.secret + "x"})


def test_supabase_may_send_several_secrets_in_one_text_and_several_signatures_in_one_header() -> None:
    sample = Sample("supabase")
    other = "v1,whsec_" + base64.b64encode(b"the sender's other secret").decode()
    assert accepts("supabase", sample.signed(NOW), sample.body, (f"{other}|{sample.secret}",))
    headers = sample.signed(NOW)
    headers["webhook-signature"] = f"v1,{'A' * 43}=, {headers['webhook-signature']}"
    assert accepts("supabase", headers, sample.body, (sample.secret,))


@pytest.mark.parametrize("name", ["standard-webhooks", "svix", "clerk"])
def test_signature_of_the_standard_webhooks_library_is_accepted(name: str) -> None:
    sample = Sample(name)
    prefix = "svix" if "svix-id" in sample.headers else "webhook"
    moment = datetime.fromtimestamp(NOW, UTC)
    signature = library_signature(sample.secret, sample.headers[f"{prefix}-id"], moment, sample.body.decode())
    headers = {**sample.headers, f"{prefix}-timestamp": str(int(NOW)), f"{prefix}-signature": signature}
    assert accepts(name, headers, sample.body, (sample.secret,))


@pytest.mark.parametrize("name", ["standard-webhooks", "svix", "clerk"])
def test_signature_of_the_svix_library_is_accepted(name: str) -> None:
    sample = Sample(name)
    moment = datetime.fromtimestamp(NOW, UTC)
    signature = Svix(sample.secret).sign("msg_1", moment, sample.body.decode())
    headers = {"svix-id": "msg_1", "svix-timestamp": str(int(NOW)), "svix-signature": signature}
    assert accepts(name, headers, sample.body, (sample.secret,))


def test_signature_that_the_stripe_library_verifies_is_accepted() -> None:
    sample = Sample("stripe")
    headers = sample.signed(time.time())
    assert WebhookSignature.verify_header(
        sample.body.decode(), headers["stripe-signature"], sample.secret, tolerance=300
    )
    assert accepts("stripe", headers, sample.body, (sample.secret,), time.time())


class TestThroughTheDoor:
    """With the request as API Gateway gives it."""

    def send(
        self, name: str, body: bytes, headers: dict[str, str], **query: str
    ) -> tuple[int, Any, FakeDependencies]:
        deps = FakeDependencies({"x": {"kind": name}}, x=Sample(name).secret)
        event = request(
            "POST", "/signups/x", body, {key.title(): value for key, value in headers.items()}, query
        )
        event["requestContext"]["domainName"] = "api.example.com"
        answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
        headers = {key.lower(): values[0] for key, values in answer["multiValueHeaders"].items()}
        return answer["statusCode"], (json.loads(answer["body"]), headers), deps

    @pytest.mark.parametrize("name", NAMES)
    def test_sample_is_created_with_headers_in_any_case(self, name: str) -> None:
        sample = Sample(name)
        now = FakeDependencies({}).clock()
        status, (body, _), deps = self.send(name, sample.body, sample.signed(now))
        assert (status, body["status"]) == (200, "created")
        assert len(deps.clemta.stored) == 1

    @pytest.mark.parametrize("name", [name for name in NAMES if name not in IN_BODY])
    def test_p5_sample_without_authentication_is_refused(self, name: str) -> None:
        sample = Sample(name)
        status, _, deps = self.send(
            name, sample.body, {"content-type": sample.content_type, **sample.headers}
        )
        assert status == 401
        assert not deps.clemta.stored

    @pytest.mark.parametrize("base_path", ["", "/v1", "/intake/web"])
    def test_a6_hubspots_signature_of_a_custom_domain_url_is_accepted(self, base_path: str) -> None:
        sample = Sample("hubspot")
        deps = FakeDependencies({"x": {"kind": "hubspot"}}, x=sample.secret)
        uri = f"https://signups.example.com{base_path}/signups/x"
        headers = SIGNERS["hubspot"](sample.secret, sample.body, int(deps.clock()), {}, uri=uri)
        event = request("POST", "/signups/x", sample.body, {**headers, "Content-Type": "application/json"})
        event["path"] = event["requestContext"]["path"] = f"{base_path}/signups/x"
        event["requestContext"]["domainName"] = "signups.example.com"
        app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        assert app.resolve(event, Context())["statusCode"] == 200  # type: ignore[arg-type]
        event["requestContext"]["domainName"] = "api.example.com"
        assert app.resolve(event, Context())["statusCode"] == 401  # type: ignore[arg-type]

    def test_hubspots_signature_of_a_url_with_a_query_is_accepted(self) -> None:
        sample = Sample("hubspot")
        now = FakeDependencies({}).clock()
        headers = SIGNERS["hubspot"](sample.secret, sample.body, int(now), {}, uri=f"{URI}?a=1&b=2")
        status, _, _ = self.send(
            "hubspot", sample.body, {**headers, "content-type": "application/json"}, a="1", b="2"
        )
        assert status == 200
        assert (
            self.send("hubspot", sample.body, {**headers, "content-type": "application/json"}, a="1")[0]
            == 401
        )

    def test_ten_events_in_one_request_have_separate_outcomes_and_one_answer(self) -> None:
        sample = Sample("hubspot")
        one = json.loads(sample.body)
        events: list[Any] = []
        for number in range(10):
            profile = {"identities": [{"type": "EMAIL", "value": f"wim{number}@example.com"}]}
            events.append({**one, "identity-profiles": [profile]} if number else {"objectId": 1})
        body = json.dumps(events).encode()
        headers = SIGNERS["hubspot"](sample.secret, body, int(FakeDependencies({}).clock()), {})
        status, (answer, _), deps = self.send(
            "hubspot", body, {**headers, "content-type": "application/json"}
        )
        assert status == 200
        assert [result["status"] for result in answer["submissions"]] == ["parked"] + ["created"] * 9
        assert answer["status"] == "parked"
        assert len({result["submission_id"] for result in answer["submissions"]}) == 10
        assert len(deps.clemta.stored) == 9
        [letter] = deps.queues.parked
        assert json.loads(letter.submission.body) == [{"objectId": 1}]
        with pytest.raises(Unmappable):
            mapped(letter.submission, source("hubspot"))

    @pytest.mark.parametrize("count", [1, 101])
    def test_batch_of_one_and_batch_above_the_limit_are_one_submission(self, count: int) -> None:
        sample = Sample("hubspot")
        body = json.dumps([json.loads(sample.body)] * count).encode()[:170_000]
        headers = SIGNERS["hubspot"](sample.secret, body, int(FakeDependencies({}).clock()), {})
        status, (answer, _), _ = self.send("hubspot", body, {**headers, "content-type": "application/json"})
        assert status == 200
        assert answer["status"] == ("created" if count == 1 else "parked")
        assert "submissions" not in answer

    def test_broken_batch_is_parked_as_one_submission(self) -> None:
        body = b"[{"
        headers = SIGNERS["hubspot"](Sample("hubspot").secret, body, int(FakeDependencies({}).clock()), {})
        status, (answer, _), deps = self.send(
            "hubspot", body, {**headers, "content-type": "application/json"}
        )
        assert (status, answer["status"]) == (200, "parked")
        assert deps.queues.parked[0].submission.body == body

    def test_woocommerces_ping_is_answered_and_creates_nothing(self) -> None:
        content = {"content-type": "application/x-www-form-urlencoded"}
        status, (answer, _), deps = self.send("woocommerce", b"webhook_id=7", content)
        assert (status, answer) == (200, {"status": "ready"})
        assert not deps.clemta.calls
        assert self.send("woocommerce", b"webhook_id=7&email=a@example.com", content)[0] == 401

    def test_formsprees_handshake_is_answered_with_its_secret(self) -> None:
        status, (_, headers), deps = self.send("formspree", b"{}", {"x-hook-secret": "abc"})
        assert (status, headers["x-hook-secret"]) == (200, "abc")
        assert not deps.clemta.calls
        for secret in ("", "é", "a" * 201):
            assert self.send("formspree", b"{}", {"x-hook-secret": secret})[0] == 401
        assert self.send("formspree", b'{"submission": {}}', {"x-hook-secret": "abc"})[0] == 401

    def test_handshake_with_invalid_base64_is_refused(self) -> None:
        deps = FakeDependencies({"x": {"kind": "woocommerce"}}, x="s")
        event = request("POST", "/signups/x", b"webhook_id=7") | {"body": "%%%"}
        answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
        assert answer["statusCode"] == 401


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the senders' own samples are not at hand")
@pytest.mark.parametrize("name", sorted(REAL))
def test_recorded_sample_is_mapped(name: str) -> None:
    """`None`: some e-mail address; "": the sample has none, and is refused for that and nothing else."""
    expected = REAL[name][1]
    raw, content_type = real_sample(name)
    headers = REAL_HEADERS
    if expected == "":
        with pytest.raises(Unmappable, match="email: is required"):
            mapped(submission(name, raw, content_type, headers), source(name))
        return
    reading = mapped(submission(name, raw, content_type, headers), source(name))
    assert reading is not None
    assert "@" in reading.contact.email
    assert expected is None or reading.contact.email == expected


SAMPLES = {name: path for name, (path, _) in REAL.items() if name not in ("hubspot", "zapier")} | {
    "fillout": "fillout/submission.inner.json",
    "gravity-forms": "gravityforms/all_fields_entry.json",
    "stripe checkout": "stripe/checkout.session.completed.payment_mode.json",
}
IGNORED = {
    # sender: paths that hold no answer of a person; "*" stands for anything below
    "auth0": "id source specversion type time a0tenant a0stream data.object.created_at data.object.updated_at"
    " data.object.identities.* data.object.picture data.object.user_id",
    "clerk": "instance_id object timestamp type data.created_at data.updated_at data.external_id data.id data.object"
    " data.image_url data.profile_image_url data.last_sign_in_at data.primary_email_address_id"
    " data.email_addresses.id data.email_addresses.object data.email_addresses.verification.*",
    "supabase": "metadata.* user.id user.aud user.app_metadata.* user.created_at user.updated_at",
    "workos": "object id event created_at context.* data.object data.id data.profile_picture_url data.external_id"
    " data.last_sign_in_at data.created_at data.updated_at",
    "paddle": "data.id data.status data.created_at data.updated_at event_id event_type occurred_at notification_id",
    "shopify": "id created_at updated_at state currency admin_graphql_api_id default_address.id"
    " default_address.customer_id default_address.country default_address.country_name default_address.province_code",
    "woocommerce": "id date_created date_created_gmt date_modified date_modified_gmt role avatar_url _links.*",
    "polar": "type data.id data.created_at data.modified_at data.deleted_at data.external_id data.organization_id"
    " data.avatar_url data.tax_id",
    "typeform": "event_id event_type form_response.form_id form_response.token form_response.landed_at"
    " form_response.submitted_at form_response.ending.* form_response.definition.*"
    " form_response.answers.type form_response.answers.field.*",
    "tally": "eventId eventType createdAt data.responseId data.submissionId data.respondentId data.formId data.formName"
    " data.createdAt data.fields.key data.fields.type data.fields.label data.fields.options.* data.fields.rows.*"
    " data.fields.columns.* data.fields.value.id data.fields.value.url data.fields.value.mimeType"
    " data.fields.value.size",
    "webflow": "triggerType payload.name payload.siteId payload.schema.* payload.submittedAt payload.id payload.formId"
    " payload.formElementId",
    "netlify": "number title summary body id form_id site_url form_name created_at data.ip data.user_agent"
    " ordered_human_fields.title ordered_human_fields.name",
    "calendly": "created_at created_by event payload.cancel_url payload.created_at payload.event payload.reschedule_url"
    " payload.status payload.updated_at payload.uri payload.scheduled_event.uri"
    " payload.scheduled_event.meeting_notes_plain payload.scheduled_event.meeting_notes_html"
    " payload.scheduled_event.status payload.scheduled_event.end_time payload.scheduled_event.event_type"
    " payload.scheduled_event.location.type payload.scheduled_event.location.additional_info"
    " payload.scheduled_event.created_at payload.scheduled_event.updated_at"
    " payload.scheduled_event.invitees_counter.* payload.scheduled_event.event_memberships.*"
    " payload.scheduled_event.event_guests.created_at payload.scheduled_event.event_guests.updated_at",
    "cal-com": "triggerEvent createdAt payload.type payload.title payload.endTime payload.organizer.* payload.location"
    " payload.destinationCalendar.* payload.eventTypeId payload.uid payload.appsStatus.* payload.price"
    " payload.currency payload.length payload.bookingId payload.status payload.responses.name.label"
    " payload.responses.email.label payload.responses.location.label payload.responses.notes.label"
    " payload.responses.guests.label payload.responses.rescheduleReason.label",
    "lemon-squeezy": "meta.event_name data.type data.id data.relationships.* data.links.* data.attributes.store_id"
    " data.attributes.customer_id data.attributes.identifier data.attributes.order_number data.attributes.currency"
    " data.attributes.currency_rate data.attributes.subtotal data.attributes.discount_total data.attributes.tax"
    " data.attributes.total data.attributes.subtotal_usd data.attributes.discount_total_usd data.attributes.tax_usd"
    " data.attributes.total_usd data.attributes.tax_name data.attributes.tax_rate data.attributes.status"
    " data.attributes.status_formatted data.attributes.subtotal_formatted data.attributes.discount_total_formatted"
    " data.attributes.tax_formatted data.attributes.total_formatted data.attributes.urls.*"
    " data.attributes.created_at data.attributes.updated_at data.attributes.first_order_item.id"
    " data.attributes.first_order_item.order_id data.attributes.first_order_item.product_id"
    " data.attributes.first_order_item.variant_id data.attributes.first_order_item.price"
    " data.attributes.first_order_item.created_at data.attributes.first_order_item.updated_at",
    "mailchimp": "type fired_at data.id data.list_id data.email_type data.ip_opt data.ip_signup",
    "jotform": "formID submissionID webhookURL ip formTitle pretty username type rawRequest.slug rawRequest.event_id"
    " rawRequest.path rawRequest.payment_total_checksum",
    "stripe": "id object api_version created type pending_webhooks request.* data.object.id data.object.object"
    " data.object.balance data.object.created data.object.default_source data.object.invoice_prefix"
    " data.object.next_invoice_sequence data.object.tax_exempt",
    "stripe checkout": "created id type object data.object.id data.object.object data.object.amount_subtotal"
    " data.object.amount_total data.object.cancel_url data.object.currency data.object.customer"
    " data.object.customer_details.tax_exempt data.object.mode data.object.payment_intent"
    " data.object.payment_method_types data.object.payment_status data.object.success_url data.object.total_details.*",
    "fillout": "submission.submissionId submission.submissionTime submission.questions.id submission.questions.type"
    " submission.questions.name submission.calculations.id submission.calculations.type"
    " submission.calculations.name submission.urlParameters.id submission.urlParameters.name",
    "gravity-forms": "id form_id date_created date_updated is_starred is_read ip source_url user_agent currency"
    " created_by status source_id submission_speeds",
}


def leaves(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The path, without numbers, and the text of each value; booleans are left out, as most say nothing of a person."""
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(data, list):
        for inner in data:
            yield from leaves(inner, path)
    elif text := to_text(data):
        yield ".".join(path), text


@pytest.mark.skipif(not PAYLOADS.is_dir(), reason="the senders' own samples are not at hand")
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_p4_every_answer_of_a_recorded_sample_arrives(name: str) -> None:
    """Each value is among the answers or in a field of the contact, or its path is named above."""
    kind = name.partition(" ")[0]
    body, content_type = real_sample(kind) if name in REAL else ((PAYLOADS / SAMPLES[name]).read_bytes(), "")
    if kind == "fillout":
        body = b'{"submission": ' + body + b"}"
    answers, fields = read(kind, body, content_type, REAL_HEADERS)
    arrived = [*(answer.value for answer in answers), *fields.values()]
    data = read_body(content_type, body)
    if kind == "jotform":
        data["rawRequest"] = json.loads(data["rawRequest"])
    texts = {option["id"]: option["text"] for option in options(data)}
    missing = [
        (path, text)
        for path, text in leaves(data)
        if not any(fnmatch(path, ignored) for ignored in IGNORED.get(name, "").split())
        if not any(text == one or texts.get(text, text) in one for one in arrived)
    ]
    assert missing == []


def options(data: Any) -> Iterator[dict[str, str]]:
    """The options of Tally's questions, and the rows and columns of its matrices."""
    for question in data.get("data", {}).get("fields", []) if isinstance(data.get("data"), dict) else []:
        for part in ("options", "rows", "columns"):
            yield from question.get(part, [])


def in_form(body: bytes, **fields: str) -> bytes:
    return body + b"".join(f"&{name}={value}".encode() for name, value in fields.items())


class TestSkipped:
    """Events of a sender that are no sign-up, and make no contact."""

    def is_mapped(self, name: str, body: bytes) -> bool:
        sample = Sample(name)
        return mapped(submission(name, body, sample.content_type, sample.headers), source(name)) is not None

    @pytest.mark.parametrize(
        ("name", "place", "value"),
        [
            ("google-ads", "is_test", True),
            ("formbricks", "event", "responseCreated"),
            ("mailerlite", "event", "subscriber.updated"),
            ("dodo-payments", "type", "payment.failed"),
            ("whop", "type", "member.deleted"),
            ("chargebee", "event_type", "customer_changed"),
            ("keycloak", "type", "access.LOGIN"),
            ("ikas", "scope", "store/customer/updated"),
            (
                "kit",
                "events",
                [{**json.loads(Sample("kit").body)["events"][0], "type": "subscriber.unsubscribed"}],
            ),
            ("ghost", "member", {"current": {"email": "gus@example.com"}, "previous": {"name": "Gus"}}),
            ("ghost", "member", {"current": {}, "previous": {"email": "gus@example.com"}}),
        ],
    )
    def test_event_that_is_no_sign_up_is_skipped(self, name: str, place: str, value: Any) -> None:
        posted = json.loads(Sample(name).body)
        assert posted[place] != value
        assert not self.is_mapped(name, json.dumps({**posted, place: value}).encode())

    @pytest.mark.parametrize("changed", [{"test": "true"}, {"is_recurring_charge": "true"}])
    def test_gumroads_test_and_recurring_charge_are_skipped(self, changed: dict[str, str]) -> None:
        body = Sample("gumroad").body.replace(b"&is_recurring_charge=false", b"")
        assert self.is_mapped("gumroad", body)
        assert not self.is_mapped("gumroad", in_form(body, **changed))

    @pytest.mark.parametrize("event", [{"event": "subscriber.created"}, {"type": "subscriber.created"}, {}])
    def test_mailerlites_event_may_be_named_in_either_way_or_not_at_all(self, event: dict[str, str]) -> None:
        posted = json.loads(Sample("mailerlite").body)
        del posted["event"]
        assert self.is_mapped("mailerlite", json.dumps({**posted, **event}).encode())


def test_elementors_advanced_data_has_the_same_answers() -> None:
    fields = {
        "name": ("Name", "text", "Elif Example"),
        "email": ("Email", "email", "elif@example.com"),
        "field_1": ("Favourite colour", "select", "blue"),
    }
    pairs = [("form[id]", "sample"), ("meta[remote_ip][value]", "192.0.2.1")]
    for key, (title, kind, value) in fields.items():
        pairs += [
            (f"fields[{key}][{part}]", text)
            for part, text in (
                ("id", key),
                ("type", kind),
                ("title", title),
                ("value", value),
                ("raw_value", value),
            )
        ]
    answers, _ = read("elementor", urlencode(pairs).encode(), Sample("elementor").content_type, {})
    assert [(answer.name, answer.type, answer.value) for answer in answers] == [*fields.values()]


def test_gravity_forms_entry_with_all_fields_keeps_only_its_answers() -> None:
    entry = {
        "id": "7",
        "form_id": "1",
        "is_starred": "0",
        "ip": "192.0.2.1",
        "user_agent": "x",
        "status": "active",
    }
    body = json.dumps(entry | {"1.3": "Tia", "1.6": "Example", "2": "tia@example.com", "5": ""}).encode()
    answers, _ = read("gravity-forms", body, "application/json", {})
    assert [(answer.name, answer.value) for answer in answers] == [
        ("1.3", "Tia"),
        ("1.6", "Example"),
        ("2", "tia@example.com"),
    ]


def test_mailchimps_address_in_one_text_is_an_answer() -> None:
    body = urlencode(
        [("data[email]", "x@example.com"), ("data[merges][ADDRESS]", "1 Example Road  Izmir")]
    ).encode()
    answers, fields = read("mailchimp", body, Sample("mailchimp").content_type, {})
    assert [(answer.name, answer.value) for answer in answers] == [("ADDRESS", "1 Example Road  Izmir")]
    assert fields["billing.address_1"] == ""


def test_kits_events_are_a_contact_each() -> None:
    sample = Sample("kit")
    posted = json.loads(sample.body)
    [event] = posted["events"]
    people = []
    for number in range(3):
        person = {**event["data"]["subscriber"], "email_address": f"kira{number}@example.com"}
        people.append({**event, "id": f"evt_{number}", "data": {**event["data"], "subscriber": person}})
    body = json.dumps({**posted, "events": people}).encode()
    deps = FakeDependencies({"x": {"kind": "kit", "on_existing": "create"}}, x=sample.secret)
    app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
    for _ in range(2):
        event = request("POST", "/signups/x", body, sample.signed(deps.clock(), body))
        answer = app.resolve(event, Context())  # type: ignore[arg-type]
        assert answer["statusCode"] == 200
    assert len(deps.clemta.stored) == 3


def test_p8_google_ads_key_is_in_no_queue_message() -> None:
    sample = Sample("google-ads")
    deps = FakeDependencies({"x": {"kind": "google-ads"}}, x=sample.secret)
    deps.clemta.fail("create", NotApplied("away"))
    event = request("POST", "/signups/x", sample.body, sample.signed(deps.clock()))
    receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
    [(waiting, _)] = deps.queues.retried
    assert sample.secret.encode() in sample.body
    assert sample.secret not in encode_envelope(waiting)
    assert sample.secret.encode() not in waiting.submission.body
    assert waiting.submission.delivery_id == "sample-lead"


@pytest.mark.parametrize("name", sorted(presets()))
def test_presets_part_of_the_file_is_the_same_as_in_the_whole_file(name: str) -> None:
    whole = tomllib.loads((Path(config.__file__).with_name("presets.toml")).read_text(encoding="utf-8"))
    assert config.preset(name) == whole[name]
    assert presets().keys() == whole.keys()


class TestReplay:
    """A captured request, sent again with other headers: whatever its signature does not cover names no delivery."""

    FREE = (
        *("svix-id", "webhook-id", "idempotency-key", "x-github-delivery", "x-shopify-event-id"),
        *("shopify-event-id", "x-shopify-webhook-id", "x-wc-webhook-delivery-id", "x-request-id"),
    )

    @pytest.mark.parametrize("name", SIGNED)
    def test_p3_a_captured_request_with_other_headers_makes_no_second_contact(self, name: str) -> None:
        sample = Sample(name)
        deps = FakeDependencies({"x": {"kind": name, "on_existing": "create"}}, x=sample.secret)
        app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        signed = sample.signed(deps.clock())
        covered = sample.headers.keys() & {"svix-id", "webhook-id", "framer-webhook-submission-id"}
        statuses = []
        for number in range(3):
            free = {key: f"{key}-{number}" for key in self.FREE if key not in covered} if number else {}
            event = request("POST", "/signups/x", sample.body, {**signed, **free})
            event["requestContext"]["domainName"] = "api.example.com"
            answer = app.resolve(event, Context())  # type: ignore[arg-type]
            statuses.append((answer["statusCode"], json.loads(answer["body"]).get("status")))
        # A request that changes nothing but unsigned headers is refused, or is the same delivery.
        assert statuses[0] == (200, "created")
        assert {status for _, status in statuses[1:]} <= {"duplicate", 401}, statuses
        assert len(deps.clemta.stored) == 1

    @pytest.mark.parametrize("name", ["standard-webhooks", "svix", "clerk", "polar", "framer"])
    def test_p3_two_deliveries_of_one_body_with_signed_ids_make_two_contacts(self, name: str) -> None:
        sample = Sample(name)
        deps = FakeDependencies({"x": {"kind": name, "on_existing": "create"}}, x=sample.secret)
        app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        [header] = sample.headers.keys() & {"svix-id", "webhook-id", "framer-webhook-submission-id"}
        for delivery_id in ("d1", "d2", "d1"):
            sample.headers[header] = delivery_id
            app.resolve(request("POST", "/signups/x", sample.body, sample.signed(deps.clock())), Context())  # type: ignore[arg-type]
        assert len(deps.clemta.stored) == 2

    def test_p3_each_batch_entry_has_its_own_delivery_id_under_the_signed_id(self) -> None:
        sample = Sample("standard-webhooks")
        table = {"kind": "standard-webhooks", "on_existing": "create", "batch": True, "answers": "body"}
        deps = FakeDependencies({"x": table}, x=sample.secret)
        app = receive.create_app(lambda: deps)  # type: ignore[arg-type, return-value]
        body = json.dumps([{"email": "ada@example.com", "note": note} for note in "ab"]).encode()
        for _ in range(2):
            headers = sample.signed(deps.clock(), body)
            app.resolve(request("POST", "/signups/x", body, headers), Context())  # type: ignore[arg-type]
        assert len(deps.clemta.stored) == 2

    def test_queued_submission_keeps_its_signed_id(self) -> None:
        """The header that held it need not be kept."""
        sample = Sample("standard-webhooks")
        deps = FakeDependencies(
            {"x": {"kind": "standard-webhooks", "on_existing": "create"}}, x=sample.secret
        )
        deps.clemta.fail("create", NotApplied("away"))
        event = request("POST", "/signups/x", sample.body, sample.signed(deps.clock()))
        receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type, return-value]
        [(waiting, _)] = deps.queues.retried
        assert waiting.submission.delivery_id == "msg_sample1"
        assert waiting.submission.headers == {}
        reading = mapped(waiting.submission, source("standard-webhooks"))
        assert reading is not None
        assert reading.delivery_id == "x:msg_sample1"

    def test_queued_submission_of_an_older_version_keeps_its_delivery_id(self) -> None:
        sample = Sample("supabase")
        older = submission("supabase", sample.body, sample.content_type, sample.headers)
        assert older.delivery_id == ""
        reading = mapped(older, source("supabase"))
        assert reading is not None
        assert reading.delivery_id == f"x:{json.loads(sample.body)['metadata']['uuid']}"

    def test_event_id_has_precedence_over_the_signed_id_of_an_attempt(self) -> None:
        """Supabase makes a new webhook-id for every attempt."""
        sample = Sample("supabase")
        made = submission("supabase", sample.body, sample.content_type, sample.headers)
        ids = {posted(made, source("supabase"), attempt).submission.delivery_id for attempt in ("a", "b")}
        assert ids == {json.loads(sample.body)["metadata"]["uuid"]}

    @pytest.mark.parametrize("signed_id", ["d 1", "d1, d1", "é", "d" * 201, ""])
    def test_p3_invalid_signed_id_is_replaced_by_the_bodys_hash(self, signed_id: str) -> None:
        sample = Sample("svix")
        made = submission("svix", sample.body, sample.content_type, sample.headers)
        expected = hashlib.sha256(sample.body).hexdigest()
        assert posted(made, source("svix"), signed_id).submission.delivery_id == expected

    def test_unreadable_submission_keeps_its_signed_id(self) -> None:
        made = submission("svix", b"{", "application/json", {})
        assert posted(made, source("svix"), "d1").submission.delivery_id == "d1"
        made = submission("supabase", b"{", "application/json", {})
        assert posted(made, source("supabase"), "attempt").submission.delivery_id == ""

    def test_failing_delivery_id_expression_sets_no_id(self) -> None:
        broken = source("svix", delivery_id="sum(body.data)")
        made = submission("svix", Sample("svix").body, "application/json", {})
        assert posted(made, broken, "d1").submission.delivery_id == ""


def test_shopifys_newer_header_names_are_accepted() -> None:
    sample = Sample("shopify")
    newer = {key.removeprefix("x-"): value for key, value in sample.signed(NOW).items()}
    assert "shopify-hmac-sha256" in newer
    assert accepts("shopify", newer, sample.body, (sample.secret,))
    reading = mapped(submission("shopify", sample.body, sample.content_type, newer), source("shopify"))
    assert reading is not None
    assert reading.delivery_id == "x:1000000000000000001"


def test_polars_standard_and_older_secrets_are_accepted() -> None:
    sample = Sample("polar")
    standard = "whsec_" + base64.b64encode(b"a secret that was newly made").decode()
    for secret in (sample.secret, standard):
        assert accepts("polar", sample.signed(NOW, secret=secret), sample.body, (secret,))


class TestOverrides:
    def test_key_of_the_source_overrides_its_preset(self) -> None:
        made = source(
            "typeform",
            secret="forms",
            accept="body.x",
            on_existing="update",
            contact={"description": "body.form_response.hidden.note", "billing": {"phone": "body.y"}},
        )
        assert made.auth.secret == "forms"
        assert (made.accept, made.on_existing) == ("body.x", "update")
        assert made.contact == {
            "description": "body.form_response.hidden.note",
            "billing.phone": "body.y",
        }
        assert made.answers

    def test_overriding_one_contact_field_keeps_the_others(self) -> None:
        made = source("clerk", contact={"full_name": "body.data.username"})
        assert made.contact["full_name"] == "body.data.username"
        assert "email_addresses" in made.contact["email"]

    def test_secret_name_defaults_to_the_sources_name(self) -> None:
        assert source("clerk").auth.secret == "x"

    def test_authentication_of_a_preset_cannot_be_removed(self) -> None:
        with pytest.raises(ValueError):
            source("clerk", auth=None)

    def test_contact_that_is_not_a_table_is_refused(self) -> None:
        with pytest.raises(ValueError):
            source("clerk", contact="email")


PARTS = [
    *(
        "v1,",
        "sha256=",
        "t=1793523600",
        "ts=1",
        "v1=",
        "h1=",
        "Bearer ",
        "Basic ",
        "whsec_",
        ",",
        ";",
        ".",
        "e30",
        " ",
    ),
    *("é", "\ud800", "\x00", "%", "=" * 5, "A" * 43 + "=", "0" * 64, "1" * 30, "-1", "sample", "none", "|"),
]


def test_p5_verifier_accepts_or_refuses_any_input_without_another_error() -> None:
    """A hundred thousand requests, put together at random from what breaks parsers and from what is right."""
    chance = random.Random(7)  # noqa: S311 - it picks what to try
    known = {name: (source(name).auth, Sample(name)) for name in NAMES}
    right = {name: sample.signed(NOW) for name, (_, sample) in known.items()}
    accepted = 0
    for _ in range(100_000):
        name = chance.choice(NAMES)
        auth, sample = known[name]
        headers = dict(right[name])
        for key in chance.sample(sorted(headers), chance.randrange(len(headers) + 1)):
            word = "".join(chance.choices(PARTS, k=chance.randrange(4)))
            headers[key] = chance.choice([word, headers[key] + word, word + headers[key], headers[key][:-1]])
        body = chance.choice([sample.body, sample.body, sample.body + b"x", b"", b"\xff"])
        secrets = chance.choice(
            [(sample.secret,), (sample.secret,), (), ("",), ("whsec_%",), ("v1,whsec_",), ("||",)]
        )
        query = {"token": chance.choice(PARTS)}
        try:
            authenticate(auth, secrets, SignedPost(body, headers, query, URI), NOW)
        except Unauthentic:
            continue
        accepted += 1
        assert secrets == (sample.secret,)
        assert body == sample.body or name in TOKEN
    assert 1_000 < accepted < 60_000, "neither all nor nothing, or this would prove nothing"


def test_rawrequest_with_invalid_json_is_a_data_error() -> None:
    made = Submission("s1", "x", NOW, b'{"rawRequest": "{"}', "application/json")
    with pytest.raises(Refused):
        mapped(made, source("jotform"))
    assert DataError("x").failure_class == "data"


def test_form_source_does_not_load_the_presets() -> None:
    probe = (
        "from clemta_intake import receive\n"
        "from clemta_intake.sources.config import preset_texts, to_source\n"
        "to_source('x', {'kind': 'form'}, '0' * 24)\n"
        "assert preset_texts.cache_info().currsize == 0\n"
        "to_source('x', {'kind': 'tally'}, '0' * 24)\n"
        "assert preset_texts.cache_info().currsize == 1\n"
    )
    functions = str(Path(__file__).parents[2] / "functions")
    subprocess.run([sys.executable, "-c", probe], env={"PYTHONPATH": functions}, check=True)
