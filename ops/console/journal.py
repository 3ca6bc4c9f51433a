"""The sign-ups of the last 14 days, from the functions' log lines: they hold ids and outcomes, no personal data."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from clemta_intake.outcomes import OUTCOMES
from clemta_intake.sources.config import Form

from .. import logs
from ..environments import Environment
from ..times import DAY
from .history import Json, history

DAYS = 14
_OVERLAP = 300  # seconds that are read again, because CloudWatch shows a line late
_PATTERN = '"submission_id"'  # of CloudWatch Logs' filter
_MAX_LINES = 50_000  # kept; the oldest are dropped
_UNCOUNTED_ENDS = ("discarded", "handshake")
ENDS = [name for name, info in OUTCOMES.items() if info.counted or name in _UNCOUNTED_ENDS]
"""What can become of a sign-up; the other outcomes are steps on the way."""


@dataclass(frozen=True)
class Wanted:
    """Which sign-ups to list; an empty field matches all. `ids` are submissions' or contacts'."""

    source: str = ""
    outcome: str = ""
    since: float = 0
    until: float = 0
    text: str = ""
    ids: Collection[str] | None = None

    def matches(self, row: Json) -> bool:
        return (
            self.source in ("", row["source"])
            and self.outcome in ("", row["outcome"])
            and row["at"] >= self.since
            and (not self.until or row["at"] <= self.until)
            and (self.ids is None or row["id"] in self.ids or row["contact_id"] in self.ids)
            and self.text in f"{row['id']} {row['contact_id']} {row['code']}"
        )


@dataclass
class Journal:
    """The log lines so far, by submission; `version` grows with each new line."""

    version: int = 0
    complete: bool = False
    """Whether all DAYS were read, or as many lines as are kept."""
    _lines: dict[str, dict[tuple[float, str, str], Json]] = field(default_factory=dict)
    _read_at: float = 0
    _since: float = 0
    _count: int = 0
    _lock: Lock = field(default_factory=Lock)

    def read(self, env: Environment) -> list[Json]:
        """Reads the lines since the last time, and returns the new ones.

        The first time these are the last day's. Each later time adds one more day of the past, until DAYS are read.
        """
        now, began = time.time(), bool(self._read_at)
        since = self._read_at - _OVERLAP if began else now - DAY
        found = [*logs.lines(env, _PATTERN, since)]
        past = self._day_before(env, now) if began and not self.complete else []
        with self._lock:
            new = self._add(found)
            self._add(past)
            self._since = self._since or since
            self._read_at = now
            return new

    def _day_before(self, env: Environment, now: float) -> list[Json]:
        """The lines of the last day that was not read yet."""
        oldest = now - DAYS * DAY
        since = max(oldest, self._since - DAY)
        found = [*logs.lines(env, _PATTERN, since, self._since)]
        self._since = since
        if since == oldest:
            self.complete = True
            self.version += 1  # the page says no more that older ones follow
        return found

    def _add(self, lines: list[Json]) -> list[Json]:
        new = []
        for line in lines:
            key = (float(line["at"]), str(line["stream"]), f"{line.get('outcome')} {line.get('code')}")
            known = self._lines.setdefault(str(line["submission_id"]), {})
            if key not in known and "outcome" in line and "source" in line:
                known[key] = line
                new.append(line)
        if new:
            self.version += 1
            self._forget_oldest(len(new))
        return new

    def find(self, env: Environment, wanted: Wanted, shown: int) -> tuple[list[Json], int]:
        """The newest sign-ups that match, with their steps, and how many match."""
        found = [row for row in map(_row, self._submissions().values()) if wanted.matches(row)]
        found.sort(key=lambda row: -row["at"])
        forms = {name for name, source in env.sources.items() if isinstance(source, Form)}
        return [
            {**row, "steps": history(self.lines(row["id"]), form=row["source"] in forms)}
            for row in found[:shown]
        ], len(found)

    def lines(self, submission_id: str) -> list[Json]:
        """The submission's log lines in order of time."""
        with self._lock:
            return _sorted(self._lines.get(submission_id, {}))

    def _submissions(self) -> Mapping[str, list[Json]]:
        with self._lock:
            found = {one: _sorted(lines) for one, lines in self._lines.items()}
        return {one: lines for one, lines in found.items() if lines and lines[0]["source"] != "unknown"}

    def _forget_oldest(self, added: int) -> None:
        self._count += added
        if self._count > _MAX_LINES:
            self.complete = True
            oldest = sorted(self._lines, key=lambda one: max((key[0] for key in self._lines[one]), default=0))
            for one in oldest[: len(oldest) // 4]:
                self._count -= len(self._lines.pop(one))


def _sorted(lines: Mapping[Any, Json]) -> list[Json]:
    return sorted([*lines.values()], key=lambda line: float(line["at"]))


def _row(lines: list[Json]) -> Json:
    """The sign-up's last state: its outcome, the cause, and Clemta's id of the contact."""
    final = [line for line in lines if line["outcome"] in ENDS]
    last = final[-1] if final else lines[-1]
    return {
        "id": lines[0]["submission_id"],
        "source": lines[0]["source"],
        "at": lines[0]["at"],
        "outcome": last["outcome"],
        "state": state(last["outcome"]),
        "code": last.get("code", ""),
        "contact_id": next((str(line["contact_id"]) for line in reversed(lines) if "contact_id" in line), ""),
    }


def state(outcome: str) -> Literal["good", "wait", "bad"]:
    """How the page colours an outcome."""
    info = OUTCOMES.get(outcome)  # type: ignore[call-overload]
    return {"good": "good", "waits": "wait"}.get(info.state if info else "", "bad")  # type: ignore[return-value]
