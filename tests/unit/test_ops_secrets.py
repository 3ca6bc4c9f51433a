"""secrets set and list: one name at a time, on a Secrets Manager in memory that knows versions and stages."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from clemta_intake.settings import Settings
from ops import secrets
from ops.cli import app
from ops.commands import secrets as commands
from ops.commands.session import Session
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from tests.unit.test_settings_and_deadlines import ENVIRONMENT

SOURCES = """
[sources.website]
kind = "form"
[sources.website.spam]
turnstile = "captcha"
[sources.shop]
kind = "stripe"
secret = "stripe"
[sources.people]
kind = "clerk"
secret = "clerk"
"""
KEY, SIGNING = ENVIRONMENT["CLEMTA_SECRET_ID"], ENVIRONMENT["SIGNING_SECRET_ID"]


class NoSuchVersion(Exception):
    """ResourceNotFoundException."""


class WrongVersion(Exception):
    """InvalidParameterException."""


class SecretsManager:
    """The four calls that the command makes; `before_move` runs before a label moves, as another caller would."""

    exceptions = SimpleNamespace(
        ResourceNotFoundException=NoSuchVersion, InvalidParameterException=WrongVersion
    )

    def __init__(self) -> None:
        self.texts: dict[str, dict[str, str]] = {}  # secret -> version -> text
        self.stages: dict[str, dict[str, str]] = {}  # secret -> label -> version
        self.before_move: list[Callable[[], object]] = []

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        version = self.stages.get(SecretId, {}).get("AWSCURRENT")
        if version is None:
            raise NoSuchVersion
        return {"SecretString": self.texts[SecretId][version], "VersionId": version}

    def put_secret_value(
        self,
        SecretId: str,
        SecretString: str,
        VersionStages: tuple[str, ...] = ("AWSCURRENT",),
    ) -> dict[str, str]:
        version, first = str(uuid4()), not self.texts.get(SecretId)
        self.texts.setdefault(SecretId, {})[version] = SecretString
        for label in [*VersionStages, *(["AWSCURRENT"] if first else [])]:
            self.stages.setdefault(SecretId, {})[label] = version
        return {"VersionId": version}

    def update_secret_version_stage(
        self,
        SecretId: str,
        VersionStage: str,
        MoveToVersionId: str = "",
        RemoveFromVersionId: str = "",
    ) -> None:
        stages = self.stages[SecretId]
        if not MoveToVersionId:
            assert stages.pop(VersionStage) == RemoveFromVersionId
            return
        if self.before_move:
            self.before_move.pop(0)()
        if stages.get(VersionStage) not in (MoveToVersionId, RemoveFromVersionId or None):
            raise WrongVersion
        stages[VersionStage] = MoveToVersionId

    def text(self, secret_id: str) -> str:
        return self.get_secret_value(secret_id)["SecretString"]

    def labels(self) -> set[str]:
        return {label for stages in self.stages.values() for label in stages}


@pytest.fixture
def manager() -> SecretsManager:
    found = SecretsManager()
    found.put_secret_value(SIGNING, json.dumps({"stripe": "whsec_old", "typeform": "t"}))
    return found


@pytest.fixture
def env(manager: SecretsManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment with these secrets and sources, which the command selects too."""
    file = tmp_path / "sources.toml"
    file.write_text(SOURCES)
    one = Environment(StackLocation("s", "eu-central-1"), file)
    one.clients = cast(Any, SimpleNamespace(client=lambda _: manager))
    one.__dict__["settings"] = Settings.read(ENVIRONMENT)
    monkeypatch.setattr(Session, "env", one)
    return one


def run(*arguments: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, ["secrets", *arguments], input=typed)


def stored(manager: SecretsManager) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manager.text(SIGNING))
    return found


@pytest.fixture(autouse=True)
def _no_label_is_left(manager: SecretsManager) -> Iterator[None]:
    yield
    assert manager.labels() <= {"AWSCURRENT", "AWSPREVIOUS"}


def test_setting_one_secret_leaves_the_others(env: Environment, manager: SecretsManager) -> None:
    said = run("set", "clerk", "--json", typed="whsec_YWJj\n")
    assert json.loads(said.stdout) == {"name": "clerk", "result": "new", "sources": ["people"]}
    assert stored(manager) == {"stripe": "whsec_old", "typeform": "t", "clerk": "whsec_YWJj"}


