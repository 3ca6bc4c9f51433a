"""Lambda 1: an API Gateway request becomes an HTTP answer. The way of a submission begins here."""

from . import coldstart

coldstart.pause_garbage_collector()

import re
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from . import __version__, telemetry
from .bodies import check_size, split_batch
from .deadlines import ANSWER_SECONDS, RESERVE_SECONDS_EACH, WORTHWHILE_SECONDS, Deadline, reserve
from .dependencies import Dependencies, dependencies
from .errors import (
    CaptchaTrouble,
    DataError,
    ForeignOrigin,
    NotApplied,
    Permanent,
    Refused,
    Retryable,
    TakenForSpam,
    Unauthentic,
    Unavailable,
    Unmappable,
    Unreadable,
    UnsupportedMedia,
)
from .gateway import (
    check_body_size,
    event_body,
    event_headers,
    event_path,
    event_query,
    event_uri,
    json_response,
    problem,
    redirect,
    unavailable,
)
from .model import MappedSubmission, Place, Submission
from .outcomes import ANSWERED, OutcomeName
from .sources.config import Form, Handshake, Source, Spam, Webhook
from .sources.mapping import Prepared, kept_headers, kept_query, prepare, read
from .sources.signatures import SignedRequest, authenticate
from .sources.spam import broken_rule, captcha_refused, captcha_token

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from .captcha import Verdict


_MAX_HANDSHAKE = 1_000  # characters of body: it is not signed, so little of it is looked at


