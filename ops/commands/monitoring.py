"""doctor and status."""

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from ..status import OUTCOMES, Status
from ..status import status as read_status
from ..times import duration
from .registration import command
from .session import NO_LINES, Session

if TYPE_CHECKING:
    from ..doctor.check import Check

_WATCH_SECONDS = 5
_CHECK_MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "fail": ("✕", "red")}

app = typer.Typer()


@command(app, "doctor", "doctor", "doctor --env staging")
def doctor(session: Session) -> bool:
    """Checks the whole stack: each line is ok, or says what to do."""
    from ..doctor import examine

    checks = []
    for check in examine(session.env):
        checks.append(check)
        if not session.as_json:
            session.out.print(check_line(check))
    if session.as_json:
        session.say("", [dataclasses.asdict(check) for check in checks])
    return all(check.state != "fail" for check in checks)


def check_line(check: "Check") -> Table:
    """The check's mark and finding, and below them what to do."""
    mark, style = _CHECK_MARKS[check.state]
    line = Table.grid(Column(width=2, style=style), Column(width=16, style="bold"), Column())
    line.add_row(mark, check.name, check.says)
    if check.do and check.state != "ok":
        line.add_row("", "", Text(check.do, style=style))
    return line


@command(app, "status", "status --env production", "status --watch")
def status(
    session: Session,
    watch: Annotated[bool, typer.Option("--watch", help="refresh every few seconds")] = False,
) -> None:
    """Shows the outcomes of sign-ups, the queues, and Clemta's response times."""
    found = read_status(session.env)
    shown, data = _status_report(found, narrow=session.narrow), dataclasses.asdict(found)
    if not watch or session.as_json:
        session.say(shown, data)
        return
    with Live(shown, console=session.out, auto_refresh=False, redirect_stderr=False) as live:
        while True:
            live.update(_status_report(read_status(session.env), narrow=session.narrow), refresh=True)
            if not session.out.is_terminal:
                session.out.print(live.renderable)
            time.sleep(_WATCH_SECONDS)


def _status_report(found: Status, *, narrow: bool) -> Group:
    """The report; a narrow one leaves out the outcomes that nothing had."""
    counted = [counts for days in (found.today, found.week) for counts in days.values()]
    shown = [name for name in OUTCOMES if not narrow or any(counts[name] for counts in counted)]
    columns = [Column(name, justify="right") for name in shown]
    table = Table("source", *columns, **NO_LINES)
    for title, days in (("today", found.today), ("last 7 days", found.week)):
        table.add_row(Text(title, style="bold"))
        for source, counts in sorted(days.items()):
            cells = [Text(str(counts[name]), style=_count_style(name, counts[name])) for name in shown]
            table.add_row(f"  {source}", *cells)
        if not days:
            table.add_row(Text("  nothing", style="dim"))
    lines: list[Any] = [table, Text()]
    for name, queue in found.queues.items():
        total = sum(int(queue[word] or 0) for word in ("ready", "delayed", "in work"))
        oldest = queue["oldest_seconds"]
        since = f", the oldest waits for {duration(oldest)}" if total and oldest is not None else ""
        bad = name == "dead letters" and total
        lines.append(Text(f"{name:<14}{total}{since}", style="red" if bad else ""))
    p50, p95 = found.clemta_ms.get("p50"), found.clemta_ms.get("p95")
    said = "no call today" if p50 is None or p95 is None else f"p50 {p50:.0f} ms, p95 {p95:.0f} ms"
    lines.append(Text(f"{'Clemta':<14}{said}"))
    lines.append(Text(f"{'budget left':<14}{found.budget_left:g} of {found.budget:g} calls in this minute"))
    return Group(*lines)


def _count_style(name: str, count: int) -> str:
    return "dim" if not count else {"parked": "red", "queued": "yellow", "held": "yellow"}.get(name, "")
