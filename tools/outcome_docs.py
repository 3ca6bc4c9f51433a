"""The tables of outcomes and failure classes in docs/operations.md, from clemta_intake.outcomes."""

from pathlib import Path

from clemta_intake.outcomes import FAILURE_CLASSES, OUTCOMES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "operations.md"


def tables() -> dict[Path, dict[str, str]]:
    """Both tables, in their page."""
    return {PAGE: {"classes": classes(), "outcomes": outcomes()}}


def classes() -> str:
    """A row for each failure class."""
    rows = [f"| `{name}` | {info.meaning} | {info.action} |\n" for name, info in FAILURE_CLASSES.items()]
    return "| `class` | what happened | what to do |\n|---|---|---|\n" + "".join(rows)


def outcomes() -> str:
    """A row for each outcome."""
    rows = [
        f"| `{name}` | {info.meaning} | {info.action} | {'yes' if info.counted else 'no'} |\n"
        for name, info in OUTCOMES.items()
    ]
    return "| `outcome` | what became of it | what to do | counted |\n|---|---|---|---|\n" + "".join(rows)
