"""The schema of sources.toml, one table for each source. It is strict: a wrong file fails the build, not a request."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ..contacts import Billing, ContactRequest
from ..model import Lane
from . import expressions
from .keys import STRICT, Url, matching

_PRESETS = Path(__file__).with_name("presets.toml")
SHIPPED = Path(__file__).parents[2] / "sources.toml"
"""The sources file in the functions' bundle."""

CONTACT_FIELDS = frozenset(
    [field for field in ContactRequest.model_fields if field not in ("type", "company_id", "billing")]
    + [f"billing.{field}" for field in Billing.model_fields]
)
"""Clemta's fields that a source may map. The operator sets the contact's type and company."""

COUNTRY_CODE = "the ISO code of a country, as TR, DE or GB"
_SENDER = re.compile(r"^\[([a-z0-9-]+)\]$", re.MULTILINE)
_BATCH = re.compile(r"body(\.\w{1,64}){1,4}", re.ASCII)


def _flat(value: Any) -> Any:
    """Flattens `billing`: TOML reads `billing.phone = …` without quotes as a nested table."""
    if isinstance(value, dict) and isinstance(value.get("billing"), dict):
        rest = {key: inner for key, inner in value.items() if key != "billing"}
        return rest | {f"billing.{key}": inner for key, inner in value["billing"].items()}
    return value


def _contact_field(value: str) -> str:
    if value not in CONTACT_FIELDS:
        raise ValueError(f"is not a field of a Clemta contact; allowed: {', '.join(sorted(CONTACT_FIELDS))}")
    return value


