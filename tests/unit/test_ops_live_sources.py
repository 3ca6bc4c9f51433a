"""sources push, pull and rollback: versions in the ledger table, and the local stack that serves an edited file."""

import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from clemta_intake.dynamo.pushed_sources import PushedSources
from clemta_intake.dynamo.table import Table
from clemta_intake.live_sources import MAX_AGE, Pushed
from clemta_intake.settings import Settings
from local.served_sources import SourcesWatch, messages_file, served_text
from ops import live_sources
from ops.cli import app
from ops.commands import sources as commands
from ops.commands.session import Session
from ops.doctor.deployment import live_sources as check_live_sources
from ops.environments import Environment, StackLocation
from ops.errors import OpsError
from tests.unit.test_settings_and_deadlines import ENVIRONMENT

WEBSITE = '[sources.website]\nkind = "form"\n'
TURKISH = '[sources.website]\nkind = "form"\ndefault_country = "TR"\n'
NEWS = '[sources.news]\nkind = "form"\n'


class Aws:
    """The two calls of DynamoDB, with their conditions, and the two of Secrets Manager that the watch makes."""

    exceptions = SimpleNamespace(ResourceNotFoundException=KeyError)

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.writes = 0
        self.secret = "{}"

    def get_item(self, **request: Any) -> dict[str, Any]:
        found = self.items.get(request["Key"]["pk"]["S"])
        return {"Item": found} if found else {}

    def transact_write_items(self, TransactItems: list[dict[str, Any]]) -> None:
        puts = [one["Put"] for one in TransactItems]
        if not all(self._holds(put) for put in puts):
            raise ClientError({"Error": {"Code": "TransactionCanceledException"}}, "TransactWriteItems")
        self.items |= {put["Item"]["pk"]["S"]: put["Item"] for put in puts}
        self.writes += 1

    def _holds(self, put: dict[str, Any]) -> bool:
        item = self.items.get(put["Item"]["pk"]["S"])
        match put.get("ConditionExpression"):
            case None:
                return True
            case "attribute_not_exists(pk)":
                return item is None
            case "version = :version AND latest = :latest":
                values = put["ExpressionAttributeValues"]
                return item is not None and all(item[name[1:]] == value for name, value in values.items())
        raise AssertionError(put)

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        return {"SecretString": self.secret}

    def put_secret_value(self, SecretId: str, SecretString: str) -> None:
        self.secret = SecretString


@pytest.fixture
def aws() -> Aws:
    return Aws()


