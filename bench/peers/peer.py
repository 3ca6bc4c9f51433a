"""What is compared: a server that takes sign-ups and posts contacts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.runner import PYTHON, Handler, Runner
from local.processes import ROOT


@dataclass(frozen=True)
class Peer:
    """One server: `prepare` makes its folder, `command` starts it on a port."""

    name: str
    path: str
    command: Callable[[int], list[str]]
    environment: Mapping[str, str]
    prepare: Callable[[], object] = field(default=lambda: None)


def handlers(runner: Runner, environment: Mapping[str, str]) -> list[Peer]:
    """Our handler and the lean one, each behind a local threaded server."""
    serve = str(ROOT / "bench" / "serve.py")

    def peer(name: str, handler: Handler) -> Peer:
        return Peer(
            name,
            "/signups/website",
            lambda port: [*PYTHON, serve, str(handler.folder), handler.module, str(port)],
            {**environment, **handler.variables, "PYDANTIC_DISABLE_PLUGINS": "__all__"},
        )

    return [peer("clemta-intake", runner.ours), peer("lean handler", runner.lean)]
