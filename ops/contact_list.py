"""The contacts that a company has in Clemta: read once, later only those that are newer."""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from math import inf
from sys import maxsize
from typing import Any, Literal, NamedTuple

from clemta_intake.contacts import ContactRequest

_MARGIN = 5  # seconds: contacts of the same moment may appear in another order
_MAX_NEWER_PAGES = 10  # of one refresh; more come only if Clemta does not order them

type ReadPage = Callable[[int], tuple[list[Any], int | None]]
"""The page after so many contacts, the newest first, and how many contacts there are, if Clemta says it."""


class _Entry(NamedTuple):
    id: str
    person: tuple[str, str]  # type, and e-mail in one case
    created_at: float


class ContactList:
    """One company's contacts. What a complete list does not hold is new, unless somebody added it in Clemta since.

    Deleted contacts stay in the list. `read_page` may raise what Clemta's client raises.
    """

    def __init__(self, read_page: ReadPage) -> None:
        self._read_page = read_page
        self._ids: set[str] = set()
        self._people: set[tuple[str, str]] = set()
        self._newest = -inf
        self.is_complete = False

    def read(self, max_pages: int) -> None:
        """Reads all contacts if they fill at most so many pages, and then those that came meanwhile.

        It starts again once if some were deleted meanwhile.
        """
        page, total = self._read_page(0)
        if total is None or total > max_pages * len(page):
            return
        for _ in range(2):
            self.is_complete = self._read_down_to(-inf, maxsize) and self._read_newer()
            if self.is_complete:
                return

    def refresh(self) -> None:
        """Reads the contacts that were created since the last reading."""
        self.is_complete = self.is_complete and self._read_newer()

    def is_new(self, contact: ContactRequest) -> bool:
        """Whether the list is complete and holds nobody of this type and e-mail."""
        return self.is_complete and (contact.type, contact.email.casefold()) not in self._people

    def _read_newer(self) -> bool:
        return self._read_down_to(self._newest - _MARGIN, _MAX_NEWER_PAGES)

    def _read_down_to(self, created_at: float, max_pages: int) -> bool:
        """Reads pages down to a contact that was created earlier, or to the end; False if something may be missing.

        What is created meanwhile stands before the first page, and is not looked for. Each page begins with the last
        contact of the page before it. If it does not, a contact was deleted meanwhile, and those after it moved up: one
        of them may have been skipped.
        """
        position, first_total = 0, 0  # in Clemta's list; how many contacts there were when the reading began
        for _ in range(max_pages):
            overlap = min(position, 1)
            page, total = self._read_page(position - overlap)
            if not overlap:
                first_total = total or 0
            entries = [_entry(one) for one in page]
            if overlap and not (entries and entries[0].id in self._ids):
                return False
            if not _is_newest_first(entries):
                return False
            for entry in entries:
                self._ids.add(entry.id)
                self._people.add(entry.person)
                self._newest = max(self._newest, entry.created_at)
            position += len(entries) - overlap
            is_end = len(entries) <= overlap or (total is not None and position >= total)
            if is_end or entries[-1].created_at < created_at:
                return len(self._ids) >= first_total
        return False


def order_of(page: Iterable[Any]) -> Literal["newest first", "other", "unknown"]:
    """The order of a page's contacts; unknown if their times are all the same."""
    entries = [_entry(one) for one in page if isinstance(one, dict)]
    if len({entry.created_at for entry in entries}) < 2:
        return "unknown"
    return "newest first" if _is_newest_first(entries) else "other"


def _is_newest_first(entries: Iterable[_Entry]) -> bool:
    return all(earlier.created_at >= later.created_at for earlier, later in pairwise(entries))


def _entry(one: Mapping[str, Any]) -> _Entry:
    """One contact of an answer; the order of contacts without a time is unknown, so they count as unordered."""
    created_at = one.get("created_at")
    person = (str(one.get("type")), str(one.get("email")).casefold())
    return _Entry(str(one.get("id")), person, created_at if isinstance(created_at, int | float) else inf)
