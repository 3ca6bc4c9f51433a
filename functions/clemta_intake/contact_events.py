"""Announces created and updated contacts on an Amazon EventBridge bus: ids, source and outcome, no personal data (P8).

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from . import telemetry
from .deadlines import Deadline
from .model import MappedSubmission, Outcome, Submission

EVENT_SOURCE = "clemta-intake"
DETAIL_TYPES = {"created": "ContactCreated", "updated": "ContactUpdated"}
_MAX_ENTRIES = 10  # of one call
_WORTHWHILE_SECONDS = 0.7  # a call may take the client's two timeouts: no call starts with less time left


class ContactEvents:
    """Collects a request's events and sends them together. A lost event changes nothing else: an alarm reports it."""

    def __init__(self, client: Callable[[], Any], bus: str) -> None:
        self._client = client
        self._bus = bus
        self._pending: list[dict[str, str]] = []

    def announce(
        self, submission: Submission, mapped: MappedSubmission, outcome: Outcome, deadline: Deadline
    ) -> None:
        """Adds one event and sends it."""
        self.add(submission, mapped, outcome)
        self.send(deadline)

    def add(self, submission: Submission, mapped: MappedSubmission, outcome: Outcome) -> None:
        """Adds the contact's event, unless nothing was changed in Clemta."""
        if outcome.status not in DETAIL_TYPES:
            return
        detail = {
            "contact_id": outcome.contact_id,
            "company_id": mapped.contact.company_id,
            "submission_id": submission.submission_id,
            "source": submission.source,
            "outcome": outcome.status,
            "stack": telemetry.log.service,
        }
        self._pending.append(
            {
                "EventBusName": self._bus,
                "Source": EVENT_SOURCE,
                "DetailType": DETAIL_TYPES[outcome.status],
                "Detail": json.dumps(detail),
            }
        )

    def send(self, deadline: Deadline) -> None:
        """Sends what was added. Never raises, and ends before the deadline."""
        entries, self._pending = self._pending, []
        for start in range(0, len(entries), _MAX_ENTRIES):
            self._put(entries[start : start + _MAX_ENTRIES], deadline)

    def _put(self, entries: list[dict[str, str]], deadline: Deadline) -> None:
        if deadline.remaining() < _WORTHWHILE_SECONDS:
            telemetry.log_events_failed("no_time_left", len(entries))
            return
        try:
            answer = self._client().put_events(Entries=entries)
        except ClientError as error:
            telemetry.log_events_failed(error.response["Error"]["Code"], len(entries))
        except BotoCoreError as error:
            telemetry.log_events_failed(type(error).__name__, len(entries))
        except Exception as error:  # the contact exists, whatever went wrong here
            telemetry.record("ContactEventsFailed", len(entries))
            telemetry.log_unexpected(error)
        else:
            codes = [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]
            if codes:
                telemetry.log_events_failed(codes[0], len(codes))
