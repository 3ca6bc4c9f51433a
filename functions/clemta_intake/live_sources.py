"""The sources in use: the version that `clemta-intake sources push` made live, or else the deployed file."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import ValidationError

from . import telemetry
from .errors import NotApplied, Unavailable, UnknownSource
from .sources.config import Form, InvalidSources, Webhook, parse_sources, to_source

MAX_AGE = 5
"""Seconds after which a request reads the live version again: a push takes effect within this time."""


class Pushed(NamedTuple):
    """The live version as it is stored; version "0" is the deployed file."""

    version: str
    text: str


DEPLOYED = Pushed("0", "")


class LiveSources:
    """Sources by name. A version that cannot be read or used takes nothing down: the last good one stays in use."""

    def __init__(
        self,
        deployed: Callable[[], Mapping[str, Any]],
        read_pushed: Callable[[], Pushed],
        default_company_id: str,
        clock: Callable[[], float],
    ) -> None:
        self._deployed = deployed
        self._read_pushed = read_pushed
        self._default_company_id = default_company_id
        self._clock = clock
        self._read_at: float | None = None
        self._pushed: Pushed | None = None
        self._tables: Mapping[str, Any] | None = None  # of the version in use; None is the deployed file
        self._sources: dict[str, Form | Webhook] = {}  # of the version in use, as far as they were needed
        self._last_good: dict[str, Form | Webhook] = {}  # of earlier versions
        self._unread = False
        self._broken = False  # the version as a whole
        self._reported = False  # the version, or a source in it

    def source(self, name: str) -> Form | Webhook:
        """The source of that name.

        Raises UnknownSource if there is none, Unavailable if the live version may have it and cannot be used.
        """
        self._refresh()
        if name not in self._sources:
            self._sources[name] = self._validated(name)
        return self._sources[name]

    def company_ids(self) -> set[str]:
        """The companies of all sources in use; a source that cannot be used is left out."""
        self._refresh()
        found = set()
        for name in self._deployed() if self._tables is None else self._tables:
            with suppress(Unavailable):
                found |= {to.company_id for to in self.source(name).destinations()}
        return found

    def _refresh(self) -> None:
        """Reads the live version if the last read is older than MAX_AGE, whether it succeeded or not."""
        now = self._clock()
        if self._read_at is not None and 0 <= now - self._read_at < MAX_AGE:
            return
        self._read_at = now
        try:
            pushed = self._read_pushed()
        except NotApplied as error:
            self._unread = True
            telemetry.record("SourcesUnread")
            telemetry.log_sources("unread", self._version, str(error))
            return
        self._unread = False
        if pushed != self._pushed:
            self._pushed = pushed
            self._use(pushed)
        elif self._reported:
            telemetry.record("SourcesBroken")  # so that the alarm stays on

    def _use(self, pushed: Pushed) -> None:
        tables, self._reported = None, False
        if pushed.version != DEPLOYED.version:
            try:
                tables = parse_sources(pushed.text, "sources")
            except InvalidSources:
                tables = {}
            if not tables:
                self._broken = True
                self._report_broken("unreadable")
                return
        self._broken = False
        self._last_good |= self._sources
        self._sources = {}
        self._tables = tables

    def _validated(self, name: str) -> Form | Webhook:
        tables = self._deployed() if self._tables is None else self._tables
        if name not in tables:
            if self._unread or self._broken:
                raise Unavailable("sources_unavailable")
            raise UnknownSource("unknown_source")
        try:
            return to_source(name, tables[name], self._default_company_id)
        except ValidationError:
            if self._tables is None:  # the build checked it
                raise
        self._report_broken("invalid_source")
        if name in self._last_good:
            return self._last_good[name]
        if name in self._deployed():
            return to_source(name, self._deployed()[name], self._default_company_id)
        raise Unavailable("sources_unavailable")

    @property
    def _version(self) -> str | None:
        return self._pushed.version if self._pushed else None

    def _report_broken(self, code: str) -> None:
        self._reported = True
        telemetry.record("SourcesBroken")
        telemetry.log_sources(code, self._version)
