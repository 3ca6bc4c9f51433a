"""Generates the parts of docs/ that the project itself determines: `python -m tools.docs --write`, or `--check`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from local.processes import ROOT
from tools import (
    claim_docs,
    iam_docs,
    openapi_docs,
    outcome_docs,
    performance_docs,
    price_docs,
    recognition_docs,
    source_docs,
)


def filled(page: Path, parts: Mapping[str, str]) -> str:
    """The page with each part between its marks, `<!-- name -->` and `<!-- /name -->`; ValueError without them."""
    text = page.read_text()
    for name, part in parts.items():
        before, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not start or not end:
            raise ValueError(f"{page.name} has no place for {name}")
        text = f"{before}{start}{part}{end}{after}"
    return text


def pages() -> dict[Path, str]:
    """Each generated file's text, by its path: whole pages, and pages with generated parts."""
    generators = (
        source_docs,
        iam_docs,
        claim_docs,
        outcome_docs,
        performance_docs,
        price_docs,
        recognition_docs,
    )
    parts_of: dict[Path, dict[str, str]] = {}
    for generator in generators:
        for page, parts in generator.tables().items():
            parts_of.setdefault(page, {}).update(parts)
    whole = {**source_docs.pages(), **openapi_docs.pages()}
    return {**whole, **{page: filled(page, parts) for page, parts in parts_of.items()}}


def main(arguments: list[str]) -> int:
    """Writes the files that are out of date, or lists them and returns 1."""
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        if arguments == ["--write"]:
            path.write_text(text)
        else:
            print(f"{path.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
    return 1 if stale and arguments != ["--write"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
