"""The recogniser: finds a person's data in a form's answers. Pure.

The evidence, strongest first: the type that the sender declares, the words of the label and of the name (`naming`), and
the value's shape. A value that contradicts is no evidence: a phone number has digits. What is not sure stays
unrecognised: it goes into the contact's description, and never into a wrong field.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .answers import Answer
from .naming import Naming, is_country_name, read_label, read_name

_MAX_READ = 12_000  # characters of names and labels that are read; a form with 300 questions has as many
_TYPES = {
    "email": "email",
    "inputemail": "email",
    "emailinput": "email",
    "phone": "phone",
    "tel": "phone",
    "phonenumber": "phone",
    "inputphonenumber": "phone",
    "phoneinput": "phone",
}
_NO_TEXT = frozenset(["yes", "no", "true", "false", "on", "off"])
_NOT_IN_EMAIL = frozenset(' \t\r\n,;<>()"')
_IN_PHONE = frozenset("+ \t().,/-\u2010\u2011\u2012\u2013\u2014x#*ext")  # and digits of any script
_MAX_CODE = 60
_MAX_PHONE = 40
_MAX_LINE = 256
_MAX_TYPE = 40
_AREA = (
    "address_1",
    "address_2",
    "address_3",
    "house_number",
    "city",
    "district",
    "county",
    "province",
    "state",
    "postal_code",
    "country",
)
_NAMES = ("first_name", "last_name", "name", "full_name", "display_name")
_SURE_BY_VALUE = ("postal_code", "country")
_UNSURE_ALONE = tuple({"name", "display_name", "company", "message", *_AREA}.difference(_SURE_BY_VALUE))
_TYPE, _EXACT, _PART, _VALUE = 4, 3, 2, 1


class Reading(NamedTuple):
    """How one answer was read: the field, and the evidence for it ("type", "name", "label" or "value").

    `words` are the words that said so. An answer that is not used says `why`.
    """

    answer: Answer
    field: str = ""
    evidence: str = ""
    words: str = ""
    why: str = ""


class Recognition(NamedTuple):
    """What the recogniser found: field -> value, field -> the answers that it is made of, and each answer's reading.

    Fields are Clemta's ("full_name", "email", "billing.phone", …), "company" and "message".
    """

    values: dict[str, str]
    made_of: dict[str, tuple[Answer, ...]]
    readings: tuple[Reading, ...]


class _Candidate(NamedTuple):
    """An answer that can be a field; `tier` is the evidence's strength, `place` the answer's number in the form."""

    tier: int
    field: str
    answer: Answer
    evidence: str
    words: str
    flags: frozenset[str]
    place: int


def recognise(answers: Sequence[Answer]) -> Recognition:
    """Finds a person's data in the answers."""
    return _Recogniser(answers).recognition()


def is_own_address(name: str, email: str) -> bool:
    """Whether the name is the sender's own address: for example, Auth0 sends it if it knows no name."""
    return bool(name) and name.strip().casefold() == email.strip().casefold()


def is_email(text: str) -> bool:
    """Whether the whole text looks like one e-mail address; `contacts.ascii_email` checks the one that is used."""
    name, _, domain = text.partition("@")
    return (
        bool(name)
        and len(text) <= _MAX_LINE
        and "@" not in domain
        and "." in domain.strip(".")
        and _NOT_IN_EMAIL.isdisjoint(text)
    )


def _is_phone(text: str) -> bool:
    """Whether the text is written as a phone number."""
    number = text.removeprefix("tel:")
    return (
        len(text) <= _MAX_PHONE
        and 5 <= _digits(number) <= 25
        and (number[0] in "+(" or number[0].isdecimal())
        and all(sign in _IN_PHONE or sign.isdecimal() for sign in number.lower())
    )


def _is_international_phone(text: str) -> bool:
    return text.startswith(("+", "00")) and 8 <= _digits(text) <= 17 and _is_phone(text)


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _dialling_code(text: str) -> str:
    """The digits of a dialling code: "+49", "49", "Germany (+49)"; "" for any other text."""
    if len(text) > _MAX_CODE:
        return ""
    code = text.rpartition("+")[2].strip(" )").removeprefix("00")
    return code if code.isdecimal() and code.isascii() and len(code) <= 4 else ""