def _list(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _batch(value: Any) -> bool | str:
    if isinstance(value, bool) or (isinstance(value, str) and _BATCH.fullmatch(value)):
        return value
    raise ValueError('must be true, false or the path of an array in the body, as "body.events"')


type Name = Annotated[
    str, matching("[a-z0-9][a-z0-9_-]{0,63}", "at most 64 lower-case letters, digits, - and _")
]
type CompanyId = Annotated[str, matching("[0-9a-f]{24}", "24 hexadecimal digits in lower case")]
type ContactType = Literal["customer", "vendor"]
type Header = Annotated[
    str, StringConstraints(to_lower=True), matching("[a-z0-9-]{1,64}", "a header's name, as x-signature")
]
type Expression = Annotated[str, AfterValidator(expressions.check)]
type Signed = Annotated[
    str,
    matching(
        r"([^{}]|\{(id|timestamp|method|uri)\})*\{body\}([^{}]|\{(id|timestamp)\})*",
        "text with {body} once, and what you need of {id}, {timestamp}, {method} and {uri}",
    ),
]
type Place = Annotated[
    str,
    matching(
        r"[\w-]{1,64}(\.[\w-]{1,64}){0,3}", 'the keys of a place in the body, as "proof" or "meta.proof"'
    ),
]
type Key = Annotated[str, matching(r"[\w-]{1,64}", 'a key of the body, as "data"')]
type Origin = Annotated[
    str,
    StringConstraints(to_lower=True),
    matching(r"\*|https?://[^/\s?#@]+", 'an origin without a path, as "https://www.example.com", or "*"'),
]
type Hostname = Annotated[
    str,
    StringConstraints(to_lower=True),
    matching(r"[a-z0-9.-]{1,253}", 'a page\'s host, as "www.example.com"'),
]
type Country = Annotated[str, matching("[A-Z]{2}", COUNTRY_CODE)]
type ContactField = Annotated[str, AfterValidator(_contact_field)]


class Hmac(BaseModel):
    """A keyed hash over the raw body. The header holds one signature, or several items split by `separator`."""

    model_config = STRICT

    scheme: Literal["hmac"]
    secret: Name
    header: Header
    other_header: Header | None = None
    """The name that the sender's newer requests use; read if `header` is missing."""
    encoding: Literal["hex", "base64"] = "hex"
    digest: Literal["sha256", "sha512", "sha1"] = "sha256"
    prefix: str = ""
    """The text before each signature, as "sha256=" or "v1="; items without it are ignored."""
    separator: Annotated[str, StringConstraints(max_length=1)] = ""
    signed: Signed = "{body}"
    """The text that is hashed: {body}, {timestamp} and {id} as received, {method} and {uri} of the request."""
    timestamp_header: Header | None = None
    timestamp_prefix: str | None = None
    """The timestamp is the item of the signature header that begins so, as "t="."""
    timestamp_unit: Literal["s", "ms"] = "s"
    tolerance: Annotated[int, Field(ge=1, le=86_400)] = 300
    """Seconds that the timestamp may lie in the past or in the future."""
    id_header: Header | None = None
    key: Literal["text", "base64", "either"] = "text"
    """How the secret becomes the key: its characters, base64 after "whsec_", or either of the two."""

    @model_validator(mode="after")
    def _complete(self) -> "Hmac":
        timed = self.timestamp_header is not None or self.timestamp_prefix is not None
        if ("{timestamp}" in self.signed) != timed:
            raise ValueError("{timestamp} in `signed` and timestamp_header or timestamp_prefix go together")
        if ("{id}" in self.signed) != (self.id_header is not None):
            raise ValueError("{id} in `signed` and id_header go together")
        if self.timestamp_prefix is not None and not self.separator:
            raise ValueError("timestamp_prefix needs a separator")
        return self


class StandardWebhooks(BaseModel):
    """https://www.standardwebhooks.com, under its header names or Svix's."""

    model_config = STRICT

    scheme: Literal["standard-webhooks"]
    secret: Name
    tolerance: Annotated[int, Field(ge=1, le=86_400)] = 300
    key: Literal["base64", "text", "either"] = "base64"
    """How the secret becomes the key: base64 after "whsec_", its characters, or either of the two."""


class Jws(BaseModel):
    """A JSON Web Signature with HS256 only; its claim `sha256` is the hash of the raw body."""

    model_config = STRICT

    scheme: Literal["jws"]
    secret: Name
    header: Header
    issuer: str


class BodyHmac(BaseModel):
    """A keyed hash over one text in a JSON body. The signature stands in the same body."""

    model_config = STRICT

    scheme: Literal["body-hmac"]
    secret: Name
    signed: Key
    """The key of the text that is hashed. Expressions may read nothing else of the body, except `accept`."""
    signature: Place = "signature"
    encoding: Literal["hex", "base64"] = "hex"
    digest: Literal["sha256", "sha512", "sha1"] = "sha256"


class Token(BaseModel):
    """A shared token: in `header`, at a place of a JSON `body`, else as a bearer token or as `?token=`."""

    model_config = STRICT

    scheme: Literal["token"]
    secret: Name
    header: Header | None = None
    body: Place | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Token":
        if self.header and self.body:
            raise ValueError("has two places for the token; allowed: header or body")
        return self


class Basic(BaseModel):
    """HTTP Basic; the secret is `user:password`."""

    model_config = STRICT

    scheme: Literal["basic"]
    secret: Name


class Iam(BaseModel):
    """No proof over HTTP: AWS alone may invoke the source's function, and no request to an address is accepted."""

    model_config = STRICT

    scheme: Literal["iam"]
    secret: ClassVar[str] = ""
    """It has none."""


type Auth = Annotated[
    Hmac | StandardWebhooks | Jws | BodyHmac | Token | Basic | Iam, Field(discriminator="scheme")
]


class Handshake(BaseModel):
    """An unsigned request that a sender makes to test the address: it is answered with 200 and creates nothing."""

    model_config = STRICT

    body: str
    """Regular expression for the whole body, stripped of white space; a body over 1,000 characters never matches."""
    echo_header: Header | None = None
    """A header that the request must have; the answer repeats it."""


def _consent(text: str) -> str:
    if len(paths := expressions.read_paths(text)) != 1 or len(min(paths)) == 1:
        raise ValueError("must read one field, as body.terms")
    return text


class Destination(NamedTuple):
    """Where a contact goes in Clemta."""

    company_id: str
    contact_type: Literal["customer", "vendor"]


class RouteTarget(BaseModel):
    """Where a route leads; what it does not give is the source's own."""

    model_config = STRICT

    company_id: CompanyId | None = None
    contact_type: ContactType | None = None

    @model_validator(mode="after")
    def _not_empty(self) -> "RouteTarget":
        if not (self.company_id or self.contact_type):
            raise ValueError("is empty; allowed: company_id, contact_type or both")
        return self


def _routed(value: str) -> str:
    """A routed value as it is compared: without case, in which the dot of a Turkish i is lost."""
    return value.strip().replace("İ", "i").replace("ı", "i").casefold()


def _folded(table: dict[str, RouteTarget]) -> dict[str, RouteTarget]:
    """The table by its values as they are compared."""
    folded = {_routed(value): target for value, target in table.items()}
    if not folded or "" in folded:
        raise ValueError('must name values, as izmir = { company_id = "…" }')
    if len(folded) < len(table):
        raise ValueError("names a value twice: case and white space around it do not count")
    return folded


class Route(BaseModel):
    """Other companies or contact types by the value of one field."""

    model_config = STRICT

    by: Expression
    to: Annotated[dict[str, RouteTarget], AfterValidator(_folded)]
    """The value, whatever its case -> where its contacts go."""


class _Source(BaseModel):
    """The keys that forms and webhooks share."""

    model_config = STRICT

    name: Name
    company_id: CompanyId
    contact_type: ContactType = "customer"
    route: Route | None = None
    on_existing: Literal["skip", "update", "create"] = "skip"
    """What to do if that company already has a contact of that type with the e-mail address."""
    allow_overwrite: bool = False
    """Confirms `update` where anybody, or a replayed old request, could change a contact."""
    delivery_id: Expression | None = None
    event_time: Expression | None = None
    """JMESPath to the event's own time: an update older than the last applied one changes nothing."""
    accept: Expression | None = None
    contact: Annotated[dict[ContactField, Expression], BeforeValidator(_flat)] = {}
    """Clemta's field -> JMESPath over {body, headers, query}."""
    defaults: Annotated[
        dict[ContactField, Annotated[str | tuple[str, ...], PlainValidator(_list)]], BeforeValidator(_flat)
    ] = {}
    """Clemta's field -> its value if the sender gives none."""
    rest: Literal["description", "drop"] = "description"
    """Where answers go that no field of the contact takes."""
    consent: Annotated[Expression, AfterValidator(_consent)] | None = None
    """JMESPath to a field that must be ticked."""
    default_country: Country | None = None
    answer_seconds: Annotated[float, Field(ge=0.5, le=4)] = 4
    """The sender gets its answer within so many seconds."""
    answer: Literal["contact", "queued"] = "contact"
    """What the answer waits for: Clemta's contact, or the retry queue, which delivers a moment later."""
    name_fallback: Literal["email", "reject"] = "email"

    def expressions(self) -> list[str]:
        """Every JMESPath of this source."""
        by = self.route.by if self.route else None
        named = (self.delivery_id, self.event_time, self.accept, self.consent, by, *self.contact.values())
        return [text for text in named if text]

    def destination(self, value: str = "") -> Destination:
        """Where a contact goes if the routed field has this value."""
        target = self.route.to.get(_routed(value)) if self.route else None
        return self._leads_to(target) if target else Destination(self.company_id, self.contact_type)

    def destinations(self) -> set[Destination]:
        """Where this source's contacts may go."""
        targets = self.route.to.values() if self.route else ()
        return {self.destination(), *map(self._leads_to, targets)}

    def _leads_to(self, target: RouteTarget) -> Destination:
        return Destination(target.company_id or self.company_id, target.contact_type or self.contact_type)


class Spam(BaseModel):
    """A form's spam rules; a submission that breaks one is held, and answered as a success."""

    model_config = STRICT

    honeypot: str | None = None
    """A hidden field: only a bot fills it in."""
    min_seconds: Annotated[float, Field(gt=0, le=60)] | None = None
    turnstile: Name | None = None
    hcaptcha: Name | None = None
    recaptcha: Name | None = None
    """The name of the captcha's secret."""
    captcha_outage: Literal["accept", "refuse"] = "accept"
    """What to do while the captcha's provider does not answer, or refuses our secret."""
    hostname: Hostname | None = None
    """The host of the page with the captcha; a token of another host is refused."""
    min_score: Annotated[float, Field(gt=0, le=1)] | None = None
    """reCAPTCHA v3: a submission with a lower score is held."""
    disposable: bool = False
    """Whether submissions with a throw-away e-mail address are held."""
    max_per_day: Annotated[int, Field(ge=1)] | None = None
    """New contacts of this source in one UTC day; further submissions are held."""

    @property
    def captcha(self) -> tuple[str, str] | None:
        """The captcha in use and the name of its secret."""
        named = {"turnstile": self.turnstile, "hcaptcha": self.hcaptcha, "recaptcha": self.recaptcha}
        return next(((provider, secret) for provider, secret in named.items() if secret), None)

    @model_validator(mode="after")
    def _one_captcha(self) -> "Spam":
        if sum(secret is not None for secret in (self.turnstile, self.hcaptcha, self.recaptcha)) > 1:
            raise ValueError("has more than one captcha; allowed: one of turnstile, hcaptcha, recaptcha")
        if self.hostname and not self.captcha:
            raise ValueError(
                "has hostname without a captcha; allowed: beside turnstile, hcaptcha or recaptcha"
            )
        if self.min_score and not self.recaptcha:
            raise ValueError("has min_score without recaptcha; allowed: beside recaptcha, with a key of v3")
        return self


def _page(value: Any) -> Any:
    from .page import Page  # late: its class costs 0.4 % of a cold start, and few sources have one

    return Page.model_validate(value)


class Form(_Source):
    """A website form, which anybody can post to."""

    lane: ClassVar[Lane] = "open"
    kind: Literal["form"]
    answers: Literal["body"] = "body"
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_list)] = ("*",)
    """Origins of the pages whose scripts may post here and read the answer; "*" for any."""
    spam: Spam | None = None
    success_url: Url | None = None
    error_url: Url | None = None
    page: Annotated[Any, PlainValidator(_page)] = None
    """A `Page`: our own answer page, for a form without `success_url` or `error_url`; None for the default one."""


