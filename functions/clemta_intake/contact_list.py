"""The contacts that a company has in Clemta: read once, later only those that are newer."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import pairwise
from math import inf
from sys import maxsize
from typing import Any, Literal, NamedTuple

from .contacts import ContactRequest
from .model import Person, Watermark

_MARGIN = 5  # seconds: contacts of the same moment may appear in another order
_MAX_IDS = 1_000  # in a watermark: DynamoDB's items hold 400 KB
_TRIES = 2  # of a reading
_MAX_NEWER_PAGES = 10  # of one refresh; more come only if Clemta does not order them

type ReadPage = Callable[[int], tuple[list[Any], int | None]]
"""The page after so many contacts, the newest first, and how many contacts there are, if Clemta says it."""


class Entry(NamedTuple):
    id: str
    person: Person
    created_at: float


class ContactList:
    """One company's contacts. What a complete list does not hold is new, unless somebody added it in Clemta since.

    Deleted contacts stay in the list. `read_page` may raise what Clemta's client raises. With the `watermark` of a
    complete list, this one holds only what a refresh reads: what is newer, and some that are not.
    """

    def __init__(self, read_page: ReadPage, watermark: Watermark | None = None) -> None:
        self._read_page = read_page
        self.ids = set(watermark.ids if watermark else ())
        self.people: set[Person] = set()
        self.recent: list[Entry] = []
        """The contacts of the last reading that the one before it need not have shown, the oldest first."""
        self.watermark = watermark or Watermark()
        self.oldest = inf
        """When the oldest contact was created that was read; -inf after the last one."""
        self.is_complete = watermark is not None
        self.trouble = ""
        """Why the last reading is not complete."""
        self._is_too_long = False

    def read(self, max_pages: int) -> None:
        """Reads all contacts if they fill at most so many pages; starts again once if some were deleted meanwhile."""
        for _ in range(_TRIES):
            self.ids, self.watermark = set(), Watermark()
            self.is_complete = self._read_down_to(-inf, max_pages)
            if self.is_complete or self._is_too_long:
                return

    def refresh(self) -> None:
        """Reads the contacts that were created since the last reading; starts again once, as `read` does."""
        if self.is_complete:
            created_at = self.watermark.created_at - _MARGIN
            self.is_complete = any(self._read_down_to(created_at, _MAX_NEWER_PAGES) for _ in range(_TRIES))

    def is_new(self, contact: ContactRequest) -> bool:
        """Whether the list is complete and holds nobody of this type and e-mail."""
        return self.is_complete and person_of(contact) not in self.people

    def watermark_at(self, created_at: float) -> Watermark:
        """The watermark as if the last reading had ended with the contacts of that time."""
        later = sum(entry.created_at > created_at for entry in self.recent)
        earlier = [entry for entry in self.recent if entry.created_at <= created_at]
        return _watermark(earlier, self.watermark.total - later)

    def _read_down_to(self, created_at: float, max_pages: int) -> bool:
        """Reads pages down to a contact that was created earlier, or to the end; False if something may be missing.

        To the end it reads only if all contacts fill at most `max_pages`.

        What is created meanwhile stands before the first page, and is not looked for. Each page begins with the last
        contact of the page before it. If it does not, a contact was deleted meanwhile, and those after it moved up: one
        of them may have been skipped.
        """
        position = 0  # in Clemta's list
        total_at_first = 0  # how many contacts there were when the reading began
        reading: dict[str, Entry] = {}
        is_whole = created_at == -inf
        for _ in range(maxsize if is_whole else max_pages):
            overlap = min(position, 1)
            page, total = self._read_page(position - overlap)
            if not overlap:
                total_at_first = total or 0
                self._is_too_long = is_whole and (total is None or total > max_pages * len(page))
                if self._is_too_long:
                    return self._fail("too long")
            entries = [_entry(one) for one in page]
            if overlap and not (entries and entries[0].id in reading):
                return self._fail("changed during the reading")
            if not _is_newest_first(entries):
                return self._fail("not the newest first")
            reading |= {entry.id: entry for entry in entries}
            position += len(entries) - overlap
            is_end = len(entries) <= overlap or (total is not None and position >= total)
            if is_end or entries[-1].created_at < created_at:
                self.oldest = min(self.oldest, -inf if is_end else entries[-1].created_at)
                return self._add(reading, total_at_first)
        return self._fail("too many new contacts")

    def _add(self, reading: Mapping[str, Entry], total: int) -> bool:
        """Adds what was read; False if the counts show that Clemta hides or leaves out contacts."""
        before = self.watermark
        recent = [entry for entry in reading.values() if entry.created_at >= before.created_at - _MARGIN]
        ids = {entry.id for entry in recent}
        added, deleted = ids - self.ids, set(before.ids) - ids
        if not len(reading) <= total <= before.total + len(added) - len(deleted):
            return self._fail("a total that does not fit")
        watermark = _watermark(reading.values(), total)
        if len(watermark.ids) > _MAX_IDS:
            return self._fail("too many contacts of one moment")
        self.ids |= reading.keys()
        self.people |= {entry.person for entry in reading.values()}
        self.recent = sorted(recent, key=lambda entry: entry.created_at)
        self.watermark = watermark
        return True

    def _fail(self, trouble: str) -> Literal[False]:
        self.trouble = trouble
        return False


def person_of(contact: ContactRequest) -> Person:
    """Who it is in a list."""
    return contact.type, contact.email.casefold()


def order_of(page: Iterable[Any]) -> Literal["newest first", "other", "unknown"]:
    """The order of a page's contacts; unknown if their times are all the same."""
    entries = [_entry(one) for one in page if isinstance(one, dict)]
    if len({entry.created_at for entry in entries}) < 2:
        return "unknown"
    return "newest first" if _is_newest_first(entries) else "other"


def _watermark(entries: Collection[Entry], total: int) -> Watermark:
    newest = max((entry.created_at for entry in entries), default=0.0)
    ids = tuple(entry.id for entry in entries if entry.created_at >= newest - _MARGIN)
    return Watermark(newest, total, ids)


def _is_newest_first(entries: Iterable[Entry]) -> bool:
    entries = [*entries]
    in_order = (earlier.created_at >= later.created_at for earlier, later in pairwise(entries))
    return all(in_order) and all(entry.created_at < inf for entry in entries)


def _entry(one: Mapping[str, Any]) -> Entry:
    """One contact of an answer; the order of contacts without a time is unknown, so they count as unordered."""
    created_at = one.get("created_at")
    person = (str(one.get("type")), str(one.get("email")).casefold())
    return Entry(str(one.get("id")), person, created_at if isinstance(created_at, int | float) else inf)
