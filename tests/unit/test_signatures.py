"""P5, fail closed: a webhook is accepted only from whom it says it is from, and no input ends in another way."""

import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from standardwebhooks import Webhook as ReferenceWebhook

from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.errors import Unauthentic
from clemta_intake.gateway import Request
from clemta_intake.sources.config import Auth
from clemta_intake.sources.signatures import SignedPost, authenticate
from tests.support.events import FORM
from tests.support.examples import examples

NOW = 1_800_000_000
BODY = '{"name": "Ayşe 🎉"}'.encode()
KEY = "whsec_" + b64encode(bytes(range(24))).decode()
OTHER_KEY = "whsec_" + b64encode(bytes(range(24, 48))).decode()
VECTORS = Path(__file__).parents[3] / "shared/vectors"

type Headers = dict[str, str]


def auth(**keys: Any) -> Auth:
    checked: Auth = TypeAdapter(Auth).validate_python({"secret": "crm", **keys})
    return checked


def digest(secret: str, signed: bytes, digest_name: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), signed, digest_name).digest()


def signed_in_hex(secret: str, body: bytes, at: int) -> Headers:
    return {"x-signature": "sha256=" + digest(secret, body).hex()}


def signed_in_base64(secret: str, body: bytes, at: int) -> Headers:
    return {"x-signature": b64encode(digest(secret, body)).decode()}


def signed_like_stripe(secret: str, body: bytes, at: int) -> Headers:
    return {"x-signature": f"t={at},v1={digest(secret, b'%d.' % at + body).hex()},v0=junk"}


def signed_like_workos(secret: str, body: bytes, at: int) -> Headers:
    milliseconds = at * 1000
    signature = digest(secret, b"%d.d1." % milliseconds + body).hex()
    return {"x-signature": signature, "x-time": str(milliseconds), "x-id": "d1"}


def signed_by_the_standard(secret: str, body: bytes, at: int, name: str = "webhook") -> Headers:
    key = b64decode(secret.removeprefix("whsec_"))
    signature = hmac.new(key, b"d1.%d." % at + body, "sha256").digest()
    return {
        f"{name}-id": "d1",
        f"{name}-timestamp": str(at),
        f"{name}-signature": "v1," + b64encode(signature).decode(),
    }


@dataclass(frozen=True)
class Scheme:
    """A signing scheme: its configuration, and how a sender signs."""

    auth: Auth
    sign: Callable[[str, bytes, int], Headers]
    header: str
    secret: str = KEY
    other: str = OTHER_KEY
    timestamp: str = ""
    """The header that holds the timestamp."""
    covers_body: bool = True


HEX = Scheme(auth(scheme="hmac", header="X-Signature", prefix="sha256="), signed_in_hex, "x-signature")
BASE64 = Scheme(auth(scheme="hmac", header="x-signature", encoding="base64"), signed_in_base64, "x-signature")
STRIPE = Scheme(
    auth(
        scheme="hmac",
        header="x-signature",
        prefix="v1=",
        separator=",",
        timestamp_prefix="t=",
        signed="{timestamp}.{body}",
    ),
    signed_like_stripe,
    "x-signature",
    timestamp="x-signature",
)
WORKOS = Scheme(
    auth(
        scheme="hmac",
        header="x-signature",
        timestamp_header="x-time",
        timestamp_unit="ms",
        id_header="x-id",
        signed="{timestamp}.{id}.{body}",
    ),
    signed_like_workos,
    "x-signature",
    timestamp="x-time",
)
STANDARD = Scheme(
    auth(scheme="standard-webhooks"),
    signed_by_the_standard,
    "webhook-signature",
    timestamp="webhook-timestamp",
)
SVIX = Scheme(
    auth(scheme="standard-webhooks"),
    lambda secret, body, at: signed_by_the_standard(secret, body, at, "svix"),
    "svix-signature",
    timestamp="svix-timestamp",
)
TOKEN = Scheme(
    auth(scheme="token", header="x-token"),
    lambda secret, body, at: {"x-token": secret},
    "x-token",
    covers_body=False,
)
BEARER = Scheme(
    auth(scheme="token"),
    lambda secret, body, at: {"authorization": f"Bearer {secret}"},
    "authorization",
    covers_body=False,
)
BASIC = Scheme(
    auth(scheme="basic"),
    lambda secret, body, at: {"authorization": "Basic " + b64encode(secret.encode()).decode()},
    "authorization",
    secret="user:p:ğ",
    other="user:other",
    covers_body=False,
)
SCHEMES = {
    "hex": HEX,
    "base64": BASE64,
    "stripe": STRIPE,
    "workos": WORKOS,
    "standard": STANDARD,
    "svix": SVIX,
    "token": TOKEN,
    "bearer": BEARER,
    "basic": BASIC,
}
SIGNED = {name: scheme for name, scheme in SCHEMES.items() if scheme.covers_body}
TIMED = {name: scheme for name, scheme in SCHEMES.items() if scheme.timestamp}


KEY_IN_BODY = auth(scheme="token", body="meta.key")
IN_BODY = auth(scheme="body-hmac", signed="data", signature="meta.signature")
SIGNED_TEXT = '{"name": "Ayşe 🎉"}'


