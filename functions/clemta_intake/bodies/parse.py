"""A body by its content type."""

from typing import Any

from ..errors import Unreadable, UnsupportedMedia
from .charsets import media_type
from .forms import Multipart, Urlencoded
from .json_text import JsonBody

type Body = JsonBody | Urlencoded | Multipart
"""A parsed body: its `data`, `plain(data)` without what only a rewrite needs, and `rewrite(kept)` as bytes."""


def parse_body(content_type: str, body: bytes, visitor: str | None = None) -> Body:
    """The body, parsed once. Raises Unreadable or UnsupportedMedia.

    A missing or text/plain content type is read as JSON, as some senders and `fetch` say nothing better. Urlencoded and
    multipart bodies become a dict, PHP-style brackets expanded, repeated names a list; of a file only its name is kept,
    as "cv.pdf (file, not kept)". A part's charset wins over the field `_charset_`, which wins over the content
    type's; the default is UTF-8. `visitor` is the Accept-Language header of a page's visitor: a form that names no
    charset and is not UTF-8 is then read in the page's charset, and `page_charset` of the result names it.
    """
    kind, charset = media_type(content_type)
    if not body.strip():
        raise Unreadable("empty_body", "the body is empty")
    if kind == "application/x-www-form-urlencoded":
        return Urlencoded(body, charset, visitor)
    if kind == "multipart/form-data":
        return Multipart(body, content_type, charset, visitor)
    if kind in ("", "text/plain", "application/json") or kind.endswith("+json"):
        return JsonBody.parse(body, charset or "utf-8", declared=kind not in ("", "text/plain"))
    raise UnsupportedMedia("content_type", "send JSON, a urlencoded form or multipart/form-data")


def read_body(content_type: str, body: bytes) -> Any:
    """The data of a body as `parse_body` reads it: dicts, lists, strings, numbers, booleans and None."""
    parsed = parse_body(content_type, body)
    return parsed.plain(parsed.data)
