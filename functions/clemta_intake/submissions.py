"""A submission: the sender's bytes as they came, and how they are read. Pure."""

import codecs
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from .errors import TooLarge, Unreadable, UnsupportedMedia

# Every length is bounded before anything looks at the content (P9); what is left is looked at in linear time.
MAX_BODY = 180_000  # bytes; in base64 with its headers it stays under the 256 KiB of an SQS message
MAX_HEADERS = 1_000  # characters of content type, kept headers and kept query, twelve bytes each at the worst
MAX_FIELDS = 2_000  # values in one body; Typeform's largest forms have some hundreds
MAX_DEPTH = 24
MAX_BATCH = 100  # events in one request; HubSpot sends no more
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


@dataclass(frozen=True, slots=True)
class Submission:
    """One request's payload. `headers` have lower-case names; `query` the last value of each name; times in unix s."""

    submission_id: str
    source: str
    received_at: float
    body: bytes = field(repr=False)
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def check_fits(self) -> None:
        """Raises TooLarge if no queue message could carry it."""
        texts = (self.content_type, *self.headers.values(), *self.query.values())
        if len(self.body) > MAX_BODY or sum(map(len, texts)) > MAX_HEADERS:
            raise _too_large()


def _too_large() -> TooLarge:
    return TooLarge(
        "too_large", f"at most {MAX_BODY} bytes of body and {MAX_HEADERS} of headers are accepted"
    )


def check_body_size(event: Mapping[str, Any]) -> None:
    """Raises TooLarge for a body that is too long by its length alone: it is not decoded, copied or looked at."""
    length = len(event.get("body") or "")
    if event.get("isBase64Encoded"):
        length = length // 4 * 3 - 2  # the least that such a text can hold
    if length > MAX_BODY:
        raise _too_large()


def event_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were posted, API Gateway's base64 undone and nothing else. Raises TooLarge or Unreadable."""
    check_body_size(event)
    text = event.get("body") or ""
    if event.get("isBase64Encoded"):
        try:
            body = b64decode(text, validate=True)
        except ValueError as error:
            raise Unreadable("not_base64") from error
    else:
        body = bytes(text.encode("utf-8", "surrogatepass"))
    if len(body) > MAX_BODY:
        raise _too_large()
    return body


def event_headers(event: Mapping[str, Any]) -> dict[str, str]:
    """Header names in lower case; a header that came twice is joined with ", " (RFC 9110, 5.3)."""
    many = event.get("multiValueHeaders") or {
        name: [value] for name, value in (event.get("headers") or {}).items()
    }
    headers: dict[str, str] = {}
    for name, values in many.items():
        for value in values or ():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else str(value)
    return headers


def event_query(event: Mapping[str, Any]) -> dict[str, str]:
    """The last value of each query parameter."""
    many = event.get("multiValueQueryStringParameters")
    if many:
        return {name: str(values[-1]) for name, values in many.items() if values}
    return {name: str(value) for name, value in (event.get("queryStringParameters") or {}).items()}


def event_uri(event: Mapping[str, Any]) -> str:
    """The address that was posted to, as its sender knows it: https, the stage and the query string included.

    API Gateway hands the query on decoded: one whose values need escapes may come out written in another way.
    """
    context = event.get("requestContext") or {}
    host = context.get("domainName") or event_headers(event).get("host", "")
    pairs = [
        (name, value)
        for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        for value in values
    ]
    return f"https://{host}{context.get('path', '')}" + (
        f"?{urlencode(pairs, errors='surrogatepass')}" if pairs else ""
    )


def split_batch(submission: "Submission") -> "list[Submission]":
    """A submission of its own for each entry of a JSON array, its body an array of that one entry.

    Anything else is left as it is, and so is an array of one, or of more than MAX_BATCH.
    """
    try:
        entries = read_body(submission.content_type, submission.body)
    except (Unreadable, UnsupportedMedia):
        return [submission]
    if not isinstance(entries, list) or not 1 < len(entries) <= MAX_BATCH:
        return [submission]
    return [
        replace(
            submission,
            submission_id=f"{submission.submission_id}-{number}",
            body=json.dumps([entry], ensure_ascii=False).encode(),
        )
        for number, entry in enumerate(entries, 1)
    ]


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


def _urlencoded(body: bytes, charset: str) -> list[tuple[str, str]]:
    pairs = body.split(b"&")
    if len(pairs) > MAX_FIELDS:
        raise Unreadable("too_many_fields", f"more than {MAX_FIELDS} fields")
    fields: list[tuple[bytes, bytes, str | None]] = []
    for pair in pairs:
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            fields.append((unquote_to_bytes(name), unquote_to_bytes(value), None))
    return _decoded(fields, charset)


def _decoded(fields: list[tuple[bytes, bytes, str | None]], charset: str) -> list[tuple[str, str]]:
    """Names and values as text; each pair may have a charset of its own. A field `_charset_` is no answer."""
    named = [value.strip() for name, value, _ in fields if name == _CHARSET_FIELD]
    if named and named[0]:
        charset = _charset(named[0].decode("latin-1"))
    return [
        (_decode(name, charset), _decode(value, own or charset))
        for name, value, own in fields
        if name != _CHARSET_FIELD
    ]


def _multipart(content_type: str, body: bytes, charset: str) -> list[tuple[str, str]]:
    import multipart  # only for such a body

    boundary = multipart.parse_options_header(content_type)[1].get("boundary", "")
    fields: list[tuple[bytes, bytes, str | None]] = []
    segment: Any = None
    files, value = 0, b""
    try:
        # Latin-1 keeps a name's bytes until the charset is known. Strict: no header goes on in a next line.
        parser = multipart.PushMultipartParser(
            boundary, max_segment_count=MAX_FIELDS, header_charset="latin-1", strict=True
        )
        with parser:
            for event in parser.parse(body):
                if isinstance(event, bytes):
                    value += event  # the body is one chunk, and so is the value of a part
                elif event is not None:
                    segment, value = event, b""
                elif segment.filename is None:
                    own = _charset(segment.charset) if segment.charset else None
                    fields.append((segment.name.encode("latin-1"), value, own))
                elif segment.filename or value:  # an empty file input sends a part without a file's name
                    files += 1
    except (multipart.MultipartError, UnicodeError) as error:
        raise Unreadable("not_multipart", "the body is not valid multipart/form-data") from error
    if any(name in (b"", b"[]") for name, _, _ in fields):
        raise Unreadable("nameless_field", "a field has no name")
    found = _decoded(fields, charset)
    return [*found, ("_files", str(files))] if files else found


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