def every(schemes: Mapping[str, Scheme]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("scheme", schemes.values(), ids=schemes)


def accepts(
    auth: Auth,
    headers: Mapping[str, str],
    *secrets: str,
    body: bytes = BODY,
    query: Mapping[str, str] | None = None,
    now: float = NOW,
) -> bool:
    try:
        authenticate(auth, secrets, SignedPost(body, headers, query or {}), now)
    except Unauthentic as refusal:
        error = refusal
    else:
        return True
    assert error.status == 401
    assert re.fullmatch("[a-z_]+", str(error)), "the log gets a word of ours and nothing of the sender's"
    return False


def test_p5_every_scheme_of_the_configuration_is_attacked_here() -> None:
    from clemta_intake.sources import config

    tried = {type(scheme.auth) for scheme in SCHEMES.values()}
    assert tried | {type(IN_BODY)} == {
        *(config.Hmac, config.StandardWebhooks, config.BodyHmac, config.Token, config.Basic)
    }


@every(SCHEMES)
class TestWhoSigned:
    def test_signature_of_the_sender_is_accepted(self, scheme: Scheme) -> None:
        assert accepts(scheme.auth, scheme.sign(scheme.secret, BODY, NOW), scheme.secret)

    def test_an_empty_body_can_be_signed(self, scheme: Scheme) -> None:
        assert accepts(scheme.auth, scheme.sign(scheme.secret, b"", NOW), scheme.secret, body=b"")

    def test_header_names_are_case_insensitive(self, scheme: Scheme) -> None:
        sent = {name.title(): [value] for name, value in scheme.sign(scheme.secret, BODY, NOW).items()}
        assert accepts(scheme.auth, Request.of({"multiValueHeaders": sent}).headers, scheme.secret)

    def test_the_old_secret_is_accepted_while_it_is_listed(self, scheme: Scheme) -> None:
        assert accepts(scheme.auth, scheme.sign(scheme.other, BODY, NOW), scheme.secret, scheme.other)

    def test_unusable_secret_next_to_a_good_one_is_ignored(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW)
        assert accepts(scheme.auth, headers, "", "no base64 ğ", scheme.secret)

    def test_p5_a_secret_that_was_rotated_out_is_refused(self, scheme: Scheme) -> None:
        assert not accepts(scheme.auth, scheme.sign(scheme.other, BODY, NOW), scheme.secret)

    def test_p5_without_a_secret_nothing_is_accepted(self, scheme: Scheme) -> None:
        assert not accepts(scheme.auth, scheme.sign(scheme.secret, BODY, NOW))

    @pytest.mark.parametrize("secret", ["", " ", "\t\r\n", "\u00a0"])
    def test_p5_an_empty_secret_accepts_nothing(self, scheme: Scheme, secret: str) -> None:
        """Not even what is signed with it, which anyone could do."""
        standard = scheme.header.endswith("-signature") and scheme.header != "x-signature"
        own = scheme.sign("whsec_" if standard else secret, BODY, NOW)
        for headers in (own, scheme.sign(scheme.secret, BODY, NOW), {}):
            assert not accepts(scheme.auth, headers, secret)
            assert not accepts(scheme.auth, headers, secret, secret)

    def test_p5_request_without_signature_headers_is_refused(self, scheme: Scheme) -> None:
        assert not accepts(scheme.auth, {}, scheme.secret)

    def test_p5_request_that_lacks_one_signature_header_is_refused(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW)
        for missing in headers:
            assert not accepts(scheme.auth, {k: v for k, v in headers.items() if k != missing}, scheme.secret)
            assert not accepts(scheme.auth, {**headers, missing: ""}, scheme.secret)
            assert not accepts(scheme.auth, {**headers, missing: "  \t"}, scheme.secret)

    @pytest.mark.parametrize(
        "value",
        [
            "garbage",
            "sha256=",
            "sha256=zz",
            "sha256=" + "0" * 64,
            "v1",
            "v1,",
            "v1=",
            "v1,a,b",
            "v1,abc",
            "v1,====",
            "v1=" + "0" * 63,
            "t=,v1=",
            "t=1800000000",
            ",,,",
            "Bearer",
            "Bearer ",
            "Basic ",
            "Basic ====",
            "Basic dXNlcg",
            "Digest username=x",
            "ğ",
            "sha256=ğ",
            "v1,ğ",
            "Basic ğ",
            "Bearer ğ",
            "\ud800",
            "Bearer \ud800",
            "\x00",
            "0" * 9_216,
            "v1," + "A" * 9_216,
            "v1,AAAA " * 1_152,
            "Basic " + "A" * 9_216,
        ],
    )
    def test_p5_malformed_signature_header_is_refused(self, scheme: Scheme, value: str) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW) | {scheme.header: value}
        assert not accepts(scheme.auth, headers, scheme.secret)

    def test_p5_right_signature_in_a_header_of_nine_kilobytes_is_refused(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW)
        for padded in (headers[scheme.header] + "," * 9_216, headers[scheme.header] + " v1,AAAA" * 1_152):
            assert not accepts(scheme.auth, headers | {scheme.header: padded}, scheme.secret)

    def test_p5_a_shortened_signature_is_refused(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW)
        value = headers[scheme.header].removesuffix(",v0=junk")
        for length in range(len(value)):
            if not (value[length:].strip("=") == "" and scheme.auth.scheme == "basic"):
                assert not accepts(scheme.auth, headers | {scheme.header: value[:length]}, scheme.secret)

    def test_p5_the_headers_of_every_other_scheme_are_refused(self, scheme: Scheme) -> None:
        for other in SCHEMES.values():
            if other.auth != scheme.auth:
                headers = other.sign(other.secret, BODY, NOW)
                assert not accepts(scheme.auth, headers, scheme.secret + "x")


