"""What the page shows: the history of each submission, and what waits."""

import json
import time
from collections.abc import Iterable
from typing import Any

from clemta_intake.outcomes import FAILURE_CLASSES, FailureClass
from clemta_intake.queue_message import NewerVersion, decode_envelope
from clemta_intake.sources.config import Form
from ops import logs, people
from ops.environments import Environment

SHOWN = 20  # submissions
type Json = dict[str, Any]


class Journal:
    """The history of each submission, from the functions' log lines."""

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._lines: dict[str, Json] = {}  # by their text, as the same line is read several times
        self._since = time.time() - 3600

    def histories(self) -> list[Json]:
        """The newest submissions, with the steps of each."""
        self._lines |= {
            json.dumps(line): line for line in logs.lines(self._env, '"submission_id"', self._since)
        }
        grouped: dict[str, list[Json]] = {}
        for line in sorted(self._lines.values(), key=lambda line: float(line["at"])):
            grouped.setdefault(line["submission_id"], []).append(line)
        newest = [lines for lines in reversed(grouped.values()) if lines[0]["source"] != "unknown"][:SHOWN]
        return [
            {
                "id": lines[0]["submission_id"],
                "source": lines[0]["source"],
                "at": lines[0]["at"],
                "steps": history(lines, form=isinstance(self._env.sources.get(lines[0]["source"]), Form)),
            }
            for lines in newest
        ]


def history(lines: Iterable[Json], *, form: bool) -> list[dict[str, str]]:
    """The steps of one submission, such as received, authenticated, mapped, queued, created.

    A step's `state` is good, note, wait or bad.
    """
    steps: list[dict[str, str]] = []

    def step(name: str, state: str = "good", note: str = "") -> None:
        made = {"name": name, "state": state, "note": note}
        if not steps or steps[-1] != made:
            steps.append(made)

    for number, line in enumerate(lines):
        outcome, code = line["outcome"], line.get("code", "")
        unmapped = line.get("failure") == "DataError" and "clemta_status" not in line
        if number == 0:
            step("received")
            if form:
                step("open form", *(("bad", code) if code == "foreign_origin" else ("note",)))
            else:
                step("authenticated", *(("bad", code) if outcome == "unauthentic" else ()))
            if code == "foreign_origin":
                continue
            if outcome == "refused" or unmapped:
                step("mapped", "bad", code)
            elif outcome not in ("unauthentic", "ignored", "handshake", "unavailable"):
                step("mapped")
        if outcome in ("queued", "requeued"):
            step("queued", "wait", code)
        elif outcome == "parked":
            step("parked", "bad", code)
        elif outcome == "held":
            step("held", "note", code)
        elif outcome == "discarded":
            step("discarded", "note", line.get("reason", ""))
        elif outcome == "unavailable":
            step("not accepted", "bad", code)
        elif outcome not in ("unauthentic", "refused", "postponed", "captcha_unavailable"):
            step(outcome)
    last = steps[-1]
    if last["name"] in ("queued", "parked"):
        return steps
    settled = "note" if last["name"] == "discarded" else "good"  # the state of steps whose wait is over
    return [{**step, "state": settled} if step["name"] in ("queued", "parked") else step for step in steps]


def waiting(env: Environment, text: str, due: float) -> Json:
    """The page's data of a queue message."""
    try:
        envelope = decode_envelope(text)
    except NewerVersion as newer:
        found = {"id": newer.submission_id, "source": newer.source or "unknown", "email": ""}
        return {**found, "class": "outage", "why": "newer_version", "advice": advice("outage")}
    except ValueError:
        found = {"id": "", "source": "unknown", "email": ""}
        return {**found, "class": "poison", "why": "not a submission", "advice": advice("poison")}
    failure, submission = envelope.failure, envelope.submission
    mapped = people.mapped(env, envelope)
    return {
        "id": submission.submission_id,
        "source": submission.source,
        "email": mapped.contact.email if mapped else "",
        "class": failure.failure_class,
        "why": f"{failure.code}{f' ({failure.status})' if failure.status else ''}",
        "advice": advice(failure.failure_class),
        "attempt": envelope.attempt,
        "due": max(due, envelope.not_before),
    }


def advice(failure_class: FailureClass) -> str:
    """The operator's action for a submission of that class."""
    return FAILURE_CLASSES[failure_class].action
