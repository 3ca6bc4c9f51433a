"""The files of the project in which the command runs."""

import os
from pathlib import Path

from .errors import OpsError

OWN_SOURCES = "sources.toml"
"""The owner's sources file, beside samconfig.toml and not in git, so that no upgrade changes it."""


def present(file: Path) -> Path:
    """The sources file; raises OpsError if it does not exist."""
    if not file.is_file():
        raise OpsError(
            f"there is no sources file {file}: run this in the project's folder, or give --sources"
        )
    return file


def sources_text(file: Path) -> str:
    """The sources file's text with its line ends as they are; raises InvalidSources if it is not UTF-8."""
    try:
        return present(file).read_bytes().decode()
    except UnicodeDecodeError as error:
        from clemta_intake.sources.config import InvalidSources

        raise InvalidSources(f"{file.name}: {error}") from error


def project_folder() -> Path:
    """The nearest folder with a samconfig.toml, from the current one upwards; the current one if there is none."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "samconfig.toml").is_file()), here)


def default_sources_file(project: Path) -> Path:
    """The sources file: the variable SOURCES_FILE, the owner's own, or the project's file."""
    if given := os.environ.get("SOURCES_FILE"):
        return Path(given)
    own = project / OWN_SOURCES
    return own if own.is_file() else project / "functions" / "sources.toml"
