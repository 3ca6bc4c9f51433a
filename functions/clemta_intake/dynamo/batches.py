"""How far a batch came that was cut off."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import ConfigError, Retryable
from ..model import Submission
from .ledger import _keyed
from .table import ConditionFailed, Table

_BATCH_SECONDS = 7 * 86_400  # senders give up sooner


class Batches:
    """What became of a batch that was cut off: its sender sends the whole again, and only the rest is worked on.

    An item holds the results of the batch's first entries, under a keyed hash of its body. While the table is out of
    reach the whole batch is worked on again: that makes no second contact.
    """

    def __init__(self, table: Table, pepper: Callable[[], str], clock: Callable[[], float]) -> None:
        self._table = table
        self._pepper = pepper
        self._clock = clock

    def settled(self, whole: Submission) -> list[dict[str, str]]:
        """The results of the batch's first entries, which are safe already; empty if it comes for the first time."""
        with suppress(ConditionFailed, Retryable, ConfigError):
            old = self._update(whole, "SET expires_at = :expires_at", "attribute_exists(pk)", {})
            return list(json.loads(old["settled"]))
        return []

    def settle(self, whole: Submission, results: list[dict[str, str]]) -> None:
        """The first entries are safe, with these results."""
        update = "SET expires_at = :expires_at, settled = :settled"
        with suppress(Retryable, ConfigError):
            self._update(whole, update, None, {":settled": json.dumps(results)})

    def _update(
        self, whole: Submission, update: str, condition: str | None, values: dict[str, Any]
    ) -> dict[str, Any]:
        digest = hashlib.sha256(whole.body).hexdigest()
        pk = "batch#" + _keyed(self._pepper(), f"{whole.source}\n{digest}")
        values = {":expires_at": int(self._clock()) + _BATCH_SECONDS, **values}
        return self._table.update(pk, update, condition, values, wants_old=True)
