"""Urlencoded and multipart forms: parses their fields into nested data, and rewrites a form without some fields."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_to_bytes

from ..errors import Unreadable
from .charsets import codec, decode
from .limits import MAX_DEPTH, MAX_FIELDS, check_data, too_many_fields

_CHARSET_FIELD = b"_charset_"  # HTML fills a field of that name with the charset of the form's fields
_BRACKETS = re.compile(r"[^\[\]]+(\[[^\[\]]*\])+")
_KEYS = re.compile(r"[^\[\]]+|\[\]")


class Part(str):
    """A field's text that knows its place among the form's fields."""

    place: int

    def __new__(cls, text: str, place: int) -> "Part":
        part = super().__new__(cls, text)
        part.place = place
        return part


class _Field(NamedTuple):
    """A field as received; a multipart part may also have a charset, a file name and headers."""

    name: bytes
    value: bytes
    charset: str | None = None
    filename: str | None = None
    head: tuple[tuple[str, str], ...] = ()

    @property
    def is_answer(self) -> bool:
        return self.filename is None and self.name.lower() not in (b"", _CHARSET_FIELD)

    def text(self, charset: str) -> tuple[str, str]:
        """Name and value in the body's charset, or the value in its own."""
        return _text(self.name, charset), _text(self.value, self.charset or charset)


class _Form:
    """Fields and their texts; `data` holds the texts nested, each a Part.

    `page_charset` is the charset of the visitor's page if the form is in it and does not name it, else "".
    """

    def __init__(self, fields: list[_Field], charset: str, visitor: str | None) -> None:
        self._fields = fields
        said = _charset_said(fields, charset)
        self.page_charset = "" if said or visitor is None else _page_charset(fields, visitor)
        self._charset = said or (codec(self.page_charset) if self.page_charset else "utf-8")
        self._texts = {place: one.text(self._charset) for place, one in enumerate(fields) if one.is_answer}
        parts = [(place, name, Part(text, place)) for place, (name, text) in self._texts.items()]
        answers = sorted([*parts, *_files(fields, self._charset)]) if len(parts) < len(fields) else parts
        self.data = _nested((name, text) for _, name, text in answers)
        check_data(self.data)

    def plain(self, data: Any) -> Any:
        """The data, or its redacted copy, as dicts, lists and plain strings."""
        if isinstance(data, dict):
            return {key: self.plain(value) for key, value in data.items()}
        return [self.plain(value) for value in data] if isinstance(data, list) else str(data)

    def _changed(self, kept: Mapping[int, str], place: int) -> str | None:
        """The new text of a field that was kept and changed; None if it did not change."""
        return kept[place] if place in kept and kept[place] != self._texts[place][1] else None


class Urlencoded(_Form):
    """An application/x-www-form-urlencoded body."""

    def __init__(self, body: bytes, charset: str, visitor: str | None) -> None:
        self._pairs = body.split(b"&")
        if len(self._pairs) > MAX_FIELDS:
            raise too_many_fields()
        super().__init__([_pair(pair) for pair in self._pairs], charset, visitor)

    def rewrite(self, kept: Any) -> bytes:
        """The body with the redacted data; unchanged fields keep their bytes."""
        texts = _by_place(kept)
        written = []
        for place, pair in enumerate(self._pairs):
            if place in self._texts and place not in texts:
                continue
            if (new := self._changed(texts, place)) is None:
                written.append(pair)
            else:
                value = quote_plus(_bytes(new, self._charset)).encode()
                written.append(pair.partition(b"=")[0] + b"=" + value)
        return b"&".join(written)


class Multipart(_Form):
    """A multipart/form-data body; the data has its files' names, and `rewrite` keeps the files."""

    def __init__(self, body: bytes, content_type: str, charset: str, visitor: str | None) -> None:
        self._content_type = content_type
        super().__init__(_parts(content_type, body), charset, visitor)

    def rewrite(self, kept: Any) -> bytes:
        """The body with the redacted data; unchanged fields keep their bytes."""
        texts = _by_place(kept)
        delimiter = b"--" + _boundary(self._content_type).encode()
        written = []
        for place, one in enumerate(self._fields):
            if place in self._texts and place not in texts:
                continue
            new = self._changed(texts, place)
            content = one.value if new is None else _bytes(new, one.charset or self._charset)
            head = "".join(f"{name}: {value}\r\n" for name, value in one.head).encode("latin-1")
            written += [delimiter, b"\r\n", head, b"\r\n", content, b"\r\n"]
        return b"".join([*written, delimiter, b"--\r\n"])


