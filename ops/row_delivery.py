"""Delivers an import's rows to Clemta from this machine, with the functions' rule, ledger and rate limit.

Each row costs one call to Clemta, because the company's contacts are read once (contact_list.py). A look-up is made
only for a row whose contact exists, or whose earlier attempt has an unknown outcome.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from clemta_intake.contact_list import ContactList
from clemta_intake.deadlines import Deadline
from clemta_intake.dependencies import Dependencies
from clemta_intake.errors import ConfigError, DataError, Permanent, RateLimited, Retryable
from clemta_intake.intake import Mapped, evaluate_queued
from clemta_intake.model import Outcome, Place, Submission
from clemta_intake.outcomes import OutcomeName
from clemta_intake.sources.config import Form

from .errors import OpsError

_SECONDS = 10  # for one row, without the waits for its turn
_CREATES_BETWEEN_READINGS = 85  # one page of 100 then shows them all, and some that are known
_MAX_AGE = 120  # seconds: a row that waited longer for its turn is looked up


@dataclass
class _Reading:
    """A company's contacts, when their last reading began, and how many rows became contacts of that company since."""

    contacts: ContactList
    read_at: float
    created: int = 0


class RowDelivery:
    """Delivers rows of one form, one after the other. `sleep` waits for the next turn.

    For `rows` rows a list of more pages costs more calls than it saves: then each row is looked up, as elsewhere.
    """

    def __init__(
        self, deps: Dependencies, source: Form, rows: int, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._deps = deps
        self._source = source
        self._rows = rows
        self._sleep = sleep
        self._readings: dict[str, _Reading] = {}  # by company

    def deliver(self, submission: Submission) -> OutcomeName:
        """What became of the row, after it is durable. Raises OpsError if Clemta would refuse every row."""
        submission = submission._replace(received_at=self._deps.clock())
        try:
            return self._deliver(submission)
        except ConfigError as error:
            raise OpsError(
                f"Clemta refuses ({error.code}): run clemta-intake doctor, then import again"
            ) from None
        except (Retryable, Permanent) as error:
            return self._deps.delivery.requeue_or_park(submission, error)

    def _deliver(self, submission: Submission) -> OutcomeName:
        evaluated = evaluate_queued(submission, self._source)
        if not isinstance(evaluated, Mapped):  # read_rows has checked it
            raise DataError("not_mapped")
        mapped, policy = evaluated.mapped, self._source.on_existing
        reading = self._current(mapped.contact.company_id)

        def deliver(place: Place) -> Outcome:
            is_new = self._age(reading) <= _MAX_AGE and reading.contacts.is_new(mapped.contact)
            row = mapped._replace(is_new=is_new)
            return self._deps.delivery.deliver(row, policy, Deadline.after(_SECONDS), place)

        outcome = self._in_turn(deliver)
        reading.created += outcome.status == "created"
        return outcome.status

    def _current(self, company_id: str) -> _Reading:
        """The company's contacts, read once; what is newer is read after so many creates, or so much time."""
        reading = self._readings.get(company_id)
        if reading and reading.created < _CREATES_BETWEEN_READINGS and self._age(reading) <= _MAX_AGE:
            return reading
        began = self._deps.clock()
        contacts = reading.contacts if reading else ContactList(partial(self._read_page, company_id))
        try:
            if reading:
                contacts.refresh()
            else:
                contacts.read(self._rows)
        except Retryable:
            contacts.is_complete = False  # each row is looked up
        self._readings[company_id] = _Reading(contacts, began)
        return self._readings[company_id]

    def _age(self, reading: _Reading) -> float:
        """Seconds since it was read."""
        return self._deps.clock() - reading.read_at

    def _read_page(self, company_id: str, skip: int) -> tuple[list[Any], int | None]:
        def read(place: Place) -> tuple[list[Any], int | None]:
            self._deps.clemta.set_place(place)
            return self._deps.clemta.newest(company_id, skip, Deadline.after(_SECONDS))

        return self._in_turn(read)

    def _in_turn[Result](self, call: Callable[[Place], Result]) -> Result:
        """The call's result, after as many waits for its turn as the rate limit asks for."""
        place = Place(self._source.lane)
        while True:
            try:
                return call(place)
            except RateLimited as error:
                place = Place(self._source.lane, error.slot, self._deps.clock() + error.retry_after)
                self._sleep(error.retry_after)
