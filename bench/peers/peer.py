"""What is compared: a server that takes sign-ups and posts contacts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.runner import PYTHON, Handler, Runner
from local.processes import ROOT


@dataclass(frozen=True)
class Peer:
    """One server: `prepare` makes its folder, `command` starts it on a port.

    `queues`: its sign-ups are on the retry queue when they are answered; else they are contacts.
    """

    name: str
    path: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    prepare: Callable[[], object] = field(default=lambda: None)
    queues: bool = False


def handlers(runner: Runner, environment: Mapping[str, str]) -> list[Peer]:
    """Our handler, the same with queued answers, and the lean one, each behind a local threaded server."""
    serve = str(ROOT / "bench" / "serve.py")

    def peer(name: str, handler: Handler, *, queues: bool = False) -> Peer:
        return Peer(
            name,
            "/signups/website",
            lambda port: [*PYTHON, serve, str(handler.folder), handler.module, str(port)],
            {**environment, **handler.variables, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
            queues=queues,
        )

    return [
        peer("clemta-intake", runner.ours),
        peer("clemta-intake, queued answers", runner.answering_queued(), queues=True),
        peer("lean handler", runner.lean),
    ]
