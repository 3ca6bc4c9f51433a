"""Whether a consent is ticked, and the line that records it. Pure."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from .answers import Answer, to_text
from .config import Form, Webhook
from .description import to_line
from .expressions import read_paths, search
from .rest import answers_read

# A text that is one of these, or begins with one ("No, thanks"), ticks nothing.
_NO_WORDS = (
    "0 no n false f off none null nil undefined n/a - ☐ ✗ ✘ unchecked declined refused hayır hayir yok nein falsch aus"
    " non faux nee nie nej nei ei não nao falso нет いいえ 否 不 아니요 아니오 لا नहीं"
)
NO = frozenset(_NO_WORDS.split())
_TICKED = frozenset(["1", "on", "true", "yes"])  # what a browser or a program writes: no wording
_WORD = re.compile(r"[^\s,.;:!、。\uff0c]+")
_MAX_READ = 100  # characters


class Consent(NamedTuple):
    """A consent: the key of its field, whether it is ticked, the line that records it, and its answers."""

    field: str
    is_ticked: bool
    line: str
    answers: Sequence[Answer]


def find_consent(
    expression: str,
    data: Mapping[str, Any],
    answers: Sequence[Answer],
    source: Form | Webhook,
    received_at: float,
) -> Consent:
    """The consent that the source's expression reads."""
    value = search("consent", expression, data)
    found = answers_read(expression, value, answers, source)
    [path] = read_paths(expression)
    field = ".".join(path[1:])
    label = ", ".join(dict.fromkeys(answer.name for answer in found)) or field
    said = [answer.value for answer in found] if value is True else value  # `body.terms == 'I agree'`
    return Consent(field, is_ticked(value), _line(label, said, received_at), found)


def is_ticked(value: Any) -> bool:
    """Whether a consent was given: true, or a text whose first word is no "no"; the last entry of a list decides.

    A number counts as its text; null, an object and an empty text or list tick nothing.
    """
    while isinstance(value, list):
        value = value[-1] if value else None
    if isinstance(value, bool):
        return value
    word = _WORD.search(unicodedata.normalize("NFC", to_text(value)[:_MAX_READ]).casefold())
    return word is not None and word[0] not in NO


def _line(label: str, value: Any, received_at: float) -> str:
    """The time of a consent, its label, and its wording if the value is more than a tick."""
    texts = [to_text(entry) for entry in (value if isinstance(value, list) else [value]) if is_ticked(entry)]
    wording = ", ".join(text for text in texts if text and text.casefold() not in _TICKED)
    time = datetime.fromtimestamp(received_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return to_line(f"Consent ({time})", " ".join(f"{label}: {wording}".rstrip(": ").split()))
