"""The pages of docs/sources/ are right."""

import re
import tomllib
from pathlib import Path

import pytest

from clemta_intake.sources.config import presets, to_source
from tests.support.fakes import COMPANY
from tools import source_docs

PAGES = sorted((source_docs.DOCS / "sources").glob("*.md"))


def test_every_sender_has_a_page_and_a_row() -> None:
    assert {page.stem for page in PAGES} == presets().keys()
    table = source_docs.TABLE.read_text()
    assert all(f"(sources/{kind}.md)" in table for kind in presets())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_of_each_sender_page_is_a_valid_source(page: Path) -> None:
    text = page.read_text()
    lines = re.findall(r"(?:^    .*\n)+", text, re.M)[0]
    [(name, table)] = tomllib.loads(re.sub(r"^    ", "", lines, flags=re.M))["sources"].items()
    assert to_source(name, table, COMPANY).name == page.stem
    headings = ["Connect", "What arrives in Clemta", "When something fails", "Good to know"]
    assert re.findall(r"^## (.*)", text, re.M) == headings


@pytest.mark.parametrize("kind", sorted(presets()))
def test_only_pages_of_token_senders_explain_the_token(kind: str) -> None:
    text = " ".join((source_docs.DOCS / "sources" / f"{kind}.md").read_text().split())
    assert ("The token stands in" in text) == (presets()[kind]["auth"]["scheme"] == "token")


def test_p3_security_page_names_every_sender_without_a_signed_time() -> None:
    text = " ".join(
        (source_docs.DOCS / "security.md").read_text().split("## Replay")[1].split("\n- ")[0].split()
    )
    timeless = {
        kind
        for kind, preset in presets().items()
        if preset["auth"]["scheme"] in ("jws", "body-hmac")
        or (preset["auth"]["scheme"] == "hmac" and "{timestamp}" not in preset["auth"].get("signed", ""))
    }
    titles = {kind: preset["title"].partition(",")[0] for kind, preset in presets().items()}
    assert timeless == {kind for kind, title in titles.items() if re.search(rf"\b{re.escape(title)}\b", text)}