class Webhook(_Source):
    """A sender that authenticates each request; `auth` is required."""

    lane: ClassVar[Lane] = "proven"
    kind: Literal["webhook"]
    auth: Auth
    answers: Expression | None = None
    """JMESPath to the answers for the recogniser: an object, or a list of {key, label, type, value}."""
    batch: Annotated[bool | str, PlainValidator(_batch)] = False
    """Each entry of a JSON array is a separate submission: of the body itself, or of the array at a path of it."""
    handshake: Handshake | None = None

    @model_validator(mode="after")
    def _has_email(self) -> "Webhook":
        if self.answers is None and "email" not in self.contact:
            raise ValueError("needs an e-mail: set contact.email, or answers for the recogniser")
        return self

    @model_validator(mode="after")
    def _reads_what_is_signed(self) -> "Webhook":
        if not isinstance(self.auth, BodyHmac):
            return self
        if self.batch:
            raise ValueError(
                "has a batch, which the signature does not cover; allowed: a batch with another scheme"
            )
        signed = ("body", self.auth.signed)
        named = (self.answers, self.delivery_id, self.event_time, *self.contact.values())
        for path in (path for text in named if text for path in expressions.referenced_paths(text)):
            if path != signed:
                raise ValueError(f"reads {'.'.join(path)}, which is not signed; allowed: {'.'.join(signed)}")
        return self

    @property
    def batch_keys(self) -> tuple[str, ...]:
        """The keys of the array that `batch` names; none for the body itself."""
        return tuple(self.batch.split(".")[1:]) if isinstance(self.batch, str) else ()

    @property
    def proof_keys(self) -> tuple[str, ...]:
        """The keys of the place in the body that holds the sender's proof; none for a proof that stands elsewhere."""
        place = self.auth.signature if isinstance(self.auth, BodyHmac) else None
        place = self.auth.body if isinstance(self.auth, Token) else place
        return tuple(place.split(".")) if place else ()

    def expressions(self) -> list[str]:
        return super().expressions() + ([self.answers] if self.answers else [])


