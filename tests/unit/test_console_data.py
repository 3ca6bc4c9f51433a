"""What the console shows of log lines and metrics."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from ops import logs, status
from ops.console import chart, journal
from ops.console.journal import Journal, Wanted
from ops.environments import Environment, StackLocation

ENV: Any = SimpleNamespace(sources={})


def parsed(svg: str) -> Xml.Element:
    return Xml.fromstring(svg)  # noqa: S314 - our own


class Lines:
    """The log lines, as one read gives them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[dict[str, Any]] = []
        self.past: list[dict[str, Any]] = []
        self.since: list[float] = []
        monkeypatch.setattr(logs, "lines", self._read)

    def add(self, one: str, outcome: str, at: float = 0, **facts: Any) -> None:
        line = {"submission_id": one, "source": "website", "outcome": outcome, "stream": "s"}
        self.lines.append({**line, "at": 1_000_000 + at, **facts})

    def _read(
        self, env: Environment, pattern: str, since: float, until: float | None = None
    ) -> list[dict[str, Any]]:
        self.since.append(since)
        return self.lines if until is None else [line for line in self.past if since <= line["at"] <= until]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    return Lines(monkeypatch)


def rows(found: Journal, **wanted: Any) -> list[str]:
    return [row["id"] for row in found.find(ENV, Wanted(**wanted), 100)[0]]


def test_sign_up_has_its_last_outcome_and_the_contacts_id(lines: Lines) -> None:
    lines.add("one", "queued", 1, code="no_answer")
    lines.add("one", "requeued", 2, code="no_answer")
    lines.add("one", "created", 3, contact_id="c-1")
    lines.add("two", "queued", 4, code="no_answer")
    lines.add("two", "requeued", 5, code="rate_limited")
    found = Journal()
    found.read(ENV)
    second, first = found.find(ENV, Wanted(), 100)[0]
    assert {name: first[name] for name in ("id", "at", "outcome", "state", "contact_id")} == {
        "id": "one",
        "at": 1_000_001,
        "outcome": "created",
        "state": "good",
        "contact_id": "c-1",
    }
    assert (second["id"], second["outcome"], second["state"]) == ("two", "queued", "wait")
    assert [step["name"] for step in first["steps"]][-2:] == ["queued", "created"]


def test_lines_are_read_once_and_only_new_ones_count(lines: Lines) -> None:
    found = Journal()
    lines.add("one", "queued")
    assert len(found.read(ENV)) == 1
    assert found.read(ENV) == []
    assert found.version == 1
    lines.add("one", "created", 9)
    assert [line["outcome"] for line in found.read(ENV)] == ["created"]
    assert found.version == 2
    day = 86_400
    ago = [round(time.time() - since, -2) for since in lines.since]
    assert ago == [day, 300, 2 * day, 300, 3 * day], (
        "CloudWatch shows lines late; the past is read day by day"
    )


def test_two_weeks_are_read_day_by_day_and_no_further(lines: Lines) -> None:
    found, day = Journal(), 86_400
    for days in (2, 13, 15):
        lines.add(f"{days} days old", "created", time.time() - days * day - 1_000_000)
    lines.past, lines.lines = lines.lines, []
    found.read(ENV)
    assert (rows(found), found.complete) == ([], False)
    seen = []
    for _ in range(16):
        assert found.read(ENV) == [], "nothing of it is news"
        seen.append(rows(found))
    assert seen[1] == ["2 days old"]
    assert seen[-1] == ["2 days old", "13 days old"]
    assert found.complete
    assert len(lines.since) == 1 + 13 + 16


def test_sign_ups_are_filtered(lines: Lines) -> None:
    lines.add("one", "created", 1, contact_id="c-1")
    lines.add("two", "parked", 2, code="INVALID_API_KEY", source="crm")
    lines.add("three", "duplicate", 3, contact_id="c-1")
    found = Journal()
    found.read(ENV)
    assert rows(found) == ["three", "two", "one"]
    assert (
        rows(found, source="crm") == rows(found, outcome="parked") == rows(found, text="INVALID") == ["two"]
    )
    assert rows(found, since=1_000_002, until=1_000_002) == ["two"]
    assert rows(found, ids={"c-1"}) == rows(found, text="c-1") == ["three", "one"]
    assert rows(found, ids={"two"}) == ["two"]
    assert rows(found, ids=set()) == []
    some, total = found.find(ENV, Wanted(), 1)
    assert (len(some), total) == (1, 3)


def test_requests_to_unknown_sources_are_no_sign_ups(lines: Lines) -> None:
    lines.add("one", "refused", source="unknown")
    lines.lines.append({"submission_id": "broken", "at": 1, "stream": "s"})
    found = Journal()
    found.read(ENV)
    assert rows(found) == []


def test_oldest_sign_ups_are_forgotten_before_memory_runs_out(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_MAX_LINES", 8)
    for number in range(9):
        lines.add(f"s{number}", "created", number)
    found = Journal()
    found.read(ENV)
    assert rows(found) == ["s8", "s7", "s6", "s5", "s4", "s3", "s2"]


@pytest.mark.parametrize(
    ("highest", "axis"), [(0, 1), (1, 1), (2, 2), (3, 4), (7, 8), (9, 10), (11, 20), (21, 40), (999, 1000)]
)
def test_charts_axis_ends_at_a_round_number(highest: int, axis: int) -> None:
    svg = parsed(chart.bars([(date(2026, 11, 25), {"created": highest})]))
    assert (
        max(int(text.text or 0) for text in svg if text.tag.endswith("text") and text.text != "25 Nov")
        == axis
    )


def test_charts_bars_are_as_high_as_their_counts() -> None:
    days = [
        (date(2026, 11, 24), {"created": 6, "parked": 3}),
        (date(2026, 11, 25), {"created": 0, "parked": 0}),
    ]
    svg = parsed(chart.bars(days))
    created, parked = (one for one in svg if one.tag.endswith("rect"))
    assert float(created.get("height", 0)) == pytest.approx(2 * float(parked.get("height", 0)), abs=0.1)
    assert float(parked.get("y", 0)) + float(parked.get("height", 0)) == pytest.approx(
        float(created.get("y", 0))
    )
    assert (created.get("class"), created[0].text) == ("bar created", "24 Nov: 6 created")
    assert svg.get("aria-label") == "Sign-ups of the last 2 days by outcome: 6 created, 3 parked"
    assert "nothing" in parsed(chart.bars([])).get("aria-label", "")


def test_days_are_counted_by_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 25, 13, tzinfo=UTC)
    env = Environment(StackLocation("t", "us-east-1"), Path("none.toml"))
    vars(env)["stack"] = {"StackName": "t"}
    asked: list[Any] = []

    def values(env: Environment, wanted: list[Any], start: datetime, end: datetime) -> list[Any]:
        asked.extend([wanted, start, end])
        found = {"created": [(now, 2.0), (now - timedelta(days=1), 1.0)], "unauthentic": [(now, 4.0)]}
        return [found.get(metric["Dimensions"][1]["Value"], []) for metric, _, _ in wanted]

    monkeypatch.setattr(status, "_values", values)
    found = dict(status.by_day(env, 14, now))
    assert list(found) == [date(2026, 11, 12) + timedelta(days=number) for number in range(14)]
    assert found[now.date()] == {**dict.fromkeys(status.OUTCOMES, 0), "created": 2, "refused": 4}
    assert found[date(2026, 11, 24)]["created"] == 1
    assert asked[1:] == [datetime(2026, 11, 12, tzinfo=UTC), now]
