"""API Gateway: its event, and the response that goes back."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from .bodies import MAX_BODY, too_large
from .errors import Unreadable

_RETRY_AFTER = "30"


def check_body_size(event: Mapping[str, Any]) -> None:
    """Raises TooLarge for a body that is too long by its length alone: it is not decoded, copied or looked at."""
    length = len(event.get("body") or "")
    if event.get("isBase64Encoded"):
        length = length // 4 * 3 - 2  # the least that such a text can hold
    if length > MAX_BODY:
        raise too_large()


def event_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were posted, API Gateway's base64 undone and nothing else. Raises TooLarge or Unreadable."""
    check_body_size(event)
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            body = b64decode(text, validate=True)
        except ValueError as error:
            raise Unreadable("not_base64") from error
    else:
        body = bytes(text.encode("utf-8", "surrogatepass"))
    if len(body) > MAX_BODY:
        raise too_large()
    return body


def event_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Header names in lower case; a header that came twice is joined with ", " (RFC 9110, 5.3)."""
    many = event.get("multiValueHeaders") or {
        name: [value] for name, value in (event.get("headers") or {}).items()
    }
    headers: dict[str, str] = {}
    for name, values in many.items():
        for value in values or ():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else str(value)
    return headers


def event_query(event: Mapping[str, Any]) -> dict[str, str]:
    """The last value of each query parameter."""
    many = event.get("multiValueQueryStringParameters")
    if many:
        return {name: str(values[-1]) for name, values in many.items() if values}
    return {name: str(value) for name, value in (event.get("queryStringParameters") or {}).items()}


def event_path(event: Mapping[str, Any]) -> str:
    """The path below the API's address; `path` itself begins with a custom domain's base path, where there is one."""
    path = str(event.get("resource") or "")
    for name, value in (event.get("pathParameters") or {}).items():
        path = path.replace(f"{{{name}}}", str(value))
    return path or str(event.get("path"))


def event_uri(event: Mapping[str, Any]) -> str:
    """The address that was posted to, as its sender knows it: https and the query string included.

    `requestContext.path` begins with the stage, or with the base path of a custom domain, which is then `domainName`.
    API Gateway hands the query on decoded: one whose values need escapes may come out written in another way.
    """
    context = event.get("requestContext") or {}
    host = context.get("domainName") or event_headers(event).get("host", "")
    pairs = [
        (name, value)
        for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        for value in values
    ]
    return f"https://{host}{context.get('path', '')}" + (
        f"?{urlencode(pairs, errors='surrogatepass')}" if pairs else ""
    )


def unavailable() -> Response[str]:
    """Our own trouble is always retryable (P2)."""
    response = problem(503, "Service unavailable")
    response.headers["Retry-After"] = _RETRY_AFTER
    return response


def json_response(
    status: int, body: Mapping[str, Any], content_type: str = "application/json"
) -> Response[str]:
    return Response(status_code=status, content_type=content_type, body=json.dumps(body), headers={})


def problem(status: int, title: str, **more: Any) -> Response[str]:
    """RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return json_response(status, body, "application/problem+json")


def redirect(url: str) -> Response[str]:
    return Response(status_code=303, content_type=None, body="", headers={"Location": url})
