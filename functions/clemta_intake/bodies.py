"""A submission: the sender's bytes as they came, and how they are read. Pure."""

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_to_bytes

from .errors import TooLarge, Unreadable, UnsupportedMedia
from .model import Submission

# Every length is bounded before anything looks at the content (P9); what is left is looked at in linear time.
MAX_BODY = 180_000  # bytes; in base64 with its headers it stays under the 256 KiB of an SQS message
MAX_HEADERS = 1_000  # characters of content type, kept headers and kept query, twelve bytes each at the worst
MAX_FIELDS = 2_000  # values in one body; Typeform's largest forms have some hundreds
MAX_DEPTH = 24
MAX_BATCH = 100  # events in one request; HubSpot sends no more
MAX_MARKS = 5 * MAX_FIELDS  # brackets and commas of a batch: JSON in its texts is read for each event apart
# Charset -> the names that senders give it. `codecs.lookup` would keep every name that it is ever asked for.
_CHARSETS = {
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 csutf8",
    "ascii": "us-ascii ascii iso646-us ansi_x3.4-1968",
    "iso8859-1": "iso-8859-1 iso8859-1 iso88591 iso_8859-1 latin1 latin-1 l1 cp819 ibm819",
    "iso8859-9": "iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 latin-5 l5",
    "iso8859-15": "iso-8859-15 iso8859-15 iso885915 iso_8859-15 latin9 latin-9 l9",
    "cp1252": "windows-1252 cp1252 cp-1252 x-cp1252",
    "cp1254": "windows-1254 cp1254 cp-1254 x-cp1254",
}
_CHARSET_OF = {name: charset for charset, names in _CHARSETS.items() for name in names.split()}
_CHARSET_FIELD = b"_charset_"  # HTML fills a field of that name with the charset of the form's fields
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_size(submission: Submission) -> None:
    """Raises TooLarge if no queue message could carry it."""
    texts = (submission.content_type, *submission.headers.values(), *submission.query.values())
    if len(submission.body) > MAX_BODY or sum(map(len, texts)) > MAX_HEADERS:
        raise too_large()


def too_large() -> TooLarge:
    """What is larger than a queue message can carry."""
    return TooLarge(
        "too_large", f"at most {MAX_BODY} bytes of body and {MAX_HEADERS} of headers are accepted"
    )


def split_batch(submission: "Submission") -> "list[Submission]":
    """A submission of its own for each entry of a JSON array: an array of that one entry, in UTF-8 whatever it came in.

    Anything else is left as it is, and so is an array of one, of more than MAX_BATCH, of which one entry grows too
    large for a queue message, or of more than MAX_MARKS. An entry's delivery id is the hash of its bytes: no charset,
    which the content type names and no signature covers, makes another of it.
    """
    if sum(map(submission.body.count, (b"[", b"{", b","))) > MAX_MARKS:
        return [submission]
    try:
        entries = read_body(submission.content_type, submission.body)
    except (Unreadable, UnsupportedMedia):
        return [submission]
    if not isinstance(entries, list) or not 1 < len(entries) <= MAX_BATCH:
        return [submission]
    as_bytes = read_body("application/json; charset=latin-1", submission.body)
    split = [
        replace(
            submission,
            submission_id=f"{submission.submission_id}-{number}",
            body=json.dumps([entry], ensure_ascii=False).encode(),
            content_type="application/json",
            delivery_id=hashlib.sha256(json.dumps(said).encode()).hexdigest(),
        )
        for number, (entry, said) in enumerate(zip(entries, as_bytes, strict=True), 1)
    ]
    return split if max(len(one.body) for one in split) <= MAX_BODY else [submission]


def read_body(content_type: str, body: bytes) -> Any:
    """The body as JSON-like data: dicts, lists, strings, numbers, booleans and None.

    A missing or text/plain content type is read as JSON, as some senders and `fetch` say nothing better. Urlencoded and
    multipart bodies become a dict, PHP-style brackets expanded, repeated names a list; multipart files are left out and
    their number stands under "_files". A part's charset wins over the field `_charset_`, which wins over the content
    type's; the default is UTF-8. Raises Unreadable or UnsupportedMedia.
    """
    kind, charset = _media_type(content_type)
    if not body.strip():
        raise Unreadable("empty_body", "the body is empty")
    if kind == "application/x-www-form-urlencoded":
        data: Any = _nested(_urlencoded(body, charset))
    elif kind == "multipart/form-data":
        data = _nested(_multipart(content_type, body, charset))
    elif kind in ("", "text/plain", "application/json") or kind.endswith("+json"):
        data = _json(body, charset, declared=kind not in ("", "text/plain"))
    else:
        raise UnsupportedMedia("content_type", "send JSON, a urlencoded form or multipart/form-data")
    _check_size(data)
    return data


