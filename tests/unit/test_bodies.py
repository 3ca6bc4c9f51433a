"""Bytes that a sender posted become data, or a refusal that says why; never anything else."""

import codecs
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clemta_intake.bodies.limits import MAX_BODY, MAX_DEPTH, MAX_FIELDS, MAX_HEADERS, check_size
from clemta_intake.bodies.parse import read_body
from clemta_intake.errors import Refused, TooLarge, Unreadable, UnsupportedMedia
from clemta_intake.model import Submission
from tests.support.examples import examples

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"


def part(value: bytes, disposition: str) -> bytes:
    return (
        b"--frontier\r\nContent-Disposition: form-data; "
        + disposition.encode()
        + b"\r\n\r\n"
        + value
        + b"\r\n"
    )


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--frontier--\r\n"


def refusal(content_type: str, body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        read_body(content_type, body)
    return caught.value


class TestSize:
    def submission(self, body: bytes = b"", **texts: Any) -> Submission:
        return Submission("id", "website", 1_800_000_000, body, **texts)

    def test_body_of_the_maximum_queue_message_size_is_accepted(self) -> None:
        half = "a" * (MAX_HEADERS // 2)
        check_size(self.submission(b"x" * MAX_BODY, headers={"x-id": half}, query={"id": half}))

    def test_body_above_the_maximum_queue_message_size_is_refused(self) -> None:
        with pytest.raises(TooLarge, match=str(MAX_BODY)):
            check_size(self.submission(b"x" * (MAX_BODY + 1)))

    @pytest.mark.parametrize(
        "texts",
        [
            {"content_type": "a" * (MAX_HEADERS + 1)},
            {"headers": {"x-id": "a" * (MAX_HEADERS + 1)}},
            {"query": {"id": "a" * (MAX_HEADERS + 1)}},
        ],
    )
    def test_headers_and_query_above_the_maximum_size_are_refused(self, texts: dict[str, Any]) -> None:
        with pytest.raises(TooLarge):
            check_size(self.submission(**texts))

    def test_p8_repr_of_a_submission_shows_no_personal_data(self) -> None:
        texts = {"headers": {"x-mail": "ada@example.com"}, "query": {"mail": "ada@example.com"}}
        assert "ada" not in repr(self.submission(b"ada@example.com", **texts))


class TestJson:
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "APPLICATION/JSON; charset=UTF-8",
            'application/json; charset="utf-8"',
            "application/cloudevents+json",
            "application/vnd.api+json",
            "text/plain;charset=utf8",
            "",
        ],
    )
    def test_json_is_parsed_under_each_content_type_of_senders(self, content_type: str) -> None:
        assert read_body(content_type, '{"name": "Zoë 🎉"}'.encode()) == {"name": "Zoë 🎉"}

    def test_json_may_begin_with_a_byte_order_mark(self) -> None:
        assert read_body("application/json", b'\xef\xbb\xbf{"a": 1}') == {"a": 1}

    def test_json_is_decoded_in_its_declared_charset(self) -> None:
        assert read_body("application/json; charset=iso-8859-9", b'{"ad": "\xdeule"}') == {"ad": "Şule"}

    def test_json_keeps_every_kind_of_value(self) -> None:
        data = {"text": "a\x00b", "number": 10**400, "half": 0.5, "yes": True, "none": None, "list": [[], {}]}
        assert read_body("application/json", json.dumps(data).encode()) == data

    @pytest.mark.parametrize("body", [b"[1, 2]", b'"text"', b"7", b"null", b"false"])
    def test_json_body_need_not_be_an_object(self, body: bytes) -> None:
        assert read_body("application/json", body) == json.loads(body)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "empty_body"),
            (b" \r\n\t", "empty_body"),
            (b"{", "not_json"),
            (b"{'a': 1}", "not_json"),
            (b"a=1&b=2", "not_json"),
            (b"{} {}", "not_json"),
            (b'{"a": "\x00"}', "not_json"),
            (b"\x00", "not_json"),
            (b"[" * 100_000, "not_json"),
            (b'{"a": NaN}', "not_json"),
            (b"[Infinity]", "not_json"),
            (b"-Infinity", "not_json"),
            (b'{"a": 1e999}', "not_json"),
            (b"[-1e999]", "not_json"),
            (b"9" * 5_000, "not_json"),
            (b'{"a": 1, "a": 2}', "duplicate_key"),
            (b'{"a": {"b": 1, "\\u0062": 2}}', "duplicate_key"),
            (b'"\\ud83d"', "surrogate"),
            (b'{"\\udc00": 1}', "surrogate"),
            (b'[{"deep": ["\\ud800"]}]', "surrogate"),
            (b'{"name": "Zo\xeb"}', "charset"),
            ('{"name": "Zoë"}'.encode("utf-16"), "charset"),
        ],
    )
    def test_invalid_json_is_refused_with_its_reason(self, body: bytes, code: str) -> None:
        error = refusal("application/json", body)
        assert (type(error), error.code) == (Unreadable, code)

    def test_p8_refusal_of_invalid_json_does_not_quote_the_body(self) -> None:
        bodies = (b'{"mail": ada@example.com}', b'{"ada@example.com": 1, "ada@example.com": 2}')
        assert not any("ada" in str(refusal("application/json", body)) for body in bodies)

    def test_json_deeper_than_the_limit_is_refused(self) -> None:
        assert read_body("application/json", b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
        assert refusal("application/json", b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1)).code == "too_deep"

    @pytest.mark.parametrize(
        "data",
        [{f"f{n}": n for n in range(10_000)}, [[1] * 50 for _ in range(200)], {"a": {"b": [0] * 10_000}}],
    )
    def test_json_with_more_values_than_the_limit_is_refused(self, data: Any) -> None:
        assert refusal("application/json", json.dumps(data).encode()).code == "too_many_fields"

    def test_p9_json_with_exactly_the_maximum_of_fields_is_accepted_and_one_more_is_refused(self) -> None:
        data = {f"f{n}": "x" for n in range(MAX_FIELDS)}
        assert read_body("application/json", json.dumps(data).encode()) == data
        more = json.dumps(data | {"more": "x"}).encode()
        assert refusal("application/json", more).code == "too_many_fields"


