"""Why a source does not accept an event: the conditions of its `accept` that do not hold, with what they read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.lexer import Lexer

from clemta_intake.errors import ConfigError
from clemta_intake.sources.expressions import read_paths, search

_OPENS = ("lparen", "lbracket", "lbrace", "filter")
_CLOSES = ("rparen", "rbracket", "rbrace")
_MAX_VALUE = 60  # characters that are shown of a value


@dataclass(frozen=True)
class Condition:
    """One condition of an `accept`, and each place that it reads with its value as JSON."""

    condition: str
    values: list[tuple[str, str]]


def failed_conditions(accept: str, data: Mapping[str, Any]) -> list[Condition]:
    """The conditions joined by `&&` that do not hold, or that cannot be evaluated."""
    found = []
    for condition in _conditions(accept):
        if not _holds(condition, data):
            values = [
                (_shown_path(path), _shown(_value(data, path))) for path in sorted(read_paths(condition))
            ]
            found.append(Condition(condition, values))
    return found


def _conditions(accept: str) -> Iterator[str]:
    """The parts between the outermost `&&`; the whole expression if something else holds it together."""
    if jmespath.compile(accept).parsed["type"] != "and_expression":
        yield " ".join(accept.split())
        return
    depth = start = 0
    for token in Lexer().tokenize(accept):
        depth += (token["type"] in _OPENS) - (token["type"] in _CLOSES)
        if depth == 0 and token["type"] in ("and", "eof"):
            yield " ".join(accept[start : token["start"]].split())
            start = token["start"] + len("&&")  # the lexer's own end is one short


def _holds(condition: str, data: Mapping[str, Any]) -> bool:
    try:
        return bool(search("accept", condition, data))
    except ConfigError:
        return False


def _value(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _shown_path(path: tuple[str, ...]) -> str:
    return ".".join(key if key.replace("_", "").isalnum() else f'"{key}"' for key in path)