@every(SIGNED)
class TestWhatWasSigned:
    def test_p5_a_body_changed_by_one_byte_is_refused(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW)
        for changed in (BODY + b" ", BODY[1:], BODY.replace(b"name", b"Name"), b"", BODY.replace(b" ", b"")):
            assert not accepts(scheme.auth, headers, scheme.secret, body=changed)

    def test_binary_body_can_be_signed(self, scheme: Scheme) -> None:
        body = b"\x00\xff\xed\xa0\x80"
        assert accepts(scheme.auth, scheme.sign(scheme.secret, body, NOW), scheme.secret, body=body)


@every(TIMED)
class TestWhenItWasSigned:
    @pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
    def test_clocks_may_differ_by_five_minutes(self, scheme: Scheme, seconds: int) -> None:
        assert accepts(scheme.auth, scheme.sign(scheme.secret, BODY, NOW + seconds), scheme.secret)

    @pytest.mark.parametrize("seconds", [-301, -86_400, -NOW, 301, 86_400, 30 * 365 * 86_400])
    def test_p5_stale_and_future_timestamps_are_refused(self, scheme: Scheme, seconds: int) -> None:
        assert not accepts(scheme.auth, scheme.sign(scheme.secret, BODY, NOW + seconds), scheme.secret)

    def test_p5_timestamp_other_than_the_signed_one_is_refused(self, scheme: Scheme) -> None:
        headers = scheme.sign(scheme.secret, BODY, NOW - 1_000)
        moved = {name: value.replace(str(NOW - 1_000), str(NOW)) for name, value in headers.items()}
        assert moved != headers
        assert not accepts(scheme.auth, moved, scheme.secret)

    @pytest.mark.parametrize(
        "text",
        [
            *("soon", "", "NaN", "-1800000000", "+1800000000", "1800000000.0", "1e9", "0x6B49D200"),
            *("1_800_000_000", "1 800000000", "1800000000 1", "1" + "0" * 30, "1" * 4_000, "\ud800"),
            *(str(NOW).translate({ord("0") + n: zero + n for n in range(10)}) for zero in (0x660, 0xFF10)),
        ],
    )
    def test_p5_signed_timestamp_that_is_not_a_number_is_refused(self, scheme: Scheme, text: str) -> None:
        stamp = text.encode("utf-8", "surrogatepass")
        if scheme is STRIPE:
            headers = {"x-signature": f"t={text},v1={digest(KEY, stamp + b'.' + BODY).hex()}"}
        elif scheme is WORKOS:
            signature = digest(KEY, stamp + b".d1." + BODY).hex()
            headers = {"x-signature": signature, "x-time": text, "x-id": "d1"}
        else:
            key = b64decode(KEY.removeprefix("whsec_"))
            mac = hmac.new(key, b"d1." + stamp + b"." + BODY, "sha256").digest()
            headers = scheme.sign(KEY, BODY, NOW) | {scheme.timestamp: text}
            headers[scheme.header] = "v1," + b64encode(mac).decode()
        assert not accepts(scheme.auth, headers, KEY)


class TestSeveralSignatures:
    """Senders sign with the old key and the new one while they rotate."""

    def test_one_valid_standard_webhooks_signature_of_several_is_enough(self) -> None:
        good = STANDARD.sign(KEY, BODY, NOW)
        signature = good["webhook-signature"]
        for value in (
            f"v1,AAAA {signature}",
            f"{signature} v1,AAAA",
            f"v1a,AAAA v2,junk {signature}",
            f"v1,AAAA, {signature}",  # Supabase; and a header that came twice
            f"{signature}, v1,AAAA",
            f"  {signature}  ",
        ):
            assert accepts(STANDARD.auth, good | {"webhook-signature": value}, KEY), value

    def test_one_valid_v1_signature_of_stripe_is_enough_and_v0_is_ignored(self) -> None:
        good = STRIPE.sign(KEY, BODY, NOW)["x-signature"]
        stamp, signature, _ = good.split(",")
        assert accepts(STRIPE.auth, {"x-signature": f"{stamp}, v1={'0' * 64}, {signature}"}, KEY)
        assert accepts(STRIPE.auth, {"x-signature": f"{signature},{stamp}"}, KEY)
        assert not accepts(STRIPE.auth, {"x-signature": f"{stamp},{signature.replace('v1', 'v0')}"}, KEY)

    def test_p5_signatures_of_other_versions_alone_are_refused(self) -> None:
        good = STANDARD.sign(KEY, BODY, NOW)
        for version in ("v0", "v2", "v1a", "V1", ""):
            value = good["webhook-signature"].replace("v1", version)
            assert not accepts(STANDARD.auth, good | {"webhook-signature": value}, KEY)

    @every({"hex": HEX, "base64": BASE64, "token": TOKEN, "bearer": BEARER, "basic": BASIC})
    def test_p5_repeated_signature_header_is_refused_where_one_is_expected(self, scheme: Scheme) -> None:
        value = scheme.sign(scheme.secret, BODY, NOW)[scheme.header]
        for twice in ([value, value], [value, "junk"], ["junk", value]):
            headers = Request.of({"multiValueHeaders": {scheme.header: twice}}).headers
            assert not accepts(scheme.auth, headers, scheme.secret)

    def test_p5_second_timestamp_does_not_make_a_stale_request_fresh(self) -> None:
        stale = STRIPE.sign(KEY, BODY, NOW - 1_000)["x-signature"]
        assert not accepts(STRIPE.auth, {"x-signature": f"t={NOW},{stale}"}, KEY)
        assert not accepts(STRIPE.auth, {"x-signature": f"{stale},t={NOW}"}, KEY)


