"""Entry point 2: delivers the retry queue's messages with the same business rule, each independently."""

from . import coldstart

coldstart.pause_garbage_collector()

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from . import telemetry
from .deadlines import RESERVE_SECONDS, Deadline
from .dependencies import Dependencies, dependencies, prepare
from .errors import ConfigError, NotApplied, Permanent, Retryable, Unavailable, UnknownSource
from .intake import Invalid, Mapped, evaluate_queued
from .model import Envelope, Failure, MappedSubmission, Outcome, Submission
from .outcomes import OutcomeName
from .queue_message import NewerVersion, decode_envelope
from .sources.config import Source

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Attempts live in the message, so SQS's receive count holds crashes and throttled invocations only.
_POISON_RECEIVES = 8
_MESSAGE_SECONDS = 10.0


class Redelivery:
    """Handles one message; returns after its result is durable, and raises if it is not."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def message(self, message_id: str, text: str, receives: int, deadline: Deadline) -> None:
        """Delivers the submission, queues its next attempt, or parks it."""
        began = time.monotonic()
        try:
            envelope = decode_envelope(text)
        except NewerVersion as newer:
            self._deps.queues.park_newer(text, newer)
            submission_id, source = newer.submission_id or message_id, newer.source or "unknown"
            self._log("parked", submission_id, source, began, code="newer_version")
            return
        except ValueError:
            self._deps.delivery.park_poison(self._foreign(message_id, text), "not_a_submission")
            self._log("parked", message_id, "unknown", began, code="not_a_submission")
            return
        status, facts = self._redeliver(envelope, receives, deadline)
        queued = envelope.submission
        telemetry.record("WaitingAge", self._deps.clock() - queued.received_at)
        self._log(status, queued.submission_id, queued.source, began, attempt=envelope.attempt, **facts)

    def _redeliver(
        self, envelope: Envelope, receives: int, deadline: Deadline
    ) -> tuple[OutcomeName, dict[str, Any]]:
        delivery = self._deps.delivery
        if receives >= _POISON_RECEIVES:
            # The look may crash as the delivery did, so only the first of these receives takes it.
            if receives == _POISON_RECEIVES and self._is_delivered(envelope.submission):
                return "duplicate", {}
            delivery.park_poison(envelope, "crashed")
            return "parked", {"code": "crashed"}
        if delivery.postpone(envelope):
            return "postponed", {}
        try:
            outcome = self._deliver(envelope, deadline)
            return outcome.status, {"contact_id": outcome.contact_id}
        except (Retryable, Permanent) as error:
            kept = delivery.requeue_or_park(envelope.submission, error, envelope)
            # Its sign-up was counted as queued when it came; this is one more attempt of the same.
            return "requeued" if kept == "queued" else kept, telemetry.failure_fields(error)

    def _deliver(self, envelope: Envelope, deadline: Deadline) -> Outcome:
        """Maps the submission with the current sources file, which may have been corrected since."""
        mapped, source = self._map(envelope.submission)
        delivery, place = self._deps.delivery, envelope.place(source.lane)
        outcome = delivery.deliver(mapped, source.on_existing, deadline, place)
        if contact_events := self._deps.contact_events:
            contact_events.announce(envelope.submission, mapped, outcome, deadline)
        return outcome

    def _is_delivered(self, submission: Submission) -> bool:
        """Whether the ledger knows that the contact exists; False if that is unknown."""
        try:
            mapped, source = self._map(submission)
            return self._deps.delivery.is_delivered(mapped, source.on_existing)
        except (Retryable, Permanent):
            return False

    def _map(self, submission: Submission) -> tuple[MappedSubmission, Source]:
        try:
            source = self._deps.source(submission.source)
        except UnknownSource as error:
            raise ConfigError(error.code, "the source is no longer in sources.toml") from error
        except Unavailable as error:
            raise NotApplied(error.code) from error
        match evaluate_queued(submission, source):
            case Mapped(mapped=mapped):
                return mapped, source
            case Invalid() as invalid:
                raise invalid.failure
        # Ignored, but it was acknowledged: that its source takes it no longer is no reason to drop it.
        raise ConfigError("no_longer_accepted", "the source's `accept` does not take this event any more")

    def _foreign(self, message_id: str, text: str) -> Envelope:
        """The envelope of a foreign message, which is parked whole."""
        now = self._deps.clock()
        submission = Submission(message_id, "unknown", now, text.encode("utf-8", "surrogatepass"))
        return Envelope(submission, 0, now, Failure("poison", None, "", ""))

    def _log(self, status: OutcomeName, submission_id: str, source: str, began: float, **facts: Any) -> None:
        seconds = time.monotonic() - began
        telemetry.log_outcome(status, submission_id=submission_id, source=source, seconds=seconds, **facts)


def create_handler(
    deps: Callable[[], Dependencies],
) -> Callable[[dict[str, Any], "LambdaContext"], dict[str, Any]]:
    """The entry point; it makes its dependencies when a message first needs them."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
        left = len(event["Records"])

        def deliver(record: "SQSRecord") -> None:
            nonlocal left
            share = context.get_remaining_time_in_millis() / 1000 / left
            left -= 1
            receives = int(record.attributes.approximate_receive_count)
            try:
                deadline = Deadline.after(min(_MESSAGE_SECONDS, share - RESERVE_SECONDS))
                Redelivery(deps()).message(record.message_id, record.body, receives, deadline)
            except Exception as error:
                telemetry.record("RedeliveryFailures")
                telemetry.log_unexpected(error)
                raise

        return dict(process_partial_response(event, deliver, processor, context))

    return handle


handler = create_handler(dependencies)
coldstart.share_tls_context()
prepare()
coldstart.resume_garbage_collector()
