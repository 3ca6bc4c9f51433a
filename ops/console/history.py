"""The steps of one submission, from its log lines."""

from collections.abc import Iterable
from typing import Any

type Json = dict[str, Any]


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
