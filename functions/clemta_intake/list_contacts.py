"""Entry point 5: reads a company's whole list of contacts, once a day and where none is complete (contact_lists.py).

A list of up to ten pages is also read by the first delivery that needs it. This function reads longer ones, and finds
the e-mail addresses that were changed in Clemta.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import telemetry
from .deadlines import Deadline
from .dependencies import Dependencies, dependencies
from .errors import Permanent, Retryable

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_SHARE = 3  # of the rate limit, one call in so many is a page: the others are left to sign-ups
_RESERVE_SECONDS = 5  # to end before Lambda's timeout


def read_lists(deps: Dependencies, seconds: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """Reads each company's list that is due, within so many seconds."""
    if not deps.contact_lists:
        return
    deadline = Deadline.after(seconds)
    pause = _SHARE * 60 / deps.settings.clemta_requests_per_minute
    for company_id in sorted(deps.company_ids()):
        began = time.monotonic()
        try:
            is_read = deps.contact_lists.read_all(company_id, lambda wait: sleep(max(wait, pause)), deadline)
        except (
            Retryable,
            Permanent,
        ) as error:  # the next run tries again; meanwhile each sign-up is looked up
            facts = {"company_id": company_id, **telemetry.failure_fields(error)}
            telemetry.log.warning("list not read", extra=facts)
            continue
        if is_read:
            facts = {"company_id": company_id, "seconds": round(time.monotonic() - began, 1)}
            telemetry.log.info("list read", extra=facts)


def handler(_: dict[str, Any], context: "LambdaContext") -> None:
    """Runs on a schedule."""
    read_lists(dependencies(), context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
