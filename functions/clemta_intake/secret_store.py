"""The three secrets, read from Secrets Manager and cached: Clemta's key, the signing secrets, the ledger's pepper."""

import json
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from .errors import ConfigError, KeyRefused, NotApplied, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_MAX_AGE = 300  # seconds
MAX_AGE_AFTER_DOUBT = 30  # seconds; of signing secrets that did not prove a request
# InvalidRequestException: the secret is scheduled for deletion.
_WITHOUT_VALUE = ("ResourceNotFoundException", "InvalidRequestException")


class SecretStore:
    """The secrets by their purpose. An expired cached text is used while Secrets Manager is unreachable."""

    def __init__(
        self,
        client: Callable[[], "SecretsManagerClient"],
        clock: Callable[[], float],
        *,
        api_key_id: str,
        signing_id: str,
        pepper_id: str,
    ) -> None:
        self._client = client
        self._clock = clock
        self._api_key_id = api_key_id
        self._signing_id = signing_id
        self._pepper_id = pepper_id
        self._cached: dict[str, tuple[float, str]] = {}  # secret id -> when it was read, its text

    def read_all(self) -> None:
        """Reads the three secrets. Raises as soon as one cannot be read, so that an outage is waited for once."""
        for secret_id in (self._pepper_id, self._api_key_id, self._signing_id):
            self._read(secret_id, _MAX_AGE)

    def api_key(self, rejected: str | None) -> str:
        """Clemta's key: the secret's text, or its "api_key" if it is JSON; read afresh if the cached one is `rejected`.

        Raises KeyRefused if there is no usable key, NotApplied if Secrets Manager does not answer.
        """
        key = self._api_key(rejected)
        if not _usable(key):
            key = self._api_key(key)  # it may be fixed by now
        if not _usable(key):
            raise KeyRefused("api_key_missing", "the Clemta secret holds no usable key")
        return key

    def pepper(self) -> str:
        """The key of the ledger's hashes. Raises ConfigError if it is empty, NotApplied as `api_key` does."""
        try:
            pepper = self._read(self._pepper_id, _MAX_AGE)
        except _NoAnswer as error:
            raise NotApplied("secret_unavailable", str(error)) from error
        if not pepper:
            raise ConfigError("ledger_pepper_missing", "the ledger's pepper has no value")
        return pepper

    def signing_secrets(self, name: str, *, force_refresh: bool = False) -> tuple[str, ...]:
        """The secrets of that name, newest first; none if it is absent or malformed, so that nothing is accepted.

        `force_refresh`: the known ones proved nothing; they are read again unless that was done in the last 30 s.
        Raises Unavailable if Secrets Manager does not answer: the request may be authentic.
        """
        try:
            text = self._read(self._signing_id, MAX_AGE_AFTER_DOUBT if force_refresh else _MAX_AGE)
        except _NoAnswer as error:
            raise Unavailable("secret_unavailable", str(error)) from error
        try:
            value = json.loads(text).get(name)
        except (ValueError, AttributeError):
            return ()
        values = value if isinstance(value, list) else [value]
        return tuple(value for value in values if isinstance(value, str))

    def _api_key(self, rejected: str | None) -> str:
        _, cached = self._cached.get(self._api_key_id, (0.0, ""))
        # A clock that is set back makes ages negative: a rejected key is too old at any age.
        max_age = -inf if _key_of(cached) == rejected else _MAX_AGE
        try:
            return _key_of(self._read(self._api_key_id, max_age))
        except _NoAnswer as error:
            raise NotApplied("secret_unavailable", str(error)) from error

    def _read(self, secret_id: str, max_age: float) -> str:
        """The secret's text, from the cache if it is younger than `max_age`; "" if it has no value yet."""
        if secret_id in self._cached:
            read_at, cached = self._cached[secret_id]
            if self._clock() - read_at < max_age:
                return cached
        try:
            text = self._client().get_secret_value(SecretId=secret_id).get("SecretString", "")
        except (ClientError, BotoCoreError) as error:
            code = _code_of(error)
            if code in _WITHOUT_VALUE:
                return ""
            if secret_id in self._cached:
                return cached
            raise _NoAnswer(code) from error
        if text:  # an empty one gets its value soon
            self._cached[secret_id] = (self._clock(), text)
        return text


class _NoAnswer(Exception):
    """Secrets Manager did not answer, or refused."""


def _code_of(error: ClientError | BotoCoreError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def _key_of(text: str) -> str:
    text = text.strip()
    if not text.startswith("{"):
        return text
    try:
        key = json.loads(text).get("api_key")
    except ValueError:
        return ""
    return key.strip() if isinstance(key, str) else ""


def _usable(key: str) -> bool:
    return bool(key) and key.isascii() and key.isprintable()
