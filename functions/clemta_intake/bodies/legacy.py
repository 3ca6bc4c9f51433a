"""The legacy encodings of web pages, which hold no character but their own: https://encoding.spec.whatwg.org.

Imported only for a body that is not UTF-8.
"""

import codecs
import re
from functools import cache

# Python's codec -> the standard's labels for it, and some that mail programs write. A codec that is no superset of
# ASCII (UTF-16), or that reads one text in many ways (UTF-7, HZ, ISO-2022-CN and -KR), is refused.
_LABELS = {
    "ascii": "us-ascii ascii iso646-us ansi_x3.4-1968",  # the standard reads windows-1252; we refuse other bytes
    "cp866": "866 cp866 csibm866 ibm866",
    "cp874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874 cp874",
    "cp932": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis cp932",
    "cp949": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601"
    " windows-949 cp949",
    "cp1250": "cp1250 windows-1250 x-cp1250 cp-1250",
    "cp1251": "cp1251 windows-1251 x-cp1251 cp-1251",
    "cp1252": "cp1252 windows-1252 x-cp1252 cp-1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591"
    " iso_8859-1 iso_8859-1:1987 l1 latin1 latin-1",
    "cp1253": "cp1253 windows-1253 x-cp1253 cp-1253",
    "cp1254": "cp1254 windows-1254 x-cp1254 cp-1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9"
    " iso_8859-9:1989 l5 latin5 latin-5",
    "cp1255": "cp1255 windows-1255 x-cp1255 cp-1255",
    "cp1256": "cp1256 windows-1256 x-cp1256 cp-1256",
    "cp1257": "cp1257 windows-1257 x-cp1257 cp-1257",
    "cp1258": "cp1258 windows-1258 x-cp1258 cp-1258",
    "iso8859_2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2 latin-2",
    "iso8859_3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3",
    "iso8859_4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4",
    "iso8859_5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988",
    "iso8859_6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e"
    " iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso8859_7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7"
    " iso_8859-7:1987 sun_eu_greek",
    "iso8859_8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8"
    " iso_8859-8:1988 visual csiso88598i iso-8859-8-i logical",
    "iso8859_10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso8859_13": "iso-8859-13 iso8859-13 iso885913",
    "iso8859_14": "iso-8859-14 iso8859-14 iso885914",
    "iso8859_15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9 latin9 latin-9",
    "iso8859_16": "iso-8859-16",
    "koi8_r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8_u": "koi8-ru koi8-u",
    "mac_roman": "csmacintosh mac macintosh x-mac-roman",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "big5hkscs": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "gb18030": "gb18030 chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "iso2022_jp": "csiso2022jp iso-2022-jp",
}
CODEC_OF = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
"""Label in lower case -> Python's codec."""

# The encoding that browsers assume for a page without one, by their language:
# https://html.spec.whatwg.org/multipage/parsing.html#determining-the-character-encoding
_PAGES = {
    "windows-1250": "cs hr sk",
    "windows-1251": "ba be bg kk ky mk ru sah sr tg tt uk",
    "windows-1254": "az ku tr",
    "windows-1255": "he",
    "windows-1256": "ar fa",
    "windows-1257": "et lt lv",
    "windows-1258": "vi",
    "windows-874": "th",
    "iso-8859-2": "hu pl sl",
    "iso-8859-7": "el",
    "shift_jis": "ja",
    "euc-kr": "ko",
    "gbk": "zh zh-hans zh-cn zh-sg",
    "big5": "zh-hant zh-hk zh-mo zh-tw",
}
_PAGE_OF = {language: label for label, languages in _PAGES.items() for language in languages.split()}
_WESTERN = "windows-1252"  # the default of every other language; each of its bytes is a character
# Characters that Python knows, or one that it does not: in EUC-JP one of NEC and IBM, with which surnames are written,
# in GBK the euro sign.
_EUC_JP = re.compile(
    "((?:[\xa1-\xac\xae-\xf8\xfd\xfe][\xa1-\xfe]|\x8e[\xa1-\xdf]|\x8f[\xa1-\xfe][\xa1-\xfe])+)"
    "|[\xad\xf9-\xfc][\xa1-\xfe]"
)
_GB18030 = re.compile("((?:[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[\x30-\x39][\x81-\xfe][\x30-\x39]))+)|\x80")
_VENDOR = {"euc_jp": (_EUC_JP, b"\xad\xf9\xfa\xfb\xfc"), "gb18030": (_GB18030, b"\x80")}
_MAX_VENDOR = 10_000  # bytes that may begin a character unknown to Python; no person's text has more
_REFERENCE = re.compile(r"&#([1-9][0-9]{2,6});")


