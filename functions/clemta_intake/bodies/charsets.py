"""Content types and the charsets that they name."""

import re

from ..errors import Unreadable, UnsupportedMedia

_UTF_8 = frozenset(
    ["utf-8", "utf8", "csutf8", "unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"]
)
MULTIBYTE = frozenset(["cp932", "cp949", "big5hkscs", "euc_jp", "gb18030", "iso2022_jp"])
"""Codecs whose characters may hold bytes of ASCII, as a backslash: they read JSON in another structure."""
_PARAMETER = re.compile(r"(?:^|;)\s*charset\s*=\s*\"?([^\";\s]+)", re.IGNORECASE)


def media_type(content_type: str) -> tuple[str, str]:
    """The type in lower case, and the codec of its charset; "" if it names none. Raises UnsupportedMedia."""
    kind, _, parameters = content_type.partition(";")
    found = _PARAMETER.search(parameters)
    return kind.strip().lower(), codec(found[1]) if found else ""


def with_charset(content_type: str, label: str) -> str:
    """The content type of a body that is in that charset; it named none."""
    kind, semicolon, parameters = content_type.partition(";")
    return f"{kind.strip()}; charset={label}{semicolon}{parameters}"


def codec(label: str) -> str:
    """The codec of a charset by one of its labels. Raises UnsupportedMedia."""
    if (name := label.lower()) in _UTF_8:
        return "utf-8"
    from .legacy import CODEC_OF  # `codecs.lookup` would keep every name that it is ever asked for

    if name not in CODEC_OF:
        raise UnsupportedMedia("charset", "send UTF-8")
    return CODEC_OF[name]


def decode(data: bytes, charset: str) -> str:
    """The text in that codec; raises Unreadable if the bytes are not valid in it."""
    try:
        if charset == "utf-8":
            return data.decode()
        from . import legacy

        return legacy.decode(data, charset)
    except UnicodeDecodeError as error:
        raise Unreadable("charset", f"the body is not {charset}") from error