class TestHmac:
    @pytest.mark.parametrize("name", ["sha1", "sha256", "sha512"])
    def test_hmac_digest_can_be_configured(self, name: str) -> None:
        chosen = auth(scheme="hmac", header="x-signature", digest=name)
        assert accepts(chosen, {"x-signature": digest(KEY, BODY, name).hex()}, KEY)
        assert accepts(chosen, {"x-signature": digest(KEY, BODY, name).hex().upper()}, KEY)

    def test_p5_hmac_with_another_digest_is_refused(self) -> None:
        chosen = auth(scheme="hmac", header="x-signature", digest="sha512")
        assert not accepts(chosen, {"x-signature": digest(KEY, BODY).hex()}, KEY)

    def test_p5_an_unkeyed_hash_is_refused(self) -> None:
        assert not accepts(HEX.auth, {"x-signature": "sha256=" + hashlib.sha256(BODY).hexdigest()}, KEY)

    def test_p5_signature_without_the_exact_prefix_is_refused(self) -> None:
        signature = digest(KEY, BODY).hex()
        for prefix in ("", "sha1=", "SHA256=", "sha256:", "sha256= "):
            assert not accepts(HEX.auth, {"x-signature": prefix + signature}, KEY), prefix

    def test_p5_signature_in_the_other_encoding_is_refused(self) -> None:
        assert not accepts(BASE64.auth, {"x-signature": digest(KEY, BODY).hex()}, KEY)
        assert not accepts(HEX.auth, {"x-signature": "sha256=" + b64encode(digest(KEY, BODY)).decode()}, KEY)

    def test_timestamp_tolerance_can_be_configured(self) -> None:
        narrow = STRIPE.auth.model_copy(update={"tolerance": 10})
        assert accepts(narrow, STRIPE.sign(KEY, BODY, NOW - 10), KEY)
        assert not accepts(narrow, STRIPE.sign(KEY, BODY, NOW - 11), KEY)

    def test_text_around_the_placeholders_is_signed(self) -> None:
        framed = auth(scheme="hmac", header="x-signature", signed="ğ:{body}:x")
        assert accepts(framed, {"x-signature": digest(KEY, "ğ:".encode() + BODY + b":x").hex()}, KEY)

    def test_body_that_looks_like_a_placeholder_is_not_replaced(self) -> None:
        body = b"{timestamp}{body}{id}"
        assert accepts(WORKOS.auth, WORKOS.sign(KEY, body, NOW), KEY, body=body)

    def test_p5_request_with_another_id_than_the_signed_one_is_refused(self) -> None:
        for scheme, name in ((WORKOS, "x-id"), (STANDARD, "webhook-id")):
            for other in ("d2", "d1 ", "ğ", "\ud800", "d" * 9_216):
                assert not accepts(scheme.auth, scheme.sign(KEY, BODY, NOW) | {name: other}, KEY)


class TestTheSignedId:
    """What `authenticate` returns: only an id that the signature covers names a delivery."""

    def signed_id(self, scheme: Scheme, **headers: str) -> str:
        signed = scheme.sign(scheme.secret, BODY, NOW) | headers
        return authenticate(scheme.auth, (scheme.secret,), SignedPost(BODY, signed), NOW)

    def test_p3_delivery_id_is_the_signed_id(self) -> None:
        assert [self.signed_id(scheme) for scheme in (STANDARD, SVIX, WORKOS)] == ["d1", "d1", "d1"]

    def test_p3_id_under_the_other_header_names_is_ignored(self) -> None:
        """A request that is signed under webhook-* says nothing about svix-id, which anybody can add."""
        assert self.signed_id(STANDARD, **{"svix-id": "free"}) == "d1"
        assert self.signed_id(SVIX, **{"webhook-id": "free", "webhook-timestamp": str(NOW)}) == "d1"

    @every({name: SCHEMES[name] for name in ("hex", "base64", "stripe", "token", "bearer", "basic")})
    def test_p3_scheme_without_a_signed_id_returns_none(self, scheme: Scheme) -> None:
        free = {"x-id": "free", "webhook-id": "free", "idempotency-key": "free"}
        assert self.signed_id(scheme, **free) == ""


