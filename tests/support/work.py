"""Counts the instructions that a request costs: exact, C code included, whatever else the machine does."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parents[2]


class Work(NamedTuple):
    """What a request cost, and its HTTP status."""

    status: int
    instructions: int


class Meter:
    """Answers requests in a process of its own under callgrind; `tables` are those of a sources.toml."""

    def __init__(self, folder: Path, tables: Mapping[str, Any]) -> None:
        self._counts = folder / "counts"
        self._written: int | None = None
        tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--dump-before=getppid"]
        command = [*tool, f"--callgrind-out-file={self._counts}", sys.executable, "-B"]
        self._process = subprocess.Popen(
            [*command, "-m", "tests.support.work_probe", json.dumps(tables)],
            cwd=ROOT,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT / 'functions'}{os.pathsep}{ROOT}",
                "PYTHONHASHSEED": "0",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        with self._process:
            pass

    def begin(self) -> None:
        """From here on it is counted. What is imported and compiled once should have been needed before."""
        assert self._asked("") == 0, "valgrind's own vgdb could not tell callgrind to begin"
        self._written = 0

    def work(self, source: str, content_type: str, body: bytes) -> Work:
        """What one request costs, from the event to the answer; a webhook is signed before."""
        headers = {
            "content-type": content_type,
            "accept-language": "ja",  # with the costliest way to find a page's charset
            "x-hook-secret": "of Formspree's handshake",
        }
        status = self._asked(
            json.dumps({"source": source, "body": b64encode(body).decode(), "headers": headers})
        )
        if self._written is None:
            return Work(status, 0)
        before, counted = (Path(f"{self._counts}.{self._written + part}") for part in (1, 2))
        self._written += 2
        found = re.search(r"^summary: (\d+)", counted.read_text(), re.MULTILINE)
        assert found
        before.unlink()
        counted.unlink()
        return Work(status, int(found[1]))

    def _asked(self, line: str) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process under callgrind ended"
        return int(answer)
