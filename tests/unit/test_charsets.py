"""Forms of pages in legacy charsets: what a browser sends is read as the visitor typed it; nothing else is guessed."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clemta_intake.bodies.charsets import codec
from clemta_intake.bodies.legacy import CODEC_OF, page_charset
from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.bodies.parse import parse_body, read_body
from clemta_intake.errors import Unreadable, UnsupportedMedia
from clemta_intake.intake import Mapped, evaluate, evaluate_queued, events
from clemta_intake.model import Submission
from clemta_intake.sources.config import Form, Webhook, to_source
from tests.support.fakes import COMPANY

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"
WEBSITE = to_source("website", {"kind": "form"}, COMPANY)
HOOK = to_source(
    "hook", {"kind": "webhook", "auth": {"scheme": "token", "secret": "hook"}, "answers": "body"}, COMPANY
)


def typed(text: str, charset: str) -> bytes:
    """The bytes that a browser makes of a text, on a page in that charset."""
    return text.encode(charset, "xmlcharrefreplace")


def urlencoded(charset: str, **fields: str) -> bytes:
    pairs = (
        f"{quote_plus(typed(name, charset))}={quote_plus(typed(value, charset))}"
        for name, value in fields.items()
    )
    return "&".join(pairs).encode()


def multipart(charset: str, **fields: str) -> bytes:
    parts = (
        b'--frontier\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (typed(name, charset), typed(value, charset))
        for name, value in fields.items()
    )
    return b"".join(parts) + b"--frontier--\r\n"


WAYS = {FORM: urlencoded, MULTIPART: multipart}


def submission(content_type: str, body: bytes) -> Submission:
    return Submission("s", "website", 1_800_000_000, body, content_type)


def posted(
    content_type: str, body: bytes, visitor: str, source: Form | Webhook = WEBSITE
) -> tuple[Submission, Any]:
    """The submission as it is kept, and its data."""
    [event] = events(submission(content_type, body), source, "", visitor)
    assert not isinstance(event.body, Exception), event.body
    return event.submission, event.body.plain(event.body.data)


# Accept-Language, the charset of the visitor's page, and a name in it.
VISITORS = [
    ("tr-TR,tr;q=0.9,en-US;q=0.8", "windows-1254", "Ayşe Öztürk Iğdır"),
    ("ru", "windows-1251", "Анна Каренина"),
    ("uk-UA", "windows-1251", "Ґалаґан Їжак"),
    ("pl-PL,pl;q=0.9", "iso-8859-2", "Łucja Źdźbło"),
    ("cs", "windows-1250", "Božena Němcová"),
    ("el-GR", "iso-8859-7", "Ελένη Παπαδοπούλου"),
    ("he-IL", "windows-1255", "דוד לוי"),
    ("ar", "windows-1256", "محمد علي"),
    ("lt", "windows-1257", "Šarūnas Žukauskas"),
    ("vi-VN", "windows-1258", "Trâm Đăng"),
    ("th-TH", "windows-874", "สมชาย ใจดี"),
    ("ja,en-US;q=0.7", "shift_jis", "山田太郎 ソ表能 髙﨑㈱"),
    ("ja-JP", "euc-jp", "山田 花子 たろう 髙﨑㈱①"),
    ("ko-KR", "euc-kr", "김철수 똠방각하"),
    ("zh-CN", "gbk", "王小明 镕 €"),
    ("zh", "gbk", "王小明"),
    ("zh-Hans-CN", "gbk", "王小明"),
    ("zh-TW,zh;q=0.9", "big5", "王小明 許功蓋"),
    ("zh-Hant", "big5", "王小明"),
    ("de-DE,de;q=0.9", "windows-1252", "Jürgen Groß “GmbH” 20 €"),
    ("", "windows-1252", "Zoë"),
    ("*", "windows-1252", "Zoë"),
    ("xx-Klingon;q=ğ, tr", "windows-1252", "Zoë"),
]


def python_codec(label: str) -> str:
    return {"euc-jp": "euc_jp", "shift_jis": "cp932", "euc-kr": "cp949", "windows-874": "cp874"}.get(
        label, label
    )


def browser_bytes(text: str, label: str) -> bytes:
    """A browser has characters in EUC-JP and in GBK that Python has not."""
    more = {
        "euc-jp": {"髙": b"\xfc\xe2", "﨑": b"\xf9\xf5", "㈱": b"\xad\xea", "①": b"\xad\xa1"},
        "gbk": {"€": b"\x80"},
    }.get(label, {})
    return b"".join(more.get(character) or typed(character, python_codec(label)) for character in text)


class TestPagesThatNameNoCharset:
    @pytest.mark.parametrize(("visitor", "label", "name"), VISITORS)
    def test_form_is_read_in_the_default_charset_of_the_visitors_language(
        self, visitor: str, label: str, name: str
    ) -> None:
        body = b"name=%b&email=ada%%40example.com" % quote_plus(browser_bytes(name, label)).encode()
        kept, data = posted(FORM, body, visitor)
        assert data == {"name": name, "email": "ada@example.com"}
        assert kept.content_type == f"{FORM}; charset={label}"
        assert read_body(kept.content_type, kept.body) == data, "a redelivery reads the same"

    @pytest.mark.parametrize(("visitor", "label", "name"), VISITORS)
    def test_multipart_form_is_read_in_the_default_charset_of_the_visitors_language(
        self, visitor: str, label: str, name: str
    ) -> None:
        value = browser_bytes(name, label)
        body = (
            b'--frontier\r\nContent-Disposition: form-data; name="name"\r\n\r\n%b\r\n--frontier--\r\n' % value
        )
        kept, data = posted(MULTIPART, body, visitor)
        assert data == {"name": name}
        assert kept.content_type == f"multipart/form-data; charset={label}; boundary=frontier"
        assert read_body(kept.content_type, kept.body) == data

    @pytest.mark.parametrize("content_type", WAYS)
    def test_names_of_fields_are_in_the_pages_charset_too(self, content_type: str) -> None:
        fields = {"お名前(表": "山田", "メール": "a@example.com"}
        assert posted(content_type, WAYS[content_type]("cp932", **fields), "ja")[1] == fields

    @pytest.mark.parametrize("content_type", WAYS)
    def test_form_in_utf8_stays_as_it_is_whatever_the_language(self, content_type: str) -> None:
        fields = {"name": "Ayşe &#8364; 🎉"}
        kept, data = posted(content_type, WAYS[content_type]("utf-8", **fields), "tr")
        assert (data, kept.content_type) == (fields, content_type)

    def test_form_that_does_not_fit_the_language_is_read_in_windows_1252(self) -> None:
        kept, data = posted(FORM, b"name=Zo%EB%81", "ja")
        assert (data, kept.content_type) == ({"name": "Zoë\x81"}, f"{FORM}; charset=windows-1252")

    def test_charset_that_the_page_names_is_never_replaced(self) -> None:
        for content_type, body in (
            (FORM, b"_charset_=windows-1251&name=%DEule"),
            (FORM, b"_CHARSET_=windows-1251&name=%DEule"),
            (f"{FORM}; charset=windows-1251", b"name=%DEule"),
        ):
            kept, data = posted(content_type, body, "tr")
            assert (data["name"], kept.content_type) == ("Юule", content_type)
        with pytest.raises(Unreadable):
            parse_body(f"{FORM}; charset=utf-8", b"name=%DEule", "tr")

    def test_part_that_names_its_charset_does_not_decide_about_the_others(self) -> None:
        named = multipart("latin-1", a="ë").replace(
            b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=latin1\r\n\r\n"
        )
        body = named.removesuffix(b"--frontier--\r\n") + multipart("utf-8", b="ş")
        kept, data = posted(MULTIPART, body, "tr")
        assert (data, kept.content_type) == ({"a": "ë", "b": "ş"}, MULTIPART)

    def test_file_does_not_make_the_form_a_legacy_one(self) -> None:
        body = (
            b'--frontier\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\xff\r\n'
            + multipart("utf-8", name="Ayşe")
        )
        assert posted(MULTIPART, body, "tr")[0].content_type == MULTIPART

    def test_p5_webhook_is_read_strictly(self) -> None:
        for content_type, body in ((FORM, b"name=%DEule"), (MULTIPART, multipart("cp1254", name="Şule"))):
            [event] = events(submission(content_type, body), HOOK, "", "tr")
            assert isinstance(event.body, Unreadable)
        assert posted(FORM, b"name=%26%23351%3Bule", "tr", HOOK)[1] == {"name": "&#351;ule"}

    def test_json_of_a_page_is_utf8(self) -> None:
        [event] = events(submission("application/json", b'{"name": "\xdeule"}'), WEBSITE, "", "tr")
        assert isinstance(event.body, Unreadable)

    def test_p3_p4_redelivered_form_is_the_same_contact(self) -> None:
        body = urlencoded("cp1254", name="Şule Öz", email="sule@example.com", password="x")
        [event] = events(submission(FORM, body), WEBSITE, "", "tr")
        now = evaluate(event, WEBSITE)
        later = evaluate_queued(now.submission, WEBSITE)
        assert isinstance(now, Mapped)
        assert isinstance(later, Mapped)
        assert now.mapped == later.mapped
        assert now.mapped.contact.full_name == "Şule Öz"
        assert b"password" not in now.submission.body


class TestReferences:
    """A character that the page's charset does not have comes as its number."""

    @pytest.mark.parametrize("content_type", WAYS)
    def test_character_that_the_page_cannot_encode_is_read(self, content_type: str) -> None:
        fields = {"name": "Şule 李 🎉", "поле": "€"}
        kept, data = posted(content_type, WAYS[content_type]("cp1254", **fields), "tr")
        assert data == fields
        assert read_body(kept.content_type, kept.body) == data

    @pytest.mark.parametrize("content_type", WAYS)
    def test_form_with_nothing_but_references_is_read(self, content_type: str) -> None:
        kept, data = posted(content_type, WAYS[content_type]("cp1252", name="Агата"), "de")
        assert data == {"name": "Агата"}
        assert read_body(kept.content_type, kept.body) == data

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "&#38;#8364;",
                "&#60;",
                "&#x20AC;",
                "&euro;",
                "&#8364",
                "&#08364;",
                "&#55296;",
                "&#1114112;",
                "&#9999999;",
                "&#;",
            )
        ],
    )
    def test_what_no_browser_sends_for_a_character_stays(self, text: str) -> None:
        assert read_body(f"{FORM}; charset=windows-1254", f"a={quote_plus(text)}".encode()) == {"a": text}
        assert posted(FORM, f"a={quote_plus(text)}".encode(), "tr")[0].content_type == FORM

    def test_references_in_json_and_in_ascii_beside_utf8_stay(self) -> None:
        assert read_body("application/json; charset=windows-1254", b'{"a": "&#8364;"}') == {"a": "&#8364;"}
        assert posted(FORM, "a=ş&b=%26%238364%3B".encode(), "tr")[1] == {"a": "ş", "b": "&#8364;"}