class TestAnotherHeader:
    """A sender that renames its header sends one name or the other."""

    SCHEME = auth(scheme="hmac", header="x-signature", other_header="Signature")

    @pytest.mark.parametrize("name", ["x-signature", "signature"])
    def test_signature_is_read_under_either_header_name(self, name: str) -> None:
        assert accepts(self.SCHEME, {name: digest(KEY, BODY).hex()}, KEY)

    def test_p5_valid_signature_under_the_other_header_does_not_excuse_a_wrong_one(self) -> None:
        good = digest(KEY, BODY).hex()
        for bad in ("", "00", "junk"):
            assert not accepts(self.SCHEME, {"x-signature": bad, "signature": good}, KEY)
            assert not accepts(self.SCHEME, {"signature": bad}, KEY)


class TestEitherKey:
    """A sender that changed from one meaning of its secrets to the other: both are tried."""

    SCHEME = auth(scheme="standard-webhooks", key="either")

    def signed(self, key: bytes) -> Headers:
        code = hmac.digest(key, b"d1.%d." % NOW + BODY, "sha256")
        stamp = {"webhook-id": "d1", "webhook-timestamp": str(NOW)}
        return stamp | {"webhook-signature": "v1," + b64encode(code).decode()}

    def test_key_of_a_standard_secret_is_its_decoded_base64(self) -> None:
        assert accepts(self.SCHEME, self.signed(bytes(range(24))), KEY)

    @pytest.mark.parametrize("secret", ["whsec_chosen by hand", "polar_whs_sample", KEY, "a|b", "ğ"])
    def test_key_may_be_the_secrets_characters(self, secret: str) -> None:
        assert accepts(self.SCHEME, self.signed(secret.encode()), secret)

    def test_secrets_of_both_kinds_may_be_listed_together(self) -> None:
        assert accepts(self.SCHEME, self.signed(bytes(range(24))), "polar_whs_sample", KEY)
        assert accepts(self.SCHEME, self.signed(b"polar_whs_sample"), "polar_whs_sample", KEY)

    @pytest.mark.parametrize("secret", ["whsec_", "v1,whsec_", " whsec_ "])
    def test_p5_empty_secret_of_either_kind_accepts_nothing(self, secret: str) -> None:
        for key in (b"", b"whsec_", secret.encode()):
            assert not accepts(self.SCHEME, self.signed(key), secret)

    def test_p5_another_key_is_refused(self) -> None:
        for key in (b"", b"another", KEY.removeprefix("whsec_").encode(), bytes(range(24, 48))):
            assert not accepts(self.SCHEME, self.signed(key), KEY)


class TestStandardWebhooks:
    @pytest.mark.parametrize("secret", [KEY, "v1," + KEY, KEY.removeprefix("whsec_"), f" {KEY}\n"])
    def test_signature_of_the_reference_library_is_accepted(self, secret: str) -> None:
        at = datetime.fromtimestamp(NOW, UTC)
        signature = ReferenceWebhook(KEY).sign("msg_1", at, BODY.decode())
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
        assert accepts(STANDARD.auth, headers, secret)

    def test_padding_may_be_missing_from_the_secret(self) -> None:
        secret = "whsec_" + b64encode(bytes(range(32))).decode()
        assert secret.endswith("=")
        assert accepts(STANDARD.auth, STANDARD.sign(secret, BODY, NOW), secret.rstrip("="))

    @pytest.mark.parametrize(
        "secret", ["whsec_", "v1,whsec_", "whsec_ğ", "whsec_A", "whsec_a-b_", "plain text"]
    )
    def test_p5_standard_secret_without_a_key_accepts_nothing(self, secret: str) -> None:
        for key in (b"", secret.encode()):
            signature = hmac.new(key, b"d1.%d." % NOW + BODY, "sha256").digest()
            headers = {
                "webhook-id": "d1",
                "webhook-timestamp": str(NOW),
                "webhook-signature": "v1," + b64encode(signature).decode(),
            }
            assert not accepts(STANDARD.auth, headers, secret)

    def test_p5_headers_of_svix_and_the_standard_cannot_be_mixed(self) -> None:
        good = STANDARD.sign(KEY, BODY, NOW)
        svix = SVIX.sign(KEY, BODY, NOW)
        mixed = {"svix-signature": svix["svix-signature"], "webhook-id": "d1", "webhook-timestamp": str(NOW)}
        assert not accepts(STANDARD.auth, mixed, KEY)
        assert not accepts(STANDARD.auth, good | {"svix-signature": "v1,AAAA"}, KEY)


