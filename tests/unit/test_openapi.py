"""docs/openapi.json describes the HTTP interface, whole and as it is."""

import json
import time
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from samcli.yamlhelper import yaml_parse

from clemta_intake import receive
from local.processes import ROOT
from tests.support.events import CRM_SECRET, Context, crm, form, request
from tests.support.fakes import FakeDependencies
from tools.openapi_docs import PAGE, description

ADA = {"full_name": "Ada Example", "email": "ada@example.com"}
JSON = {"Content-Type": "application/json"}
BROWSER = {"Accept": "text/html"}
ORIGIN = "https://www.example.com"
LEAD = {"email": "bo@example.com"}
SOURCES: dict[str, Any] = {
    "website": {"kind": "form"},
    "paged": {"kind": "form", "allowed_origins": [ORIGIN], "success_url": ORIGIN, "error_url": ORIGIN},
    "crm": {
        "kind": "webhook",
        "auth": {"scheme": "hmac", "header": "x-signature", "prefix": "sha256=", "secret": "crm"},
        "accept": "body[0].email != 'nobody'",
        "batch": True,
        "contact": {"full_name": "body.name", "email": "body.email"},
        "handshake": {"body": "ping"},
    },
}
REQUESTS = [
    (200, form(ADA)),
    (200, form(ADA, **BROWSER)),
    (200, crm(LEAD)),
    (200, crm([LEAD, ADA])),
    (200, crm("not an object")),
    (200, request("POST", "/signups/crm", b"ping")),
    (303, form(ADA, "paged", **BROWSER)),
    (303, form({"email": ""}, "paged", **BROWSER)),
    (400, form({})),
    (401, request("POST", "/signups/crm", b"{}", JSON)),
    (403, form(ADA, "paged", Origin="https://other.example")),
    (404, form(ADA, "nobody")),
    (404, form(ADA, "é€\x02")),
    (413, form({"message": "x" * 200_000})),
    (415, request("POST", "/signups/website", b"x", {"Content-Type": "text/xml"})),
    (422, form({"email": ""})),
    (422, form({"email": ""}, **BROWSER)),
    (200, request("GET", "/signups/website")),
    (404, request("GET", "/signups/nobody")),
    (204, request("OPTIONS", "/signups/paged", headers={"Origin": ORIGIN})),
    (404, request("OPTIONS", "/signups/nobody")),
    (200, request("GET", "/health")),
]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PAGE.read_text())
    return found


def resolved(described: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What a reference points to."""
    if "$ref" in value:
        for key in value["$ref"].removeprefix("#/").split("/"):
            described = described[key]
        return described
    return value


def check(described: dict[str, Any], event: dict[str, Any], answer: dict[str, Any]) -> int:
    """Checks an answer against the response that is described for its status, which is returned."""
    operation = described["paths"][event["resource"]][event["httpMethod"].lower()]
    response = resolved(described, operation["responses"][str(answer["statusCode"])])
    given = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
    for name, reference in response.get("headers", {}).items():
        header = resolved(described, reference)
        assert name in given or not header.get("required"), name
        if name in given:
            Draft202012Validator(header["schema"]).validate(given[name])
    assert given.keys() <= response.get("headers", {}).keys() | {
        *("Content-Type", "Content-Security-Policy", "Cache-Control"),
        *("X-Content-Type-Options", "Referrer-Policy"),
    }
    if "content" in response:
        kind = given["Content-Type"].partition(";")[0]
        body = answer["body"] if kind == "text/html" else json.loads(answer["body"])
        Draft202012Validator(described | response["content"][kind]["schema"]).validate(body)
    else:
        assert not answer["body"]
    return int(answer["statusCode"])


def test_the_description_is_valid_openapi(described: dict[str, Any]) -> None:
    assert described["openapi"] == "3.1.1"
    assert not [*OpenAPIV31SpecValidator(described).iter_errors()]


def test_the_description_is_the_codes(described: dict[str, Any]) -> None:
    assert described == description()


def test_the_description_has_every_route_of_the_template_and_no_other(described: dict[str, Any]) -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    events = template["Resources"]["ReceiveFunction"]["Properties"]["Events"].values()
    routes = {(event["Properties"]["Path"], event["Properties"]["Method"]) for event in events}
    found = {
        (path, method)
        for path, operations in described["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert found == routes


@pytest.mark.parametrize("status", ["413", "429", "503"])
def test_p2_answers_of_api_gateway_itself_are_as_described(described: dict[str, Any], status: str) -> None:
    template = yaml_parse((ROOT / "template.yaml").read_text())
    own = template["Resources"]["Api"]["Properties"]["GatewayResponses"].values()
    found = [response for response in own if response.get("StatusCode") == status]
    assert found
    for response in found:
        headers = response["ResponseParameters"]["Headers"]
        answer = {
            "statusCode": status,
            "multiValueHeaders": {name: [value.strip("'")] for name, value in headers.items()},
            "body": response["ResponseTemplates"]["application/json"],
        }
        for path, operations in described["paths"].items():
            for method in operations.keys() - {"parameters"}:
                if status in operations[method]["responses"]:
                    check(described, {"resource": path, "httpMethod": method}, answer)


@pytest.mark.parametrize(("status", "event"), REQUESTS)
def test_each_answer_is_as_described(described: dict[str, Any], status: int, event: dict[str, Any]) -> None:
    deps: Any = FakeDependencies(SOURCES, crm=CRM_SECRET)
    event["requestContext"]["requestTimeEpoch"] = int(time.time() * 1000)  # it was made with this file
    answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type]
    assert check(described, event, answer) == status


@pytest.mark.parametrize("headers", [{}, BROWSER])
def test_p2_answer_to_a_failure_of_ours_is_as_described(
    described: dict[str, Any], headers: dict[str, str]
) -> None:
    deps: Any = FakeDependencies({"website": {"kind": "form", "spam": {"honeypot": "trap"}}})
    deps.queues.refuses = True
    event = form(ADA | {"trap": "x"}, **headers)
    answer = receive.create_app(lambda: deps).resolve(event, Context())  # type: ignore[arg-type]
    assert check(described, event, answer) == 503


def test_every_described_answer_of_the_function_is_checked_here(described: dict[str, Any]) -> None:
    checked = {(event["resource"], event["httpMethod"].lower(), str(status)) for status, event in REQUESTS}
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            if method != "parameters":
                own = operation["responses"].keys() - {"429", "503"}  # API Gateway's, and the test above
                assert {(path, method, status) for status in own} <= checked
