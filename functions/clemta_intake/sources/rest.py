"""The rest: the answers that the contact's fields do not tell. Pure."""

from collections.abc import Iterable, Sequence, Set
from functools import cache
from typing import Any

from .answers import Answer, to_answers
from .config import Form, Webhook
from .expressions import Path, plain_path, read_paths
from .fields import Reading


def answers_in_body(source: Webhook, body: Any) -> list[Answer]:
    """The answers of a webhook without `answers`: each value of the body, but what identifies or dates the event."""
    technical = _reads(source.delivery_id, source.event_time, source.accept)
    fields = dict(enumerate(body)) if isinstance(body, list) else body
    return [answer for answer in to_answers(fields) if ("body", *answer.path) not in technical]


def without_repeated(
    answers: Iterable[Answer], readings: Sequence[Reading], told: Set[Answer], email: str
) -> list[Answer]:
    """The answers without those that are told, and those that repeat the address or what won their own field."""
    others = [answer for answer in answers if answer not in told]
    if not others:
        return others
    lost = {reading.answer: _kind(reading.field) for reading in readings if reading.field}
    texts: dict[str, set[str]] = {}
    if not lost.keys().isdisjoint(others):
        for answer in told & lost.keys():
            texts.setdefault(lost[answer], set()).add(folded(answer.value))
    address = folded(email)
    return [
        answer
        for answer in others
        if (text := folded(answer.value)) != address and text not in texts.get(lost.get(answer, ""), ())
    ]


def _kind(field: str) -> str:
    """The field without the place where a reading found it: a lost "country" is "billing.country" where it wins."""
    kind = field.removeprefix("billing.")
    return "full_name" if kind == "name" else kind


def without_mapped(answers: Sequence[Answer], source: Form | Webhook, results: Iterable[str]) -> list[Answer]:
    """The answers without those that a `contact` expression reads and whose words are all in the results."""
    base = _base(source)
    if base is None or not source.contact:
        return [*answers]
    reads = _reads(*source.contact.values())
    words = {word.strip(",;") for text in results for word in folded(text).split()}

    def is_mapped(answer: Answer) -> bool:
        path = (*base, *answer.path)
        return any(path[:length] in reads for length in range(1, len(path) + 1)) and all(
            word.strip(",;") in words for word in folded(answer.value).split()
        )

    return [answer for answer in answers if not is_mapped(answer)]


def answers_read(
    expression: str, result: Any, answers: Iterable[Answer], source: Form | Webhook
) -> list[Answer]:
    """The answers at the path that an expression reads, else the only one near it with the text of its result."""
    [path] = read_paths(expression)
    base = _base(source)
    found = [answer for answer in answers if base is not None and (*base, *answer.path) == path]
    places = [base] if base is not None else read_paths(source.answers or "body")
    if found or not any(place[: len(path)] == path[: len(place)] for place in places):
        return found
    text = folded(as_text(result))
    found = [answer for answer in answers if folded(answer.value) == text]
    return found if len(found) == 1 else []


def as_text(value: Any) -> str:
    """A value as its answer shows it."""
    return ", ".join(answer.value for answer in to_answers({"": value}))


def folded(text: str) -> str:
    """The text as it is compared: without case, and with one space for white space."""
    return " ".join(text.casefold().split())


def _base(source: Form | Webhook) -> Path | None:
    """The path below which the answers stand by their own paths; None if `answers` rearranges them."""
    return plain_path(source.answers) if source.answers else ("body",)


@cache
def _reads(*expressions: str | None) -> frozenset[Path]:
    return frozenset(path for text in expressions if text for path in read_paths(text))