type Source = Annotated[Form | Webhook, Field(discriminator="kind")]


def has_address(source: Form | Webhook) -> bool:
    """Whether the source takes HTTP requests; if not, an AWS service invokes its function."""
    return isinstance(source, Form) or not isinstance(source.auth, Iam)


class InvalidSources(Exception):
    """The sources file is invalid; the text has one line for each mistake, with its place and the allowed values."""


def read_sources(path: Path) -> dict[str, Any]:
    """The unchecked tables by name; raises InvalidSources if the file is not TOML or `sources` is not a table."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSources(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidSources(f"{path.name}: {error}") from error
    return parse_sources(text, path.name)


def parse_sources(text: str, file_name: str) -> dict[str, Any]:
    """The same of a file's text."""
    try:
        tables = tomllib.loads(text).get("sources", {})
    except tomllib.TOMLDecodeError as error:
        raise InvalidSources(f"{file_name}: {error}") from error
    if not isinstance(tables, dict):
        raise InvalidSources(f"{file_name}: sources: must be a table for each source, as [sources.website]")
    return tables


@cache
def preset_texts() -> dict[str, str]:
    """Each sender's part of the presets file, which is read when a source first uses a preset.

    Only the parts in use are parsed: parsing all of them would take 2 % of a cold start.
    """
    _, *parts = _SENDER.split(_PRESETS.read_text(encoding="utf-8"))
    return dict(zip(parts[::2], parts[1::2], strict=True))


