"""preview, send and import."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from clemta_intake.sources.config import Form

from ..errors import OpsError
from ..imports import Progress, deliver_rows, read_rows
from ..posts import Post
from ..posts import send as send_post
from ..preview import Preview
from ..preview import preview as preview_post
from .options import Headers, Payload, Source
from .registration import command
from .session import NO_LINES, Session

_MAX_UNUSED = 30  # values that are shown of a body
_MAX_MISTAKES = 20  # shown of an import

app = typer.Typer()


@command(app, "preview", "preview --source website events/form.json", "preview --source website -")
def preview(
    session: Session,
    file: Payload,
    source: Source,
    header: Headers = None,
    no_secrets: Annotated[bool, typer.Option("--no-secrets", help="do not check the signature")] = False,
) -> bool:
    """Shows the contact that a request would create, field by field; sends nothing."""
    post = Post.read(file, header or [])
    env = session.env_or_sources
    found = preview_post(env, env.source(source), post, secrets=not no_secrets)
    session.say(Group(*map(preview_report, found)), [one.as_json() for one in found])
    return all(one.good for one in found)


def preview_report(found: Preview) -> Group:
    mark = {True: ("✓ authentic", "green"), False: ("✕ not authentic", "red"), None: ("·", "yellow")}[
        found.authentic
    ]
    lines: list[Any] = [Text.assemble(mark, f" {found.authentication}")]
    if found.status == "ignored":
        lines.append(Text("· ignored: this condition of the source's accept does not hold", style="yellow"))
    for failed in found.conditions:
        lines.append(Text(f"    {failed.condition}"))
        lines += [Text(f"      {place} is {value}", style="dim") for place, value in failed.values]
    lines += [Text(f"✕ {field}: {problem}", style="red") for field, problem in found.problems]
    if found.spam:
        says = f"✕ would be held as spam ({found.spam}), and answered as a success"
        lines.append(Text(says, style="red"))
    if found.fields:
        table = Table("Clemta's field", Column("value", overflow="fold"), "from", "was", **NO_LINES)
        for field in found.fields:
            table.add_row(
                field.field, field.value, Text(field.origin, style="dim"), Text(field.was, style="yellow")
            )
        lines.append(table)
    if found.answers:
        table = Table(Column("answer", overflow="fold"), "goes to", "evidence", **NO_LINES)
        for one in found.answers:
            goes_to = Text(one.goes_to) if one.goes_to else Text("nowhere", style="red")
            table.add_row(one.answer, goes_to, Text(one.explained, style="yellow" if one.why else "dim"))
        lines += [Text(), table]
    if unused := [one for one in found.dropped if one[0] not in {answer.answer for answer in found.answers}]:
        table = Table(Column("not used", overflow="fold"), Column("value", overflow="fold"), **NO_LINES)
        for name, value in unused[:_MAX_UNUSED]:
            table.add_row(name, Text(value, style="dim"))
        lines += [Text(), table]
        if len(unused) > _MAX_UNUSED:
            lines.append(Text(f"and {len(unused) - _MAX_UNUSED} more: --json lists them all", style="dim"))
    if found.left_out:
        names = ", ".join(found.left_out)
        lines.append(Text(f"left out, because secrets are never sent or stored: {names}", style="dim"))
    return Group(*lines)


@command(app, "send", "send --source typeform events/sources/typeform.json")
def send(
    session: Session,
    file: Payload,
    source: Source,
    header: Headers = None,
    to: Annotated[str | None, typer.Option("--to", help="a URL to post to, instead of the stack's")] = None,
) -> bool:
    """Signs the file as that sender does, and posts it."""
    code, text = send_post(session.env, session.env.source(source), Post.read(file, header or []), to)
    try:
        answer = json.loads(text)
    except ValueError:
        answer = text
    style = "green" if code == 200 else "red"
    shown = Text.assemble((f"{code} ", f"bold {style}"), text)
    session.say(shown, {"status": code, "answer": answer})
    return code == 200


@command(app, "import", "import past.csv --source website --dry-run", "import past.csv --source website")
def import_(
    session: Session,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="a CSV file with a header line", dir_okay=False)
    ],
    source: Source,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check the rows, send none")] = False,
) -> bool:
    """Imports past sign-ups at Clemta's pace; can be interrupted and repeated."""
    form = session.env.source(source)
    if not isinstance(form, Form):
        raise OpsError(f"{source} is not a form: an import needs a source of kind form")
    rows = read_rows(form, file)
    good, bad = [row for row in rows if not row.problem], [row for row in rows if row.problem]
    for row in bad[:_MAX_MISTAKES]:
        session.err.print(Text(f"{file.name}:{row.line}: {row.problem}", style="red"))
    if len(bad) > _MAX_MISTAKES:
        session.err.print(Text(f"and {len(bad) - _MAX_MISTAKES} more rows", style="red"))
    if not good:
        raise OpsError(f"{file.name}: none of its {len(rows)} rows can be imported")
    outcomes: Counter[str] = Counter()
    if not dry_run:
        progress = Progress(session.env, form, file)
        already = progress.sent()
        with session.progress("to Clemta", len(good)) as bar:
            for outcome in deliver_rows(session.env, form, good, progress):
                outcomes[outcome] += 1
                bar.update(already + outcomes.total())
    sent = outcomes.total()
    of_these = (
        ": " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()) if outcomes else ""
    )
    shown = Text(f"{len(good)} rows can be imported, {len(bad)} cannot; {sent} sent now{of_these}")
    session.say(shown, {"good": len(good), "bad": len(bad), "sent": sent, "outcomes": dict(outcomes)})
    return not bad
