"""Every error, named by what its catcher does.

    IntakeError
    ├── Refused             answer the sender with `status`; nothing is kept
    │   ├── UnknownSource       404
    │   ├── Unauthentic         401, without detail
    │   ├── ForeignOrigin       403
    │   ├── TooLarge            413
    │   ├── UnsupportedMedia    415
    │   ├── Unreadable          400
    │   └── Unmappable          422, with the fields
    ├── TakenForSpam        hold it, and answer as if it were a success
    ├── Unavailable         answer 503 with Retry-After: nothing is durable
    ├── Temporary           try again, not before `retry_after`; nothing took effect
    │   ├── CaptchaTrouble      the captcha's maker refuses our secret, or fails: another secret may help
    │   ├── Wait                its turn has not come: no failure, and not counted as one
    │   │   ├── ClaimHeld                another delivery of the same contact is under way
    │   │   ├── LookupInconclusive              a look-up found nothing, and only a second one may decide
    │   │   └── RateLimited         no call is left, or others go first
    │   ├── Throttled           Clemta answered 429
    │   └── OutcomeUnknown      it may have taken effect: look up before any second attempt
    └── Permanent           park in the dead-letter queue
        ├── ConfigError         mend key, company or sources.toml, then replay
        │   ├── KeyRefused          Clemta does not take the API key
        │   └── ContactGone         Clemta has no such contact (any more): make it again, or leave it
        └── DataError           mend the data, then replay

Messages may quote a payload: they travel in the queue message, beside the payload, and are never logged. `code` is ours
or Clemta's own word for the case, holds no personal data, and is what the log gets.
"""

from typing import ClassVar

from .model import FailureClass


class IntakeError(Exception):
    """The root: `code` is a stable word for the case."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Refused(IntakeError):
    """The sender's to mend."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"


class UnknownSource(Refused):
    """No such source in sources.toml."""

    status = 404
    title = "Unknown source"


class Unauthentic(Refused):
    """The request does not prove its origin; `code` says for the log, never for the sender, in what."""

    status = 401
    title = "Unauthorized"


class ForeignOrigin(Refused):
    """A form on a page that is not among the source's `allowed_origins`."""

    status = 403
    title = "Origin not allowed"


class TooLarge(Refused):
    """Larger than a queue message can carry."""

    status = 413
    title = "Content too large"


class UnsupportedMedia(Refused):
    """A content type or charset that is not read here."""

    status = 415
    title = "Unsupported media type"


class Unreadable(Refused):
    """The body is not what its content type says."""

    title = "Unreadable body"


class Unmappable(Refused):
    """Readable, but no contact: `fields` holds pairs of a field's name and what is wrong with it."""

    status = 422
    title = "Invalid fields"

    def __init__(self, fields: list[tuple[str, str]], code: str = "invalid_fields") -> None:
        super().__init__(code, "; ".join(f"{field}: {message}" for field, message in fields))
        self.fields = fields


class TakenForSpam(IntakeError):
    """A form's rule takes the submission for a machine's; `code` is the rule."""


class Unavailable(IntakeError):
    """Our own trouble, and nothing is durable: the sender must send again."""


class Retryable(IntakeError):
    """Try again after `retry_after` seconds, at the `slot` that the rate limit gave, if any."""

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
    """Nothing took effect: safe to repeat."""


class CaptchaTrouble(NotApplied):
    """The captcha's maker answers that our secret, or the maker itself, is at fault."""


class Deferred(NotApplied):
    """Its turn has not come; waiting is no failure."""


class ClaimHeld(Deferred):
    """Another delivery holds the claim on this contact."""


class LookupInconclusive(Deferred):
    """A call's outcome is unknown and a look-up did not find it: what was just made may not be searchable yet."""


class RateLimited(Deferred):
    """No call to Clemta is left in this minute, or others go first; `retry_after` is the time to the slot."""


class Throttled(NotApplied):
    """Clemta answered 429: a failure of its, as our own limit should have kept us from it."""


class OutcomeUnknown(Retryable):
    """The call may have taken effect: no second one before a look-up."""


class Permanent(IntakeError):
    """Repeating it as it is cannot help; `status` is Clemta's, where it answered."""

    failure_class: ClassVar[FailureClass]

    def __init__(self, code: str, message: str = "", *, status: int | None = None) -> None:
        super().__init__(code, message)
        self.status = status


class ConfigError(Permanent):
    """The operator's to mend: key, company, secret or sources.toml."""

    failure_class = "config"


class KeyRefused(ConfigError):
    """There is no usable key, or Clemta answers 401 to the newest one."""


class ContactGone(ConfigError):
    """Clemta itself says that it has no contact of that id: somebody deleted it."""


class DataError(Permanent):
    """This contact will never be accepted as it is."""

    failure_class = "data"
