"""Schemathesis sends what docs/openapi.json allows to the deployed stack, and holds each answer to it."""

import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.stack import Deployed
from ops.signers import BODY_SIGNERS, SIGNERS
from tests.support.events import CRM_SECRET, crm
from tests.support.samples import SENDERS, Sample
from tools.openapi_docs import PAGE, description

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)
SCHEMA = schemathesis.openapi.from_path(PAGE)
SCHEMA.config.generation.update(with_security_parameters=False)  # the senders' signers add the proof
POST = SCHEMA["/signups/{source}"]["POST"]
OPERATIONS = [
    SCHEMA[path][method.upper()]
    for path, operations in description()["paths"].items()
    for method in operations
    if method != "parameters"
]


class Sender(AuthBase):
    """Signs a request, whatever its body is, as the source's sender does."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        body = prepared.body or b""
        body = body.encode() if isinstance(body, str) else bytes(body)
        if self.source == "crm":
            proof = crm(body, CRM_SECRET)["headers"]
        else:
            sample, now = Sample(self.source), time.time()
            body = sample.with_proof(body, sample.secret)
            proof = sample.signed(now, body)
            if self.source == "hubspot":  # it signs the address too, as it knows it
                parts = urlsplit(str(prepared.url))
                uri = f"https://{parts.netloc}/v1/signups/hubspot" + (
                    f"?{parts.query}" if parts.query else ""
                )
                proof |= SIGNERS["hubspot"](sample.secret, body, int(now), {}, uri=uri)
        prepared.headers.update({key: value for key, value in proof.items() if key.lower() != "content-type"})
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return prepared


def cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests that the description allows, and requests that it does not allow."""
    return st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )


def like_sample(case: Any, source: str) -> None:
    """Adds the fields of the sender's own sample to the case's body, if both are JSON objects."""
    sample = Sample(source)
    if "json" in sample.content_type and isinstance(case.body, dict):
        case.body, case.media_type = case.body | json.loads(sample.body), "application/json"


@pytest.mark.parametrize("source", SENDERS)
def test_every_signed_request_of_a_sender_is_answered_as_described(
    stack: Deployed, http: requests.Session, source: str
) -> None:
    @BOUNDED
    @given(cases(POST), st.sampled_from(["sample", "any fields"]))
    def check(case: Any, fields: str) -> None:
        case.path_parameters = {"source": source}
        if fields == "sample":
            like_sample(case, source)
        answer = case.call_and_validate(stack.api_url, http, checks=CHECKS, auth=Sender(source), timeout=30)
        assert answer.status_code == 200 or source in BODY_SIGNERS, answer.text

    check()


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_every_request_to_a_form_is_answered_as_described(
    stack: Deployed, http: requests.Session, accept: str
) -> None:
    @settings(BOUNDED, max_examples=12)
    @given(cases(POST), st.sampled_from([{"email": "ada@example.com"}, {}]))
    def check(case: Any, fields: dict[str, str]) -> None:
        case.path_parameters = {"source": "website"}
        if isinstance(case.body, dict):
            case.body |= fields
        headers = {"Accept": accept}
        case.call_and_validate(stack.api_url, http, headers=headers, checks=CHECKS, timeout=30)

    check()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_request_without_proof_is_answered_as_described(
    stack: Deployed, http: requests.Session, operation: Any
) -> None:
    @settings(BOUNDED, max_examples=12)
    @given(cases(operation), st.sampled_from(["any name", "website", *SENDERS]))
    def check(case: Any, source: str) -> None:
        if case.path_parameters and source != "any name":
            case.path_parameters = {"source": source}
        case.call_and_validate(stack.api_url, http, checks=CHECKS, timeout=30)

    check()
