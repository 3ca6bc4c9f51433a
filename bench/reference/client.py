"""The product's own Clemta client and nothing else of it: the call by itself."""

import json
import os
from typing import Any

from clemta_intake.clemta.client import Clemta
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.model import Place
from clemta_intake.transport import Transport


class Unlimited:
    """A rate limit that counts nothing."""

    def set_place(self, place: Place) -> None:
        """Nobody waits."""

    def acquire(self, deadline: Deadline, reserve_next: int = 0) -> None:
        """Always."""

    def record_remaining(self, remaining: int, reset_seconds: float, deadline: Deadline) -> None:
        """Nothing is remembered."""

    def on_rate_limited(self, seconds: float, _: Deadline) -> tuple[float, str]:
        """Clemta's own word."""
        return seconds, ""


clemta = Clemta(
    os.environ["CLEMTA_BASE_URL"], lambda _: os.environ["BENCH_API_KEY"], Unlimited(), Transport()
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A contact, whatever the event says."""
    contact = ContactRequest(
        type="customer",
        full_name="Ada Example",
        email="ada@example.com",
        company_id=os.environ["DEFAULT_COMPANY_ID"],
    )
    contact_id = clemta.create(contact, Deadline.after(4))
    return {"statusCode": 200, "body": json.dumps({"status": "created", "id": contact_id})}