class TestToken:
    def test_token_may_be_in_the_query(self) -> None:
        assert accepts(BEARER.auth, {}, KEY, query={"token": KEY})
        assert accepts(BEARER.auth, {"authorization": "Bearer other"}, KEY, query={"token": KEY})

    def test_p5_token_in_the_query_is_refused_if_a_header_is_configured(self) -> None:
        assert not accepts(TOKEN.auth, {}, KEY, query={"token": KEY})
        assert not accepts(TOKEN.auth, {"authorization": f"Bearer {KEY}"}, KEY)

    @pytest.mark.parametrize("token", ["", " ", KEY[:-1], KEY + "x", KEY.upper(), "ğ", "\ud800", "x" * 9_216])
    def test_p5_another_token_is_refused(self, token: str) -> None:
        assert not accepts(BEARER.auth, {}, KEY, query={"token": token})
        assert not accepts(BEARER.auth, {"authorization": f"Bearer {token}"}, KEY)
        assert not accepts(TOKEN.auth, {"x-token": token}, KEY)

    @pytest.mark.parametrize("word", ["bearer", "BEARER", "Bearer "])
    def test_bearer_scheme_is_case_insensitive(self, word: str) -> None:
        assert accepts(BEARER.auth, {"authorization": f"{word} {KEY}"}, KEY)

    @pytest.mark.parametrize("value", [KEY, f"Basic {KEY}", f"Bearer{KEY}", f"Token {KEY}", f"Bearer, {KEY}"])
    def test_p5_token_under_another_scheme_is_refused(self, value: str) -> None:
        assert not accepts(BEARER.auth, {"authorization": value}, KEY)

    def test_a_token_beyond_ascii_is_compared_as_utf_8(self) -> None:
        assert accepts(BEARER.auth, {}, "ğ🎉", query={"token": "ğ🎉"})


class TestBasic:
    @pytest.mark.parametrize("pair", ["user:", ":p:ğ", "user", "USER:p:ğ", "user:p:ğ ", "user:p:g", "", ":"])
    def test_p5_another_name_or_password_is_refused(self, pair: str) -> None:
        assert not accepts(BASIC.auth, BASIC.sign(pair, BODY, NOW), BASIC.secret)

    def test_p5_basic_credentials_must_be_base64(self) -> None:
        assert not accepts(BASIC.auth, {"authorization": "Basic user:pass"}, "user:pass")


def vectors(file: str) -> list[Any]:
    """The official ones that can be verified, where they are at hand: they are never copied here."""
    path = VECTORS / file
    if not path.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{path} is not at hand"))]
    return [
        pytest.param(vector, id=vector["name"].replace(" ", "-"))
        for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]
        if vector["expect"] in ("valid", "invalid")
    ]


def vector_accepted(auth: Auth, vector: dict[str, Any], now: float) -> bool:
    headers = Request.of({"headers": vector["headers"]}).headers
    return accepts(auth, headers, vector["secret"], body=vector["body"].encode(), now=now)


@pytest.mark.parametrize("vector", vectors("github.json"))
def test_github_signature_vectors_are_accepted(vector: dict[str, Any]) -> None:
    github = auth(scheme="hmac", header="x-hub-signature-256", prefix="sha256=")
    assert vector_accepted(github, vector, NOW) == (vector["expect"] == "valid")


@pytest.mark.parametrize("vector", vectors("stripe.json"))
def test_stripe_signature_vectors_are_accepted(vector: dict[str, Any]) -> None:
    stripe = STRIPE.auth.model_copy(update={"header": "stripe-signature"})
    assert vector_accepted(stripe, vector, vector["now"]) == (vector["expect"] == "valid")


@pytest.mark.parametrize("vector", vectors("standard-webhooks.json"))
def test_standard_webhooks_signature_vectors_are_accepted(vector: dict[str, Any]) -> None:
    now = float(vector["headers"]["webhook-timestamp"])
    assert vector_accepted(STANDARD.auth, vector, now) == (vector["expect"] == "valid")


_NAMES = ["x-signature", "x-time", "x-id", "x-token", "authorization"]
_NAMES += [f"{name}-{what}" for name in ("webhook", "svix") for what in ("id", "timestamp", "signature")]
_SHARDS = ["v1,", "v1=", "t=", "sha256=", "Bearer ", "Basic ", " ", ",", "=", str(NOW), "QUFB", "00", "ğ"]
_VALUES = st.text() | st.lists(st.sampled_from(_SHARDS)).map("".join)


@every(SCHEMES)
@settings(max_examples=examples(50), deadline=None, derandomize=True)
@given(
    headers=st.dictionaries(st.sampled_from(_NAMES), _VALUES),
    query=st.dictionaries(st.just("token"), _VALUES),
    secrets=st.lists(st.text(min_size=1), max_size=3),
    body=st.binary(),
    now=st.floats(0, 4e9),
)
def test_p5_any_unauthenticated_request_raises_unauthentic_and_nothing_else(
    scheme: Scheme, headers: Headers, query: Headers, secrets: list[str], body: bytes, now: float
) -> None:
    """A stranger knows nothing of the secrets, whatever they are: each ends as no letter of a header."""
    unknown = [secret + "\U0001f510" for secret in secrets]
    assert not accepts(scheme.auth, headers, *unknown, body=body, query=query, now=now)


@every(SIGNED)
@settings(max_examples=examples(60), deadline=None, derandomize=True)
@given(key=st.binary(min_size=1), body=st.binary(min_size=1), at=st.integers(0, 2 * NOW), data=st.data())
def test_p5_right_mac_is_accepted_and_any_changed_byte_is_refused(
    scheme: Scheme, key: bytes, body: bytes, at: int, data: st.DataObject
) -> None:
    secret = "whsec_" + b64encode(key).decode()
    headers = scheme.sign(secret, body, at)
    assert accepts(scheme.auth, headers, secret, body=body, now=at)
    place = data.draw(st.integers(0, len(body) - 1))
    changed = bytearray(body)
    changed[place] ^= data.draw(st.integers(1, 255))
    assert not accepts(scheme.auth, headers, secret, body=bytes(changed), now=at)


