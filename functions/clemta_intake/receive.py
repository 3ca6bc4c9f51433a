"""Lambda 1: an API Gateway request becomes an HTTP answer. The way of a submission begins here."""

import gc

gc.disable()  # imports leave nothing to collect, and to look for it takes 6% of a cold start; on again below

import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from . import __version__, telemetry
from .deadlines import RESERVE_SECONDS, RESERVE_SECONDS_EACH, Deadline
from .errors import (
    DataError,
    ForeignOrigin,
    Permanent,
    Refused,
    Temporary,
    TooMany,
    Unauthentic,
    Unavailable,
    Unmappable,
    Unreadable,
    UnsupportedMedia,
)
from .sources.config import Form, Handshake, Source, Spam, Webhook
from .sources.mapping import Reading, kept_headers, kept_query, read
from .sources.signatures import authenticate
from .spam import broken_rule, captcha_token, is_disposable
from .submissions import (
    Submission,
    event_body,
    event_headers,
    event_query,
    event_uri,
    read_body,
    split_batch,
)
from .wiring import Wiring, wiring

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RETRY_AFTER = "30"
_ENDS = {Unauthentic: "unauthentic", Unavailable: "unavailable"}  # any other failure is "refused"
_SETTLED = ("parked", "queued", "created", "updated", "duplicate", "ignored")


def create_app(parts: Callable[[], Wiring]) -> APIGatewayRestResolver:
    """The routes, on parts that are made when a request first needs them."""
    app = APIGatewayRestResolver()

    @app.post("/signups/<source>")
    def sign_up(source: str) -> Response[str]:
        return _Request(parts(), source, app.current_event.raw_event).answer()

    @app.get("/signups/<source>")
    def ready(source: str) -> Response[str]:
        return _Request(parts(), source, app.current_event.raw_event).ready()

    @app.route("/signups/<source>", method="OPTIONS")
    def preflight(source: str) -> Response[str]:
        return _Request(parts(), source, app.current_event.raw_event).preflight()

    @app.get("/health")
    def health() -> Response[str]:
        return _json(200, {"status": "ok", "version": __version__})

    @app.not_found
    def no_route(_: Exception) -> Response[str]:
        return _problem(404, "Not found")

    return app


