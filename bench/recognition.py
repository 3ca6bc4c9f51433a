"""`python -m bench.recognition [FILE …]`, or `make recognition`: scores the recogniser on sign-up forms.

Each form is read twice: as a website's form by the names that it posts, and as a form builder's webhook by the labels
that people see. The figures of our own forms and of ../shared/forms go to bench/results/recognition.json; without
../shared/forms its last figures stay. Those of a FILE are only shown. A FILE is a list of {form, language, fields:
[{name, label, type, value, expected}]}; `expected` is the field that the answer belongs to, null if there is none.
"""

import argparse
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from rich.console import Console
from rich.text import Text

from clemta_intake.intake import Held, Invalid, Mapped, evaluate, events
from clemta_intake.model import Submission
from clemta_intake.sources.config import to_source
from local.processes import ROOT

OWN = ROOT / "tests" / "support" / "forms"
SHARED = ROOT.parent / "shared" / "forms"
RESULT = ROOT / "bench" / "results" / "recognition.json"

type Mode = Literal["name", "label"]
MODES: tuple[Mode, ...] = ("name", "label")

FIELDS = (
    *("email", "first_name", "last_name", "full_name", "company", "phone", "phone_code"),
    *("address_1", "house_number", "address_2", "postal_code", "city", "district", "state", "country"),
    *("tax_id", "billing_email", "message"),
)
"""What `expected` may name. A city or district is right in billing.district, a state in billing.state or province."""

