"""Entry point 3: Amazon Cognito's post-confirmation trigger; a confirmed user becomes a contact.

https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html
"""

from . import coldstart

coldstart.pause_garbage_collector()

import json
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import telemetry
from .deadlines import Deadline, reserve
from .dependencies import Dependencies, dependencies, prepare
from .errors import ConfigError, OutcomeUnknown, Permanent, Refused, Retryable, TooLarge, Unavailable
from .intake import Ignored, Invalid, evaluate, events
from .model import Place, Submission
from .outcomes import OutcomeName
from .sources.config import Form, Webhook, has_address

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Cognito waits for 5 s, cold start included, and the person waits with it.
_ANSWER_SECONDS = 3.0


class Confirmation:
    """One event of the trigger; `process` returns after the sign-up is durable (P1). Raises Unavailable."""

    def __init__(self, deps: Dependencies, event: dict[str, Any]) -> None:
        self._deps = deps
        self._submission = Submission(
            submission_id=str(uuid.uuid4()),
            source=deps.settings.cognito_source,
            received_at=deps.clock(),
            body=json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass"),
            content_type="application/json",
        )

    def process(self) -> None:
        """Delivers the sign-up, or puts it into a queue; logs the outcome."""
        began = time.monotonic()
        try:
            status, facts = self._settle()
        except Unavailable as error:
            self._log(error.outcome, began, code=error.code)
            raise
        self._log(status, began, **facts)

    def _settle(self) -> tuple[OutcomeName, dict[str, Any]]:
        """The outcome, and what else to log of it."""
        try:
            return self._deliver()
        except TooLarge as error:  # no queue message could carry it
            return error.outcome, {"code": error.code}
        except (Retryable, Permanent) as error:
            facts = telemetry.failure_fields(error)
            return self._deps.delivery.requeue_or_park(self._submission, error), facts
        except Exception as error:
            # Cognito does not repeat what failed, so a bug of ours must not lose the sign-up.
            telemetry.log_unexpected(error)
            unknown = OutcomeUnknown("unexpected")
            return self._deps.delivery.requeue_or_park(self._submission, unknown), {"code": unknown.code}

    def _deliver(self) -> tuple[OutcomeName, dict[str, Any]]:
        self._end_calls_within(_ANSWER_SECONDS)
        source = self._source()
        deadline = self._end_calls_within(source.answer_seconds)
        [event] = events(self._submission, source)
        evaluated = evaluate(event, source)
        self._submission = evaluated.submission  # without secrets, whatever becomes of it
        match evaluated:
            case Ignored():
                return "ignored", {}
            case Invalid(error=TooLarge() as error):
                raise error
            case Invalid():
                raise evaluated.failure
        delivery = self._deps.delivery
        if source.answer == "queued":
            delivery.queue(self._submission)
            return "queued", {}
        mapped, place = evaluated.mapped, Place(source.lane)
        outcome = delivery.deliver(mapped, source.on_existing, deadline, place)
        if contact_events := self._deps.contact_events:
            contact_events.announce(self._submission, mapped, outcome, self._answer_by)
        return outcome.status, {"contact_id": outcome.contact_id}

    def _end_calls_within(self, seconds: float) -> Deadline:
        """The deadline of the delivery, which leaves time to the queue."""
        self._answer_by, for_the_queue = Deadline.after(seconds), reserve(seconds)
        self._deps.answer_by(self._answer_by, for_the_queue)
        return self._answer_by.earlier(for_the_queue)

    def _log(self, status: OutcomeName, began: float, **facts: Any) -> None:
        ids = {"submission_id": self._submission.submission_id, "source": self._submission.source}
        telemetry.log_outcome(status, **ids, seconds=time.monotonic() - began, **facts)

    def _source(self) -> Webhook:
        try:
            source = self._deps.source(self._submission.source)
        except Refused as error:
            raise ConfigError(error.code, "the source is not in sources.toml") from error
        if isinstance(source, Form) or has_address(source):
            raise ConfigError("not_cognito", 'the source is not of kind = "cognito"')
        return source


def create_handler(
    deps: Callable[[], Dependencies],
) -> Callable[[dict[str, Any], "LambdaContext"], dict[str, Any]]:
    """The entry point; it makes its dependencies when an event first needs them."""

    def handle(event: dict[str, Any], _: "LambdaContext") -> dict[str, Any]:
        try:
            Confirmation(deps(), event).process()
        except Unavailable as error:
            # The app of the person may show this text. The account is confirmed whatever we answer.
            message = "The account is confirmed, but the sign-up could not be passed on."
            raise Unavailable(error.code, message) from None
        return event

    return handle


handler = create_handler(dependencies)
coldstart.share_tls_context()
prepare()
coldstart.resume_garbage_collector()
