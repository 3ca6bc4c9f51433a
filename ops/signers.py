"""Signs as each sender does, by the sender's own documentation and independently of the verifier."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

URI = "https://api.example.com/v1/signups/x"


def mac(secret: str, signed: bytes) -> hmac.HMAC:
    return hmac.new(secret.encode(), signed, hashlib.sha256)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def standard(secret: str, body: bytes, now: int, headers: dict[str, str]) -> dict[str, str]:
    """By the standard's own library, which takes the secret as text with "whsec_" or as bytes."""
    prefix = "svix" if "svix-id" in headers else "webhook"
    key: Any = secret.removeprefix("v1,") if "whsec_" in secret else secret.encode()
    stamp = str(now)
    identity = headers.get(f"{prefix}-id", "msg_1")
    signed = f"{identity}.{stamp}.".encode() + body
    if isinstance(key, str):
        key = base64.b64decode(key.removeprefix("whsec_"))
    return {
        f"{prefix}-id": identity,
        f"{prefix}-timestamp": stamp,
        f"{prefix}-signature": "v1," + b64(hmac.new(key, signed, hashlib.sha256).digest()),
    }


def listed(
    header: str, stamp: str, name: str, joint: str, dot: str, unit: int = 1
) -> Callable[..., dict[str, str]]:
    """A signer for headers like t=…,v1=…."""

    def sign(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
        time = str(now * unit)
        return {
            header: f"{stamp}={time}{joint}{name}={mac(secret, time.encode() + dot.encode() + body).hexdigest()}"
        }

    return sign


def plain(header: str, prefix: str = "", *, base: bool = False) -> Callable[..., dict[str, str]]:
    """A signer for a MAC of the body alone."""

    def sign(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
        code = mac(secret, body)
        return {header: prefix + (b64(code.digest()) if base else code.hexdigest())}

    return sign


def webflow(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
    time = str(now * 1000)
    return {
        "x-webflow-timestamp": time,
        "x-webflow-signature": mac(secret, f"{time}:".encode() + body).hexdigest(),
    }


def framer(secret: str, body: bytes, now: int, headers: dict[str, str]) -> dict[str, str]:
    identity = headers["framer-webhook-submission-id"]
    return {"framer-signature": "sha256=" + mac(secret, body + identity.encode()).hexdigest()}


def hubspot(secret: str, body: bytes, now: int, _: dict[str, str], uri: str = URI) -> dict[str, str]:
    time = str(now * 1000)
    signed = b"POST" + uri.encode() + body + time.encode()
    return {"x-hubspot-signature-v3": b64(mac(secret, signed).digest()), "x-hubspot-request-timestamp": time}


def jws(secret: str, body: bytes, now: int, _: dict[str, str], **header: str) -> dict[str, str]:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": "netlify", "sha256": hashlib.sha256(body).hexdigest()}
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', **header})}.{part(claims)}"
    signature = base64.urlsafe_b64encode(mac(secret, signed.encode()).digest()).decode().rstrip("=")
    return {"x-webhook-signature": f"{signed}.{signature}"}


def bearer(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def basic(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Basic {b64(secret.encode())}"}


def ghost(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
    time = str(now * 1000)
    return {"x-ghost-signature": f"sha256={mac(secret, body + time.encode()).hexdigest()}, t={time}"}


def nothing(secret: str, body: bytes, now: int, _: dict[str, str]) -> dict[str, str]:
    """No header: the proof stands in the body."""
    return {}


def token_in(place: str) -> Callable[[str, bytes], bytes]:
    """Puts the token into a JSON body."""
    return lambda secret, body: _with(body, place, lambda _: secret)


def hmac_in(
    place: str, signed: str, digest: str = "sha256", *, base: bool = False
) -> Callable[[str, bytes], bytes]:
    """Puts the MAC of one text of a JSON body into the body."""

    def sign(secret: str, body: bytes) -> bytes:
        def code(data: dict[str, Any]) -> str:
            raw = hmac.digest(secret.encode(), str(data.get(signed, "")).encode(), digest)
            return b64(raw) if base else raw.hex()

        return _with(body, place, code)

    return sign


def _with(body: bytes, place: str, value: Callable[[dict[str, Any]], str]) -> bytes:
    """The body with a value at the place; another body than a JSON object has no place for it."""
    try:
        data = inside = json.loads(body)
        *above, last = place.split(".")
        proof = value(data)
        for key in above:
            inside = inside[key]
        inside[last] = proof
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return body
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


SIGNERS: dict[str, Callable[..., dict[str, str]]] = {
    **dict.fromkeys(
        ["standard-webhooks", "svix", "clerk", "supabase", "polar", "formbricks", "dodo-payments", "whop"],
        standard,
    ),
    "workos": listed("workos-signature", "t", "v1", ", ", ".", 1000),
    "stripe": listed("stripe-signature", "t", "v1", ",", "."),
    "calendly": listed("calendly-webhook-signature", "t", "v1", ",", "."),
    "formspree": listed("formspree-signature", "t", "v1", ",", "."),
    "wpforms": listed("x-wpforms-webhook-signature", "t", "v", ",", "."),
    "paddle": listed("paddle-signature", "ts", "h1", ";", ":"),
    "shopify": plain("x-shopify-hmac-sha256", base=True),
    "woocommerce": plain("x-wc-webhook-signature", base=True),
    "lemon-squeezy": plain("x-signature"),
    "typeform": plain("typeform-signature", "sha256=", base=True),
    "tally": plain("tally-signature", base=True),
    "cal-com": plain("x-cal-signature-256"),
    "github": plain("x-hub-signature-256", "sha256="),
    "mailerlite": plain("signature"),
    "opnform": plain("x-webhook-signature", "sha256="),
    "keycloak": plain("x-keycloak-signature"),
    "kit": listed("x-kit-signature", "t", "v1", ",", "."),
    "ghost": ghost,
    "chargebee": basic,
    **dict.fromkeys(["google-ads", "ikas"], nothing),
    "webflow": webflow,
    "framer": framer,
    "hubspot": hubspot,
    "netlify": jws,
    **dict.fromkeys(
        [
            *("auth0", "jotform", "fillout", "gravity-forms", "contact-form-7", "mailchimp", "google-forms"),
            *("zapier", "make", "n8n", "elementor", "gumroad"),
        ],
        bearer,
    ),
}
TIMED = {
    *("standard-webhooks", "svix", "clerk", "supabase", "polar", "workos", "stripe", "calendly", "formspree"),
    *("wpforms", "paddle", "webflow", "hubspot", "formbricks", "dodo-payments", "whop", "kit", "ghost"),
}
BODY_SIGNERS: dict[str, Callable[[str, bytes], bytes]] = {
    "google-ads": token_in("google_key"),
    "ikas": hmac_in("signature", "data"),
}
"""Senders that put their proof into the body."""


def signed_body(kind: str, secret: str, body: bytes) -> bytes:
    """The body as the sender posts it."""
    return BODY_SIGNERS[kind](secret, body) if kind in BODY_SIGNERS else body
