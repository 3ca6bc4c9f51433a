"""What the page shows of a stack, and what its buttons do: each by the service that the command uses too."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from threading import Lock
from typing import Any

from clemta_intake.deadlines import Deadline
from clemta_intake.sources.config import Form, has_address

from .. import live_sources, people
from ..environments import Environment
from ..errors import OpsError
from ..message_views import details, mask
from ..messages import Message, depth
from ..posts import Post
from ..preview import Preview, preview, preview_queued
from ..secrets import secret_name
from ..status import OUTCOMES, by_day, status
from . import chart
from .history import Json, history
from .journal import DAYS, ENDS, Journal, Wanted, state
from .review import REASON, STORES, Review

_SHOWN = 50  # sign-ups at once
_MAX_SHOWN = 1000
_REREAD_SECONDS = 300.0  # between two reads of a queue of which nothing seems to have changed
_METRICS_SECONDS = 30.0  # between two looks at CloudWatch's metrics, which have one value for each minute
_REVIEWED = ("parked", "held", "discarded")
type Action = Callable[[Json], Json]


class Desk:
    """The page's data and actions for one stack."""

    def __init__(self, env: Environment, say: Callable[[str], None] | None = None) -> None:
        self._env = env
        self._say = say or _to_stderr
        self._journal = Journal()
        self._reviews = {name: Review(store) for name, store in STORES.items()}
        self._seen: dict[str, tuple[int, float]] = {}  # a queue's size, and when it was read
        self._measured: tuple[float, Json] = (-_METRICS_SECONDS, {})
        self._sources_at = _changed_at(env)
        self._lock = Lock()

    @property
    def env(self) -> Environment:
        """The stack; with the sources file read again after each change of it."""
        with self._lock:
            changed = _changed_at(self._env)
            if changed != self._sources_at:
                self._sources_at = changed
                self._env = self._env.read_sources_again()
            return self._env

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """The page's requests, by path."""
        return {
            "/signups": self._signups,
            "/signup": self._signup,
            "/settle": self._settle,
            "/refresh": self._refresh,
            "/sources": self._sources,
            "/try": self._try,
            "/doctor": self._doctor,
        }

    def origins(self) -> list[str]:
        """Further origins that the page may send requests to."""
        return []

    def state(self) -> Json:
        """What changes by itself: the queues, the groups to review, the metrics, the journal's version."""
        env = self.env
        new = self._journal.read(env)
        sqs, settings = env.client("sqs"), env.settings
        urls = {"retry": settings.retry_queue_url} | {
            name: review.store.url(settings) for name, review in self._reviews.items()
        }
        counts = {name: sum(depth(sqs, url).values()) for name, url in urls.items()}
        touched = any(line["outcome"] in _REVIEWED for line in new)
        for name, review in self._reviews.items():
            size, read_at = self._seen.get(name, (-1, 0.0))
            stale = touched or size != counts[name] or time.monotonic() > read_at + _REREAD_SECONDS
            if stale and review.read_unless_busy(env):
                self._seen[name] = counts[name], time.monotonic()
        return {
            "stack": env.location.stack_name,
            "region": env.location.region,
            "api_url": env.api_url,
            "sources_file": env.sources_file.name,
            "outcomes": ENDS,
            "signups_version": self._journal.version,
            "counts": counts,
            "review": {name: review.groups(env) for name, review in self._reviews.items()},
            "unread": {name: review.unread for name, review in self._reviews.items()},
            **self._metrics(env),
        }

    def _metrics(self, env: Environment) -> Json:
        """The chart, budget, ages and Clemta's times."""
        at, found = self._measured
        if time.monotonic() >= at + _METRICS_SECONDS:
            now, days = status(env), by_day(env, DAYS)
            found = {
                "budget": {"left": now.budget_left, "of": now.budget},
                "clemta_ms": now.clemta_ms,
                "oldest": {name: queue["oldest_seconds"] for name, queue in now.queues.items()},
                "week": now.week,
                "chart": chart.bars(days),
                "days": [{"day": f"{day:%Y-%m-%d}", **counts} for day, counts in days],
                "columns": list(OUTCOMES),
            }
            self._measured = time.monotonic(), found
        return found

    def _signups(self, given: Json) -> Json:
        """The newest sign-ups that match the filter."""
        text, ids = str(given.get("text", "")).strip(), None
        if email := people.email_of(text):
            # Log lines hold no address: its keyed hash leads to the ledger's item, and that to the contact's id.
            person = people.find(self.env, email)
            text, ids = "", {str(item.get("contact_id", "")) for item in person.ledger} - {""}
            ids |= {one.submission_id for one in (*person.waiting, *person.parked, *person.held)}
            ids |= {str(contact["id"]) for contact in person.contacts}
        wanted = Wanted(
            source=str(given.get("source", "")),
            outcome=str(given.get("outcome", "")),
            since=float(given.get("since") or 0),
            until=float(given.get("until") or 0),
            text=text,
            ids=ids,
        )
        shown = min(_MAX_SHOWN, int(given.get("shown") or _SHOWN))
        rows, total = self._journal.find(self.env, wanted, shown)
        return {
            "rows": rows,
            "total": total,
            "version": self._journal.version,
            "complete": self._journal.complete,
        }

    def _signup(self, given: Json) -> Json:
        """One submission's whole history; personal data is masked without `reveal`, and a reveal is logged."""
        one, reveal = str(given["id"]), bool(given.get("reveal"))
        lines = self._journal.lines(one)
        where, message = next(
            ((name, found) for name, review in self._reviews.items() if (found := review.message(one))),
            ("", None),
        )
        if not lines and not message:
            raise OpsError(f"no sign-up {one} in the last {DAYS} days")
        if reveal:
            self._say(f"personal data shown: submission {one}")
        contact_id = next((line["contact_id"] for line in reversed(lines) if "contact_id" in line), "")
        source = self.env.sources.get(str(lines[0]["source"]) if lines else message.source if message else "")
        return {
            "id": one,
            "where": where,
            "attempts": [_attempt(line) for line in lines],
            "steps": history(lines, form=isinstance(source, Form)) if lines else [],
            "contact_id": contact_id,
            "message": details(message, reveal=reveal) if message else None,
            "mapping": _mapping(message, source, reveal=reveal) if message and source else None,
            "contact": self._contact(contact_id) if reveal and contact_id else None,
            "revealed": reveal,
        }

    def _contact(self, contact_id: str) -> Json:
        """Clemta's contact."""
        return self.env.deps.clemta.get(contact_id, Deadline.after(people.CLEMTA_SECONDS))

    def _settle(self, given: Json) -> Json:
        """Delivers (replays, releases) or discards one submission, several, or all since a time."""
        review, deed = self._reviews[given["store"]], given["deed"]
        if deed not in ("deliver", "discard"):
            raise ValueError(deed)
        since = float(given["since"]) if given.get("since") is not None else None
        ids = review.ids(ids=map(str, given.get("ids", ())), since=since)
        try:
            return review.settle(self.env, deed, ids, str(given.get("reason") or REASON))
        finally:
            self._seen.pop(given["store"], None)

    def _refresh(self, _: Json) -> Json:
        """Reads the queues and the metrics again with the next state."""
        self._seen.clear()
        self._measured = (-_METRICS_SECONDS, {})
        return {}

    def _sources(self, _: Json) -> Json:
        """The sources, what they need, and the live version."""
        env, live = self.env, live_sources.live(self.env)
        rows = []
        for name, source in env.sources.items():
            secret = secret_name(source)
            known = any(env.deps.secrets.signing_secrets(secret)) if secret else None
            rows.append(
                {
                    "source": name,
                    "kind": str(env.tables[name].get("kind")),
                    "on_existing": source.on_existing,
                    "url": f"{env.api_url}/signups/{name}" if has_address(source) else "",
                    "secret": secret or "",
                    "secret_is_there": known,
                }
            )
        return {"rows": rows, "version": live.number, "pushed_at": live.pushed_at}

    def _try(self, given: Json) -> Json:
        """What a pasted request would become: authentic, and mapped how. Sends and keeps nothing."""
        source = self.env.source(str(given["source"]))
        headers = [line for line in str(given.get("headers", "")).splitlines() if line.strip()]
        post = Post.of(str(given["body"]).encode(), headers)
        return {"found": [_shown(one) for one in preview(self.env, source, post, secrets=True)]}

    def _doctor(self, _: Json) -> Json:
        """Doctor's lines."""
        from ..doctor import examine

        return {"checks": [asdict(check) for check in examine(self.env)]}


