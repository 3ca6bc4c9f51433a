"""One request to a source, from its proof to its answer."""

import re
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response

from . import gateway, telemetry
from .captcha_check import CaptchaCheck
from .deadlines import RESERVE_SECONDS_EACH, Deadline, reserve
from .dependencies import Dependencies
from .errors import (
    ForeignOrigin,
    Permanent,
    Refused,
    Retryable,
    TakenForSpam,
    TooLarge,
    Unauthentic,
    Unavailable,
    Unreadable,
    UnsupportedMedia,
)
from .gateway import Request, json_response
from .intake import Event, Held, Ignored, Invalid, Mapped, evaluate, events
from .model import Place, Submission
from .outcomes import ANSWERED, OutcomeName
from .sources.config import Form, Handshake, Source, Webhook
from .sources.kept import kept_headers, kept_query
from .sources.signatures import SignedPost, authenticate

_MAX_HANDSHAKE = 1_000  # characters of body: it is not signed, so little of it is looked at
_MAX_ECHO = 200


class SignUp:
    """One request to a source: `answer` for a post, `ready` and `preflight` for what comes before it."""

    def __init__(self, deps: Dependencies, source_name: str, request: Request) -> None:
        self._deps = deps
        self._source_name = source_name
        self._request = request
        self._source: Source | None = None
        self._submission_id = str(uuid.uuid4())
        self._began = time.monotonic()

    def answer(self) -> Response[str]:
        """Every way a request can end, as HTTP."""
        failure: Refused | Unavailable
        try:
            return self._take()
        except Refused as error:
            failure = error
            response = self._refusal(error)
        except Unavailable as error:
            failure = error
            response = gateway.unavailable()
        if failure.code in ("secret_missing", "secret_malformed"):
            telemetry.measured("SigningSecretMissing")
        self._log(failure.outcome, code=failure.code)
        return self._with_cors(response)

    def ready(self) -> Response[str]:
        """What a validator, or a person who pastes the address into a browser, gets."""
        try:
            self._source = self._deps.source(self._source_name)
        except Refused as error:
            return self._refusal(error)
        return self._with_cors(json_response(200, {"status": "ready"}))

    def preflight(self) -> Response[str]:
        """CORS by the source's own allowed origins."""
        try:
            source = self._source = self._deps.source(self._source_name)
        except Refused as error:
            return self._refusal(error)
        allowed = isinstance(source, Form) and self._request.is_from(source.allowed_origins)
        return self._with_cors(gateway.preflight(allowed=allowed))

    def _take(self) -> Response[str]:
        """The answer to what was taken, once it is durable (P1)."""
        source = self._source = self._deps.source(self._source_name)
        self._set_deadline(source.answer_seconds)
        self._request.check_body_size()
        if (
            isinstance(source, Webhook)
            and source.handshake
            and (greeting := self._greeting(source.handshake))
        ):
            return greeting
        body, signed_id = self._prove(source)
        if self._request.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise UnsupportedMedia("content_encoding", "send the body without Content-Encoding")
        submission = Submission(
            submission_id=self._submission_id,
            source=source.name,
            received_at=self._deps.clock(),
            body=body,
            content_type=self._request.headers.get("content-type", ""),
            headers=kept_headers(source, self._request.headers),
            query=kept_query(source, self._request.query),
        )
        batch = events(submission, source, signed_id)
        if len(batch) > 1:
            return self._accepted(self._deliver_all(submission, batch, source))
        return self._accepted([self._deliver(batch[0], source)])

    def _set_deadline(self, answer_seconds: float) -> None:
        """Within so many seconds of the request's arrival at API Gateway all is done (P7)."""
        sam_local = self._deps.settings.sam_local
        self._deadline = Deadline.of_request(self._request.event, answer_seconds, sam_local=sam_local)
        self._reserve = reserve(answer_seconds)
        self._deps.answer_by(self._deadline, self._reserve)

    def _greeting(self, handshake: Handshake) -> Response[str] | None:
        """The answer to a sender's handshake, which is not signed and of which nothing is made."""
        echo = self._request.headers.get(handshake.echo_header, "") if handshake.echo_header else ""
        if handshake.echo_header and not (
            echo.isascii() and echo.isprintable() and 0 < len(echo) <= _MAX_ECHO
        ):
            return None
        if self._request.text_length > _MAX_HANDSHAKE:
            return None
        try:
            if not re.fullmatch(handshake.body.encode(), self._request.body().strip()):
                return None
        except Unreadable:
            return None
        self._log("handshake")
        response = json_response(200, {"status": "ready"})
        if handshake.echo_header:
            response.headers[handshake.echo_header] = echo
        return response

    def _prove(self, source: Source) -> tuple[bytes, str]:
        """The raw bytes, if they come from whom they say (P5), and the delivery id that is signed with them."""
        request = self._request
        if isinstance(source, Form):
            if request.origin not in (None, "null") and not request.is_from(source.allowed_origins):
                raise ForeignOrigin("foreign_origin")
            return request.body(), ""
        try:
            body = request.body()
        except Unreadable as error:
            raise Unauthentic(error.code) from error
        secrets = self._deps.secrets.signing_secrets(source.auth.secret)
        post, now = SignedPost(body, request.headers, request.query, request.uri), self._deps.clock()
        try:
            return body, authenticate(source.auth, secrets, post, now)
        except Unauthentic:
            newer = self._deps.secrets.signing_secrets(source.auth.secret, force_refresh=True)
            if newer == secrets:
                raise
            return body, authenticate(source.auth, newer, post, now)  # the secret was changed a moment ago

    def _deliver_all(self, whole: Submission, batch: list[Event], source: Source) -> list[dict[str, str]]:
        """What became of each event; a batch that was cut off goes on where it stopped, so nothing is parked twice."""
        known = self._deps.batches.settled(whole)
        results = [*known]
        try:
            for number, event in enumerate(batch[len(known) :], len(known) + 1):
                if len(results) > len(known) and self._deadline.remaining() < self._reserve / 2:
                    raise Unavailable("no_time_left")
                results.append(self._deliver(event, source, len(batch) - number))
        finally:
            if len(results) > len(known) and (known or len(results) < len(batch)):
                self._deps.batches.settle(whole, results)
        return results

    def _deliver(self, event: Event, source: Source, others: int = 0) -> dict[str, str]:
        """What became of an event; `others` of the same request still need time to be queued."""
        deadline = self._deadline.earlier(self._reserve + others * RESERVE_SECONDS_EACH)
        evaluated = evaluate(event, source)
        submission = evaluated.submission
        result = {"submission_id": submission.submission_id}
        try:
            match evaluated:
                case Ignored():
                    self._log("ignored", submission)
                    return {"status": "ignored", **result}
                case Invalid(error=error):
                    # A person can correct a form; a webhook's sender cannot, so what it sent is parked.
                    if isinstance(error, TooLarge) or (
                        isinstance(source, Form) and isinstance(error, Refused)
                    ):
                        raise error
                    raise evaluated.failure
            self._stop_spam(evaluated, source)
            count = self._daily_count(source)
            outcome = self._deps.delivery.deliver(
                evaluated.mapped, source.on_existing, deadline, Place(source.lane), count
            )
        except TakenForSpam as error:
            self._deps.delivery.hold(submission, error.code)
            self._log("held", submission, code=error.code)
            return {"status": "created", **result}  # as a success says: nobody learns which rule it met
        except (Retryable, Permanent) as error:
            status = self._deps.delivery.requeue_or_park(submission, error)
            self._log(status, submission, **telemetry.failure(error))
            return {"status": status, **result}
        self._log(outcome.status, submission)
        if isinstance(source, Form):
            return {"status": "created", **result}  # P8: it does not tell whether the address was known
        return {"status": outcome.status, **result, "contact_id": outcome.contact_id}

    def _stop_spam(self, evaluated: Mapped | Held, source: Source) -> None:
        """Raises TakenForSpam for what breaks a form's rule, Unmappable where a person can try again."""
        rule = evaluated.rule if isinstance(evaluated, Held) else None
        if evaluated.captcha and isinstance(source, Form) and source.spam:
            deadline = self._deadline.earlier(self._reserve)
            check = CaptchaCheck(self._deps, deadline, self._reserve, self._log_captcha_outage)
            rule = check.broken_rule(evaluated.captcha, source.spam) or rule
        if rule:
            raise TakenForSpam(rule)

    def _daily_count(self, source: Source) -> Callable[[int], None] | None:
        """Counts new contacts where the form takes only so many in a day."""
        if not isinstance(source, Form) or not source.spam or not source.spam.max_per_day:
            return None
        return partial(self._deps.daily_cap.take, source.name, source.spam.max_per_day)

    def _accepted(self, results: list[dict[str, str]]) -> Response[str]:
        """One result as it is; of several, all, under the least settled one's status."""
        if isinstance(self._source, Form) and self._source.success_url and self._request.is_from_page:
            return gateway.redirect(self._source.success_url)
        if len(results) == 1:
            return self._with_cors(json_response(200, results[0]))
        least = min(results, key=lambda result: ANSWERED.index(result["status"]))
        together = {"status": least["status"], "submission_id": self._submission_id, "submissions": results}
        return self._with_cors(json_response(200, together))

    def _refusal(self, error: Refused) -> Response[str]:
        if isinstance(self._source, Form) and self._source.error_url and self._request.is_from_page:
            return gateway.redirect(self._source.error_url)
        return gateway.refusal(error)

    def _with_cors(self, response: Response[str]) -> Response[str]:
        if isinstance(self._source, Form):
            return gateway.with_cors(response, self._request, self._source.allowed_origins)
        return response

    def _log_captcha_outage(self, code: str) -> None:
        telemetry.measured("CaptchaUnavailable")
        self._log("captcha_unavailable", code=code)

    def _log(self, status: OutcomeName, submission: Submission | None = None, **facts: Any) -> None:
        submission_id = submission.submission_id if submission else self._submission_id
        source = self._source.name if self._source else "unknown"  # the path's own word could be anything
        seconds = time.monotonic() - self._began
        telemetry.outcome(status, submission_id=submission_id, source=source, seconds=seconds, **facts)