def refusal(auth: Auth, headers: Mapping[str, str], *secrets: str) -> str:
    """The word for the log, which alarms and operators go by."""
    with pytest.raises(Unauthentic) as refused:
        authenticate(auth, secrets, SignedPost(BODY, headers), NOW)
    return refused.value.code


@every(SCHEMES)
@pytest.mark.parametrize("secrets", [(), ("",), ("", " ")])
def test_p5_missing_secret_has_its_own_code(scheme: Scheme, secrets: tuple[str, ...]) -> None:
    assert refusal(scheme.auth, scheme.sign(scheme.secret, BODY, NOW), *secrets) == "secret_missing"


@pytest.mark.parametrize("secret", ["whsec_%", "whsec_", "whsec_ğ"])
def test_p5_malformed_secret_has_its_own_code(secret: str) -> None:
    assert refusal(STANDARD.auth, STANDARD.sign(KEY, BODY, NOW), secret) == "secret_malformed"


@every(TIMED)
@pytest.mark.parametrize(("seconds", "code"), [(-301, "timestamp_stale"), (301, "timestamp_future")])
def test_p5_stale_and_future_timestamps_have_different_codes(scheme: Scheme, seconds: int, code: str) -> None:
    assert refusal(scheme.auth, scheme.sign(scheme.secret, BODY, NOW + seconds), scheme.secret) == code


@pytest.mark.parametrize("signature", ["sha256=", "sha256=xyz", "sha256=0", "00"])
def test_p5_malformed_signature_has_its_own_code(signature: str) -> None:
    assert refusal(HEX.auth, {"x-signature": signature}, KEY) == "signature_malformed"
    assert refusal(HEX.auth, {"x-signature": "sha256=" + "0" * 64}, KEY) == "signature_mismatch"


def test_p9_signature_header_over_4096_characters_is_refused() -> None:
    longest = "x" * 4_096
    assert accepts(TOKEN.auth, {"x-token": longest}, longest)
    assert refusal(TOKEN.auth, {"x-token": longest + "x"}, longest + "x") == "header_too_long"


@pytest.mark.parametrize(
    ("scheme", "headers", "code"),
    [
        (BEARER, {}, "token_missing"),
        (BEARER, {"authorization": "Bearer x"}, "token_mismatch"),
        (BASIC, {"authorization": "Basic %"}, "credentials_missing"),
        (BASIC, {"authorization": "Basic eDp5"}, "credentials_mismatch"),
    ],
)
def test_p5_missing_token_has_its_own_code(scheme: Scheme, headers: Headers, code: str) -> None:
    assert refusal(scheme.auth, headers, scheme.secret) == code


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("{header}.", "signature_malformed"),
        ("{header}.AAAA", "signature_malformed"),
        ("{header}.e30.AAAA", "signature_mismatch"),
    ],
)
def test_p5_malformed_jws_has_its_own_code(token: str, code: str) -> None:
    header = b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
    headers = {"x-jws": token.format(header=header)}
    assert refusal(auth(scheme="jws", header="x-jws", issuer="i"), headers, KEY) == code


@pytest.mark.parametrize(
    "claims", [{"iss": "another"}, {"sha256": "0" * 64}, {"sha256": 1}, {"sha256": "é"}, {"iss": None}]
)
def test_p5_jws_with_a_right_signature_and_wrong_claims_is_refused(claims: dict[str, object]) -> None:
    def sent(says: dict[str, object]) -> Headers:
        parts = (b'{"alg":"HS256"}', json.dumps(says).encode())
        signed = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = urlsafe_b64encode(digest(KEY, signed)).rstrip(b"=")
        return {"x-jws": b".".join((signed, signature)).decode()}

    right: dict[str, object] = {"iss": "i", "sha256": hashlib.sha256(BODY).hexdigest()}
    jws = auth(scheme="jws", header="x-jws", issuer="i")
    assert accepts(jws, sent(right), KEY, body=BODY)
    assert refusal(jws, sent(right | claims), KEY) == "signature_mismatch"


@pytest.mark.parametrize(("proof", "code"), [("zz", "signature_malformed"), ("00", "signature_mismatch")])
def test_p5_malformed_proof_in_the_body_has_its_own_code(proof: str, code: str) -> None:
    in_body = auth(scheme="body-hmac", signed="a", signature="b")
    body = json.dumps({"a": "1", "b": proof}).encode()
    with pytest.raises(Unauthentic) as refused:
        authenticate(in_body, (KEY,), SignedPost(body, {}), NOW)
    assert refused.value.code == code


def test_p5_secret_that_is_a_text_is_not_decoded() -> None:
    signature = hmac.digest(b64decode(KEY.removeprefix("whsec_")), BODY, "sha256").hex()
    assert not accepts(HEX.auth, {"x-signature": f"sha256={signature}"}, KEY)


