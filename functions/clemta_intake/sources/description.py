"""Composes a contact's description: what the sender said, then a line for each answer that no field takes. Pure."""

import re
from collections.abc import Sequence

from ..contacts import CONTROL, MAX_TEXT

LINE_BREAKS = re.compile("\r\n|[\r\n\u2028\u2029]")
# Controls that reverse the direction of the text around them.
BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SHORTEST = 100  # characters that a line which is cut keeps
_COUNT = "({} of the answers did not fit here)"
_COUNT_LENGTH = len(_COUNT) + 8  # at most, and a line break


def printable(text: str) -> str:
    """The text with "\n" for each line break and without other control characters, which Clemta refuses."""
    return CONTROL.sub("", LINE_BREAKS.sub("\n", text)).strip()


def to_line(label: str, text: str) -> str:
    """`Label: text`, with the text's further lines indented; "" without a text."""
    lines = [line.strip() for line in printable(BIDI.sub("", text)).split("\n")]
    value = "\n  ".join(line for line in lines if line)
    if not value:
        return ""
    name = " ".join(printable(BIDI.sub("", label)).split()).rstrip(" :")
    return f"{name}: {value}" if name else value


def compose(said: str, lines: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The description within Clemta's limit, and those of its lines that follow what the sender said.

    If not everything fits, what the sender said keeps at least half of the room, and the longest lines are cut first.
    The last line then counts what is cut or left out.
    """
    needed = len(said) + sum(map(len, lines)) + len(lines)
    if needed <= MAX_TEXT:
        return "\n".join([said, *lines] if said else lines), tuple(lines)
    room = MAX_TEXT - _COUNT_LENGTH
    head = _cut(said, max(room // 2, room - needed + len(said)))
    kept, lost = _fit(lines, room - len(head))
    kept.append(_COUNT.format(lost + (head != said)))
    return "\n".join([head, *kept] if head else kept), tuple(kept)


def _fit(lines: Sequence[str], room: int) -> tuple[list[str], int]:
    """The lines in this room, and the number of those that are cut or left out."""
    longest, kept, lost = _longest(lines, room), [], 0
    for line in lines:
        short = _cut(line, longest)
        fits = len(short) < room  # with its line break
        if fits:
            kept.append(short)
            room -= len(short) + 1
        lost += not fits or short != line
    return kept, lost


def _longest(lines: Sequence[str], room: int) -> int:
    """The length to which lines are cut so that all of them fit; too many lines for that keep _SHORTEST."""
    for place, line in enumerate(sorted(lines, key=len)):
        share = room // (len(lines) - place)
        if len(line) >= share:
            return max(share - 1, _SHORTEST)
        room -= len(line) + 1
    return MAX_TEXT


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
