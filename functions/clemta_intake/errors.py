"""Every error, named by what its catcher does.

    IntakeError
    ├── Refused                 answer the sender with `status`; nothing is kept
    │   ├── UnknownSource           404
    │   ├── Unauthentic             401, without detail
    │   ├── ForeignOrigin           403
    │   ├── TooLarge                413
    │   ├── UnsupportedMedia        415
    │   ├── Unreadable              400
    │   └── Unmappable              422, with the fields
    ├── TakenForSpam            hold it, and answer as if it were a success
    ├── Unavailable             answer 503 with Retry-After: nothing is durable
    ├── Retryable               try again, not before `retry_after`; never raised itself
    │   ├── NotApplied              nothing took effect in Clemta: a claim may be released
    │   │   ├── Throttled               Clemta answered 429
    │   │   ├── CaptchaTrouble          the captcha's provider fails or refuses our secret: another secret may help
    │   │   └── Deferred                not yet: no failure, and not counted as one
    │   │       ├── ClaimHeld               another delivery of the same contact is under way
    │   │       ├── LookupInconclusive      a lookup found nothing, and only a second one may decide
    │   │       └── RateLimited             no call is left, or others go first
    │   └── OutcomeUnknown          the call may have taken effect: look up before the next one
    └── Permanent               park it in the dead-letter queue; nothing took effect in Clemta
        ├── ConfigError             fix the key, the company or sources.toml, then replay
        │   ├── KeyRefused              Clemta refuses the API key
        │   └── ContactGone             Clemta has no such contact any more: create it again, or leave it
        └── DataError               fix the data, then replay

A message may quote a payload: it travels in the queue message, beside the payload, and is never logged. `code` is our
or Clemta's stable word for the case, holds no personal data, and is logged.
"""

from typing import ClassVar

from .outcomes import FailureClass, OutcomeName


class IntakeError(Exception):
    """The root: `code` is a stable word for the case."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Refused(IntakeError):
    """The sender must correct the request; `outcome` is what the log calls it."""

    outcome: ClassVar[OutcomeName] = "refused"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"


class UnknownSource(Refused):
    """No such source in sources.toml."""

    status = 404
    title = "Unknown source"


class Unauthentic(Refused):
    """The request does not prove its origin; `code` says why, to the log and never to the sender."""

    outcome = "unauthentic"
    status = 401
    title = "Unauthorized"


class ForeignOrigin(Refused):
    """The form's page is not among the source's `allowed_origins`."""

    status = 403
    title = "Origin not allowed"


class TooLarge(Refused):
    """Larger than a queue message can carry."""

    status = 413
    title = "Content too large"


class UnsupportedMedia(Refused):
    """A content type or charset that is not supported."""

    status = 415
    title = "Unsupported media type"


class Unreadable(Refused):
    """The body is not what its content type says."""

    title = "Unreadable body"


class Unmappable(Refused):
    """The body cannot be mapped to a valid contact: `fields` holds pairs of a field's name and its mistake."""

    status = 422
    title = "Invalid fields"

    def __init__(self, fields: list[tuple[str, str]], code: str = "invalid_fields") -> None:
        super().__init__(code, "; ".join(f"{field}: {message}" for field, message in fields))
        self.fields = fields


class TakenForSpam(IntakeError):
    """A form's spam rule matches; `code` is the rule."""


class Unavailable(IntakeError):
    """A service of ours failed and nothing is durable: the sender must send again."""

    outcome: ClassVar[OutcomeName] = "unavailable"


class Retryable(IntakeError):
    """Try again after `retry_after` seconds, at the `slot` that the rate limit reserved, if any."""

    failure_class: ClassVar[FailureClass] = "outage"

    def __init__(
        self,
        code: str,
        message: str = "",
        *,
        status: int | None = None,
        retry_after: float = 0,
        slot: str = "",
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.retry_after = retry_after
        self.slot = slot


class NotApplied(Retryable):
    """Nothing took effect in Clemta: safe to repeat."""


class CaptchaTrouble(NotApplied):
    """The captcha's provider says that our secret, or the provider itself, is at fault."""


class Deferred(NotApplied):
    """It must wait; that is no failure."""


class ClaimHeld(Deferred):
    """Another delivery holds the claim on this contact."""


class LookupInconclusive(Deferred):
    """A lookup after an ambiguous call found nothing: a new contact may not be searchable yet."""


class RateLimited(Deferred):
    """No call to Clemta is left in this minute, or others go first; `retry_after` is the time until the slot."""


class Throttled(NotApplied):
    """Clemta answered 429, although our own limit should have prevented it: a failure."""


class OutcomeUnknown(Retryable):
    """The call may have taken effect: a lookup must come before the next one."""


class Permanent(IntakeError):
    """A repetition cannot help; `status` is Clemta's, if it answered. Nothing took effect."""

    failure_class: ClassVar[FailureClass]

    def __init__(self, code: str, message: str = "", *, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status


class ConfigError(Permanent):
    """The operator must fix the key, the company, a secret or sources.toml."""

    failure_class = "config"


class KeyRefused(ConfigError):
    """There is no usable key, or Clemta answers 401 to the newest one."""


class ContactGone(ConfigError):
    """Clemta says that it has no contact of that id: somebody deleted it."""


class DataError(Permanent):
    """Clemta or the mapping refuses this data."""

    failure_class = "data"
