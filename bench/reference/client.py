"""Our Clemta client alone, without the rest of the product."""

import json
import os
from typing import Any

from clemta_intake.clemta.client import Clemta
from clemta_intake.contacts import ContactRequest
from clemta_intake.deadlines import Deadline
from clemta_intake.model import Place


class Unlimited:
    """A rate limit that allows every call."""

    def serve(self, place: Place) -> None:
        """Records nothing."""

    def take(self, deadline: Deadline, ahead: int = 0) -> None:
        """Allows the call."""

    def heard(self, remaining: int, reset: float, deadline: Deadline) -> None:
        """Remembers nothing."""

    def refused(self, seconds: float, _: Deadline) -> tuple[float, str]:
        """Clemta's own delay."""
        return seconds, ""


clemta = Clemta(os.environ["CLEMTA_BASE_URL"], lambda _: os.environ["BENCH_API_KEY"], Unlimited())


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Creates a contact; the event does not matter."""
    contact = ContactRequest(
        type="customer",
        full_name="Ada Example",
        email="ada@example.com",
        company_id=os.environ["DEFAULT_COMPANY_ID"],
    )
    contact_id = clemta.create(contact, Deadline.after(4))
    return {"statusCode": 200, "body": json.dumps({"status": "created", "id": contact_id})}
