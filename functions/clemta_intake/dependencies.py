"""Puts the parts together: the only place that makes clients and reads secrets, each when it is first needed."""

import json
import os
import time
from collections.abc import Callable
from functools import cache, cached_property
from math import inf
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from . import __version__, coldstart
from .clemta.client import Clemta
from .deadlines import Deadline
from .delivery import Delivery, DeliverySettings
from .dynamo.batches import Batches
from .dynamo.claim_items import ClaimItems
from .dynamo.claims import Ledger
from .dynamo.daily_cap import DailyCap
from .dynamo.rate_limit import RateLimit
from .dynamo.table import Table
from .errors import ConfigError, KeyRefused, NotApplied, Unavailable, UnknownSource
from .queues import Queues
from .retry import RetryPolicy
from .settings import Settings
from .sources.config import SHIPPED, Form, Webhook, read_sources, to_source
from .transport import Transport

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from .captcha import Captcha

_ABSENT = ("ResourceNotFoundException", "InvalidRequestException")  # the latter: deleted, and not gone yet
_SECRET_SECONDS = 300
_SECRET_DOUBT_SECONDS = 30  # so old may a secret be that did not prove a request
# A sender waits 4 s at most, so a call that hangs must end while there is time to queue; retries come from the queue.
# botocore spends a sixth of a call on building its own user agent, twice, and on checking what mypy has checked here.
_AWS = Config(
    retries={"total_max_attempts": 1}, user_agent=f"clemta-intake/{__version__}", parameter_validation=False
)
_LEDGER = _AWS.merge(Config(connect_timeout=0.3, read_timeout=0.6))
_SECRETS = _AWS.merge(Config(connect_timeout=0.3, read_timeout=0.8))
_QUEUES = _AWS.merge(Config(connect_timeout=0.25, read_timeout=0.4))
_LEAST_SECONDS = (
    0.2  # what a call is given, however late it is: a claim must be settled, and a queue has to take it
)


coldstart.share()


