"""Reads a field's name or label: which of a person's fields do its words say? Pure.

    "billing[customer][first_name]"  -> first_name
    "What's your e-mail address? *"  -> email
    "Product name"                   -> nothing: the longest phrase counts, and this one is known to be no person's

A text is taken apart into words, and the words into the phrases of `words.LANGUAGES`. It is linear: a text has at most
MAX_NAME characters, a phrase at most _MAX_PHRASE words, and a word that is taken apart at most _MAX_COMPOUND letters.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, repeat
from typing import NamedTuple

from .words import LANGUAGES

MAX_NAME = 200  # characters of a key or a label; decomposing accents can take quadratic time
FIELDS = frozenset(
    [
        "email",
        "first_name",
        "last_name",
        "name",
        "full_name",
        "display_name",
        "company",
        "phone",
        "phone_code",
        "area_code",
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
        "tax_id",
        "message",
        "billing_email",
        "phone_or_postal_code",
    ]
)
_NAMES = ("name", "full_name", "display_name")
_KNOWN = FIELDS | {"other"}
_OWNED = (*_NAMES, "address_1", "company", "city", "country", "state")  # fields that other things have too
_SURE_BY_VALUE = (("email",), ("phone",), ("billing_email",))
_AREAS = (
    "country",
    "state",
    "province",
    "county",
    "district",
)  # the widest of alternatives counts: "Country / region"
_MAX_WORDS = 30  # of a clause
_MAX_PHRASE = 7  # words
_MAX_COMPOUND = 40
_MAX_CLAUSES = 4
_MANY_CHOICES = 10  # words
_SHORTEST = 3  # letters of a word inside a compound

# Accents and joiners that are left out.
_MARKS = (
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328\u0640"
    "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0653\u0654\u0655\u0670\u200b\u200c\u200d\u200e\u200f\u202a\u202c"
)
# Letters that do not decompose, Arabic letters that are written in two ways, and punctuation of other scripts.
_SPELLINGS = (
    *_MARKS,
    *("ıi", "łl", "ŁL", "øo", "ØO", "đd", "ĐD", "ةه", "ىي", "・/", "、,", "،,", "؟?", "؛;"),
    *("ßss", "æae", "œoe", "。.", "’'", "–,", "—,", "« ", "» ", "“ ", "” ", "„ ", "「 ", "」 ", "【(", "】)"),
)
# "userPassword2": user, Password, 2. A run of other scripts is one word: vowel signs of Indic scripts are no letters.
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\x00-\x7f]+|[/&+,?:;!|\n]")
_ASIDE = r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>"  # compiled when a label first has one: most have none
_BETWEEN_NAMES = ("__", *".:/[]$|\\")
_BRACKETS = frozenset("([<")
_CLAUSE = frozenset(",?:;!|\n")
_ALTERNATIVES = frozenset("/&+")
_NUMBERS = {"one": "1", "two": "2", "three": "3"}


class Naming(NamedTuple):
    """What a name or a label says.

    `fields` has the field, or the alternatives of "E-mail or phone"; `is_exact` if nothing unknown stands beside it.
    `flags` are "billing", "shipping", "someone" (another person), "aside" (perhaps another), "again" (a repetition),
    "other" (it is known to be something else), "question" (its answer is no field) and "several" (it names fields that
    go to different places). `words` are those that said so.
    """

    fields: tuple[str, ...] = ()
    is_exact: bool = False
    flags: frozenset[str] = frozenset()
    words: str = ""

    @property
    def is_known(self) -> bool:
        return bool(self.fields) or not self.flags.isdisjoint(("other", "question"))


class _Item(NamedTuple):
    kind: str  # a field, another line of the words' file, "digit", or "" for an unknown word
    words: str
    is_weak: bool = False


_NOTHING = Naming()


def fold(text: str) -> str:
    """The text without accents: "Straße, İl" -> "Strasse, Il"; case stays."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKD", text)
    # `str.replace` for each takes a third of a regular expression's time, `str.translate` ten times as long.
    for spelling in _SPELLINGS:
        text = text.replace(spelling[0], spelling[1:])
    return text


_ASIDES = ("billing", "shipping", "someone", "aside", "again")
_RANKING = ("country_name", "noise", "person", "or", "of", *_ASIDES[:2], "again", "aside", "someone", "other")