class _Resolver(APIGatewayRestResolver):
    """Routes by the resource that API Gateway matched: it is the same under every domain."""

    def resolve(self, event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
        return super().resolve({**event, "path": event_path(event)}, context)


def create_app(parts: Callable[[], Dependencies]) -> APIGatewayRestResolver:
    """The routes, on parts that are made when a request first needs them."""
    app = _Resolver()

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
        return json_response(200, {"status": "ok", "version": __version__})

    @app.not_found
    def no_route(_: Exception) -> Response[str]:
        return problem(404, "Not found")

    return app


class _Request:
    """One request to a source."""

    def __init__(self, parts: Dependencies, source_name: str, event: Mapping[str, Any]) -> None:
        self._parts = parts
        self._source_name = source_name
        self._event = event
        self._headers = event_headers(event)
        self._source: Source | None = None
        self._submission_id = str(uuid.uuid4())
        self._began = time.monotonic()
        self._be_quick(ANSWER_SECONDS)

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
        self._log(failure.outcome, code=failure.code)
        return self._with_cors(response)

    def ready(self) -> Response[str]:
        """What a validator, or a person who pastes the address into a browser, gets."""
        try:
            self._source = self._parts.source(self._source_name)
        except Refused as error:
            return self._refusal(error)
        return self._with_cors(json_response(200, {"status": "ready"}))

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
        self._be_quick(source.answer_seconds)
        check_body_size(self._event)
        if (
            isinstance(source, Webhook)
            and source.handshake
            and (greeting := self._greeting(source.handshake))
        ):
            return greeting
        body, signed_id = self._proven_body(source)
        if self._headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
            raise UnsupportedMedia("content_encoding", "send the body without Content-Encoding")
        submission = Submission(
            submission_id=self._submission_id,
            source=source.name,
            received_at=self._parts.clock(),
            body=body,
            content_type=self._headers.get("content-type", ""),
            headers=kept_headers(source, self._headers),
            query=kept_query(source, event_query(self._event)),
        )
        check_size(submission)
        batch = split_batch(submission) if isinstance(source, Webhook) and source.batch else [submission]
        if len(batch) > 1:
            return self._accepted(self._deliver_all(submission, batch, source, signed_id))
        return self._accepted([self._deliver(prepare(submission, source, signed_id), source, 0)])

    def _deliver_all(
        self, whole: Submission, batch: list[Submission], source: Source, signed_id: str
    ) -> list[dict[str, str]]:
        """What became of each entry; a batch that was cut off goes on where it stopped, so nothing is parked twice."""
        known = self._parts.batches.settled(whole)
        results = [*known]
        try:
            for number, one in enumerate(batch[len(known) :], len(known) + 1):
                if len(results) > len(known) and self._deadline.remaining() < self._reserve / 2:
                    raise Unavailable("no_time_left")
                # Each entry of a batch is a delivery of its own, under the one id that was signed.
                one_id = f"{signed_id}-{number}" if signed_id else one.delivery_id
                results.append(self._deliver(prepare(one, source, one_id), source, len(batch) - number))
        finally:
            if len(results) > len(known) and (known or len(results) < len(batch)):
                self._parts.batches.settle(whole, results)
        return results

    def _be_quick(self, answer_seconds: float) -> None:
        """Within so many seconds of the request's arrival at API Gateway all is done (P7)."""
        sam_local = self._parts.settings.sam_local
        self._deadline = Deadline.of_request(self._event, answer_seconds, sam_local=sam_local)
        self._reserve = reserve(answer_seconds)
        self._parts.answer_by(self._deadline, self._reserve)

    def _check_spam(self, fields: Mapping[str, Any], email: str, spam: Spam) -> None:
        """Raises Unmappable where a person can try again, TakenForSpam where the form's post breaks a rule."""
        rule = broken_rule(spam, fields, email)  # may refuse: before the captcha, whose token counts once
        if spam.captcha:
            rule = self._broken_captcha(spam, *spam.captcha, fields) or rule
        if rule:
            raise TakenForSpam(rule)

    def _broken_captcha(self, spam: Spam, provider: str, name: str, fields: Mapping[str, Any]) -> str | None:
        """The captcha's rule that the post breaks; Unmappable where another token may be better."""
        token = captcha_token(provider, fields)
        left = self._deadline.earlier(self._reserve).remaining()
        if left < WORTHWHILE_SECONDS:
            raise Unavailable("no_time_left")  # no outage of the captcha's: nobody may gain by being slow
        try:
            said = self._verdict(provider, name, token)
            if spam.min_score and said.person and said.score is None:
                raise NotApplied("captcha_without_score")  # the key is not one of v3
        except (Retryable, Unavailable) as error:
            if left < self._reserve / 2 and not isinstance(
                error, CaptchaTrouble
            ):  # it had too little time to say so
                raise Unavailable("no_time_left") from error
            telemetry.measured("CaptchaUnavailable")
            self._log("captcha_unavailable", code=error.code)
            if spam.captcha_outage == "refuse":
                raise Unavailable(error.code) from error
            return None
        if not said.person:
            raise captcha_refused(provider, "captcha_refused")
        if spam.hostname and said.hostname != spam.hostname:
            raise captcha_refused(provider, "captcha_hostname")
        if spam.min_score and not (said.score or 0) >= spam.min_score:
            return "captcha_score"  # held: the maker judges that it is a machine, and a second try would say the same
        return None

    def _verdict(self, provider: str, name: str, token: str) -> "Verdict":
        """The verifier's word, with the first secret that it takes; the secrets may have been changed a moment ago."""
        deadline = self._deadline.earlier(self._reserve)
        trouble, tried = CaptchaTrouble("captcha_secret_missing"), {""}
        for force_refresh in (False, True):
            for secret in self._parts.signing_secrets(name, force_refresh=force_refresh):
                if secret in tried:
                    continue
                tried.add(secret)
                try:
                    return self._parts.captcha.verify(provider, secret, token, deadline)
                except CaptchaTrouble as error:
                    trouble = error
        raise trouble

    def _greeting(self, handshake: Handshake) -> Response[str] | None:
        """The answer to a sender's handshake, which is not signed and of which nothing is made."""
        echo = self._headers.get(handshake.echo_header, "") if handshake.echo_header else ""
        if handshake.echo_header and not (echo.isascii() and echo.isprintable() and 0 < len(echo) <= 200):
            return None
        if len(self._event.get("body") or "") > _MAX_HANDSHAKE:
            return None
        try:
            if not re.fullmatch(handshake.body.encode(), event_body(self._event).strip()):
                return None
        except Unreadable:
            return None
        self._log("handshake")
        response = json_response(200, {"status": "ready"})
        if handshake.echo_header:
            response.headers[handshake.echo_header] = echo
        return response

    def _deliver(self, prepared: Prepared, source: Source, others: int) -> dict[str, str]:
        """What became of a submission; `others` of the same request still need time to be queued."""
        submission = prepared.submission
        check_size(submission)  # a body that is written again without its secrets may have grown
        deadline = self._deadline.earlier(self._reserve + others * RESERVE_SECONDS_EACH)
        result = {"submission_id": submission.submission_id}
        try:
            reading = self._read(prepared, source)
            if reading is None:
                self._log("ignored", submission)
                return {"status": "ignored", **result}
            count = None
            if isinstance(source, Form) and source.spam:
                self._check_spam(prepared.posted, reading.contact.email, source.spam)
                if most := source.spam.max_per_day:
                    count = partial(self._parts.daily_cap.take, source.name, most)
            outcome = self._parts.delivery.deliver(
                reading, source.on_existing, deadline, Place(source.lane), count
            )
        except TakenForSpam as error:
            self._parts.delivery.hold(submission, error.code)
            self._log("held", submission, code=error.code)
            return {"status": "created", **result}  # as a success says: nobody learns which rule it met
        except (Retryable, Permanent) as error:
            status = self._parts.delivery.requeue_or_park(submission, error)
            self._log(status, submission, **telemetry.failure(error))
            return {"status": status, **result}
        self._log(outcome.status, submission)
        if isinstance(source, Form):
            return {"status": "created", **result}  # P8: it does not tell whether the address was known
        return {"status": outcome.status, **result, "contact_id": outcome.contact_id}

    def _proven_body(self, source: Source) -> tuple[bytes, str]:
        """The raw bytes, if they come from whom they say (P5), and the delivery id that is signed with them."""
        if isinstance(source, Form):
            # "null" is what a browser sends for a page that keeps its address to itself.
            if self._headers.get("origin", "null") != "null" and not self._origin_allowed():
                raise ForeignOrigin("foreign_origin")
            return event_body(self._event), ""
        try:
            body = event_body(self._event)
        except Unreadable as error:
            raise Unauthentic(error.code) from error
        secrets = self._parts.signing_secrets(source.auth.secret)
        request = SignedRequest(body, self._headers, event_query(self._event), event_uri(self._event))
        now = self._parts.clock()
        try:
            return body, authenticate(source.auth, secrets, request, now)
        except Unauthentic:
            newer = self._parts.signing_secrets(source.auth.secret, force_refresh=True)
            if newer == secrets:
                raise
            return body, authenticate(source.auth, newer, request, now)  # the secret was changed a moment ago

    def _read(self, prepared: Prepared, source: Source) -> MappedSubmission | None:
        """A person can mend a form; a webhook's sender cannot, so what it sent is parked."""
        try:
            return read(prepared.submission, source, prepared.body)
        except (Unreadable, UnsupportedMedia, Unmappable) as error:
            if isinstance(source, Form):
                raise
            raise DataError(error.code, str(error)) from error

    def _accepted(self, results: list[dict[str, str]]) -> Response[str]:
        """One result as it is; of several, all, under the least settled one's status."""
        if isinstance(self._source, Form) and self._source.success_url and self._from_a_page():
            return redirect(self._source.success_url)
        if len(results) == 1:
            return self._with_cors(json_response(200, results[0]))
        least = min(results, key=lambda result: ANSWERED.index(result["status"]))
        together = {"status": least["status"], "submission_id": self._submission_id, "submissions": results}
        return self._with_cors(json_response(200, together))

    def _refusal(self, error: Refused) -> Response[str]:
        if isinstance(self._source, Form) and self._source.error_url and self._from_a_page():
            return redirect(self._source.error_url)
        if isinstance(error, Unmappable):
            fields = [{"field": field, "message": message} for field, message in error.fields]
            return problem(error.status, error.title, errors=fields)
        detail = "" if isinstance(error, Unauthentic) or str(error) == error.code else str(error)
        return problem(error.status, error.title, **({"detail": detail} if detail else {}))

    def _from_a_page(self) -> bool:
        """Whether a browser asks that goes to the answer: a program may take HTML too, but not before all else."""
        first = self._headers.get("accept", "").partition(",")[0].partition(";")[0]
        return (
            first.strip().lower() == "text/html"
            or self._headers.get("sec-fetch-mode", "").lower() == "navigate"
        )

    def _origin_allowed(self) -> bool:
        if self._headers.get("origin") == "null":  # any page can be made to say so
            return False
        allowed = self._source.allowed_origins if isinstance(self._source, Form) else ()
        return "*" in allowed or self._headers.get("origin", "").lower() in allowed

    def _with_cors(self, response: Response[str]) -> Response[str]:
        if isinstance(self._source, Form):
            response.headers["Vary"] = "Origin"
            if "origin" in self._headers and self._origin_allowed():
                response.headers["Access-Control-Allow-Origin"] = self._headers["origin"]
        return response

    def _log(self, status: OutcomeName, submission: Submission | None = None, **facts: Any) -> None:
        submission_id = submission.submission_id if submission else self._submission_id
        source = self._source.name if self._source else "unknown"  # the path's own word could be anything
        seconds = time.monotonic() - self._began
        telemetry.outcome(status, submission_id=submission_id, source=source, seconds=seconds, **facts)


app = create_app(dependencies)
coldstart.share_tls_context()
coldstart.resume_garbage_collector()


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