class TestLabels:
    @pytest.mark.parametrize("label", sorted(CODEC_OF))
    def test_every_label_names_a_codec_that_reads_ascii(self, label: str) -> None:
        printable = bytes(range(0x20, 0x7F))
        assert printable.decode(codec(label)) == printable.decode()
        assert read_body(f"{FORM}; charset={label.upper()}", b"a=%41") == {"a": "A"}

    @pytest.mark.parametrize(
        "label",
        [
            *("utf-7", "utf-16", "utf-16le", "unicode", "utf-32", "iso-2022-kr", "csiso2022kr", "hz-gb-2312"),
            *(
                "iso-2022-cn",
                "replacement",
                "x-user-defined",
                "ebcdic",
                "cp037",
                "punycode",
                "unicode_escape",
            ),
        ],
    )
    def test_p5_codec_that_is_unsafe_is_refused(self, label: str) -> None:
        with pytest.raises(UnsupportedMedia):
            read_body(f"{FORM}; charset={label}", b"a=1")

    @pytest.mark.parametrize(
        "label", ["shift_jis", "euc-jp", "euc-kr", "gb18030", "gbk", "big5", "iso-2022-jp"]
    )
    def test_p5_signed_json_has_one_structure_under_every_charset(self, label: str) -> None:
        """In Shift_JIS a character may end with a backslash, which then escapes nothing."""
        body = b'{"a": "\x83\\", "b": "\\" }'
        with pytest.raises(UnsupportedMedia):
            read_body(f"application/json; charset={label}", body)

    @pytest.mark.parametrize("label", ["windows-1252", "iso-8859-1", "windows-1254", "iso-8859-9"])
    def test_windows_charset_reads_every_byte_as_browsers_do(self, label: str) -> None:
        text = read_body(f"{FORM}; charset={label}", b"a=" + quote_plus(bytes(range(0x80, 0x100))).encode())[
            "a"
        ]
        assert (len(text), text[0], text[1]) == (128, "€", "\x81")

    @pytest.mark.parametrize(
        ("label", "body"),
        [
            *(
                ("windows-1253", b"\xaa"),
                ("windows-1255", b"\xff"),
                ("windows-874", b"\xff"),
                ("iso-8859-7", b"\xff"),
            ),
            *(("shift_jis", b"\x83"), ("euc-kr", b"\xff"), ("big5", b"\xa1"), ("gbk", b"\xff")),
            *(("euc-jp", b"\xad"), ("euc-jp", b"\xad\xfe"), ("euc-jp", b"\xfc\x20"), ("euc-jp", b"\xaa\xa1")),
            *(("iso-2022-jp", b"\xa4\xa2"), ("iso-2022-jp", b"\x1b$Bxx"), ("us-ascii", b"\xdf")),
        ],
    )
    def test_bytes_outside_the_named_charset_are_refused(self, label: str, body: bytes) -> None:
        with pytest.raises(Unreadable):
            read_body(f"{FORM}; charset={label}", b"a=" + quote_plus(body).encode())

    def test_p9_euc_jp_with_too_many_characters_of_nec_and_ibm_is_refused(self) -> None:
        content_type = f"{MULTIPART}; charset=euc-jp"
        assert read_body(content_type, multipart("latin-1", a="\xfc\xe2" * 9_000)) == {"a": "髙" * 9_000}
        with pytest.raises(Unreadable):
            read_body(content_type, multipart("latin-1", a="\xfc\xe2" * 10_001))

    def test_iso_2022_jp_is_read_where_it_is_named(self) -> None:
        body = urlencoded("iso2022_jp", name="山田", _charset_="ISO-2022-JP")
        assert read_body(FORM, body) == {"name": "山田"}

    def test_every_page_charset_is_a_label(self) -> None:
        assert {
            page_charset(b"\x80", language)
            for language in ("tr", "ru", "ja", "ko", "zh", "zh-tw", "el", "th")
        } <= (CODEC_OF.keys())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


