"""AWS with the operator's own credentials: the clients, and texts for their errors.

botocore's client takes half of the command's start-up, so it is imported when the first call is made.
"""

from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from clemta_intake.deadlines import Deadline

if TYPE_CHECKING:
    from botocore.session import Session

_SIGN_IN = "set AWS_PROFILE, or sign in (aws sso login)"
_BAD_CREDENTIALS = (
    *("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"),
    *("AuthFailure", "SignatureDoesNotMatch", "InvalidAccessKeyId"),
)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class OperatorClients:
    """One client of botocore for each service, created on first use; boto3 would double the command's start-up."""

    def __init__(self, region: str, endpoint_url: str | None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}
        self._lock = Lock()  # botocore's session may be used by one thread at a time

    def client(self, service: str) -> Any:
        """The client of that service; for the emulator with test keys only."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._create(service)
            return self._clients[service]

    def _create(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"mode": "standard", "total_max_attempts": 3},
            proxies={} if self._endpoint_url else None,
        )
        return self._session.create_client(
            service, region_name=self._region, endpoint_url=self._endpoint_url, config=config
        )

    def end_calls_by(self, deadline: Deadline, reserve: float) -> None:
        """Does nothing: no HTTP request waits for the command, so the clients keep their own timeouts."""

    @cached_property
    def _session(self) -> "Session":
        from botocore.session import Session

        if not self._endpoint_url:
            return Session()
        session = Session({"profile": (None, None, None, None)})
        session.set_credentials("test", "test")  # the emulator's, and no secret
        return session


def default_region() -> str | None:
    """The region of the AWS configuration."""
    from botocore.session import Session

    region: str | None = Session().get_config_variable("region")
    return region


def explain(error: ClientError | BotoCoreError, *, local: bool) -> tuple[str, str]:
    """What is wrong, and what to do."""
    if isinstance(error, ClientError):
        code, text = (error.response.get("Error", {}).get(key) for key in ("Code", "Message"))
        if code in _BAD_CREDENTIALS:
            return f"AWS does not accept the credentials ({code})", _SIGN_IN
        return f"AWS refuses {error.operation_name}: {code}: {text}", "check your AWS permissions"
    if isinstance(error, _NO_CREDENTIALS):
        return "no AWS credentials", _SIGN_IN
    if local:
        return "the local stack does not answer", "run make up"
    return f"AWS does not answer: {type(error).__name__}", "check the region and the network"
