"""JSON as it is accepted and written here."""

import codecs
import json
from typing import Any, NamedTuple

from ..errors import Unreadable, UnsupportedMedia
from .charsets import decode
from .limits import check_data


class JsonBody(NamedTuple):
    """A body of JSON."""

    data: Any
    charset: str = "utf-8"

    def __repr__(self) -> str:
        return "JsonBody()"  # the data is personal

    @classmethod
    def parse(cls, body: bytes, charset: str, *, declared: bool) -> "JsonBody":
        """Raises Unreadable, and UnsupportedMedia for what is no JSON and was not declared as such."""
        try:
            return cls(parse_json(decode(body.removeprefix(codecs.BOM_UTF8), charset)), charset)
        except Unreadable as error:
            if declared or error.code != "not_json":
                raise
            raise UnsupportedMedia("content_type", "say what the body is in Content-Type") from error

    def plain(self, data: Any) -> Any:
        """The data, or what is kept of it, as dicts, lists, strings, numbers, booleans and None."""
        return data

    def rewrite(self, kept: Any) -> bytes:
        """The body with what is kept of its data, in its charset."""
        return encode(json.dumps(kept, ensure_ascii=False, separators=(",", ":")), self.charset)


def parse_json(text: str) -> Any:
    """The data; raises Unreadable for a key that stands twice, NaN and more values or levels than are accepted."""
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not_json", "the body is not valid JSON") from error
    check_data(data)
    return data


def encode(text: str, charset: str) -> bytes:
    """In that charset; JSON that holds other characters writes them as escapes."""
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), separators=(",", ":")).encode()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # which of the two is meant? parsers differ, so the sender must say
        raise Unreadable("duplicate_key", "a key stands twice in one JSON object")
    return found


def _no_constant(name: str) -> Any:
    raise Unreadable("not_json", f"{name} is not JSON")
