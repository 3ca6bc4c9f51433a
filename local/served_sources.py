"""The sources file that the running stack serves: a changed file becomes live at the same address, without a deploy."""

import threading
import time
import tomllib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from clemta_intake.sources.config import InvalidSources
from local.deploy import put_signing_secrets
from local.sources import SOURCES, signing_secrets, with_every_sender
from ops import live_sources
from ops.environments import Environment
from ops.errors import OpsError

POLL_SECONDS = 0.5


def served_text(file: Path | None) -> str:
    """The text to serve: the file's, or that of the project's own file plus a source for every preset."""
    text = (file or SOURCES).read_text(encoding="utf-8")
    with suppress(tomllib.TOMLDecodeError):  # the check reports it
        return text if file else with_every_sender(text)
    return text


def serve(env: Environment, text: str, name: str, deployed: str) -> live_sources.Changed | None:
    """Pushes the text unless it is in use, and adds the signing secrets that it needs; `deployed` is the bundle's.

    Raises InvalidSources with every mistake in the text.
    """
    live = live_sources.live(env)
    if text == (live.text if live.number else deployed):
        return None
    changed = live_sources.push(env, text, name)
    secrets = signing_secrets(tomllib.loads(text))
    put_signing_secrets(env.client("secretsmanager"), env.settings.signing_secret_id, secrets)
    return changed


def messages_file(state_dir: Path) -> Path:
    """Where the watch writes what became of each change."""
    return state_dir / "logs" / "sources.log"


class SourcesWatch:
    """Serves each change of the sources file; `copy` has the text in use, `on_change` is called after a change."""

    def __init__(
        self, file: Path | None, copy: Path, env: Callable[[], Environment], on_change: Callable[[], None]
    ) -> None:
        self._file = file
        self._copy = copy
        self._env = env
        self._on_change = on_change
        self._seen: str | None = None

    def start(self) -> None:
        """Watches in a thread until the process ends."""
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> None:
        """Serves the file if it has changed since the last look."""
        env, text = self._env(), served_text(self._file)
        if self._seen is None:
            self._seen = self._copy.read_text()
        if text == self._seen:
            return
        name = (self._file or SOURCES).name
        try:
            changed = serve(env, text, name, self._copy.with_name("deployed.toml").read_text())
        except InvalidSources as error:
            self._say(f"{error}\n{name} has mistakes: the version before it stays in use")
        else:
            self._copy.write_text(text)
            self._on_change()
            if changed:
                self._say(f"{name} is live as version {changed.version}, at the same address")
        self._seen = text

    def _watch(self) -> None:
        while True:
            time.sleep(POLL_SECONDS)
            # The stack is not up yet or any more, or an editor is writing the file: looked at again.
            with suppress(OSError, ValueError, KeyError, TypeError, BotoCoreError, ClientError, OpsError):
                self.look()

    def _say(self, text: str) -> None:
        with messages_file(self._copy.parent).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
