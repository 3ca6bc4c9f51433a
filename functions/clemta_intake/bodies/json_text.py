"""Reads and writes JSON bodies, within the limits."""

import codecs
import json
from typing import Any, NamedTuple

from ..errors import Unreadable, UnsupportedMedia
from .charsets import MULTIBYTE, decode
from .limits import check_data


class JsonBody(NamedTuple):
    """A body of JSON."""

    data: Any
    charset: str = "utf-8"

    def __repr__(self) -> str:
        return "JsonBody()"  # the data is personal

    @property
    def page_charset(self) -> str:
        """No page's: a script sends UTF-8, whatever its page is in."""
        return ""

    @classmethod
    def parse(cls, body: bytes, charset: str, *, declared: bool) -> "JsonBody":
        """Raises Unreadable; UnsupportedMedia for a multibyte charset, and for a body of an unknown type."""
        if charset in MULTIBYTE:  # no signature covers the header that names it
            raise UnsupportedMedia("charset", "send UTF-8")
        try:
            return cls(parse_json(decode(body.removeprefix(codecs.BOM_UTF8), charset)), charset)
        except Unreadable as error:
            if declared or error.code != "not_json":
                raise
            raise UnsupportedMedia("content_type", "say what the body is in Content-Type") from error

    def plain(self, data: Any) -> Any:
        """The data, or its redacted copy, as dicts, lists, strings, numbers, booleans and None."""
        return data

    def rewrite(self, kept: Any) -> bytes:
        """The body with the redacted data, in its charset."""
        return encode(json.dumps(kept, ensure_ascii=False, separators=(",", ":")), self.charset)


def parse_json(text: str) -> Any:
    """The data; raises Unreadable for repeated keys, NaN, and too many values or levels."""
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not_json", "the body is not valid JSON") from error
    check_data(data)
    return data


def encode(text: str, charset: str) -> bytes:
    """The text's bytes in that charset; other characters become JSON escapes."""
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
