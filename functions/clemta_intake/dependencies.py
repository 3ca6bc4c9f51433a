"""The composition root: makes each part when it is first needed, from the clients, sources and clock passed in."""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from .aws_clients import SERVICES, LambdaClients, Service
from .clemta.client import Clemta
from .deadlines import Deadline
from .delivery import Delivery, DeliverySettings, Neighbours
from .dynamo.batches import Batches
from .dynamo.claim_items import ClaimItems
from .dynamo.claims import Ledger
from .dynamo.daily_cap import DailyCap
from .dynamo.pushed_sources import PushedSources
from .dynamo.rate_limit import RateLimit
from .dynamo.table import Table
from .live_sources import LiveSources
from .queues import Queues
from .retry import RetryPolicy
from .secret_store import SecretStore
from .settings import Settings
from .sources.config import SHIPPED, Form, Webhook, read_sources
from .transport import Transport

if TYPE_CHECKING:
    from .captcha import Captcha
    from .contact_events import ContactEvents
    from .contact_lists import ContactLists


class Clients(Protocol):
    """Makes boto3 clients."""

    def client(self, service: Service) -> Any:
        """The client of that service."""

    def end_calls_by(self, deadline: Deadline, reserve: float) -> None:
        """Sets when calls must end; the ledger and the secrets leave `reserve` seconds to the queue."""


class Dependencies:
    """What the entry points and the operator's command work with. `clock` gives unix seconds.

    `load_sources` gives the deployed sources, which are used until others are pushed.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        load_sources: Callable[[], Mapping[str, Any]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self._clients = clients
        self._load_sources = load_sources

    def answer_by(self, deadline: Deadline, reserve: float) -> None:
        """All calls to AWS together end in time; the ledger and the secrets leave `reserve` seconds to the queue."""
        self._clients.end_calls_by(deadline, reserve)

    def source(self, name: str) -> Form | Webhook:
        """The source of that name; UnknownSource if there is none, Unavailable if that is unknown."""
        return self._live_sources.source(name)

    def company_ids(self) -> set[str]:
        """The companies that sources' contacts go to."""
        return self._live_sources.company_ids()

    def prepare(self) -> None:
        """Makes and reads what the first request needs, but for its source. Raises what any of it raises."""
        _ = self._deployed_sources, self.delivery
        for service in SERVICES:
            self._clients.client(service)
        if self.settings.event_bus:
            self._clients.client("events")
        self.secrets.read_all()

    @cached_property
    def secrets(self) -> SecretStore:
        """The three secrets."""
        return SecretStore(
            lambda: self._clients.client("secretsmanager"),
            self.clock,
            api_key_id=self.settings.clemta_secret_id,
            signing_id=self.settings.signing_secret_id,
            pepper_id=self.settings.ledger_pepper_id,
        )

    @cached_property
    def delivery(self) -> Delivery:
        """The business rule."""
        return Delivery(
            Neighbours(self.clemta, self.ledger, self.queues, self.contact_lists),
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
    def ledger(self) -> Ledger:
        """The claims on contacts."""
        items, lag = ClaimItems(self._table), self.settings.search_lag_seconds
        return Ledger(items, self.secrets.pepper, lag, self.clock)

    @cached_property
    def contact_lists(self) -> "ContactLists | None":
        """Clemta's lists, if the stack uses them; without them they cost no import."""
        if not self.settings.list_seconds:
            return None
        from .contact_lists import ContactLists, ListSettings
        from .dynamo.list_states import ListStates

        states = ListStates(self._table, self.secrets.pepper)
        settings = ListSettings(self.settings.list_seconds, self.settings.search_lag_seconds)
        return ContactLists(self.clemta, self.ledger, states, settings, self.clock)

    @cached_property
    def clemta(self) -> Clemta:
        """Clemta, within the rate limit that all callers share."""
        return Clemta(self.settings.clemta_base_url, self.secrets.api_key, self.rate_limit, Transport())

    @cached_property
    def rate_limit(self) -> RateLimit:
        """Clemta's limit, which all functions share."""
        settings = self.settings
        return RateLimit(self._table, settings.clemta_requests_per_minute, self.clock, settings.proven_every)

    @cached_property
    def queues(self) -> Queues:
        """The retry queue, the dead-letter queue and the held queue, to send to."""
        urls = (
            self.settings.retry_queue_url,
            self.settings.dead_letter_queue_url,
            self.settings.held_queue_url,
        )
        return Queues(lambda: self._clients.client("sqs"), *urls)

    @cached_property
    def daily_cap(self) -> DailyCap:
        """Counts new contacts against a form's daily cap."""
        return DailyCap(self._table, self.clock)

    @cached_property
    def batches(self) -> Batches:
        """The settled entries of interrupted batches."""
        return Batches(self._table, self.secrets.pepper, self.clock)

    @cached_property
    def captcha(self) -> "Captcha":
        """The captchas' verifiers, for a form that has one."""
        from .captcha import Captcha

        return Captcha(Transport())

    @cached_property
    def contact_events(self) -> "ContactEvents | None":
        """Announces contacts, if the stack names an event bus; without one it costs no import and no client."""
        if not self.settings.event_bus:
            return None
        from .contact_events import ContactEvents

        return ContactEvents(lambda: self._clients.client("events"), self.settings.event_bus)

    @cached_property
    def _table(self) -> Table:
        return Table(lambda: self._clients.client("dynamodb"), self.settings.ledger_table)

    @cached_property
    def _live_sources(self) -> LiveSources:
        return LiveSources(
            lambda: self._deployed_sources,
            PushedSources(self._table).read,
            self.settings.default_company_id,
            self.clock,
        )

    @cached_property
    def _deployed_sources(self) -> Mapping[str, Any]:
        return self._load_sources()


@cache
def dependencies() -> Dependencies:
    """This Lambda process's dependencies."""
    return Dependencies(Settings.read(os.environ), LambdaClients(), lambda: read_sources(SHIPPED))


def prepare() -> None:
    """Prepares this process's dependencies while the function loads: Lambda gives more CPU then than later.

    What fails here is tried again by the first request, which has an answer for each failure (P2).
    """
    with suppress(Exception):
        dependencies().prepare()