class TestContentType:
    @pytest.mark.parametrize(
        "content_type",
        [
            "application/xml",
            "text/html",
            "application/octet-stream",
            "json",
            "application/json, text/plain",
            "\ud800",
        ],
    )
    def test_unsupported_content_type_is_refused(self, content_type: str) -> None:
        error = refusal(content_type, b"{}")
        assert (type(error), error.code) == (UnsupportedMedia, "content_type")

    @pytest.mark.parametrize("content_type", ["", "text/plain"])
    def test_body_without_content_type_that_is_not_json_is_refused(self, content_type: str) -> None:
        error = refusal(content_type, b"name=Ada")
        assert isinstance(error, UnsupportedMedia)
        assert "Content-Type" in str(error)

    @pytest.mark.parametrize("content_type", ["", "text/plain"])
    def test_body_without_content_type_that_is_broken_json_is_refused_with_its_reason(
        self, content_type: str
    ) -> None:
        error = refusal(content_type, b'{"a": 1, "a": 2}')
        assert (type(error), error.code) == (Unreadable, "duplicate_key")
        assert str(error) == "a key stands twice in one JSON object"

    def test_declared_ascii_refuses_other_bytes(self) -> None:
        assert read_body("application/json; charset=us-ascii", b'{"a": "b"}') == {"a": "b"}
        assert refusal("application/json; charset=us-ascii", '{"a": "ş"}'.encode()).code == "charset"

    @pytest.mark.parametrize(
        "charset",
        ["utf-16", "utf-7", "klingon", "rot13", "idna", "../utf-8", "a" * 10_000, "x\x00", "\ud800", "ğ"],
    )
    def test_a_charset_that_is_unknown_or_unsafe_is_refused(self, charset: str) -> None:
        error = refusal(f"application/json; charset={charset}", b"{}")
        assert (type(error), error.code) == (UnsupportedMedia, "charset")

    def test_p9_charset_names_of_senders_are_not_cached(self) -> None:
        asked = []

        def search(name: str) -> None:
            asked.append(name)

        codecs.register(search)
        try:
            part_of_it = part(b"x", 'name="a"\r\nContent-Type: text/plain; charset=made-up-2')
            refusal("application/json; charset=made-up-1", b"{}")
            refusal(MULTIPART, multipart(part_of_it))
            refusal(FORM, b"_charset_=made-up-3&a=1")
        finally:
            codecs.unregister(search)
        assert not asked, "Python's table of codecs keeps every name that it is asked for"

    @pytest.mark.parametrize(
        "name",
        [
            "utf8",
            "UTF-8",
            "us-ascii",
            "latin1",
            "ISO-8859-1",
            "iso_8859-9",
            "ISO-8859-15",
            "Windows-1252",
            "cp1254",
        ],
    )
    def test_charset_is_known_by_its_usual_names(self, name: str) -> None:
        assert read_body(f"application/json; charset={name}", b'{"a": "b"}') == {"a": "b"}

    def test_charset_is_found_among_other_content_type_parameters(self) -> None:
        assert read_body(FORM + "; version=1;CHARSET = windows-1254 ", b"ad=%DEule") == {"ad": "Şule"}

    def test_parameter_whose_name_only_ends_in_charset_is_ignored(self) -> None:
        assert read_body("application/json; x-charset=utf-16", b"{}") == {}


