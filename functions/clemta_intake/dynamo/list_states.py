"""The states of the companies' lists in DynamoDB: one item for each company."""

import json
from collections.abc import Callable, Mapping

from ..model import ListState, Watermark
from .keys import list_key
from .table import ConditionFailed, Table

_FREE = "(attribute_not_exists(lease_until) OR lease_until <= :now)"
_NEWER = "(attribute_not_exists(complete_until) OR complete_until < :complete_until)"
_NOT_OFF = "(attribute_not_exists(off_until) OR off_until <= :began)"


class ListStates:
    """See contact_lists.ListStates. The pepper is part of the key: with another one, no mark in the ledger counts."""

    def __init__(self, table: Table, pepper: Callable[[], str]) -> None:
        self._table = table
        self._pepper = pepper

    def read(self, company_id: str) -> ListState:
        """The company's state; one of zeros if there is none."""
        item = self._table.get(self._key(company_id))
        return ListState(
            float(item.get("complete_until", 0)),
            float(item.get("full_at", 0)),
            float(item.get("off_until", 0)),
            _watermark(item.get("watermark", "[0, 0, []]")),
            item.get("trouble", ""),
        )

    def take_lease(self, company_id: str, known: ListState, now: float, until: float) -> bool:
        """Whether the caller alone may read until then: nobody else does, and nobody did since `known`."""
        values = {":until": until, ":now": now}
        same = "attribute_not_exists(complete_until)"
        if known.complete_until:
            same, values[":known"] = "complete_until = :known", known.complete_until
        return self._write(company_id, "SET lease_until = :until", f"{_FREE} AND {same}", values)

    def extend_lease(self, company_id: str, until: float) -> None:
        """Nobody reads until then; 0 ends the lease."""
        self._write(company_id, "SET lease_until = :until", None, {":until": until})

    def record(self, company_id: str, state: ListState) -> bool:
        """A complete reading, and the end of its lease; False if a later one is recorded, or the list is off."""
        values: dict[str, float | str] = {
            ":complete_until": state.complete_until,
            ":began": state.complete_until,
            ":full_at": state.full_at,
            ":watermark": json.dumps(state.watermark),
            ":over": 0,
        }
        update = "SET complete_until = :complete_until, full_at = :full_at, watermark = :watermark, lease_until = :over"
        return self._write(company_id, update, f"{_NEWER} AND {_NOT_OFF}", values)

    def record_progress(self, company_id: str, state: ListState) -> None:
        """A part of a reading: its watermark; does nothing if another reading was recorded since."""
        values: dict[str, float | str] = {
            ":complete_until": state.complete_until,
            ":watermark": json.dumps(state.watermark),
        }
        condition = "complete_until = :complete_until"
        self._write(company_id, "SET watermark = :watermark", condition, values)

    def record_full(self, company_id: str, full_at: float) -> None:
        """A reading of all contacts began then; does nothing if the list was switched off since."""
        condition = f"attribute_exists(complete_until) AND {_NOT_OFF}"
        self._write(company_id, "SET full_at = :began", condition, {":began": full_at})

    def switch_off(self, company_id: str, until: float, trouble: str) -> None:
        """The list is not used until then, and is read whole afterwards; the item says why."""
        update = "SET off_until = :until, trouble = :trouble REMOVE complete_until, full_at, watermark, lease_until"
        self._write(company_id, update, None, {":until": until, ":trouble": trouble})

    def _write(
        self, company_id: str, update: str, condition: str | None, values: Mapping[str, float | str]
    ) -> bool:
        try:
            self._table.update(self._key(company_id), update, condition, dict(values))
        except ConditionFailed:
            return False
        return True

    def _key(self, company_id: str) -> str:
        return list_key(self._pepper(), company_id)


def _watermark(text: str) -> Watermark:
    created_at, total, ids = json.loads(text)
    return Watermark(created_at, total, tuple(ids))
