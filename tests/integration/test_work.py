"""P9: what a request costs grows with its length and no faster, whatever is in it.

Instructions are counted, by callgrind, from the event to the answer: the work of regular expressions and of Unicode is
done in C, where no counter of Python's own sees it.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clemta_intake.bodies.limits import MAX_BODY
from clemta_intake.intake import Ignored, evaluate_queued
from clemta_intake.model import Submission
from clemta_intake.sources.config import Source, to_source
from tests.support.fakes import COMPANY
from tests.support.samples import SENDERS, Sample
from tests.support.work import Meter

FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
SPAM = {"honeypot": "trap", "min_seconds": 2}
TABLES: dict[str, Any] = {
    "website": {"kind": "form", "default_country": "TR"},
    "mapped": {"kind": "form", "contact": {"cc_emails": "body.copies"}, "spam": SPAM},
} | {name: {"kind": name, "secret": name} for name in SENDERS}
ALLOWED = 2.6  # times the work for twice the length
MOST = 1_000_000_000  # instructions; 0.2 s of CPU on a processor that does 5 in a nanosecond
# The square of a length shows at once in the first two sizes, and a trace of it in the others.
SIZES = ((2_000, 4_000), (MAX_BODY // 2, MAX_BODY))
SMALLER = ((2_000, 4_000), (20_000, 40_000))
COSTLY = (
    *("percent signs", "a long path with many leaves", "multipart's options", "a batch of one person"),
    *("a batch of texts of JSON", "a batch of texts of escaped JSON"),
    *("a page's references in a charset", "a page's bytes of no character", "a page in EUC-JP"),
    *("a page in ISO-2022-JP", "a page in GB18030"),
    *("texts of JSON with empty objects", "texts of JSON with lists"),
)

type Shape = Callable[[int], tuple[str, bytes]]

pytestmark = pytest.mark.skipif(not shutil.which("valgrind"), reason="callgrind counts: install valgrind")


@pytest.fixture(scope="module")
def meter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meter]:
    everything = {
        "email": "ada@exämple.com",
        "phone": "0532 123 45 67",
        "country": "Narnia",
        "copies": ["ada@exämple.com"],
    }
    with Meter(tmp_path_factory.mktemp("work"), TABLES) as counted:
        for source in ("website", "mapped"):
            counted.work(source, "application/json", json.dumps(everything).encode())
            counted.work(source, *multipart_value(" ")(10))
            counted.work(source, *form_value("name", " ")(10))
        for name in SENDERS:
            sample = Sample(name)
            assert counted.work(name, sample.content_type, sample.body).status == 200
        counted.begin()
        yield counted


def filled(unit: str, length: int, before: str = "", after: str = "") -> str:
    return before + unit * max(1, length // len(unit.encode())) + after


def cut(body: bytes) -> bytes:
    return body[:MAX_BODY]


def form_value(name: str, unit: str, before: str = "", after: str = "") -> Shape:
    start = f"email=ada%40example.com&{name}={before}".encode()
    return lambda n: (FORM, start + filled(unit, n - len(start) - 20).encode() + after.encode())


def form_fields(unit: str) -> Shape:
    return lambda n: (FORM, cut("&".join(f"{unit}{i}={unit}" for i in range(n // 12)).encode()))


def json_value(name: str, unit: str, before: str = "", after: str = "") -> Shape:
    def make(n: int) -> tuple[str, bytes]:
        fields = {"email": "ada@example.com", name: filled(unit, n - 100, before, after)}
        return "application/json", json.dumps(fields, ensure_ascii=False).encode()

    return make


def json_key(unit: str) -> Shape:
    def make(n: int) -> tuple[str, bytes]:
        fields = {"email": "ada@example.com", filled(unit, n - 100): "x"}
        return "application/json", json.dumps(fields, ensure_ascii=False).encode()

    return make


def json_leaves(unit: str) -> Shape:
    """A long path, and many leaves at its end."""

    def make(n: int) -> tuple[str, bytes]:
        place: dict[str, Any] = {f"{unit}{i}": "1" for i in range(min(1_500, n // 60))}
        for _ in range(15):
            place = {filled(unit, n // 40): place}
        fields = {"email": "ada@example.com", "x": place}
        return "application/json", cut(json.dumps(fields, ensure_ascii=False).encode())

    return make


def json_numbers(unit: str) -> Shape:
    return lambda n: (
        "application/json",
        b'{"email":"ada@example.com","x":1.%s}' % (unit.encode() * (n - 40)),
    )


def multipart_value(unit: str, before: str = "", after: str = "") -> Shape:
    start = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n'
    end = b"\r\n--b--\r\n"
    return lambda n: (MULTIPART, start + filled(unit, n - 80, before, after).encode() + end)


def in_charset(label: str, unit: bytes) -> Shape:
    """A form in a legacy charset, with that text as a value; "" names no charset."""
    start = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n'
    end = b"\r\n--b--\r\n"
    named = f"; charset={label}" if label else ""
    return lambda n: (MULTIPART + named, start + unit * ((n - 80) // len(unit)) + end)


def multipart_parts(header: str) -> Shape:
    part = f"--b\r\nContent-Disposition: form-data; name=x{header}\r\n\r\nx\r\n".encode()
    return lambda n: (MULTIPART, part * ((n - 10) // len(part)) + b"--b--\r\n")


def multipart_lines(n: int) -> tuple[str, bytes]:
    """A header that goes on over a thousand lines, again and again."""
    header = b"a" * 900 + b":\r\n" + b" x\r\n" * 200
    start = b"--b\r\nContent-Disposition: form-data; name=x\r\n"
    return MULTIPART, start + header * (n // len(header)) + b"\r\nx\r\n--b--\r\n"


def joined(n: int) -> tuple[str, bytes]:
    """One large definition, which all answers name."""
    answers = [{"field": {"id": "x"}} for _ in range(min(300, n // 60))]
    large = {"id": "x"} | {f"k{i}": "" for i in range(min(700, n // 30))}
    response = {"answers": answers, "definition": {"fields": [large]}}
    return "application/json", json.dumps({"event_type": "form_response", "form_response": response}).encode()


def batch(n: int) -> tuple[str, bytes]:
    entry = {"properties": {"email": {"value": "x@example.com"}, "phone": {"value": "+90 " + "1" * 60}}}
    return "application/json", json.dumps([entry] * min(100, n // 120)).encode()


def texts_of_json(unit: str) -> Shape:
    """Many texts, each of them JSON with as many values as one may have."""

    def make(n: int) -> tuple[str, bytes]:
        text = "[" + unit * (5_000 // len(unit)) + "0]"
        fields = {"email": "ada@example.com", "password": "x", "texts": [text] * (n // len(json.dumps(text)))}
        return "application/json", json.dumps(fields).encode()

    return make


def batch_of_texts(written: str) -> Shape:
    """Each event with a text that holds lists, in the body as `written`."""
    text = "[" + "[0]," * (1_750 // len(written)) + "0]"
    entry = json.dumps({"properties": {"email": {"value": "x@example.com"}}, "password": "x", "text": text})
    entry = entry.replace("[0],", written)
    return lambda n: ("application/json", f"[{','.join([entry] * (n // (len(entry) + 1) or 1))}]".encode())


def copies(n: int) -> tuple[str, bytes]:
    address = "ada@" + "\u0660" * 40 + "l.example.com"
    fields = {"email": "ada@example.com", "copies": [address] * min(1_900, n // 110)}
    return "application/json", json.dumps(fields, ensure_ascii=False).encode()


def assert_linear(
    meter: Meter, source: str, shape: Shape, what: Any, sizes: tuple[tuple[int, int], ...] = SIZES
) -> None:
    for less, more in sizes:
        few, many = meter.work(source, *shape(less)), meter.work(source, *shape(more))
        report = f"{source} {what!r}: {few.instructions:,} -> {many.instructions:,} at {more:,} bytes"
        print(report)
        assert many.instructions <= ALLOWED * few.instructions, report
        assert many.instructions <= MOST, report
        assert {few.status, many.status} <= {200, 400, 413, 415, 422}, report


KNOWN: dict[str, tuple[str, Shape]] = {
    "a name of spaces": ("website", json_value("name", " ", "a", "b")),
    "a name of plus signs": ("website", form_value("name", "+", "a", "b")),
    "a name of tabs": ("website", json_value("name", "\t", "a", "b")),
    "an address of line breaks": ("website", json_value("address", " \n", "a", "b")),
    "a key of combining marks": ("website", json_key("\u0316\u0301")),
    "a country of combining marks": ("website", json_value("country", "\u0316\u0301")),
    "a long path with many leaves": ("website", json_leaves("\u0316\u0301")),
    "a numbered path with many leaves": ("website", json_leaves("q1_a")),
    "a handshake of spaces": ("formspree", lambda n: ("application/json", b" " * (n - 1) + b"x")),
    "percent signs": ("website", form_value("x", "%")),
    "brackets": ("website", form_fields("a[b]")),
    "deep brackets": ("website", lambda n: (FORM, b"a" + b"[b]" * (n // 3 - 1) + b"=1")),
    "one name again and again": ("website", form_fields("a[]=1&name")),
    "open brackets of JSON": ("website", lambda n: ("application/json", b"[" * n)),
    "a number of many digits": ("website", json_numbers("9")),
    "an e-mail of dots": ("website", json_value("email", "a.", "a", "@example.com")),
    "a domain of dots": ("website", json_value("email", "ä.", "a@", "com")),
    "a phone number of digits": ("website", json_value("phone", "1", "+90")),
    "an elapsed time of digits": ("mapped", json_value("_started", "1")),
    "many international copies": ("mapped", copies),
    "multipart's spaces": ("website", multipart_value(" ", "a", "b")),
    "multipart's parts": ("website", multipart_parts("")),
    "multipart's options": ("website", multipart_parts("; a=b" * 40)),
    "multipart's headers": ("website", multipart_parts("\r\na: b" * 6)),
    "multipart's header lines": ("website", multipart_lines),
    "multipart's half boundaries": ("website", multipart_value("\r\n--")),
    "a page's references": ("website", multipart_value("&#8364;", "", "ë")),
    "a page's references in a charset": ("website", in_charset("windows-1254", b"&#8364;")),
    "a page's bytes of no character": ("website", in_charset("windows-1252", b"\x81")),
    "a page in Shift_JIS": ("website", in_charset("shift_jis", b"\x83\x5c")),
    "a page in EUC-JP": ("website", in_charset("", b"\xfc\xe2a\xa4\xa2a\xa4\xa2aaaaa")),
    "a page in ISO-2022-JP": ("website", in_charset("iso-2022-jp", b"\x1b$B;3\x1b(B")),
    "a page in GB18030": ("website", in_charset("gb18030", b"\x81\x30\x81\x30" * 8 + b"\x80")),
    "a page in Big5": ("website", in_charset("big5", b"\xa5\x5c")),
    "a batch of one person": ("hubspot", batch),
    "a batch of texts of JSON": ("hubspot", batch_of_texts("[0],")),
    "a batch of texts of escaped JSON": ("hubspot", batch_of_texts(r"\u005b0\u005d\u002c")),
    "texts of JSON with empty objects": ("website", texts_of_json("{},")),
    "texts of JSON with lists": ("website", texts_of_json("[0],")),
    "answers that are joined": ("typeform", joined),
    "an answer of many lines": ("website", json_value("x", "\n:", "a", "b")),
    "more answers than fit": ("website", json_leaves("q")),
    "a mapped answer of many words": ("mapped", json_value("copies", "a ", "b", "c")),
}


@pytest.mark.parametrize("what", KNOWN)
def test_p9_body_of_twice_the_length_takes_at_most_2_6_times_the_work(meter: Meter, what: str) -> None:
    source, shape = KNOWN[what]
    assert_linear(meter, source, shape, what, SIZES if what in COSTLY else SMALLER)


UNITS = st.text(
    "a1 \t\n+%&=;[]{}()\"'\\.,@-_#*\u00e9\u0130\u0301\u0316\u2028\u202e\ufdfa🎉", min_size=1, max_size=3
)
NAMES = st.sampled_from(["name", "email", "phone", "country", "address", "message", "zip", "q1_name", "x"])
ENDS = st.sampled_from(["", "a", "@", "+90", "b\n"])
SHAPES: st.SearchStrategy[tuple[str, Shape]] = st.one_of(
    st.tuples(
        st.sampled_from(["website", "mapped"]),
        st.one_of(
            st.builds(form_value, NAMES, UNITS, ENDS, ENDS),
            st.builds(form_fields, UNITS),
            st.builds(json_value, NAMES, UNITS, ENDS, ENDS),
            st.builds(json_key, UNITS),
            st.builds(json_leaves, UNITS),
            st.builds(multipart_value, UNITS, ENDS, ENDS),
            st.builds(multipart_parts, UNITS),
        ),
    )
)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # what is not linear takes long, and longer to be made small
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(SHAPES)
def test_p9_any_form_takes_linear_work(meter: Meter, drawn: tuple[str, Shape]) -> None:
    source, shape = drawn
    assert_linear(meter, source, shape, shape(30))


def replaced(value: Any, keep: set[str], text: str, place: str = "") -> Any:
    """The same with that text at all leaves but those to keep."""
    if isinstance(value, dict):
        return {key: replaced(inner, keep, text, f"{place}/{key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, keep, text, f"{place}/{i}") for i, inner in enumerate(value)]
    return text if isinstance(value, str) and place not in keep else value


def leaves(value: Any, place: str = "") -> Iterator[str]:
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, f"{place}/{key}")
    else:
        yield place


def is_taken(source: Source, sample: Sample, data: Any) -> bool:
    """Whether the source's `accept` still takes it."""
    body, headers = json.dumps(data).encode(), sample.headers
    submission = Submission("s", "x", 0, body, sample.content_type, headers)
    return not isinstance(evaluate_queued(submission, source), Ignored)


@pytest.mark.parametrize("unit", [" ", "\u0316\u0301"])
@pytest.mark.parametrize("name", SENDERS)
def test_p9_any_webhook_fields_take_linear_work(meter: Meter, name: str, unit: str) -> None:
    sample = Sample(name)
    if "json" not in sample.content_type:
        value = (
            form_value if "urlencoded" in sample.content_type else lambda _, unit: multipart_value(unit)
        )("data[email]", unit)
        assert_linear(meter, name, value, unit, SMALLER)
        return
    data = json.loads(sample.body)
    source = to_source(name, TABLES[name], COMPANY)
    all_leaves = set(leaves(data))
    keep = {
        leaf for leaf in all_leaves if not is_taken(source, sample, replaced(data, all_leaves - {leaf}, "x"))
    }

    def shape(n: int) -> tuple[str, bytes]:
        text = filled(unit, (n - len(sample.body)) // len(all_leaves - keep), "a", "b")
        made = json.dumps(replaced(data, keep, text), ensure_ascii=False).encode()
        return sample.content_type, made

    assert_linear(meter, name, shape, unit, SMALLER)
