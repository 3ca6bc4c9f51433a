"""Authenticates a request. Pure and total: any input is accepted or raises Unauthentic, and nothing else.

It verifies the raw bytes, before they are parsed; only a proof that stands in a JSON body is read from the parsed body.
It compares bytes, in constant time. It refuses an empty secret, a missing proof, a stale or future timestamp and an odd
encoding.
"""

import hashlib
import hmac
import json
import re
from base64 import b64decode
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..bodies.json_text import JsonBody
from ..bodies.limits import MAX_BODY
from ..bodies.parse import parse_body
from ..bodies.places import value_at
from ..errors import Refused, Unauthentic
from .config import Auth, BodyHmac, Hmac, Iam, Jws, StandardWebhooks, Token

_MAX_HEADER = 4096  # characters; the longest real one holds a few signatures of 100
_TIMESTAMP = re.compile("[0-9]{1,15}")


class SignedPost(NamedTuple):
    """The parts that a signature may cover: raw body, headers with lower-case names, query, and the request's URI."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str] = {}
    uri: str = ""


def authenticate(auth: Auth, secrets: Sequence[str], post: SignedPost, now: float) -> str:
    """The delivery id that the signature covers, "" for a scheme without one; raises Unauthentic if no secret matches.

    `now` is unix seconds.
    """
    if isinstance(auth, Iam):
        raise Unauthentic("not_over_http")
    usable = [secret for secret in secrets if secret.strip()]
    if not usable:
        raise Unauthentic("secret_missing")
    if isinstance(auth, Hmac):
        return _hmac(auth, usable, post, now)
    if isinstance(auth, StandardWebhooks):
        return _standard_webhooks(auth, usable, post, now)
    if isinstance(auth, BodyHmac):
        return _body_hmac(auth, usable, post)
    if isinstance(auth, Jws):
        _jws(auth, usable, post)
    elif isinstance(auth, Token):
        _token(auth, usable, post)
    else:
        _basic(usable, post.headers)
    return ""


def _hmac(auth: Hmac, secrets: Sequence[str], post: SignedPost, now: float) -> str:
    body, headers, _, uri = post
    items = _items(auth, headers)
    signatures = [item.removeprefix(auth.prefix) for item in items if item.startswith(auth.prefix)]
    received = [signature for text in signatures if (signature := _decoded(text, auth.encoding))]
    if not received:
        raise Unauthentic("signature_malformed")
    values = {"{body}": body, "{method}": b"POST", "{uri}": uri.encode("utf-8", "surrogatepass")}
    if auth.id_header:
        values["{id}"] = _required(headers, auth.id_header).encode("utf-8", "surrogatepass")
    if "{timestamp}" in auth.signed:
        values["{timestamp}"] = _timestamp(auth, items, headers, now).encode()
    parts = re.split(r"(\{\w+\})", auth.signed)
    signed = b"".join(values[part] if part in values else part.encode() for part in parts)
    keys = [key for secret in secrets for key in _keys(secret, auth.key) if key]
    if not keys:
        raise Unauthentic("secret_malformed")
    expected = [hmac.digest(key, signed, auth.digest) for key in keys]
    _require_match(received, expected, "signature_mismatch")
    return headers[auth.id_header] if auth.id_header else ""


def _items(auth: Hmac, headers: Mapping[str, str]) -> list[str]:
    other = auth.other_header if auth.other_header and auth.header not in headers else None
    header = _required(headers, other or auth.header)
    # Supabase joins its signatures with ", " where the standard has " ": a comma at an item's end is stripped.
    return [item.strip(" ,") for item in header.split(auth.separator)] if auth.separator else [header.strip()]


def _timestamp(auth: Hmac, items: list[str], headers: Mapping[str, str], now: float) -> str:
    if auth.timestamp_header:
        text = _required(headers, auth.timestamp_header).strip()
    else:
        prefix = auth.timestamp_prefix or ""
        text = next((item.removeprefix(prefix) for item in items if item.startswith(prefix)), "")
    if not _TIMESTAMP.fullmatch(text):
        raise Unauthentic("timestamp_malformed")
    seconds = int(text) / (1000 if auth.timestamp_unit == "ms" else 1)
    if abs(now - seconds) > auth.tolerance:
        raise Unauthentic("timestamp_stale" if seconds < now else "timestamp_future")
    return text


def _standard_webhooks(auth: StandardWebhooks, secrets: Sequence[str], post: SignedPost, now: float) -> str:
    name = "svix" if "svix-signature" in post.headers else "webhook"
    scheme = Hmac(
        scheme="hmac",
        secret=auth.secret,
        header=f"{name}-signature",
        encoding="base64",
        prefix="v1,",
        separator=" ",
        signed="{id}.{timestamp}.{body}",
        timestamp_header=f"{name}-timestamp",
        tolerance=auth.tolerance,
        id_header=f"{name}-id",
        key=auth.key,
    )
    # Supabase keeps several secrets in one text, separated by "|", which is no base64 character.
    several = [
        part for secret in secrets for part in (secret.split("|") if auth.key == "base64" else [secret])
    ]
    return _hmac(scheme, several, post, now)  # the id from the header family whose signature matched


def _jws(auth: Jws, secrets: Sequence[str], post: SignedPost) -> None:
    """RFC 7515, compact; we fix the algorithm and refuse any other in the token (`alg: none` is a known attack)."""
    signed, _, signature = _required(post.headers, auth.header).strip().rpartition(".")
    header, dot, claims = signed.partition(".")
    received = _unpadded(signature)
    if not received or not dot or _object(header).get("alg") != "HS256":
        raise Unauthentic("signature_malformed")
    message = signed.encode("utf-8", "surrogatepass")
    expected = [hmac.digest(_text_key(secret), message, "sha256") for secret in secrets]
    _require_match([received], expected, "signature_mismatch")
    says = _object(claims)
    claimed, hashed = says.get("sha256"), hashlib.sha256(post.body).hexdigest()
    if (
        says.get("iss") != auth.issuer
        or not isinstance(claimed, str)
        or not hmac.compare_digest(claimed.encode("utf-8", "surrogatepass"), hashed.encode())
    ):
        raise Unauthentic("signature_mismatch")


def _object(part: str) -> dict[str, Any]:
    """The JSON object in a part of a JWS; {} if it is not one."""
    try:
        value = json.loads(_unpadded(part))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _unpadded(text: str) -> bytes:
    """The bytes of URL-safe base64 without padding; empty if it is malformed."""
    return _decoded(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), "base64")


def _body_hmac(auth: BodyHmac, secrets: Sequence[str], post: SignedPost) -> str:
    """The hash of the signed text: the rest of the body could be changed, so the body's hash names no delivery."""
    data = _json(post)
    received = _decoded(_proof(data, auth.signature), auth.encoding)
    if not received:
        raise Unauthentic("signature_malformed")
    signed = _text(data, auth.signed).encode()
    expected = [hmac.digest(_text_key(secret), signed, auth.digest) for secret in secrets]
    _require_match([received], expected, "signature_mismatch")
    return hashlib.sha256(signed).hexdigest()