class TestTotal:
    @settings(deadline=None)
    @given(st.binary(max_size=300), st.text(max_size=20))
    def test_p9_any_bytes_of_a_form_are_read_or_refused_in_any_language(
        self, body: bytes, visitor: str
    ) -> None:
        for content_type in (FORM, MULTIPART):
            [event] = events(submission(content_type, body), WEBSITE, "", visitor)
            if event.submission.content_type != content_type:
                assert not isinstance(event.body, Exception)
                assert read_body(event.submission.content_type, body) == event.body.plain(event.body.data)

    @settings(deadline=None)
    @given(st.binary(max_size=60), st.sampled_from(sorted(CODEC_OF)))
    def test_p5_any_bytes_in_any_charset_are_read_or_refused(self, body: bytes, label: str) -> None:
        for content_type in (FORM, "application/json"):
            with suppress(Unreadable, UnsupportedMedia):
                read_body(f"{content_type}; charset={label}", body)

    @settings(deadline=None)
    @given(TEXTS, st.sampled_from(sorted({*CODEC_OF.values()})), st.sampled_from(sorted(WAYS)))
    def test_redacted_form_keeps_every_other_character(
        self, text: str, charset: str, content_type: str
    ) -> None:
        label = next(label for label, of in CODEC_OF.items() if of == charset)
        nested = json.dumps({"password": "x", "note": text}, ensure_ascii=False)
        body = WAYS[content_type](charset, answers=nested, password="x")
        content_type = f"{content_type}; charset={label}"
        try:
            before = read_body(content_type, body)
        except Unreadable:
            return  # a codec of Python that does not read all that it writes
        [event] = events(submission(content_type, body), WEBSITE)
        kept = evaluate(event, WEBSITE).submission
        after = read_body(content_type, kept.body)
        assert after.keys() == {"answers"}
        assert json.loads(after["answers"]) == {"note": json.loads(before["answers"])["note"]}

    def test_form_of_the_largest_size_in_references_is_read(self) -> None:
        text = "€" * (MAX_BODY // 14)
        body = urlencoded("ascii", name=text)
        assert posted(FORM, body, "pl")[1] == {"name": text}
        assert unquote_plus(body.decode()).endswith("&#8364;")