class TestUrlencoded:
    def read(self, text: str | bytes) -> Any:
        return read_body(FORM, text.encode() if isinstance(text, str) else text)

    def test_urlencoded_names_and_values_are_decoded(self) -> None:
        assert self.read("full+name=Ay%C5%9Fe+%F0%9F%8E%89&e%2Dmail=a%40example.com") == {
            "full name": "Ayşe 🎉",
            "e-mail": "a@example.com",
        }

    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("a", {"a": ""}),
            ("a=", {"a": ""}),
            ("a=1=2", {"a": "1=2"}),
            ("=1&&a=1", {"a": "1"}),
            ("a=%", {"a": "%"}),
            ("a=%zz", {"a": "%zz"}),
            ("a=%00", {"a": "\x00"}),
            ("a=1&a=2", {"a": ["1", "2"]}),
            ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ],
    )
    def test_malformed_urlencoded_pairs_have_one_defined_reading(self, text: str, data: Any) -> None:
        assert self.read(text) == data

    @pytest.mark.parametrize(
        ("text", "data"),
        [
            ("data[merges][FNAME]=Ada&data[email]=x", {"data": {"merges": {"FNAME": "Ada"}, "email": "x"}}),
            ("topics[]=a", {"topics": ["a"]}),
            ("topics[]=a&topics[]=b", {"topics": ["a", "b"]}),
            ("data[topics][]=a&data[topics][]=b", {"data": {"topics": ["a", "b"]}}),
            ("a[b]=1&a[b]=2", {"a": {"b": ["1", "2"]}}),
            ("a=1&a[b]=2", {"a": "1", "a[b]": "2"}),
            ("a=1&a[b][c]=2", {"a": "1", "a[b][c]": "2"}),
            ("a=1&a[]=2", {"a": "1", "a[]": "2"}),
            ("a[]=1&a[b]=2", {"a": {"": ["1"], "b": "2"}}),
            ("a[b]=1&a=2&a=3", {"a": {"b": "1", "": ["2", "3"]}}),
            ("a[][b]=1", {"a": {"[]": {"b": "1"}}}),
            ("a[0]=1&a[1]=2", {"a": {"0": "1", "1": "2"}}),
            ("[]=1", {"": ["1"]}),
            (
                "a[b=1&a]b=2&[a]=3&a[b]c=4&a[[b]]=5",
                {"a[b": "1", "a]b": "2", "[a]": "3", "a[b]c": "4", "a[[b]]": "5"},
            ),
        ],
    )
    def test_urlencoded_brackets_are_read_as_in_php(self, text: str, data: Any) -> None:
        assert self.read(text) == data

    def test_urlencoded_brackets_deeper_than_the_limit_are_refused(self) -> None:
        assert refusal(FORM, b"a" + b"[b]" * 1_000 + b"=1").code == "too_deep"

    def test_p9_urlencoded_body_with_exactly_the_maximum_of_fields_is_accepted_and_one_more_is_refused(
        self,
    ) -> None:
        data = {f"f{n}": str(n) for n in range(MAX_FIELDS)}
        assert self.read(urlencode(data)) == data
        assert refusal(FORM, urlencode(data | {"more": "x"}).encode()).code == "too_many_fields"

    @pytest.mark.parametrize("body", [b"name=Zo%EB", b"name=Zo\xeb", b"n%FF=1", b"a=%ED%A0%80"])
    def test_urlencoded_bytes_outside_the_charset_are_refused(self, body: bytes) -> None:
        assert refusal(FORM, body).code == "charset"

    def test_urlencoded_charset_field_sets_the_charset_of_the_other_fields(self) -> None:
        assert self.read("ad=%DEule&_charset_=windows-1254&%DE=1") == {"ad": "Şule", "Ş": "1"}
        assert self.read("_charset_=&ad=%C5%9Eule") == {"ad": "Şule"}
        assert refusal(FORM, b"_charset_=klingon&a=1").code == "charset"

    def test_urlencoded_body_without_a_named_field_has_no_data(self) -> None:
        assert self.read("&=1") == {}


