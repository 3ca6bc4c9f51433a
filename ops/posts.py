"""Reads a request to a source from a file: a raw body, an API Gateway event, or a sample of events/sources/."""

import json
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from clemta_intake.errors import IntakeError
from clemta_intake.gateway import Request
from clemta_intake.http_values import HttpRequest
from clemta_intake.sources.config import (
    BodyHmac,
    Form,
    Hmac,
    Jws,
    StandardWebhooks,
    Token,
    Webhook,
    has_address,
)
from clemta_intake.transport import Transport, TransportError

from . import signers
from .environments import Environment
from .errors import OpsError

_GUESSES = {"{": "application/json", "[": "application/json"}


@dataclass(frozen=True)
class Post:
    """A sender's request; header names are in lower case. A sample names the `secret` to sign it with."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    uri: str = ""
    secret: str = field(default="", repr=False)

    @classmethod
    def read(cls, file: str, headers: Sequence[str]) -> "Post":
        """Reads the file, or standard input for "-"; `headers` override the file's own."""
        try:
            raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        except OSError as error:
            raise OpsError(f"{file}: {error.strerror}") from error
        return cls.of(raw, headers)

    @classmethod
    def of(cls, raw: bytes, headers: Sequence[str]) -> "Post":
        """A request from text: a raw body, an API Gateway event, or a sample; `headers` override its own."""
        given = dict(map(_header, headers))
        post = cls._of_event(_json_object(raw)) or cls(raw, {})
        found = {**post.headers, **given}
        found.setdefault("content-type", _guessed(post.body))
        return replace(post, headers=found)

    @classmethod
    def _of_event(cls, event: dict[str, Any]) -> "Post | None":
        try:
            if "requestContext" in event and "httpMethod" in event:
                request = Request.of(event)
                return cls(request.body(), request.headers, request.query, request.uri)
        except IntakeError as error:
            raise OpsError(f"the event's body cannot be read: {error.code}") from error
        if {"secret", "content_type", "headers"} <= event.keys():
            text = event["body"] if "body" in event else json.dumps(event["json"], ensure_ascii=False)
            headers = {**event["headers"], "content-type": event["content_type"]}
            return cls(text.encode(), headers, secret=event["secret"])
        return None


def send(env: Environment, source: Form | Webhook, post: Post, url: str | None) -> tuple[int, str]:
    """Signs and posts the request as the source's sender does; returns the answer's status and text."""
    if not has_address(source):
        raise OpsError(f"{source.name} takes no requests: an AWS service invokes its function")
    to = url or f"{env.api_url}/signups/{source.name}"
    if isinstance(source, Webhook):
        secret = next(iter(env.deps.secrets.signing_secrets(source.auth.secret)), "")
        if not secret:
            raise OpsError(f"there is no signing secret {source.auth.secret}: put it into the signing secret")
        post = signed(env, source, secret, post, signed_uri(env, to))
    request = HttpRequest("POST", to, dict(post.headers), dict(post.query), post.body)
    try:
        answer = Transport().send(request, 5, 35)
    except TransportError as error:
        helps = ": run make up" if env.location.endpoint_url and not url else f": {error}"
        raise OpsError(f"{urlsplit(to).netloc} does not answer{helps}") from None
    return answer.status, answer.body.decode(errors="replace")


def signed(env: Environment, source: Webhook, secret: str, post: Post, uri: str) -> Post:
    """The request with the sender's proof, made with this secret for this URL."""
    body = _with_proof(source, secret, post.body)
    headers = {**post.headers, **proof(env, source, secret, body, post.headers, uri)}
    return replace(post, body=body, headers=headers)


def _with_proof(source: Webhook, secret: str, body: bytes) -> bytes:
    """The body with the sender's proof, if the proof stands in the body."""
    auth = source.auth
    if isinstance(auth, Token) and auth.body:
        return signers.token_in(auth.body)(secret, body)
    if isinstance(auth, BodyHmac):
        base = auth.encoding == "base64"
        return signers.hmac_in(auth.signature, auth.signed, auth.digest, base=base)(secret, body)
    return body


