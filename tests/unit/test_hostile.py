"""Whatever a sender puts into a request, the answer is never a server's error (P2), and nothing is half a contact."""

import base64
import hmac
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clemta_intake import receive
from ops.signers import BODY_SIGNERS, URI
from tests.support.events import CRM_SECRET, Context, request
from tests.support.examples import examples
from tests.support.fakes import FakeDependencies
from tests.support.samples import SENDERS, Sample

ANSWERS = {200, 303, 400, 401, 403, 413, 415, 422}
WHOLE = st.text(st.characters(exclude_categories=[])) | st.sampled_from(
    ["", "[]", "\ud800", "a[\udfff]", "_started"]
)
HOSTILE = st.one_of(
    WHOLE,
    st.sampled_from(
        [None, True, 10**400, -(10**400), 1e308, 5e-324, -0.0, "\x00", "\u2028", "\u202e", "9" * 400, [], {}]
    ),
    st.recursive(
        st.none() | WHOLE | st.just(10**400),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WHOLE, inner, max_size=3),
        max_leaves=8,
    ),
)
SPAM = {"honeypot": "trap", "min_seconds": 2, "disposable": True, "max_per_day": 9}
COPIES = {"cc_emails": "body.cc", "status": "query.status", "billing.tax_id": "headers.tax"}
NAMES = SENDERS


class App:
    """The routes on fakes."""

    def __init__(self, tables: dict[str, Any], **secrets: str) -> None:
        self.deps = FakeDependencies(tables, **secrets)
        self._app = receive.create_app(lambda: self.deps)  # type: ignore[arg-type, return-value]

    def status(self, event: dict[str, Any]) -> int:
        """Of the answer; whatever is raised beyond what the errors of the project name would be a 503."""
        status: int = self._app.resolve(event, Context())["statusCode"]  # type: ignore[arg-type]
        for contact in self.deps.clemta.stored.values():
            assert contact["email"]
            assert contact["full_name"]
        return status


@pytest.mark.parametrize("table", [{"kind": "form"}, {"kind": "form", "spam": SPAM, "contact": COPIES}])
@settings(max_examples=examples(60), deadline=None, derandomize=True)
@example(fields={"_started": 10**400}, query={}, headers={})
@example(fields={"_elapsed": 10**400}, query={}, headers={})
@given(
    fields=st.dictionaries(
        st.sampled_from(["email", "name", "phone", "country", "trap", "_started", "cc"]) | WHOLE, HOSTILE
    ),
    query=st.dictionaries(st.sampled_from(["status", "token"]) | WHOLE, WHOLE, max_size=2),
    headers=st.dictionaries(
        st.sampled_from(["Tax", "Accept", "Origin", "Content-Encoding"]) | WHOLE, WHOLE, max_size=2
    ),
)
def test_p2_any_json_of_a_form_gets_an_answer_below_500(
    table: dict[str, Any], fields: dict[str, Any], query: dict[str, str], headers: dict[str, str]
) -> None:
    body = json.dumps({"email": "ada@example.com", **fields}).encode()
    headers = {**headers, "Content-Type": "application/json"}
    assert (
        App({"website": table}).status(request("POST", "/signups/website", body, headers, query)) in ANSWERS
    )


@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(
    names=st.lists(WHOLE, max_size=5),
    value=WHOLE,
    charset=st.sampled_from(["utf-8", "latin1", "klingon", "", '"', "\ud800"]),
)
def test_p2_any_multipart_names_get_an_answer_below_500(names: list[str], value: str, charset: str) -> None:
    deps = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: text/plain; charset={charset}'
        f"\r\n\r\n{value}\r\n"
        for name in ["", "[]", "", *names]
    ]
    for some in (deps, deps[1:], deps[3:]):
        body = ("".join(some) + "--b--\r\n").encode("utf-8", "surrogatepass")
        event = request("POST", "/signups/website", body, {"Content-Type": "multipart/form-data; boundary=b"})
        assert App({"website": {"kind": "form"}}).status(event) in ANSWERS


@settings(max_examples=examples(30), deadline=None, derandomize=True)
@given(query=st.dictionaries(WHOLE, WHOLE, min_size=1, max_size=3), header=WHOLE)
def test_p2_p5_any_query_and_header_of_a_webhook_get_an_answer_below_500(
    query: dict[str, str], header: str
) -> None:
    for name in ("hubspot", "netlify", "supabase", "stripe", "jotform", "workos", "framer"):
        sample = Sample(name)
        app = App({name: {"kind": name, "secret": name}}, **{name: sample.secret})
        signed = sample.signed(app.deps.clock())
        for part in signed:
            event = request("POST", f"/signups/{name}", sample.body, {**signed, part: header}, query)
            assert app.status(event) in ANSWERS, (name, part)


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*place, key))


def put(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = put(value[place[0]], place[1:], new)
    return copy


@pytest.mark.parametrize("name", [name for name in NAMES if "json" in Sample(name).content_type])
@settings(max_examples=examples(8), deadline=None, derandomize=True)
@given(data=st.data())
def test_p2_any_value_in_a_senders_body_gets_an_answer_below_500(name: str, data: st.DataObject) -> None:
    sample = Sample(name)
    whole = json.loads(sample.body)
    app = App({name: {"kind": name, "secret": name}}, **{name: sample.secret})
    for place in data.draw(st.lists(st.sampled_from(list(places(whole))), min_size=1, max_size=3)):
        body = sample.with_proof(json.dumps(put(whole, place, data.draw(HOSTILE))).encode(), sample.secret)
        event = request("POST", f"/signups/{name}", body, sample.signed(app.deps.clock(), body))
        host, _, path = URI.removeprefix("https://").partition("/")
        event["requestContext"] |= {"domainName": host, "path": f"/{path}"}
        # Another value may be no place for the proof.
        assert app.status(event) in (ANSWERS if name in BODY_SIGNERS else ANSWERS - {401}), place


def test_p5_surrogate_in_a_header_or_claim_is_unauthentic() -> None:
    app = App({"crm": {"kind": "netlify", "secret": "crm"}}, crm=CRM_SECRET)
    header = "eyJhbGciOiJIUzI1NiJ9"  # {"alg":"HS256"}
    for token in (f"{header}.\ud800.YQ", f"\ud800.{header}.YQ", f"{header}.YQ.\ud800"):
        event = request("POST", "/signups/crm", b"{}", {"X-Webhook-Signature": token})
        assert app.status(event) == 401
    for claim in ("\ud800", 10**400, ["\ud800"], None):
        claims = base64.urlsafe_b64encode(json.dumps({"iss": "netlify", "sha256": claim}).encode()).decode()
        signed = f"{header}.{claims.rstrip('=')}"
        signature = hmac.digest(CRM_SECRET.encode(), signed.encode(), "sha256")
        token = f"{signed}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        event = request("POST", "/signups/crm", b"{}", {"X-Webhook-Signature": token})
        assert app.status(event) == 401, claim