def _by_phrase() -> tuple[dict[str, str], frozenset[str], frozenset[str]]:
    """The kind of each phrase, the questions, and the articles; phrases are without their spaces."""
    lines: dict[str, list[str]] = {}
    for name, language in LANGUAGES.items():
        for kind, line in language.items():
            lines.setdefault(kind, []).append(line)
            if name == "de":  # umlauts are also written out
                lines[kind].append(line.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue"))
    # One long text is folded faster than many short ones.
    folded = fold("\n".join(map(",".join, lines.values()))).replace(" ", "").split("\n")
    phrases = {kind: line.split(",") for kind, line in zip(lines, folded, strict=True)}
    kinds: dict[str, str] = {}
    for kind in (*_RANKING, *sorted(FIELDS, reverse=True)):
        kinds.update(zip(phrases[kind], repeat(kind)))
    return (
        kinds,
        frozenset(phrases["question"]),
        frozenset(phrases["article"]).difference(phrases["of"], phrases["or"]),
    )


_KINDS, _QUESTIONS, _ARTICLES = _by_phrase()
"""A phrase of several kinds has the last one of _RANKING, or a field before all."""
_LONGEST = 40  # letters of a phrase that is searched inside a word


def is_country_name(text: str) -> bool:
    """Whether the whole text is a country's name."""
    return len(text) <= MAX_NAME and _KINDS.get("".join(_split(text))) == "country_name"


@lru_cache(4_096)
def read_label(text: str) -> Naming:
    """What a label says; of several clauses the first that says something."""
    if len(text) > MAX_NAME:
        return _NOTHING
    asides = _asides(text)
    all_words = _split(text)
    words = _split(_without(text, asides)) if asides else all_words
    beside = _read([word for word in all_words if word not in _CLAUSE]).flags & {"someone", "aside", "again"}
    whole = _read([word for word in words if word not in _CLAUSE])
    if whole.fields == ("name",) and asides:  # "Name (first)"
        part = _read([word for aside in asides for word in _split(aside[1:-1])])
        whole = part if part.is_exact and part.fields[0] in ("first_name", "last_name") else whole
    if (whole.is_exact and whole.fields) or "several" in whole.flags:
        return whole._replace(flags=whole.flags | beside)
    if choices := _of_list(words):
        return choices
    for clause in islice(_clauses(words), _MAX_CLAUSES):
        said = _read(clause)
        if said.is_known:
            return said._replace(flags=said.flags | beside)
    return _NOTHING._replace(flags=beside)


@lru_cache(4_096)
def read_name(path: tuple[str, ...]) -> Naming:
    """What a field's name says, with the names of the objects around it: `customer.address[city]` is a city."""
    if sum(map(len, path)) > MAX_NAME:
        return _NOTHING
    if len(path) == 1 and " " in path[0].strip():
        return read_label(path[0])
    segments = [segment for key in path for segment in _segments(key)]
    named, start = _NOTHING, len(segments)
    while start > max(0, len(segments) - 3) and not named.is_known and not _is_strange(segments[start:]):
        start -= 1  # "phones[0][number]": a number says nothing, "phones 0 number" does
        named = _read([word for segment in segments[start:] for word in segment])
    if not named.fields:
        return named
    around = [_read(segment) for segment in segments[:start]]
    if named.fields == ("name",) and start and around[-1].fields not in ((), *((field,) for field in _NAMES)):
        start -= 1
        named = _read([*segments[start], *segments[start + 1]])  # {"company": {"name": …}}
        around.pop()
    flags = named.flags.union(*(one.flags for one in around))
    strange = any(not _is_container(segment) for segment in segments[:start])
    if named.fields == ("email",) and "billing" in flags:
        named = named._replace(fields=("billing_email",))
    return named._replace(is_exact=named.is_exact and not strange and "other" not in flags, flags=flags)


def _of_list(words: list[str]) -> Naming | None:
    """A label that goes on with all choices, as "State Alabama Alaska Arizona …"."""
    if len(words) < _MANY_CHOICES:
        return None
    first = _read(words[:1])
    return first if first.is_exact and first.fields[0] in ("state", "country", "province") else None


def _is_strange(segments: list[list[str]]) -> bool:
    """Whether the last part of a name is a word that nobody knows: {"name": {"middle": …}} is no name."""
    return any(not item.kind for words in segments for item in _items(words))


def _is_container(words: list[str]) -> bool:
    """Whether the words name a group of a person's fields: "customer", "billing address"."""
    return all(
        item.kind not in ("", "other", "company", "country_name")
        or (not item.kind and _is_prefix(item.words))
        for item in _items(words)
    )


def _segments(key: str) -> Iterator[list[str]]:
    for mark in _BETWEEN_NAMES:
        key = key.replace(mark, "\n")
    for part in key.split("\n"):
        if words := [word for word in _split(part) if word not in _CLAUSE]:
            yield words


def _asides(text: str) -> list[str]:
    """The parts in brackets: "Name (first)" has "(first)"."""
    text = fold(text)
    return re.findall(_ASIDE, text) if not _BRACKETS.isdisjoint(text) else []


def _without(text: str, asides: list[str]) -> str:
    text = fold(text)
    for aside in asides:
        text = text.replace(aside, " ")
    return text


def _split(text: str) -> list[str]:
    words = _WORD.findall(fold(text))
    if not text.isascii():  # signs such as "¿" or "★" are no words
        words = [word for word in words if word.isascii() or any(map(str.isalnum, word))]
    return [_NUMBERS.get(word, word) for word in map(str.lower, words)]


def _clauses(words: list[str]) -> Iterator[list[str]]:
    clause: list[str] = []
    for word in [*words, ","]:
        if word not in _CLAUSE:
            clause.append(word)
        elif clause:
            yield clause
            clause = []


def _read(words: Sequence[str]) -> Naming:
    """What the words of one clause say."""
    items = _phrases(words[:_MAX_WORDS])
    if len(items) > 2 and all(item.kind == "country_name" for item in items[:3]):
        return Naming(("country",), True, words=items[0].words)  # a label that lists all countries
    flags = {item.kind for item in items if item.kind in _ASIDES}
    if _is_question(words, items):
        return Naming(flags=frozenset(flags | {"question"}))
    main, owner = _cut(items)
    content = _content(main)
    said = " ".join(item.words for item in _content(items) if item.kind in _KNOWN)
    fields = _fields(main)
    if any(item.kind in _NAMES for item in content) and any(item.kind == "company" for item in owner):
        fields = ("company",)  # "Name of the company"
    elif fields and fields[0] in _OWNED and any(item.kind not in _KNOWN for item in _content(owner)):
        return Naming(flags=frozenset(flags | {"other"}), words=said)  # "Name of the project"
    if fields and _is_repeated(main):
        flags.add("again")
    if any(item.kind == "other" for item in content):
        flags.add("other")
        fields = (
            fields if fields in _SURE_BY_VALUE else ()
        )  # "Event e-mail" may be the person's, "Event name" is not
    elif len(content) > 1 and not fields and all(item.kind in FIELDS for item in content):
        flags.add("several")
    unknown = any(
        item.kind not in _KNOWN and not _is_prefix(item.words) for item in [*content, *_content(owner)]
    )
    if fields == ("email",) and "billing" in flags:
        fields = ("billing_email",)
    return Naming(fields, bool(fields) and not unknown, frozenset(flags), said)


def _phrases(words: Sequence[str]) -> list[_Item]:
    """The words as phrases, without articles where that makes longer phrases."""
    items = _items(words)
    bare = [word for word in words if word not in _ARTICLES]
    if len(bare) < len(words):
        without = _items(bare)
        if 0 < len(_content(without)) < len(_content(items)):
            return without
    return items


def _is_question(words: Sequence[str], items: list[_Item]) -> bool:
    """Whether the words ask for something else than a field: "Do you have a phone?"."""
    if items and items[0].kind in _KNOWN:
        return False
    return any("".join(words[:count]) in _QUESTIONS for count in (1, 2, 3) if len(words) > count)


def _is_prefix(word: str) -> bool:
    """Whether an unknown word is a developer's prefix, as in "mb_name"."""
    return word.isascii() and len(word) < _SHORTEST


def _content(items: Sequence[_Item]) -> list[_Item]:
    """The items that can say what a field is: fields, what is known as something else, and unknown words."""
    return [item for item in items if item.kind in _KNOWN or item.kind in ("", "country_name")]


def _cut(items: list[_Item]) -> tuple[list[_Item], list[_Item]]:
    """What stands before "of", "for" and the like, and what after it."""
    for place, item in enumerate(items):
        if item.kind == "of" and _content(items[:place]):
            return items[:place], items[place + 1 :]
    return items, []


def _fields(items: list[_Item]) -> tuple[str, ...]:
    """The field that the items name, or several alternatives."""
    found: list[str] = []
    others = [item for item in _content(items) if not item.is_weak]
    for place, item in enumerate(items):
        after = items[place + 1].words if place + 1 < len(items) and items[place + 1].kind == "digit" else ""
        if item.kind not in FIELDS or (item.is_weak and others) or (item.kind == "message" and after):
            continue
        field = item.kind
        if field == "address_1" and after and int(after[:3]) > 1:
            field = "address_2" if int(after[:3]) == 2 else "address_3"
        if field not in found:
            found.append(field)
    return _resolved(found, any(item.kind == "or" or item.words in _ALTERNATIVES for item in items))


def _resolved(found: list[str], are_alternatives: bool) -> tuple[str, ...]:
    if found == ["phone_or_postal_code"]:
        return ("postal_code", "phone")
    if len(found) < 2:
        return tuple(found)
    names = {"first_name", "last_name", *_NAMES}
    if set(found) <= names:
        return ("full_name",)
    if "company" in found and not are_alternatives:
        rest = [field for field in found if field != "company"]
        return ("company",) if set(rest) <= names else _resolved(rest, False)
    if set(found) <= {*_AREAS}:
        return (next(field for field in _AREAS if field in found),)
    if set(found) <= {"city", "district"}:
        return ("city",)
    if "address_2" in found and set(found) <= {"address_1", "address_2", "house_number"}:
        return ("address_2",)
    if set(found) <= {"address_1", "house_number"}:
        return ("address_1",)
    if "address_1" in found and not are_alternatives:  # an address's city: the group stands before the field
        return _resolved([field for field in found if field != "address_1"], False)
    if {"phone", "country"} == set(found) and not are_alternatives:
        return ("phone_code",)
    return tuple(found) if set(found) & {"email", "phone"} else ()


def _is_repeated(items: list[_Item]) -> bool:
    """Whether the name ends in a number above one: "email2"; lines of an address are counted otherwise."""
    if len(items) < 2 or items[-1].kind != "digit" or not 2 <= int(items[-1].words[:3]) <= 9:
        return False
    return not items[-2].kind.startswith("address")


def _items(words: Sequence[str]) -> list[_Item]:
    """The words as the longest phrases that are known."""
    items: list[_Item] = []
    place = 0
    while place < len(words):
        for count in range(min(_MAX_PHRASE, len(words) - place), 0, -1):
            window = words[place : place + count]
            if count > 1 and not _ALTERNATIVES.isdisjoint((window[0], window[-1])):
                continue
            if item := _item("".join(word for word in window if count == 1 or word not in _ALTERNATIVES)):
                items.append(item._replace(words=" ".join(window)) if item.kind != "digit" else item)
                place += count
                break
        else:
            items += _unknown_word(words[place])
            place += 1
    return items


def _item(phrase: str) -> _Item | None:
    if phrase.isascii() and phrase.isdigit():
        return _Item("digit", phrase)
    kind = _KINDS.get(phrase)
    if kind not in FIELDS and (weak := _KINDS.get("~" + phrase)):
        return _Item(weak, phrase, is_weak=True)
    if kind:
        return _Item(kind, phrase)
    if phrase in _ARTICLES:
        return _Item("article", phrase)
    if phrase in _ALTERNATIVES:
        return _Item("or", phrase)
    return None


def _unknown_word(word: str) -> list[_Item]:
    if "\u3005" <= word[0] <= "\u9fff" or "\u1100" <= word[0] <= "\u11ff":
        return _searched(word)  # Chinese, Japanese and Korean join words and endings without spaces
    if word.startswith("ال") and (item := _item(word[2:])):
        return [item]
    return _compound(word) or [_Item("", word)]


def _searched(text: str) -> list[_Item]:
    """The phrases in a text without spaces; what is left between them is unknown."""
    items: list[_Item] = []
    place, unknown = 0, ""
    while place < len(text):
        for count in range(min(_LONGEST, len(text) - place), 0, -1):
            if item := _item(text[place : place + count]):
                if unknown:
                    items.append(_Item("", unknown))
                items.append(item)
                place, unknown = place + count, ""
                break
        else:
            unknown += text[place]
            place += 1
    return [*items, _Item("", unknown)] if unknown else items


def _compound(word: str) -> list[_Item]:
    """The phrases that a word is made of: "phonecreateaccount"; an empty list if a part is unknown."""
    if not 2 * _SHORTEST <= len(word) <= _MAX_COMPOUND:
        return []
    best: list[list[_Item] | None] = [[], *[None] * len(word)]
    for start in range(len(word) - _SHORTEST + 1):
        before = best[start]
        if before is None:
            continue
        for end in range(start + _SHORTEST, min(start + _LONGEST, len(word)) + 1):
            kind = _KINDS.get(word[start:end])
            known = best[end]
            if kind and (known is None or len(known) > len(before) + 1):
                best[end] = [*before, _Item(kind, word[start:end])]
    return best[-1] or []