class _Request:
    """One request to a source."""

    def __init__(self, parts: Wiring, source_name: str, event: Mapping[str, Any]) -> None:
        self._parts = parts
        self._source_name = source_name
        self._event = event
        self._headers = event_headers(event)
        self._source: Source | None = None
        self._submission_id = str(uuid.uuid4())
        self._began = time.monotonic()
        self._deadline = Deadline.of_request(event)

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
            response = unavailable()
        if failure.code in ("secret_missing", "secret_malformed"):
            telemetry.measured("SigningSecretMissing")
        self._log(_ENDS.get(type(failure), "refused"), code=failure.code)
        return self._with_cors(response)

    def ready(self) -> Response[str]:
        """What a validator, or a person who pastes the address into a browser, gets."""
        try:
            self._source = self._parts.source(self._source_name)
        except Refused as error:
            return self._refusal(error)
        return self._with_cors(_json(200, {"status": "ready"}))

    def preflight(self) -> Response[str]:
        """CORS by the source's own allowed origins."""
        try:
            self._source = self._parts.source(self._source_name)
        except Refused as error:
            return self._refusal(error)
        response: Response[str] = Response(status_code=204, content_type=None, body="")
        if self._origin_allowed():
            response.headers.update(
                {
                    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
                    "Access-Control-Allow-Headers": "Content-Type",
                    "Access-Control-Max-Age": "600",
                }
            )
        return self._with_cors(response)

    def _take(self) -> Response[str]:
        """The answer to what was taken, once it is durable (P1)."""
        source = self._source = self._parts.source(self._source_name)
        if (
            isinstance(source, Webhook)
            and source.handshake
            and (greeting := self._greeting(source.handshake))
        ):
            return greeting
        body = self._proven_body(source)
        submission = Submission(
            submission_id=self._submission_id,
            source=source.name,
            received_at=self._parts.clock(),
            body=body,
            content_type=self._headers.get("content-type", ""),
            headers=kept_headers(source, self._headers),
            query=kept_query(source, event_query(self._event)),
        )
        submission.check_fits()
        if isinstance(source, Form) and source.spam and (rule := self._broken_rule(submission, source.spam)):
            return self._accepted([self._pretended(rule)])
        batch = split_batch(submission) if isinstance(source, Webhook) and source.batch else [submission]
        results: list[dict[str, str]] = []
        for number, one in enumerate(batch, 1):
            if results and self._deadline.remaining() < 0:  # what was done of it is known when it comes again
                raise Unavailable("no_time_left")
            results.append(self._deliver(one, source, len(batch) - number))
        return self._accepted(results)

    def _broken_rule(self, submission: Submission, spam: Spam) -> str | None:
        """The rule against machines that the form's submission breaks."""
        fields = read_body(submission.content_type, submission.body)
        if not isinstance(fields, dict):
            return None  # the reading says what is wrong with it
        if (rule := broken_rule(spam, fields, self._parts.clock())) or not spam.captcha:
            return rule
        provider, name = spam.captcha
        try:
            secret = next(iter(self._parts.signing_secrets(name)), "")
            if not secret:
                raise Temporary("captcha_secret_missing")
            token = captcha_token(provider, fields)
            deadline = self._deadline.earlier(RESERVE_SECONDS)
            return None if self._parts.captcha.is_person(provider, secret, token, deadline) else "captcha"
        except (Temporary, Unavailable) as error:
            telemetry.measured("CaptchaUnavailable")
            self._log("captcha_unavailable", submission, code=error.code)
            if spam.captcha_outage == "refuse":
                raise Unavailable(error.code) from error
            return None

    def _pretended(self, rule: str) -> dict[str, str]:
        """What a success says: the sender never learns which rule it met."""
        self._log("spam", rule=rule)
        return {"status": "created", "submission_id": self._submission_id}

    def _greeting(self, handshake: Handshake) -> Response[str] | None:
        """The answer to a sender's handshake, which is not signed and of which nothing is made."""
        echo = self._headers.get(handshake.echo_header, "") if handshake.echo_header else ""
        if handshake.echo_header and not (echo.isascii() and echo.isprintable() and 0 < len(echo) <= 200):
            return None
        try:
            if not re.fullmatch(handshake.body.encode(), event_body(self._event)):
                return None
        except Unreadable:
            return None
        self._log("handshake")
        response = _json(200, {"status": "ready"})
        if handshake.echo_header:
            response.headers[handshake.echo_header] = echo
        return response

    def _deliver(self, submission: Submission, source: Source, others: int) -> dict[str, str]:
        """What became of a submission; `others` of the same request still need time to be queued."""
        deadline = self._deadline.earlier(RESERVE_SECONDS + others * RESERVE_SECONDS_EACH)
        result = {"submission_id": submission.submission_id}
        try:
            reading = self._read(submission, source)
            if reading is None:
                self._log("ignored", submission)
                return {"status": "ignored", **result}
            if isinstance(source, Form) and source.spam:
                if source.spam.disposable and is_disposable(reading.contact.email):
                    return self._pretended("disposable")
                if source.spam.max_per_day:  # only what is a contact counts: nonsense must not use the day up
                    self._parts.daily_cap.take(source.name, source.spam.max_per_day)
            outcome = self._parts.delivery.deliver(reading, source.on_existing, deadline)
        except (Temporary, Permanent) as error:
            status = self._parts.delivery.keep(submission, error)
            self._log(status, submission, **telemetry.failure(error))
            return {"status": status, **result}
        self._log(outcome.status, submission)
        contact = {"contact_id": outcome.contact_id} if isinstance(source, Webhook) else {}
        return {"status": outcome.status, **result, **contact}

    def _proven_body(self, source: Source) -> bytes:
        """The raw bytes, if they come from whom they say (P5)."""
        if isinstance(source, Form):
            if "origin" in self._headers and not self._origin_allowed():
                raise ForeignOrigin("foreign_origin")
            return event_body(self._event)
        try:
            body = event_body(self._event)
        except Unreadable as error:
            raise Unauthentic(error.code) from error
        secrets = self._parts.signing_secrets(source.auth.secret)
        rest = body, self._headers, event_query(self._event), self._parts.clock(), event_uri(self._event)
        try:
            authenticate(source.auth, secrets, *rest)
        except Unauthentic:
            newer = self._parts.signing_secrets(source.auth.secret, doubted=True)
            if newer == secrets:
                raise
            authenticate(source.auth, newer, *rest)  # the secret was changed a moment ago
        return body

    def _read(self, submission: Submission, source: Source) -> Reading | None:
        """A person can mend a form; a webhook's sender cannot, so what it sent is parked."""
        try:
            return read(submission, source)
        except (Unreadable, UnsupportedMedia, Unmappable) as error:
            if isinstance(source, Form):
                raise
            raise DataError(error.code, str(error)) from error

    def _accepted(self, results: list[dict[str, str]]) -> Response[str]:
        """One result as it is; of several, all, under the least settled one's status."""
        if isinstance(self._source, Form) and self._source.success_url and self._from_a_page():
            return _redirect(self._source.success_url)
        if len(results) == 1:
            return self._with_cors(_json(200, results[0]))
        least = min(results, key=lambda result: _SETTLED.index(result["status"]))
        together = {"status": least["status"], "submission_id": self._submission_id, "submissions": results}
        return self._with_cors(_json(200, together))

    def _refusal(self, error: Refused) -> Response[str]:
        if isinstance(self._source, Form) and self._source.error_url and self._from_a_page():
            return _redirect(self._source.error_url)
        if isinstance(error, Unmappable):
            fields = [{"field": field, "message": message} for field, message in error.fields]
            return _problem(error.status, error.title, errors=fields)
        if isinstance(error, TooMany):
            response = _problem(error.status, error.title)
            response.headers["Retry-After"] = str(ceil(error.retry_after))
            return response
        detail = "" if isinstance(error, Unauthentic) or str(error) == error.code else str(error)
        return _problem(error.status, error.title, **({"detail": detail} if detail else {}))

    def _from_a_page(self) -> bool:
        return "text/html" in self._headers.get("accept", "")

    def _origin_allowed(self) -> bool:
        allowed = self._source.allowed_origins if isinstance(self._source, Form) else ()
        return "*" in allowed or self._headers.get("origin", "").lower() in allowed

    def _with_cors(self, response: Response[str]) -> Response[str]:
        if isinstance(self._source, Form):
            response.headers["Vary"] = "Origin"
            if "origin" in self._headers and self._origin_allowed():
                response.headers["Access-Control-Allow-Origin"] = self._headers["origin"]
        return response

    def _log(self, status: str, submission: Submission | None = None, **facts: Any) -> None:
        submission_id = submission.submission_id if submission else self._submission_id
        source = self._source.name if self._source else "unknown"  # the path's own word could be anything
        seconds = time.monotonic() - self._began
        telemetry.outcome(status, submission_id=submission_id, source=source, seconds=seconds, **facts)


def unavailable() -> Response[str]:
    """Our own trouble is always retryable (P2)."""
    response = _problem(503, "Service unavailable")
    response.headers["Retry-After"] = _RETRY_AFTER
    return response


def _json(status: int, body: Mapping[str, Any], content_type: str = "application/json") -> Response[str]:
    return Response(status_code=status, content_type=content_type, body=json.dumps(body), headers={})


def _problem(status: int, title: str, **more: Any) -> Response[str]:
    """RFC 9457."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return _json(status, body, "application/problem+json")


def _redirect(url: str) -> Response[str]:
    return Response(status_code=303, content_type=None, body="", headers={"Location": url})


app = create_app(wiring)
gc.freeze()  # what was imported lives as long as the process
gc.enable()


def handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """The function's entry point: whatever goes wrong inside, the sender gets an answer that it can act on."""
    try:
        return app.resolve(event, context)
    except Exception as error:
        telemetry.unexpected(error)
        failed = unavailable()
        return {
            "statusCode": failed.status_code,
            "headers": {"Content-Type": failed.content_type, **failed.headers},
            "body": failed.body,
            "isBase64Encoded": False,
        }
