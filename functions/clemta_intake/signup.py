"""One request to a source, from its authentication to its answer."""

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
    UnknownSource,
    Unreadable,
    UnsupportedMedia,
)
from .gateway import Request, json_response
from .intake import Event, Held, Ignored, Invalid, Mapped, evaluate, events
from .model import Place, Submission
from .outcomes import ANSWERED, OutcomeName
from .sources.config import Form, Handshake, Source, Webhook, has_address
from .sources.kept import kept_headers, kept_query
from .sources.signatures import SignedPost, authenticate

_MAX_HANDSHAKE_BODY = 1_000  # characters; a handshake is not signed, so a longer body is not read
_MAX_ECHO = 200
_SOURCES_SECONDS = 0.4


class SignUp:
    """One request to a source: `answer` handles a POST, `ready` a GET and `preflight` an OPTIONS."""

    def __init__(self, deps: Dependencies, source_name: str, request: Request) -> None:
        self._deps = deps
        self._source_name = source_name
        self._request = request
        self._source: Source | None = None
        self._submission_id = str(uuid.uuid4())
        self._started = time.monotonic()

    def answer(self) -> Response[str]:
        """The HTTP response for every result that a POST can have."""
        failure: Refused | Unavailable
        try:
            return self._process()
        except Refused as error:
            failure = error
            response = self._refusal(error)
        except Unavailable as error:
            failure = error
            response = self._unavailable()
        if failure.code in ("secret_missing", "secret_malformed"):
            telemetry.record("SigningSecretMissing")
        self._log(failure.outcome, code=failure.code)
        return self._with_cors(response)

    def ready(self) -> Response[str]:
        """The response for a sender's validator, or for a person who opens the address in a browser."""
        try:
            self._find_source()
        except Refused as error:
            return self._refusal(error)
        except Unavailable:
            return gateway.unavailable()
        return self._with_cors(json_response(200, {"status": "ready"}))

    def preflight(self) -> Response[str]:
        """The CORS response, by the source's allowed origins."""
        try:
            source = self._find_source()
        except Refused as error:
            return self._refusal(error)
        except Unavailable:
            return gateway.unavailable()
        allowed = isinstance(source, Form) and self._request.is_from(source.allowed_origins)
        return self._with_cors(gateway.preflight(allowed=allowed))

    def _process(self) -> Response[str]:
        """Accepts the request, and returns its answer after every submission is durable (P1)."""
        source = self._find_source()
        self._set_deadline(source.answer_seconds)
        self._request.check_body_size()
        if (
            isinstance(source, Webhook)
            and source.handshake
            and (response := self._answer_handshake(source.handshake))
        ):
            return response
        body, signed_id = self._authenticate(source)
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
        batch = events(submission, source, signed_id, self._request.headers.get("accept-language", ""))
        try:
            if len(batch) > 1:
                return self._success(self._deliver_all(submission, batch, source))
            return self._success([self._deliver(batch[0], source)])
        finally:
            if contact_events := self._deps.contact_events:
                contact_events.send(self._deadline)

    def _find_source(self) -> Source:
        """The source; UnknownSource if there is none that takes HTTP requests.

        A slow read of the live sources does not use up the sender's time, which the source defines.
        """
        self._deps.answer_by(Deadline.after(_SOURCES_SECONDS), 0)
        source = self._deps.source(self._source_name)
        if not has_address(source):
            raise UnknownSource("not_over_http")
        self._source = source
        return source

    def _set_deadline(self, answer_seconds: float) -> None:
        """Sets the deadline: `answer_seconds` after the request arrived at API Gateway (P7)."""
        sam_local = self._deps.settings.sam_local
        self._deadline = Deadline.of_request(self._request.event, answer_seconds, sam_local=sam_local)
        self._reserve = reserve(answer_seconds)
        self._deps.answer_by(self._deadline, self._reserve)

    def _answer_handshake(self, handshake: Handshake) -> Response[str] | None:
        """The answer to a sender's handshake, which is unsigned and creates no submission; None if it is not one."""
        echo = self._request.headers.get(handshake.echo_header, "") if handshake.echo_header else ""
        if handshake.echo_header and not (
            echo.isascii() and echo.isprintable() and 0 < len(echo) <= _MAX_ECHO
        ):
            return None
        if self._request.text_length > _MAX_HANDSHAKE_BODY:
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

    def _authenticate(self, source: Source) -> tuple[bytes, str]:
        """The authenticated raw body (P5) and the signed delivery id; "" where the scheme signs none."""
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
            return body, authenticate(source.auth, newer, post, now)  # the secret was rotated a moment ago

    def _deliver_all(self, whole: Submission, batch: list[Event], source: Source) -> list[dict[str, str]]:
        """The result of each event; a repeated batch continues where the first try stopped and parks nothing twice."""
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

    def _deliver(self, event: Event, source: Source, remaining: int = 0) -> dict[str, str]:
        """The result of one event; reserves time to queue the `remaining` events of the same request."""
        deadline = self._deadline.earlier(self._reserve + remaining * RESERVE_SECONDS_EACH)
        evaluated = evaluate(event, source)
        submission = evaluated.submission
        result = {"submission_id": submission.submission_id}
        try:
            match evaluated:
                case Ignored():
                    self._log("ignored", submission)
                    return {"status": "ignored", **result}
                case Invalid(error=error):
                    # A person can correct a form. A webhook's sender cannot, so its submission is parked.
                    if isinstance(error, TooLarge) or (
                        isinstance(source, Form) and isinstance(error, Refused)
                    ):
                        raise error
                    raise evaluated.failure
            self._check_spam(evaluated, source)
            count = self._daily_count(source)
            if source.answer == "queued":
                if count:
                    count(1)  # here, because what comes from the queue is not counted
                self._deps.delivery.queue(submission)
                self._log("queued", submission)
                return {"status": "queued", **result}
            outcome = self._deps.delivery.deliver(
                evaluated.mapped, source.on_existing, deadline, Place(source.lane), count
            )
        except TakenForSpam as error:
            self._deps.delivery.hold(submission, error.code)
            self._log("held", submission, code=error.code)
            # The same answer as a success, so that a bot does not learn the rule.
            return {"status": "queued" if source.answer == "queued" else "created", **result}
        except (Retryable, Permanent) as error:
            status = self._deps.delivery.requeue_or_park(submission, error)
            self._log(status, submission, **telemetry.failure_fields(error))
            return {"status": status, **result}
        self._log(outcome.status, submission, contact_id=outcome.contact_id)
        if contact_events := self._deps.contact_events:
            contact_events.add(submission, evaluated.mapped, outcome)
        if isinstance(source, Form):
            # P8: the answer does not reveal whether the address was known.
            return {"status": "created", **result}
        return {"status": outcome.status, **result, "contact_id": outcome.contact_id}

    def _check_spam(self, evaluated: Mapped | Held, source: Source) -> None:
        """Raises TakenForSpam if the form breaks a spam rule, Unmappable if a person can try again."""
        rule = evaluated.rule if isinstance(evaluated, Held) else None
        if evaluated.captcha and isinstance(source, Form) and source.spam:
            deadline = self._deadline.earlier(self._reserve)
            check = CaptchaCheck(self._deps, deadline, self._reserve, self._log_captcha_outage)
            rule = check.broken_rule(evaluated.captcha, source.spam) or rule
        if rule:
            raise TakenForSpam(rule)

    def _daily_count(self, source: Source) -> Callable[[int], None] | None:
        """The function that counts new contacts against the form's daily cap; None without a cap."""
        if not isinstance(source, Form) or not source.spam or not source.spam.max_per_day:
            return None
        return partial(self._deps.daily_cap.take, source.name, source.spam.max_per_day)

    def _success(self, results: list[dict[str, str]]) -> Response[str]:
        """A single result, or all results under the status of the least complete one."""
        if isinstance(self._source, Form) and self._request.is_from_page:
            if self._source.success_url:
                return gateway.redirect(self._source.success_url)
            from . import visitor_page

            return self._with_cors(visitor_page.thanks(self._source, self._request))
        if len(results) == 1:
            return self._with_cors(json_response(200, results[0]))
        least = min(results, key=lambda result: ANSWERED.index(result["status"]))
        together = {"status": least["status"], "submission_id": self._submission_id, "submissions": results}
        return self._with_cors(json_response(200, together))

    def _refusal(self, error: Refused) -> Response[str]:
        if isinstance(self._source, Form) and self._request.is_from_page:
            if self._source.error_url:
                return gateway.redirect(self._source.error_url)
            from . import visitor_page

            return visitor_page.refusal(error, self._source, self._request)
        return gateway.refusal(error)

    def _unavailable(self) -> Response[str]:
        if isinstance(self._source, Form) and self._request.is_from_page:
            from . import visitor_page

            return visitor_page.unavailable(self._source, self._request)
        return gateway.unavailable()

    def _with_cors(self, response: Response[str]) -> Response[str]:
        if isinstance(self._source, Form):
            return gateway.with_cors(response, self._request, self._source.allowed_origins)
        return response

    def _log_captcha_outage(self, code: str) -> None:
        telemetry.record("CaptchaUnavailable")
        self._log("captcha_unavailable", code=code)

    def _log(self, status: OutcomeName, submission: Submission | None = None, **facts: Any) -> None:
        submission_id = submission.submission_id if submission else self._submission_id
        # The path may hold any text, which must not be logged.
        source = self._source.name if self._source else "unknown"
        seconds = time.monotonic() - self._started
        telemetry.log_outcome(status, submission_id=submission_id, source=source, seconds=seconds, **facts)