def signed_uri(env: Environment, url: str) -> str:
    """The URL that the sender signs; for the local stack, the URL that API Gateway would have."""
    parts = urlsplit(url)
    if env.location.endpoint_url and parts.netloc == urlsplit(env.location.endpoint_url).netloc:
        return f"https://{parts.netloc}/v1/signups/{parts.path.rpartition('/')[2]}"
    return url


def proof(
    env: Environment, source: Webhook, secret: str, body: bytes, headers: Mapping[str, str], uri: str
) -> dict[str, str]:
    """The sender's authentication headers: by its preset's signer if there is one, else by `auth`."""
    table = env.tables[source.name]
    kind, now = table["kind"], int(time.time())
    if kind not in signers.SIGNERS or "auth" in table:
        return _by_config(source, secret, body, headers, uri)
    given = {"framer-webhook-submission-id": uuid.uuid4().hex, **headers}
    if kind in ("svix", "clerk"):
        given.setdefault("svix-id", f"msg_{uuid.uuid4().hex}")
    more = {"uri": uri} if kind == "hubspot" else {}
    signed = signers.SIGNERS[kind](secret, body, now, given, **more)
    return signed | ({name: given[name] for name in given if kind == "framer" and name.startswith("framer-")})


def _by_config(
    source: Webhook, secret: str, body: bytes, headers: Mapping[str, str], uri: str
) -> dict[str, str]:
    """Signs by the source's `auth`."""
    auth, now = source.auth, int(time.time())
    if isinstance(auth, Hmac):
        return _hmac(auth, secret, body, headers, uri)
    if isinstance(auth, StandardWebhooks):
        return signers.standard(secret, body, now, dict(headers))
    if isinstance(auth, Jws):
        return {auth.header: signers.jws(secret, body, now, {})["x-webhook-signature"]}
    if isinstance(auth, BodyHmac) or (isinstance(auth, Token) and auth.body):
        return {}
    if isinstance(auth, Token):
        return {auth.header: secret} if auth.header else signers.bearer(secret, body, now, {})
    return {"authorization": f"Basic {signers.b64(secret.encode())}"}


def _hmac(auth: Hmac, secret: str, body: bytes, headers: Mapping[str, str], uri: str) -> dict[str, str]:
    import base64
    import hmac

    stamp = str(int(time.time() * (1000 if auth.timestamp_unit == "ms" else 1)))
    identity = headers.get(auth.id_header or "", uuid.uuid4().hex)
    signed = auth.signed.encode()
    for name, value in (("timestamp", stamp), ("id", identity), ("method", "POST"), ("uri", uri)):
        signed = signed.replace(f"{{{name}}}".encode(), value.encode())
    key = secret.encode()
    if auth.key == "base64":
        text = secret.strip().removeprefix("v1,").removeprefix("whsec_")
        key = base64.b64decode(text + "=" * (-len(text) % 4))
    code = hmac.digest(key, signed.replace(b"{body}", body), auth.digest)
    items = [auth.prefix + (code.hex() if auth.encoding == "hex" else signers.b64(code))]
    if auth.timestamp_prefix is not None:
        items.insert(0, auth.timestamp_prefix + stamp)
    proven = {auth.header: auth.separator.join(items)}
    if auth.timestamp_header:
        proven[auth.timestamp_header] = stamp
    if auth.id_header:
        proven[auth.id_header] = identity
    return proven


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise OpsError(f"--header {text!r}: write it as 'name: value'")
    return name.strip().lower(), value.strip()


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _guessed(body: bytes) -> str:
    """The content type by the body's first character: JSON, else a form."""
    first = body.strip()[:1].decode("utf-8", "replace")
    return _GUESSES.get(first, "application/x-www-form-urlencoded")
