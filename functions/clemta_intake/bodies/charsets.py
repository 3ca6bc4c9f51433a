"""Content types and the charsets that they name."""

import re

from ..errors import Unreadable, UnsupportedMedia

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
_PARAMETER = re.compile(r"(?:^|;)\s*charset\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)


def media_type(content_type: str) -> tuple[str, str]:
    """The type in lower case, and the codec of its charset; UTF-8 if it names none. Raises UnsupportedMedia."""
    kind, _, parameters = content_type.partition(";")
    found = _PARAMETER.search(parameters)
    return kind.strip().lower(), codec(found[1]) if found else "utf-8"


def codec(name: str) -> str:
    """The codec of a charset by one of its usual names. Raises UnsupportedMedia."""
    charset = _CHARSET_OF.get(name.lower())
    if charset is None:
        raise UnsupportedMedia("charset", "send UTF-8")
    return charset


def decode(data: bytes, charset: str) -> str:
    """The text; raises Unreadable if the bytes are not valid in that charset."""
    try:
        return data.decode(charset)
    except UnicodeDecodeError as error:
        raise Unreadable("charset", f"the body is not {charset}") from error