_COMPANY = "0" * 24
_SOURCES = {
    mode: to_source(kind, {"kind": kind}, _COMPANY)
    for mode, kind in zip(MODES, ("form", "tally"), strict=True)
}
_ISO_CODES = {
    "Argentina": "AR",
    "Belgique": "BE",
    "Brasil": "BR",
    "Canada": "CA",
    "DE": "DE",
    "Deutschland": "DE",
    "España": "ES",
    "France": "FR",
    "Ireland": "IE",
    "Italia": "IT",
    "Nederland": "NL",
    "Polska": "PL",
    "Spain": "ES",
    "Sverige": "SE",
    "Türkiye": "TR",
    "US": "US",
    "United Kingdom": "GB",
    "United States": "US",
    "Россия": "RU",
    "المملكة العربية السعودية": "SA",
    "भारत": "IN",
    "台灣": "TW",
    "대한민국": "KR",
}
# What P4 keeps out of a contact: it does not count as an answer that must arrive.
_SECRET = re.compile(
    r"passw|\bpwd|captcha|csrf|\botp\b|cvv|cvc|csc\b|cc.?num|creditcardn|card ?num|security ?code"
    r"|verification code|one.?time.?(?:code|pass)",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NOBODY = {"full_name": "", "email": ""}
_PAIR = re.compile(r"\[\s+(\d+),\s+(\d+)\s+\]")  # of numbers, in indented JSON
_NO_LETTERS = re.compile(r"[\W_]+")


class Field(NamedTuple):
    """One field of a form: its posted name, its label, an answer, and the field that the answer belongs to."""

    name: str
    label: str
    type: str
    value: str
    expected: str | None


class Form(NamedTuple):
    """One form of a site."""

    form: str
    language: str
    fields: tuple[Field, ...]


class Verdict(NamedTuple):
    """The result for one answer: `place` is the contact's field that has it, "" if none.

    `counts` is true for the first answer of each expected field. A `wrong` answer belongs to no field and got one.
    """

    field: Field
    counts: bool
    right: bool
    wrong: bool
    arrived: bool
    place: str


class Judged(NamedTuple):
    """A form as it was read in one mode. `problem` says why it became no contact, or another person's; "" if it did."""

    form: Form
    mode: Mode
    created: bool
    problem: str
    verdicts: tuple[Verdict, ...]

    @property
    def missed(self) -> list[Verdict]:
        """The verdicts of what is not right."""
        return [
            one for one in self.verdicts if one.wrong or (one.counts and not one.right) or not one.arrived
        ]


class Score(NamedTuple):
    """Counts over many forms."""

    fields: int
    right: int
    wrong: int
    forms: int
    not_created: int
    answers: int
    arrived: int


def read_forms(file: Path) -> list[Form]:
    """The forms in a file."""
    return [
        Form(one["form"], one.get("language", ""), tuple(Field(**field) for field in one["fields"]))
        for one in json.loads(file.read_text())
    ]


def own_forms() -> list[Form]:
    """Our own forms, in all languages."""
    return [form for file in sorted(OWN.glob("*.json")) for form in read_forms(file)]


def judge(form: Form, mode: Mode) -> Judged | None:
    """How a form is read; None if nothing in it counts."""
    asked = _asked(form, mode)
    if not any(counts for _, counts in asked):
        return None
    email = f"person@{mode}.example.org"
    fields = [_with_email(field, counts, email) for field, counts in asked]
    sent = [(getattr(field, mode), field.value) for field in fields]
    if not any(field.expected == "email" for field in fields):
        sent.append(("email", email) if mode == "name" else ("Email", email))
    contact = _contact(sent, mode)
    created, problem = not isinstance(contact, str), ""
    if isinstance(contact, str):
        problem, contact = f"no contact: {contact}", _NOBODY
    elif contact["email"] != email:
        problem, contact = "contact of another address", _NOBODY
    has_number = any(field.expected == "house_number" for field in fields)
    verdicts = [
        _verdict(field, counts, contact, has_number)
        for field, (_, counts) in zip(fields, asked, strict=True)
        if field.expected or not _is_secret(field)
    ]
    return Judged(form, mode, created, problem, tuple(verdicts))


def judge_all(forms: Iterable[Form], mode: Mode) -> list[Judged]:
    """How each of the forms is read."""
    return [judged for form in forms if (judged := judge(form, mode))]


def score(judged: Sequence[Judged]) -> Score:
    """The counts of these forms."""
    every = [verdict for one in judged for verdict in one.verdicts]
    return Score(
        sum(one.counts for one in every),
        sum(one.right for one in every),
        sum(one.wrong for one in every),
        len(judged),
        sum(not one.created for one in judged),
        len(every),
        sum(one.arrived for one in every),
    )


def _asked(form: Form, mode: Mode) -> list[tuple[Field, bool]]:
    """The fields that have a name or a label, each once; the first of each expected field counts."""
    asked: list[tuple[Field, bool]] = []
    known: set[str] = set()
    expected: set[str | None] = {None}
    for field in form.fields:
        known_as = getattr(field, mode)
        if known_as and known_as not in known:
            asked.append((field, field.expected not in expected))
            known.add(known_as)
            expected.add(field.expected)
    return asked


def _with_email(field: Field, counts: bool, email: str) -> Field:
    if field.expected != "email":
        return field
    return field._replace(value=email if counts else f"again.{email}")


def _contact(sent: Sequence[tuple[str, str]], mode: Mode) -> dict[str, Any] | str:
    """The contact that these answers become, or why there is none."""
    if mode == "name":
        body, content_type = urlencode(sent).encode(), "application/x-www-form-urlencoded"
    else:
        fields = [
            {"key": f"question_{number}", "label": label, "type": "INPUT_TEXT", "value": value}
            for number, (label, value) in enumerate(sent)
        ]
        event = {"eventId": "1", "eventType": "FORM_RESPONSE", "data": {"formName": "Form", "fields": fields}}
        body, content_type = json.dumps(event, ensure_ascii=False).encode(), "application/json"
    source = _SOURCES[mode]
    [posted] = events(Submission("1", source.name, time.time(), body, content_type, {}, {}), source)
    evaluated = evaluate(posted, source)
    match evaluated:
        case Mapped() | Held():
            return evaluated.mapped.contact.body()
        case Invalid():
            return str(evaluated.error)
        case _:
            return "ignored"


def _verdict(field: Field, counts: bool, contact: dict[str, Any], has_number: bool) -> Verdict:
    billing = contact.get("billing", {})
    values = {"full_name": contact["full_name"], **{f"billing.{key}": text for key, text in billing.items()}}
    right = counts and _is_right(field, contact, billing, has_number)
    wrong = not field.expected and _fold(field.value) in {_fold(value) for value in values.values() if value}
    values |= {"email": contact["email"], "description": contact.get("description", "")}
    place = next((name for name, text in values.items() if _fold(field.value) in _fold(text)), "")
    arrived = bool(place) or _is_country(field, billing) or _is_phone(field, billing)
    return Verdict(field, counts, right, wrong, arrived, place)


def _is_right(field: Field, contact: dict[str, Any], billing: dict[str, str], has_number: bool) -> bool:
    value, description = _fold(field.value), _fold(contact.get("description", ""))
    district = _fold(billing.get("district", ""))
    match field.expected:
        case "email":
            return _fold(contact["email"]) == value
        case "full_name":
            return _fold(contact["full_name"]) == value
        case "first_name" | "last_name":
            return value in _fold(contact["full_name"])
        case "company":
            return value in description or value == _fold(contact["full_name"])
        case "phone":
            return len(billing.get("phone", "")) > 6 and _is_phone(field, billing)
        case "phone_code":
            return _fold(billing.get("phone_code", "")) == value
        case "city" | "district":
            return value in district
        case "state":
            return value in (_fold(billing.get("state", "")), _fold(billing.get("province", "")))
        case "country":
            return _is_country(field, billing) or _fold(billing.get("country", "")) == value
        case "address_1" if has_number:
            return value in _fold(billing.get("address_1", ""))
        case "house_number":
            return field.value in re.findall(r"\w+", billing.get("address_1", ""))
        case "message":
            return value in description
        case "billing_email":
            return value in description or value == _fold(billing.get("email", ""))
        case other:
            return _fold(billing.get(str(other), "")) == value


def _is_country(field: Field, billing: dict[str, str]) -> bool:
    return field.value in _ISO_CODES and billing.get("iso_code") == _ISO_CODES[field.value]


def _is_phone(field: Field, billing: dict[str, str]) -> bool:
    return bool(billing.get("phone")) and _fold(field.value).endswith(_fold(billing["phone"]))


def _is_secret(field: Field) -> bool:
    return field.type == "password" or bool(_SECRET.search(f"{_REMARK.sub('', field.label)} {field.name}"))


def _fold(text: str) -> str:
    """Letters and digits, without case."""
    return _NO_LETTERS.sub("", unicodedata.normalize("NFKD", text).casefold())


def figures(forms: Sequence[Form]) -> dict[str, Any]:
    """The counts of a set of forms by mode, and of each field: [right, all]. Nothing of the forms is in it."""
    found: dict[str, Any] = {}
    for mode in MODES:
        judged = judge_all(forms, mode)
        found[mode] = {**score(judged)._asdict(), "by_field": _by_field(judged)}
    return found


def own_figures(forms: Sequence[Form]) -> dict[str, Any]:
    """The same of our own forms, with the counts of each language and what is missed."""
    languages = dict.fromkeys(form.language for form in forms)
    return {
        **figures(forms),
        "by_language": {
            language: {
                mode: score(judge_all([form for form in forms if form.language == language], mode))._asdict()
                for mode in MODES
            }
            for language in languages
        },
        "missed": {mode: [*_missed(judge_all(forms, mode))] for mode in MODES},
    }


def _by_field(judged: Sequence[Judged]) -> dict[str, list[int]]:
    counted = [verdict for one in judged for verdict in one.verdicts if verdict.counts]
    every = Counter(str(verdict.field.expected) for verdict in counted)
    right = Counter(str(verdict.field.expected) for verdict in counted if verdict.right)
    return {field: [right[field], every[field]] for field in FIELDS if every[field]}


def _missed(judged: Sequence[Judged]) -> Iterator[str]:
    """A line for each answer that is not right, wrongly placed or lost: what it is, and where it went."""
    for one in judged:
        for verdict in one.missed:
            field = verdict.field
            is_about = f"{one.form.form}: {getattr(field, one.mode)!r}, {field.expected or 'no field'}"
            yield f"{is_about}: {one.problem or verdict.place or 'lost'}"


def _show(console: Console, title: str, forms: Sequence[Form]) -> None:
    """The figures of a set, and what is missed."""
    for mode in MODES:
        judged = judge_all(forms, mode)
        found = score(judged)
        console.print(
            Text.assemble(
                (f"{title}, by {mode}: ", "bold"),
                f"{_share(found.right, found.fields)} right, {_share(found.wrong, found.answers)} wrongly placed,"
                f" {_share(found.not_created, found.forms)} forms not created,"
                f" {_share(found.arrived, found.answers)} answers arrive",
            ),
            soft_wrap=True,
        )
        fields = ", ".join(f"{field} {right}/{every}" for field, (right, every) in _by_field(judged).items())
        console.print(Text(f"  {fields}", style="dim"), soft_wrap=True)
        for line in _missed(judged):
            console.print(Text(f"  {line}"), soft_wrap=True)


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} = {part / whole:.1%}" if whole else "0/0"


def main() -> None:
    """Scores our own forms, the shared ones and each FILE; records the figures of the first two."""
    parser = argparse.ArgumentParser(prog="python -m bench.recognition", description=__doc__)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", type=Path, help="more forms, which are not recorded"
    )
    options = parser.parse_args()
    console = Console()
    recorded = json.loads(RESULT.read_text())["recognition"] if RESULT.exists() else {}
    recorded["own"] = own_figures(own_forms())
    _show(console, "own", own_forms())
    for file in sorted(SHARED.glob("*.json")):
        recorded[file.stem] = figures(read_forms(file))
        _show(console, file.stem, read_forms(file))
    for file in options.files:
        _show(console, file.stem, read_forms(file))
    text = json.dumps({"recognition": recorded}, indent=2, ensure_ascii=False)
    RESULT.write_text(_PAIR.sub(r"[\1, \2]", text) + "\n")


if __name__ == "__main__":
    main()
