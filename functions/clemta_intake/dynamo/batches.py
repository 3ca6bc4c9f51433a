"""The results of batches that were cut off."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import ConfigError, Retryable
from ..model import Submission
from .keys import batch_key
from .table import ConditionFailed, Table

_BATCH_SECONDS = 7 * 86_400  # senders stop sending a batch again sooner


class Batches:
    """Remembers the results of a batch's first entries, so that its next delivery continues after them.

    The item's key is a keyed hash of source and body. While the table is out of reach, the next delivery handles all
    entries again; the claims keep that from creating a second contact.
    """

    def __init__(self, table: Table, pepper: Callable[[], str], clock: Callable[[], float]) -> None:
        self._table = table
        self._pepper = pepper
        self._clock = clock

    def settled(self, whole: Submission) -> list[dict[str, str]]:
        """The results of the entries that are safe already; empty for a batch that is not known."""
        with suppress(ConditionFailed, Retryable, ConfigError):
            old = self._update(whole, "SET expires_at = :expires_at", "attribute_exists(pk)", {})
            return list(json.loads(old["settled"]))
        return []

    def settle(self, whole: Submission, results: list[dict[str, str]]) -> None:
        """Records the results of the first entries, which are safe."""
        update = "SET expires_at = :expires_at, settled = :settled"
        with suppress(Retryable, ConfigError):
            self._update(whole, update, None, {":settled": json.dumps(results)})

    def _update(
        self, whole: Submission, update: str, condition: str | None, values: dict[str, Any]
    ) -> dict[str, Any]:
        digest = hashlib.sha256(whole.body).hexdigest()
        pk = batch_key(self._pepper(), whole.source, digest)
        values = {":expires_at": int(self._clock()) + _BATCH_SECONDS, **values}
        return self._table.update(pk, update, condition, values, return_old=True)
