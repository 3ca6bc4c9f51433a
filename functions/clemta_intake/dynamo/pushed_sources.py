"""The sources file that an operator made live, an item of the table."""

from ..live_sources import DEPLOYED, Pushed
from .table import Table

KEY = "sources"
"""The functions' roles may read this item and no other, and may not write it."""


class PushedSources:
    """Reads the live version."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self) -> Pushed:
        """The live version, or DEPLOYED if nothing was pushed; raises NotApplied while DynamoDB is out of reach."""
        item = self._table.get(KEY)
        if not item:
            return DEPLOYED
        return Pushed(str(item.get("version", "")), str(item.get("text", "")))
