"""The command line: every command and option has help and is documented."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from clemta_intake import __version__
from ops import cli, entry
from ops.cli import app
from ops.commands.options import complete_environment, complete_source
from ops.commands.session import Session
from ops.commands.submissions import preview_report
from ops.preview import Answered, Field, Preview

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command.md").read_text()
INSTALLERS = ("--install-completion", "--show-completion", "--help")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    for name in cli.COMMANDS:
        one = cli.loaded(name)
        if hasattr(one, "commands"):
            yield from ((f"{name} {inner}", command) for inner, command in one.commands.items())
        else:
            yield name, one


COMMANDS = dict(commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_that_it_takes(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"]).stdout
    examples = re.findall(r"^ +clemta-intake (.*)$", shown, re.M)
    assert examples
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        assert " ".join(words).startswith(name)
        COMMANDS[name].make_context(name, words[len(name.split()) :])


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_list_of_commands_shows_each_ones_own_first_sentence(name: str) -> None:
    module, attribute, sentence = cli.COMMANDS[name]
    command = cli.loaded(name)
    instance = getattr(import_module(f"ops.commands.{module}"), attribute)
    assert command.name == name
    assert (command.help or instance.info.help).startswith(sentence)
    assert re.search(rf"^  {name} ", CliRunner().invoke(app, ["--help"]).stdout, re.M)


def test_every_module_of_commands_is_in_the_list() -> None:
    listed = {(module, attribute) for module, attribute, _ in cli.COMMANDS.values()}
    found = set()
    for file in (ROOT / "ops" / "commands").glob("*.py"):
        loaded = import_module(f"ops.commands.{file.stem}") if file.stem != "__init__" else None
        found |= {
            (file.stem, key) for key, value in vars(loaded or cli).items() if isinstance(value, typer.Typer)
        }
    assert found - {("__init__", "app")} == listed
    groups = [cli.loaded(name).name for name in cli.COMMANDS]
    assert groups == [*cli.COMMANDS]


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["dlq", "--help"], ["secrets", "--help"]])
def test_command_starts_without_the_libraries_that_only_a_call_needs(arguments: list[str]) -> None:
    probe = (
        "import sys; from ops.entry import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('boto3', 'botocore.client', 'requests', 'aws_lambda_powertools', 'phonenumbers')"
        " if name in sys.modules], file=sys.stderr)"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", probe, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_interrupt_while_python_imports_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    with pytest.raises(SystemExit, match="130"):
        entry.main()


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_closed_pipe_ends_the_command_without_a_traceback(tmp_path: Path, as_json: list[str]) -> None:
    file = tmp_path / "sources.toml"
    file.write_text('[sources.website]\nkind = "form"\n')
    reading, writing = os.pipe()
    os.close(reading)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [
        sys.executable,
        "-c",
        "from ops.entry import main; main()",
        "sources",
        "check",
        str(file),
        *as_json,
    ]
    done = subprocess.run(
        command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_command_prints_its_version() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"clemta-intake {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help_text(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{name}: {parameter.name}"


def test_command_page_names_every_command_and_no_other() -> None:
    assert set(re.findall(r"^### `([a-z ]+?)(?: [A-Z\[].*)?`$", PAGE, re.M)) == COMMANDS.keys()


def test_command_page_names_every_option_and_no_other() -> None:
    options = {
        option
        for command in COMMANDS.values()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and option not in INSTALLERS
    }
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) == options


def test_commands_dependencies_include_those_of_the_functions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    shipped = set(project["dependency-groups"]["functions"])
    assert shipped <= set(project["project"]["dependencies"])


@pytest.mark.parametrize("name", ["dlq list", "dlq replay", "dlq export"])
def test_unknown_failure_class_is_a_usage_error(name: str) -> None:
    said = CliRunner().invoke(app, [*name.split(), "--class", "confg"])
    assert (said.exit_code, "'config', 'data', 'outage', 'poison'" in said.stderr) == (2, True)


@pytest.mark.parametrize(
    ("incomplete", "expected"), [("", ["staging", "production", "local"]), ("p", ["production"])]
)
def test_shell_completes_environments(incomplete: str, expected: list[str]) -> None:
    assert complete_environment(incomplete) == expected


def test_shell_completes_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "sources.toml"
    file.write_text("[sources.website]\n[sources.webshop]\n[sources.crm]\n")
    monkeypatch.setenv("SOURCES_FILE", str(file))
    monkeypatch.chdir(tmp_path)
    assert complete_source("web") == ["website", "webshop"]
    file.write_text("[")
    assert complete_source("web") == []


def test_long_user_text_is_shown_completely_and_without_markup(capsys: pytest.CaptureFixture[str]) -> None:
    word = "[red]x[/nope] :smile: " + "long " * 50
    found = Preview(
        "s1",
        status="contact",
        fields=[Field("full_name", word, word, word)],
        answers=[Answered(word, "", "full_name", "full_name", "label", word, "")],
    )
    Session("local", None, None, None, False).say(preview_report(found), {})
    assert capsys.readouterr().out.count(word.strip()) == 5
