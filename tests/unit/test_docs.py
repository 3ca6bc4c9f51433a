"""What the README and the docs say is so."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from clemta_intake.contacts import Billing, ContactRequest
from clemta_intake.errors import Refused, Unauthentic, Unavailable
from clemta_intake.model import Outcome
from clemta_intake.outcomes import FAILURE_CLASSES, OUTCOMES
from clemta_intake.sources.config import (
    Basic,
    Form,
    Handshake,
    Hmac,
    Jws,
    Route,
    Spam,
    StandardWebhooks,
    Token,
    Webhook,
    to_source,
)
from clemta_intake.sources.consent import NO, is_ticked
from clemta_intake.sources.page import Page
from tests.support.fakes import COMPANY
from tools import docs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path) -> list[str]:
    """The indented code blocks of a page."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", page.read_text(), re.M)
    return [re.sub(r"^    ", "", block, flags=re.M) for block in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"], ids=lambda page: Path(page).name
)
def test_every_file_that_a_page_for_developers_names_exists(page: str) -> None:
    folders = [ROOT, ROOT / "functions", FUNCTIONS, ROOT / "local"]
    for name in re.findall(
        r"[`\s](\w[\w/.-]*\.(?:py|toml|md|json|yaml|js|html|css))\b", (ROOT / page).read_text()
    ):
        assert "NAME" in name or any((folder / name).exists() for folder in folders), name


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_make_target_that_a_page_names_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / page).read_text())):
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
        for model in (Form, Webhook, Hmac, StandardWebhooks, Jws, Token, Basic, Handshake, Spam, Page, Route)
        for name in model.model_fields
    }
    fields = {name for model in (ContactRequest, Billing) for name in model.model_fields}
    documented = set(re.findall(r"`([a-z_0-9]+)`", text)) | set(re.findall(r"^\| `\{ (scheme)", text, re.M))
    assert keys - {"name"} <= documented | {"auth"}
    text = re.sub(r"<!-- senders -->.*?<!-- /senders -->", "", text, flags=re.S)  # names of senders, not keys
    tables = {
        key
        for row in re.findall(r"^\| (`[a-z_0-9`, ]+`) \|", text, re.M)
        for key in re.findall(r"`([^`]+)`", row)
    }
    assert tables <= keys
    assert fields - {"type", "company_id", "billing"} <= documented


def test_the_sources_page_lists_every_word_that_ticks_no_consent() -> None:
    [listed] = [block for block in blocks(ROOT / "docs" / "sources.md") if "hayır" in block]
    assert not [word for word in listed.split() if is_ticked(word)]
    assert not NO.difference(listed.split())


def test_the_route_example_is_valid() -> None:
    [example] = [
        block for block in blocks(ROOT / "docs" / "sources.md") if "[sources.website.route]" in block
    ]
    source = to_source("website", tomllib.loads(example)["sources"]["website"] | {"kind": "form"}, COMPANY)
    assert source.destination("press & MEDIA ") == (COMPANY, "vendor")


def test_the_page_example_is_valid() -> None:
    [example] = [block for block in blocks(ROOT / "docs" / "sources.md") if "[sources.website.page]" in block]
    table = tomllib.loads(example)["sources"]["website"] | {"kind": "form"}
    assert to_source("website", table, COMPANY).page.color == "#1a5fb4"  # type: ignore[union-attr]


def test_the_stripe_like_example_is_valid() -> None:
    [example] = [block for block in blocks(ROOT / "docs" / "sources.md") if "[sources.pay.auth]" in block]
    table = tomllib.loads(example)["sources"]["pay"]
    assert to_source("pay", {**table, "kind": "webhook", "contact": {"email": "body.email"}}, COMPANY)


OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
TEMPLATE = (ROOT / "template.yaml").read_text()
FUNCTIONS = ROOT / "functions" / "clemta_intake"


def rows(text: str, heading: str) -> set[str]:
    """The names in the first column of the table under these column heads."""
    [table] = re.findall(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    return {name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_parameter_of_the_template_is_documented_and_no_other() -> None:
    parameters = TEMPLATE.partition("\nParameters:\n")[2].partition("\nConditions:\n")[0]
    assert rows(OPERATIONS, "parameter") == set(re.findall(r"^  (\w+):$", parameters, re.M))


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "docs" / "operations.md"], ids=lambda page: page.name
)
def test_readmes_first_deploy_names_an_environment_that_the_command_finds(page: Path) -> None:
    known = tomllib.loads((ROOT / "samconfig.toml").read_text())
    deploys = re.findall(r"make deploy ENV=(\w+)", page.read_text())
    assert deploys
    assert all(env in known and "stack_name" in known[env]["deploy"]["parameters"] for env in deploys)


def test_every_variable_of_the_local_stack_is_documented_and_no_other() -> None:
    code = "".join((ROOT / "local" / name).read_text() for name in ("stack.py", "sam.py"))
    read = set(re.findall(r'(?:number|port)\("([A-Z_]+)"', code))
    read |= set(re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', code)) - {"PATH"}
    assert rows(OPERATIONS, "variable") == read


def test_every_outcome_is_logged_and_documented_and_no_other() -> None:
    code = "".join((FUNCTIONS / f"{name}.py").read_text() for name in ("signup", "redeliver"))
    logged = set(re.findall(r'_log\(\s*"(\w+)"', code)) | set(re.findall(r'return "(\w+)"(?:,| if)', code))
    logged |= {error.outcome for error in (Refused, Unauthentic, Unavailable)}
    logged |= {"queued", "discarded", *get_args(Outcome.__annotations__["status"])}
    assert logged == OUTCOMES.keys()
    assert rows(OPERATIONS, "`outcome`") == OUTCOMES.keys()


def test_every_failure_class_is_documented_and_no_other() -> None:
    assert rows(OPERATIONS, "`class`") == FAILURE_CLASSES.keys()


def test_runbook_has_a_section_for_every_alarm_and_no_other() -> None:
    headings = re.findall(r"^### (.*Alarm.*)$", OPERATIONS, re.M)
    alarms = re.findall(r"^  (\w+):\n    Type: AWS::CloudWatch::Alarm$", TEMPLATE, re.M)
    assert sorted(name for heading in headings for name in heading.split(", ")) == sorted(alarms)


def test_generated_documentation_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert docs.main(["--check"]) == 0, capsys.readouterr().err


def test_every_test_that_the_security_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 10
    for name in named:
        assert (ROOT / name).exists(), name
