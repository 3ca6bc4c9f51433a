"""Which people have a contact in Clemta, without a look-up for each: one reading of the newest contacts serves many.

Each reading of a company's list marks its people in the ledger (`listed_at`), and then moves `complete_until` to its
own start. So a claim without a mark means that Clemta did not have the contact at `complete_until`, if that was read
before the claim. A contact that somebody adds by hand afterwards is missed until the next reading.

What Clemta does not promise is checked in each reading (contact_list.py, and our own last contact must be there). If a
check fails, the list of that company is not used for an hour: each submission is looked up.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from sys import maxsize
from typing import Any, NamedTuple, Protocol

from .contact_list import ContactList, ReadPage, person_of
from .contacts import ContactRequest
from .deadlines import NO_TIME_LEFT, Deadline
from .delivery import GetsContacts, is_gone
from .errors import NotApplied, Permanent, RateLimited, Retryable
from .model import ListState, Person

MAX_PAGES = 10  # of a reading during a delivery; a longer list is read by list_contacts.py
OFF_SECONDS = 3600
_LEASE_SECONDS = 10  # of one reading; it only keeps two processes from reading at once
# The age at which all contacts are read again: a reading of the newest shows no changed e-mail.
_FULL_SECONDS = 20 * 3600
_TRIES = 3  # of a mark: one that fails makes the whole reading worthless
_CLOCK_SKEW = 120  # seconds that Clemta's clock may be behind ours
_FIRST_SHARE = 0.5  # of a delivery's time that a first reading may take


class ListedPeople(Protocol):
    """What is needed of the ledger; dynamo.claims has it."""

    def record_listed(self, company_id: str, person: Person) -> None: ...


class ListStates(Protocol):
    """Where the states are; dynamo.list_states has them. Calls raise NotApplied while the table is out of reach."""

    def read(self, company_id: str) -> ListState: ...
    def take_lease(self, company_id: str, known: ListState, now: float, until: float) -> bool: ...
    def extend_lease(self, company_id: str, until: float) -> None: ...
    def record(self, company_id: str, state: ListState) -> bool: ...
    def record_progress(self, company_id: str, state: ListState) -> None: ...
    def record_full(self, company_id: str, full_at: float) -> None: ...
    def switch_off(self, company_id: str, until: float, trouble: str) -> None: ...


class NewestContacts(GetsContacts, Protocol):
    """What is needed of Clemta; clemta.client has it."""

    def newest(self, company_id: str, skip: int, deadline: Deadline) -> tuple[list[Any], int | None]: ...


class ListSettings(NamedTuple):
    """Times in seconds."""

    max_age: float  # of the list that a delivery relies on
    search_lag: float  # until Clemta shows a new contact


class _Posted(NamedTuple):
    """A contact that this process created."""

    company_id: str
    contact_id: str
    at: float


class ContactLists:
    """The lists of all companies. `clock` gives unix seconds."""

    def __init__(
        self,
        clemta: NewestContacts,
        ledger: ListedPeople,
        states: ListStates,
        settings: ListSettings,
        clock: Callable[[], float],
    ) -> None:
        self._clemta = clemta
        self._ledger = ledger
        self._states = states
        self._settings = settings
        self._clock = clock
        self._known: dict[str, ListState] = {}  # by company, as last seen
        self._posted: _Posted | None = None  # until a reading has shown it

    def current(self, company_id: str) -> ListState:
        """What is known now: for a claim that is made after this."""
        known = self._known.get(company_id, ListState())
        if not self._is_young(known):
            try:
                known = self._known[company_id] = self._states.read(company_id)
            except NotApplied:  # the claim has its own try, and finds nothing known
                return ListState()
        return known

    def is_new(self, contact: ContactRequest, known: ListState, deadline: Deadline) -> bool:
        """Whether Clemta has no such contact. `known` was read before the claim, which found no mark.

        Reads what is newer in Clemta's list if nobody else does; raises what Clemta's client and the ledger raise.
        """
        if self._is_young(known):
            return True
        now, company_id = self._clock(), contact.company_id
        if now < known.off_until or not self._states.take_lease(company_id, known, now, now + _LEASE_SECONDS):
            return False
        is_first = not known.is_complete(now)
        try:
            listed = (
                self._read_first(company_id, deadline)
                if is_first
                else self._read_newer(known, company_id, deadline)
            )
        except (Retryable, Permanent):
            with suppress(NotApplied):
                self._states.extend_lease(company_id, 0)
            raise
        if listed.is_complete:
            state = ListState(now, now if is_first else known.full_at, 0, listed.watermark)
            if self._states.record(company_id, state):
                self._known[company_id] = state
        elif is_first:  # it may only be too long for a delivery
            self._states.extend_lease(company_id, now + OFF_SECONDS)
        else:
            self._states.switch_off(company_id, now + OFF_SECONDS, listed.trouble)
        return listed.is_new(contact)

    def mark(self, contact: ContactRequest) -> None:
        """A contact is about to be created under a claim of its own: other deliveries must look the person up."""
        self._ledger.record_listed(contact.company_id, person_of(contact))

    def record_posted(self, company_id: str, contact_id: str, at: float) -> None:
        """This process created a contact by a call that began then: the list must show it after the search lag."""
        self._posted = self._posted or _Posted(company_id, contact_id, at)

    def read_all(self, company_id: str, wait: Callable[[float], None], deadline: Deadline) -> bool:
        """Reads the company's whole list if that is due, and waits before each page and for the rate limit.

        False if it is not due. Raises what Clemta's client and the ledger raise.
        """
        now, known = self._clock(), self._states.read(company_id)
        if now < known.off_until or (known.is_complete(now) and now - known.full_at < _FULL_SECONDS):
            return False
        listed = ContactList(partial(self._page_in_turn, company_id, wait, deadline))
        listed.read(maxsize)
        if not listed.is_complete:
            self._states.switch_off(company_id, now + OFF_SECONDS, listed.trouble)
            return True
        self._mark_complete(company_id, listed, deadline)
        self._states.record(company_id, ListState(now, now, 0, listed.watermark))
        self._states.record_full(company_id, now)  # also if a reading of the newest was recorded meanwhile
        return True

    def _is_young(self, known: ListState) -> bool:
        now = self._clock()
        return known.is_complete(now) and now - known.complete_until <= self._settings.max_age

    def _read_first(self, company_id: str, deadline: Deadline) -> ContactList:
        """Reads and marks all contacts in a part of the delivery's time; incomplete if they are too many for it."""
        deadline = Deadline.after(deadline.remaining() * _FIRST_SHARE)
        listed = ContactList(self._pages(company_id, deadline))
        try:
            listed.read(MAX_PAGES)
            self._mark_complete(company_id, listed, deadline)
        except NotApplied as error:
            if error.code != NO_TIME_LEFT:
                raise
            listed.is_complete = False
        return listed

    def _read_newer(self, known: ListState, company_id: str, deadline: Deadline) -> ContactList:
        """Reads and marks the contacts that are newer than those that are known."""
        began = self._clock()
        listed = ContactList(self._pages(company_id, deadline), known.watermark)
        listed.refresh()
        if listed.is_complete and not self._shows_posted(listed, company_id, began, deadline):
            listed.is_complete, listed.trouble = False, "without a contact that was created"
        self._mark_complete(company_id, listed, deadline, known)
        return listed

    def _mark_complete(
        self, company_id: str, listed: ContactList, deadline: Deadline, known: ListState | None = None
    ) -> None:
        """Marks the people of a complete list in the ledger, the oldest first.

        If it does not come to the end, the next reading goes on there; `known` is the state that it adds to.
        """
        if not listed.is_complete:
            return
        marked_until = 0.0
        try:
            for entry in listed.recent:
                self._mark(company_id, entry.person, deadline)
                marked_until = entry.created_at
        except NotApplied:
            if known and marked_until > known.watermark.created_at:
                progress = known._replace(watermark=listed.watermark_at(marked_until))
                with suppress(NotApplied):
                    self._states.record_progress(company_id, progress)
            raise

    def _mark(self, company_id: str, person: Person, deadline: Deadline, tries: int = _TRIES) -> None:
        deadline.check()
        try:
            self._ledger.record_listed(company_id, person)
        except NotApplied:
            if tries == 1:
                raise
            self._mark(company_id, person, deadline, tries - 1)

    def _shows_posted(self, listed: ContactList, company_id: str, began: float, deadline: Deadline) -> bool:
        """False if the reading should have shown the contact that this process created, and did not."""
        posted = self._posted
        if not posted or posted.company_id != company_id:
            return True
        is_there = posted.contact_id in listed.ids
        if not is_there and began - posted.at < self._settings.search_lag:
            return True
        self._posted = None
        is_older = listed.oldest > posted.at - _CLOCK_SKEW
        return is_there or is_older or is_gone(self._clemta, posted.contact_id, deadline)

    def _pages(self, company_id: str, deadline: Deadline) -> ReadPage:
        return lambda skip: self._clemta.newest(company_id, skip, deadline)

    def _page_in_turn(
        self, company_id: str, wait: Callable[[float], None], deadline: Deadline, skip: int
    ) -> tuple[list[Any], int | None]:
        wait(0)
        while True:
            try:
                return self._clemta.newest(company_id, skip, deadline)
            except RateLimited as error:
                deadline.check()
                wait(error.retry_after)
