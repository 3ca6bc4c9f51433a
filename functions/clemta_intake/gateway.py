"""API Gateway: reads its event as a request, and makes its responses."""

import json
from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from .bodies.limits import MAX_BODY, too_large
from .errors import Refused, Unauthentic, Unmappable, Unreadable

RETRY_AFTER = "30"
"""Seconds after which a sender may try again."""


class Request(NamedTuple):
    """A request as API Gateway hands it on; header names in lower case."""

    event: Mapping[str, Any]
    headers: Mapping[str, str]

    def __repr__(self) -> str:
        return "Request()"  # the event holds personal data

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> Self:
        """The headers; a repeated header is joined with ", " (RFC 9110, 5.3)."""
        many = event.get("multiValueHeaders") or {
            name: [value] for name, value in (event.get("headers") or {}).items()
        }
        headers: dict[str, str] = {}
        for name, values in many.items():
            for value in values or ():
                key = name.lower()
                headers[key] = f"{headers[key]}, {value}" if key in headers else str(value)
        return cls(event, headers)

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        many = self.event.get("multiValueQueryStringParameters")
        if many:
            return {name: str(values[-1]) for name, values in many.items() if values}
        return {name: str(value) for name, value in (self.event.get("queryStringParameters") or {}).items()}

    @property
    def path(self) -> str:
        """The path below the API's address; the event's begins with a custom domain's base path, where there is one."""
        path = str(self.event.get("resource") or "")
        for name, value in (self.event.get("pathParameters") or {}).items():
            path = path.replace(f"{{{name}}}", str(value))
        return path or str(self.event.get("path"))

    @property
    def uri(self) -> str:
        """The address that was posted to, as its sender knows it: https and the query string included.

        `requestContext.path` begins with the stage, or with the base path of a custom domain, which is then
        `domainName`. API Gateway hands the query on decoded: one whose values need escapes may come out written in
        another way.
        """
        context = self.event.get("requestContext") or {}
        host = context.get("domainName") or self.headers.get("host", "")
        pairs = [
            (name, value)
            for name, values in (self.event.get("multiValueQueryStringParameters") or {}).items()
            for value in values
        ]
        return f"https://{host}{context.get('path', '')}" + (
            f"?{urlencode(pairs, errors='surrogatepass')}" if pairs else ""
        )

    @property
    def origin(self) -> str | None:
        """The origin of the page that posts, from its browser; "null" if the page hides its origin."""
        return self.headers.get("origin")

    @property
    def is_from_page(self) -> bool:
        """Whether a browser navigates to the answer: a program may accept HTML too, but not as its first choice."""
        first = self.headers.get("accept", "").partition(",")[0].partition(";")[0]
        return (
            first.strip().lower() == "text/html"
            or self.headers.get("sec-fetch-mode", "").lower() == "navigate"
        )

    @property
    def text_length(self) -> int:
        """The number of characters of the body's text in the event, before any base64 is decoded."""
        return len(self.event.get("body") or "")

    def is_from(self, allowed: Collection[str]) -> bool:
        """Whether the origin is one of these; "null" never is, because any page can send it."""
        return self.origin != "null" and ("*" in allowed or (self.origin or "").lower() in allowed)

    def check_body_size(self) -> None:
        """Raises TooLarge by the text's length alone, before the body is decoded, copied or read."""
        length = self.text_length
        if self.event.get("isBase64Encoded"):
            length = length // 4 * 3 - 2  # the least that such a text can hold
        if length > MAX_BODY:
            raise too_large()

    def body(self) -> bytes:
        """The posted bytes: only API Gateway's base64 is decoded. Raises TooLarge or Unreadable."""
        self.check_body_size()
        text = self.event.get("body") or ""
        if self.event.get("isBase64Encoded"):
            try:
                body = b64decode(text, validate=True)
            except ValueError as error:
                raise Unreadable("not_base64") from error
        else:
            body = bytes(text.encode("utf-8", "surrogatepass"))
        if len(body) > MAX_BODY:
            raise too_large()
        return body


def json_response(
    status: int, body: Mapping[str, Any], content_type: str = "application/json"
) -> Response[str]:
    return Response(status_code=status, content_type=content_type, body=json.dumps(body), headers={})


def problem(status: int, title: str, **more: Any) -> Response[str]:
    """RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return json_response(status, body, "application/problem+json")


def refusal(error: Refused) -> Response[str]:
    """The answer to a refusal: names the fields of an invalid form, and no detail of failed authentication."""
    if isinstance(error, Unmappable):
        fields = [{"field": name, "message": message} for name, message in error.fields]
        return problem(error.status, error.title, errors=fields)
    detail = "" if isinstance(error, Unauthentic) or str(error) == error.code else str(error)
    return problem(error.status, error.title, **({"detail": detail} if detail else {}))


def unavailable() -> Response[str]:
    """The answer to a failure of ours: always retryable (P2)."""
    response = problem(503, "Service unavailable")
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def redirect(url: str) -> Response[str]:
    return Response(status_code=303, content_type=None, body="", headers={"Location": url})


def preflight(*, allowed: bool) -> Response[str]:
    """The answer to a CORS preflight request."""
    response: Response[str] = Response(status_code=204, content_type=None, body="")
    if allowed:
        response.headers.update(
            {
                "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                "Access-Control-Allow-Headers": "Content-Type",
                "Access-Control-Max-Age": "600",
            }
        )
    return response


def with_cors(response: Response[str], request: Request, allowed: Collection[str]) -> Response[str]:
    """The response with CORS headers, if the request comes from one of these origins."""
    response.headers["Vary"] = "Origin"
    if request.origin is not None and request.is_from(allowed):
        response.headers["Access-Control-Allow-Origin"] = request.origin
    return response


def as_event(response: Response[str]) -> dict[str, Any]:
    """The response in API Gateway's format."""
    return {
        "statusCode": response.status_code,
        "headers": dict(response.headers),
        "body": response.body,
        "isBase64Encoded": False,
    }