def test_first_signing_secret_is_set_in_an_empty_secret(env: Environment, manager: SecretsManager) -> None:
    manager.texts.clear()
    manager.stages.clear()
    assert run("set", "stripe", typed="whsec_a").exit_code == 0
    assert stored(manager) == {"stripe": "whsec_a"}


def test_rotation_keeps_the_old_value_as_the_second_one(env: Environment, manager: SecretsManager) -> None:
    assert json.loads(run("set", "stripe", "--json", typed="whsec_new").stdout)["result"] == "rotated"
    assert stored(manager)["stripe"] == ["whsec_new", "whsec_old"]
    run("set", "stripe", typed="whsec_newest")
    assert stored(manager)["stripe"] == ["whsec_newest", "whsec_new"]
    assert "until clemta-intake secrets set stripe --drop-old" in run("set", "stripe", typed="whsec_4").stdout


def test_old_value_is_dropped_on_request(env: Environment, manager: SecretsManager) -> None:
    run("set", "stripe", typed="whsec_new")
    assert json.loads(run("set", "stripe", "--drop-old", "--json").stdout)["result"] == "dropped"
    assert stored(manager)["stripe"] == "whsec_new"
    assert json.loads(run("set", "stripe", "--drop-old", "--json").stdout)["result"] == "unchanged"


@pytest.mark.parametrize("name", ["clerk", secrets.API_KEY])
def test_dropping_the_old_value_of_a_secret_without_one_is_an_error(env: Environment, name: str) -> None:
    assert run("set", name, "--drop-old").exit_code == 1


def test_setting_the_same_value_again_changes_nothing(env: Environment, manager: SecretsManager) -> None:
    before = manager.text(SIGNING), len(manager.texts[SIGNING])
    assert json.loads(run("set", "stripe", "--json", typed="whsec_old").stdout)["result"] == "unchanged"
    assert (manager.text(SIGNING), len(manager.texts[SIGNING])) == before


def test_secret_that_another_person_sets_meanwhile_is_kept(env: Environment, manager: SecretsManager) -> None:
    manager.before_move = [
        lambda: manager.put_secret_value(SIGNING, json.dumps({**stored(manager), "crm": "theirs"}))
    ]
    assert run("set", "stripe", typed="whsec_new").exit_code == 0
    assert stored(manager) == {"stripe": ["whsec_new", "whsec_old"], "typeform": "t", "crm": "theirs"}


def test_first_secret_that_another_person_sets_meanwhile_is_kept(
    env: Environment, manager: SecretsManager
) -> None:
    manager.texts.clear()
    manager.stages.clear()

    def theirs() -> None:
        manager.stages[SIGNING]["AWSCURRENT"] = manager.put_secret_value(SIGNING, '{"crm": "theirs"}')[
            "VersionId"
        ]

    manager.before_move = [theirs]
    assert run("set", "stripe", typed="whsec_new").exit_code == 0
    assert stored(manager) == {"stripe": "whsec_new", "crm": "theirs"}


def test_endless_changes_of_others_end_in_an_error_that_changes_nothing(
    env: Environment, manager: SecretsManager
) -> None:
    manager.before_move = [lambda: manager.put_secret_value(SIGNING, '{"crm": "x"}')] * 9
    said = run("set", "stripe", typed="whsec_new")
    assert (said.exit_code, "run it again" in said.stderr, stored(manager)) == (1, True, {"crm": "x"})


def test_refusal_that_is_no_conflict_is_not_retried(env: Environment, manager: SecretsManager) -> None:
    def refuse() -> None:
        raise WrongVersion

    manager.before_move = [refuse]
    with pytest.raises(WrongVersion):
        secrets.put(env, "stripe", "whsec_new")
    assert manager.before_move == []


