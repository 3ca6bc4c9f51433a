"""JMESPath for sources: evaluates and checks expressions, and adds functions that senders' payloads need."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from ..bodies.json_text import parse_json
from ..bodies.limits import MAX_FIELDS
from ..errors import ConfigError, Unreadable
from .answers import to_text

# Expressions whose later parts read from the result of the first part.
_SCOPES = {"subexpression", "index_expression", "projection", "filter_projection", "value_projection", "pipe"}
_TAKES_APART = {"index_expression", "projection", "filter_projection", "value_projection", "flatten"}
_MAX_JOINED = 10 * MAX_FIELDS
_ANY: Any = {"types": []}
_LIST: Any = {"types": ["array", "null"]}
_TEXT: Any = {"types": ["string"]}


class Functions(functions.Functions):
    """JMESPath's functions, with a `join` that skips missing parts, and our own functions."""

    @functions.signature(_TEXT, _LIST)
    def _func_join(self, glue: str, parts: list[Any] | None) -> str:
        return glue.join(text for part in parts or [] if (text := to_text(part)))

    @functions.signature(_ANY, _TEXT, _ANY, _TEXT)
    def _func_join_on(self, left: Any, left_key: str, right: Any, right_key: str) -> list[Any]:
        """Each object of `left`, with the fields of the object of `right` that has the same key."""
        by_key = {to_text(jmespath.search(right_key, entry)): entry for entry in _objects(right)}
        joined, copied = [], 0
        for entry in _objects(left):
            other = by_key.get(to_text(jmespath.search(left_key, entry)), {})
            copied += len(other)
            if copied > _MAX_JOINED:  # every object of `left` may name one large object of `right`
                raise Unreadable("too_many_fields", f"more than {_MAX_JOINED} fields are joined")
            joined.append({**other, **entry})
        return joined

    @functions.signature(_ANY, _ANY)
    def _func_choices(self, value: Any, options: Any) -> Any:
        """The texts of the options whose ids `value` holds, for a matrix as {row: columns}; others unchanged."""
        texts = {
            option["id"]: option["text"]
            for option in _objects(options)
            if isinstance(option.get("id"), str) and option.get("text")
        }

        def text_of(chosen: Any) -> Any:
            if isinstance(chosen, list):
                return [texts.get(one, one) if isinstance(one, str) else one for one in chosen]
            return texts.get(chosen, chosen) if isinstance(chosen, str) else chosen

        if isinstance(value, dict):
            return {to_text(text_of(row)) or row: text_of(columns) for row, columns in value.items()}
        return text_of(value)

    @functions.signature(_TEXT, _TEXT)
    def _func_after(self, separator: str, text: str) -> str:
        """The text after the last separator; the whole text without one."""
        return text.rpartition(separator)[2] if separator else text

    @functions.signature(_ANY)
    def _func_entries(self, value: Any) -> list[Any]:
        """Each field of an object as {key, value}; nothing for any other value."""
        fields = value.items() if isinstance(value, dict) else ()
        return [{"key": key, "value": inner} for key, inner in fields]

    @functions.signature(_ANY, _TEXT, _ANY)
    def _func_pick(self, entries: Any, key: str, wanted: Any) -> Any:
        """The object whose `key` is `wanted`, else the first."""
        objects = _objects(entries)
        return next((entry for entry in objects if entry.get(key) == wanted), objects[0] if objects else None)

    @functions.signature(_ANY)
    def _func_parse_json(self, value: Any) -> Any:
        """The parsed JSON of a text; any other value unchanged."""
        return parse_json(value) if isinstance(value, str) else value


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none in any other value."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


_OPTIONS = jmespath.Options(custom_functions=Functions())


def search(key: str, expression: str, data: Any) -> Any:
    """The expression's result; raises ConfigError, which names the source's `key`, if it fails."""
    try:
        return jmespath.search(expression, data, _OPTIONS)
    # jmespath also passes Python's own errors on, for example of contains('abc', `null`) or ceil(1e999).
    except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise ConfigError("mapping_failed", f"{key}: {error}") from error


def check(text: str) -> str:
    """Returns the expression if it is valid; raises ValueError, which says what is wrong."""
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
        if (
            root != "body" and not names
        ):  # a queue message keeps only the headers and parameters that are named
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


type Path = tuple[str, ...]


@cache
def read_paths(text: str) -> frozenset[Path]:
    """What an expression reads: `(body.a || body.b).c` as ("body", "a", "c") and ("body", "b", "c").

    A path ends where the expression takes a list or a result apart: `body.list[0].name` as ("body", "list").
    """
    reads: list[Path] = []
    reads += _follow(jmespath.compile(text).parsed, [()], reads)
    return frozenset(path for path in reads if path)


@cache
def plain_path(text: str) -> Path | None:
    """The path that an expression is: `body.data.fields` as ("body", "data", "fields"); None if it is more."""
    node = jmespath.compile(text).parsed
    fields = node["children"] if node["type"] == "subexpression" else [node]
    return (
        tuple(field["value"] for field in fields)
        if all(field["type"] == "field" for field in fields)
        else None
    )


def _follow(node: Any, scope: list[Path], reads: list[Path]) -> list[Path]:
    """The paths where the node's result stands, seen from `scope`; adds to `reads` those that it takes apart."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        return [(*path, node["value"]) for path in scope]
    if kind in ("current", "identity"):
        return scope
    if kind in ("subexpression", "pipe"):
        for child in children:
            scope = _follow(child, scope, reads)
        return scope
    if kind in ("or_expression", "and_expression"):
        return [path for child in children for path in _follow(child, scope, reads)]
    if kind in _TAKES_APART:  # all that stands below is read with the list
        children = children[:1]
    if kind != "expref":
        for child in children:
            reads += _follow(child, scope, reads)
    return []


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for child in node["children"]:
        if isinstance(child, dict):  # a slice has numbers
            yield from _nodes(child)
