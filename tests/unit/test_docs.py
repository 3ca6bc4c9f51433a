"""What the README and the docs say is so."""

import re
import shlex
import tomllib
from itertools import takewhile
from pathlib import Path
from typing import get_args

import botocore.session
import pytest
from botocore import xform_name
from cfnlint import lint
from samcli.yamlhelper import yaml_parse

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
from ops import cli
from tests.support.fakes import COMPANY
from tools import docs

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def page_id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[str]:
    """The indented code blocks of a page."""
    found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", page.read_text(), re.M)
    return [re.sub(r"^    ", "", block, flags=re.M) for block in found]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
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


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for code in [*blocks(page), *re.findall(r"`([^`]+)`", page.read_text())]:
        for target in re.findall(r"^(?:[A-Z_]+=\S+ )*make ([a-z]+)\b", code, re.M):
            assert re.search(rf"^{target}:", makefile, re.M), target


def commands(page: Path, program: str) -> list[list[str]]:
    """The words of each command of this program on a page, in a block or in a line; without comments."""
    lines = []
    for block in blocks(page):
        code = re.sub(r" +# .*", "", block).replace("\\\n", " ")
        lines += re.sub(r"'[^']*'", lambda quoted: quoted[0].replace("\n", " "), code).splitlines()
    prose = re.sub(r"^    .*\n", "", page.read_text(), flags=re.M)
    for paragraph in prose.split("\n\n"):
        lines += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", paragraph)]
    words = [shlex.split(line) for line in map(str.strip, lines) if line.startswith(f"{program} ")]
    return [[*takewhile(lambda word: word not in ("|", ">"), one)] for one in words]


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_clemta_intake_command_on_a_page_exists_with_its_options(page: Path) -> None:
    for [_, *words] in commands(page, "clemta-intake"):
        name = words.pop(0)
        if name == "…":
            continue
        if name.startswith("--"):
            assert name in ("--version", "--install-completion")
            continue
        assert name in cli.COMMANDS, f"{page.name}: clemta-intake {name}"
        command = cli.loaded(name)
        if hasattr(command, "commands"):
            assert words, f"{page.name}: clemta-intake {name} needs a command"
            assert words[0] in command.commands, f"{page.name}: clemta-intake {name} {words[0]}"
            command = command.commands[words[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known, (
            page.name,
            words,
        )


# Commands of the AWS CLI that are no operation of the service's API, with the options that the pages use.
AWS_COMMANDS = {
    ("cloudformation", "deploy"): {
        *("--template-file", "--stack-name", "--capabilities", "--parameter-overrides"),
    },
    ("configure", "sso"): set[str](),
    ("sso", "login"): set[str](),
}
AWS_RENAMED = {"--notification-endpoint": "--endpoint"}  # by the AWS CLI
AWS_OPTIONS = {"--region", "--profile", "--query", "--output"}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_aws_command_on_a_page_exists_with_its_options(page: Path) -> None:
    session = botocore.session.get_session()
    for [_, service, operation, *words] in commands(page, "aws"):
        options = {AWS_RENAMED.get(word, word) for word in words if word.startswith("--")} - AWS_OPTIONS
        if (service, operation) not in AWS_COMMANDS:
            model = session.get_service_model(service)
            operations = {xform_name(name, "-"): name for name in model.operation_names}
            assert operation in operations, f"{page.name}: aws {service} {operation}"
            shape = model.operation_model(operations[operation]).input_shape
            known = {f"--{xform_name(name, '-')}" for name in (shape.members if shape else ())}
        else:
            known = AWS_COMMANDS[service, operation]
        assert options <= known, f"{page.name}: aws {service} {operation} {options - known}"


@pytest.mark.parametrize(
    "recipe", sorted((ROOT / "docs" / "recipes").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_recipe_is_a_valid_template_and_its_parameters_are_on_the_page(recipe: Path) -> None:
    assert not lint(recipe.read_text(), regions=["us-east-1", "eu-central-1"])
    page = (ROOT / "docs" / "events.md").read_text()
    for name in yaml_parse(recipe.read_text())["Parameters"]:
        assert name in page or name == "SlackTokenSecret", name


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"({page.name})" in index or page.name == "README.md", page.name


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