class Part(str):
    """A value that knows which part of its body it is."""

    place: int

    def __new__(cls, text: str, place: int) -> "Part":
        part = super().__new__(cls, text)
        part.place = place
        return part


def rewrite_body(content_type: str, body: bytes, change: Callable[[Any], Any]) -> bytes:
    """A readable body with what `change` makes of its data, in its own content type.

    Of a form, the parts that `change` keeps are written as they came, files included; it gives Part for a changed one.
    """
    kind, charset = _media_type(content_type)
    if kind == "application/x-www-form-urlencoded":
        return _rewrite_urlencoded(body, charset, change)
    if kind == "multipart/form-data":
        return _rewrite_multipart(content_type, body, charset, change)
    return _encode(_dump(change(read_body(content_type, body))), charset)


def _media_type(content_type: str) -> tuple[str, str]:
    kind, _, parameters = content_type.partition(";")
    found = re.search(r"(?:^|;)\s*charset\s*=\s*\"?([^\";\s]+)", parameters, re.IGNORECASE)
    return kind.strip().lower(), _charset(found[1]) if found else "utf-8"


def _charset(name: str) -> str:
    """The codec of a charset by one of its usual names."""
    charset = _CHARSET_OF.get(name.lower())
    if charset is None:
        raise UnsupportedMedia("charset", "send UTF-8")
    return charset


