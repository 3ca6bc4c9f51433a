"""A place in a body's data, given by the keys that lead to it: ("a", "b") is data["a"]["b"]. Pure."""

from collections.abc import Sequence
from typing import Any


def value_at(data: Any, keys: Sequence[str]) -> Any:
    """The value at the place; None if there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def with_value(data: Any, keys: Sequence[str], value: Any) -> Any:
    """A copy of the data with another value at a place that exists."""
    if not keys:
        return value
    return {**data, keys[0]: with_value(data[keys[0]], keys[1:], value)}


def without(data: Any, keys: Sequence[str]) -> Any:
    """A copy of the data without a place that exists."""
    inside = value_at(data, keys[:-1])
    rest = {key: value for key, value in inside.items() if key != keys[-1]}
    return with_value(data, keys[:-1], rest)
