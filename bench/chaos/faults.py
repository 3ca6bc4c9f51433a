"""The faults of Clemta and of AWS: each alone, or all at once."""

from typing import Any

from bench.aws_faults import KINDS, SERVICES, AwsFaults
from bench.chaos.clemta import ClemtaControl
from local.clemta import FAULTS
from local.stack import Deployed

CLEMTA_SHARE = 0.35  # of Clemta's answers are faults
RATE_LIMITED_SHARE = (
    0.002  # of them: each 429 stops every function for two seconds, and would hide the other faults
)
AWS_SHARE = 0.01  # of each service's answers, for each kind of fault
SECONDS = {"rate_limited": 2, "timeout_before": 8, "timeout_after": 8, "slow": 8, "slow_headers": 8}
PERMANENT_STATUSES = (400, 401, 403)  # these sign-ups end in the dead-letter queue


class Faults:
    """Injects faults, until `clear`."""

    def __init__(self, deployed: Deployed, clemta: ClemtaControl, aws: AwsFaults, seed: int) -> None:
        self.aws = aws
        self._clemta = clemta
        self._seed = seed
        self._dynamodb = deployed.client("dynamodb")
        self._table = deployed.ledger_table

    def add_clemta(self, kind: str, probability: float = 1.0, **more: Any) -> None:
        """Adds one of Clemta's faults. Faults are drawn in the order in which they were added."""
        if kind in SECONDS:
            more["seconds"] = SECONDS[kind]
        fault = {"fault": kind, "on": "any", "times": None, "probability": probability, "seed": self._seed}
        self._clemta.call("POST", "faults", fault | more)

    def set_aws(self, rates: dict[tuple[str, str], float]) -> None:
        """Replaces AWS's faults: the probability by service and kind."""
        self.aws.rates = rates

    def add_all(self) -> None:
        """Every fault at once."""
        kinds: list[tuple[str, dict[str, Any]]] = [
            (kind, {}) for kind in FAULTS if kind not in ("status", "rate_limited")
        ]
        kinds += [("status", {"status": status}) for status in PERMANENT_STATUSES]
        each = (CLEMTA_SHARE - RATE_LIMITED_SHARE) / len(kinds)
        # Only calls that the faults before it let through reach a fault: dividing by their share makes all as likely.
        share_left = 1.0
        for number, (kind, more) in enumerate(kinds):
            self.add_clemta(kind, each / share_left, **more, seed=self._seed + number)
            share_left -= each
        self.add_clemta("rate_limited", RATE_LIMITED_SHARE / share_left)
        self.set_aws({(service, kind): AWS_SHARE for service in SERVICES for kind in KINDS})

    def clear(self) -> None:
        """Ends all faults, and what the ledger remembers of Clemta's last 429."""
        self._clemta.call("DELETE", "faults")
        self.set_aws({})
        self._dynamodb.delete_item(TableName=self._table, Key={"pk": {"S": "budget"}})

    def clemta_counts(self) -> dict[str, int]:
        """How often each of Clemta's faults was injected; to be read before `clear`."""
        counts: dict[str, int] = {}
        for fault in self._clemta.call("GET", "faults")["faults"]:
            counts[fault["fault"]] = counts.get(fault["fault"], 0) + fault["applied"]
        return counts

    def aws_counts(self) -> dict[str, int]:
        """How many faults were injected into each service."""
        return {
            service: sum(count for (name, _), count in self.aws.injected.items() if name == service)
            for service in SERVICES
        }