def preset(name: str) -> dict[str, Any]:
    """The preset of a sender; raises KeyError for an unknown one."""
    table: dict[str, Any] = tomllib.loads(f"[{name}]\n{preset_texts()[name]}")[name]
    return table


@cache
def presets() -> dict[str, dict[str, Any]]:
    """The presets by sender."""
    return {name: preset(name) for name in preset_texts()}


def to_source(name: str, table: Any, default_company_id: str) -> Form | Webhook:
    """One validated source; raises pydantic's ValidationError, whose places begin with the kind."""
    values = table
    if isinstance(table, dict):
        values = {"company_id": default_company_id, **_with_preset(name, table), "name": name}
    is_form = isinstance(values, dict) and values.get("kind") == "form"
    try:
        return (Form if is_form else Webhook).model_validate(values)
    except ValidationError:
        return _any_kind().validate_python(values)


@cache
def _any_kind() -> TypeAdapter[Form | Webhook]:
    """Names the mistakes in a source. A source without one does not need it: it takes 2 % of a cold start."""
    return TypeAdapter(Source)


_DOCS_KEYS = {"title", "sign_up", "retries", "token_place"}
"""Keys of a preset that only the documentation uses."""


def _with_preset(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """The table merged over the preset that its `kind` names."""
    kind = table.get("kind")
    if kind in ("form", "webhook") or not isinstance(kind, str) or kind not in preset_texts():
        return table
    known = {key: value for key, value in preset(kind).items() if key not in _DOCS_KEYS}
    given = {key: value for key, value in table.items() if key not in ("kind", "secret", "contact")}
    merged = known | given | {"kind": "webhook"}
    if "auth" not in table and known["auth"]["scheme"] != "iam":
        merged["auth"] = known["auth"] | {"secret": table.get("secret", name)}
    contact = table.get("contact", {})
    merged["contact"] = known.get("contact", {}) | _flat(contact) if isinstance(contact, dict) else contact
    return merged