class _Recogniser:
    """Recognises one submission's answers."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = answers
        self._excluded: dict[int, str] = {}
        """Place of an answer -> why no field takes it."""
        self._flags: dict[int, frozenset[str]] = {}
        """Place of an answer -> what its name and label say beside the field."""
        self._candidates: dict[str, list[_Candidate]] = {}
        self._has_billing = False
        self._values: dict[str, str] = {}
        self._made_of: dict[str, tuple[_Candidate, ...]] = {}

    def recognition(self) -> Recognition:
        length = 0
        for place, answer in enumerate(self._answers):
            length += len(answer.label) + len(answer.group) + sum(map(len, answer.path))
            if length > _MAX_READ:
                break
            for candidate in self._read(place, answer):
                self._candidates.setdefault(candidate.field, []).append(candidate)
        self._drop_strange_groups()
        self._drop_others()
        for candidates in self._candidates.values():
            candidates.sort(key=self._rank)
        self._add_shapes()
        self._put_email()
        self._put_name()
        self._put_phone()
        self._put_address()
        for field in ("company", "message"):
            self._put(field, field)
        self._put("billing.tax_id", "tax_id")
        return Recognition(
            self._values,
            {field: tuple(one.answer for one in parts) for field, parts in self._made_of.items()},
            tuple(self._readings()),
        )

    def _read(self, place: int, answer: Answer) -> Iterator[_Candidate]:
        """The fields that the answer can be."""
        if answer.type == "boolean":
            return
        label = read_label(answer.label) if answer.label else Naming()
        named = read_name((answer.group, *answer.path[1:]) if answer.group else answer.path)
        if answer.group and not named.is_known:
            named = read_name(answer.path)
        flags = self._flags[place] = label.flags | named.flags
        if "someone" in flags:
            self._excluded[place] = "it is about another person"
            return
        declared = declared_field(answer)
        if declared and "other" not in label.flags and _fits(declared, answer.value):
            yield self._candidate(_TYPE, declared, place, "type", Naming(flags=flags, words=answer.type))
            return
        for evidence, said in (("label", label), ("name", named)):
            naming = said._replace(flags=flags)
            field = next((field for field in naming.fields if _fits(field, answer.value)), "")
            if field == "country" and _dialling_code(answer.value):
                field = "phone_code"
            if naming.fields == ("phone_code",) and not field and is_country_name(answer.value):
                yield self._candidate(_VALUE, "country", place, "value", naming)
                return
            if not field:
                if naming.fields:
                    self._excluded[place] = f"its value does not look like a {_spoken(naming.fields[0])}"
                    if naming.fields == ("email",) and naming.is_exact:  # a person can correct a typing error
                        yield self._candidate(0, "email", place, evidence, naming)
                continue
            if naming.is_exact:
                yield self._candidate(_EXACT, field, place, evidence, naming)
                return
            if field == "country" and not is_country_name(answer.value):
                continue
            if field not in _UNSURE_ALONE or len(naming.fields) == 1:
                yield self._candidate(_PART, field, place, evidence, naming)
                return

    def _candidate(self, tier: int, field: str, place: int, evidence: str, naming: Naming) -> _Candidate:
        self._has_billing = self._has_billing or "billing" in naming.flags
        return _Candidate(tier, field, self._answers[place], evidence, naming.words, naming.flags, place)

    def _rank(self, one: _Candidate) -> tuple[int, ...]:
        """The smallest wins: strong evidence, no repetition, the invoice's address, the shallowest, the first."""
        delivered = self._has_billing and "shipping" in one.flags
        return (-one.tier, "again" in one.flags, delivered, len(one.answer.path), one.place)

    def _drop_strange_groups(self) -> None:
        """Drops what is sure only in a group that holds a person: {"plan": {"name": …}} does not."""
        persons = {
            one.answer.path[0]
            for field, candidates in self._candidates.items()
            for one in candidates
            if field in ("email", "phone", "first_name", "last_name") and len(one.answer.path) > 1
        }
        for field in _UNSURE_ALONE:
            kept = []
            for one in self._candidates.get(field, ()):
                if one.tier == _PART and (len(one.answer.path) == 1 or one.answer.path[0] not in persons):
                    self._excluded[one.place] = "its words say more than we know"
                else:
                    kept.append(one)
            self._candidates[field] = kept

    def _drop_others(self) -> None:
        """Drops a parent's or a manager's fields, unless the form asks for nobody else's e-mail address."""
        emails = self._candidates.get("email", [])
        if emails and all("aside" in one.flags for one in emails):
            return
        for field, candidates in self._candidates.items():
            for one in candidates:
                if "aside" in one.flags:
                    self._excluded[one.place] = "it is about another person"
            self._candidates[field] = [one for one in candidates if "aside" not in one.flags]

    def _add_shapes(self) -> None:
        """The value as evidence: an e-mail address, an international phone number or a country under any other name.

        An e-mail address before the one that is repeated ("confirm e-mail") is the one that it repeats.
        """
        for field, fits in (
            ("email", is_email),
            ("phone", _is_international_phone),
            ("country", is_country_name),
        ):
            known = self._first(field)
            if known and known.tier and "again" not in known.flags:
                continue
            taken = self._taken(() if field != "email" else _NAMES)
            before = known.place if known and known.tier else len(self._answers)
            for place, answer in enumerate(self._answers[:before]):
                if len(answer.value) > _MAX_LINE or place in taken or not fits(answer.value):
                    continue
                if self._is_contradicted(place, field):
                    continue
                self._candidates.setdefault(field, []).insert(
                    0, self._candidate(_VALUE, field, place, "value", Naming())
                )
                break

    def _is_contradicted(self, place: int, field: str) -> bool:
        """Whether the words forbid the value as evidence: a fax number. The one e-mail address may have any name."""
        flags = self._flags.get(place, {"other"} if field != "email" else set())
        return "someone" in flags or (field != "email" and "other" in flags)

    def _taken(self, except_for: Sequence[str]) -> set[int]:
        """The places of the answers that other fields take."""
        return {
            candidates[0].place
            for field, candidates in self._candidates.items()
            if candidates and field not in except_for
        }

    def _first(self, field: str) -> _Candidate | None:
        candidates = self._candidates.get(field)
        return candidates[0] if candidates else None

    def _put(self, field: str, *kinds: str) -> None:
        """Puts the values of these kinds, joined by commas, under the field."""
        parts = [one for kind in kinds if (one := self._first(kind))]
        if parts:
            self._set(field, ", ".join(one.answer.value for one in parts), parts)

    def _set(self, field: str, value: str, parts: Sequence[_Candidate]) -> None:
        self._values[field], self._made_of[field] = value, tuple(parts)

    def _put_email(self) -> None:
        self._put("billing.email", "billing_email")
        self._put("email", "email")
        if "email" not in self._values and "billing.email" in self._values:
            self._set("email", self._values["billing.email"], self._made_of["billing.email"])

    def _put_name(self) -> None:
        """The person's name: whole, or of its parts. The sender's own address is no name."""
        first, last = self._first("first_name"), self._first("last_name")
        plain = self._first("name")
        options = [[one] for one in (self._first("full_name"),) if one]
        both = [[first, last]] if first and last else []
        if plain:
            whole = [[plain] if both else self._completed(plain, first, last)]
            options += [*whole, *both] if " " in plain.answer.value.strip() else [*both, *whole]
        else:
            options += both
        if first or last:
            options.append([one for one in (first, last) if one])
        options += [[one] for one in (self._first("display_name"),) if one]
        named = [(" ".join(one.answer.value for one in parts), parts) for parts in options]
        named.sort(key=lambda name: "@" in name[0])
        email = self._values.get("email", "")
        for name, parts in named:
            if not is_own_address(name, email):
                self._set("full_name", name, parts)
                return

    def _completed(
        self, plain: _Candidate, first: _Candidate | None, last: _Candidate | None
    ) -> list[_Candidate]:
        """ "Name" with the part that stands beside it: a surname after it, a first name before it."""
        words = plain.answer.value.casefold().split()
        if last and not set(last.answer.value.casefold().split()) <= set(words):
            return [plain, last]
        if first and not set(first.answer.value.casefold().split()) <= set(words):
            return [first, plain]
        return [plain]

    def _put_phone(self) -> None:
        number, code, area = self._first("phone"), self._first("phone_code"), self._first("area_code")
        if not number:
            return
        value, parts = number.answer.value, [number]
        if not value.lstrip(" (").startswith(("+", "00")):
            if area:
                value, parts = f"{area.answer.value} {value}", [area, *parts]
            if code:
                value, parts = f"+{_dialling_code(code.answer.value)} {value}", [code, *parts]
        self._set("billing.phone", value, parts)

    def _put_address(self) -> None:
        street = self._first("address_1")
        if street:
            self._keep_one_address("shipping" in street.flags)
        house, second = self._first("house_number"), self._first("address_2")
        if street:
            parts = sorted([street, house], key=lambda one: one.place) if house else [street]
            self._set("billing.address_1", " ".join(one.answer.value for one in parts), parts)
            next_line = self._candidates["address_1"][1:2]
            if (
                not second
                and next_line
                and next_line[0].place == street.place + 1
                and next_line[0].flags == street.flags
            ):
                self._candidates["address_2"] = next_line
        self._put("billing.address_2", "address_2", "address_3")
        if county := self._first("county"):
            field = "district" if self._first("state") else "state"
            self._candidates[field] = self._candidates.get(field) or [county]
        self._put("billing.district", "district", "city")
        for field in ("postal_code", "state", "province", "country"):
            self._put(f"billing.{field}", field)

    def _keep_one_address(self, is_delivery: bool) -> None:
        """Drops the parts of another address: a delivery's city does not belong to an invoice's street."""
        for field in _AREA[1:]:
            same: list[_Candidate] = []
            other: list[_Candidate] = []
            for one in self._candidates.get(field, ()):
                (same if ("shipping" in one.flags) == is_delivery else other).append(one)
            if same or not is_delivery:
                for one in other:
                    self._excluded[one.place] = "it belongs to another address"
                self._candidates[field] = same

    def _readings(self) -> Iterator[Reading]:
        """How each answer was read, in the order of the form."""
        used = {one.place: (field, one) for field, parts in self._made_of.items() for one in parts}
        lost = {one.place: one for candidates in self._candidates.values() for one in candidates}
        for place, answer in enumerate(self._answers):
            if place in used:
                field, one = used[place]
                yield Reading(answer, field, one.evidence, one.words)
            elif place in lost:
                one = lost[place]
                stronger = self._candidates[one.field][0].answer.name
                yield Reading(answer, one.field, one.evidence, one.words, f"{stronger} is stronger")
            else:
                yield Reading(answer, why=self._excluded.get(place, "no field is known by this name"))


def declared_field(answer: Answer) -> str | None:
    """The field that the answer's declared type names."""
    letters = "".join(filter(str.isalpha, answer.type[:_MAX_TYPE].lower()))
    return _TYPES.get(letters)


def _spoken(field: str) -> str:
    return field.replace("_", " ")


def _fits(field: str, value: str) -> bool:
    """Whether the value does not contradict the field."""
    if field in ("email", "billing_email"):
        return is_email(value)
    if field == "message":
        return True
    if len(value) > _MAX_LINE:
        return False
    if field == "phone":
        return _is_phone(value)
    if field in ("phone_code", "area_code"):
        return bool(_dialling_code(value))
    digits = _digits(value)
    if field == "tax_id":
        return digits >= 4 and len(value) <= 40
    if field == "postal_code":
        return len(value) <= 16 and digits <= 9
    if field == "house_number":
        return len(value) <= 20
    if value.casefold() in _NO_TEXT or (is_email(value) and field not in _NAMES):
        return False  # another's address may stand for a name
    if field in (
        "first_name",
        "last_name",
        "name",
        "full_name",
        "display_name",
        "city",
        "district",
        "county",
        "country",
        "state",
        "province",
    ):
        return digits <= 2 or any(character.isalpha() for character in value)
    return True
