"""The size limits of a submission. Every length is checked before the content is read (P9)."""

import re
from typing import Any

from ..errors import TooLarge, Unreadable
from ..model import Submission

MAX_BODY = 180_000  # bytes; in base64 with its headers it stays under the 256 KiB of an SQS message
MAX_HEADERS = 1_000  # characters of content type, kept headers and kept query, twelve bytes each at the worst
MAX_FIELDS = 2_000  # values in one body; Typeform's largest forms have some hundreds
MAX_DEPTH = 24
_SURROGATE = re.compile("[\ud800-\udfff]")


def check_size(submission: Submission) -> None:
    """Raises TooLarge if no queue message could carry it."""
    texts = (submission.content_type, *submission.headers.values(), *submission.query.values())
    if len(submission.body) > MAX_BODY or sum(map(len, texts)) > MAX_HEADERS:
        raise too_large()


def too_large() -> TooLarge:
    """The error for a submission that is larger than a queue message can carry."""
    return TooLarge(
        "too_large", f"at most {MAX_BODY} bytes of body and {MAX_HEADERS} of headers are accepted"
    )


def too_many_fields() -> Unreadable:
    """The error for a body with too many values."""
    return Unreadable("too_many_fields", f"more than {MAX_FIELDS} fields")


def check_data(data: Any) -> None:
    """Raises Unreadable for too many values, too deep a nesting and text that UTF-8 cannot carry (lone surrogates)."""
    level, count = [data], 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and _SURROGATE.search(value):
                raise Unreadable("surrogate", "the body holds half of a character")
            elif isinstance(value, float) and value in (float("inf"), float("-inf")):
                raise Unreadable("not_json", "a number is too large")
        count += len(below)
        if count > MAX_FIELDS * 2:  # a key and a value each
            raise too_many_fields()
        if not below:
            return
        level = below
    raise Unreadable("too_deep", f"nested more than {MAX_DEPTH} levels deep")
