"""sources.toml: one table a source, strict, so that a wrong file fails the build and never the first request."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ..contacts import Billing, ContactRequest, Email

SHIPPED = Path(__file__).parents[2] / "sources.toml"
"""The file that ships with the functions."""

CONTACT_FIELDS = frozenset(
    [field for field in ContactRequest.model_fields if field not in ("type", "company_id", "billing")]
    + [f"billing.{field}" for field in Billing.model_fields]
)
"""Clemta's fields that a source may fill: not the contact's type and company, which are the operator's."""

_CONFIG = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


def _expression(value: str) -> str:
    try:
        jmespath.compile(value)
    except JMESPathError as error:
        raise ValueError(f"is not JMESPath: {error}") from error
    return value


def _flat(value: Any) -> Any:
    """`billing.phone = …` without quotes is a table in TOML: the same key, written another way."""
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


type Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}\z")]
type Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}\z", to_lower=True)]
type Expression = Annotated[str, StringConstraints(min_length=1), AfterValidator(_expression)]
type Origin = Annotated[str, StringConstraints(pattern=r"^(\*|https?://[^/\s?#@]+)\z", to_lower=True)]
type Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+\z")]
type ContactField = Annotated[str, AfterValidator(_contact_field)]


class Hmac(BaseModel):
    """A keyed hash over the raw body. The header holds one signature, or several items split by `separator`."""

    model_config = _CONFIG

    scheme: Literal["hmac"]
    secret: Name
    header: Header
    encoding: Literal["hex", "base64"] = "hex"
    digest: Literal["sha256", "sha512", "sha1"] = "sha256"
    prefix: str = ""
    """Stands before each signature, as "sha256=" or "v1="; items that begin otherwise are no signatures."""
    separator: Annotated[str, StringConstraints(max_length=1)] = ""
    signed: Annotated[
        str, StringConstraints(pattern=r"^[^{}]*(\{(id|timestamp)\}[^{}]*)*\{body\}[^{}]*\z")
    ] = "{body}"
    """What is hashed: {body}, {timestamp} and {id} stand for the bytes as they came."""
    timestamp_header: Header | None = None
    timestamp_prefix: str | None = None
    """The timestamp is that item of the signature's own header, as "t="."""
    timestamp_unit: Literal["s", "ms"] = "s"
    tolerance: Annotated[int, Field(ge=1, le=86_400)] = 300
    """Seconds that the timestamp may lie in the past or in the future."""
    id_header: Header | None = None
    key: Literal["text", "base64"] = "text"
    """How the secret becomes the key: its characters, or base64 after "whsec_"."""

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

    model_config = _CONFIG

    scheme: Literal["standard-webhooks"]
    secret: Name
    tolerance: Annotated[int, Field(ge=1, le=86_400)] = 300


class Token(BaseModel):
    """A shared token: in `header`, or without one as a bearer token or as `?token=`."""

    model_config = _CONFIG

    scheme: Literal["token"]
    secret: Name
    header: Header | None = None


class Basic(BaseModel):
    """HTTP Basic; the secret is `user:password`."""

    model_config = _CONFIG

    scheme: Literal["basic"]
    secret: Name


type Auth = Annotated[Hmac | StandardWebhooks | Token | Basic, Field(discriminator="scheme")]


class _Source(BaseModel):
    """What a form and a webhook have in common."""

    model_config = _CONFIG

    name: Name
    company_id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24}\z")]
    contact_type: Literal["customer", "vendor"] = "customer"
    on_existing: Literal["skip", "update", "create"] = "skip"
    """What to do where the e-mail is a contact of that company and type already."""
    delivery_id: Expression | None = None
    accept: Expression | None = None
    contact: Annotated[dict[ContactField, Expression], BeforeValidator(_flat)] = {}
    """Clemta's field -> JMESPath over {body, headers, query}."""
    defaults: Annotated[
        dict[ContactField, str | Annotated[tuple[Email, ...], BeforeValidator(_list)]], BeforeValidator(_flat)
    ] = {}
    default_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\z")] | None = None
    name_fallback: Literal["email", "reject"] = "email"

    def expressions(self) -> list[str]:
        """Every JMESPath of this source."""
        return [text for text in (self.delivery_id, self.accept, *self.contact.values()) if text]


class Form(_Source):
    """A website form: open by its nature."""

    kind: Literal["form"]
    answers: Literal["body"] = "body"
    allowed_origins: Annotated[tuple[Origin, ...], BeforeValidator(_list)] = ("*",)
    """Pages that may post here with a script and read the answer; "*": any."""
    success_url: Url | None = None
    error_url: Url | None = None