class TestMultipart:
    def test_p4_multipart_fields_are_read_and_files_are_named_in_their_place(self) -> None:
        body = multipart(
            part("Ayşe 🎉".encode(), 'name="full name"'),
            part(b"%PDF", 'name="cv"; filename="özgeçmiş.pdf"'),
            part(b"a", 'name="topics[]"'),
            part(b"b", 'name="topics[]"'),
            part(b"\xff\xd8", 'name="photo"; filename="C:\\\\me.jpg"'),
        )
        assert list(read_body(MULTIPART, body).items()) == [
            ("full name", "Ayşe 🎉"),
            ("cv", "özgeçmiş.pdf (file, not kept)"),
            ("topics", ["a", "b"]),
            ("photo", "me.jpg (file, not kept)"),
        ]

    def test_p4_files_of_one_field_are_joined(self) -> None:
        files = [part(b"x", f'name="{name}"; filename="{name[0]}.pdf"') for name in ("a[]", "b", "a[]", "b")]
        assert read_body(MULTIPART, multipart(part(b"1", 'name="b"'), *files)) == {
            "b": ["1", "b.pdf, b.pdf (files, not kept)"],
            "a": ["a.pdf, a.pdf (files, not kept)"],
        }

    def test_empty_file_input_is_no_answer(self) -> None:
        assert read_body(
            MULTIPART, multipart(part(b"", 'name="cv"; filename=""'), part(b"1", 'name="a"'))
        ) == {"a": "1"}

    def test_p4_file_without_a_name_is_still_mentioned(self) -> None:
        for header, key in (('name="cv"; filename=""', "cv"), ('name=""; filename=""', "")):
            assert read_body(MULTIPART, multipart(part(b"x", header))) == {key: "(file, not kept)"}

    def test_file_name_that_is_not_in_the_forms_charset_refuses_nobody(self) -> None:
        named = b'--frontier\r\nContent-Disposition: form-data; name="cv"; filename="\xff.pdf"\r\n\r\nx\r\n'
        assert read_body(MULTIPART, multipart(named)) == {"cv": "\ufffd.pdf (file, not kept)"}
        assert read_body(MULTIPART + "; charset=latin1", multipart(named)) == {"cv": "ÿ.pdf (file, not kept)"}

    def test_multipart_charset_applies_to_its_parts(self) -> None:
        body = multipart(part(b"\xdeule", 'name="ad"'))
        assert read_body(MULTIPART + "; charset=iso-8859-9", body) == {"ad": "Şule"}

    def test_charset_of_a_part_overrides_the_multipart_charset(self) -> None:
        turkish = part(b"\xdeule", 'name="ad"\r\nContent-Type: text/plain; charset="ISO-8859-9"')
        latin = part(b"Zo\xeb", 'name="name"')
        body = multipart(turkish, latin)
        assert read_body(MULTIPART + "; charset=latin1", body) == {"ad": "Şule", "name": "Zoë"}

    def test_multipart_charset_field_sets_the_charset_of_names_and_values(self) -> None:
        named = b'--frontier\r\nContent-Disposition: form-data; name="\xde"\r\n\r\n\xdeule\r\n'
        utf8 = part("Şule".encode(), 'name="ad"\r\nContent-Type: text/plain; charset=utf-8')
        body = multipart(named, utf8, part(b"iso-8859-9\r\n", 'name="_charset_"'))
        assert read_body(MULTIPART, body) == {"Ş": "Şule", "ad": "Şule"}

    @pytest.mark.parametrize("where", ["part", "field"])
    def test_multipart_with_an_unknown_charset_is_refused(self, where: str) -> None:
        of_a_part = part(b"x", 'name="a"\r\nContent-Type: text/plain; charset=klingon')
        error = refusal(
            MULTIPART, multipart(of_a_part if where == "part" else part(b"klingon", 'name="_charset_"'))
        )
        assert (type(error), error.code) == (UnsupportedMedia, "charset")

    @pytest.mark.parametrize("names", [[""], ["[]"], ["", "[]"], ["a", "[]", ""]])
    def test_p2_multipart_field_without_a_name_is_refused(self, names: list[str]) -> None:
        body = multipart(*(part(b"1", f'name="{name}"') for name in names))
        error = refusal(MULTIPART, body)
        assert (type(error), error.code) == (Unreadable, "nameless_field")

    def test_p9_folded_multipart_header_is_refused(self) -> None:
        assert refusal(MULTIPART, multipart(part(b"1", 'name="a"\r\n; b=c'.replace("; b", " ; b")))).code == (
            "not_multipart"
        )

    def test_p9_exactly_the_maximum_of_multipart_parts_is_accepted(self) -> None:
        data = {f"f{n}": str(n) for n in range(MAX_FIELDS)}
        body = multipart(*(part(value.encode(), f'name="{name}"') for name, value in data.items()))
        assert len(body) < MAX_BODY
        assert read_body(MULTIPART, body) == data

    def test_multipart_value_may_be_empty(self) -> None:
        assert read_body(MULTIPART, multipart(part(b"", 'name="a"'), part(b"1", 'name="b"'))) == {
            "a": "",
            "b": "1",
        }

    def test_multipart_content_type_is_case_insensitive(self) -> None:
        assert read_body("Multipart/Form-Data; Boundary=frontier", multipart(part(b"1", 'name="a"'))) == {
            "a": "1"
        }

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("multipart/form-data", multipart(part(b"1", 'name="a"'))),
            ("multipart/form-data; boundary=", multipart(part(b"1", 'name="a"'))),
            ("multipart/form-data; boundary=other", multipart(part(b"1", 'name="a"'))),
            ("multipart/form-data; boundary=ğ", multipart(part(b"1", 'name="a"'))),
            ("multipart/form-data; boundary=\ud800", multipart(part(b"1", 'name="a"'))),
            (MULTIPART, b"no parts at all"),
            (MULTIPART, part(b"1", 'name="a"')),
            (MULTIPART, b"--frontier\r\nContent-Disposition form-data\r\n\r\n1\r\n--frontier--\r\n"),
            (MULTIPART, b"--frontier\r\n\r\n1\r\n--frontier--\r\n"),
            (MULTIPART, multipart(*(part(b"1", 'name="a"') for _ in range(MAX_FIELDS + 1)))),
        ],
    )
    def test_broken_multipart_is_refused(self, content_type: str, body: bytes) -> None:
        error = refusal(content_type, body)
        assert (type(error), error.code) == (Unreadable, "not_multipart")

    def test_multipart_value_outside_the_charset_is_refused(self) -> None:
        assert refusal(MULTIPART, multipart(part(b"Zo\xeb", 'name="a"'))).code == "charset"
        named = b'--frontier\r\nContent-Disposition: form-data; name="\xeb"\r\n\r\n1\r\n'
        assert refusal(MULTIPART, multipart(named)).code == "charset"


_KINDS = st.sampled_from(
    ["", "text/plain", "application/json", FORM, MULTIPART, "multipart/form-data", "a/b+json"]
)
_TYPES = st.one_of(
    st.text(),
    _KINDS,
    st.tuples(_KINDS, st.sampled_from(["; charset=", "; boundary="]), st.text(max_size=20)).map("".join),
)
_SHARDS = st.lists(
    st.sampled_from(
        rb'--frontier|--|[|]|&|=|%|%ff|{|}|"|:|,|\ud800|1e999|NaN|a|name="a"|filename="|form-data; '.split(
            b"|"
        )
    )
    | st.sampled_from([b"\r\n", b"Content-Disposition: form-data; ", b"\x00", b"\xff"])
).map(b"".join)


@settings(max_examples=examples(300), deadline=None, derandomize=True)
@given(content_type=_TYPES, body=st.binary() | _SHARDS)
@example(content_type=MULTIPART, body=b"--frontier\r\n" * 3)
def test_any_bytes_under_any_content_type_are_read_or_refused(content_type: str, body: bytes) -> None:
    try:
        data = read_body(content_type, body)
    except Refused:
        return
    json.dumps(data, allow_nan=False, ensure_ascii=False).encode()  # what was read can be written again
