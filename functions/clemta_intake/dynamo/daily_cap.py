"""The limit of new contacts for each source and day."""

from collections.abc import Callable
from contextlib import suppress

from ..errors import Retryable, TakenForSpam
from .table import ConditionFailed, Table

_DAY_SECONDS = 86_400


class DailyCap:
    """Counts each source's new contacts of the day (UTC). While the table is out of reach nothing is limited."""

    def __init__(self, table: Table, clock: Callable[[], float]) -> None:
        self._table = table
        self._clock = clock

    def take(self, source: str, most: int, numbers: int) -> None:
        """Adds `numbers` (1, or 0 to check only) to today's count. Raises TakenForSpam if that is `most` already."""
        day = self._clock() // _DAY_SECONDS
        values = {":numbers": numbers, ":most": most, ":expires_at": int((day + 2) * _DAY_SECONDS)}
        update = "SET expires_at = :expires_at ADD taken :numbers"
        condition = "attribute_not_exists(taken) OR taken < :most"
        with suppress(Retryable):
            try:
                self._table.update(f"cap#{source}#{int(day)}", update, condition, values)
            except ConditionFailed:
                raise TakenForSpam("max_per_day") from None