class TestProofInTheBody:
    """A token in a JSON body, and the MAC of one of its texts: https://developers.google.com/google-ads/webhook."""

    JSON: ClassVar = {"content-type": "application/json"}

    def proven(self, secret: str = KEY, **more: Any) -> dict[str, Any]:
        return {
            "data": SIGNED_TEXT,
            "meta": {"key": secret, "signature": digest(secret, SIGNED_TEXT.encode()).hex()},
            **more,
        }

    def accepts(self, scheme: Auth, data: Any, *secrets: str, headers: Headers = JSON) -> bool:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return accepts(scheme, headers, *(secrets or (KEY,)), body=body)

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    def test_proof_of_the_sender_is_accepted(self, scheme: Auth) -> None:
        assert self.accepts(scheme, self.proven(other="x"))
        assert self.accepts(scheme, self.proven(), OTHER_KEY, KEY)
        assert self.accepts(scheme, json.dumps(self.proven(), ensure_ascii=False).encode(), headers={})
        assert self.accepts(scheme, b"\xef\xbb\xbf" + json.dumps(self.proven(), indent=1).encode())

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    def test_p5_another_secret_and_an_empty_one_are_refused(self, scheme: Auth) -> None:
        assert not self.accepts(scheme, self.proven(OTHER_KEY))
        for empty in ("", " ", "\u00a0"):
            assert not self.accepts(scheme, self.proven(empty), empty)

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    @pytest.mark.parametrize(
        "meta",
        [None, "", " ", 7, True, [], {}, KEY, {"key": None}, {"key": [KEY], "signature": {}}, {"key": 1}],
    )
    def test_p5_missing_proof_and_one_that_is_no_text_are_refused(self, scheme: Auth, meta: Any) -> None:
        assert not self.accepts(scheme, self.proven(meta=meta))

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    @pytest.mark.parametrize(
        "signature", ["zz", "0" * 64, "0" * 63, "ğ", "A" * 9_216, KEY + "x" * 9_216, KEY[:-1], "\x00"]
    )
    def test_p5_malformed_proof_is_refused(self, scheme: Auth, signature: str) -> None:
        assert not self.accepts(scheme, self.proven(meta={"key": signature, "signature": signature}))

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    def test_p5_body_that_is_no_json_object_is_refused(self, scheme: Auth) -> None:
        right = json.dumps(self.proven()).encode()
        for body in (
            b"",
            b" ",
            b"{",
            b"null",
            b"[]",
            b"[" * 5_000,
            b"\xff",
            right + b"x",
            b"[" + right + b"]",
            b"7",
        ):
            assert not self.accepts(scheme, body)
        assert not self.accepts(scheme, right + b" " * MAX_BODY)
        assert not self.accepts(scheme, self.proven(wide=list(range(5_000))))
        assert not self.accepts(scheme, json.dumps(self.proven(half="\ud800")).encode())

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    def test_p5_key_that_stands_twice_is_refused(self, scheme: Auth) -> None:
        """Another parser might read the other one."""
        right = json.dumps(self.proven())
        assert not self.accepts(scheme, (right[:-1] + ', "data": "x"}').encode())
        assert not self.accepts(scheme, right.replace('"meta": {', '"meta": {"key": "x", ').encode())

    @pytest.mark.parametrize("scheme", [KEY_IN_BODY, IN_BODY])
    @pytest.mark.parametrize(
        "content_type", [FORM, "multipart/form-data; boundary=b", "text/xml", "application/json; charset=x"]
    )
    def test_p5_body_of_another_type_is_refused(self, scheme: Auth, content_type: str) -> None:
        """It would be mapped as something else than what proved it."""
        assert not self.accepts(scheme, self.proven(), headers={"content-type": content_type})
        form = f"data={SIGNED_TEXT}&meta[key]={KEY}&meta[signature]={self.proven()['meta']['signature']}"
        assert not self.accepts(scheme, form.encode(), headers={"content-type": content_type})

    def test_p5_changed_text_is_refused(self) -> None:
        assert not self.accepts(IN_BODY, self.proven(data=SIGNED_TEXT + " "))
        for data in (None, "", {"name": "Ayşe"}, 7):
            assert not self.accepts(IN_BODY, self.proven(data=data))

    def test_p3_delivery_is_known_by_the_signed_text_alone(self) -> None:
        found = set()
        for more in ({}, {"id": 1}, {"id": 2, "meta": {**self.proven()["meta"], "key": "x"}}):
            post = SignedPost(json.dumps(self.proven(**more)).encode(), self.JSON)
            found.add(authenticate(IN_BODY, [KEY], post, NOW))
        assert found == {hashlib.sha256(SIGNED_TEXT.encode()).hexdigest()}
        assert (
            authenticate(KEY_IN_BODY, [KEY], post._replace(body=json.dumps(self.proven()).encode()), NOW)
            == ""
        )

    def test_a_base64_signature_with_another_digest_is_accepted(self) -> None:
        scheme = auth(scheme="body-hmac", signed="data", encoding="base64", digest="sha512")
        signature = b64encode(digest(KEY, SIGNED_TEXT.encode(), "sha512")).decode()
        assert self.accepts(scheme, {"data": SIGNED_TEXT, "signature": signature})

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "meta", "key"]), inner),
            max_leaves=12,
        )
    )
    @settings(max_examples=examples(100), derandomize=True)
    def test_p5_any_other_json_is_refused(self, data: Any) -> None:
        assert not self.accepts(KEY_IN_BODY, data)
        assert not self.accepts(IN_BODY, data)