def _decode(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        raise Unreadable("charset", f"the body is not {charset}") from error


def _json(body: bytes, charset: str, *, declared: bool) -> Any:
    try:
        return parse_json(_decode(body.removeprefix(codecs.BOM_UTF8), charset))
    except Unreadable as error:
        if declared or error.code != "not_json":
            raise
        raise UnsupportedMedia("content_type", "say what the body is in Content-Type") from error


def parse_json(text: str) -> Any:
    """JSON as it is accepted here: no key twice, no NaN, no bottomless nesting. Raises Unreadable."""
    try:
        data = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not_json", "the body is not valid JSON") from error
    _check_size(data)
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # which of the two is meant? parsers differ, so the sender must say
        raise Unreadable("duplicate_key", "a key stands twice in one JSON object")
    return found


def _no_constant(name: str) -> Any:
    raise Unreadable("not_json", f"{name} is not JSON")


def _check_size(data: Any) -> None:
    """Refuses too many values, too deep a nesting and text that no UTF-8 can carry (lone surrogates)."""
    level, count = [data], 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and _SURROGATE.search(value):
                raise Unreadable("surrogate", "the body holds half of a character")
            elif isinstance(value, float) and value in (float("inf"), float("-inf")):
                raise Unreadable("not_json", "a number is too large")
        count += len(below)
        if count > MAX_FIELDS * 2:  # a key and a value each
            raise Unreadable("too_many_fields", f"more than {MAX_FIELDS} fields")
        if not below:
            return
        level = below
    raise Unreadable("too_deep", f"nested more than {MAX_DEPTH} levels deep")


class _Field(NamedTuple):
    """A field as it came; of a part in multipart, its own charset, file name and headers, where it has them."""

    name: bytes
    value: bytes
    charset: str | None = None
    filename: str | None = None
    head: tuple[tuple[str, str], ...] = ()

    def text(self, charset: str) -> tuple[str, str]:
        """Name and value in the body's charset, or the value in its own."""
        return _decode(self.name, charset), _decode(self.value, self.charset or charset)


def _is_answer(one: _Field) -> bool:
    return one.filename is None and one.name != _CHARSET_FIELD


def _charset_said(fields: Iterable[_Field], charset: str) -> str:
    """The charset that the first field `_charset_` names; without one, the content type's."""
    said = next((one.value.strip() for one in fields if one.name == _CHARSET_FIELD), b"")
    return _charset(said.decode("latin-1")) if said else charset


def _texts(fields: list[_Field], charset: str) -> list[tuple[str, str]]:
    charset = _charset_said(fields, charset)
    return [one.text(charset) for one in fields if _is_answer(one)]


def _pair(pair: bytes) -> _Field:
    name, _, value = pair.replace(b"+", b" ").partition(b"=")
    return _Field(unquote_to_bytes(name), unquote_to_bytes(value))


def _urlencoded(body: bytes, charset: str) -> list[tuple[str, str]]:
    pairs = body.split(b"&")
    if len(pairs) > MAX_FIELDS:
        raise Unreadable("too_many_fields", f"more than {MAX_FIELDS} fields")
    return _texts([one for one in map(_pair, pairs) if one.name], charset)


def _multipart(content_type: str, body: bytes, charset: str) -> list[tuple[str, str]]:
    parts = _parts(content_type, body)
    # An empty file input sends a part without a file's name.
    files = sum(bool(one.filename or one.value) for one in parts if one.filename is not None)
    found = _texts(parts, charset)
    return [*found, ("_files", str(files))] if files else found


def _boundary(content_type: str) -> str:
    import multipart  # only for such a body

    boundary: str = multipart.parse_options_header(content_type)[1].get("boundary", "")
    return boundary


def _parts(content_type: str, body: bytes) -> list[_Field]:
    """The parts of a multipart body, files among them."""
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
                    own = _charset(segment.charset) if segment.charset and segment.filename is None else None
                    name, head = segment.name.encode("latin-1"), tuple(segment.headerlist)
                    parts.append(_Field(name, value, own, segment.filename, head))
    except (multipart.MultipartError, UnicodeError) as error:
        raise Unreadable("not_multipart", "the body is not valid multipart/form-data") from error
    if any(one.name in (b"", b"[]") for one in parts if one.filename is None):
        raise Unreadable("nameless_field", "a field has no name")
    return parts


def _rewrite_urlencoded(body: bytes, charset: str, change: Callable[[Any], Any]) -> bytes:
    pairs = body.split(b"&")
    fields = [_pair(pair) for pair in pairs]
    charset = _charset_said(fields, charset)
    found = {place: one.text(charset) for place, one in enumerate(fields) if one.name and _is_answer(one)}
    kept = _kept(found, change)
    written = []
    for place, pair in enumerate(pairs):
        if place not in found:
            written.append(pair)
        elif place in kept:
            text = kept[place]
            new = pair.partition(b"=")[0] + b"=" + quote_plus(_encode(text, charset)).encode()
            written.append(pair if text == found[place][1] else new)
    return b"&".join(written)


def _rewrite_multipart(content_type: str, body: bytes, charset: str, change: Callable[[Any], Any]) -> bytes:
    parts = _parts(content_type, body)
    charset = _charset_said(parts, charset)
    found = {place: one.text(charset) for place, one in enumerate(parts) if _is_answer(one)}
    kept = _kept(found, change)
    delimiter = b"--" + _boundary(content_type).encode()
    written = []
    for place, one in enumerate(parts):
        if place in found and place not in kept:
            continue
        changed = place in kept and kept[place] != found[place][1]
        head = "".join(f"{name}: {value}\r\n" for name, value in one.head).encode("latin-1")
        content = _encode(kept[place], one.charset or charset) if changed else one.value
        written += [delimiter, b"\r\n", head, b"\r\n", content, b"\r\n"]
    return b"".join([*written, delimiter, b"--\r\n"])


def _kept(found: Mapping[int, tuple[str, str]], change: Callable[[Any], Any]) -> dict[int, Part]:
    """The parts that `change` keeps, by their place in the body."""
    fields = [(name, Part(value, place)) for place, (name, value) in found.items()]
    kept, waiting = {}, [change(_nested(fields))]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Part):
            kept[value.place] = value
        elif isinstance(value, dict):
            waiting += value.values()
        else:
            waiting += value
    return kept


def _dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def _encode(text: str, charset: str) -> bytes:
    """In the body's charset; JSON that holds other characters writes them as escapes."""
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        return json.dumps(json.loads(text), separators=(",", ":")).encode()


def _nested(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Expands `data[merges][FNAME]` and `topics[]` as PHP does; a plain name that repeats becomes a list."""
    root: dict[str, Any] = {}
    for name, value in fields:
        keys = (
            re.findall(r"[^\[\]]+|\[\]", name)[:MAX_DEPTH]
            if re.fullmatch(r"[^\[\]]+(\[[^\[\]]*\])+", name)
            else [name]
        )
        place = root
        for key in keys[:-1]:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):  # `a=1&a[b]=2`: the brackets are then part of a plain name
                place, keys = root, [name]
                break
            place = inner
        last = keys[-1]
        if last == "[]":
            place.setdefault("", []).append(value)
        elif last not in place:
            place[last] = value
        elif isinstance(place[last], list):
            place[last].append(value)
        elif isinstance(place[last], dict):
            place[last].setdefault("", []).append(value)
        else:
            place[last] = [place[last], value]
    return {key: _collapse(value) for key, value in root.items()}


def _collapse(value: Any) -> Any:
    """`topics[]` alone is a list."""
    if not isinstance(value, dict):
        return value
    if list(value) == [""]:
        return value[""]
    return {key: _collapse(inner) for key, inner in value.items()}