class Dependencies:
    """The parts, each made once, when first asked for. `clock` gives unix seconds."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.clock = clock
        self._sources: dict[str, Form | Webhook] = {}
        self._secrets: dict[str, tuple[float, str]] = {}
        self._answer_at = self._queue_at = Deadline(inf)

    def answer_by(self, deadline: Deadline, reserve: float) -> None:
        """All calls to AWS together end in time; ledger and secrets leave `reserve` seconds to the queue."""
        self._answer_at, self._queue_at = deadline, deadline.earlier(reserve)

    def source(self, name: str) -> Form | Webhook:
        """The source of that name; UnknownSource if there is none."""
        if name not in self._sources:
            if name not in self._tables:
                raise UnknownSource("unknown_source")
            self._sources[name] = to_source(name, self._tables[name], self.settings.default_company_id)
        return self._sources[name]

    @cached_property
    def delivery(self) -> Delivery:
        """The business rule with its real neighbours."""
        return Delivery(
            Clemta(self.settings.clemta_base_url, self.api_key, self.budget, Transport()),
            Ledger(ClaimItems(self._table), self.pepper, self.settings.search_lag_seconds, self.clock),
            self.queues,
            DeliverySettings(
                search_lag=self.settings.search_lag_seconds,
                recheck=self.settings.recheck_seconds,
                retry=RetryPolicy(
                    base_delay=self.settings.retry_base_seconds,
                    give_up_after=self.settings.give_up_hours * 3600,
                ),
            ),
            self.clock,
        )

    @cached_property
    def queues(self) -> Queues:
        """The retry queue, the dead-letter queue and the held queue, to send to."""
        urls = (
            self.settings.retry_queue_url,
            self.settings.dead_letter_queue_url,
            self.settings.held_queue_url,
        )
        return Queues(lambda: self._sqs, *urls)

    @cached_property
    def budget(self) -> RateLimit:
        """Clemta's limit, which all functions share."""
        settings = self.settings
        return RateLimit(self._table, settings.clemta_requests_per_minute, self.clock, settings.proven_every)

    @cached_property
    def daily_cap(self) -> DailyCap:
        """For a form that takes only so many in a day."""
        return DailyCap(self._table, self.clock)

    @cached_property
    def captcha(self) -> "Captcha":
        """The captchas' verifiers, for a form that has one."""
        from .captcha import Captcha

        return Captcha(Transport())

    def api_key(self, stale: str | None) -> str:
        """Clemta's key: the secret's text, or its "api_key" if it is JSON. Read afresh where `stale` is the cached one.

        Raises KeyRefused where there is none that could be sent, Retryable where Secrets Manager does not answer.
        """
        key = _key_of(self._secret_or_later(self.settings.clemta_secret_id, stale))
        if not _usable(key):
            key = _key_of(
                self._secret_or_later(self.settings.clemta_secret_id, key)
            )  # it may be mended since
        if not _usable(key):
            raise KeyRefused("api_key_missing", "the Clemta secret holds no usable key")
        return key

    def pepper(self) -> str:
        """The key of the ledger's hashes. Raises ConfigError where it is empty, and Retryable as `api_key` does."""
        pepper = self._secret_or_later(self.settings.ledger_pepper_id, None)
        if not pepper:
            raise ConfigError("ledger_pepper_missing", "the ledger's pepper has no value")
        return pepper

    def signing_secrets(self, name: str, *, force_refresh: bool = False) -> tuple[str, ...]:
        """The secrets of that name, newest first; none if it is absent or malformed, so that nothing is accepted.

        `force_refresh`: those known proved nothing, and are read afresh unless that was done within half a minute.
        Raises Unavailable where Secrets Manager does not answer: whether the request is authentic is then not known.
        """
        try:
            seconds = _SECRET_DOUBT_SECONDS if force_refresh else _SECRET_SECONDS
            text = self._secret(self.settings.signing_secret_id, None, seconds)
        except _Unreadable as error:
            raise Unavailable("secret_unavailable", str(error)) from error
        try:
            value = json.loads(text).get(name)
        except (ValueError, AttributeError):
            return ()
        values = value if isinstance(value, list) else [value]
        return tuple(value for value in values if isinstance(value, str))

    def _secret_or_later(self, secret_id: str, stale: str | None) -> str:
        try:
            return self._secret(secret_id, stale)
        except _Unreadable as error:
            raise NotApplied("secret_unavailable", str(error)) from error

    def _secret(self, secret_id: str, stale: str | None, seconds: float = _SECRET_SECONDS) -> str:
        """The secret's text, at most so many seconds old; "" if it has no value yet.

        A cached text outlives its time while Secrets Manager is out of reach.
        """
        read_at, text = self._secrets.get(secret_id, (0.0, ""))
        known = secret_id in self._secrets
        if known and self.clock() - read_at < seconds and (stale is None or _key_of(text) != stale):
            return text
        try:
            text = self._secretsmanager.get_secret_value(SecretId=secret_id).get("SecretString", "")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code not in _ABSENT:
                if known:
                    return text
                raise _Unreadable(code) from error
            text = ""
        except BotoCoreError as error:
            if known:
                return text
            raise _Unreadable(type(error).__name__) from error
        if text:  # a secret without a value is about to get one
            self._secrets[secret_id] = (self.clock(), text)
        return text

    @cached_property
    def batches(self) -> Batches:
        """How far each batch came that was cut off."""
        return Batches(self._table, self.pepper, self.clock)

    @cached_property
    def _table(self) -> Table:
        return Table(lambda: self._dynamodb, self.settings.ledger_table)

    @cached_property
    def _tables(self) -> dict[str, Any]:
        return read_sources(SHIPPED)

    @cached_property
    def _sqs(self) -> "SQSClient":
        return self._bounded(boto3.client("sqs", config=_QUEUES), self._left_for_a_try)

    @cached_property
    def _dynamodb(self) -> "DynamoDBClient":
        return self._bounded(boto3.client("dynamodb", config=_LEDGER), self._left_before_the_queue)

    @cached_property
    def _secretsmanager(self) -> "SecretsManagerClient":
        return self._bounded(boto3.client("secretsmanager", config=_SECRETS), self._left_before_the_queue)

    def _left_before_the_queue(self) -> float:
        return self._queue_at.remaining()

    def _left_for_a_try(self) -> float:
        return self._answer_at.remaining() / 2  # the queue is tried twice

    def _bounded[Client: "BaseClient"](self, client: Client, left: Callable[[], float]) -> Client:
        """botocore bounds each call by a fixed time; here no call waits longer than there is."""
        most: float = client.meta.config.read_timeout  # type: ignore[attr-defined]

        def bound(request: Any, **_: Any) -> None:
            if (seconds := left()) < most:
                request.context["read_timeout"] = max(_LEAST_SECONDS, seconds)

        client.meta.events.register("before-send", bound)
        return client


class _Unreadable(Exception):
    """Secrets Manager did not answer, or refused."""


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


@cache
def dependencies() -> Dependencies:
    """This process's parts."""
    return Dependencies(Settings.read(os.environ))