def page_charset(text: bytes, accept_language: str) -> str:
    """The label of the encoding that a page's form was sent in: the default of its visitor's language if it fits.

    `text` are the form's names and values. Japanese pages are written in Shift_JIS and in EUC-JP, which are told apart
    by their bytes: text in Shift_JIS is hardly ever valid EUC-JP.
    """
    language = accept_language[:100].partition(",")[0].partition(";")[0].strip().lower()
    script = "-".join(language.split("-")[:2])
    label = _PAGE_OF.get(script) or _PAGE_OF.get(language.partition("-")[0], _WESTERN)
    for one in ("euc-jp", label) if label == "shift_jis" else (label,):
        try:
            decode(text, CODEC_OF[one])
        except UnicodeDecodeError:
            continue
        return one
    return _WESTERN


def decode(data: bytes, codec: str) -> str:
    """The text, with characters of _VENDOR as references; raises UnicodeDecodeError.

    As in the standard, a byte of 80 to 9F that a Windows encoding leaves open is the control character of that number.
    """
    if codec.startswith("cp125"):
        return codecs.charmap_decode(data, "strict", _characters(codec))[0]
    if codec in _VENDOR:
        pattern, begins = _VENDOR[codec]
        if 0 < sum(map(data.count, begins)) <= _MAX_VENDOR:
            data = pattern.sub(_vendor_character, data.decode("latin-1")).encode("latin-1")
    return data.decode(codec)


@cache
def _characters(codec: str) -> str:
    """The characters of a Windows encoding, in the order of their bytes; U+FFFE for none."""
    known = bytes(range(256)).decode(codec, "replace")
    controls = "".join(map(chr, range(0xA0)))
    return "".join(
        (controls[byte : byte + 1] or "\ufffe") if character == "\ufffd" else character
        for byte, character in enumerate(known)
    )


def _vendor_character(found: re.Match[str]) -> str:
    return found[0] if found[1] else _vendor_characters().get(found[0], found[0])


@cache
def _vendor_characters() -> dict[str, str]:
    """GBK's euro sign, and EUC-JP's rows 13 and 89 to 92, which Python knows in Shift_JIS alone, as references."""
    found = {"\x80": "&#8364;"}
    for row in (13, *range(89, 93)):
        lead = (row - 1) // 2 + (0x81 if row < 63 else 0xC1)
        for cell in range(1, 95):
            trail = cell + (0x9E if row % 2 == 0 else 0x3F if cell < 64 else 0x40)
            if character := bytes([lead, trail]).decode("cp932", "ignore"):
                found[chr(row + 0xA0) + chr(cell + 0xA0)] = f"&#{ord(character)};"
    return found


def resolve_references(text: str) -> str:
    """The text with the characters that its page's encoding does not have: a browser sends them as `&#8364;`."""
    return _REFERENCE.sub(_character, text) if "&#" in text else text


def _character(found: re.Match[str]) -> str:
    number = int(found[1])
    if number < 0x80 or 0xD800 <= number < 0xE000 or number > 0x10FFFF:  # a browser sends none of these so
        return found[0]
    return chr(number)


def holds_reference(text: bytes) -> bool:
    """Whether the text holds a character that only a page in a legacy encoding sends so."""
    return b"&#" in text and resolve_references(shown := text.decode("latin-1")) != shown
