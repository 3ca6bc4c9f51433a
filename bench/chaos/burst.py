"""Scenario 3: sign-ups as fast as this machine sends them, against Clemta's rate limit; nothing else fails."""

import time
from collections import Counter
from typing import Any

from rich.progress import Progress

from bench.chaos.queues import by_failure
from bench.chaos.rig import Rig
from bench.chaos.senders import Answers, SignUp

CALLS_PER_SIGN_UP = 2  # a look-up and a create


def run(rig: Rig, signups: int, limit: int, progress: Progress) -> dict[str, Any]:
    """The figures of a burst against `limit` calls a minute."""
    _start_empty(rig, progress)
    rig.clemta.call("POST", "settings", {"rate_limit": limit})
    sign_ups = [SignUp(f"burst{number}@example.com", "website") for number in range(signups)]
    task = progress.add_task(f"burst against {limit} calls a minute", total=signups)
    began, began_at = time.monotonic(), time.time()
    answers = Answers()
    rig.senders.deliver_all(sign_ups, answers, on_delivered=lambda: progress.advance(task))
    sent = time.monotonic() - began
    ideal = CALLS_PER_SIGN_UP * 60 * signups / limit
    rig.queues.drain(progress, 120 + 2 * ideal)
    drained = time.monotonic() - began
    requests = rig.clemta.call("GET", "requests")["requests"]
    contacts = rig.clemta.contacts_by_email().keys() & {sign_up.email for sign_up in sign_ups}
    minutes = Counter(int(contact["created_at"] - began_at) // 60 for contact in rig.clemta.contacts())
    return {
        "signups": signups,
        "limit": limit,
        "sent_in_seconds": round(sent, 1),
        "answers": dict(answers.statuses.most_common()),
        "acknowledged": len(answers.acknowledged),
        "contacts": len(contacts),
        "in_each_minute": [minutes[minute] for minute in range(max(minutes, default=0) + 1)],
        "most_calls_in_a_minute": rig.clemta.call("GET", "health")["peak"],
        "last_calls": rig.clemta.last_calls(),
        "refused_with_429": sum(request["status"] == 429 for request in requests),
        "dead_letters": by_failure(rig.queues.take_dead_letters()),
        "drained_in_seconds": round(drained, 1),
        "pace": round(ideal / drained, 2),
    }


def _start_empty(rig: Rig, progress: Progress) -> None:
    """Removes what the earlier scenarios left behind."""
    rig.faults.clear()
    rig.queues.drain(progress, 900)
    rig.queues.take_dead_letters()
    rig.clemta.call("POST", "reset")
