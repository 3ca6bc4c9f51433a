"""Makes a release: `make release VERSION=0.2.0`.

Moves the changelog's Unreleased part under the version, sets the version, keeps what this release deploys and writes
into its queues (tests/releases), commits and tags. Nothing is pushed.
"""

import argparse
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from samcli.yamlhelper import yaml_parse

from clemta_intake.queue_message import decode_envelope, encode_envelope
from local.processes import ROOT

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
UNRELEASED = "## [Unreleased]\n"
VERSION_LINES = {  # the line with the version, in each file that has one
    "pyproject.toml": r'^version = "([^"]+)"$',
    "functions/clemta_intake/__init__.py": r'^__version__ = "([^"]+)"$',
}


class ReleaseError(Exception):
    """No release can be made; the message says why."""


def numbers(version: str) -> tuple[int, ...]:
    """The three numbers of a version."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise ReleaseError(f"VERSION must be three numbers, such as 0.2.0, not {version!r}")
    return tuple(map(int, found.groups()))


def released(changelog: str, version: str, day: date) -> str:
    """The changelog with its Unreleased part under the version, and an empty Unreleased part above it."""
    before, found, after = changelog.partition(UNRELEASED)
    if not found:
        raise ReleaseError(f"CHANGELOG.md has no line {UNRELEASED.strip()!r}")
    changes = after.partition("\n## ")[0]
    if not changes.strip():
        raise ReleaseError("CHANGELOG.md: nothing is unreleased")
    return f"{before}{UNRELEASED}\n## [{version}] - {day.isoformat()}\n{after}"


def prepare(root: Path, version: str, day: date) -> None:
    """Changes the files of the project for the release."""
    wanted = numbers(version)
    releases = sorted((root / "tests" / "releases").glob("*.*.*"), key=lambda folder: numbers(folder.name))
    if numbers(releases[-1].name) >= wanted:
        raise ReleaseError(f"{version} is no newer than the last release, {releases[-1].name}")
    changelog = root / "CHANGELOG.md"
    changed = released(changelog.read_text(), version, day)
    kept = root / "tests" / "releases" / version
    kept.mkdir()
    changelog.write_text(changed)
    for name, pattern in VERSION_LINES.items():
        file = root / name
        text, count = re.subn(
            pattern, lambda line: line[0].replace(line[1], version), file.read_text(), flags=re.M
        )
        if count != 1:
            raise ReleaseError(f"{name} has {count} lines with the version")
        file.write_text(text)
    template = yaml_parse((root / "template.yaml").read_text())
    write(kept / "template.json", template)
    messages = json.loads((releases[-1] / "messages.json").read_text())
    write(
        kept / "messages.json",
        [json.loads(encode_envelope(decode_envelope(json.dumps(message)))) for message in messages],
    )


def write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def git(*arguments: str) -> str:
    """What git prints."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.release", description=__doc__)
    parser.add_argument("version")
    version = parser.parse_args(arguments).version
    try:
        if git("status", "--porcelain"):
            raise ReleaseError("commit or stash your changes first")
        prepare(ROOT, version, datetime.now(UTC).date())
        subprocess.run(["make", "lock", "docs"], cwd=ROOT, check=True)  # noqa: S607
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    git("add", "--all")
    git("commit", "--message", f"Release {version}")
    git("tag", "--annotate", f"v{version}", "--message", f"Release {version}")
    print(f"released {version}; git push --follow-tags publishes it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
