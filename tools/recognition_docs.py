"""The tables of docs/recognition.md, from the figures of `make recognition` in bench/results/."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.processes import ROOT
from tools.performance_docs import table

RESULT = ROOT / "bench" / "results" / "recognition.json"
PAGE = ROOT / "docs" / "recognition.md"
SETS = {"own": "our own", "dev": "real pages of DuckDuckGo's test set"}
MODES = {"name": "posted name", "label": "label"}
LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "sv": "Swedish",
    "tr": "Turkish",
    "zh": "Chinese",
}


def tables() -> dict[Path, dict[str, str]]:
    """The page's generated parts, by page and mark."""
    found = json.loads(RESULT.read_text())["recognition"]
    made = {"scores": _scores, "fields": _fields, "languages": _languages, "missed": _missed}
    return {PAGE: {name: make(found) for name, make in made.items()}}


def _scores(found: dict[str, Any]) -> str:
    """A row for each set of forms and mode."""
    rows = [
        (
            f"{SETS.get(name, name)} ({one[mode]['forms']})",
            by,
            _share(one[mode]["right"], one[mode]["fields"]),
            _share(one[mode]["wrong"], one[mode]["answers"]),
            _share(one[mode]["not_created"], one[mode]["forms"]),
            _share(one[mode]["arrived"], one[mode]["answers"]),
        )
        for name, one in found.items()
        for mode, by in MODES.items()
    ]
    return table(
        ("forms", "read by", "right field", "wrongly placed", "no contact", "answers that arrive"), rows
    )


def _fields(found: dict[str, Any]) -> str:
    """A row for each field: right of all, in each set and mode."""
    columns = [(name, mode) for name in found for mode in MODES]
    head = ("field", *(f"{SETS.get(name, name)}, by {MODES[mode]}" for name, mode in columns))
    fields = dict.fromkeys(field for name, mode in columns for field in found[name][mode]["by_field"])
    return table(
        head,
        (
            (
                field.replace("_", " "),
                *(_of(found[name][mode]["by_field"].get(field)) for name, mode in columns),
            )
            for field in fields
        ),
    )


def _languages(found: dict[str, Any]) -> str:
    """A row for each language of our own forms."""
    rows = [
        (
            LANGUAGES.get(language, language),
            one["label"]["forms"],
            *(_share(one[mode]["right"], one[mode]["fields"]) for mode in MODES),
            *(_share(one[mode]["arrived"], one[mode]["answers"]) for mode in MODES),
        )
        for language, one in found["own"]["by_language"].items()
    ]
    rows.sort(key=lambda row: str(row[0]))
    right = tuple(f"right by {by}" for by in MODES.values())
    return table(("language", "forms", *right, *(f"arrive by {by}" for by in MODES.values())), rows)


def _missed(found: dict[str, Any]) -> str:
    """A list of what is missed in our own forms, by mode."""
    return "\n".join(_missed_by(found["own"]["missed"]))


def _missed_by(missed: dict[str, list[str]]) -> Iterator[str]:
    for mode, by in MODES.items():
        yield f"By {by}: {'nothing.' if not missed[mode] else ''}".rstrip()
        yield ""
        yield from (f"    {line}" for line in missed[mode])
        yield from ("",) if missed[mode] else ()


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else ""


def _of(counts: list[int] | None) -> str:
    return f"{counts[0]} of {counts[1]}" if counts else ""