def _attempt(line: Json) -> Json:
    """One log line, as the page shows it."""
    names = ("outcome", "code", "failure", "clemta_status", "ms", "reason", "contact_id")
    return {"at": line["at"], "state": state(line["outcome"])} | {
        name: line[name] for name in names if name in line
    }


def _mapping(message: Message, source: Any, *, reveal: bool) -> Json | None:
    """How the current sources file maps the submission; without `reveal` no value and no name of the payload."""
    if message.envelope is None:
        return None
    found = preview_queued(source, message.envelope.submission)
    return _shown(found) if reveal else _masked(found)


def _shown(found: Preview) -> Json:
    return {
        **{name: getattr(found, name) for name in ("authentic", "authentication", "status", "spam")},
        "masked": False,
        "problems": found.problems,
        "left_out": found.left_out,
        "fields": [asdict(one) for one in found.fields],
        "answers": [
            {"answer": one.answer, "goes_to": one.goes_to, "evidence": one.explained} for one in found.answers
        ],
    }


def _masked(found: Preview) -> Json:
    fields = [
        {"field": one.field, "value": mask(one.value), "origin": "" if one.answers else one.origin, "was": ""}
        for one in found.fields
    ]
    problems = [(name, "cannot be used") for name, _ in found.problems]
    return {
        **_shown(found),
        "masked": True,
        "problems": problems,
        "fields": fields,
        "answers": [],
        "left_out": [],
    }


def _changed_at(env: Environment) -> float:
    try:
        return env.sources_file.stat().st_mtime
    except OSError:
        return 0


def _to_stderr(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}", file=sys.stderr, flush=True)
