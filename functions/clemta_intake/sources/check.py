"""`python -m clemta_intake.sources.check FILE` checks a sources file. Only the build runs it, never Lambda."""

import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from ..contacts import Billing, ContactRequest
from .config import (
    COUNTRY_CODE,
    Basic,
    BodyHmac,
    Form,
    Handshake,
    Hmac,
    Iam,
    InvalidSources,
    Jws,
    Route,
    RouteTarget,
    Spam,
    StandardWebhooks,
    Token,
    Webhook,
    parse_sources,
    presets,
    read_sources,
    to_source,
)
from .expressions import referenced_paths
from .page import Page


def main(arguments: list[str]) -> int:
    """Prints the sources, or each mistake with its line and the first one again; returns 0 only without mistakes."""
    if len(arguments) != 1:
        print("usage: python -m clemta_intake.sources.check FILE", file=sys.stderr)
        return 2
    try:
        names = check_file(Path(arguments[0]))
    except InvalidSources as error:
        mistakes = str(error).splitlines()
        last = [f"{len(mistakes)} mistakes; the first: {mistakes[0]}"] if len(mistakes) > 1 else []
        print("\n".join([*mistakes, *last]), file=sys.stderr)  # what a build prints last is what people see
        return 1
    print(
        f"{Path(arguments[0]).name}: {len(names)} source{'s' if len(names) != 1 else ''}: {', '.join(names)}"
    )
    return 0


def check_file(path: Path) -> list[str]:
    """Checks every source and returns their names; raises InvalidSources with all mistakes."""
    read_sources(path)
    return check_text(path.read_text(encoding="utf-8"), path.name)


def check_text(text: str, file_name: str) -> list[str]:
    """The same of a file's text."""
    tables = parse_sources(text, file_name)
    mistakes: list[tuple[tuple[str, ...], str]] = []
    for key in tomllib.loads(text).keys() - {"sources"}:
        mistakes.append(((key,), "is not known; allowed: sources"))
    for name, table in tables.items():
        mistakes += [(("sources", name, *keys), message) for keys, message in _mistakes(name, table)]
    if mistakes:
        places = sorted((_line(text, keys), ".".join(keys), message) for keys, message in mistakes)
        raise InvalidSources("\n".join(f"{file_name}:{line}: {key}: {what}" for line, key, what in places))
    if not tables:
        raise InvalidSources(f"{file_name}: has no [sources.NAME] table")
    return list(tables)


