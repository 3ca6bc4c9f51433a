"""A submission: the sender's bytes as they came, and how they are read. Pure."""

import codecs
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes, urlencode

from .errors import TooLarge, Unreadable, UnsupportedMedia

MAX_BODY = 180_000  # bytes; in base64 with its headers it stays under the 256 KiB of an SQS message
MAX_HEADERS = 1_000  # characters of content type, kept headers and kept query, twelve bytes each at the worst
MAX_FIELDS = 2_000  # values in one body; Typeform's largest forms have some hundreds
MAX_DEPTH = 24
MAX_BATCH = 100  # events in one request; HubSpot sends no more
_CHARSETS = {"utf-8", "ascii", "iso8859-1", "iso8859-9", "iso8859-15", "cp1252", "cp1254"}
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
    delivery_id: str = field(default="", repr=False)
    """The sender's own id of this delivery; "" where it is not known yet."""

    def check_fits(self) -> None:
        """Raises TooLarge if no queue message could carry it."""
        texts = (self.content_type, *self.headers.values(), *self.query.values())
        if len(self.body) > MAX_BODY or sum(map(len, texts)) > MAX_HEADERS:
            raise TooLarge(
                "too_large", f"at most {MAX_BODY} bytes of body and {MAX_HEADERS} of headers are accepted"
            )


def event_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were posted, API Gateway's base64 undone and nothing else."""
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise Unreadable("not_base64") from error


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


def event_path(event: Mapping[str, Any]) -> str:
    """The path below the API's address; `path` itself begins with a custom domain's base path, where there is one."""
    path = str(event.get("resource") or "")
    for name, value in (event.get("pathParameters") or {}).items():
        path = path.replace(f"{{{name}}}", str(value))
    return path or str(event.get("path"))


def event_uri(event: Mapping[str, Any]) -> str:
    """The address that was posted to, as its sender knows it: https and the query string included.

    `requestContext.path` begins with the stage, or with the base path of a custom domain, which is then `domainName`.
    API Gateway hands the query on decoded: one whose values need escapes may come out written in another way.
    """
    context = event.get("requestContext") or {}
    host = context.get("domainName") or event_headers(event).get("host", "")
    pairs = [
        (name, value)
        for name, values in (event.get("multiValueQueryStringParameters") or {}).items()
        for value in values
    ]
    return f"https://{host}{context.get('path', '')}" + (f"?{urlencode(pairs)}" if pairs else "")


def split_batch(submission: "Submission") -> "list[Submission]":
    """A submission of its own for each entry of a JSON array: an array of that one entry, in UTF-8 whatever it came in.

    Anything else is left as it is, and so is an array of one, of more than MAX_BATCH, or of which one entry grows too
    large for a queue message.
    """
    try:
        entries = read_body(submission.content_type, submission.body)
    except (Unreadable, UnsupportedMedia):
        return [submission]
    if not isinstance(entries, list) or not 1 < len(entries) <= MAX_BATCH:
        return [submission]
    split = [
        replace(
            submission,
            submission_id=f"{submission.submission_id}-{number}",
            body=json.dumps([entry], ensure_ascii=False).encode(),
            content_type="application/json",
        )
        for number, entry in enumerate(entries, 1)
    ]
    return split if max(len(one.body) for one in split) <= MAX_BODY else [submission]


def read_body(content_type: str, body: bytes) -> Any:
    """The body as JSON-like data: dicts, lists, strings, numbers, booleans and None.

    JSON must be UTF-8; a missing or text/plain content type is read as JSON, as some senders and `fetch` say nothing
    better. Urlencoded and multipart bodies become a dict, PHP-style brackets expanded, repeated names a list; multipart
    files are left out and their number stands under "_files". Raises Unreadable or UnsupportedMedia.
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
    name = found[1] if found else "utf-8"
    try:
        charset = codecs.lookup(name).name
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        charset = ""
    if charset not in _CHARSETS:
        raise UnsupportedMedia("charset", "send UTF-8")
    return kind.strip().lower(), charset


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
    fields = []
    for pair in pairs:
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        if name:
            fields.append(
                (_decode(unquote_to_bytes(name), charset), _decode(unquote_to_bytes(value), charset))
            )
    return fields


def _multipart(content_type: str, body: bytes, charset: str) -> list[tuple[str, str]]:
    import multipart  # only for such a body

    boundary = multipart.parse_options_header(content_type)[1].get("boundary", "")
    fields, files = [], 0
    try:
        parts = multipart.MultipartParser(
            BytesIO(body), boundary, charset=charset, part_limit=MAX_FIELDS, spool_limit=MAX_BODY
        )
        for part in parts:
            if part.filename is None:
                fields.append((part.name, _decode(part.raw, charset)))
            elif part.filename or part.size:  # an empty file input sends a part without a file's name
                files += 1
    except (multipart.MultipartError, UnicodeError) as error:
        raise Unreadable("not_multipart", "the body is not valid multipart/form-data") from error
    return [*fields, ("_files", str(files))] if files else fields


def _rewrite_urlencoded(body: bytes, charset: str, change: Callable[[Any], Any]) -> bytes:
    pairs = body.split(b"&")
    found = {place: field for place, pair in enumerate(pairs) for field in _urlencoded(pair, charset)}
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
    import multipart

    boundary = multipart.parse_options_header(content_type)[1]["boundary"]
    parts = list(
        multipart.MultipartParser(
            BytesIO(body), boundary, charset=charset, part_limit=MAX_FIELDS, spool_limit=MAX_BODY
        )
    )
    found = {
        place: (part.name, _decode(part.raw, charset))
        for place, part in enumerate(parts)
        if part.filename is None
    }
    kept = _kept(found, change)
    written = []
    for place, part in enumerate(parts):
        if place in found and place not in kept:
            continue
        changed = place in kept and kept[place] != found[place][1]
        head = "".join(f"{name}: {value}\r\n" for name, value in part.headerlist)
        content = _encode(kept[place], charset) if changed else part.raw
        written += [f"--{boundary}\r\n".encode(), f"{head}\r\n".encode(charset), content, b"\r\n"]
    return b"".join([*written, f"--{boundary}--\r\n".encode()])


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
