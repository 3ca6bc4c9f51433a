"""Checks a deployed stack: each check says what it found and, if that is wrong, what to do."""

from collections.abc import Callable, Iterator

from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake.errors import IntakeError
from clemta_intake.sources.config import InvalidSources

from ..aws import explain
from ..environments import Environment
from ..errors import OpsError
from .check import Check
from .clemta import clemta, clemta_key, clemta_list
from .deployment import (
    alarms,
    api,
    credentials,
    event_bus,
    gateway,
    live_sources,
    sources_file,
    stack,
    subscription,
)
from .signing import captcha, signing_secrets
from .storage import dead_letters, held, ledger, retry_queue


def examine(env: Environment) -> Iterator[Check]:
    """Runs all checks; stops early if the credentials or the stack are wrong."""
    for first in (credentials, stack):
        checks = list(_guarded(first, env))
        yield from checks
        if any(check.state == "fail" for check in checks):
            return
    sources = list(_guarded(sources_file, env))
    yield from sources
    usable = all(check.state == "ok" for check in sources)
    of_sources = [live_sources, clemta, clemta_list, signing_secrets, captcha] if usable else []
    storage = [ledger, retry_queue, dead_letters, held]
    for check in [api, clemta_key, *of_sources, *storage, alarms, subscription, event_bus, gateway]:
        yield from _guarded(check, env)


def _guarded(check: Callable[[Environment], Iterator[Check]], env: Environment) -> Iterator[Check]:
    """The check's findings; an error of the check becomes a finding."""
    name = check.__name__.replace("_", " ")
    try:
        yield from check(env)
    except (ClientError, BotoCoreError) as error:
        yield Check(name, "fail", *explain(error, local=bool(env.location.endpoint_url)))
    except (IntakeError, OpsError, InvalidSources) as error:
        yield Check(name, "fail", str(error), "fix that first")
