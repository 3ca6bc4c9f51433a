"""docs/openapi.json: the HTTP interface in OpenAPI 3.1, from the code that answers."""

import json
from pathlib import Path
from typing import Any

from clemta_intake import errors
from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.gateway import RETRY_AFTER
from clemta_intake.intake import MAX_BATCH
from clemta_intake.outcomes import ANSWERED
from clemta_intake.sources.config import presets
from local.processes import ROOT

PAGE = ROOT / "docs" / "openapi.json"
NAME = "[a-z0-9][a-z0-9_-]{0,63}"
JSON, PROBLEM, HTML = "application/json", "application/problem+json", "text/html"
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def pages() -> dict[Path, str]:
    """The description's text, by its path."""
    return {PAGE: json.dumps(description(), indent=1, ensure_ascii=False) + "\n"}


def description() -> dict[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "clemta-intake",
            "version": "v1",
            "summary": "A website sign-up or a sender's webhook becomes exactly one contact in Clemta.",
            "description": "The sources are those of your sources.toml. A source is a form, which is open, or a"
            " webhook, which authenticates each request as its `auth` says. An unknown address or method is answered"
            " with 404. What API Gateway or the firewall refuses by itself gets a problem without `status`.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [
            {
                "url": "{api_url}",
                "description": "The stack's ApiUrl",
                "variables": {"api_url": {"default": "https://api.example.com/v1"}},
            }
        ],
        "paths": {"/signups/{source}": signups(), "/health": health()},
        "components": {
            "schemas": schemas(),
            "responses": responses(),
            "headers": headers(),
            "securitySchemes": security_schemes(),
        },
    }


def signups() -> dict[str, Any]:
    """The operations on a source."""
    source = {
        "name": "source",
        "in": "path",
        "required": True,
        "description": "The source's name in sources.toml",
        "schema": {"type": "string", "pattern": f"^{NAME}$"},
        "example": "website",
    }
    return {
        "parameters": [source],
        "post": {
            "operationId": "signUp",
            "summary": "Posts a sign-up or an event",
            "description": f"At most {MAX_BODY:,} bytes. 200 means that each contact is in Clemta or in a queue.",
            "security": [{}, *({name: []} for name in security_schemes())],
            "parameters": [
                {
                    "name": "Origin",
                    "in": "header",
                    "description": "The origin of the page that posts; a form checks it against `allowed_origins`.",
                    "schema": {"type": "string"},
                },
                {
                    "name": "Sec-Fetch-Mode",
                    "in": "header",
                    "description": "With `navigate`, or text/html first in `Accept`, a form answers as to a browser.",
                    "schema": {"type": "string"},
                },
            ],
            "requestBody": {"required": True, "content": request_bodies()},
            "responses": {
                "200": {
                    "description": "Accepted",
                    "headers": CORS,
                    "content": {
                        JSON: {"schema": {"$ref": "#/components/schemas/Accepted"}},
                        HTML: {"schema": {"type": "string"}},
                    },
                },
                "303": {
                    "description": "A browser's form post: to `success_url`, or to `error_url` for a 4xx",
                    "headers": CORS | {"Location": {"$ref": "#/components/headers/Location"}},
                },
                **{str(status): ref(name) for status, name in refusals().items()},
                **AT_ANY_TIME,
            },
        },
        "get": {
            "operationId": "checkSource",
            "summary": "Says whether the source takes requests",
            "responses": {
                "200": {
                    "description": "It does",
                    "headers": CORS,
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Ready"}}},
                },
                "404": ref("UnknownSource"),
                **AT_ANY_TIME,
            },
        },
        "options": {
            "operationId": "preflight",
            "summary": "Answers a CORS preflight request",
            "parameters": [{"name": "Origin", "in": "header", "schema": {"type": "string"}}],
            "responses": {
                "204": {
                    "description": "With the headers of CORS if the form allows the origin",
                    "headers": CORS
                    | {
                        name: {"$ref": f"#/components/headers/{name}"}
                        for name in (
                            "Access-Control-Allow-Methods",
                            "Access-Control-Allow-Headers",
                            "Access-Control-Max-Age",
                        )
                    },
                },
                "404": ref("UnknownSource"),
                **AT_ANY_TIME,
            },
        },
    }


def health() -> dict[str, Any]:
    """The operation on the service itself."""
    return {
        "get": {
            "operationId": "health",
            "summary": "Says that the service runs, and which version",
            "responses": {
                "200": {
                    "description": "It runs",
                    "content": {JSON: {"schema": {"$ref": "#/components/schemas/Health"}}},
                },
                **AT_ANY_TIME,
            },
        }
    }


def ref(response: str) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{response}"}


CORS = {name: {"$ref": f"#/components/headers/{name}"} for name in ("Access-Control-Allow-Origin", "Vary")}
AT_ANY_TIME = {"429": ref("TooManyRequests"), "503": ref("Unavailable")}