class Webhook(_Source):
    """A sender that proves itself: there is no webhook without authentication."""

    kind: Literal["webhook"]
    auth: Auth
    answers: Expression | None = None
    """JMESPath to an object, or to a list of {key, label, type, value}, that the recogniser reads."""

    @model_validator(mode="after")
    def _has_email(self) -> "Webhook":
        if self.answers is None and "email" not in self.contact:
            raise ValueError("needs an e-mail: set contact.email, or answers for the recogniser")
        return self

    def expressions(self) -> list[str]:
        return super().expressions() + ([self.answers] if self.answers else [])


type Source = Annotated[Form | Webhook, Field(discriminator="kind")]


class InvalidSources(Exception):
    """The sources file cannot be used; a line for each mistake, with its place and what is allowed."""


def read_sources(path: Path) -> dict[str, Any]:
    """The tables by name, unchecked; InvalidSources if the file is no TOML."""
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")).get("sources", {}))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise InvalidSources(f"{path.name}: {error}") from error


def to_source(name: str, table: Any, default_company_id: str) -> Form | Webhook:
    """One checked source; pydantic's ValidationError if the table is wrong."""
    values = {"company_id": default_company_id, **table, "name": name} if isinstance(table, dict) else table
    source: Form | Webhook = TypeAdapter(Source).validate_python(values)
    return source


def check_file(path: Path) -> list[str]:
    """The names of the file's sources, every one of them checked; raises InvalidSources with all mistakes."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    tables = read_sources(path)
    mistakes = [] if tables else [f"{path.name}: has no [sources.NAME] table"]
    for key in tomllib.loads(text).keys() - {"sources"}:
        mistakes.append(f"{path.name}:{_line(text, (key,))}: {key}: is not known; allowed: sources")
    for name, table in tables.items():
        try:
            to_source(name, table, "0" * 24)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                keys = _keys(name, problem["loc"])
                message = _allowed(problem, keys)
                mistakes.append(
                    f"{path.name}:{_line(text, ('sources', *keys))}: {'.'.join(('sources', *keys))}: {message}"
                )
    if mistakes:
        raise InvalidSources("\n".join(mistakes))
    return list(tables)


def _keys(name: str, location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys as they stand in the file: without pydantic's names of union members and its marks."""
    marks = {"form", "webhook", "hmac", "standard-webhooks", "token", "basic", "[key]"}
    return (
        name,
        *(str(part) for part in location if str(part) not in marks and not str(part).startswith("tuple[")),
    )


def _allowed(problem: Any, keys: tuple[str, ...]) -> str:
    if problem["type"] == "extra_forbidden":
        models: dict[int, tuple[type[BaseModel], ...]] = {
            2: (Form, Webhook),
            3: (Hmac, StandardWebhooks, Token, Basic),
        }
        known = {
            field
            for model in models.get(len(keys), ())
            for field in model.model_fields
            if _applies(model, problem)
        }
        return f"is not known; allowed: {', '.join(sorted(known - {'name', 'scheme'}))}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "union_tag_not_found":
        return "needs a " + ("kind: 'form' or 'webhook'" if len(keys) == 1 else "scheme")
    if problem["type"] == "missing" and keys[-1] == "auth":
        return "is required: a webhook without authentication would accept anything from anyone"
    return message


def _applies(model: type[BaseModel], problem: Any) -> bool:
    tag = next((field for field in ("kind", "scheme") if field in model.model_fields), "")
    return set(get_args(model.model_fields[tag].annotation)) <= {str(part) for part in problem["loc"]}


def _line(text: str, keys: tuple[str, ...]) -> int:
    """The line of the last of `keys` that can be found in the file, or of the table that it stands in."""
    found, at = 1, 0
    lines = text.splitlines()
    for depth in range(1, len(keys) + 1):
        table = r"\s*\.\s*".join(rf"[\"']?{re.escape(key)}[\"']?" for key in keys[:depth])
        key = rf"[\"']?{re.escape(keys[depth - 1])}[\"']?"
        for number in range(at, len(lines)):
            if re.match(rf"\s*\[\s*{table}\s*[\].]", lines[number]) or (
                depth > 2 and re.search(rf"(^|[{{,.])\s*{key}\s*[=.]", lines[number])
            ):
                found, at = number + 1, number
                break
    return found
