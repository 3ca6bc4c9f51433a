"""What the docs generate from the project itself: `python -m ops.docs --write`, or --check."""

import sys
from collections.abc import Mapping
from pathlib import Path

from ops import iam_docs, outcome_docs, source_docs

ROOT = Path(__file__).resolve().parents[1]


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
    """Every text that is generated, in whole or in part."""
    from bench import report

    filled_in = {**source_docs.tables(), **iam_docs.tables(), **outcome_docs.tables(), **report.pages()}
    return {**source_docs.pages(), **{page: filled(page, parts) for page, parts in filled_in.items()}}


def main(arguments: list[str]) -> int:
    """Writes what is not current, or says so."""
    stale = {path: text for path, text in pages().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        if arguments == ["--write"]:
            path.write_text(text)
        else:
            print(f"{path.relative_to(ROOT)} is not current: run make docs", file=sys.stderr)
    return 1 if stale and arguments != ["--write"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