def request_bodies() -> dict[str, Any]:
    """What may be posted, by content type."""
    person = {"full_name": "Ada Example", "email": "ada@example.com"}
    fields = {"type": "object", "description": "The answers, under any names", "examples": [person]}
    events = {
        "type": "array",
        "items": {"type": "object"},
        "maxItems": MAX_BATCH,
        "description": "A batch of events, for a webhook with `batch`",
    }
    return {
        JSON: {"schema": {"anyOf": [fields, events]}, "example": person},
        "application/x-www-form-urlencoded": {"schema": fields, "example": person},
        "multipart/form-data": {"schema": fields, "example": person},
    }


def schemas() -> dict[str, Any]:
    """The bodies of the answers."""
    submission_id = {"type": "string", "pattern": f"^{UUID}(-\\d+)?$"}
    status = {"enum": [*ANSWERED], "description": "A form is told no more than created, queued or parked."}
    result = {
        "type": "object",
        "required": ["status", "submission_id"],
        "properties": {
            "status": status,
            "submission_id": submission_id,
            "contact_id": {"type": "string", "description": "For a webhook only: the contact in Clemta"},
        },
        "additionalProperties": False,
    }
    batch = {
        "type": "object",
        "required": ["status", "submission_id", "submissions"],
        "properties": {
            "status": status | {"description": "The least settled of all"},
            "submission_id": submission_id,
            "submissions": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/Result"},
                "minItems": 2,
                "maxItems": MAX_BATCH,
            },
        },
        "additionalProperties": False,
    }
    mistake = {
        "type": "object",
        "required": ["field", "message"],
        "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
        "additionalProperties": False,
    }
    return {
        "Result": result,
        "BatchResult": batch,
        "Ready": constant({"status": "ready"}),
        "Accepted": {
            "description": "A result, the results of a batch, or the answer to a sender's handshake",
            "oneOf": [
                {"$ref": f"#/components/schemas/{name}"} for name in ("Result", "BatchResult", "Ready")
            ],
        },
        "Health": {
            "type": "object",
            "required": ["status", "version"],
            "properties": {"status": {"const": "ok"}, "version": {"type": "string"}},
            "additionalProperties": False,
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "required": ["type", "title", "status"],
            "properties": {
                "type": {"const": "about:blank"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string"},
                "errors": {"type": "array", "items": mistake, "minItems": 1},
            },
            "additionalProperties": False,
        },
    }


def constant(body: dict[str, str]) -> dict[str, Any]:
    """The schema of exactly this object."""
    return {
        "type": "object",
        "required": [*body],
        "properties": {name: {"const": value} for name, value in body.items()},
        "additionalProperties": False,
    }


def refusals() -> dict[int, str]:
    """The name of the response for each status with which a request is refused."""
    return {error.status: error.__name__ for error in errors.Refused.__subclasses__()}


def responses() -> dict[str, Any]:
    """The problems, by name; a form's refusal is a page for a browser that navigates to it."""
    found = {
        error.__name__: problem(
            error.status, error.title, str(error.__doc__), required=error is errors.Unmappable
        )
        for error in errors.Refused.__subclasses__()
    }
    retry = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    busy = problem(429, "Too many requests", "API Gateway's rate limit")
    down = problem(503, "Service unavailable", "Nothing was stored: send it again")
    for response in (busy, down):
        response["headers"] |= retry
    return found | {"TooManyRequests": busy, "Unavailable": down}


def problem(status: int, title: str, text: str, *, required: bool = False) -> dict[str, Any]:
    """A response with a problem of this status; `required`: it names the wrong fields."""
    exact: dict[str, Any] = {"properties": {"title": {"const": title}, "status": {"const": status}}}
    if required:
        exact["required"] = ["errors"]
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, exact]}
    return {
        "description": text,
        "headers": dict(CORS),
        "content": {PROBLEM: {"schema": schema}, HTML: {"schema": {"type": "string"}}},
    }


def headers() -> dict[str, Any]:
    """The headers of the answers."""
    text = {"type": "string"}
    return {
        "Access-Control-Allow-Origin": {"description": "The origin, if the form allows it", "schema": text},
        "Access-Control-Allow-Methods": {"schema": text},
        "Access-Control-Allow-Headers": {"schema": text},
        "Access-Control-Max-Age": {
            "description": "Seconds",
            "schema": {"type": "string", "pattern": "^\\d+$"},
        },
        "Vary": {"schema": text},
        "Location": {"required": True, "schema": text},
        "Retry-After": {"description": "Seconds", "required": True, "schema": {"const": RETRY_AFTER}},
    }


def security_schemes() -> dict[str, Any]:
    """How webhooks prove their requests: each place of a proof once, with the senders that use it."""
    found: dict[str, Any] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token"},
        "token": {"type": "apiKey", "in": "query", "name": "token", "description": "The same token"},
        "basic": {"type": "http", "scheme": "basic", "description": "`user:password`"},
    }
    by_header: dict[str, list[str]] = {}
    for preset in presets().values():
        auth, title = preset["auth"], preset["title"].partition(",")[0]
        if auth["scheme"] == "standard-webhooks":
            for name in ("webhook-signature", "svix-signature"):
                by_header.setdefault(name, []).append(title)
        for key in ("header", "other_header"):
            if key in auth:
                by_header.setdefault(auth[key], []).append(title)
    for header, titles in sorted(by_header.items()):
        found[header] = {"type": "apiKey", "in": "header", "name": header, "description": ", ".join(titles)}
    return found
