"""The selected stack, and output for a person or for a program: every command gets a Session."""

import dataclasses
import json
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from ..environments import Environment, SourcesOnly, StackLocation
from ..project import default_sources_file, project_folder

NO_LINES: dict[str, Any] = {"box": None, "padding": (0, 2, 0, 0)}  # of a rich table
_UNWRAPPED = 10_000
_WIDE = 100  # columns
_SHORT = 8  # characters of a shortened id


@dataclasses.dataclass
class Session:
    """The values of the common options, and the stack and files that they select."""

    env_name: str
    stack: str | None
    region: str | None
    sources_option: Path | None
    as_json: bool

    def __post_init__(self) -> None:
        self.out, self.err = _console(sys.stdout), _console(sys.stderr)

    @cached_property
    def env(self) -> Environment:
        """The stack that the options select."""
        project = project_folder()
        if self.stack:
            location = StackLocation.stack(self.stack, self.region)
        else:
            location = StackLocation.named(self.env_name, project, self.region)
        return Environment(location, self.sources_file)

    @property
    def env_or_sources(self) -> Environment:
        """The stack that the options select; without options and without the local stack, the sources file alone."""
        if self.local and not (project_folder() / ".local" / "stack.json").exists():
            return SourcesOnly(self.sources_file)
        return self.env

    @property
    def local(self) -> bool:
        """Whether the options select the local stack."""
        return self.env_name == "local" and not self.stack

    @property
    def sources_file(self) -> Path:
        """The sources file; for the local stack, the copy of the one in use."""
        project = project_folder()
        local = project / ".local" / "sources.toml"
        if self.sources_option:
            return self.sources_option
        if self.local and local.exists():
            return local
        return default_sources_file(project)

    def keep_served_sources(self, pushed: str) -> None:
        """Keeps the copy of what the local stack serves: the pushed text, or the deployed one if that is ""."""
        copy = project_folder() / ".local" / "sources.toml"
        if copy.exists():
            text = pushed or copy.with_name("deployed.toml").read_bytes().decode()
            copy.write_text(text, encoding="utf-8", newline="")

    @property
    def edited_sources_file(self) -> Path:
        """The sources file that people edit: for the local stack too, which keeps a copy of it."""
        return self.sources_option or default_sources_file(project_folder())

    def say(self, shown: Any, data: Any) -> None:
        """Prints `shown` for a person, or `data` as JSON with --json."""
        if self.as_json:
            print(json.dumps(data, indent=2, ensure_ascii=False, default=str))
        else:
            self.out.print(shown, soft_wrap=isinstance(shown, Text))

    @property
    def narrow(self) -> bool:
        """Whether the output is a terminal with fewer columns than a whole id, or eight counts, need."""
        return self.out.is_terminal and self.out.width < _WIDE

    def short(self, submission_id: str) -> str:
        """The id, or in a narrow terminal its beginning, which every command accepts too."""
        return submission_id[:_SHORT] if self.narrow else submission_id

    def progress(self, description: str, total: int | None) -> "ProgressBar":
        """A progress bar on standard error, shown only in a terminal."""
        return ProgressBar(self.err, description, total, shown=self.err.is_terminal and not self.as_json)


class ProgressBar:
    """The progress bar of a long command."""

    def __init__(self, console: Console, description: str, total: int | None, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not shown)
        self._task = self._progress.add_task(description, total=total)

    def __enter__(self) -> "ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, done: int) -> None:
        """Shows this count of done items."""
        self._progress.update(self._task, completed=done)


def _console(stream: TextIO) -> Console:
    """A console without markup, because data may look like markup; it wraps lines in a terminal only."""
    width = None if stream.isatty() else _UNWRAPPED
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