def _files(fields: Iterable[_Field], charset: str) -> Iterator[tuple[int, str, str]]:
    """Each file field's place, its name, and its files by name, as "cv.pdf (file, not kept)"."""
    found: dict[bytes, list[tuple[int, str]]] = {}
    for place, one in enumerate(fields):
        if one.filename is not None and (one.filename or one.value):  # an empty file input has neither
            filename = one.filename.encode("latin-1").decode(charset, "replace")
            found.setdefault(one.name, []).append((place, filename))
    for name, files in found.items():
        filenames = ", ".join(filename for _, filename in files if filename)
        remark = "(file, not kept)" if len(files) == 1 else "(files, not kept)"
        yield files[0][0], _text(name, charset), f"{filenames} {remark}".strip()


def _charset_said(fields: Iterable[_Field], charset: str) -> str:
    """The charset in the first field `_charset_`; without one, the content type's."""
    said = next((one.value.strip() for one in fields if one.name.lower() == _CHARSET_FIELD), b"")
    return codec(said.decode("latin-1")) if said else charset


def _page_charset(fields: Iterable[_Field], visitor: str) -> str:
    """The charset of the page that a form without one comes from; "" for UTF-8.

    A form in ASCII is from a page in another charset if a browser wrote a character as a reference.
    """
    parts = [
        part for one in fields if one.is_answer for part in (one.name, b"" if one.charset else one.value)
    ]
    text = b"\n".join(parts)
    if text.isascii() and b"&#" not in text:
        return ""
    from .legacy import holds_reference, page_charset

    try:
        text.decode()
    except UnicodeDecodeError:
        return page_charset(text, visitor)
    return page_charset(text, visitor) if text.isascii() and holds_reference(text) else ""


def _text(data: bytes, charset: str) -> str:
    text = decode(data, charset)
    if charset == "utf-8":
        return text
    from .legacy import resolve_references

    return resolve_references(text)


def _bytes(text: str, charset: str) -> bytes:
    """The bytes that `_text` reads as this text."""
    return text.encode(charset, "xmlcharrefreplace")


def _pair(pair: bytes) -> _Field:
    name, _, value = pair.replace(b"+", b" ").partition(b"=")
    return _Field(unquote_to_bytes(name), unquote_to_bytes(value))


def _boundary(content_type: str) -> str:
    import multipart  # only for such a body

    boundary: str = multipart.parse_options_header(content_type)[1].get("boundary", "")
    return boundary


def _parts(content_type: str, body: bytes) -> list[_Field]:
    """The parts of a multipart body, including files."""
    import multipart

    parts: list[_Field] = []
    segment: Any = None
    value = b""
    try:
        # Latin-1 keeps a name's bytes until the charset is known. Strict: no header goes on in a next line.
        parser = multipart.PushMultipartParser(
            _boundary(content_type), max_segment_count=MAX_FIELDS, header_charset="latin-1", strict=True
        )
        with parser:
            for event in parser.parse(body):
                if isinstance(event, bytes):
                    value += event  # the body is one chunk, and so is the value of a part
                elif event is not None:
                    segment, value = event, b""
                else:
                    own = codec(segment.charset) if segment.charset and segment.filename is None else None
                    name, head = segment.name.encode("latin-1"), tuple(segment.headerlist)
                    parts.append(_Field(name, value, own, segment.filename, head))
    except (multipart.MultipartError, UnicodeError) as error:
        raise Unreadable("not_multipart", "the body is not valid multipart/form-data") from error
    if any(one.name in (b"", b"[]") for one in parts if one.filename is None):
        raise Unreadable("nameless_field", "a field has no name")
    return parts


def _by_place(kept: Any) -> dict[int, str]:
    """The texts that are kept, by their place in the form."""
    found: dict[int, str] = {}
    waiting = [kept]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Part):
            found[value.place] = value
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def _nested(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Expands `data[merges][FNAME]` and `topics[]` as PHP does; a plain name that repeats becomes a list."""
    root: dict[str, Any] = {}
    for name, value in fields:
        keys = _KEYS.findall(name)[:MAX_DEPTH] if _BRACKETS.fullmatch(name) else [name]
        place = root
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):  # `a=1&a[b]=2`: the brackets are then part of a plain name
                place, keys = root, [name]
                break
            place = inner
        _add(place, keys[-1], value)
    return {key: _collapse(value) for key, value in root.items()}


def _add(place: dict[str, Any], key: str, value: str) -> None:
    """Puts a value under its key; repeated keys get a list."""
    if key == "[]":
        place.setdefault("", []).append(value)
    elif key not in place:
        place[key] = value
    elif isinstance(place[key], list):
        place[key].append(value)
    elif isinstance(place[key], dict):
        place[key].setdefault("", []).append(value)
    else:
        place[key] = [place[key], value]


def _collapse(value: Any) -> Any:
    """`topics[]` alone is a list."""
    if not isinstance(value, dict):
        return value
    if list(value) == [""]:
        return value[""]
    return {key: _collapse(inner) for key, inner in value.items()}
