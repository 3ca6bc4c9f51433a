"""The answers in a submission's data, as a flat list, whatever shape a form builder or a shop gives them. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

_LABELS = ("label", "name", "key", "question", "title")
_VALUES = ("value", "answer", "text")
_OF_A_FILE = frozenset(["url", "mimeType", "mime_type", "size", "mimetype", "file_size"])
# Characters that are shown of a label and of a key: many answers may share a long one.
_MAX_LABEL = 1_000
_MAX_KEY = 200


class Answer(NamedTuple):
    """One field of a form: its key as a path, its value as text, and its label and type if the sender gives them.

    `group` is the label of a field that has parts, such as a name or an address; `path` then ends in the part's key.
    """

    path: tuple[str, ...]
    value: str
    label: str = ""
    type: str = ""
    group: str = ""

    @property
    def name(self) -> str:
        """The name that a person knows the field by: its label, else its key."""
        if self.group:
            return f"{self.group[:_MAX_LABEL]}: {_dotted(self.path[1:])}"
        return self.label[:_MAX_LABEL] or _dotted(self.path)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(key[:_MAX_KEY] for key in path)[:_MAX_LABEL]


def to_text(value: Any) -> str:
    """A value as text: numbers are written out, lists are joined; "" for null, booleans and objects."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool) or value is None:
        return ""
    if isinstance(value, float):
        return format(value, "f").rstrip("0").rstrip(".")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return ", ".join(text for inner in value if (text := to_text(inner)))
    return ""


def to_answers(data: Any) -> list[Answer]:
    """The flat list of answers in an object, or in a list of {key, label, type, value}, without empty ones.

    A boolean is "yes" or "no", a file is its name.
    """
    if isinstance(data, list):
        return [answer for item in data if isinstance(item, dict) for answer in _listed((), item)]
    return list(_flattened((), data))


def _listed(path: tuple[str, ...], item: dict[str, Any]) -> Iterator[Answer]:
    """The answers of {key, label, type, value}."""
    key, label, kind = (to_text(item.get(name)) for name in ("key", "label", "type"))
    for answer in _flattened((*path, key), item.get("value")):
        if len(answer.path) > len(path) + 1:
            yield answer._replace(group=label or key, type=kind)
        else:
            yield answer._replace(label=label, type=answer.type or kind)


def _flattened(path: tuple[str, ...], value: Any) -> Iterator[Answer]:
    if isinstance(value, dict):
        if path and (name := _file_name(value)):
            yield Answer(path, name)
            return
        for key, inner in value.items():
            yield from _flattened((*path, str(key)), inner)
    elif isinstance(value, list) and _holds_objects(value):
        yield from _from_list(path, value)
    elif text := _answer_text(value):
        yield Answer(path, text, type="boolean" if isinstance(value, bool) else "")


def _holds_objects(values: list[Any]) -> bool:
    return any(
        isinstance(value, dict) or (isinstance(value, list) and _holds_objects(value)) for value in values
    )


def _from_list(path: tuple[str, ...], values: list[Any]) -> Iterator[Answer]:
    """The answers in a list of objects: files, {name, value}, or objects of any other shape by their numbers."""
    names = [_file_name(value) if isinstance(value, dict) else to_text(value) for value in values]
    if all(names) and not any(isinstance(value, list) for value in values):
        yield Answer(path, ", ".join(names))
        return
    for number, value in enumerate(values):
        named = _named_value(value) if isinstance(value, dict) else None
        if named:
            yield from _flattened((*path, named[0]), named[1])
        else:
            yield from _flattened((*path, str(number)), value)


def _named_value(item: dict[str, Any]) -> tuple[str, Any] | None:
    """The label and the value of {label, value}, as Shopify's note_attributes; None for any other object."""
    label = next((to_text(item[key]) for key in _LABELS if isinstance(item.get(key), str)), "")
    value = next((item[key] for key in _VALUES if key in item), None)
    return (label, value) if label and any(key in item for key in _VALUES) else None


def _file_name(value: dict[str, Any]) -> str:
    """The name of an uploaded file; "" for any other object."""
    if _OF_A_FILE.isdisjoint(value):
        return ""
    return next((to_text(value[key]) for key in ("name", "fileName", "filename") if key in value), "")


def _answer_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(text for inner in value if (text := _answer_text(inner)))
    return to_text(value)
