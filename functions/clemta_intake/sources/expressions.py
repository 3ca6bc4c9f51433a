"""JMESPath as sources use it: what an expression reads, and four functions for what senders' payloads need."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from ..bodies.json_text import parse_json
from ..bodies.limits import MAX_FIELDS
from ..errors import ConfigError, Unreadable
from .fields import to_text

# Expressions whose further parts are read from what the first one gives.
_SCOPES = {"subexpression", "index_expression", "projection", "filter_projection", "value_projection", "pipe"}
_MAX_JOINED = 10 * MAX_FIELDS
_ANY: Any = {"types": []}
_LIST: Any = {"types": ["array", "null"]}
_TEXT: Any = {"types": ["string"]}
_TEXT_OR_NOTHING: Any = {"types": ["string", "null"]}


class Functions(functions.Functions):
    """JMESPath's functions, a `join` that leaves missing parts out, and ours."""

    @functions.signature(_TEXT, _LIST)
    def _func_join(self, glue: str, parts: list[Any] | None) -> str:
        return glue.join(text for part in parts or [] if (text := to_text(part)))

    @functions.signature(_LIST, _TEXT, _LIST, _TEXT)
    def _func_join_on(self, left: Any, left_key: str, right: Any, right_key: str) -> list[Any]:
        """Each object of `left`, with the fields of that object of `right` whose key is the same."""
        by_key = {
            to_text(jmespath.search(right_key, entry)): entry
            for entry in right or []
            if isinstance(entry, dict)
        }
        joined, copied = [], 0
        for entry in left or []:
            if isinstance(entry, dict):
                other = by_key.get(to_text(jmespath.search(left_key, entry)), {})
                copied += len(other)
                if copied > _MAX_JOINED:  # one large object of `right` that all of `left` name
                    raise Unreadable("too_many_fields", f"more than {_MAX_JOINED} fields are joined")
                joined.append({**other, **entry})
        return joined

    @functions.signature(_ANY, _LIST)
    def _func_choices(self, value: Any, options: Any) -> Any:
        """The texts of the chosen options, of which `value` holds the ids; any other value as it is."""
        texts = {option.get("id"): option.get("text") for option in options or [] if isinstance(option, dict)}
        if isinstance(value, list):
            return [texts.get(chosen, chosen) if isinstance(chosen, str) else chosen for chosen in value]
        return texts.get(value, value) if isinstance(value, str) else value

    @functions.signature(_LIST, _TEXT, _ANY)
    def _func_pick(self, entries: Any, key: str, wanted: Any) -> Any:
        """The object whose `key` is `wanted`, else the first."""
        objects = [entry for entry in entries or [] if isinstance(entry, dict)]
        return next((entry for entry in objects if entry.get(key) == wanted), objects[0] if objects else None)

    @functions.signature(_TEXT_OR_NOTHING)
    def _func_parse_json(self, text: str | None) -> Any:
        """JSON that a sender put into a text."""
        return None if text is None else parse_json(text)


_OPTIONS = jmespath.Options(custom_functions=Functions())


def search(key: str, expression: str, data: Any) -> Any:
    """What the expression finds; ConfigError, naming the `key` it stands under, if it fails."""
    try:
        return jmespath.search(expression, data, _OPTIONS)
    # Beyond its own errors, jmespath lets through what Python makes of, say, contains('abc', `null`) or ceil(1e999).
    except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError("mapping_failed", f"{key}: {error}") from error


def check(text: str) -> str:
    """The expression itself, if it can be used here; ValueError says what is wrong with it."""
    try:
        parsed = jmespath.compile(text).parsed
    except JMESPathError as error:
        reason = str(error).splitlines()[0].removesuffix(", for expression:")
        raise ValueError(f"is not JMESPath: {reason}") from error
    for node in _nodes(parsed):
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            allowed = ", ".join(sorted(Functions.FUNCTION_TABLE))
            raise ValueError(f"{node['value']}() is no function of JMESPath; allowed: {allowed}")
        if node["type"] == "subexpression" and node["children"][0]["type"] == "not_expression":
            raise ValueError("means (!a).b where it says !a.b: write !(a.b)")
    for root, *names in referenced_paths(text):
        if root not in ("body", "headers", "query"):
            raise ValueError(f"cannot read {root!r}; allowed: body, headers and query, as in body.{root}")
        if root != "body" and not names:  # a submission that waits in a queue keeps only what is named
            raise ValueError(f'must name what it reads, as in {root}."x-name"')
        if root == "headers" and names[0] != names[0].lower():
            raise ValueError(f"must name the header in lower case: {names[0].lower()}")
    return text


@cache
def referenced_paths(text: str) -> tuple[tuple[str, ...], ...]:
    """The paths that an expression reads: `body.a.b` as ("body", "a"), `headers."x-id"` as ("headers", "x-id")."""
    return tuple(_paths(jmespath.compile(text).parsed))


def _paths(node: Any) -> Iterator[tuple[str, ...]]:
    kind, children = node["type"], node["children"]
    if kind == "field":
        yield (node["value"],)
    elif kind == "subexpression" and children[0]["type"] == children[1]["type"] == "field":
        yield (children[0]["value"], children[1]["value"])
    elif kind in _SCOPES:
        yield from _paths(children[0])
    elif kind != "expref":
        for child in children:
            yield from _paths(child)


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):  # a slice has numbers
            yield from _nodes(child)
