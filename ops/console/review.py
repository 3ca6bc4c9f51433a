"""What needs a person: dead letters and held submissions, grouped by cause."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

from clemta_intake.outcomes import FAILURE_CLASSES

from .. import dead_letters, people
from ..dead_letters import DEAD, HELD, ReviewQueue, Selection
from ..environments import Environment
from ..errors import OpsError
from ..message_views import mask, summary
from ..messages import Message
from .history import Json

STORES = {"dead": DEAD, "held": HELD}
REASON = "in the console"
type Deed = Literal["deliver", "discard"]


@dataclass
class Review:
    """One queue, as it was read last: a read hides its messages from others for a moment, so it is read rarely."""

    store: ReviewQueue
    messages: list[Message] = field(default_factory=list)
    unread: int = 0
    _lock: Lock = field(default_factory=Lock)

    def read(self, env: Environment) -> None:
        with self._lock:
            self.messages, self.unread = dead_letters.read_letters(env, Selection(), store=self.store)

    def read_unless_busy(self, env: Environment) -> bool:
        """Reads the queue unless an action works on it, which may take long."""
        if self._lock.locked():
            return False
        self.read(env)
        return True

    def message(self, submission_id: str) -> Message | None:
        return next((one for one in self.messages if one.submission_id == submission_id), None)

    def groups(self, env: Environment) -> list[Json]:
        """The messages by source and cause; the largest group first."""
        found: dict[tuple[Any, ...], list[Message]] = {}
        for message in self.messages:
            one = summary(message)
            cause = tuple(one[name] for name in ("source", "class", "code", "status"))
            found.setdefault(cause, []).append(message)
        return [_group(env, messages) for messages in sorted(found.values(), key=lambda some: -len(some))]

    def settle(self, env: Environment, deed: Deed, ids: Sequence[str], reason: str) -> Json:
        """Delivers or discards these submissions; says how many had which end. A discard logs its reason."""
        ends: dict[str, int] = {}
        kept = []
        with self._lock:
            if deed == "discard":
                gone = dead_letters.discard(env, ids, reason, self.store)
                ends["discarded"] = len(gone)
            else:
                for result in dead_letters.replay(env, Selection(ids), store=self.store):
                    ends[result.outcome] = ends.get(result.outcome, 0) + 1
                    kept += [result.why] if result.outcome == "kept" else []
        self.read(env)
        return {"ends": ends, "kept": sorted(set(kept))}

    def ids(self, *, ids: Iterable[str], since: float | None) -> list[str]:
        """The chosen submissions: these ids, or all that came here since a time."""
        if since is not None:
            ids = [one.submission_id for one in self.messages if one.sent_at >= since]
        found = list(dict.fromkeys(ids))
        if not found:
            raise OpsError(f"nothing chosen in the {self.store.name}")
        return found


def _group(env: Environment, messages: list[Message]) -> Json:
    one = summary(messages[0])
    return {
        **{name: one[name] for name in ("source", "class", "code", "status")},
        "meaning": FAILURE_CLASSES[one["class"]].meaning,
        "advice": FAILURE_CLASSES[one["class"]].action,
        "items": [_item(env, message) for message in messages],
    }


def _item(env: Environment, message: Message) -> Json:
    """One message, with its e-mail address masked."""
    mapped = people.mapped(env, message.envelope) if message.envelope else None
    one = summary(message)
    return {
        "id": one["submission_id"],
        "at": one["parked_at"],
        "received_at": one["received_at"],
        "attempts": one["attempts"],
        "who": mask(mapped.contact.email) if mapped else "",
    }