@pytest.fixture
def env(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment on this AWS whose sources file is the project's, which the command selects too."""
    file = tmp_path / "functions" / "sources.toml"
    file.parent.mkdir()
    file.write_text(WEBSITE)
    (tmp_path / "samconfig.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCES_FILE", raising=False)
    one = Environment(StackLocation("s", "eu-central-1", api_url="http://x/v1"), file)
    one.clients = cast(Any, SimpleNamespace(client=lambda _: aws))
    one.__dict__["settings"] = Settings.read(ENVIRONMENT)
    monkeypatch.setattr(Session, "env", one)
    waits: list[float] = []
    monkeypatch.setattr(commands, "time", SimpleNamespace(sleep=waits.append))
    one.__dict__["waits"] = waits
    return one


def run(*arguments: str, typed: str = "") -> Any:
    return CliRunner().invoke(app, ["sources", *arguments, "--env", "staging"], input=typed)


def data(*arguments: str) -> Any:
    said = run(*arguments, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def push(env: Environment, text: str) -> Any:
    env.sources_file.write_text(text)
    return data("push")


def read_by_functions(aws: Aws) -> Pushed:
    return PushedSources(Table(lambda: aws, "ledger")).read()  # type: ignore[arg-type, return-value]


def test_pushed_file_is_what_the_functions_read(env: Environment, aws: Aws) -> None:
    assert push(env, WEBSITE)["version"] == 1
    assert read_by_functions(aws) == Pushed("1", WEBSITE)
    found = push(env, TURKISH + NEWS)
    assert (found["version"], found["sources"]) == (2, ["website", "news"])
    assert (found["changed"], found["added"], found["removed"]) == (["website"], ["news"], [])
    assert read_by_functions(aws) == Pushed("2", TURKISH + NEWS)
    assert env.__dict__["waits"] == [MAX_AGE, MAX_AGE], "a replay that follows must find the version in use"


def test_removed_sources_are_named(env: Environment) -> None:
    push(env, WEBSITE + NEWS)
    env.sources_file.write_text(WEBSITE)
    assert "removed, senders get 404: news" in run("push").stdout


@pytest.mark.parametrize("text", ["[", "", '[sources.website]\nkind = "frm"\n', "\xff"])
def test_file_with_a_mistake_changes_nothing(env: Environment, aws: Aws, text: str) -> None:
    env.sources_file.write_bytes(text.encode("latin-1"))
    said = run("push")
    assert (said.exit_code, aws.items) == (1, {})
    assert said.stderr.startswith("sources.toml:")


def test_missing_or_huge_file_changes_nothing(env: Environment, aws: Aws) -> None:
    assert run("push", "no.toml").exit_code == 1
    env.sources_file.write_text(WEBSITE + "# long\n" * 50_000)
    assert "larger than" in run("push").stderr
    assert aws.items == {}


def test_pushing_the_live_file_again_makes_no_version(env: Environment, aws: Aws) -> None:
    push(env, WEBSITE)
    assert push(env, WEBSITE) == {
        "result": "unchanged",
        "version": 1,
        "sources": ["website"],
        "added": [],
        "changed": [],
        "removed": [],
    }
    assert aws.writes == 1


def test_dry_run_of_a_push_changes_nothing(env: Environment, aws: Aws) -> None:
    assert "would be live as version 1" in run("push", "--dry-run").stdout
    assert aws.items == {}
    push(env, WEBSITE)
    assert "is live already as version 1" in run("push", "--dry-run").stdout
    assert "is live already as version 1" in run("push").stdout


def test_rollback_walks_back_to_the_deployed_file(env: Environment, aws: Aws) -> None:
    for text in (WEBSITE, TURKISH, NEWS):
        push(env, text)
    assert data("rollback")["version"] == 2
    assert read_by_functions(aws) == Pushed("2", TURKISH)
    assert push(env, NEWS + WEBSITE)["version"] == 4, "a number is never used again"
    assert [data("rollback")["version"] for _ in range(3)] == [2, 1, 0]
    assert read_by_functions(aws).version == "0"
    said = run("rollback")
    assert (said.exit_code, "nothing to roll back" in said.stderr) == (1, True)
    assert push(env, WEBSITE)["version"] == 5


def test_rollback_to_a_version_that_this_release_does_not_accept_is_refused(
    env: Environment, aws: Aws
) -> None:
    push(env, WEBSITE)
    push(env, NEWS)
    aws.items["sources#1"]["text"] = {"S": '[sources.website]\nkind = "old"\n'}
    said = run("rollback")
    assert (said.exit_code, "version 1:2" in said.stderr) == (1, True)
    assert read_by_functions(aws) == Pushed("2", NEWS)


@pytest.mark.parametrize("first", [True, False])
def test_push_of_another_person_at_the_same_time_is_not_lost(
    env: Environment, aws: Aws, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    if not first:
        push(env, WEBSITE)
    read = live_sources.live(env)
    live_sources.push(env, NEWS, "theirs.toml")
    monkeypatch.setattr(live_sources, "live", lambda _: read)
    with pytest.raises(OpsError, match="somebody else"):
        live_sources.push(env, TURKISH, "sources.toml")
    assert read_by_functions(aws).text == NEWS


def test_other_error_of_dynamodb_is_not_taken_for_a_conflict(
    env: Environment, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")

    monkeypatch.setattr(aws, "transact_write_items", denied)
    assert "AccessDeniedException" in run("push").stderr


def test_damaged_item_is_reported(env: Environment, aws: Aws) -> None:
    aws.items["sources"] = {"version": {"S": "x"}}
    assert "damaged" in run("push").stderr


def test_push_after_the_live_item_was_deleted_works(env: Environment, aws: Aws) -> None:
    push(env, WEBSITE)
    del aws.items["sources"]
    assert push(env, NEWS)["version"] == 1


def test_pull_writes_the_live_version_and_asks_before_it_overwrites(env: Environment) -> None:
    assert run("pull").exit_code == 1, "nothing was pushed"
    push(env, TURKISH)
    assert data("pull")["version"] == 1, "the file is the same: nobody is asked"
    env.sources_file.write_text(NEWS)
    assert run("pull", typed="n\n").exit_code == 1
    assert env.sources_file.read_text() == NEWS
    assert run("pull", typed="y\n").exit_code == 0
    assert env.sources_file.read_text() == TURKISH
    env.sources_file.write_text(NEWS)
    assert run("pull", "--yes").exit_code == 0
    assert env.sources_file.read_text() == TURKISH


def test_pull_prints_or_writes_a_former_version(env: Environment, tmp_path: Path) -> None:
    push(env, TURKISH)
    push(env, NEWS)
    assert run("pull", "-", "--version", "1").stdout == TURKISH
    assert run("pull", "-").stdout == NEWS
    assert run("pull", "old.toml", "--version", "1").exit_code == 0
    assert (tmp_path / "old.toml").read_text() == TURKISH
    said = run("pull", "-", "--version", "9")
    assert (said.exit_code, "the newest one is 2" in said.stderr) == (1, True)


def test_text_is_kept_byte_for_byte(env: Environment, aws: Aws) -> None:
    text = WEBSITE.replace("\n", "\r\n") + "# é ✓\r\n"
    env.sources_file.write_bytes(text.encode())
    data("push")
    assert read_by_functions(aws).text == text
    env.sources_file.write_text("")
    run("pull", "--yes")
    assert env.sources_file.read_bytes() == text.encode()


def test_list_says_what_is_in_use(env: Environment) -> None:
    assert "the deployed file" in run("list").stdout
    push(env, WEBSITE)
    assert "in use: version 1" in run("list").stdout


def test_doctor_compares_the_live_version_with_the_file(env: Environment) -> None:
    [check] = check_live_sources(env)
    assert (check.state, check.says) == ("ok", "the deployed file")
    push(env, WEBSITE)
    [check] = check_live_sources(env)
    assert (check.state, check.says.endswith("is sources.toml")) == ("ok", True)
    env.sources_file.write_text(NEWS)
    [check] = check_live_sources(env)
    assert (check.state, "differs" in check.says, "sources push" in check.do) == ("note", True, True)


def test_local_stack_keeps_a_copy_of_what_it_serves(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / ".local"
    state.mkdir()
    (state / "deployed.toml").write_text(NEWS)
    (state / "sources.toml").write_text(NEWS)
    for arguments, expected in ((["push"], WEBSITE), (["rollback"], NEWS)):
        assert CliRunner().invoke(app, ["sources", *arguments]).exit_code == 0
        assert (state / "sources.toml").read_text() == expected


class Served:
    """The watch of a local stack over one file."""

    def __init__(self, env: Environment, folder: Path, deployed: str) -> None:
        self.folder = folder
        (folder / "logs").mkdir(parents=True)
        for name in ("deployed.toml", "sources.toml"):
            (folder / name).write_text(deployed)
        self.changes = 0
        self.watch = SourcesWatch(env.sources_file, folder / "sources.toml", lambda: env, self.changed)

    def changed(self) -> None:
        self.changes += 1

    @property
    def said(self) -> str:
        file = messages_file(self.folder)
        return file.read_text() if file.exists() else ""


def test_edited_file_is_served_and_its_secrets_are_added(env: Environment, aws: Aws, tmp_path: Path) -> None:
    served = Served(env, tmp_path / "state", WEBSITE)
    served.watch.look()
    assert aws.items == {}, "the deployed file is in use already"
    crm = '[sources.shop]\nkind = "stripe"\nsecret = "shop"\n'
    env.sources_file.write_text(crm)
    served.watch.look()
    served.watch.look()
    assert read_by_functions(aws) == Pushed("1", crm)
    assert "shop" in json.loads(aws.secret)
    assert served.said == "sources.toml is live as version 1, at the same address\n"
    assert (served.folder / "sources.toml").read_text() == crm
    env.sources_file.write_text(WEBSITE)
    served.watch.look()
    assert read_by_functions(aws) == Pushed("2", WEBSITE)
    assert served.changes == 2


@pytest.mark.parametrize("text", ["[", '[sources.website]\nkind = "frm"\n'])
def test_edited_file_with_a_mistake_is_reported_once_and_not_served(
    env: Environment, aws: Aws, tmp_path: Path, text: str
) -> None:
    served = Served(env, tmp_path / "state", WEBSITE)
    env.sources_file.write_text(text)
    served.watch.look()
    served.watch.look()
    assert aws.items == {}
    assert served.said.startswith("sources.toml:")
    assert served.said.count("has mistakes") == 1
    env.sources_file.write_text(TURKISH)
    served.watch.look()
    assert read_by_functions(aws).text == TURKISH


def test_version_that_somebody_pushed_by_hand_stays_until_the_file_changes(
    env: Environment, aws: Aws, tmp_path: Path
) -> None:
    served = Served(env, tmp_path / "state", WEBSITE)
    served.watch.look()
    live_sources.push(env, NEWS, "other.toml")
    (served.folder / "sources.toml").write_text(NEWS)
    served.watch.look()
    assert read_by_functions(aws).text == NEWS
    env.sources_file.write_text(TURKISH)
    served.watch.look()
    live_sources.push(env, NEWS, "other.toml")
    (served.folder / "sources.toml").write_text(NEWS)
    served.watch.look()
    assert read_by_functions(aws).text == NEWS


def test_watch_survives_a_stack_that_is_not_up(
    env: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()
    answers: list[type[BaseException]] = [FileNotFoundError, OpsError, FileNotFoundError]

    def missing() -> Environment:
        if answers:
            raise answers.pop()
        ended.set()
        threading.Event().wait()  # until the process ends
        raise AssertionError

    monkeypatch.setattr("local.served_sources.POLL_SECONDS", 0.001)
    SourcesWatch(env.sources_file, tmp_path / "sources.toml", missing, lambda: None).start()
    assert ended.wait(10)


def test_projects_own_file_is_served_with_every_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(WEBSITE)
    monkeypatch.setattr("local.served_sources.SOURCES", file)
    assert "[sources.typeform]" in served_text(None)
    assert served_text(file) == WEBSITE
    file.write_text("[")
    assert served_text(None) == "["