@pytest.mark.parametrize("text", ["crm: x", "[]", '{"crm"'])
def test_text_that_is_no_json_object_is_never_overwritten(
    env: Environment, manager: SecretsManager, text: str
) -> None:
    manager.put_secret_value(SIGNING, text)
    said = run("set", "stripe", typed="whsec_new")
    assert (said.exit_code, "JSON object" in said.stderr, manager.text(SIGNING)) == (1, True, text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "clemta_new"),
        ("clemta_old", "clemta_new"),
        ('{"api_key": "clemta_old", "note": "n"}', '{"api_key": "clemta_new", "note": "n"}'),
        ('{"api_key"', "clemta_new"),
    ],
)
def test_clemtas_key_is_replaced_in_the_form_in_which_it_is_stored(
    env: Environment, manager: SecretsManager, before: str, after: str
) -> None:
    if before:
        manager.put_secret_value(KEY, before)
    said = run("set", secrets.API_KEY, "--json", typed="clemta_new\n")
    assert manager.text(KEY) == after
    expected = "replaced" if "clemta_old" in before else "new"
    assert json.loads(said.stdout)["result"] == expected
    assert (
        json.loads(run("set", secrets.API_KEY, "--json", typed="clemta_new").stdout)["result"] == "unchanged"
    )


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("stripe", " \n", "nothing was given"),
        ("stripe", "a\nb", "one line"),
        ("stripe", "x" * 20_000, "one line"),
        ("clerk", "whsec_?", "base64"),
        ("Stripe", "x", "lower-case"),
        (secrets.API_KEY, "clé", "no API key"),
        (secrets.API_KEY, "two words", "no API key"),
    ],
)
def test_unusable_value_is_refused_and_never_shown(
    env: Environment, manager: SecretsManager, name: str, typed: str, expected: str
) -> None:
    before = manager.text(SIGNING)
    said = run("set", name, typed=typed)
    assert (said.exit_code, expected in said.stderr) == (1, True)
    assert typed.strip() not in said.output or len(typed.strip()) < 2
    assert manager.text(SIGNING) == before


def test_value_is_read_from_a_terminal_without_echo(
    env: Environment, manager: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr(commands, "getpass", lambda prompt: f"typed at {prompt}".replace(" ", "-"))
    assert commands._typed("crm") == "typed-at-crm-(not-shown):-".strip()


def test_no_output_holds_a_value(env: Environment) -> None:
    outputs = [
        run("set", "stripe", typed="whsec_new").output,
        run("list").output,
        run("list", "--json").output,
    ]
    assert not [value for value in ("whsec_new", "whsec_old") for text in outputs if value in text]


def test_secret_that_no_source_uses_is_set_with_a_notice(env: Environment) -> None:
    said = run("set", "typefrom", typed="x")
    assert (said.exit_code, "no source" in said.stderr) == (0, True)


def test_secret_is_set_even_if_the_sources_file_has_a_mistake(
    env: Environment, manager: SecretsManager
) -> None:
    env.sources_file.write_text("[")
    assert run("set", "crm", typed="x").exit_code == 0
    assert stored(manager)["crm"] == "x"


def test_list_names_what_is_missing_malformed_and_unused(env: Environment, manager: SecretsManager) -> None:
    manager.put_secret_value(
        SIGNING,
        json.dumps({"stripe": ["a", "b"], "clerk": "whsec_?", "typeform": "t", "odd": [None, 7, " "]}),
    )
    assert json.loads(run("list", "--json").stdout) == [
        {"name": "CLEMTA_API_KEY", "sources": [], "values": 0, "state": "missing"},
        {"name": "captcha", "sources": ["website"], "values": 0, "state": "missing"},
        {"name": "clerk", "sources": ["people"], "values": 1, "state": "malformed"},
        {"name": "odd", "sources": [], "values": 0, "state": "unused"},
        {"name": "stripe", "sources": ["shop"], "values": 2, "state": "ok"},
        {"name": "typeform", "sources": [], "values": 1, "state": "unused"},
    ]
    assert "captcha" in run("list").stdout


@pytest.mark.parametrize(
    ("text", "key"), [("k ", "k"), ('{"api_key": " k"}', "k"), ('{"api_key": 1}', ""), ("{", ""), ("", "")]
)
def test_key_is_found_in_both_forms(text: str, key: str) -> None:
    assert secrets.key_of(text) == key


def test_dropping_needs_a_readable_secret(env: Environment, manager: SecretsManager) -> None:
    manager.put_secret_value(SIGNING, "x")
    with pytest.raises(OpsError, match="JSON object"):
        secrets.drop_old(env, "stripe")