def _mistakes(name: str, table: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong with a source: keys below its table, and what is allowed there."""
    if isinstance(table, dict) and "name" in table:
        yield ("name",), "is not known: the table's own name is the source's"
    try:
        source = to_source(name, table, "0" * 24)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            yield _keys(problem), _message(problem)
        return
    if source.on_existing == "update" and not source.allow_overwrite and (why := _overwritten_by(source)):
        yield (
            ("on_existing",),
            f"update lets {why} change a contact; allowed: skip, create, or update with allow_overwrite = true",
        )
    if source.on_existing == "create" and isinstance(source, Webhook) and (unsigned := _unsigned(source)):
        yield ("delivery_id",), _no_id(source, unsigned, presets().get(str(table["kind"]), {}))
    import phonenumbers

    if source.default_country and source.default_country not in phonenumbers.SUPPORTED_REGIONS:
        yield ("default_country",), f"must be {COUNTRY_CODE}"
    for field, value in source.defaults.items():
        model = Billing if field.startswith("billing.") else ContactRequest
        try:
            TypeAdapter(model.model_fields[field.removeprefix("billing.")].annotation).validate_python(value)
        except ValidationError as error:
            yield ("defaults", field), _message(error.errors(include_url=False, include_input=False)[0])


def _overwritten_by(source: Form | Webhook) -> str:
    """Who could change a contact without permission; "" if the signature covers each request's time."""
    if isinstance(source, Form):
        return "anybody who knows an e-mail address"
    timed = isinstance(source.auth, StandardWebhooks | Iam) or (
        isinstance(source.auth, Hmac) and "{timestamp}" in source.auth.signed
    )
    return "" if timed else "a repeated old request, whose time is not signed,"


def _unsigned(source: Webhook) -> str:
    """The first part that `delivery_id` reads and the signature does not cover; "" if there is none.

    A token and a password cover neither the body nor a header, so with them no part is reported; nor is one with IAM,
    which signs the whole event.
    """
    if not source.delivery_id or isinstance(source.auth, Token | Basic | Iam):
        return ""
    signed = {"body"}
    if isinstance(source.auth, Hmac):
        signed |= {f"headers.{name}" for name in (source.auth.id_header, source.auth.timestamp_header)}
        signed |= {"query"} if "{uri}" in source.auth.signed else set()
    found = [(root, names) for root, *names in referenced_paths(source.delivery_id)]
    return next(
        (f'{root}."{names[0]}"' for root, names in found if not signed & {root, ".".join([root, *names])}), ""
    )


def _no_id(source: Webhook, unsigned: str, preset: dict[str, Any]) -> str:
    """Why `delivery_id` cannot be used, and what to write instead."""
    instead = 'read a field of the body, as "body.id", or leave the key out for the body\'s hash'
    if "delivery_id" in preset:
        instead = f"leave the key out for this sender's own id, {preset['delivery_id']}"
    elif isinstance(source.auth, StandardWebhooks) or (
        isinstance(source.auth, Hmac) and source.auth.id_header
    ):
        instead = "leave the key out for the id that the signature covers"
    return (
        f'reads {unsigned}, which the signature does not cover: with on_existing = "create" one captured'
        f" request could be sent again as a new delivery; {instead}"
    )


def _keys(problem: Any) -> tuple[str, ...]:
    """The keys as the file has them: without pydantic's names of union members and its marks."""
    keys = [str(part) for part in problem["loc"][1:] if part != "[key]"]
    if keys[:1] == ["auth"]:
        del keys[1:2]
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        keys.append(problem["ctx"]["discriminator"].strip("'"))
    return () if keys == ["name"] else tuple(keys)


def _message(problem: Any) -> str:
    match problem["type"]:
        case "extra_forbidden":
            table = "target" if problem["loc"][1:3] == ("route", "to") else str(problem["loc"][-2])
            known = _MODELS[table].model_fields.keys() - {"name"}
            return f"is not known; allowed: {', '.join(sorted(known))}"
        case "union_tag_invalid":
            senders = "".join(f", '{name}'" for name in presets()) if len(problem["loc"]) == 0 else ""
            return f"is not known; allowed: {problem['ctx']['expected_tags']}{senders}"
        case "missing" if problem["loc"] == ("webhook", "auth"):
            return "is required: a webhook without authentication would accept anything from anyone"
        case "missing" | "union_tag_not_found":
            return "is required"
        case "dict_type" | "model_type" | "model_attributes_type":
            return "must be a table"
        case "tuple_type":
            return "must be a list"
    return str(problem["msg"]).removeprefix("Value error, ").replace("Input should be", "must be", 1)


_MODELS: dict[str, type[BaseModel]] = {
    "form": Form,
    "spam": Spam,
    "page": Page,
    "route": Route,
    "target": RouteTarget,
    "handshake": Handshake,
    "webhook": Webhook,
    "hmac": Hmac,
    "standard-webhooks": StandardWebhooks,
    "jws": Jws,
    "body-hmac": BodyHmac,
    "token": Token,
    "basic": Basic,
    "iam": Iam,
}

_KEY = r"""(?:"[^"]*"|'[^']*'|[\w-]+)"""
_KEYS = rf"\s*{_KEY}(?:\s*\.\s*{_KEY})*\s*"


def _line(text: str, keys: tuple[str, ...]) -> int:
    """The line of `keys`, or of the nearest table or key that encloses them."""
    wanted = ".".join(keys).split(".")
    best, shared, table = 1, 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(rf"\s*\[+({_KEYS})\]", line)
        found = header or re.match(rf"({_KEYS})=", line)
        if not found:
            continue
        here = ".".join(key.strip("\"'") for key in re.findall(_KEY, found[1]))
        if header:
            table = here
        elif table:
            here = f"{table}.{here}"
        pairs = zip(wanted, here.split("."), strict=False)
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if common > shared:
            best, shared = number, common
    return best


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
