"""AWS with the operator's own credentials: the clients, and texts for their errors."""

from typing import Any

import boto3
import botocore.session
from botocore.config import Config
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

_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3})

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
    """One boto3 client for each service, created on first use."""

    def __init__(self, region: str, endpoint_url: str | None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """The client of that service; for the emulator with test keys only."""
        if service not in self._clients:
            if self._endpoint_url:
                session, config = _emulator_session(), _CONFIG.merge(Config(proxies={}))
            else:
                session, config = boto3.Session(), _CONFIG
            self._clients[service] = session.client(  # type: ignore[call-overload]
                service, region_name=self._region, endpoint_url=self._endpoint_url, config=config
            )
        return self._clients[service]

    def end_calls_by(self, deadline: Deadline, reserve: float) -> None:
        """Does nothing: no HTTP request waits for the command, so the clients keep their own timeouts."""


def _emulator_session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator's, and no secret
        botocore_session=botocore.session.Session({"profile": (None, None, None, None)}),
    )


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
