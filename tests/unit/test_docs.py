"""What the README and the docs say is so."""

import re
import tomllib
from pathlib import Path

import pytest

from clemta_intake.contacts import Billing, ContactRequest
from clemta_intake.sources.config import (
    Basic,
    Form,
    Handshake,
    Hmac,
    Jws,
    Spam,
    StandardWebhooks,
    Token,
    Webhook,
    to_source,
)
from tests.fakes import COMPANY

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    """The indented code blocks of a page."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", page.read_text(), re.M)
    return [re.sub(r"^    ", "", block, flags=re.M) for block in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_make_target_in_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / "README.md").read_text())):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_every_source_in_the_readme_is_valid() -> None:
    examples = [block for block in blocks(ROOT / "README.md") if "[sources." in block]
    assert examples
    for example in examples:
        for name, table in tomllib.loads(example)["sources"].items():
            assert to_source(name, table, COMPANY)


def test_the_sources_page_names_every_key_and_no_other() -> None:
    text = (ROOT / "docs" / "sources.md").read_text()
    keys = {
        name
        for model in (Form, Webhook, Hmac, StandardWebhooks, Jws, Token, Basic, Handshake, Spam)
        for name in model.model_fields
    }
    fields = {name for model in (ContactRequest, Billing) for name in model.model_fields}
    documented = set(re.findall(r"`([a-z_0-9]+)`", text)) | set(re.findall(r"^\| `\{ (scheme)", text, re.M))
    assert keys - {"name"} <= documented | {"auth"}
    text = re.sub(r"<!-- generated.*?/generated -->", "", text, flags=re.S)  # names of senders, not keys
    tables = {
        key
        for row in re.findall(r"^\| (`[a-z_0-9`, ]+`) \|", text, re.M)
        for key in re.findall(r"`([^`]+)`", row)
    }
    assert tables <= keys
    assert fields - {"type", "company_id", "billing"} <= documented


def test_the_stripe_like_example_is_valid() -> None:
    [example] = [block for block in blocks(ROOT / "docs" / "sources.md") if "[sources.pay.auth]" in block]
    table = tomllib.loads(example)["sources"]["pay"]
    assert to_source("pay", {**table, "kind": "webhook", "contact": {"email": "body.email"}}, COMPANY)