def _json(post: SignedPost) -> Any:
    """The data of a JSON body, read as it will be mapped; any other body proves nothing."""
    if len(post.body) > MAX_BODY:
        raise Unauthentic("body_too_long")
    try:
        body = parse_body(post.headers.get("content-type", ""), post.body)
    except Refused:
        raise Unauthentic("body_malformed") from None
    if not isinstance(body, JsonBody):
        raise Unauthentic("body_malformed")
    return body.data


def _proof(data: Any, place: str) -> str:
    text = _text(data, place)
    if len(text) > _MAX_HEADER:
        raise Unauthentic("proof_too_long")
    return text


def _text(data: Any, place: str) -> str:
    text = value_at(data, place.split("."))
    if not isinstance(text, str) or not text.strip():
        raise Unauthentic("proof_missing")
    return text


def _token(auth: Token, secrets: Sequence[str], post: SignedPost) -> None:
    if auth.header:
        candidates = [_required(post.headers, auth.header)]
    elif auth.body:
        candidates = [_proof(_json(post), auth.body)]
    else:
        candidates = [_credentials(post.headers, "bearer"), post.query.get("token", "")]
    received = [candidate.encode("utf-8", "surrogatepass") for candidate in candidates if candidate]
    if not received:
        raise Unauthentic("token_missing")
    _require_match(
        received, [secret.encode("utf-8", "surrogatepass") for secret in secrets], "token_mismatch"
    )


def _basic(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    received = _decoded(_credentials(headers, "basic"), "base64")
    if not received:
        raise Unauthentic("credentials_missing")
    _require_match(
        [received], [secret.encode("utf-8", "surrogatepass") for secret in secrets], "credentials_mismatch"
    )


def _credentials(headers: Mapping[str, str], scheme: str) -> str:
    found, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if found.lower() == scheme else ""


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "")
    if not value.strip():
        raise Unauthentic("header_missing")
    if len(value) > _MAX_HEADER:
        raise Unauthentic("header_too_long")
    return value


def _decoded(text: str, encoding: str) -> bytes:
    """The decoded bytes; empty if the text is malformed."""
    try:
        raw = text.encode("ascii")
        return unhexlify(raw) if encoding == "hex" else b64decode(raw, validate=True)
    except ValueError:  # binascii.Error and UnicodeEncodeError are ValueErrors
        return b""


def _keys(secret: str, form: str) -> list[bytes]:
    """Every key that the secret can mean; an empty key if the secret does not have that form."""
    if form == "text":
        return [_text_key(secret)]
    text = secret.strip().removeprefix("v1,").removeprefix("whsec_")
    decoded = _decoded(text + "=" * (-len(text) % 4), "base64")
    return [decoded] if form == "base64" or not text else [decoded, _text_key(secret)]


def _text_key(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogatepass")


def _require_match(received: Sequence[bytes], expected: Sequence[bytes], code: str) -> None:
    matches = [hmac.compare_digest(one, other) for one in received for other in expected]
    if not any(matches):
        raise Unauthentic(code)
